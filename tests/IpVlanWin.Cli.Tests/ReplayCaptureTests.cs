using System.Diagnostics;
using System.IO.Compression;

namespace IpVlanWin.Cli.Tests;

[TestClass]
[DoNotParallelize]
public sealed class ReplayCaptureTests
{
    private const ulong Second = 1_700_000_000;

    private static readonly byte[] ToFirst = Raw.Ethernet(Raw.Mac, Raw.Station, 0x800, Raw.Ipv4(2));
    private static readonly byte[] ToHost = Raw.Ethernet(Raw.Mac, Raw.Station, 0x800, Raw.Ipv4(1));
    private static readonly byte[] Question = Raw.Ethernet(Raw.Broadcast, Raw.Station, 0x806, Raw.WhoHas(3));
    private static readonly byte[] TooLong = Raw.Ethernet(Raw.Mac, Raw.Station, 0x800, Raw.Ipv4(3, payload: 1600));
    private static readonly byte[] Runt = [1, 2, 3];

    public TestContext TestContext { get; set; } = null!;

    [TestMethod]
    public void Outputs_are_these_bytes()
    {
        using var bed = new ReplayBed();
        var capture = WriteCapture(bed);
        var got = bed.Replay(capture);
        Assert.AreEqual("", got.Errors);
        Assert.AreEqual(0, got.Status);
        AssertFile(bed, "wire", Raw.Interface("wire"));
        AssertFile(bed, "host", Raw.Interface("host"), Raw.Packet(Time(2), ToHost, 1), Raw.Packet(Time(3), Question, 1));
        AssertFile(bed, "ipvl0", Raw.Interface("ipvl0"), Raw.Packet(Time(1), ToFirst, 1), Raw.Packet(Time(3), Question, 1));
        AssertFile(bed, "ipvl1", Raw.Interface("ipvl1"), Raw.Packet(Time(3), Question, 1));
        AssertFile(bed, "dropped", Raw.Interface("wire"), Raw.Packet(Time(4), TooLong, 1, "oversize"), Raw.Packet(Time(5), Runt, 1, "runt"));
        Assert.HasCount(5, Directory.GetFiles(bed.Out));
        Assert.AreEqual(
            $"""
            {capture}: received on eth0, l2 bridge

            interface  rxPackets  rxBytes  multicast  txPackets  txBytes  rxErrors  txDropped
            ipvl0              2      102          1          0        0         0          0
            ipvl1              1       42          1          0        0         0          0

            drop reason  frames
            runt              1
            oversize          1

            total                     frames
            read                           7
            truncated, not fed             1
            other direction, not fed       1
            passed to host                 1
            delivered                      1
            flooded                        1
            sent to wire                   0
            dropped                        2


            """.ReplaceLineEndings(), got.Output);
    }

    [TestMethod]
    public void Interface_sends_what_is_fed_at_it()
    {
        using var bed = new ReplayBed();
        var toSibling = Raw.Ethernet(Raw.Mac, Raw.Mac, 0x800, Raw.Ipv4(3, source: 2));
        var out1 = Raw.Ethernet(Raw.Station, Raw.Mac, 0x800, Raw.Ipv4(99, source: 2));
        var capture = bed.Write("sent.pcapng", Raw.Section(), Raw.PlainInterface(),
            Raw.Packet(Micro(1), toSibling, 2), Raw.Packet(Micro(2), out1), Raw.Packet(Micro(3), ToFirst, 1));
        var got = bed.Replay(capture, "--at", "ipvl0");
        Assert.AreEqual("", got.Errors);
        AssertFile(bed, "wire", Raw.Interface("wire"), Raw.Packet(Time(2), out1, 2));
        AssertFile(bed, "ipvl0", Raw.Interface("ipvl0"));
        AssertFile(bed, "ipvl1", Raw.Interface("ipvl1"), Raw.Packet(Time(1), toSibling, 1));
        AssertFile(bed, "dropped", Raw.Interface("ipvl0"));
        StringAssert.StartsWith(got.Output, $"{capture}: sent by ipvl0, l2 bridge");
    }

