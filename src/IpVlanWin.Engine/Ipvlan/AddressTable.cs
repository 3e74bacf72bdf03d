using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace IpVlanWin.Engine.Ipvlan;

/// <summary>A key of an <see cref="AddressTable{TKey}"/>.</summary>
internal interface IAddressKey<TKey>
    where TKey : struct, IAddressKey<TKey>
{
    /// <summary>64 bits, different for every seed, of which the upper 32 are well mixed.</summary>
    ulong Hash(ulong seed);

    bool Same(in TKey other);
}

/// <summary>
/// Address -> number, by extendible hashing: a directory of open-addressing segments, all of one size. Readers never wait and see each
/// address either there or not. One writer at a time (the port's lock). A change touches one segment, so its cost does not
/// grow with the number of addresses.
/// </summary>
/// <remarks>
/// What keeps readers safe: a slot goes from empty to full in place, its value last (release) and read first (acquire), and from full to
/// <see cref="Gone"/> and back with its key unchanged; every other change builds a new segment and publishes it by one reference.
/// </remarks>
internal sealed class AddressTable<TKey>
    where TKey : struct, IAddressKey<TKey>
{
    private const int Empty = 0;
    private const int Gone = -1;

    // Of the hash, the uppermost bits choose the slot and those below them the segment.
    private const int SlotBits = 10;
    private const int Slots = 1 << SlotBits;
    private const int SegmentShift = 32;
    private const int MaxDepth = 64 - SegmentShift - SlotBits;

    // Probes stay short, and an empty slot always ends them.
    private const int MostTaken = Slots / 2;

    private readonly ulong _seed;
    private Slot[][] _directory = [new Slot[Slots]];
    private byte[] _depths = [0];

    public AddressTable(ulong seed) => _seed = seed;

    /// <summary>Addresses in the table.</summary>
    public int Count { get; private set; }

    /// <summary>The number kept for an address; 0 or less where there is none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Find(in TKey key)
    {
        var hash = key.Hash(_seed);
        var directory = _directory;
        // The directory's length is a power of two and a segment's is Slots, so neither index can be out of range.
        var segment = Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(directory), (nint)(uint)SegmentIndex(hash, directory.Length));
        ref var first = ref MemoryMarshal.GetArrayDataReference(segment);
        for (var i = SlotIndex(hash); ; i = (i + 1) & (Slots - 1))
        {
            ref var slot = ref Unsafe.Add(ref first, i);
            var value = Volatile.Read(ref slot.Value);
            if (value == Empty || slot.Key.Same(key))
                return value;
        }
    }

    /// <summary>Adds an address that is not there. Returns false where it is.</summary>
    /// <param name="key">The address.</param>
    /// <param name="value">More than 0.</param>
    /// <exception cref="InvalidOperationException">The table is full, far beyond 100 million addresses.</exception>
    public bool Add(in TKey key, int value)
    {
        var hash = key.Hash(_seed);
        for (; ; )
        {
            var index = SegmentIndex(hash, _directory.Length);
            var segment = _directory[index];
            ref var slot = ref Locate(segment, key, hash);
            if (slot.Value > 0)
                return false;
            var isDeepest = _depths[index] == MaxDepth;
            var most = isDeepest ? Slots - 1 : MostTaken;
            var (taken, live) = Usage(segment);
            if (slot.Value == Gone || taken < most)
            {
                slot.Key = key;
                Volatile.Write(ref slot.Value, value);
                Count++;
                return true;
            }
            // Enough slots come free for a good many changes before the next time.
            if (live <= most * 3 / 4)
                Publish(index, Rebuilt(segment, static _ => true));
            else if (!isDeepest)
                Split(index);
            else
                throw new InvalidOperationException("the address map is full");
        }
    }

    /// <summary>Takes an address out. Returns false where it is not there.</summary>
    public bool Remove(in TKey key)
    {
        var hash = key.Hash(_seed);
        ref var slot = ref Locate(_directory[SegmentIndex(hash, _directory.Length)], key, hash);
        if (slot.Value <= 0)
            return false;
        Volatile.Write(ref slot.Value, Gone);
        Count--;
        if (Count == 0 && _directory.Length > 1)
        {
            _depths = [0];
            Volatile.Write(ref _directory, [new Slot[Slots]]);
        }
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int SegmentIndex(ulong hash, int segments) => (int)(hash >> SegmentShift) & (segments - 1);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int SlotIndex(ulong hash) => (int)(hash >> (64 - SlotBits));

    /// <summary>The slot that has a key, gone or not, or else the empty one where it would go.</summary>
    private static ref Slot Locate(Slot[] segment, in TKey key, ulong hash)
    {
        var i = SlotIndex(hash);
        while (segment[i].Value != Empty && !segment[i].Key.Same(key))
            i = (i + 1) & (Slots - 1);
        return ref segment[i];
    }

    /// <summary>Slots that are not empty, and those of them that hold an address.</summary>
    private static (int Taken, int Live) Usage(Slot[] segment)
    {
        var (taken, live) = (0, 0);
        foreach (ref var slot in segment.AsSpan())
        {
            taken += slot.Value != Empty ? 1 : 0;
            live += slot.Value > 0 ? 1 : 0;
        }
        return (taken, live);
    }

    private Slot[] Rebuilt(Slot[] segment, Predicate<ulong> keepsHash)
    {
        var built = new Slot[Slots];
        foreach (ref var slot in segment.AsSpan())
        {
            if (slot.Value <= 0)
                continue;
            var hash = slot.Key.Hash(_seed);
            if (keepsHash(hash))
                Locate(built, slot.Key, hash) = slot;
        }
        return built;
    }

    /// <summary>Every directory entry that shares the segment's low bits gets the new one.</summary>
    private void Publish(int index, Slot[] segment)
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

    private struct Slot
    {
        public TKey Key;
        public int Value;
    }
}
