using System.Globalization;
using IpVlanWin.Cli.Lab;
using IpVlanWin.Devices.Pcap;
using IpVlanWin.Engine.Ipvlan;

namespace IpVlanWin.Cli.Tests;

[TestClass]
public sealed class LabCommandLineTests
{
    private const string ModeError = "argument of \"--mode\" must be l2, l3 or l3s";
    private const string FlagError = "argument of \"--flag\" must be bridge, private or vepa";
    private const string InterfacesError = "argument of \"--interfaces\" must be a number from 1 to 64";
    private const string SecondsError = "argument of \"--seconds\" must be a number from 1 to 3600";
    private const string CaptureError = "argument of \"--capture\" must be the name of a folder";
    private const string OptionNames = "--mode, --flag, --interfaces, --keep, --capture, --seconds, --spin or --simulate";

    public TestContext TestContext { get; set; } = null!;

    [TestMethod]
    [DataRow("lab x", "unexpected argument \"x\" of \"lab\": it takes options only")]
    [DataRow("lab --x", $"unknown option \"--x\": must be {OptionNames}")]
    [DataRow("lab --mode", ModeError)]
    [DataRow("lab --mode x", ModeError)]
    [DataRow("lab --mode=L2", ModeError)]
    [DataRow("lab --mode l2 --mode l3", "\"--mode\" must be given once")]
    [DataRow("lab --mode l2 l3", "unexpected argument \"l3\" of \"lab\": it takes options only")]
    [DataRow("lab --flag", FlagError)]
    [DataRow("lab --flag both", FlagError)]
    [DataRow("lab --flag --mode l2", FlagError)]
    [DataRow("lab --interfaces", InterfacesError)]
    [DataRow("lab --interfaces 0", InterfacesError)]
    [DataRow("lab --interfaces 65", InterfacesError)]
    [DataRow("lab --interfaces -1", InterfacesError)]
    [DataRow("lab --interfaces 99999999999", InterfacesError)]
    [DataRow("lab --interfaces 3 --interfaces 4", "\"--interfaces\" must be given once")]
    [DataRow("lab --seconds", SecondsError)]
    [DataRow("lab --seconds 0", SecondsError)]
    [DataRow("lab --seconds 3601", SecondsError)]
    [DataRow("lab --seconds 1.5", SecondsError)]
    [DataRow("lab --seconds one", SecondsError)]
    [DataRow("lab --capture", CaptureError)]
    [DataRow("lab --capture=", CaptureError)]
    [DataRow("lab --keep=1", "unexpected argument \"1\" of \"lab\": it takes options only")]
    public void Wrong_syntax_is_one_line_that_names_what_is_legal(string line, string message)
    {
        var (status, output, errors) = Run(line.Split(' '));
        Assert.AreEqual($"ipvlan: {message}{Environment.NewLine}", errors);
        Assert.AreEqual(1, status);
        Assert.AreEqual("", output);
    }

    [TestMethod]
    [DataRow("--keep")]
    [DataRow("--spin")]
    public void What_needs_namespaces_is_refused_in_memory(string option)
    {
        var (status, output, errors) = Run("lab", "--simulate", option);
        Assert.AreEqual($"ipvlan: \"{option}\" needs network namespaces: leave \"--simulate\" out and run as root on Linux{Environment.NewLine}", errors);
        Assert.AreEqual(2, status);
        Assert.AreEqual("", output);
    }

    [TestMethod]
    [DataRow("--help", "replay")]
    [DataRow("lab --help", "--interfaces <N>")]
    [DataRow("lab --help", "--mode <l2|l3|l3s>")]
    public void Help_is_no_error(string line, string part)
    {
        var (status, output, errors) = Run(line.Split(' '));
        Assert.AreEqual(0, status, errors);
        StringAssert.Contains(output, part);
        Assert.AreEqual("", errors);
    }

