using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace IpVlanWin.Engine.Ipvlan;

/// <summary>A key of an <see cref="AddressTable{TKey}"/>.</summary>
internal interface IAddressKey<TKey>
    where TKey : struct, IAddressKey<TKey>
{
    /// <summary>64 well-mixed bits, different for every seed.</summary>
    ulong Hash(ulong seed);

    bool Same(in TKey other);
}

/// <summary>
/// Address -> number, by extendible hashing: a directory of small open-addressing tables. Readers never wait and see each
/// address either there or not. One writer at a time (the port's lock). A change touches one small table, so its cost does not
/// grow with the number of addresses.
/// </summary>
/// <remarks>
/// What keeps readers safe: a slot goes from empty to full in place, its value last (release) and read first (acquire); every
/// other change builds a new table and publishes it by one reference. Values are never 0, which means an empty slot.
/// </remarks>
internal sealed class AddressTable<TKey>
    where TKey : struct, IAddressKey<TKey>
{
    private const int MinSlots = 8;
    private const int SplitSlots = 1024;
    private const int MaxDepth = 16;

    private readonly ulong _seed;
    private Slot[][] _directory = [new Slot[MinSlots]];

    // The writer's, beside the directory: how many low bits of an entry's number its table goes by, and how many slots of it are full.
    private byte[] _depths = [0];
    private int[] _used = [0];

    public AddressTable(ulong seed) => _seed = seed;

    /// <summary>Addresses in the table.</summary>
    public int Count { get; private set; }

    /// <summary>The number kept for an address, or 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Find(in TKey key)
    {
        var hash = key.Hash(_seed);
        var directory = _directory;
        // Both lengths are powers of two, so a masked index is in range.
        var slots = Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(directory), (nint)DirectoryIndex(hash, directory.Length));
        ref var first = ref MemoryMarshal.GetArrayDataReference(slots);
        var mask = slots.Length - 1;
        for (var i = SlotIndex(hash, mask); ; i = (i + 1) & mask)
        {
            ref var slot = ref Unsafe.Add(ref first, (nint)(uint)i);
            var value = Volatile.Read(ref slot.Value);
            if (value == 0 || slot.Key.Same(key))
                return value;
        }
    }

    /// <summary>Adds an address that is not there. Returns false where it is.</summary>
    public bool Add(in TKey key, int value)
    {
        if (Find(key) != 0)
            return false;
        var hash = key.Hash(_seed);
        for (; ; )
        {
            var index = DirectoryIndex(hash, _directory.Length);
            var slots = _directory[index];
            // At most five slots in eight are full: probes stay short and an empty slot always ends them.
            if ((_used[index] + 1) * 8 <= slots.Length * 5)
            {
                Place(slots, key, value);
                Publish(index, slots, _used[index] + 1);
                Count++;
                return true;
            }
            if (slots.Length < SplitSlots || _depths[index] == MaxDepth)
                Publish(index, Rebuilt(slots, slots.Length * 2, static _ => true), _used[index]);
            else
                Split(index);
        }
    }

    /// <summary>Takes an address out. Returns false where it is not there.</summary>
    public bool Remove(in TKey key)
    {
        if (Find(key) == 0)
            return false;
        var index = DirectoryIndex(key.Hash(_seed), _directory.Length);
        var gone = key;
        var slots = _directory[index];
        var length = slots.Length;
        while (length > MinSlots && _used[index] * 8 <= length)
            length /= 2;
        Publish(index, Rebuilt(slots, length, kept => !kept.Same(gone)), _used[index] - 1);
        Count--;
        return true;
    }

    private static int DirectoryIndex(ulong hash, int directoryLength) => (int)(hash >> 32) & (directoryLength - 1);

    private static int SlotIndex(ulong hash, int mask) => (int)(hash >> 48) & mask;

    private static int Used(Slot[] slots)
    {
        var used = 0;
        foreach (ref var slot in slots.AsSpan())
            used += slot.Value == 0 ? 0 : 1;
        return used;
    }

    private void Place(Slot[] slots, in TKey key, int value)
    {
        var mask = slots.Length - 1;
        var i = SlotIndex(key.Hash(_seed), mask);
        while (slots[i].Value != 0)
            i = (i + 1) & mask;
        slots[i].Key = key;
        Volatile.Write(ref slots[i].Value, value);
    }

    private Slot[] Rebuilt(Slot[] slots, int length, Predicate<TKey> keep)
    {
        var built = new Slot[length];
        foreach (ref var slot in slots.AsSpan())
        {
            if (slot.Value != 0 && keep(slot.Key))
                Place(built, slot.Key, slot.Value);
        }
        return built;
    }

    /// <summary>Every directory entry that shares the table's low bits gets the new one.</summary>
    private void Publish(int index, Slot[] slots, int used)
    {
        var step = 1 << _depths[index];
        for (var i = index & (step - 1); i < _directory.Length; i += step)
        {
            Volatile.Write(ref _directory[i], slots);
            _used[i] = used;
        }
    }

    private void Split(int index)
    {
        var depth = _depths[index];
        if (1 << depth == _directory.Length)
        {
            _depths = [.. _depths, .. _depths];
            _used = [.. _used, .. _used];
            Volatile.Write(ref _directory, [.. _directory, .. _directory]);
        }
        var slots = _directory[index];
        var step = 1 << depth;
        var zero = index & (step - 1);
        bool IsOne(TKey key) => ((key.Hash(_seed) >> 32) & (uint)step) != 0;
        var halves = (Rebuilt(slots, slots.Length, key => !IsOne(key)), Rebuilt(slots, slots.Length, IsOne));
        for (var i = zero; i < _directory.Length; i += step)
            _depths[i] = (byte)(depth + 1);
        Publish(zero, halves.Item1, Used(halves.Item1));
        Publish(zero + step, halves.Item2, Used(halves.Item2));
    }

    private struct Slot
    {
        public TKey Key;
        public int Value;
    }
}
