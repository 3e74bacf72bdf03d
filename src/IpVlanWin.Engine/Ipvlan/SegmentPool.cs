using System.Collections.Concurrent;
using System.Runtime.InteropServices;

namespace IpVlanWin.Engine.Ipvlan;

/// <summary>What the writer keeps about a segment, behind its lines.</summary>
internal struct SegmentHead
{
    /// <summary>Bits of the hash that all its addresses share.</summary>
    public int Depth;

    /// <summary>Places that are not empty.</summary>
    public int Taken;

    /// <summary>Places that hold an address.</summary>
    public int Live;
}

/// <summary>
/// Memory for segments, in blocks that grow to the size of a large page: with a million addresses the processor would else spend more time
/// on finding the page of an address than on the address. One thread takes; any may give back. The memory goes with the pool.
/// </summary>
internal sealed unsafe class SegmentPool
{
    public const int LineLength = 64;
    public const int LineBits = 7;
    public const int LinesLength = LineLength << LineBits;

    // Lines come in pairs, so segments are aligned to two.
    private const int SegmentLength = LinesLength + (2 * LineLength);
    private const int LargePage = 2 << 20;

    private readonly ConcurrentStack<nint> _free = [];
    private readonly List<nint> _blocks = [];
    private byte* _next;
    private int _left;
    private int _blockLength = SegmentLength;

    /// <summary>Memory taken from the system.</summary>
    public long Bytes { get; private set; }

    /// <summary>A segment of empty places.</summary>
    public byte* Take(int depth)
    {
        var segment = _free.TryPop(out var used) ? (byte*)used : TakeNew();
        NativeMemory.Clear(segment, SegmentLength);
        HeadOf(segment)->Depth = depth;
        return segment;
    }

    /// <summary>Nobody reads it any more.</summary>
    public void GiveBack(nint segment) => _free.Push(segment);

    public static SegmentHead* HeadOf(byte* segment) => (SegmentHead*)(segment + LinesLength);

    ~SegmentPool()
    {
        foreach (var block in _blocks)
            NativeMemory.AlignedFree((void*)block);
    }

    private byte* TakeNew()
    {
        if (_left < SegmentLength)
        {
            var isLarge = _blockLength == LargePage;
            _next = (byte*)NativeMemory.AlignedAlloc((nuint)_blockLength, isLarge ? LargePage : (nuint)(2 * LineLength));
            _blocks.Add((nint)_next);
            _left = _blockLength;
            Bytes += _blockLength;
            if (isLarge)
                LargePages.Advise(_next, LargePage);
            // Twice as many as there are.
            _blockLength = Math.Min(2 * _blockLength, LargePage);
        }
        var segment = _next;
        _next += SegmentLength;
        _left -= SegmentLength;
        return segment;
    }
}
