using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace IpVlanWin.Engine.Ipvlan;

/// <summary>
/// Address -> number, by extendible hashing: a directory of segments of one size, each of cache lines that hold several addresses. Almost every
/// address lies in the line that its hash names, else in one of those behind it. Readers never wait and see each address either there or not.
/// One writer at a time (the port's lock). A change touches one segment, so its cost does not grow with the number of addresses.
/// </summary>
/// <remarks>
/// What keeps readers safe: a place goes from empty to full once, its key first and its number last (release), and its number from there
/// to <see cref="Gone"/> and back. Every other change builds a new segment and publishes it by a new <see cref="SegmentDirectory"/>; the old
/// segment is used again when nobody can hold a directory any more that names it.
/// </remarks>
internal sealed unsafe partial class AddressTable<TKey>
    where TKey : unmanaged, IAddressKey<TKey>
{
    private const int Empty = 0;
    private const int Gone = -1;

    // Of the hash, the uppermost bits choose the line and those below them the segment.
    private const int SegmentShift = 32;
    private const int MaxDepth = 64 - SegmentShift - SegmentPool.LineBits;

    private readonly ulong _seed;
    private SegmentDirectory _directory;

    public AddressTable(ulong seed)
    {
        _seed = seed;
        _directory = SegmentDirectory.New();
    }

    /// <summary>Addresses in the table.</summary>
    public int Count { get; private set; }

    public long MemoryBytes => _directory.PoolBytes;

    /// <summary>The number kept for an address; 0 or less where there is none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Find(in TKey key) => Find(key, key.Hash(_seed));

    /// <summary>The same, its hash being known. Of the hash only the upper 32 bits matter.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Find(in TKey key, ulong hash)
    {
        var directory = _directory;
        var segment = SegmentOf(directory, hash);
        var line = segment + LineOffset(hash);
        var match = key.MatchIn(line);
        var number = match != 0 ? NumbersOf(line)[TKey.PlaceOf(match)] : IsFull(line) ? FindBeyond(key, segment, hash) : Empty;
        // Holds the directory, and it the segment.
        GC.KeepAlive(directory);
        return number;
    }

    /// <summary>The hash of a key. Has the processor bring what <see cref="Find(in TKey, ulong)"/> will read first, where it has an instruction for it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Probe(in TKey key)
    {
        var hash = key.Hash(_seed);
        if (Sse.IsSupported)
            Sse.Prefetch0(SegmentOf(_directory, hash) + LineOffset(hash));
        return hash;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int FindBeyond(TKey key, byte* segment, ulong hash)
    {
        for (var offset = LineOffset(hash); ;)
        {
            offset = NextLine(offset);
            var line = segment + offset;
            var match = key.MatchIn(line);
            if (match != 0)
                return NumbersOf(line)[TKey.PlaceOf(match)];
            if (!IsFull(line))
                return Empty;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte* SegmentOf(SegmentDirectory directory, ulong hash)
    {
        // Their number is a power of two, so the index is never out of range.
        var segments = directory.Segments;
        return (byte*)Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(segments), (nint)(uint)SegmentIndex(hash, segments.Length));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int SegmentIndex(ulong hash, int segments) => (int)(hash >> SegmentShift) & (segments - 1);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static nint LineOffset(ulong hash) => (nint)(hash >> (64 - SegmentPool.LineBits)) * SegmentPool.LineLength;

    private static nint NextLine(nint offset) => (offset + SegmentPool.LineLength) & (SegmentPool.LinesLength - 1);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int* NumbersOf(byte* line) => (int*)(line + TKey.NumbersAt);

    /// <summary>Its last place is taken, and so all are: more may lie in the next line.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsFull(byte* line) => NumbersOf(line)[TKey.PerLine - 1] != Empty;
}
