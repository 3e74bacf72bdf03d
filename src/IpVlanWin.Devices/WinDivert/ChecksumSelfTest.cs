using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Devices.WinDivert;

/// <summary>
/// Before anything is diverted: our own checksums against known ones, and the library's. A WinDivert.dll built by gcc 12 with
/// optimization computes wrong UDP checksums; its driver may then do the same to what it completes.
/// </summary>
public static unsafe class ChecksumSelfTest
{
    // UDP 192.0.2.7:1111 -> 10.0.0.2:53 with 01 02 03, and 2001:db8::1 port 5 -> fd00::2 port 6 with five zero bytes.
    private static ReadOnlySpan<byte> Four =>
    [
        0x45, 0, 0, 31, 0, 0, 0, 0, 64, 17, 0xae, 0xc5, 192, 0, 2, 7, 10, 0, 0, 2,
        0x04, 0x57, 0, 53, 0, 11, 0x2b, 0x41, 1, 2, 3,
    ];

    private static ReadOnlySpan<byte> Six =>
    [
        0x60, 0, 0, 0, 0, 13, 17, 64, 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
        0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2,
        0, 5, 0, 6, 0, 13, 0xd5, 0x0c, 0, 0, 0, 0, 0,
    ];

    /// <summary>Runs it. Needs the library, not the driver.</summary>
    /// <returns>Null, or what is wrong and what to do, in one line.</returns>
    /// <exception cref="DivertException">WinDivert.dll is missing.</exception>
    public static string? Run()
    {
        if (!IsOursRight(Four, 20, 12, 4) || !IsOursRight(Six, 40, 8, 16) || !Checksum.IsIpv4HeaderIntact(Four[..20]))
            return "this build computes wrong checksums: report it, with the processor's name";
        try
        {
            DivertLibrary.Touch();
            return IsTheirsRight(Four, 26) && IsTheirsRight(Six, 46)
                ? null
                : "WinDivert.dll computes wrong UDP checksums (a known fault of some builds): use the WinDivert.dll of WinDivert's own release";
        }
        catch (Exception missing) when (missing is DllNotFoundException or BadImageFormatException or EntryPointNotFoundException)
        {
            throw new DivertException("cannot test WinDivert's checksums", DivertError.LibraryMissing, missing);
        }
    }

    private static bool IsOursRight(ReadOnlySpan<byte> packet, int transport, int addresses, int addressLength) =>
        Checksum.Sum(packet[transport..], Checksum.PseudoHeader(
            packet.Slice(addresses, addressLength), packet.Slice(addresses + addressLength, addressLength), 17, packet.Length - transport)) == 0xFFFF;

    private static bool IsTheirsRight(ReadOnlySpan<byte> packet, int field)
    {
        Span<byte> copy = stackalloc byte[packet.Length];
        packet.CopyTo(copy);
        copy.Slice(field, 2).Clear();
        var address = new DivertAddress { IsSix = packet[0] >> 4 == 6 };
        fixed (byte* start = copy)
            return NativeMethods.WinDivertHelperCalcChecksums(start, (uint)copy.Length, &address, 0) != 0 && copy.SequenceEqual(packet);
    }
}
