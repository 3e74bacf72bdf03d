using System.Reflection;
using IpVlanWin.Devices.Pcap;
using static IpVlanWin.Devices.Tests.Pcap.Captures;

namespace IpVlanWin.Devices.Tests.Pcap;

/// <summary>Each way a file can be wrong, with the offset and the words it is told by.</summary>
[TestClass]
public sealed class CaptureFaultTests
{
    // Section header 28 bytes, interface 20, enhanced packet 32 + 20.
    private const int Start = 28 + 20 + 52;

    public static IEnumerable<object[]> Headers =>
    [
        ["empty", Array.Empty<byte>(), "t: header at offset 0: file ends after 0 bytes, a pcap or pcapng magic number has 4"],
        ["three bytes", new byte[] { 1, 2, 3 }, "t: header at offset 0: file ends after 3 bytes, a pcap or pcapng magic number has 4"],
        ["text", "GET / HTTP/1.1\r\n"u8.ToArray(), "t: header at offset 0: magic number 0x20544547 must be 0xa1b2c3d4 or 0xa1b23c4d (pcap, either byte order) or 0x0a0d0d0a (pcapng)"],
        ["compressed", new byte[] { 0x1F, 0x8B, 8, 0 }, "t: header at offset 0: magic number 0x00088b1f must be 0xa1b2c3d4 or 0xa1b23c4d (pcap, either byte order) or 0x0a0d0d0a (pcapng)"],
        ["pcap header", new CaptureBytes(true).PcapHeader().ToArray()[..23], "t: header at offset 0: file ends after 23 of 24 bytes"],
        ["pcap version", new CaptureBytes(true).PcapHeader(minor: 3).ToArray(), "t: header at offset 0: version 2.3 must be 2.4"],
        ["pcap reserved", new CaptureBytes(false).PcapHeader(link: 0x0801_0001).ToArray(), "t: header at offset 0: link type word 0x08010001 has reserved bits set (0x0bff0000 must be 0)"],
        ["section short", new CaptureBytes(false).Section().ToArray()[..11], "t: block at offset 0: file ends after 11 bytes, the smallest block has 12"],
        ["section cut", new CaptureBytes(false).Section().ToArray()[..27], "t: block at offset 0: file ends after 27 of 28 bytes"],
        ["byte order", Patched(new CaptureBytes(false).Section(), 8, 0), "t: block at offset 0: byte-order magic 0x1a2b3c00 must be 0x1a2b3c4d in either byte order"],
        ["version", new CaptureBytes(true).Section(major: 2).ToArray(), "t: block at offset 0: version 2.0 must be 1.0 or 1.2"],
        ["minor", new CaptureBytes(true).Section(minor: 1).ToArray(), "t: block at offset 0: version 1.1 must be 1.0 or 1.2"],
        ["section body", new CaptureBytes(true).Block(0x0A0D0D0A, b => b.U32(0x1A2B3C4D).U32(0x10000)).ToArray(), "t: block at offset 0: total length 20 is below 28, the least of a section header block"],
    ];