    [TestMethod]
    public void Routed_packets_leave_or_say_why_not()
    {
        using var bed = new ReplayBed();
        var topology = bed.Write("l3.json", ReplayBed.Topology.Replace("\"l2\"", "\"l3\"", StringComparison.Ordinal));
        byte[] Sent(byte[] packet) => Raw.Ethernet(Raw.Mac, Raw.Mac, 0x800, packet);
        var far = Raw.Ipv4(7, source: 2, network: 9);
        var near = Raw.Ipv4(77, source: 2);
        var capture = bed.Write("sent.pcapng", Raw.Section(), Raw.PlainInterface(),
            Raw.Packet(Micro(1), Sent(far)), Raw.Packet(Micro(2), Sent(near)), Raw.Packet(Micro(3), Raw.Ethernet(Raw.Broadcast, Raw.Mac, 0x806, Raw.WhoHas(77))));
        var got = ReplayBed.Run("--in", capture, "--config", topology, "--out", bed.Out, "--at", "ipvl0");
        Assert.AreEqual("", got.Errors);
        AssertFile(bed, "wire", Raw.Interface("wire"), Raw.Packet(Time(1), Raw.Ethernet(Raw.Bytes("0200000000fe"), Raw.Mac, 0x800, far), 2));
        AssertFile(bed, "dropped", Raw.Interface("ipvl0"),
            Raw.Packet(Time(2), Sent(near), 2, "no-route: no neighbor 10.0.0.77"),
            Raw.Packet(Time(3), Raw.Ethernet(Raw.Broadcast, Raw.Mac, 0x806, Raw.WhoHas(77)), 2, "multicast-in-l3"));
    }

    [TestMethod]
    public void L3s_gives_host_and_interface_theirs()
    {
        using var bed = new ReplayBed();
        var topology = bed.Write("l3s.json", ReplayBed.Topology.Replace("\"l2\"", "\"l3s\"", StringComparison.Ordinal));
        var damaged = (byte[])ToFirst.Clone();
        damaged[24] ^= 0xff;
        var capture = bed.Write("in.pcapng", Raw.Section(), Raw.PlainInterface(), Raw.Packet(Micro(1), ToFirst), Raw.Packet(Micro(2), damaged));
        var got = ReplayBed.Run("--in", capture, "--config", topology, "--out", bed.Out);
        Assert.AreEqual("", got.Errors);
        AssertFile(bed, "host", Raw.Interface("host"), Raw.Packet(Time(1), ToFirst, 1), Raw.Packet(Time(2), damaged, 1));
        AssertFile(bed, "ipvl0", Raw.Interface("ipvl0"), Raw.Packet(Time(1), ToFirst, 1));
        AssertFile(bed, "dropped", Raw.Interface("wire"), Raw.Packet(Time(2), damaged, 1, "l3s-invalid: host only"));
    }

    [TestMethod]
    public void Gzip_is_read_too()
    {
        using var bed = new ReplayBed();
        var capture = WriteCapture(bed);
        using (var compressed = new GZipStream(File.Create(capture + ".gz"), CompressionLevel.Fastest))
            compressed.Write(File.ReadAllBytes(capture));
        Assert.AreEqual(0, bed.Replay(capture + ".gz").Status);
        AssertFile(bed, "ipvl1", Raw.Interface("ipvl1"), Raw.Packet(Time(3), Question, 1));
        var whole = File.ReadAllBytes(capture + ".gz");
        File.WriteAllBytes(capture + ".gz", whole[..^20]);
        var got = bed.Replay(capture + ".gz", "--force");
        Assert.AreEqual(2, got.Status);
        StringAssert.Matches(got.Errors, new("^ipvlan: in.pcapng.gz: compressed data at offset [0-9]+: .*; the outputs hold what the [0-7] frames before it came to\r?\n$"));
    }

