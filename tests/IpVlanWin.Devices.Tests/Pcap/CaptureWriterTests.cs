using IpVlanWin.Devices.Pcap;
using IpVlanWin.Devices.Tests.Memory;
using IpVlanWin.Engine.Wire;
using static IpVlanWin.Devices.Tests.Pcap.Captures;

namespace IpVlanWin.Devices.Tests.Pcap;

[TestClass]
public sealed class CaptureWriterTests
{
    private static readonly CaptureOrigin NoOrigin = new(null, null, null);

    [TestMethod]
    public void Classic_file_byte_for_byte()
    {
        var stream = new MemoryStream();
        using (var writer = new PcapWriter(stream, leaveOpen: true))
        {
            var id = writer.AddInterface("eth0");
            Assert.IsTrue(writer.Write(id, 123456789_123456789, [0xA1, 0xA2, 0xA3]));
        }
        Assert.AreEqual(
            "4D3CB2A1" + "0200" + "0400" + "00000000" + "00000000" + "00000400" + "01000000" +
            "15CD5B07" + "15CD5B07" + "03000000" + "03000000" + "A1A2A3",
            Convert.ToHexString(stream.ToArray()));
    }

    [TestMethod]
    public void Pcapng_file_byte_for_byte()
    {
        var stream = new MemoryStream();
        using (var writer = new PcapNgWriter(stream, new CaptureOrigin("hw", null, "apps!"), leaveOpen: true))
        {
            var id = writer.AddInterface("e0", "desc");
            Assert.IsTrue(writer.Write(id, 0x1_0000_0002, [0xA1, 0xA2, 0xA3]));
            Assert.IsTrue(writer.Write(id, 3, [1, 2, 3, 4], new FrameNote(FrameDirection.Outbound, new FrameOffload(34, 16, SegmentationKind.Tcp4, 1448), 5, "é")));
        }
        var expected = new CaptureBytes(false)
            .Section(options: o => o.Option(2, "hw").Option(4, "apps!").Option(0))
            .Interface(options: o => o.Option(2, "e0").Option(3, "desc").Option(9, 9).Option(0))
            .Enhanced(0, 0x1_0000_0002, [0xA1, 0xA2, 0xA3])
            .Enhanced(0, 3, [1, 2, 3, 4], options: o => o.Option(1, "é").OptionU32(2, 0xA02).OptionU64(4, 5).Option(0));
        Assert.AreEqual(Convert.ToHexString(expected.ToArray()), Convert.ToHexString(stream.ToArray()));
    }

    [TestMethod]
    public void Without_options_there_is_no_option_list()
    {
        var stream = new MemoryStream();
        new PcapNgWriter(stream, NoOrigin, leaveOpen: true).Dispose();
        Assert.AreEqual(Convert.ToHexString(new CaptureBytes(false).Section().ToArray()), Convert.ToHexString(stream.ToArray()));
    }

    [TestMethod]
    public void What_is_written_reads_back_the_same()
    {
        const int Seed = 3;
        Console.WriteLine($"seed {Seed}");
        var random = new Random(Seed);
        var stream = new MemoryStream();
        var expected = new List<Packet>();
        using (var writer = new PcapNgWriter(stream, leaveOpen: true))
        {
            writer.AddInterface("ipvl0");
            for (var i = 0; i < 500; i++)
            {
                if (i % 100 == 99)
                    Assert.AreEqual((i / 100) + 1, writer.AddInterface($"ipvl{i}", "added later"));
                var frame = new byte[random.Next(20) == 0 ? random.Next(FrameBatch.MaxFrameLength) : random.Next(1515)];
                random.NextBytes(frame);
                var note = new FrameNote(
                    (FrameDirection)random.Next(3), default, random.Next(4), random.Next(3) == 0 ? new string('ü', random.Next(1, 100)) : null);
                var time = random.NextInt64();
                Assert.IsTrue(writer.Write(i / 100, time, frame, note));
                expected.Add(new Packet(
                    Convert.ToHexString(frame), time, frame.Length, i / 100, 0, note.Direction,
                    note.DroppedBefore == 0 ? null : (ulong)note.DroppedBefore, note.Comment));
            }
        }
        using var reader = CaptureReader.Open(new MemoryStream(stream.ToArray()), "t");
        foreach (var packet in expected)
        {
            Assert.IsTrue(reader.TryRead(out var frame));
            Assert.AreEqual(packet, Packet.Of(frame));
        }
        Assert.IsFalse(reader.TryRead(out _));
        Assert.AreEqual("added later", reader.Interfaces[4].Description);
        Assert.AreEqual("ipvl499", reader.Interfaces[5].Name);
    }

