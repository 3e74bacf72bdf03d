using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace IpVlanWin.Engine.Ipvlan;

/// <summary>
/// Address -> number, by extendible hashing: a directory of open-addressing segments, all of one size. Readers never wait and see each
/// address either there or not. One writer at a time (the port's lock). A change touches one segment, so its cost does not
/// grow with the number of addresses.
/// </summary>
/// <remarks>
/// What keeps readers safe: a slot goes from empty to full in place, its value last (release) and read first (acquire), and from full to
/// <see cref="Gone"/> and back with its key unchanged; every other change builds a new segment and publishes it by one reference.
/// </remarks>
internal sealed unsafe partial class AddressTable<TKey>
    where TKey : unmanaged, IAddressKey<TKey>
{
    private const int Empty = 0;
    private const int Gone = -1;

    // Of the hash, the uppermost bits choose the slot and those below them the segment.
    private const int SlotBits = 10;
    private const int Slots = 1 << SlotBits;
    private const int SegmentShift = 32;
    private const int MaxDepth = 64 - SegmentShift - SlotBits;

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

    /// <summary>Has the processor bring what <see cref="Find"/> will read first. Does nothing where there is no instruction for it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Prefetch(in TKey key)
    {
        if (!Sse.IsSupported)
            return;
        var hash = key.Hash(_seed);
        var directory = _directory;
        var segment = Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(directory), (nint)(uint)SegmentIndex(hash, directory.Length));
        ref var slot = ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(segment), SlotIndex(hash));
        // Nothing is read there, so it does not matter where a collection moves it in between. Some slots lie across two lines.
        var first = (byte*)Unsafe.AsPointer(ref slot);
        Sse.Prefetch0(first);
        if (sizeof(Slot) > sizeof(ulong))
            Sse.Prefetch0(first + sizeof(Slot) - 1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int SegmentIndex(ulong hash, int segments) => (int)(hash >> SegmentShift) & (segments - 1);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int SlotIndex(ulong hash) => (int)(hash >> (64 - SlotBits));

    private struct Slot
    {
        public TKey Key;
        public int Value;
    }
}
