using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace IpVlanWin.Engine.Ipvlan;

/// <summary>What frames look at and count on: one cache line. With many interfaces these are most of what a decision costs.</summary>
[StructLayout(LayoutKind.Sequential, Size = StateLines.LineLength)]
internal struct InterfaceState
{
    public volatile int IpMtu;

    /// <summary>Longest frame that it takes (38), by its MTU; 0 while it is down.</summary>
    public volatile int Limit;
    public long RxPackets;
    public long RxBytes;
    public long TxPackets;
    public long TxBytes;
    public long Multicast;
    public long RxErrors;
    public long TxDropped;

    public readonly bool IsUp
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Limit != 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void CountSent(int bytes)
    {
        TxPackets++;
        TxBytes += bytes;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void CountReceived(int bytes)
    {
        RxPackets++;
        RxBytes += bytes;
    }
}

/// <summary>
/// Gives out lines for states, side by side in pinned blocks, so that many fit few pages. A line is its interface's for ever: counters of one that
/// is gone can still be read. Under the port's lock.
/// </summary>
internal sealed unsafe class StateLines
{
    /// <summary>Bytes of a cache line.</summary>
    public const int LineLength = 64;

    private const int LinesPerBlock = 64;

    private byte[] _block = [];
    private int _left;

    /// <summary>A line of zeros that is never given back.</summary>
    public static InterfaceState* TakeForGood()
    {
        var line = NativeMemory.AlignedAlloc(LineLength, LineLength);
        NativeMemory.Clear(line, LineLength);
        return (InterfaceState*)line;
    }

    /// <summary>A line of zeros.</summary>
    /// <param name="block">The memory it lies in, which lives as long as this is held.</param>
    public InterfaceState* Take(out byte[] block)
    {
        if (_left == 0)
            (_block, _left) = (GC.AllocateArray<byte>((LinesPerBlock + 1) * LineLength, pinned: true), LinesPerBlock);
        block = _block;
        var start = (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(block));
        return (InterfaceState*)(start + (-(nint)start & (LineLength - 1)) + ((LinesPerBlock - _left--) * LineLength));
    }
}
