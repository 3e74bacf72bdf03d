using System.IO.Compression;
using IpVlanWin.Devices.Pcap;
using static IpVlanWin.Devices.Tests.Pcap.Captures;

namespace IpVlanWin.Devices.Tests.Pcap;

[TestClass]
public sealed class PcapNgReaderTests
{
    [TestMethod]
    public void Given_bytes()
    {
        var file = Convert.FromHexString(
            "0A0D0D0A" + "1C000000" + "4D3C2B1A" + "0100" + "0000" + "FFFFFFFFFFFFFFFF" + "1C000000" +
            "01000000" + "20000000" + "0100" + "0000" + "00000400" + "0900" + "0100" + "09000000" + "00000000" + "20000000" +
            "06000000" + "30000000" + "00000000" + "01000000" + "02000000" + "02000000" + "03000000" + "A1A20000" +
            "0200" + "0400" + "02000000" + "00000000" + "30000000");
        Assert.AreEqual(
            new Packet("A1A2", 0x1_0000_0002, 3, 0, 0, FrameDirection.Outbound, null, null), Read(file).Single());
    }

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void Every_kind_of_block_in_either_byte_order(bool bigEndian)
    {
        var file = new CaptureBytes(bigEndian)
            .Section(options: o => o.Option(2, "hardware").Option(4, "application").Option(0))
            .Interface(options: o => o.Option(2, "eth0").Option(3, "first interface").Option(9, 9).Option(0))
            .Interface(link: 113)
            .Block(4, nrb => nrb.U32(0))
            .Enhanced(0, 5, FrameA, options: o => o.Option(1, "grüße").Option(1, "second").OptionU32(2, 1).OptionU64(4, 77).Option(0))
            .Block(5, isb => isb.U32(0).U64(0))
            .Enhanced(1, 7, FrameB, original: 99)
            .Block(0x0BAD, custom => custom.U32(32473).U8(1, 2, 3, 4))
            .Block(0x80001234, local => local.U8(new byte[100_000]))
            .Obsolete(0, 3, 11, FrameB, o => o.OptionU32(2, 2).Option(0))
            .Obsolete(0, 0xFFFF, 12, FrameB)
            .Simple(FrameA)
            .Block(6000, _ => { })
            .ToArray();
        CollectionAssert.AreEqual(
            new[]
            {
                Plain(FrameA, 5) with { Direction = FrameDirection.Inbound, DropCount = 77, Comment = "grüße" },
                Plain(FrameB, 7000, 1) with { OriginalLength = 99 },
                Plain(FrameB, 11) with { Direction = FrameDirection.Outbound, DropCount = 3 },
                Plain(FrameB, 12),
                Plain(FrameA, null),
            },
            Read(file));

        using var reader = CaptureReader.Open(new MemoryStream(file), "t.pcapng");
        Assert.AreEqual(0, reader.Interfaces.Count);
        while (reader.TryRead(out _))
        {
        }
        Assert.AreEqual(2, reader.Interfaces.Count);
        Assert.AreEqual("eth0", reader.Interfaces[0].Name);
        Assert.AreEqual("first interface", reader.Interfaces[0].Description);
        Assert.AreEqual(262144, reader.Interfaces[0].SnapLength);
        Assert.AreEqual(113, reader.Interfaces[1].LinkType);
        Assert.IsNull(reader.Interfaces[1].Name);
    }

    [TestMethod]
    public void Sections_have_their_own_byte_order_and_interfaces()
    {
        var file = new CaptureBytes(false).Section().Interface(options: o => o.Option(9, 9)).Enhanced(0, 1, FrameA).ToArray()
            .Concat(new CaptureBytes(true).Section(minor: 2, length: 4).Interface(101).Interface().Enhanced(1, 1, FrameB).ToArray())
            .Concat(new CaptureBytes(false).Section().ToArray())
            .Concat(new CaptureBytes(false).Section().Interface().Enhanced(0, 2, FrameB).ToArray());
        CollectionAssert.AreEqual(
            new[] { Plain(FrameA, 1), Plain(FrameB, 1000, 1, 1), Plain(FrameB, 2000, 0, 3) }, Read([.. file]));
    }

    [TestMethod]
    [DataRow(0, 5UL, 0L, 5_000_000_000)]
    [DataRow(3, 5UL, 0L, 5_000_000)]
    [DataRow(6, 1_600_000_000_123_456UL, 0L, 1_600_000_000_123_456_000)]
    [DataRow(9, 1_600_000_000_123_456_789UL, 0L, 1_600_000_000_123_456_789)]
    [DataRow(12, 1_600_000_000_123_456_789UL, 0L, 1_600_000_000_123_456)]
    [DataRow(28, ulong.MaxValue, 0L, 1)]
    [DataRow(29, ulong.MaxValue, 0L, 0)]
    [DataRow(127, ulong.MaxValue, 0L, 0)]
    [DataRow(0x80, 3UL, 0L, 3_000_000_000)]
    [DataRow(0x80 | 1, 3UL, 0L, 1_500_000_000)]
    [DataRow(0x80 | 10, 1025UL, 0L, 1_000_976_562)]
    [DataRow(0x80 | 32, 0x5F5E_1000_8000_0000UL, 0L, 0x5F5E_1000 * 1_000_000_000L + 500_000_000)]
    [DataRow(0x80 | 127, ulong.MaxValue, 0L, 0)]
    [DataRow(9, 7UL, 1_600_000_000L, 1_600_000_000_000_000_007)]
    [DataRow(9, 7UL, -2L, -1_999_999_993)]
    [DataRow(9, ulong.MaxValue, 0L, long.MaxValue)]
    [DataRow(0, ulong.MaxValue, long.MaxValue, long.MaxValue)]
    [DataRow(9, 0UL, long.MinValue, long.MinValue)]
    public void Timestamps(int resolution, ulong timestamp, long offsetSeconds, long expected)
    {
        foreach (var bigEndian in new[] { false, true })
        {
            var file = new CaptureBytes(bigEndian).Section()
                .Interface(options: o => o.Option(9, (byte)resolution).OptionU64(14, (ulong)offsetSeconds))
                .Enhanced(0, timestamp, FrameA)
                .ToArray();
            Assert.AreEqual(expected, Read(file).Single().UnixNanoseconds);
        }
    }