    [TestMethod]
    public void Fault_in_the_capture_keeps_what_came_before()
    {
        using var bed = new ReplayBed();
        byte[] good = [.. Raw.Section(), .. Raw.PlainInterface(), .. Raw.Packet(Micro(1), ToFirst)];
        var got = bed.Replay(bed.Write("cut.pcapng", good, Raw.Packet(Micro(2), ToFirst)[..40]));
        Assert.AreEqual($"ipvlan: cut.pcapng: block at offset {good.Length}: file ends after 40 of 92 bytes; the outputs hold what the 1 frames before it came to{Environment.NewLine}", got.Errors);
        Assert.AreEqual(2, got.Status);
        StringAssert.Contains(got.Output, "ipvl0              1       60");
        AssertFile(bed, "ipvl0", Raw.Interface("ipvl0"), Raw.Packet(Time(1), ToFirst, 1));
        AssertFile(bed, "wire", Raw.Interface("wire"));
    }

    [TestMethod]
    public void Another_link_type_is_refused()
    {
        using var bed = new ReplayBed();
        var classic = bed.Write("sll.pcap", Raw.Bytes("d4c3b2a1020004000000000000000000ffff000071000000"));
        ReplayBed.AssertRefused(2, "sll.pcap: header at offset 0: link type 113 must be 1 (Ethernet)", bed.Replay(classic));
        byte[] head = [.. Raw.Section(), .. Raw.PlainInterface(linkType: 113)];
        var got = bed.Replay(bed.Write("sll.pcapng", head, Raw.Packet(Micro(1), ToFirst)));
        Assert.AreEqual(
            $"ipvlan: sll.pcapng: packet at offset {head.Length}: link type 113 must be 1 (Ethernet); the outputs hold what the 0 frames before it came to{Environment.NewLine}", got.Errors);
        Assert.AreEqual(2, got.Status);
        AssertFile(bed, "host", Raw.Interface("host"));
    }

