namespace IpVlanWin.Devices.Memory;

/// <summary>
/// Frames on their way from one thread to another: a ring of slots over a ring of bytes, both of fixed length.
/// One thread appends, one takes; neither waits. A frame that finds no slot or not enough bytes is refused, those inside stay.
/// </summary>
/// <typeparam name="TMark">What travels beside each frame.</typeparam>
internal sealed class FrameRing<TMark>
    where TMark : struct
{
    /// <summary>Fewest bytes of a ring: with twice the longest frame, the bytes left unused at the ring's end never keep a frame out of an empty ring.</summary>
    public const int MinBytes = 2 * FrameBatch.MaxFrameLength;

    private readonly Slot[] _slots;
    private readonly byte[] _bytes;

    // The appending thread's. Bytes are counted from the ring's making and never wrap; their place is the remainder.
    private long _appended;
    private long _writtenEnd;
    private int _tail;

    // The taking thread's; it frees the bytes before it gives the slot back.
    private long _released;
    private long _freedEnd;
    private int _head;

    public FrameRing(int frames, int bytes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(frames, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(bytes, MinBytes);
        _slots = new Slot[frames];
        _bytes = GC.AllocateUninitializedArray<byte>(bytes);
    }

    /// <summary>Frames inside: exact for a caller while the other side rests, else a moment's value.</summary>
    public int Count => (int)(Volatile.Read(ref _appended) - Volatile.Read(ref _released));

    /// <summary>Copies a frame in. False: the ring is full. Appending thread only.</summary>
    public bool TryAppend(ReadOnlySpan<byte> frame, in TMark mark)
    {
        if (_appended - Volatile.Read(ref _released) == _slots.Length)
            return false;
        var start = (int)(_writtenEnd % _bytes.Length);
        var unused = start + frame.Length > _bytes.Length ? _bytes.Length - start : 0;
        var end = _writtenEnd + unused + frame.Length;
        if (end - Volatile.Read(ref _freedEnd) > _bytes.Length)
            return false;
        if (unused > 0)
            start = 0;
        frame.CopyTo(_bytes.AsSpan(start));
        _slots[_tail] = new Slot(start, frame.Length, end, mark);
        _tail = _tail + 1 == _slots.Length ? 0 : _tail + 1;
        _writtenEnd = end;
        Volatile.Write(ref _appended, _appended + 1);
        return true;
    }

    /// <summary>The oldest frame, which stays inside until <see cref="Release"/>. Taking thread only.</summary>
    public bool TryPeek(out ReadOnlySpan<byte> frame, out TMark mark)
    {
        if (_released == Volatile.Read(ref _appended))
        {
            frame = default;
            mark = default;
            return false;
        }
        ref readonly var slot = ref _slots[_head];
        frame = _bytes.AsSpan(slot.Start, slot.Length);
        mark = slot.Mark;
        return true;
    }

    /// <summary>Gives up the oldest frame. Only after <see cref="TryPeek"/> was true. Taking thread only.</summary>
    public void Release()
    {
        Volatile.Write(ref _freedEnd, _slots[_head].End);
        _head = _head + 1 == _slots.Length ? 0 : _head + 1;
        Volatile.Write(ref _released, _released + 1);
    }

    private readonly struct Slot(int start, int length, long end, TMark mark)
    {
        public readonly int Start = start;
        public readonly int Length = length;
        public readonly long End = end;
        public readonly TMark Mark = mark;
    }
}
