using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Engine.Neighbor;

/// <summary>A routed frame that waits for its next hop's MAC.</summary>
/// <param name="Buffer">The frame, but for its destination MAC, behind the headroom.</param>
/// <param name="Offload">What is unfinished about it.</param>
/// <param name="NeedsFragmenting">Longer than the master's MTU and may be fragmented.</param>
/// <param name="Sender">The interface that sent it.</param>
public readonly record struct PendingPacket(byte[] Buffer, FrameOffload Offload, bool NeedsFragmenting, VirtualInterface Sender);

/// <summary>
/// Packets that wait for a neighbor (RFC 1122 section 2.3.2.2, RFC 4861 section 7.2.2): at most <see cref="PerNeighbor"/> and
/// <see cref="BytesPerNeighbor"/> each and <see cref="Neighbors"/> neighbors; one that finds no room is not taken. One thread at a time.
/// </summary>
/// <param name="headroom">Bytes of scratch kept before each frame.</param>
public sealed class PendingPackets(int headroom)
{
    /// <summary>Most packets that wait for one neighbor.</summary>
    public const int PerNeighbor = 64;

    /// <summary>Most bytes of frames that wait for one neighbor: four of the longest, or <see cref="PerNeighbor"/> of the usual ones.</summary>
    public const int BytesPerNeighbor = 256 * 1024;

    /// <summary>Most neighbors that are waited for.</summary>
    public const int Neighbors = 256;

    private readonly Dictionary<L3Address, Waiting> _waiting = [];

    /// <summary>How long a neighbor is waited for: three solicitations a second apart (RFC 4861 section 10).</summary>
    public static TimeSpan Patience { get; } = TimeSpan.FromSeconds(3);

    /// <summary>Neighbors that are waited for.</summary>
    public int Count => _waiting.Count;

    /// <summary><see cref="TryAdd"/> would take a frame of so many bytes.</summary>
    public bool HasRoom(L3Address neighbor, int frameLength) => _waiting.TryGetValue(neighbor, out var waiting)
        ? waiting.Packets.Count < PerNeighbor && waiting.Bytes + frameLength <= BytesPerNeighbor
        : _waiting.Count < Neighbors;

    /// <summary>Copies a frame into the queue of its neighbor. Returns false where there is no room.</summary>
    /// <param name="neighbor">Whose MAC is missing.</param>
    /// <param name="frame">The frame.</param>
    /// <param name="offload">What is unfinished about it.</param>
    /// <param name="needsFragmenting">Longer than the master's MTU and may be fragmented.</param>
    /// <param name="sender">The interface that sent it.</param>
    /// <param name="now">Time on the clock of <see cref="TakeExpired"/>.</param>
    /// <param name="isFirst">It is the first that waits for this neighbor: have it resolved.</param>
    public bool TryAdd(L3Address neighbor, ReadOnlySpan<byte> frame, in FrameOffload offload, bool needsFragmenting, VirtualInterface sender, TimeSpan now, out bool isFirst)
    {
        isFirst = !_waiting.TryGetValue(neighbor, out var waiting);
        if (waiting is null)
        {
            if (_waiting.Count == Neighbors)
                return false;
            _waiting[neighbor] = waiting = new Waiting(now + Patience);
        }
        if (waiting.Packets.Count == PerNeighbor || waiting.Bytes + frame.Length > BytesPerNeighbor)
            return false;
        waiting.Bytes += frame.Length;
        var buffer = new byte[headroom + frame.Length];
        frame.CopyTo(buffer.AsSpan(headroom));
        waiting.Packets.Add(new PendingPacket(buffer, offload, needsFragmenting, sender));
        return true;
    }

    /// <summary>Takes out all that wait for a neighbor, in order.</summary>
    public IReadOnlyList<PendingPacket> Take(L3Address neighbor) => _waiting.Remove(neighbor, out var waiting) ? waiting.Packets : [];

    /// <summary>Takes out all that have waited too long.</summary>
    public IReadOnlyList<PendingPacket> TakeExpired(TimeSpan now)
    {
        if (_waiting.Count == 0)
            return [];
        var expired = new List<PendingPacket>();
        foreach (var (neighbor, waiting) in _waiting)
        {
            if (waiting.Until <= now && _waiting.Remove(neighbor))
                expired.AddRange(waiting.Packets);
        }
        return expired;
    }

    private sealed class Waiting(TimeSpan until)
    {
        public List<PendingPacket> Packets { get; } = [];

        public TimeSpan Until { get; } = until;

        public int Bytes { get; set; }
    }
}
