using IpVlanWin.Devices.Pcap;
using static IpVlanWin.Devices.Tests.Pcap.Captures;

namespace IpVlanWin.Devices.Tests.Pcap;

[TestClass]
public sealed class PcapReaderTests
{
    [TestMethod]
    public void Little_endian_microseconds_from_given_bytes()
    {
        var file = Convert.FromHexString(
            "D4C3B2A1" + "0200" + "0400" + "00000000" + "00000000" + "FFFF0000" + "01000000" +
            "15CD5B07" + "40E20100" + "03000000" + "40000000" + "A1A2A3");
        Assert.AreEqual(
            new Packet("A1A2A3", 123456789_123456000, 64, 0, 0, FrameDirection.Unknown, null, null), Read(file, "t.pcap").Single());
    }

    [TestMethod]
    public void Big_endian_nanoseconds_from_given_bytes()
    {
        var file = Convert.FromHexString(
            "A1B23C4D" + "0002" + "0004" + "00000000" + "00000000" + "0000FFFF" + "00000001" +
            "075BCD15" + "075BCD15" + "00000002" + "00000002" + "A1A2");
        Assert.AreEqual(Plain([0xA1, 0xA2], 123456789_123456789), Read(file, "t.pcap").Single());
    }

    [TestMethod]
    [DataRow(false, 0xA1B2C3D4, 1000)]
    [DataRow(true, 0xA1B2C3D4, 1000)]
    [DataRow(false, 0xA1B23C4D, 1)]
    [DataRow(true, 0xA1B23C4D, 1)]
    public void Both_byte_orders_and_both_resolutions(bool bigEndian, long magic, int fraction)
    {
        var file = new CaptureBytes(bigEndian).PcapHeader((uint)magic)
            .PcapRecord(1, 2, FrameA)
            .PcapRecord(uint.MaxValue, 999_999, FrameB)
            .PcapRecord(0, 0, [])
            .ToArray();
        CollectionAssert.AreEqual(
            new[]
            {
                Plain(FrameA, 1_000_000_000 + (2 * fraction)),
                Plain(FrameB, (uint.MaxValue * 1_000_000_000L) + (999_999L * fraction)),
                Plain([], 0),
            },
            Read(file, "t.pcap"));
    }

    [TestMethod]
    public void The_header_tells_link_type_snap_length_and_check_sequence()
    {
        // P bit and two 16-bit words of check sequence.
        var file = new CaptureBytes(true).PcapHeader(snap: 20, link: 0x2400_0001)
            .PcapRecord(0, 0, [.. FrameA, 9, 9, 9, 9])
            .PcapRecord(0, 0, [.. FrameA, 9, 9], original: (uint)FrameA.Length + 4)
            .PcapRecord(0, 0, FrameA, original: 1000)
            .ToArray();
        using var reader = CaptureReader.Open(new MemoryStream(file), "t.pcap");
        Assert.AreEqual(CaptureInterface.Ethernet, reader.Interfaces[0].LinkType);
        Assert.AreEqual(20, reader.Interfaces[0].SnapLength);
        Assert.AreEqual(4, reader.Interfaces[0].CheckSequenceLength);
        foreach (var original in new[] { FrameA.Length, FrameA.Length, 996 })
        {
            Assert.IsTrue(reader.TryRead(out var frame));
            Assert.IsTrue(frame.Bytes.SequenceEqual(FrameA));
            Assert.AreEqual(original, frame.OriginalLength);
        }
        Assert.IsFalse(reader.TryRead(out _));
    }

    [TestMethod]
    public void An_original_length_below_the_captured_one_is_raised_to_it()
    {
        var file = new CaptureBytes(false).PcapHeader().PcapRecord(0, 0, FrameA, original: 1).ToArray();
        Assert.AreEqual(FrameA.Length, Read(file).Single().OriginalLength);
    }

    [TestMethod]
    public void The_longest_record_is_read()
    {
        var longest = new byte[CaptureReader.MaxCapturedLength];
        longest[^1] = 7;
        var file = new CaptureBytes(false).PcapHeader().PcapRecord(0, 0, longest).PcapRecord(0, 0, FrameA).ToArray();
        using var reader = CaptureReader.Open(new MemoryStream(file), "t.pcap");
        Assert.IsTrue(reader.TryRead(out var frame));
        Assert.IsTrue(frame.Bytes.SequenceEqual(longest));
        Assert.IsTrue(reader.TryRead(out frame));
        Assert.IsTrue(frame.Bytes.SequenceEqual(FrameA));
    }
}
