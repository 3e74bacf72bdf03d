using System.Runtime.InteropServices;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Devices;

/// <summary>
/// Frames of one turn, back to back in one block of native memory, each behind <see cref="Headroom"/> bytes of scratch room.
/// Not safe for two threads at once.
/// </summary>
public sealed unsafe class FrameBatch : IDisposable
{
    /// <summary>Scratch bytes before each frame, for the device it is sent to: enough for a 10-byte offload header.</summary>
    public const int Headroom = 32;

    /// <summary>
    /// Where a received frame is written in <see cref="Next"/>: behind the headroom and room for two VLAN tags to be put back. The odd
    /// place lets what follows the 66 bytes of Ethernet, IPv4 and TCP header with time stamps begin on a multiple of 16 bytes: kernels
    /// copy it faster there.
    /// </summary>
    public const int FrameStart = Headroom + 14;

    /// <summary>Longest frame that fits a slot: a 65,535-byte IP packet, its Ethernet header and two VLAN tags, rounded up.</summary>
    public const int MaxFrameLength = 65_536 + 64;

    private const int SlotAlignment = 64;

    private readonly Slot[] _slots;
    private readonly int _arenaLength;
    private byte* _arena;
    private int _used;

    /// <summary>A batch of at most <paramref name="frames"/> frames.</summary>
    /// <param name="frames">Most frames in the batch.</param>
    /// <param name="arenaLength">Bytes of memory; at least one longest frame. A batch is full when no longest frame fits any more.</param>
    /// <exception cref="ArgumentOutOfRangeException">No frame would fit.</exception>
    public FrameBatch(int frames = 64, int arenaLength = 256 * 1024)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(frames, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(arenaLength, FrameStart + MaxFrameLength);
        _slots = new Slot[frames];
        _arenaLength = arenaLength;
        _arena = (byte*)NativeMemory.AlignedAlloc((nuint)arenaLength, SlotAlignment);
    }

    /// <summary>Most frames in the batch.</summary>
    public int Capacity => _slots.Length;

    /// <summary>Frames in the batch.</summary>
    public int Count { get; private set; }

    /// <summary>No further frame can be appended.</summary>
    public bool IsFull => Count == _slots.Length || _arenaLength - _used < FrameStart + MaxFrameLength;

    /// <summary>Room for the next frame: <see cref="FrameStart"/> bytes, then <see cref="MaxFrameLength"/>. Only while not <see cref="IsFull"/>.</summary>
    public Span<byte> Next
    {
        get
        {
            ObjectDisposedException.ThrowIf(_arena == null, this);
            return IsFull
                ? throw new InvalidOperationException("the batch is full")
                : new Span<byte>(_arena + _used, FrameStart + MaxFrameLength);
        }
    }

    /// <summary>Takes what was written to <see cref="Next"/> into the batch.</summary>
    /// <param name="length">Bytes of the frame.</param>
    /// <param name="offload">What is unfinished about it.</param>
    /// <param name="start">Where the frame begins in <see cref="Next"/>; less than <see cref="FrameStart"/> where bytes were put before it.</param>
    /// <exception cref="ArgumentOutOfRangeException">The frame would not lie within <see cref="Next"/>.</exception>
    public void Append(int length, in FrameOffload offload = default, int start = FrameStart)
    {
        ObjectDisposedException.ThrowIf(_arena == null, this);
        ArgumentOutOfRangeException.ThrowIfLessThan(start, Headroom);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start, FrameStart);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, MaxFrameLength);
        if (IsFull)
            throw new InvalidOperationException("the batch is full");
        _slots[Count++] = new Slot(_used + start, length, offload);
        _used = (_used + start + length + SlotAlignment - 1) & ~(SlotAlignment - 1);
    }

    /// <summary>Copies a frame in.</summary>
    public void Append(ReadOnlySpan<byte> frame, in FrameOffload offload = default)
    {
        frame.CopyTo(Next[FrameStart..]);
        Append(frame.Length, offload);
    }

    /// <summary>The frame's bytes.</summary>
    public Span<byte> Frame(int index) => new(_arena + Checked(index).Start, _slots[index].Length);

    /// <summary>The frames' bytes, while none is appended or cleared.</summary>
    public FrameList Frames => new(this);

    /// <summary>The frame's bytes behind <see cref="Headroom"/> bytes of scratch, as <see cref="IFrameDevice.Send"/> wants them.</summary>
    public Span<byte> Buffer(int index)
    {
        ref readonly var slot = ref Checked(index);
        return new Span<byte>(_arena + slot.Start - Headroom, slot.Length + Headroom);
    }

    /// <summary>What is unfinished about the frame.</summary>
    public ref readonly FrameOffload Offload(int index) => ref Checked(index).Offload;

    /// <summary>Empties the batch.</summary>
    public void Clear() => (Count, _used) = (0, 0);

    /// <inheritdoc/>
    public void Dispose()
    {
        NativeMemory.AlignedFree(_arena);
        _arena = null;
        Count = 0;
    }

    private ref readonly Slot Checked(int index)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Count, nameof(index));
        return ref _slots[index];
    }

    /// <summary>The frames' bytes.</summary>
    public readonly ref struct FrameList : IFrameList
    {
        private readonly byte* _arena;
        private readonly ReadOnlySpan<Slot> _slots;

        internal FrameList(FrameBatch batch)
        {
            _arena = batch._arena;
            _slots = batch._slots.AsSpan(0, batch.Count);
        }

        /// <inheritdoc/>
        public int Count => _slots.Length;

        /// <inheritdoc/>
        public ReadOnlySpan<byte> this[int index]
        {
            get
            {
                ref readonly var slot = ref _slots[index];
                return MemoryMarshal.CreateReadOnlySpan(ref _arena[slot.Start], slot.Length);
            }
        }
    }

    private readonly struct Slot(int start, int length, FrameOffload offload)
    {
        public readonly int Start = start;
        public readonly int Length = length;
        public readonly FrameOffload Offload = offload;
    }
}
