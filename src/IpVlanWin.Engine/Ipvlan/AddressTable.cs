using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace IpVlanWin.Engine.Ipvlan;

/// <summary>
/// Address -> number, by extendible hashing: a directory of segments, each of 128 cache lines with several addresses; a look-up reads the
/// directory and, almost always, one line. Readers never wait and see each address either there or not. One writer at a time (the port's
/// lock). A change touches one segment, so its cost does not grow with the number of addresses.
/// </summary>
/// <remarks>
/// What keeps readers safe: a slot goes from empty to full in place, its number last (release), and from full to <see cref="Gone"/> and back
/// with its key unchanged; every other change builds a new segment and publishes it by one reference. Slots of a line fill in order.
/// Segments are pinned, so that lines stay where processors have theirs; in what is left before the first line stands nothing.
/// </remarks>
internal sealed unsafe partial class AddressTable<TKey>
    where TKey : unmanaged, IAddressKey<TKey>
{
    /// <summary>The line is full and does not have it.</summary>
    public const int Further = int.MinValue;

    private const int Empty = 0;
    private const int Gone = -1;

    private const int LineLength = 64;

    // Of the hash, the uppermost bits choose the line and those below them the segment.
    private const int LineBits = 7;
    private const int Lines = 1 << LineBits;
    private const int SegmentShift = 32;
    private const int MaxDepth = 64 - SegmentShift - LineBits;

    private readonly ulong _seed;

    // A segment: its lines, and behind them one with two numbers of its own (Usage).
    private byte[][] _directory = [NewSegment()];
    private byte[] _depths = [0];

    public AddressTable(ulong seed) => _seed = seed;

    /// <summary>Addresses in the table.</summary>
    public int Count { get; private set; }

    /// <summary>The number kept for an address; 0 or less where there is none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Find(TKey key)
    {
        var hash = key.Hash(_seed);
        ref var first = ref FirstLine(Segment(hash));
        var value = FindIn(ref LineOf(ref first, hash), key);
        return value != Further ? value : FindFurther(key, ref first, LineIndex(hash));
    }

    /// <summary>As <see cref="Find"/>, but looks into the one line where nearly all addresses are; <see cref="Further"/> where only others can tell. Calls nothing.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int FindNear(TKey key)
    {
        var hash = key.Hash(_seed);
        return FindIn(ref LineOf(ref FirstLine(Segment(hash)), hash), key);
    }

    /// <summary>Has the processor bring the line that <see cref="Find"/> will read. Does nothing where there is no instruction for it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Prefetch(TKey key)
    {
        var hash = key.Hash(_seed);
        if (Sse.IsSupported)
            Sse.Prefetch0(Unsafe.AsPointer(ref LineOf(ref FirstLine(Segment(hash)), hash)));
    }

    /// <summary>The lines after the first full one, round the segment.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int FindFurther(TKey key, ref byte first, int index)
    {
        for (; ; )
        {
            index = (index + 1) & (Lines - 1);
            var value = FindIn(ref Unsafe.Add(ref first, index * LineLength), key);
            if (value != Further)
                return value;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int FindIn(ref byte line, TKey key)
    {
        var value = key.FindIn(ref line);
        return value != Empty || Volatile.Read(ref ValueAt(ref line, TKey.PerLine - 1)) == Empty ? value : Further;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int SegmentIndex(ulong hash, int segments) => (int)(hash >> SegmentShift) & (segments - 1);

    private static int LineIndex(ulong hash) => (int)(hash >> (64 - LineBits));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ref byte LineOf(ref byte first, ulong hash) => ref Unsafe.Add(ref first, (nint)(hash >> (64 - LineBits)) * LineLength);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private byte[] Segment(ulong hash)
    {
        var directory = _directory;
        // The directory's length is a power of two, so the index cannot be out of range; nor can a line's, of LineBits bits.
        return Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(directory), (nint)(uint)SegmentIndex(hash, directory.Length));
    }

    /// <summary>The first byte in the segment that begins a cache line.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ref byte FirstLine(byte[] segment)
    {
        ref var start = ref MemoryMarshal.GetArrayDataReference(segment);
        return ref Unsafe.Add(ref start, -(nint)Unsafe.AsPointer(ref start) & (LineLength - 1));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ref int ValueAt(ref byte line, int slot) => ref Unsafe.As<byte, int>(ref Unsafe.Add(ref line, TKey.Layout.Values + (slot * sizeof(int))));
}
