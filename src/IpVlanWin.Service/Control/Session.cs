using System.Text;
using IpVlanWin.Service.Observe;

namespace IpVlanWin.Service.Control;

/// <summary>What a connection remembers between its requests. Used by one thread at a time.</summary>
/// <param name="access">What its client may do.</param>
internal sealed class Session(Access access)
{
    /// <summary>Longest document that is taken, in characters.</summary>
    public const int MaxImport = 64 << 20;

    /// <summary>What its client may do.</summary>
    public Access Access { get; } = access;

    /// <summary>The document that is being exported, so that all its pieces are of one moment.</summary>
    public string? Export { get; set; }

    /// <summary>The pieces of a document that is being imported.</summary>
    public StringBuilder Import { get; } = new();

    /// <summary>What the client is told from the next answer on; null for nothing.</summary>
    public Subscription? Subscription { get; set; }

    /// <summary>Done when the connection has ended, last first.</summary>
    public Stack<Action> AtEnd { get; } = [];
}
