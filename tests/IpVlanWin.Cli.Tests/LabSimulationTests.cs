using System.Globalization;
using System.Text.RegularExpressions;
using IpVlanWin.Cli.Lab;
using IpVlanWin.Cli.Lab.Simulation;
using IpVlanWin.Devices;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Wire;
using Spectre.Console;

namespace IpVlanWin.Cli.Tests;

[TestClass]
public sealed class LabSimulationTests
{
    public TestContext TestContext { get; set; } = null!;

    private CancellationToken Token => TestContext.CancellationToken;

    public static IEnumerable<object[]> ModesAndFlags =>
        from mode in Enum.GetValues<PortMode>() from flag in Enum.GetValues<PortFlag>() select new object[] { mode, flag };

    [TestMethod]
    [DynamicData(nameof(ModesAndFlags))]
    public async Task Every_mode_and_flag_passes(PortMode mode, PortFlag flag)
    {
        var options = new LabOptions { Mode = mode, Flag = flag };
        var report = await RunAsync(new SimulatedBed(options), options);

        Assert.IsTrue(report.IsPassed, Failures(report));
        var phase = report.Phases.Single();
        // 5 stations ping each other, and all but the wire the off-link address, over both families.
        Assert.HasCount(2 * ((5 * 4) + 4), phase.Pings);
        var siblings = phase.Pings.Where(ping => ping.From.Kind == StationKind.Interface && ping.To.Kind == StationKind.Interface);
        Assert.AreEqual(flag == PortFlag.Bridge ? 12 : 0, siblings.Count(ping => ping.Result.IsReached));
        var moved = phase.Transfers.Where(transfer => transfer.Result is not null).ToArray();
        Assert.HasCount(flag == PortFlag.Bridge ? 3 : 2, moved);
        Assert.IsTrue(Array.TrueForAll(moved, transfer => transfer.Result is { DatagramsReceived: 2000, BytesReceived: 2000 * 1400 }));
    }

    [TestMethod]
    public async Task Without_mode_and_flag_the_flags_are_walked_on_the_running_port()
    {
        var options = new LabOptions();
        var report = await RunAsync(new SimulatedBed(options), options);

        Assert.IsTrue(report.IsPassed, Failures(report));
        CollectionAssert.AreEqual(
            new[] { "l2 bridge", "l2 private", "l2 vepa", "l2 bridge" }, report.Phases.Select(phase => phase.Name).ToArray());
        // The six sibling pairs over two families, three requests each, died in private alone.
        Assert.AreEqual(36, report.Statistics!.Drops.Single(drop => drop.Key == DropReason.Private).Value);
    }

    [TestMethod]
    public async Task The_mode_can_be_changed_on_the_running_port()
    {
        var bed = new SimulatedBed(new LabOptions { Interfaces = 2 });
        await using (bed)
        {
            foreach (var mode in new[] { PortMode.L2, PortMode.L3, PortMode.L3S, PortMode.L2 })
            {
                await bed.SetAsync(mode, PortFlag.Bridge, Token);
                var run = new LabRun(bed, new LabOptions { Mode = mode, Interfaces = 2 });
                await run.RunAsync(Token);
                Assert.IsTrue(run.Report.IsPassed, $"{mode}: {Failures(run.Report)}");
            }
        }
    }

    [TestMethod]
    [DataRow(1)]
    [DataRow(9)]
    public async Task Any_number_of_interfaces_passes(int interfaces)
    {
        var options = new LabOptions { Interfaces = interfaces };
        var report = await RunAsync(new SimulatedBed(options), options);
        Assert.IsTrue(report.IsPassed, Failures(report));
        Assert.HasCount(interfaces, report.Statistics!.Interfaces);
    }

    [TestMethod]
    public async Task Two_runs_count_the_same()
    {
        var options = new LabOptions { Mode = PortMode.L3 };
        var first = await RunAsync(new SimulatedBed(options), options);
        var second = await RunAsync(new SimulatedBed(options), options);
        CollectionAssert.AreEqual(first.Statistics!.Interfaces.ToArray(), second.Statistics!.Interfaces.ToArray());
        CollectionAssert.AreEqual(first.Statistics.Drops.ToArray(), second.Statistics.Drops.ToArray());
        CollectionAssert.AreEqual(
            first.Phases[0].Pings.Select(ping => ping.Result).ToArray(), second.Phases[0].Pings.Select(ping => ping.Result).ToArray());
    }

    [TestMethod]
    public async Task In_vepa_a_wire_that_reflects_lets_siblings_reach_each_other()
    {
        var bed = new SimulatedBed(
            new LabOptions { Mode = PortMode.L2, Flag = PortFlag.Vepa }, device => device.Name == "wire" ? new ReflectingDevice(device) : device);
        await using (bed)
        {
            foreach (var isSix in new[] { false, true })
            {
                var result = await bed.PingAsync(bed.Stations[0], bed.Stations[1], isSix, Token);
                Assert.IsTrue(result.IsReached, isSix ? "IPv6" : "IPv4");
            }
        }
    }

