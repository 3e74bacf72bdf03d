using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace IpVlanWin.Engine.Ipvlan;

/// <summary>A key of an <see cref="AddressTable{TKey}"/>, and how a line of 64 bytes holds several with their numbers.</summary>
internal interface IAddressKey<TKey>
    where TKey : unmanaged, IAddressKey<TKey>
{
    /// <summary>Keys of a line.</summary>
    static abstract int PerLine { get; }

    /// <summary>Where in a line the keys begin, and where the numbers, four bytes each.</summary>
    static abstract (int Keys, int Values) Layout { get; }

    /// <summary>64 bits, different for every seed, of which the upper 32 are well mixed.</summary>
    ulong Hash(ulong seed);

    /// <summary>
    /// The number that the line keeps for this key; 0 where it does not have it. Without a branch on which of its keys it is: nothing foretells
    /// that. A number of a key that is being written must not be taken for another's.
    /// </summary>
    int FindIn(ref byte line);

    bool Same(TKey other);
}

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
internal sealed unsafe class AddressTable<TKey>
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

    // Addresses stay few to a line, and a line that is not full always ends a search.
    private static int MostTaken => Lines * TKey.PerLine / 2;

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

    /// <summary>Adds an address that is not there. Returns false where it is.</summary>
    /// <param name="key">The address.</param>
    /// <param name="value">More than 0.</param>
    /// <exception cref="InvalidOperationException">The table is full, far beyond 100 million addresses.</exception>
    public bool Add(TKey key, int value)
    {
        var hash = key.Hash(_seed);
        for (; ; )
        {
            var index = SegmentIndex(hash, _directory.Length);
            var segment = _directory[index];
            ref var slot = ref Locate(segment, key, hash, out var keySlot);
            if (slot > 0)
                return false;
            ref var usage = ref UsageOf(segment);
            var isDeepest = _depths[index] == MaxDepth;
            var most = isDeepest ? (Lines * TKey.PerLine) - 1 : MostTaken;
            if (slot == Gone || usage.Taken < most)
            {
                usage.Taken += slot == Gone ? 0 : 1;
                usage.Live++;
                Unsafe.WriteUnaligned(ref keySlot.Value, key);
                Volatile.Write(ref slot, value);
                Count++;
                return true;
            }
            // Enough slots come free for a good many changes before the next time.
            if (usage.Live <= most * 3 / 4)
                Publish(index, Rebuilt(segment, static _ => true));
            else if (!isDeepest)
                Split(index);
            else
                throw new InvalidOperationException("the address map is full");
        }
    }

    /// <summary>Takes an address out. Returns false where it is not there.</summary>
    public bool Remove(TKey key)
    {
        var hash = key.Hash(_seed);
        var segment = _directory[SegmentIndex(hash, _directory.Length)];
        ref var slot = ref Locate(segment, key, hash, out _);
        if (slot <= 0)
            return false;
        Volatile.Write(ref slot, Gone);
        UsageOf(segment).Live--;
        Count--;
        if (Count == 0 && _directory.Length > 1)
        {
            _depths = [0];
            Volatile.Write(ref _directory, [NewSegment()]);
        }
        return true;
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

    private static byte[] NewSegment() => GC.AllocateArray<byte>((Lines + 2) * LineLength, pinned: true);

    /// <summary>The first byte in the segment that begins a cache line.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ref byte FirstLine(byte[] segment)
    {
        ref var start = ref MemoryMarshal.GetArrayDataReference(segment);
        return ref Unsafe.Add(ref start, -(nint)Unsafe.AsPointer(ref start) & (LineLength - 1));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ref int ValueAt(ref byte line, int slot) => ref Unsafe.As<byte, int>(ref Unsafe.Add(ref line, TKey.Layout.Values + (slot * sizeof(int))));

    private static ref byte KeyAt(ref byte line, int slot) => ref Unsafe.Add(ref line, TKey.Layout.Keys + (slot * sizeof(TKey)));

    private static ref Usage UsageOf(byte[] segment) => ref Unsafe.As<byte, Usage>(ref Unsafe.Add(ref FirstLine(segment), Lines * LineLength));

    /// <summary>The number of the slot that has a key, gone or not, or else of the empty one where it would go.</summary>
    private static ref int Locate(byte[] segment, TKey key, ulong hash, out KeySlot keySlot)
    {
        ref var first = ref FirstLine(segment);
        for (var index = LineIndex(hash); ; index = (index + 1) & (Lines - 1))
        {
            ref var line = ref Unsafe.Add(ref first, index * LineLength);
            for (var slot = 0; slot < TKey.PerLine; slot++)
            {
                ref var value = ref ValueAt(ref line, slot);
                ref var at = ref KeyAt(ref line, slot);
                if (value != Empty && !key.Same(Unsafe.ReadUnaligned<TKey>(ref at)))
                    continue;
                keySlot = new KeySlot(ref at);
                return ref value;
            }
        }
    }

    private byte[] Rebuilt(byte[] segment, Predicate<ulong> keepsHash)
    {
        var built = NewSegment();
        ref var usage = ref UsageOf(built);
        ref var first = ref FirstLine(segment);
        for (var index = 0; index < Lines; index++)
        {
            ref var line = ref Unsafe.Add(ref first, index * LineLength);
            for (var slot = 0; slot < TKey.PerLine; slot++)
            {
                var (key, value) = (Unsafe.ReadUnaligned<TKey>(ref KeyAt(ref line, slot)), ValueAt(ref line, slot));
                var hash = key.Hash(_seed);
                if (value <= 0 || !keepsHash(hash))
                    continue;
                Locate(built, key, hash, out var keySlot) = value;
                Unsafe.WriteUnaligned(ref keySlot.Value, key);
                usage.Taken++;
                usage.Live++;
            }
        }
        return built;
    }

    /// <summary>Every directory entry that shares the segment's low bits gets the new one.</summary>
    private void Publish(int index, byte[] segment)
    {
        var step = 1 << _depths[index];
        for (var i = index & (step - 1); i < _directory.Length; i += step)
            Volatile.Write(ref _directory[i], segment);
    }

    private void Split(int index)
    {
        var depth = _depths[index];
        if (1 << depth == _directory.Length)
        {
            _depths = [.. _depths, .. _depths];
            Volatile.Write(ref _directory, [.. _directory, .. _directory]);
        }
        var segment = _directory[index];
        var step = 1 << depth;
        var zero = index & (step - 1);
        bool IsOne(ulong hash) => (SegmentIndex(hash, _directory.Length) & step) != 0;
        var (zeros, ones) = (Rebuilt(segment, hash => !IsOne(hash)), Rebuilt(segment, IsOne));
        for (var i = zero; i < _directory.Length; i += step)
            _depths[i] = (byte)(depth + 1);
        Publish(zero, zeros);
        Publish(zero + step, ones);
    }

    /// <summary>Slots of a segment that are not empty, and those of them that hold an address.</summary>
    private struct Usage
    {
        public int Taken;
        public int Live;
    }

    private readonly ref struct KeySlot(ref byte value)
    {
        public readonly ref byte Value = ref value;
    }
}
