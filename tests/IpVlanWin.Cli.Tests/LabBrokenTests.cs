using IpVlanWin.Cli.Lab;
using IpVlanWin.Cli.Lab.Simulation;
using IpVlanWin.Devices;
using IpVlanWin.Devices.Decorators;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Cli.Tests;

/// <summary>The lab has to notice: something is broken on purpose, and the verdict names it and nothing else.</summary>
[TestClass]
public sealed class LabBrokenTests
{
    private static readonly LabOptions Options = new() { Mode = PortMode.L2, Flag = PortFlag.Bridge };

    public TestContext TestContext { get; set; } = null!;

    [TestMethod]
    public async Task A_station_that_loses_everything_fails_its_own_pairs_alone()
    {
        var failed = await FailuresAsync(new SimulatedBed(
            Options, device => device.Name == "ipvl1" ? new FaultInjector(device, 1, sent: new FaultRates { Loss = 1 }) : device));
        CollectionAssert.Contains(
            failed, "red -> green by ping over IPv4 in l2 bridge: expected reached (bridge siblings reach each other), seen: not reached");
        CollectionAssert.Contains(
            failed, "red -> green by multicast over IPv6 in l2 bridge: expected reached (multicast is flooded in l2, whatever the flag), seen: not reached");
        CollectionAssert.Contains(failed, "red -> green by UDP in l2 bridge: expected data to arrive, seen: 0 bytes");
        Assert.IsTrue(Array.TrueForAll(failed, text => text.Contains("green", StringComparison.Ordinal)), string.Join("\n", failed));
    }

    [TestMethod]
    public async Task A_second_mac_on_the_wire_fails()
    {
        var failed = await FailuresAsync(new SimulatedBed(
            Options, device => device.Name == "wire" ? new AlteringDevice(device, LeakOwnMac) : device));
        CollectionAssert.AreEqual(
            new[] { "on the wire the only source MAC from the master is 02:00:5e:10:00:01, seen: 02:00:5e:10:00:01 02:00:00:00:00:99" }, failed);

        // Multicast only, so that nobody answers to the wrong MAC.
        static void LeakOwnMac(Span<byte> frame)
        {
            if (frame[0] == 0x33 && frame[12] == 0x86 && frame.Length < 80)
                MacAddress.Parse("02:00:00:00:00:99").Write(frame[MacAddress.Bytes..]);
        }
    }

    [TestMethod]
    public async Task A_damaged_packet_fails()
    {
        var failed = await FailuresAsync(new SimulatedBed(
            Options, device => device.Name == "wire" ? new AlteringDevice(device, Damage) : device));
        CollectionAssert.AreEqual(
            new[] { "red -> wire by UDP in l2 bridge: expected data to arrive, seen: 0 bytes", "every packet arrives intact, seen: 2000 damaged" }, failed);

        static void Damage(Span<byte> frame)
        {
            if (frame.Length > 1000)
                frame[^1] ^= 1;
        }
    }

    [TestMethod]
    public async Task A_flag_that_does_not_take_hold_fails()
    {
        var failed = await FailuresAsync(new AlteredBed(new SimulatedBed(new LabOptions())) { KeepsFlag = true }, new LabOptions());
        // Six sibling pairs over two families, in private and in vepa.
        Assert.HasCount(24, failed);
        CollectionAssert.Contains(
            failed, "blue -> red by ping over IPv6 in l2 private: expected not reached (private siblings do not reach each other), seen: reached");
    }

    [TestMethod]
    public async Task An_interface_that_is_lost_fails()
    {
        var failed = await FailuresAsync(new AlteredBed(new SimulatedBed(Options)) { HidesLastInterface = true });
        CollectionAssert.AreEqual(new[] { "in l2 bridge the interfaces are ipvl0 ipvl1 ipvl2, seen: ipvl0 ipvl1" }, failed);
    }

    [TestMethod]
    public async Task Probes_that_run_side_by_side_are_all_judged()
    {
        var bed = new AlteredBed(new SimulatedBed(Options)) { EndsProbesOnOtherThreads = true };
        var run = new LabRun(bed, Options);
        await using (bed)
            await run.RunAsync(TestContext.CancellationToken);
        Assert.IsTrue(run.Report.IsPassed, LabSimulationTests.Failures(run.Report));
        Assert.HasCount(78, run.Report.Findings);
    }