    [TestMethod]
    public void Classic_round_trip_with_times_that_do_not_fit()
    {
        var stream = new MemoryStream();
        using (var writer = new PcapWriter(stream, leaveOpen: true))
        {
            writer.AddInterface("eth0");
            writer.Write(0, 1_600_000_000_123_456_789, FrameA);
            writer.Write(0, -1, FrameB);
            writer.Write(0, long.MaxValue, FrameB);
        }
        CollectionAssert.AreEqual(
            new[] { Plain(FrameA, 1_600_000_000_123_456_789), Plain(FrameB, 0), Plain(FrameB, (uint.MaxValue * 1_000_000_000L) + 999_999_999) },
            Read(stream.ToArray()));
    }

    [TestMethod]
    public void A_frame_above_the_snap_length_is_cut_and_says_so()
    {
        foreach (var classic in new[] { false, true })
        {
            var stream = new MemoryStream();
            using (CaptureWriter writer = classic ? new PcapWriter(stream, leaveOpen: true) : new PcapNgWriter(stream, leaveOpen: true))
            {
                writer.AddInterface("eth0");
                Assert.IsTrue(writer.Write(0, 0, new byte[CaptureWriter.SnapLength + 5]));
            }
            using var reader = CaptureReader.Open(new MemoryStream(stream.ToArray()), "t");
            Assert.IsTrue(reader.TryRead(out var frame));
            Assert.AreEqual(CaptureWriter.SnapLength, frame.Bytes.Length);
            Assert.AreEqual(CaptureWriter.SnapLength + 5, frame.OriginalLength);
        }
    }

    [TestMethod]
    [DataRow(65535, 65535)]
    [DataRow(65536, 65535)]
    [DataRow(200_000, 65535)]
    public void A_long_comment_is_cut(int length, int kept)
    {
        var stream = new MemoryStream();
        using (var writer = new PcapNgWriter(stream, leaveOpen: true))
        {
            writer.AddInterface("eth0");
            Assert.IsTrue(writer.Write(0, 0, FrameA, new FrameNote(FrameDirection.Inbound, Comment: new string('x', length))));
            Assert.IsTrue(writer.Write(0, 0, FrameB, new FrameNote(Comment: new string('€', length))));
            Assert.IsTrue(writer.Write(0, 0, FrameB, new FrameNote(Comment: "a\ud800b")));
        }
        var packets = Read(stream.ToArray());
        Assert.AreEqual(kept, packets[0].Comment!.Length);
        Assert.AreEqual(FrameDirection.Inbound, packets[0].Direction);
        Assert.AreEqual(new string('€', 65535 / 3), packets[1].Comment);
        Assert.AreEqual("a\uFFFDb", packets[2].Comment);
    }

