namespace IpVlanWin.Engine.Ipvlan;

// One writer at a time.
internal sealed unsafe partial class AddressTable<TKey>
{
    // Probes stay short, and an empty slot always ends them.
    private const int MostTaken = Slots / 2;

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
}