    [TestMethod]
    public void The_verdict_names_what_failed()
    {
        var report = new LabReport();
        Assert.IsFalse(report.IsPassed, "nothing was judged");
        report.Findings.Add(new Finding(true, "a"));
        for (var i = 0; i < 25; i++)
            report.Findings.Add(new Finding(false, $"b{i}"));
        var output = new StringWriter();
        ReportText.WriteVerdict(output, report);
        var lines = output.ToString().Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries);
        Assert.HasCount(22, lines);
        Assert.AreEqual("failed: b0", lines[0]);
        Assert.AreEqual("failed: 5 more", lines[20]);
        Assert.AreEqual("FAIL: 25 of 26 expectations did not hold", lines[21]);
    }

    private async Task<string[]> FailuresAsync(ILabBed bed, LabOptions? options = null)
    {
        await using (bed)
        {
            var run = new LabRun(bed, options ?? Options);
            await run.RunAsync(TestContext.CancellationToken);
            Assert.IsFalse(run.Report.IsPassed);
            return [.. run.Report.Findings.Where(finding => !finding.IsHeld).Select(finding => finding.Text)];
        }
    }

    /// <summary>Changes what the pump sends.</summary>
    private sealed class AlteringDevice(IFrameDevice inner, AlteringDevice.Alteration alter) : IFrameDevice
    {
        public delegate void Alteration(Span<byte> frame);

        public string Name => inner.Name;

        public OffloadKinds Accepts => inner.Accepts;

        public int PollDescriptor => inner.PollDescriptor;

        public void Receive(FrameBatch batch) => inner.Receive(batch);

        public SendResult Send(Span<byte> buffer, in FrameOffload offload)
        {
            byte[] altered = [.. buffer];
            alter(altered.AsSpan(FrameBatch.Headroom));
            return inner.Send(altered, offload);
        }

        public void Flush() => inner.Flush();

        public void Dispose() => inner.Dispose();
    }

    private sealed class AlteredBed(ILabBed inner) : ILabBed
    {
        private readonly SemaphoreSlim _one = new(1);

        public bool KeepsFlag { get; init; }

        public bool HidesLastInterface { get; init; }

        public bool EndsProbesOnOtherThreads { get; init; }

        public string Description => inner.Description;

        public bool IsSimulated => inner.IsSimulated;

        public IReadOnlyList<LabStation> Stations => inner.Stations;

        public MacAddress MasterMac => inner.MasterMac;

        public IReadOnlyCollection<MacAddress> WireSourceMacs => inner.WireSourceMacs;

        public IReadOnlyList<string> CaptureFiles => inner.CaptureFiles;

        public IReadOnlyList<string> EnterCommands => inner.EnterCommands;

        public Task SetAsync(PortMode mode, PortFlag flag, CancellationToken cancellation) =>
            inner.SetAsync(mode, KeepsFlag ? PortFlag.Bridge : flag, cancellation);

        public Task<PingResult> PingAsync(LabStation from, LabStation to, bool isSix, CancellationToken cancellation) =>
            ProbeAsync(() => inner.PingAsync(from, to, isSix, cancellation));

        public Task<IReadOnlyCollection<LabStation>> ProbeMulticastAsync(LabStation from, bool isSix, CancellationToken cancellation) =>
            ProbeAsync(() => inner.ProbeMulticastAsync(from, isSix, cancellation));

        public Task<TransferResult?> TransferAsync(Transport transport, LabStation from, LabStation to, TimeSpan duration, CancellationToken cancellation) =>
            inner.TransferAsync(transport, from, to, duration, cancellation);

        public LabStatistics ReadStatistics()
        {
            var read = inner.ReadStatistics();
            return HidesLastInterface ? read with { Interfaces = [.. read.Interfaces.SkipLast(1)] } : read;
        }

        public async ValueTask DisposeAsync()
        {
            _one.Dispose();
            await inner.DisposeAsync();
        }

        // The simulated bed itself is for one caller at a time.
        private async Task<T> ProbeAsync<T>(Func<Task<T>> probe)
        {
            if (!EndsProbesOnOtherThreads)
                return await probe();
            T result;
            await Task.Yield();
            await _one.WaitAsync();
            try
            {
                result = await probe();
            }
            finally
            {
                _one.Release();
            }
            await Task.Yield();
            return result;
        }
    }
}