    [TestMethod]
    public void Interfaces_that_are_not_there_are_an_error()
    {
        using var writer = new PcapNgWriter(new MemoryStream());
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => writer.Write(0, 0, FrameA));
        writer.AddInterface("eth0");
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => writer.Write(-1, 0, FrameA));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => writer.Write(1, 0, FrameA));
        Assert.ThrowsExactly<ArgumentException>(() => writer.AddInterface(""));

        using var classic = new PcapWriter(new MemoryStream());
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => classic.Write(0, 0, FrameA));
        Assert.AreEqual(0, classic.AddInterface("eth0"));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => classic.Write(1, 0, FrameA));
        var error = Assert.ThrowsExactly<InvalidOperationException>(() => classic.AddInterface("eth1"));
        Assert.AreEqual("the capture file can describe no further interface: classic pcap has 1, pcapng up to 65536", error.Message);
    }

    [TestMethod]
    public void A_failed_write_is_kept_refuses_further_frames_and_comes_out_of_Flush()
    {
        var stream = new FullStream(200_000);
        var writer = new PcapNgWriter(stream);
        writer.AddInterface("eth0");
        var taken = 0;
        while (writer.Write(0, 0, new byte[1514]))
            Assert.IsTrue(++taken < 1000, "the full disk was not noticed");
        Assert.IsInstanceOfType<IOException>(writer.Fault);
        Assert.IsFalse(writer.Write(0, 0, FrameA));
        Assert.AreEqual(1, writer.AddInterface("eth1"));
        var told = Assert.ThrowsExactly<IOException>(writer.Flush);
        Assert.AreEqual("capture file cannot be written: no space left", told.Message);
        writer.Dispose();
        Assert.IsTrue(stream.IsDisposed);
        Assert.IsFalse(writer.Write(0, 0, FrameA));
        Assert.ThrowsExactly<ObjectDisposedException>(writer.Flush);
    }

    [TestMethod]
    public void A_failure_that_Flush_has_not_told_comes_out_of_Dispose()
    {
        var stream = new FullStream(0);
        var writer = new PcapWriter(stream);
        Assert.ThrowsExactly<IOException>(writer.Dispose);
        Assert.IsTrue(stream.IsDisposed);
        writer.Dispose();
    }

    [TestMethod]
    public void Nothing_reaches_the_stream_before_the_buffer_is_full_or_flushed()
    {
        var stream = new MemoryStream();
        using var writer = new PcapNgWriter(stream);
        writer.AddInterface("eth0");
        writer.Write(0, 0, FrameA);
        Assert.AreEqual(0, stream.Length);
        writer.Flush();
        Assert.AreEqual(1, Read(stream.ToArray()).Count);
    }

    [TestMethod]
    public void The_extension_chooses_the_format()
    {
        var directory = Directory.CreateTempSubdirectory($"ipvlan-{Environment.ProcessId}-");
        try
        {
            foreach (var (name, magic) in new[] { ("a.pcapng", "0A0D0D0A"), ("b.PCAP", "4D3CB2A1") })
            {
                var path = Path.Combine(directory.FullName, name);
                using (var writer = CaptureWriter.Create(path))
                    writer.AddInterface("eth0");
                Assert.AreEqual(magic, Convert.ToHexString(File.ReadAllBytes(path)[..4]));
            }
            var error = Assert.ThrowsExactly<ArgumentException>(() => CaptureWriter.Create("c.cap"));
            StringAssert.StartsWith(error.Message, "extension of capture file 'c.cap' must be .pcapng or .pcap");
            Assert.ThrowsExactly<DirectoryNotFoundException>(() => CaptureWriter.Create(Path.Combine(directory.FullName, "no", "c.pcap")));
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    [TestMethod]
    public void A_frame_costs_no_allocation()
    {
        using var writer = new PcapNgWriter(Stream.Null);
        using var classic = new PcapWriter(Stream.Null);
        writer.AddInterface("eth0");
        classic.AddInterface("eth0");
        var frame = new byte[1514];
        var note = new FrameNote(FrameDirection.Inbound, default, 3, "not sent: queue full");
        Assert.AreEqual(0, Allocations.Least(Write, 1000));

        void Write()
        {
            writer.Write(0, 1, frame, note);
            classic.Write(0, 1, frame);
        }
    }
}
