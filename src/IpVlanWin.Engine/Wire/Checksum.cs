using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace IpVlanWin.Engine.Wire;

/// <summary>
/// The Internet checksum (RFC 1071; incremental update RFC 1624 section 3). A <em>sum</em> here is the folded one's complement sum
/// of big-endian 16-bit words; a <em>checksum</em> is its complement, the value that stands in a header.
/// </summary>
public static class Checksum
{
    private const int Ipv4HeaderChecksumOffset = 10;

    /// <summary>One's complement sum of the bytes, an odd last one padded with zero (RFC 1071 section 1), on top of <paramref name="initial"/>.</summary>
    /// <param name="bytes">Any number of bytes, at any alignment.</param>
    /// <param name="initial">A sum of bytes that come before at an even offset.</param>
    public static ushort Sum(ReadOnlySpan<byte> bytes, ushort initial = 0)
    {
        // Words are added in the machine's order and swapped once at the end: the sum does not depend on it (RFC 1071 section 2 B).
        var sum = Fold(SumNative(ref MemoryMarshal.GetReference(bytes), (nuint)bytes.Length));
        return Add(BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(sum) : sum, initial);
    }

    /// <summary>The checksum of the bytes and of what <paramref name="initial"/> sums up.</summary>
    public static ushort Compute(ReadOnlySpan<byte> bytes, ushort initial = 0) => (ushort)~Sum(bytes, initial);

    /// <summary>One's complement addition of two sums.</summary>
    public static ushort Add(ushort left, ushort right)
    {
        var sum = (uint)left + right;
        return (ushort)(sum + (sum >> 16));
    }

    /// <summary>One's complement subtraction: a sum without a part of it.</summary>
    public static ushort Subtract(ushort sum, ushort part) => Add(sum, (ushort)~part);

    /// <summary>Sum of the pseudo header of TCP and UDP over IPv4 (RFC 9293 section 3.1) or IPv6 (RFC 8200 section 8.1).</summary>
    /// <param name="source">Source address, 4 or 16 bytes.</param>
    /// <param name="destination">Final destination address, as long as the source.</param>
    /// <param name="protocol">IP protocol number of the transport.</param>
    /// <param name="length">Bytes of the transport header and its payload.</param>
    public static ushort PseudoHeader(ReadOnlySpan<byte> source, ReadOnlySpan<byte> destination, byte protocol, int length) =>
        Sum(destination, Sum(source, Fold((ulong)(uint)length + protocol)));

    /// <summary>A checksum after one 16-bit word under it changed (RFC 1624 equation 3).</summary>
    public static ushort Update(ushort checksum, ushort before, ushort after) =>
        (ushort)~Add(Subtract((ushort)~checksum, before), after);

    /// <summary>A checksum after bytes under it changed that begin at an even offset (RFC 1624 equation 3).</summary>
    public static ushort Update(ushort checksum, ReadOnlySpan<byte> before, ReadOnlySpan<byte> after) =>
        Update(checksum, Sum(before), Sum(after));

    /// <summary>The IPv4 header's checksum is right (RFC 791 section 3.1).</summary>
    /// <param name="header">The whole header, options included.</param>
    public static bool IsIpv4HeaderIntact(ReadOnlySpan<byte> header) => Sum(header) == 0xFFFF;

    /// <summary>Computes and writes the IPv4 header's checksum.</summary>
    /// <param name="header">The whole header, options included; at least 20 bytes.</param>
    public static void WriteIpv4Header(Span<byte> header)
    {
        var field = header.Slice(Ipv4HeaderChecksumOffset, sizeof(ushort));
        field.Clear();
        BinaryPrimitives.WriteUInt16BigEndian(field, Compute(header));
    }

    /// <summary>
    /// Completes a partial checksum in place (virtio 1.2 section 5.1.6.2). Zero is written as ffff, which says the same and does not
    /// mean "none" in UDP (RFC 768), as the kernel's skb_checksum_help does for every protocol.
    /// </summary>
    /// <returns>False, the frame unchanged, where the checksum's place is not inside the frame.</returns>
    public static bool TryComplete(Span<byte> frame, in FrameOffload offload)
    {
        if (!offload.NeedsChecksum)
            return true;
        var field = offload.ChecksumStart + offload.ChecksumOffset;
        if (field > frame.Length - sizeof(ushort))
            return false;
        WriteNonZero(frame[field..], Compute(frame[offload.ChecksumStart..]));
        return true;
    }

