using System.Numerics;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Engine.Ipvlan;

/// <summary>
/// Frames that wait to be flooded: at most <see cref="Capacity"/>, in order; a frame that finds it full is not taken (semantics 57).
/// ipvlan_multicast_enqueue and ipvlan_process_multicast in the Linux driver. One thread at a time.
/// </summary>
/// <param name="headroom">Bytes of scratch kept before each frame.</param>
public sealed class Backlog(int headroom)
{
    /// <summary>Most frames.</summary>
    public const int Capacity = 1000;

    private const int LeastBuffer = 2048;

    // Buffers stay with their slots and grow to what came by, so that a steady flow allocates nothing.
    private readonly Slot[] _slots = new Slot[Capacity];
    private int _first;

    /// <summary>Frames that wait.</summary>
    public int Count { get; private set; }

    /// <summary>The sender of the first frame, who gets no copy; null for a frame received on the master.</summary>
    public VirtualInterface? Sender => _slots[_first].Sender;

    /// <summary>What is unfinished about the first frame.</summary>
    public ref readonly FrameOffload Offload => ref _slots[_first].Offload;

    /// <summary>The first frame, behind the headroom.</summary>
    public Span<byte> Buffer => _slots[_first].Bytes.AsSpan(0, _slots[_first].Length);

    /// <summary>Where the flooding of the first frame stands; starts at 0.</summary>
    public ref int Cursor => ref _slots[_first].Cursor;

    /// <summary>Copies a frame to the end. Returns false where the backlog is full.</summary>
    public bool TryAdd(ReadOnlySpan<byte> frame, in FrameOffload offload, VirtualInterface? sender)
    {
        if (Count == Capacity)
            return false;
        ref var slot = ref _slots[(_first + Count) % Capacity];
        slot.Length = headroom + frame.Length;
        if (slot.Bytes is null || slot.Bytes.Length < slot.Length)
            slot.Bytes = new byte[Math.Max(LeastBuffer, BitOperations.RoundUpToPowerOf2((uint)slot.Length))];
        frame.CopyTo(slot.Bytes.AsSpan(headroom));
        slot.Offload = offload;
        slot.Sender = sender;
        slot.Cursor = 0;
        Count++;
        return true;
    }

    /// <summary>Takes the first frame out.</summary>
    public void RemoveFirst()
    {
        if (Count == 0)
            throw new InvalidOperationException("the backlog is empty");
        _slots[_first].Sender = null;
        _first = (_first + 1) % Capacity;
        Count--;
    }

    private struct Slot
    {
        public byte[] Bytes;
        public int Length;
        public int Cursor;
        public FrameOffload Offload;
        public VirtualInterface? Sender;
    }
}