    [TestMethod]
    public async Task Plain_lines_tell_the_whole_story()
    {
        var output = new StringWriter(CultureInfo.InvariantCulture);
        var options = new LabOptions { Mode = PortMode.L2, Flag = PortFlag.Private };
        var bed = new SimulatedBed(options);
        await using (bed)
        {
            var run = new LabRun(bed, options);
            await new PlainView(output).ShowAsync(run, Token);
            ReportText.WriteVerdict(output, run.Report);
        }
        var text = output.ToString();
        StringAssert.StartsWith(text, "bed: simulated:");
        StringAssert.Contains(text, "mode l2 private: who reached whom");
        StringAssert.Matches(text, new Regex(@"^  red +-/- +-/- +-/- +0\.\d\d/0\.\d\d +-/-\r?$", RegexOptions.Multiline));
        StringAssert.Contains(text, "must not reach: 12 pings, 12 held: private siblings do not reach each other");
        StringAssert.Contains(text, "multicast from red: IPv4 to green blue wire; IPv6 to green blue wire");
        StringAssert.Contains(text, "TCP red -> wire: not on this bed");
        StringAssert.Contains(text, "0 of 2000 datagrams lost");
        StringAssert.Matches(text, new Regex(@"^  interface +rx packets +rx bytes +multicast +tx packets +tx bytes +rx errors +tx dropped\r?$", RegexOptions.Multiline));
        StringAssert.Contains(text, "drops: private ");
        StringAssert.Contains(text, "source MACs on the wire: 02:00:5e:10:00:01 (the master's is 02:00:5e:10:00:01)");
        StringAssert.Matches(text, new Regex(@"^PASS: 77 expectations held\r?$", RegexOptions.Multiline));
    }

    [TestMethod]
    public async Task A_terminal_sees_a_table_and_keeps_the_lines()
    {
        var screen = new StringWriter(CultureInfo.InvariantCulture);
        var output = new StringWriter(CultureInfo.InvariantCulture);
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.Yes, Interactive = InteractionSupport.Yes, ColorSystem = ColorSystemSupport.NoColors, Out = new AnsiConsoleOutput(screen),
        });
        console.Profile.Width = 120;
        console.Profile.Height = 60;
        var options = new LabOptions { Mode = PortMode.L3, Flag = PortFlag.Bridge };
        var bed = new SimulatedBed(options);
        await using (bed)
            await new LiveView(console, output).ShowAsync(new LabRun(bed, options), Token);
        StringAssert.Contains(screen.ToString(), "from \\ to");
        StringAssert.Contains(output.ToString(), "mode l3 bridge: who reached whom");
        StringAssert.Contains(output.ToString(), "ipvl2");
    }

    [TestMethod]
    public async Task A_cancelled_run_ends_at_once()
    {
        using var source = new CancellationTokenSource();
        var options = new LabOptions { TransferDuration = TimeSpan.FromHours(1) };
        var bed = new SimulatedBed(options);
        await using (bed)
        {
            var run = new LabRun(bed, options);
            run.Changed += source.Cancel;
            await Assert.ThrowsAsync<OperationCanceledException>(() => run.RunAsync(source.Token));
            Assert.IsFalse(run.Report.Phases[0].Transfers.Exists(transfer => transfer.Result is not null));
        }
    }

    internal static string Failures(LabReport report) =>
        string.Join("\n", report.Findings.Where(finding => !finding.IsHeld).Select(finding => finding.Text));

    private async Task<LabReport> RunAsync(ILabBed bed, LabOptions options)
    {
        await using (bed)
        {
            var run = new LabRun(bed, options);
            await run.RunAsync(Token);
            return run.Report;
        }
    }

    /// <summary>A link whose far end, as a VEPA-capable switch does, also sends frames back to where they came from.</summary>
    private sealed class ReflectingDevice(IFrameDevice inner) : IFrameDevice
    {
        private readonly Queue<byte[]> _reflected = new();

        public string Name => inner.Name;

        public OffloadKinds Accepts => inner.Accepts;

        public int PollDescriptor => inner.PollDescriptor;

        public void Receive(FrameBatch batch)
        {
            while (!batch.IsFull && _reflected.TryDequeue(out var frame))
                batch.Append(frame);
            inner.Receive(batch);
        }

        public SendResult Send(Span<byte> buffer, in FrameOffload offload)
        {
            _reflected.Enqueue(buffer[FrameBatch.Headroom..].ToArray());
            return inner.Send(buffer, offload);
        }

        public void Flush() => inner.Flush();

        public void Dispose() => inner.Dispose();
    }
}
