using System.Runtime.CompilerServices;

namespace IpVlanWin.Engine.Ipvlan;

// One writer at a time.
internal sealed unsafe partial class AddressTable<TKey>
{
    // Addresses stay few to a line, and a line that is not full always ends a search.
    private static int MostTaken => Lines * TKey.PerLine / 2;

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

    private static byte[] NewSegment() => GC.AllocateArray<byte>((Lines + 2) * LineLength, pinned: true);

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
