using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Engine.Ipvlan;

/// <summary>
/// L3 address -> number of the interface that has it, up or down (semantics 3, 41). ipvlan_find_addr in the Linux driver, which
/// keeps 256 chains instead. Reads are safe beside one writer.
/// </summary>
public sealed class AddressMap
{
    private readonly AddressTable<FourKey> _four;
    private readonly AddressTable<SixKey> _six;

    /// <summary>An empty map.</summary>
    /// <param name="seed">Any number; keeps outsiders from choosing addresses that collide.</param>
    public AddressMap(ulong seed = 0)
    {
        _four = new AddressTable<FourKey>(seed);
        _six = new AddressTable<SixKey>(seed);
    }

    /// <summary>Addresses in the map.</summary>
    public int Count => _four.Count + _six.Count;

    /// <summary>The interface number kept for the address that a frame's key names; negative where there is none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal int Find(ReadOnlySpan<byte> frame, KeyFamily family, int offset)
    {
        // The classifier has checked that the address lies within the frame.
        ref var at = ref Unsafe.Add(ref MemoryMarshal.GetReference(frame), offset);
        return family switch
        {
            KeyFamily.Four => FindFour(ref at),
            KeyFamily.Six => FindSix(ref at),
            _ => -1,
        };
    }

    /// <summary>The interface number kept for the four bytes there; negative where there is none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal int FindFour(ref byte at) => _four.Find(new FourKey(BinaryPrimitives.ReverseEndianness(Unsafe.ReadUnaligned<uint>(ref at)))) - 1;

    /// <summary>The interface number kept for the sixteen bytes there; negative where there is none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal int FindSix(ref byte at) => _six.Find(new SixKey(
        BinaryPrimitives.ReverseEndianness(Unsafe.ReadUnaligned<ulong>(ref at)),
        BinaryPrimitives.ReverseEndianness(Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref at, 8))))) - 1;

    /// <summary>The interface number kept for an address, or -1.</summary>
    public int Find(L3Address address) =>
        Math.Max(address.IsSix ? _six.Find(new SixKey(address.High, address.Low)) : _four.Find(new FourKey((uint)address.Low)), 0) - 1;

    /// <summary>Adds an address. Returns false, and changes nothing, where it is there.</summary>
    public bool Add(L3Address address, int interfaceId) => address.IsSix
        ? _six.Add(new SixKey(address.High, address.Low), interfaceId + 1)
        : _four.Add(new FourKey((uint)address.Low), interfaceId + 1);

    /// <summary>Takes an address out. Returns false where it is not there.</summary>
    public bool Remove(L3Address address) => address.IsSix
        ? _six.Remove(new SixKey(address.High, address.Low))
        : _four.Remove(new FourKey((uint)address.Low));

    private readonly struct FourKey(uint value) : IAddressKey<FourKey>
    {
        private readonly uint _value = value;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public ulong Hash(ulong seed) => (_value ^ seed) * 0x9E37_79B9_7F4A_7C15;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public bool Same(in FourKey other) => _value == other._value;
    }

    private readonly struct SixKey(ulong high, ulong low) : IAddressKey<SixKey>
    {
        private readonly ulong _high = high;
        private readonly ulong _low = low;

        /// <summary>The 128-bit product of both halves, folded. The seed is in both, so that no half known beforehand makes a factor zero.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public ulong Hash(ulong seed)
        {
            var product = Math.BigMul(_low ^ seed ^ 0xA076_1D64_78BD_642F, _high ^ BitOperations.RotateLeft(seed, 32) ^ 0xE703_7ED1_A0B4_28DB);
            return ((ulong)(product >> 64) ^ (ulong)product) * 0x9E37_79B9_7F4A_7C15;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public bool Same(in SixKey other) => _high == other._high && _low == other._low;
    }
}
