using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Engine.Ipvlan;

/// <summary>Family of the address by which a frame is told apart.</summary>
public enum KeyFamily : byte
{
    /// <summary>The frame has no valid header, or one that names no address.</summary>
    None,

    /// <summary>IPv4, or the IPv4 address of an ARP packet.</summary>
    Four,

    /// <summary>IPv6, or the target of a neighbor solicitation from the unspecified address.</summary>
    Six,
}

/// <summary>Where in a frame its source and its key (semantics 9) stand, in bytes from the frame's start. One machine word.</summary>
public readonly struct L3Key
{
    private const int SourceShift = 8;
    private const int DestinationShift = 32;

    private readonly ulong _packed;

    internal L3Key(KeyFamily family, int source, int destination) =>
        _packed = (ulong)family | ((ulong)(uint)source << SourceShift) | ((ulong)(uint)destination << DestinationShift);

    /// <summary>Which addresses these are.</summary>
    public KeyFamily Family => (KeyFamily)(byte)_packed;

    /// <summary>Where the source address stands.</summary>
    public int SourceOffset => (ushort)(_packed >> SourceShift);

    /// <summary>Where the address to look up stands.</summary>
    public int DestinationOffset => (int)(_packed >> DestinationShift);
}

/// <summary>
/// Finds the addresses of a frame: semantics 6 to 11, ipvlan_get_L3_hdr and ipvlan_addr_lookup in the Linux driver.
/// RFC 826, RFC 791 section 3.1, RFC 8200 section 3, RFC 4861 section 4.3. Total: any bytes give an answer.
/// </summary>
public static class Classifier
{
    /// <summary>Where the destination stands in an untagged IPv4 frame.</summary>
    internal const int Ipv4Destination = EtherType.HeaderLength + 16;

    /// <summary>Where the destination stands in an untagged IPv6 frame.</summary>
    internal const int Ipv6Destination = EtherType.HeaderLength + 24;

    /// <summary>No frame shorter than this is plain.</summary>
    internal const int ShortestPlain = EtherType.HeaderLength + Ipv4MinLength;

    private const int ArpLength = 28;
    private const int Ipv4MinLength = 20;
    private const int Ipv6Length = 40;
    private const int IcmpV6 = 58;
    private const int NeighborSolicitation = 135;

    // Type, version and IPv4 header length as a machine reads them from the frame, as one number.
    private static uint PlainIpv4 => BitConverter.IsLittleEndian ? 0x0045_0008u : 0x0800_4500u;

    private static uint PlainIpv4Bits => BitConverter.IsLittleEndian ? 0x00FF_FFFFu : 0xFFFF_FF00u;

    private static uint PlainIpv6 => BitConverter.IsLittleEndian ? 0x0060_DD86u : 0x86DD_6000u;

    private static uint PlainIpv6Bits => BitConverter.IsLittleEndian ? 0x00F0_FFFFu : 0xFFFF_F000u;

    /// <summary>Classifies the packet at <paramref name="offset"/> of a frame.</summary>
    /// <param name="frame">The whole frame.</param>
    /// <param name="offset">Bytes of Ethernet header (and the tag that is off); at most the frame's length.</param>
    /// <param name="protocol">The type field that goes with that offset.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static L3Key Classify(ReadOnlySpan<byte> frame, int offset, ushort protocol)
    {
        var length = frame.Length - offset;
        // Every branch checks the length before it reads: At is unchecked.
        ref var packet = ref Unsafe.Add(ref MemoryMarshal.GetReference(frame), offset);
        if (protocol == EtherType.IPv4)
        {
            if (length < Ipv4MinLength || packet >> 4 != 4)
                return default;
            var headerLength = (packet & 15) * 4;
            var totalLength = At16(ref packet, 2);
            return headerLength >= Ipv4MinLength && headerLength <= totalLength && totalLength <= length
                ? new L3Key(KeyFamily.Four, offset + 12, offset + 16)
                : default;
        }
        if (protocol == EtherType.IPv6)
        {
            if (length < Ipv6Length || packet >> 4 != 6)
                return default;
            return Unsafe.Add(ref packet, 6) != IcmpV6 || (At64(ref packet, 8) | At64(ref packet, 16)) != 0
                ? new L3Key(KeyFamily.Six, offset + 8, offset + 24)
                : FromUnspecified(ref packet, length, offset);
        }
        return protocol == EtherType.Arp && length >= ArpLength ? new L3Key(KeyFamily.Four, offset + 14, offset + 24) : default;
    }

    /// <summary>
    /// The key of an untagged frame with a plain header is its destination, at <see cref="Ipv4Destination"/> or <see cref="Ipv6Destination"/>: IPv4
    /// without options, or IPv6 that is not ICMPv6, and not to an address with a half of zeros. Almost all frames are, and it is quicker to see.
    /// Neither: ask <see cref="Classify"/>.
    /// </summary>
    /// <param name="frame">The frame's first byte.</param>
    /// <param name="length">Its length in bytes, at least <see cref="ShortestPlain"/>.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static bool IsPlainFour(ref byte frame, int length) =>
        (At32(ref frame, 12) & PlainIpv4Bits) == PlainIpv4
        && (uint)(At16(ref frame, EtherType.HeaderLength + 2) - Ipv4MinLength) <= (uint)(length - EtherType.HeaderLength - Ipv4MinLength)
        && At32(ref frame, Ipv4Destination) != 0;

    /// <inheritdoc cref="IsPlainFour"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static bool IsPlainSix(ref byte frame, int length) =>
        (At32(ref frame, 12) & PlainIpv6Bits) == PlainIpv6
        && length >= EtherType.HeaderLength + Ipv6Length && Unsafe.Add(ref frame, EtherType.HeaderLength + 6) != IcmpV6
        && At64(ref frame, Ipv6Destination) != 0 && At64(ref frame, Ipv6Destination + 8) != 0;

    /// <summary><see cref="IsPlainFour"/> or <see cref="IsPlainSix"/>.</summary>
    internal static bool IsPlain(ReadOnlySpan<byte> frame)
    {
        ref var first = ref MemoryMarshal.GetReference(frame);
        return frame.Length >= ShortestPlain && (IsPlainFour(ref first, frame.Length) || IsPlainSix(ref first, frame.Length));
    }

    /// <summary>ICMPv6 from ::; only a whole neighbor solicitation has a key: its target.</summary>
    private static L3Key FromUnspecified(ref byte packet, int length, int offset) =>
        length >= 64 && Unsafe.Add(ref packet, 40) == NeighborSolicitation ? new L3Key(KeyFamily.Six, offset + 48, offset + 48) : default;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ushort At16(ref byte packet, int offset) =>
        BinaryPrimitives.ReverseEndianness(Unsafe.ReadUnaligned<ushort>(ref Unsafe.Add(ref packet, offset)));

    // In the machine's byte order.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint At32(ref byte frame, int offset) => Unsafe.ReadUnaligned<uint>(ref Unsafe.Add(ref frame, offset));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong At64(ref byte packet, int offset) => Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref packet, offset));
}
