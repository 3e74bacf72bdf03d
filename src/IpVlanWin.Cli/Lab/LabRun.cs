using IpVlanWin.Engine.Ipvlan;

namespace IpVlanWin.Cli.Lab;

/// <summary>The lab's story on a bed: who reaches whom, what data flows, what the wire sees, and whether all of it is as it has to be.</summary>
internal sealed class LabRun(ILabBed bed, LabOptions options)
{
    private static readonly bool[] BothFamilies = [false, true];
    private static readonly PortFlag[] Walk = [PortFlag.Private, PortFlag.Vepa, PortFlag.Bridge];

    private readonly string[] _interfaces = [.. bed.Stations.Where(station => station.Kind == StationKind.Interface).Select(station => station.Device)];

    /// <summary>Something was added to the report. Raised on the thread of <see cref="RunAsync"/>'s caller or a pool thread, one at a time.</summary>
    public event Action? Changed;

    /// <summary>A phase is complete.</summary>
    public event Action<LabPhase>? PhaseEnded;

    public ILabBed Bed => bed;

    public LabReport Report { get; } = new();

    /// <summary>Runs all phases. The bed is left in the first mode and flag.</summary>
    /// <exception cref="OperationCanceledException">Interrupted; the report has what was seen until then.</exception>
    public async Task RunAsync(CancellationToken cancellation)
    {
        var (mode, flag) = (options.FirstMode, options.FirstFlag);
        await RunPhaseAsync(mode, flag, isWhole: true, cancellation).ConfigureAwait(false);
        if (options.WalksFlags)
        {
            foreach (var next in Walk)
            {
                await bed.SetAsync(mode, next, cancellation).ConfigureAwait(false);
                await RunPhaseAsync(mode, next, isWhole: false, cancellation).ConfigureAwait(false);
            }
        }
        JudgeWire();
        Judge(
            Report.Statistics!.DamagedPackets == 0, $"every packet arrives intact, seen: {Report.Statistics.DamagedPackets} damaged");
        Changed?.Invoke();
    }

    private async Task RunPhaseAsync(PortMode mode, PortFlag flag, bool isWhole, CancellationToken cancellation)
    {
        var phase = new LabPhase(mode, flag);
        Report.Phases.Add(phase);
        await PingAsync(phase, cancellation).ConfigureAwait(false);
        await ProbeMulticastAsync(phase, cancellation).ConfigureAwait(false);
        if (isWhole)
            await TransferAsync(phase, cancellation).ConfigureAwait(false);
        ReadStatistics();
        string[] present = [.. Report.Statistics!.Interfaces.Select(counted => counted.Name)];
        Judge(
            present.SequenceEqual(_interfaces),
            $"in {phase.Name} the interfaces are {string.Join(' ', _interfaces)}, seen: {string.Join(' ', present)}");
        Changed?.Invoke();
        PhaseEnded?.Invoke(phase);
    }

    private async Task PingAsync(LabPhase phase, CancellationToken cancellation)
    {
        var running = new List<Task>();
        var probes = from isSix in BothFamilies
                     from sender in bed.Stations
                     from receiver in bed.Stations
                     where IsPair(sender, receiver)
                     select (sender, receiver, isSix);
        foreach (var (from, to, isSix) in probes)
            running.Add(PingOneAsync(phase, from, to, isSix, cancellation));
        await Task.WhenAll(running).ConfigureAwait(false);
    }

    private static bool IsPair(LabStation from, LabStation to) =>
        from != to && from.Kind != StationKind.OffLink && (to.Kind != StationKind.OffLink || from.Kind != StationKind.Wire);

