using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Engine.Ipvlan;

/// <summary>
/// L3 address -> number of the interface that has it, up or down (semantics 3, 41). ipvlan_find_addr in the Linux driver, which
/// keeps 256 chains instead. Reads are safe beside one writer.
/// </summary>
public sealed unsafe class AddressMap
{
    /// <summary>Not a number: what was asked in haste does not tell.</summary>
    internal const int Beyond = AddressTable<FourKey>.Beyond;

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

    /// <summary>Bytes of memory that the addresses lie in. What is not used any more is used again once the runtime's collector has seen to it.</summary>
    public long MemoryBytes => _four.MemoryBytes + _six.MemoryBytes;

    /// <summary>The interface number kept for the address that a frame's key names; negative where there is none.</summary>
    internal int Find(ReadOnlySpan<byte> frame, KeyFamily family, int offset)
    {
        // The classifier has checked that the address lies within the frame.
        ref var at = ref Unsafe.Add(ref MemoryMarshal.GetReference(frame), offset);
        return family switch
        {
            KeyFamily.Four => _four.Find(ref at) - 1,
            KeyFamily.Six => _six.Find(ref at) - 1,
            _ => -1,
        };
    }

    /// <summary>The map as it is now, to look a batch up in.</summary>
    internal Reading Now => new(this);

    /// <summary>
    /// One more than the interface number kept for the four bytes there, no half of which is zero; less where there is none, and
    /// <see cref="Beyond"/> where <see cref="Find(ReadOnlySpan{byte}, KeyFamily, int)"/> has to say, for few addresses in a hundred.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal int FindFour(ref byte at) => _four.FindInLine(ref at);

    /// <summary>As <see cref="FindFour(ref byte)"/>, of sixteen bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal int FindSix(ref byte at) => _six.FindInLine(ref at);

    /// <summary>As <see cref="FindFour(ref byte)"/>, where the line is known.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static int FindFour(nint line, ref byte at) => AddressTable<FourKey>.NumberIn((byte*)line, ref at);

    /// <summary>As <see cref="FindFour(nint, ref byte)"/>, of sixteen bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static int FindSix(nint line, ref byte at) => AddressTable<SixKey>.NumberIn((byte*)line, ref at);

    /// <summary>The interface number kept for an address, or -1.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public int Find(L3Address address) => Math.Max(address.IsSix ? _six.Find(SixKey.Of(address)) : _four.Find(FourKey.Of(address)), 0) - 1;

    /// <summary>Adds an address. Returns false, and changes nothing, where it is there.</summary>
    public bool Add(L3Address address, int interfaceId) =>
        address.IsSix ? _six.Add(SixKey.Of(address), interfaceId + 1) : _four.Add(FourKey.Of(address), interfaceId + 1);

    /// <summary>Takes an address out. Returns false where it is not there.</summary>
    public bool Remove(L3Address address) => address.IsSix ? _six.Remove(SixKey.Of(address)) : _four.Remove(FourKey.Of(address));

    /// <summary>A moment's map. The lines that it names may be read until <see cref="End"/>.</summary>
    internal readonly struct Reading(AddressMap map)
    {
        private readonly AddressTable<FourKey>.Reading _four = map._four.Now;
        private readonly AddressTable<SixKey>.Reading _six = map._six.Now;

        /// <summary>Nothing has taken its place.</summary>
        public bool IsLatestOf(AddressMap map) => _four.IsLatestOf(map._four) && _six.IsLatestOf(map._six);

        /// <summary>Where <see cref="FindFour(nint, ref byte)"/> will look for the four bytes there first.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public nint LineOfFour(ref byte at) => (nint)_four.LineOf(ref at);

        /// <summary>Where <see cref="FindSix(nint, ref byte)"/> will look for the sixteen bytes there first.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public nint LineOfSix(ref byte at) => (nint)_six.LineOf(ref at);

        public void End()
        {
            _four.End();
            _six.End();
        }
    }