    [TestMethod]
    [DataRow(0u, 17u, 17)]
    [DataRow(10u, 17u, 10)]
    [DataRow(100u, 17u, 17)]
    public void A_simple_packet_has_the_lesser_of_snap_and_original_length(uint snap, uint original, int captured)
    {
        var bytes = FrameA[..captured];
        var file = new CaptureBytes(false).Section().Interface(snap: snap).Simple(bytes, original).ToArray();
        var packet = Read(file).Single();
        Assert.AreEqual(Convert.ToHexString(bytes), packet.Hex);
        Assert.AreEqual(original, packet.OriginalLength);
        Assert.IsNull(packet.UnixNanoseconds);
    }

    [TestMethod]
    public void Check_sequences_are_taken_off_by_the_packet_or_the_interface()
    {
        byte[] withSequence = [.. FrameA, 1, 2, 3, 4];
        var file = new CaptureBytes(false).Section()
            .Interface()
            .Interface(options: o => o.Option(13, 4))
            .Interface(options: o => o.Option(13, 32))
            .Enhanced(0, 0, withSequence, options: o => o.OptionU32(2, 4 << 5))
            .Enhanced(1, 0, withSequence)
            .Enhanced(2, 0, withSequence)
            .Enhanced(1, 0, [1, 2])
            .ToArray();
        var packets = Read(file);
        for (var i = 0; i < 3; i++)
        {
            Assert.AreEqual(Convert.ToHexString(FrameA), packets[i].Hex);
            Assert.AreEqual(FrameA.Length, packets[i].OriginalLength);
        }
        Assert.AreEqual("", packets[3].Hex);
    }

    [TestMethod]
    public void Strings_end_at_a_zero_and_bad_text_is_replaced()
    {
        var file = new CaptureBytes(false).Section()
            .Interface(options: o => o.Option(2, "eth0\0junk").Option(3, 0xFF, 0x41))
            .Enhanced(0, 0, FrameA, options: o => o.Option(1, "a\0b"))
            .ToArray();
        using var reader = CaptureReader.Open(new MemoryStream(file), "t.pcapng");
        Assert.IsTrue(reader.TryRead(out var frame));
        Assert.AreEqual("eth0", frame.Interface.Name);
        Assert.AreEqual("\uFFFDA", frame.Interface.Description);
        Assert.AreEqual("a", frame.Comment);
    }

    [TestMethod]
    public void A_file_on_disk_may_be_compressed()
    {
        var file = new CaptureBytes(false).Section().Interface().Enhanced(0, 1, FrameA).ToArray();
        var path = Path.Combine(Path.GetTempPath(), $"ipvlan-{Environment.ProcessId}-{Guid.NewGuid():N}.pcapng.gz");
        try
        {
            using (var gzip = new GZipStream(File.Create(path), CompressionLevel.Fastest))
                gzip.Write(file);
            using (var reader = CaptureReader.Open(path))
            {
                Assert.AreEqual(Path.GetFileName(path), reader.Name);
                Assert.IsTrue(reader.TryRead(out var frame));
                Assert.IsTrue(frame.Bytes.SequenceEqual(FrameA));
                Assert.IsFalse(reader.TryRead(out _));
            }
            File.WriteAllBytes(path, file);
            using (var reader = CaptureReader.Open(path))
                Assert.IsTrue(reader.TryRead(out _));

            // An invalid kind of deflate block (RFC 1951 section 3.2.3) behind ten bytes of gzip header.
            var compressed = new MemoryStream();
            using (var gzip = new GZipStream(compressed, CompressionLevel.Fastest, leaveOpen: true))
                gzip.Write(file);
            var damaged = compressed.ToArray();
            damaged[10] = 0xFF;
            File.WriteAllBytes(path, damaged);
            var fault = Assert.ThrowsExactly<CaptureFormatException>(() => CaptureReader.Open(path));
            StringAssert.StartsWith(fault.Message, $"{Path.GetFileName(path)}: compressed data at offset 0: ");

            File.WriteAllBytes(path, compressed.ToArray()[..^30]);
            Assert.ThrowsExactly<CaptureFormatException>(() =>
            {
                using var reader = CaptureReader.Open(path);
                while (reader.TryRead(out _))
                {
                }
            });
            File.WriteAllBytes(path, file);
            Assert.IsTrue(File.Exists(path), "the failed reader let go of the file");
        }
        finally
        {
            File.Delete(path);
        }
        Assert.ThrowsExactly<FileNotFoundException>(() => CaptureReader.Open(path));
    }

    [TestMethod]
    public void The_stream_is_disposed_unless_left_open()
    {
        var file = new CaptureBytes(false).Section().ToArray();
        var stream = new MemoryStream(file);
        CaptureReader.Open(stream, "t", leaveOpen: true).Dispose();
        Assert.IsTrue(stream.CanRead);
        stream.Position = 0;
        CaptureReader.Open(stream, "t").Dispose();
        Assert.IsFalse(stream.CanRead);
    }
}