    public static IEnumerable<object[]> Blocks =>
    [
        ["length 7", File().U32(6).U32(7).U32(7).ToArray(), "total length 7 is not a multiple of 4 or below 12"],
        ["length 30", File().U32(6).U32(30).U32(0).ToArray(), "total length 30 is not a multiple of 4 or below 12"],
        ["length 8", File().U32(6).U32(8).U32(8).ToArray(), "total length 8 is not a multiple of 4 or below 12"],
        ["length 0", File().U32(6).U32(0).U32(0).ToArray(), "total length 0 is not a multiple of 4 or below 12"],
        ["length above cap", File().U32(0x0BAD).U32(16 * 1024 * 1024 + 4).U32(0).ToArray(), "total length 16777220 is above 16777216"],
        ["length of a gigabyte", File().U32(6).U32(0xFFFF_FFF0).U32(0).ToArray(), "total length 4294967280 is above 16777216"],
        ["garbage", File().U8(1, 2, 3).ToArray(), "file ends after 3 bytes, the smallest block has 12"],
        ["cut packet", File().Enhanced(0, 0, FrameA).ToArray()[..^1], "file ends after 51 of 52 bytes"],
        ["cut unknown block", File().Block(0x0BAD, b => b.U8(new byte[200_000])).ToArray()[..^2], "file ends after 200010 of 200012 bytes"],
        ["cut in unknown body", File().Block(0x0BAD, b => b.U8(new byte[200_000])).ToArray()[..(Start + 100_008)], "file ends after 100008 of 200012 bytes"],
        ["trailer", Patched(File().Enhanced(0, 0, FrameA), Start + 48, 56), "total length 52 is repeated as 56 at the block's end"],
        ["trailer of unknown", Patched(File().Block(0x0BAD, b => b.U32(0)), Start + 12, 0), "total length 16 is repeated as 0 at the block's end"],
        ["interface body", File().Block(1, b => b.U32(1)).ToArray(), "total length 16 is below 20, the least of an interface description block"],
        ["packet body", File().Block(6, b => b.U64(1).U64(1)).ToArray(), "total length 28 is below 32, the least of an enhanced packet block"],
        ["obsolete body", File().Block(2, b => b.U64(1).U64(1)).ToArray(), "total length 28 is below 32, the least of a packet block"],
        ["simple body", File().Block(3, _ => { }).ToArray(), "total length 12 is below 16, the least of a simple packet block"],
        ["no such interface", File().Enhanced(1, 0, FrameA).ToArray(), "interface 1 is not described: the section has 1 so far"],
        ["no such interface, obsolete", File().Obsolete(65535, 0, 0, FrameA).ToArray(), "interface 65535 is not described: the section has 1 so far"],
        ["captured above block", File().Enhanced(0, 0, FrameA, captured: 21).ToArray(), "captured length 21 is above the 20 bytes the block has for it"],
        ["captured above cap", File().Enhanced(0, 0, FrameA, captured: 262145).ToArray(), "captured length 262145 is above 262144"],
        ["captured of 4 GiB", File().Enhanced(0, 0, FrameA, captured: uint.MaxValue).ToArray(), "captured length 4294967295 is above 262144"],
        ["simple above block", File().Simple(FrameA, 21).ToArray(), "captured length 21 is above the 20 bytes the block has for it"],
        ["option above block", File().Enhanced(0, 0, FrameA, options: o => o.U16(1).U16(5).U32(0)).ToArray(), "option 1 has length 5, the block has 4 bytes left"],
        ["option of interface", File().Interface(options: o => o.U16(2).U16(65535)).ToArray(), "option 2 has length 65535, the block has 0 bytes left"],
        ["if_tsresol", File().Interface(options: o => o.Option(9, 9, 9)).ToArray(), "option if_tsresol has length 2, it must be 1"],
        ["if_tsoffset", File().Interface(options: o => o.OptionU32(14, 1)).ToArray(), "option if_tsoffset has length 4, it must be 8"],
        ["if_fcslen", File().Interface(options: o => o.Option(13)).ToArray(), "option if_fcslen has length 0, it must be 1"],
        ["epb_flags", File().Enhanced(0, 0, FrameA, options: o => o.Option(2, 1)).ToArray(), "option epb_flags has length 1, it must be 4"],
        ["epb_dropcount", File().Enhanced(0, 0, FrameA, options: o => o.OptionU32(4, 1)).ToArray(), "option epb_dropcount has length 4, it must be 8"],
        ["section without interface", File().Section().Simple(FrameA).ToArray(), "interface 0 is not described: the section has 0 so far", 28],
        ["byte order of second section", Patched(File().Section(), Start + 8, 0x00), "byte-order magic 0x1a2b3c00 must be 0x1a2b3c4d in either byte order"],
    ];

    public static string DisplayName(MethodInfo method, object[] row) => $"{method.Name} ({row[0]})";

    [TestMethod]
    [DynamicData(nameof(Headers), DynamicDataDisplayName = nameof(DisplayName))]
    public void A_bad_header_is_told_when_opening(string what, byte[] file, string message)
    {
        var fault = Assert.ThrowsExactly<CaptureFormatException>(() => CaptureReader.Open(new MemoryStream(file), "t"), what);
        Assert.AreEqual(message, fault.Message);
        Assert.AreEqual(0, fault.Offset);
    }