    private async Task PingOneAsync(LabPhase phase, LabStation from, LabStation to, bool isSix, CancellationToken cancellation)
    {
        var result = await bed.PingAsync(from, to, isSix, cancellation).ConfigureAwait(false);
        var finding = new PingFinding(from, to, isSix, result, Expectations.Ping(phase.Mode, phase.Flag, from.Kind, to.Kind));
        // Pings of a real bed end side by side.
        lock (Report)
        {
            phase.Pings.Add(finding);
            Judge(
                finding.IsHeld,
                $"{from} -> {to} by ping over {Family(isSix)} in {phase.Name}: expected {Words(finding.Expected.IsReached)} ({finding.Expected.Reason}), seen: {Words(result.IsReached)}");
            Changed?.Invoke();
        }
    }

    /// <summary>From one station of each kind; the flood treats interfaces alike.</summary>
    private async Task ProbeMulticastAsync(LabPhase phase, CancellationToken cancellation)
    {
        var senders = bed.Stations.Where(station => station.Kind != StationKind.OffLink).DistinctBy(station => station.Kind).ToArray();
        var probes = senders.SelectMany(from => BothFamilies.Select(isSix => (from, isSix)))
            .Select(async probe => new MulticastFinding(
                probe.from, probe.isSix, await bed.ProbeMulticastAsync(probe.from, probe.isSix, cancellation).ConfigureAwait(false)))
            .ToArray();
        phase.Multicasts.AddRange(await Task.WhenAll(probes).ConfigureAwait(false));
        foreach (var (from, isSix, receivers) in phase.Multicasts)
        {
            foreach (var to in bed.Stations.Where(station => station != from && station.Kind != StationKind.OffLink))
            {
                var expected = Expectations.Multicast(phase.Mode, from.Kind, to.Kind);
                var isReached = receivers.Contains(to);
                Judge(
                    isReached == expected.IsReached,
                    $"{from} -> {to} by multicast over {Family(isSix)} in {phase.Name}: expected {Words(expected.IsReached)} ({expected.Reason}), seen: {Words(isReached)}");
            }
        }
        Changed?.Invoke();
    }

    /// <summary>Between the first two interfaces, to the wire and from it, where pings are expected to pass.</summary>
    private async Task TransferAsync(LabPhase phase, CancellationToken cancellation)
    {
        var interfaces = bed.Stations.Where(station => station.Kind == StationKind.Interface).Take(2).ToArray();
        var wire = bed.Stations.First(station => station.Kind == StationKind.Wire);
        var pairs = new List<(LabStation From, LabStation To)> { (interfaces[0], wire), (wire, interfaces[0]) };
        if (interfaces.Length > 1)
            pairs.Insert(0, (interfaces[0], interfaces[1]));
        foreach (var (from, to) in pairs.Where(pair => Expectations.Ping(phase.Mode, phase.Flag, pair.From.Kind, pair.To.Kind).IsReached))
        {
            foreach (var transport in Enum.GetValues<Transport>())
            {
                var result = await bed.TransferAsync(transport, from, to, options.TransferDuration, cancellation).ConfigureAwait(false);
                phase.Transfers.Add(new TransferFinding(transport, from, to, result));
                if (result is { } moved)
                    Judge(moved.BytesReceived > 0, $"{from} -> {to} by {Words(transport)} in {phase.Name}: expected data to arrive, seen: {moved.BytesReceived} bytes");
                ReadStatistics();
                Changed?.Invoke();
            }
        }
    }

    private void JudgeWire()
    {
        var seen = bed.WireSourceMacs;
        Judge(
            seen.Count == 1 && seen.Contains(bed.MasterMac),
            $"on the wire the only source MAC from the master is {bed.MasterMac}, seen: {(seen.Count == 0 ? "none" : string.Join(' ', seen))}");
    }

    private void Judge(bool isHeld, string text) => Report.Findings.Add(new Finding(isHeld, text));

    private void ReadStatistics() => Report.Statistics = bed.ReadStatistics();

    private static string Family(bool isSix) => isSix ? "IPv6" : "IPv4";

    private static string Words(bool isReached) => isReached ? "reached" : "not reached";

    private static string Words(Transport transport) => transport == Transport.Tcp ? "TCP" : "UDP";
}