    /// <summary>Writes a transport checksum, zero as ffff.</summary>
    internal static void WriteNonZero(Span<byte> field, ushort checksum) =>
        BinaryPrimitives.WriteUInt16BigEndian(field, checksum == 0 ? ushort.MaxValue : checksum);

    // Adds up 32-bit words; 2^16 = 1 (mod 2^16 - 1) makes the width free. A lane adds whole 64-bit words, carries out of it lost, and
    // their high halves apart: all - (high << 32) is the exact sum of the low halves (mod 2^64), which no span is long enough to overflow.
    private static ulong SumNative(ref byte start, nuint length)
    {
        nuint at = 0;
        ulong sum = 0;
        if (Vector512.IsHardwareAccelerated && length >= 128)
        {
            Vector512<ulong> all0 = default, all1 = default, high0 = default, high1 = default;
            for (; length - at >= 2 * 64; at += 2 * 64)
            {
                var words0 = Vector512.LoadUnsafe(ref start, at).AsUInt64();
                var words1 = Vector512.LoadUnsafe(ref start, at + 64).AsUInt64();
                all0 += words0;
                all1 += words1;
                high0 += words0 >>> 32;
                high1 += words1 >>> 32;
            }
            high0 += high1;
            sum = Vector512.Sum(all0 + all1 - (high0 << 32) + high0);
        }
        else if (Vector256.IsHardwareAccelerated && length >= 64)
        {
            Vector256<ulong> all0 = default, all1 = default, high0 = default, high1 = default;
            for (; length - at >= 2 * 32; at += 2 * 32)
            {
                var words0 = Vector256.LoadUnsafe(ref start, at).AsUInt64();
                var words1 = Vector256.LoadUnsafe(ref start, at + 32).AsUInt64();
                all0 += words0;
                all1 += words1;
                high0 += words0 >>> 32;
                high1 += words1 >>> 32;
            }
            high0 += high1;
            sum = Vector256.Sum(all0 + all1 - (high0 << 32) + high0);
        }
        else if (Vector128.IsHardwareAccelerated && length >= 32)
        {
            Vector128<ulong> all0 = default, all1 = default, high0 = default, high1 = default;
            for (; length - at >= 2 * 16; at += 2 * 16)
            {
                var words0 = Vector128.LoadUnsafe(ref start, at).AsUInt64();
                var words1 = Vector128.LoadUnsafe(ref start, at + 16).AsUInt64();
                all0 += words0;
                all1 += words1;
                high0 += words0 >>> 32;
                high1 += words1 >>> 32;
            }
            high0 += high1;
            sum = Vector128.Sum(all0 + all1 - (high0 << 32) + high0);
        }
        return sum + SumTail(ref Unsafe.Add(ref start, at), length - at);
    }

    private static ulong SumTail(ref byte start, nuint length)
    {
        nuint at = 0;
        ulong sum = 0;
        for (; at + sizeof(ulong) <= length; at += sizeof(ulong))
        {
            var words = Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref start, at));
            sum += (uint)words + (words >> 32);
        }
        if ((length & sizeof(uint)) != 0)
        {
            sum += Unsafe.ReadUnaligned<uint>(ref Unsafe.Add(ref start, at));
            at += sizeof(uint);
        }
        if ((length & sizeof(ushort)) != 0)
        {
            sum += Unsafe.ReadUnaligned<ushort>(ref Unsafe.Add(ref start, at));
            at += sizeof(ushort);
        }
        if ((length & 1) != 0)
            sum += (ulong)Unsafe.Add(ref start, at) << (BitConverter.IsLittleEndian ? 0 : 8);
        return sum;
    }

    private static ushort Fold(ulong sum)
    {
        sum = (uint)sum + (sum >> 32);
        sum = (sum & 0xFFFF) + (sum >> 16);
        sum = (sum & 0xFFFF) + (sum >> 16);
        return (ushort)((sum & 0xFFFF) + (sum >> 16));
    }
}