    [TestMethod]
    public void Bad_files_and_directories_get_one_line_and_leave_nothing()
    {
        using var bed = new ReplayBed();
        var capture = WriteCapture(bed);
        ReplayBed.AssertRefused(2, $"{bed["none.pcap"]}: cannot be read: no such file or directory", bed.Replay(bed["none.pcap"]));
        ReplayBed.AssertRefused(2, $"{bed.Directory}: cannot be read: it is a directory", bed.Replay(bed.Directory));
        ReplayBed.AssertRefused(2, "text.pcap: header at offset 0: magic number 0x6c6c6568 must be 0xa1b2c3d4 or 0xa1b23c4d (pcap, either byte order) or 0x0a0d0d0a (pcapng)",
            bed.Replay(bed.Write("text.pcap", "hello")));
        ReplayBed.AssertRefused(2, "empty.pcap: header at offset 0: file ends after 0 bytes, a pcap or pcapng magic number has 4", bed.Replay(bed.Write("empty.pcap", "")));
        ReplayBed.AssertRefused(2, $"--at 'ipvl9' must be wire or an interface of {bed["topology.json"]}: ipvl0, ipvl1", bed.Replay(capture, "--at", "ipvl9"));
        Assert.IsFalse(Directory.Exists(bed.Out));
        var config = bed["topology.json"];
        ReplayBed.AssertRefused(2, $"{capture}: it is a file, --out must name a directory", ReplayBed.Run("--in", capture, "--config", config, "--out", capture));
        var (status, output, errors) = ReplayBed.Run("--in", capture, "--config", config, "--out", Path.Combine(capture, "sub"));
        Assert.AreEqual((2, ""), (status, output));
        StringAssert.StartsWith(errors, $"ipvlan: {Path.Combine(capture, "sub")}: cannot be made: ");
        Assert.HasCount(1, errors.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        ReplayBed.AssertRefused(2, $"{bed["none.json"]}: cannot be read: no such file or directory", ReplayBed.Run("--in", capture, "--config", bed["none.json"], "--out", bed.Out));
    }

    [TestMethod]
    public void Existing_output_is_replaced_only_by_force()
    {
        using var bed = new ReplayBed();
        var capture = WriteCapture(bed);
        Directory.CreateDirectory(bed.Out);
        File.WriteAllText(Path.Combine(bed.Out, "ipvl1.pcapng"), "mine");
        ReplayBed.AssertRefused(2, $"{Path.Combine(bed.Out, "ipvl1.pcapng")}: exists already; --force replaces it", bed.Replay(capture));
        Assert.HasCount(1, Directory.GetFiles(bed.Out));
        Assert.AreEqual("mine", File.ReadAllText(Path.Combine(bed.Out, "ipvl1.pcapng")));
        Assert.AreEqual(0, bed.Replay(capture, "--force").Status);
        AssertFile(bed, "ipvl1", Raw.Interface("ipvl1"), Raw.Packet(Time(3), Question, 1));
    }

    [TestMethod]
    public void Output_may_replace_the_capture()
    {
        using var bed = new ReplayBed();
        Directory.CreateDirectory(bed.Out);
        File.Copy(WriteCapture(bed), Path.Combine(bed.Out, "host.pcapng"));
        Assert.AreEqual(0, bed.Replay(Path.Combine(bed.Out, "host.pcapng"), "--force").Status);
        AssertFile(bed, "host", Raw.Interface("host"), Raw.Packet(Time(2), ToHost, 1), Raw.Packet(Time(3), Question, 1));
    }

    [TestMethod]
    public void Full_disk_takes_everything_back()
    {
        if (!File.Exists("/dev/full"))
            Assert.Inconclusive("needs /dev/full (Linux)");
        using var bed = new ReplayBed();
        var capture = WriteCapture(bed);
        Directory.CreateDirectory(bed.Out);
        var path = Path.Combine(bed.Out, "host.pcapng");
        // Files are locked while they are written, and all runs share the one device.
        using var turn = new Mutex(false, "ipvlan-tests-dev-full");
        Assert.IsTrue(turn.WaitOne(TimeSpan.FromSeconds(30)), "another run holds /dev/full");
        try
        {
            File.CreateSymbolicLink(path + ".part", "/dev/full");
            ReplayBed.AssertRefused(2, $"{path}: cannot be written: No space left on device; no output was kept", bed.Replay(capture));
        }
        finally
        {
            turn.ReleaseMutex();
        }
        Assert.IsEmpty(Directory.GetFileSystemEntries(bed.Out));
    }

    [TestMethod]
    public void Large_capture_is_streamed()
    {
        const int Frames = 200_000;
        const long MostAllocated = 4 * 1024 * 1024;
        using var bed = new ReplayBed();
        using (var file = new BufferedStream(File.Create(bed["large.pcapng"]), 1 << 16))
        {
            file.Write(Raw.Section());
            file.Write(Raw.PlainInterface());
            byte[][] packets = [Raw.Packet(Micro(1), ToFirst), Raw.Packet(Micro(2), Question), Raw.Packet(Micro(3), TooLong[..400]), Raw.Packet(Micro(4), ToHost)];
            for (var i = 0; i < Frames; i++)
                file.Write(packets[i % packets.Length]);
        }
        var before = GC.GetTotalAllocatedBytes(precise: true);
        var got = bed.Replay(bed["large.pcapng"]);
        var allocated = GC.GetTotalAllocatedBytes(precise: true) - before;
        TestContext.WriteLine($"{allocated} bytes allocated for {new FileInfo(bed["large.pcapng"]).Length} bytes of capture");
        Assert.AreEqual("", got.Errors);
        StringAssert.Contains(got.Output, "read                      200000");
        StringAssert.Contains(got.Output, "flooded                    50000");
        Assert.IsLessThan(MostAllocated, allocated);
        Assert.AreEqual(Raw.OwnSection().Length + Raw.Interface("ipvl0").Length + (Frames / 4L * (Raw.Packet(0, ToFirst, 1).Length + Raw.Packet(0, Question, 1).Length)),
            new FileInfo(Path.Combine(bed.Out, "ipvl0.pcapng")).Length);
    }

    [TestMethod]
    public void Tshark_opens_the_outputs()
    {
        using var bed = new ReplayBed();
        Assert.AreEqual(0, bed.Replay(WriteCapture(bed)).Status);
        Assert.AreEqual("1700000003.000000000\thost\t\n", Tshark(bed, "host", "arp"));
        Assert.AreEqual("", Tshark(bed, "wire", ""));
        Assert.AreEqual("1700000004.000000000\twire\toversize\n1700000005.000000000\twire\trunt\n", Tshark(bed, "dropped", ""));
    }

    [TestMethod]
    [DataRow("replay takes --vectors FILE..., or --in FILE --config FILE --out DIR [--at NAME] [--force]")]
    [DataRow("--config is missing; replay takes --vectors FILE..., or --in FILE --config FILE --out DIR [--at NAME] [--force]", "--in", "a")]
    [DataRow("--in is missing; replay takes --vectors FILE..., or --in FILE --config FILE --out DIR [--at NAME] [--force]", "--config", "a", "--out", "b")]
    [DataRow("--out is missing; replay takes --vectors FILE..., or --in FILE --config FILE --out DIR [--at NAME] [--force]", "--config", "a", "--in", "b")]
    [DataRow("--in is missing; replay takes --vectors FILE..., or --in FILE --config FILE --out DIR [--at NAME] [--force]", "--at", "wire")]
    [DataRow("--vectors and --in exclude each other; replay takes --vectors FILE..., or --in FILE --config FILE --out DIR [--at NAME] [--force]", "--vectors", "a", "--in", "b")]
    [DataRow("--vectors and --force exclude each other; replay takes --vectors FILE..., or --in FILE --config FILE --out DIR [--at NAME] [--force]", "--force", "--vectors", "a")]
    [DataRow("Required argument missing for option: '--vectors'.", "--vectors")]
    [DataRow("Required argument missing for option: '--in'.", "--in")]
    [DataRow("unknown option \"--colour\": must be --vectors, --in, --config, --out, --at or --force", "--colour")]
    public void Wrong_syntax_is_told(string line, params string[] arguments) => ReplayBed.AssertRefused(1, line, ReplayBed.Run(arguments));

    private static ulong Time(ulong seconds) => (Second + seconds) * 1_000_000_000;

    private static ulong Micro(ulong seconds) => (Second + seconds) * 1_000_000;

    /// <summary>One of each: delivered, for the host, flooded, dropped, cut short, outbound.</summary>
    private static string WriteCapture(ReplayBed bed) => bed.Write("in.pcapng",
        Raw.Section(), Raw.PlainInterface(),
        Raw.Packet(Micro(1), ToFirst), Raw.Packet(Micro(2), ToHost, 1), Raw.Packet(Micro(3), Question), Raw.Packet(Micro(4), TooLong),
        Raw.Packet(Micro(5), Runt), Raw.Packet(Micro(6), ToFirst[..40], original: ToFirst.Length), Raw.Packet(Micro(7), ToFirst, 2));

    private static void AssertFile(ReplayBed bed, string place, params byte[][] blocks)
    {
        byte[] expected = [.. Raw.OwnSection(), .. blocks.SelectMany(block => block)];
        Assert.AreEqual(Convert.ToHexString(expected), Convert.ToHexString(File.ReadAllBytes(Path.Combine(bed.Out, place + ".pcapng"))), place);
    }

    private static string Tshark(ReplayBed bed, string place, string filter)
    {
        var start = new ProcessStartInfo("tshark", ["-n", "-r", Path.Combine(bed.Out, place + ".pcapng"), "-Y", filter, "-T", "fields", "-e", "frame.time_epoch", "-e", "frame.interface_name", "-e", "frame.comment"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        try
        {
            using var process = Process.Start(start)!;
            var errors = process.StandardError.ReadToEndAsync();
            var output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            Assert.AreEqual(0, process.ExitCode, errors.GetAwaiter().GetResult());
            return output;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Inconclusive("needs tshark");
            throw;
        }
    }
}