    [TestMethod]
    [DynamicData(nameof(Blocks), DynamicDataDisplayName = nameof(DisplayName))]
    public void A_bad_block_is_told_with_its_offset_after_the_frames_before_it(string what, byte[] file, string message, int further = 0)
    {
        var (packets, fault) = ReadToFault(file, "capture.pcapng");
        Assert.AreEqual($"capture.pcapng: block at offset {Start + further}: {message}", fault.Message, what);
        Assert.AreEqual(Start + further, fault.Offset);
        Assert.AreEqual(Plain(FrameA, 1000), packets.Single());
    }

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void A_classic_file_cut_anywhere_gives_the_records_before_the_cut(bool bigEndian)
    {
        var file = new CaptureBytes(bigEndian).PcapHeader().PcapRecord(1, 0, FrameA).PcapRecord(2, 0, FrameB).ToArray();
        int[] ends = [24, 24 + 16 + FrameA.Length, file.Length];
        for (var length = 24; length <= file.Length; length++)
        {
            if (ends.Contains(length))
            {
                Assert.AreEqual(Array.IndexOf(ends, length), Read(file[..length]).Count);
                continue;
            }
            var (packets, fault) = ReadToFault(file[..length], "c.pcap");
            var start = ends.Last(end => end < length);
            var record = start == 24 ? FrameA.Length + 16 : FrameB.Length + 16;
            Assert.AreEqual(Array.IndexOf(ends, start), packets.Count);
            Assert.AreEqual(start, fault.Offset);
            Assert.AreEqual(
                length - start < 16
                    ? $"c.pcap: record at offset {start}: file ends after {length - start} of 16 header bytes"
                    : $"c.pcap: record at offset {start}: file ends after {length - start} of {record} bytes",
                fault.Message);
        }
    }

    [TestMethod]
    public void A_pcapng_file_cut_anywhere_gives_the_frames_before_the_cut()
    {
        var file = File().Block(5, b => b.U32(0)).Enhanced(0, 5, FrameB).ToArray();
        int[] ends = [28, 48, Start, Start + 16, file.Length];
        for (var length = 28; length <= file.Length; length++)
        {
            if (ends.Contains(length))
            {
                Assert.AreEqual((length >= Start ? 1 : 0) + (length == file.Length ? 1 : 0), Read(file[..length]).Count);
                continue;
            }
            var (packets, fault) = ReadToFault(file[..length]);
            Assert.AreEqual(ends.Last(end => end < length), fault.Offset);
            Assert.AreEqual(length > Start ? 1 : 0, packets.Count);
            StringAssert.StartsWith(fault.Message, $"t.pcapng: block at offset {fault.Offset}: file ends after {length - fault.Offset} ");
        }
    }

    [TestMethod]
    [DataRow(262145u)]
    [DataRow(0x8000_0000u)]
    [DataRow(uint.MaxValue)]
    public void A_classic_record_above_the_cap_is_told(uint captured)
    {
        var file = new CaptureBytes(true).PcapHeader().PcapRecord(1, 0, FrameA).PcapRecord(2, 0, FrameB, captured: captured).ToArray();
        var (packets, fault) = ReadToFault(file, "c.pcap");
        Assert.AreEqual($"c.pcap: record at offset {24 + 16 + FrameA.Length}: captured length {captured} is above 262144", fault.Message);
        Assert.AreEqual(1, packets.Count);
    }

    [TestMethod]
    public void Too_many_interfaces_are_told()
    {
        var file = new CaptureBytes(false).Section();
        for (var i = 0; i <= CaptureReader.MaxInterfaces; i++)
            file.Interface();
        var (_, fault) = ReadToFault(file.ToArray());
        Assert.AreEqual($"t.pcapng: block at offset {28 + (CaptureReader.MaxInterfaces * 20)}: section has more than 65536 interfaces", fault.Message);
    }

    [TestMethod]
    public void A_fault_is_told_again_by_every_further_call()
    {
        using var reader = CaptureReader.Open(new MemoryStream(File().U8(1, 2, 3, 4).ToArray()), "t");
        Assert.IsTrue(reader.TryRead(out _));
        var first = Assert.ThrowsExactly<CaptureFormatException>(() => reader.TryRead(out _));
        var second = Assert.ThrowsExactly<CaptureFormatException>(() => reader.TryRead(out _));
        Assert.AreEqual(first.Message, second.Message);
    }

    private static CaptureBytes File() => new CaptureBytes(false).Section().Interface().Enhanced(0, 1, FrameA);

    private static byte[] Patched(CaptureBytes file, int offset, byte value)
    {
        var bytes = file.ToArray();
        bytes[offset] = value;
        return bytes;
    }
}