    [TestMethod]
    public void A_capture_folder_that_cannot_be_is_refused()
    {
        var file = Path.GetTempFileName();
        try
        {
            var (status, output, errors) = Run("lab", "--simulate", "--capture", file);
            Assert.AreEqual(2, status);
            Assert.AreEqual("", output);
            StringAssert.StartsWith(errors, $"ipvlan: cannot write capture \"{Path.Combine(file, "wire.pcapng")}\": ");
            Assert.HasCount(1, errors.Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries));
        }
        finally
        {
            File.Delete(file);
        }
    }

    [TestMethod]
    public void A_lab_writes_a_readable_capture_for_each_place()
    {
        var folder = Path.Combine(Path.GetTempPath(), $"ipvlan-lab-{Environment.ProcessId}-{Guid.NewGuid():N}");
        try
        {
            var (status, output, errors) = Run("lab", "--simulate", "--mode", "l3s", "--interfaces", "2", "--capture", folder);
            Assert.AreEqual(0, status, output + errors);
            CollectionAssert.AreEquivalent(
                new[] { "host.pcapng", "ipvl0.pcapng", "ipvl1.pcapng", "wire.pcapng" }, Directory.GetFiles(folder).Select(Path.GetFileName).ToArray());
            foreach (var path in Directory.GetFiles(folder))
            {
                StringAssert.Contains(output, $"capture: {path}");
                var (inbound, outbound) = CountFrames(path);
                TestContext.WriteLine($"{path}: {inbound} in, {outbound} out");
                Assert.IsGreaterThan(0, inbound, path);
                Assert.IsGreaterThan(0, outbound, path);
            }
            // red sends 2,000 datagrams to green, who gets nothing else that long.
            Assert.AreEqual(2000, CountFrames(Path.Combine(folder, "ipvl1.pcapng"), leastLength: 1000).Inbound);
        }
        finally
        {
            if (Directory.Exists(folder))
                Directory.Delete(folder, recursive: true);
        }
    }

    [TestMethod]
    public void The_options_reach_the_lab()
    {
        var (status, output, _) = Run("lab", "--simulate", "--mode", "l3", "--flag", "vepa", "--interfaces", "4", "--seconds", "2");
        Assert.AreEqual(0, status, output);
        StringAssert.Contains(output, "mode l3 vepa:");
        StringAssert.Contains(output, "ipvl3");
        StringAssert.Contains(output, "0 of 4000 datagrams lost");
        Assert.IsFalse(output.Contains("l3 bridge", StringComparison.Ordinal), "flags were walked though one was asked for");
    }

    [TestMethod]
    public void Defaults_are_l2_bridge_and_a_walk()
    {
        var options = new LabOptions();
        Assert.IsTrue(options is { FirstMode: PortMode.L2, FirstFlag: PortFlag.Bridge, Interfaces: 3, WalksFlags: true, TransferDuration.TotalSeconds: 1 });
        Assert.IsFalse((options with { Flag = PortFlag.Bridge }).WalksFlags);
        Assert.IsFalse((options with { Mode = PortMode.L2 }).WalksFlags);
    }

    private static (long Inbound, long Outbound) CountFrames(string path, int leastLength = 0)
    {
        var (inbound, outbound, before) = (0L, 0L, long.MinValue);
        using var reader = CaptureReader.Open(path);
        while (reader.TryRead(out var frame))
        {
            Assert.IsTrue(frame.UnixNanoseconds >= before, $"{path}: time goes back");
            before = frame.UnixNanoseconds!.Value;
            Assert.AreEqual(Path.GetFileNameWithoutExtension(path), frame.Interface.Name);
            if (frame.Bytes.Length < leastLength)
                continue;
            if (frame.Direction == FrameDirection.Inbound)
                inbound++;
            else
                outbound++;
        }
        return (inbound, outbound);
    }

    private static (int Status, string Output, string Errors) Run(params string[] args)
    {
        var output = new StringWriter(CultureInfo.InvariantCulture);
        var errors = new StringWriter(CultureInfo.InvariantCulture);
        var status = Program.Run(args, errors, output);
        return (status, output.ToString(), errors.ToString());
    }
}
