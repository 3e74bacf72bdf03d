using System.Text;
using IpVlanWin.Service.Observe;

namespace IpVlanWin.Service.Control;

/// <summary>What a connection remembers between its requests. Used by one thread at a time.</summary>
/// <param name="access">What its client may do.</param>
internal sealed class Session(Access access) : IDisposable
{
    private readonly StringBuilder _import = new();
    private ImportRoom? _room;

    /// <summary>What its client may do.</summary>
    public Access Access { get; } = access;

    /// <summary>The document that is being exported, so that all its pieces are of one moment.</summary>
    public string? Export { get; set; }

    /// <summary>What the client is told from the next answer on; null for nothing.</summary>
    public Subscription? Subscription { get; set; }

    /// <summary>Done when the connection has ended, last first.</summary>
    public Stack<Action> AtEnd { get; } = [];

    /// <summary>It is told or given something without asking (a subscription, a capture): its silence is no sign that it is gone. Any thread may ask.</summary>
    public bool IsListening => AtEnd.Count > 0;

    /// <summary>Adds a piece to the document that is being imported. False where there is no room; then all of it is forgotten.</summary>
    public bool TryImport(string piece, ImportRoom room)
    {
        if (!room.TryTake(piece.Length))
        {
            ForgetImport();
            return false;
        }
        _room = room;
        _import.Append(piece);
        return true;
    }

    /// <summary>The document, which is forgotten here.</summary>
    public string TakeImport()
    {
        var text = _import.ToString();
        ForgetImport();
        return text;
    }

    /// <summary>Gives its memory back.</summary>
    public void ForgetImport()
    {
        _room?.GiveBack(_import.Length);
        _import.Clear();
        _import.Capacity = 0;
    }

    public void Dispose() => ForgetImport();
}

/// <summary>How much of documents that are being imported all sessions may hold at once. Any thread may ask.</summary>
internal sealed class ImportRoom
{
    /// <summary>In characters: some 200,000 interfaces with three addresses each.</summary>
    public const int Most = 64 << 20;

    private long _taken;

    public bool TryTake(int characters)
    {
        if (Interlocked.Add(ref _taken, characters) <= Most)
            return true;
        Interlocked.Add(ref _taken, -characters);
        return false;
    }

    public void GiveBack(int characters) => Interlocked.Add(ref _taken, -characters);
}
