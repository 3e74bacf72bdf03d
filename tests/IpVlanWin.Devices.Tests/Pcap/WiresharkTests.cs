using System.Diagnostics;
using IpVlanWin.Devices.Pcap;
using IpVlanWin.Engine.Wire;
using static IpVlanWin.Devices.Tests.Pcap.Captures;

namespace IpVlanWin.Devices.Tests.Pcap;

/// <summary>What Wireshark's command line tools make of our files, and we of theirs.</summary>
[TestClass]
public sealed class WiresharkTests
{
    private const long Time = 1_600_000_000_123_456_789;

    private string _directory = "";

    [TestInitialize]
    public void MakeDirectory() => _directory = Directory.CreateTempSubdirectory($"ipvlan-{Environment.ProcessId}-").FullName;

    [TestCleanup]
    public void RemoveDirectory() => Directory.Delete(_directory, recursive: true);

    [TestMethod]
    public void Tshark_reads_every_field_of_a_pcapng_file()
    {
        var path = Path.Combine(_directory, "t.pcapng");
        using (var writer = CaptureWriter.Create(path))
        {
            var wire = writer.AddInterface("wire", "the master's wire");
            var ipvl0 = writer.AddInterface("ipvl0", "grüner Namensraum");
            writer.Write(wire, Time, FrameA, new FrameNote(FrameDirection.Inbound));
            writer.Write(ipvl0, Time + 1, FrameB, new FrameNote(FrameDirection.Outbound, DroppedBefore: 7, Comment: "dropped: no such neighbor"));
            writer.Write(ipvl0, Time + 2, new byte[FrameBatch.MaxFrameLength], new FrameNote(FrameDirection.Inbound, new FrameOffload(34, 16, SegmentationKind.Tcp4, 1448)));
            writer.Write(wire, 0, FrameA);
        }
        var lines = Run(
            "tshark", "-r", path, "-T", "fields", "-E", "separator=|", "-e", "frame.number", "-e", "frame.time_epoch", "-e", "frame.len",
            "-e", "frame.cap_len", "-e", "frame.interface_name", "-e", "frame.interface_description", "-e", "frame.packet_flags_direction",
            "-e", "frame.packet_flags_reserved", "-e", "frame.drop_count", "-e", "frame.comment", "-e", "eth.dst", "-e", "_ws.malformed");
        string[] fields(int line) => lines[line].Split('|');
        Assert.AreEqual(4, lines.Length);
        CollectionAssert.AreEqual(
            new[] { "1", "1600000000.123456789", "17", "17", "wire", "the master's wire", "0x00000001" }, fields(0)[..7]);
        CollectionAssert.AreEqual(
            new[] { "2", "1600000000.123456790", "18", "18", "ipvl0", "grüner Namensraum", "0x00000002" }, fields(1)[..7]);
        CollectionAssert.AreEqual(
            new[] { "3", "1600000000.123456791", "65600", "65600", "ipvl0", "grüner Namensraum", "0x00000001" }, fields(2)[..7]);
        CollectionAssert.AreEqual(new[] { "4", "0.000000000", "17", "17", "wire" }, fields(3)[..5]);
        Assert.AreEqual("7", fields(1)[8]);
        Assert.AreEqual("dropped: no such neighbor", fields(1)[9]);
        Assert.AreEqual("ff:ff:ff:ff:ff:ff", fields(0)[10]);
    }

    [TestMethod]
    public void Capinfos_knows_the_origin_and_the_interfaces()
    {
        var path = Path.Combine(_directory, "t.pcapng");
        using (var writer = new PcapNgWriter(File.Create(path), new CaptureOrigin("a machine", "an operating system", "IpVlanWin test")))
        {
            writer.AddInterface("wire");
            writer.AddInterface("ipvl0", "described");
            writer.Write(1, Time, FrameA);
        }
        var text = string.Join('\n', Run("capinfos", path));
        foreach (var expected in new[]
        {
            "pcapng", "Capture hardware:    a machine", "Capture oper-sys:    an operating system", "Capture application: IpVlanWin test",
            "File timestamp precision:  nanoseconds (9)", "Number of interfaces in file: 2", "Name = ipvl0", "Description = described",
            "Encapsulation = Ethernet", "Capture length = 262144", "Number of packets:   1",
        })
        {
            StringAssert.Contains(text, expected);
        }
    }

    [TestMethod]
    public void Capinfos_knows_a_classic_file()
    {
        var path = Path.Combine(_directory, "t.pcap");
        using (var writer = CaptureWriter.Create(path))
        {
            writer.AddInterface("wire");
            writer.Write(0, Time, FrameA);
            writer.Write(0, Time + 1, FrameB);
        }
        var text = string.Join('\n', Run("capinfos", path));
        StringAssert.Contains(text, "nanosecond");
        StringAssert.Contains(text, "Number of packets:   2");
        StringAssert.Contains(text, "0.000000001 seconds");
    }

    [TestMethod]
    [DataRow("pcap", 1_600_000_000_123_456_000)]
    [DataRow("nsecpcap", Time)]
    [DataRow("pcapng", Time)]
    public void What_editcap_converts_is_read(string format, long time)
    {
        var path = Path.Combine(_directory, "t.pcap");
        var converted = Path.Combine(_directory, "converted");
        using (var writer = CaptureWriter.Create(path))
        {
            writer.AddInterface("wire");
            writer.Write(0, Time, FrameA);
            writer.Write(0, Time, FrameB);
        }
        Run("editcap", "-F", format, path, converted);
        CollectionAssert.AreEqual(new[] { Plain(FrameA, time), Plain(FrameB, time) }, Read(File.ReadAllBytes(converted)));
    }

    private static string[] Run(string tool, params string[] arguments)
    {
        var start = new ProcessStartInfo(tool, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["LC_ALL"] = "C.UTF-8";
        Process process;
        try
        {
            process = Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Inconclusive($"{tool} (Wireshark's command line tools) is not installed");
            throw;
        }
        using (process)
        {
            var errors = process.StandardError.ReadToEndAsync();
            var output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            Assert.AreEqual(0, process.ExitCode, errors.Result);
            return output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        }
    }
}
