using System.Numerics;
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
    public int Find(TKey key) => Find(ref Unsafe.As<TKey, byte>(ref key));

    /// <summary>As <see cref="Find(TKey)"/>, of the bytes there.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public int Find(ref byte at)
    {
        var directory = _directory;
        var key = Unsafe.ReadUnaligned<TKey>(ref at);
        var hash = TKey.Hash(ref at, _seed);
        var segment = SegmentOf(directory.Segments, hash);
        var first = LineOffset(hash);
        for (var offset = first; ; offset = NextLine(offset, first))
        {
            var line = segment + offset;
            var match = TKey.MatchIn(line, ref at);
            var place = match == 0 ? TKey.PerLine - 1 : BitOperations.TrailingZeroCount(match);
            var number = Volatile.Read(ref NumbersOf(line)[place]);
            // What matched may have been a place still being filled. Once it has a number its key stays, so that is read again.
            if (number != Empty && !TKey.ReadFrom(line, place).Same(key))
                continue;
            // Holds the directory, and it the segment.
            GC.KeepAlive(directory);
            return number;
        }
    }

    /// <summary>
    /// The number that a line has for a key no half of which is zero; 0 or less where it has none, and <see cref="Beyond"/> where one of the pairs
    /// behind it may. (A key with a zero half may match a place that is empty or has half a key as yet.)
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int NumberIn(byte* line, ref byte at)
    {
        var match = TKey.MatchIn(line, ref at);
        if (match == 0)
        {
            if (!IsFull(line))
                return Empty;
            line = OtherOf(line);
            match = TKey.MatchIn(line, ref at);
            if (match == 0)
                return IsFull(line) ? Beyond : Empty;
        }
        return NumbersOf(line)[BitOperations.TrailingZeroCount(match)];
    }

    /// <summary>As <see cref="NumberIn"/>, of the line that the key there names.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int FindInLine(ref byte at)
    {
        var now = Now;
        var number = NumberIn(now.LineOf(ref at), ref at);
        now.End();
        return number;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte* SegmentOf(nint[] segments, ulong hash) =>
        SegmentAt(segments, SegmentIndex(hash, segments.Length - 1));

    // Their number is a power of two, so an index by its mask is never out of range.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte* SegmentAt(nint[] segments, int index) => (byte*)Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(segments), (nint)(uint)index);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int SegmentIndex(ulong hash, int mask) => (int)(hash >> SegmentShift) & mask;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static nint LineOffset(ulong hash) => (nint)(hash >> (64 - SegmentPool.LineBits)) * SegmentPool.LineLength;

    /// <summary>From the first line asked to the other of the pair; from there to that of the next pair.</summary>
    private static nint NextLine(nint offset, nint first)
    {
        var isFirstOfPair = ((offset ^ first) & SegmentPool.LineLength) == 0;
        return isFirstOfPair ? offset ^ SegmentPool.LineLength : ((offset ^ SegmentPool.LineLength) + (2 * SegmentPool.LineLength)) & (SegmentPool.LinesLength - 1);
    }

    /// <summary>The other line of a pair, which processors fetch together with the one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte* OtherOf(byte* line) => (byte*)((nint)line ^ SegmentPool.LineLength);

    private static ulong HashOf(TKey key, ulong seed) => TKey.Hash(ref Unsafe.As<TKey, byte>(ref key), seed);

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
        private readonly int _mask;
        private readonly ulong _seed;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Reading(SegmentDirectory directory, ulong seed)
        {
            (_directory, _segments, _seed) = (directory, directory.Segments, seed);
            _mask = _segments.Length - 1;
        }

        public bool IsLatestOf(AddressTable<TKey> table) => _directory == table._directory;

        /// <summary>The line that an address lies in, if it is there, or else in one of those behind it.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public byte* LineOf(ref byte at)
        {
            var hash = TKey.Hash(ref at, _seed);
            return SegmentAt(_segments, SegmentIndex(hash, _mask)) + LineOffset(hash);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void End() => GC.KeepAlive(_directory);
    }
}
