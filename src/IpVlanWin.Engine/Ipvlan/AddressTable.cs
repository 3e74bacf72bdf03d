using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

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
    /// <summary>Not a number: the line that was asked does not tell.</summary>
    public const int Beyond = int.MinValue;

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

    /// <summary>The table as it is now, to look addresses up in.</summary>
    public Reading Now
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => new(_directory, _seed);
    }

    /// <summary>The number kept for an address; 0 or less where there is none.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public int Find(TKey key)
    {
        var directory = _directory;
        var hash = key.Hash(_seed);
        var segment = SegmentOf(directory.Segments, hash);
        for (var offset = LineOffset(hash); ; offset = NextLine(offset))
        {
            var line = segment + offset;
            var match = key.MatchIn(line);
            var place = match == 0 ? TKey.PerLine - 1 : TKey.PlaceOf(match);
            var number = Volatile.Read(ref NumbersOf(line)[place]);
            // What matched may have been a place still being filled. Once it has a number its key stays, so that is read again.
            if (number != Empty && !((TKey*)line)[place].Same(key))
                continue;
            // Holds the directory, and it the segment.
            GC.KeepAlive(directory);
            return number;
        }
    }

    /// <summary>
    /// The number that a line has for a key no half of which is zero; 0 or less where it has none, and <see cref="Beyond"/> where one of the lines
    /// behind it may. (A key with a zero half may match a place that is empty or has half a key as yet.)
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int NumberIn(byte* line, TKey key)
    {
        var match = key.MatchIn(line);
        if (match != 0)
            return NumbersOf(line)[TKey.PlaceOf(match)];
        return IsFull(line) ? Beyond : Empty;
    }

    /// <summary>As <see cref="NumberIn"/>, of the line that the key there names.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int FindInLine(ref byte at)
    {
        var now = Now;
        var key = Unsafe.ReadUnaligned<TKey>(ref at);
        var number = NumberIn(now.LineOf(key), key);
        now.End();
        return number;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte* SegmentOf(nint[] segments, ulong hash) =>
        // Their number is a power of two, so the index is never out of range.
        (byte*)Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(segments), (nint)(uint)SegmentIndex(hash, segments.Length));

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

    /// <summary>A moment's table. Its lines may be read until it is let go by <see cref="End"/>.</summary>
    public readonly struct Reading
    {
        private readonly SegmentDirectory _directory;
        private readonly nint[] _segments;
        private readonly ulong _seed;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Reading(SegmentDirectory directory, ulong seed) => (_directory, _segments, _seed) = (directory, directory.Segments, seed);

        /// <summary>The line that an address lies in, if it is there, or else in one of those behind it.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public byte* LineOf(TKey key)
        {
            var hash = key.Hash(_seed);
            return SegmentOf(_segments, hash) + LineOffset(hash);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void End() => GC.KeepAlive(_directory);
    }
}