    /// <summary>An IPv4 address as its bytes stand in a frame.</summary>
    private readonly unsafe struct FourKey(uint value) : IAddressKey<FourKey>
    {
        private readonly uint _value = value;

        public static int PerLine => 8;

        public static int NumbersAt => 32;

        public static int MostTaken => 5;

        public static FourKey Of(L3Address address) => new(BinaryPrimitives.ReverseEndianness((uint)address.Low));

        // Of several odd factors the one that spreads runs of addresses best: at most 2 % of them lie beyond their line, as of random ones.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static ulong Hash(ref readonly byte at, ulong seed) => (Unsafe.ReadUnaligned<uint>(in at) ^ seed) * 0xE703_7ED1_A0B4_28DB;

        public bool Same(FourKey other) => _value == other._value;

        public static FourKey ReadFrom(byte* line, int place) => ((FourKey*)line)[place];

        public void WriteTo(byte* line, int place) => ((FourKey*)line)[place] = this;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static uint MatchIn(byte* line, ref readonly byte at) =>
            Vector256.Equals(Vector256.Load((uint*)line), Vector256.Create(Unsafe.ReadUnaligned<uint>(in at))).ExtractMostSignificantBits();
    }

    /// <summary>An IPv6 address as its bytes stand in a frame.</summary>
    private readonly unsafe struct SixKey(Vector128<ulong> value) : IAddressKey<SixKey>
    {
        private readonly Vector128<ulong> _value = value;

        public static int PerLine => 3;

        public static int NumbersAt => 48;

        public static int MostTaken => 4;

        public static SixKey Of(L3Address address) =>
            new(Vector128.Create(BinaryPrimitives.ReverseEndianness(address.High), BinaryPrimitives.ReverseEndianness(address.Low)));

        /// <summary>
        /// Two rounds of AES, after which every bit depends on every bit; elsewhere the 128-bit product of both halves, folded. The seed is in both
        /// halves, so that nothing known beforehand collides or makes a factor zero.
        /// </summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static ulong Hash(ref readonly byte at, ulong seed)
        {
            var value = Unsafe.ReadUnaligned<Vector128<ulong>>(in at);
            if (Aes.IsSupported)
            {
                var mixed = value ^ Vector128.Create(seed);
                var other = Vector128.Create(0xA076_1D64_78BD_642F, 0xE703_7ED1_A0B4_28DB).AsByte();
                return Aes.Encrypt(Aes.Encrypt(mixed.AsByte(), other), other).AsUInt64().ToScalar();
            }
            return Folded(value[1] ^ seed ^ 0xA076_1D64_78BD_642F, value[0] ^ BitOperations.RotateLeft(seed, 32) ^ 0xE703_7ED1_A0B4_28DB);
        }

        public bool Same(SixKey other) => _value == other._value;

        public static SixKey ReadFrom(byte* line, int place) => new(Vector128.Create(((ulong*)line)[place], ((ulong*)line)[PerLine + place]));

        public void WriteTo(byte* line, int place) => (((ulong*)line)[place], ((ulong*)line)[PerLine + place]) = (_value[0], _value[1]);

        // The first halves of all keys, then the second ones; each comparison takes in one number more than there are.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static uint MatchIn(byte* line, ref readonly byte at)
        {
            var first = Vector256.Equals(Vector256.Load((ulong*)line), Vector256.Create(Unsafe.ReadUnaligned<ulong>(in at)));
            var second = Vector256.Equals(Vector256.Load((ulong*)line + PerLine), Vector256.Create(Unsafe.ReadUnaligned<ulong>(in Unsafe.Add(ref Unsafe.AsRef(in at), sizeof(ulong)))));
            return (first & second).ExtractMostSignificantBits() & ((1u << PerLine) - 1);
        }

        private static ulong Folded(ulong one, ulong other)
        {
            var product = Math.BigMul(one, other);
            return ((ulong)(product >> 64) ^ (ulong)product) * 0x9E37_79B9_7F4A_7C15;
        }
    }
}
