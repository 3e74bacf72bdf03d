using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using IpVlanWin.HostNetwork;

namespace IpVlanWin.Benchmarks.Lab;

/// <summary>
/// All variants up at once; each test goes round them, starting with another one each round. Ratios are taken within a round, so that a
/// slow moment of the machine falls on both, and their medians printed.
/// </summary>
[SupportedOSPlatform("linux")]
internal sealed class LabBenchmark(Report report, int rounds, TimeSpan duration, string only, string tests, CancellationToken cancellation)
{
    private const int UdpPayload = 1400;
    private const int SmallPayload = 18;

    // 45 datagrams of 1400 bytes: the most that fits one IP packet.
    private const int UsoSegments = 45;
    private static readonly Version UsoKernel = new(6, 2);

    private static readonly LabTest[] Tests =
    [
        new TcpTest("a", "b"), new TcpTest("a", "w"), new TcpTest("w", "a"),
        new UdpTest("USO a-b", "Gbit/s", "a", "b", UdpPayload, UsoSegments),
        new UdpTest("UDP 1400 B a-b", "Gbit/s", "a", "b", UdpPayload),
        new UdpTest("small UDP a-b", "kpps", "a", "b", SmallPayload), new UdpTest("small UDP a-w", "kpps", "a", "w", SmallPayload),
        new RoundTripTest("a", "b"), new PingTest("a", "b"),
    ];

    /// <summary>What is to be reached: variant's figure over the other's.</summary>
    private static readonly (string Variant, string Other, string Test, double Target)[] Targets =
    [
        ("ipvlanwin", "bridge", "TCP a-b", 0.85), ("ipvlanwin", "bridge", "TCP a-w", 0.85), ("ipvlanwin", "bridge", "TCP w-a", 0.85),
        ("ipvlanwin", "bridge", "small UDP a-b", 1.4), ("ipvlanwin", "bridge", "small UDP a-w", 1.1), ("ipvlanwin", "bridge", "USO a-b", 0.4),
        ("ipvlanwin+spin", "bridge", "UDP RR a-b", 2.5),
        ("ipvlanwin", "ovs", "TCP a-b", 7), ("ipvlanwin", "vde", "TCP a-b", 8), ("ipvlanwin", "ovs+tso", "TCP a-b", 1.1),
    ];

    private readonly Dictionary<(string Variant, string Test), double[]> _results = [];

    private IEnumerable<LabTest> Chosen => Tests.Where(test => test.Name.Contains(tests, StringComparison.Ordinal));

    public static Variant[] Variants() =>
    [
        new IpVlanWinVariant(withSpin: false), new IpVlanWinVariant(withSpin: true), new VethVariant(), new BridgeVariant(),
        new OpenVSwitchVariant(withTso: false), new OpenVSwitchVariant(withTso: true), new VdeVariant(), new PastaVariant(),
    ];

    public void Run()
    {
        if (!Environment.IsPrivilegedProcess)
            throw new BenchmarkException("the lab benchmark makes network namespaces and needs root");
        foreach (var program in (ReadOnlySpan<string>)["ip", "ping", "iperf3", "setpriv"])
        {
            if (Programs.Find(program) is null)
                throw new BenchmarkException($"{program} is not installed");
        }
        var all = Variants();
        var wanted = only.Length == 0 ? [.. all.Select(static variant => variant.Name)] : only.Split(',');
        if (wanted.FirstOrDefault(name => !all.Any(variant => variant.Name == name)) is { } unknown)
            throw new BenchmarkException($"\"{unknown}\" of \"--only\" must be {string.Join(", ", all.Select(static variant => variant.Name))}");
        if (!Chosen.Any())
            throw new BenchmarkException($"\"{tests}\" of \"--tests\" must be part of the name of one of {string.Join(", ", Tests.Select(static test => test.Name))}");
        using var places = Places.Begin();
        var open = new List<Variant>();
        try
        {
            foreach (var variant in all.Where(variant => wanted.Contains(variant.Name)))
                Open(variant, places, open);
            for (var round = 0; round < rounds; round++)
                RunRound(round, open);
        }
        catch (OperationCanceledException)
        {
            report.Line("interrupted; what was measured until then:");
        }
        finally
        {
            foreach (var variant in open)
                variant.Dispose();
        }
        Print([.. open.Select(static variant => variant.Name)]);
    }

    private void Open(Variant variant, Places places, List<Variant> open)
    {
        cancellation.ThrowIfCancellationRequested();
        try
        {
            variant.Open(places);
            open.Add(variant);
            return;
        }
        catch (Exception fault) when (fault is BenchmarkException or HostNetworkException or IOException)
        {
            report.Line($"{variant.Name}: skipped: {fault.Message}");
        }
        catch
        {
            variant.Dispose();
            throw;
        }
        variant.Dispose();
    }

    private void RunRound(int round, List<Variant> open)
    {
        foreach (var test in Chosen)
        {
            for (var turn = 0; turn < open.Count; turn++)
            {
                cancellation.ThrowIfCancellationRequested();
                var variant = open[(turn + round) % open.Count];
                if (!variant.Carries(test.From, test.To) || (test.Name.StartsWith("USO", StringComparison.Ordinal) && Environment.OSVersion.Version < UsoKernel))
                    continue;
                if (!_results.TryGetValue((variant.Name, test.Name), out var values))
                    Array.Fill(_results[(variant.Name, test.Name)] = values = new double[rounds], double.NaN);
                try
                {
                    values[round] = test.Measure(variant, duration);
                }
                catch (Exception fault) when (fault is BenchmarkException or SocketException)
                {
                    cancellation.ThrowIfCancellationRequested();
                    report.Line($"round {round + 1}: {variant.Name}: {test.Name}: {fault.Message}");
                }
            }
        }
        report.Line($"round {round + 1} of {rounds} done");
    }

    private void Print(IReadOnlyList<string> variants)
    {
        report.Line("");
        if (Environment.OSVersion.Version < UsoKernel)
            report.Line($"USO is not measured: it needs kernel {UsoKernel}, this is {Environment.OSVersion.Version}");
        // It paces senders in its own way, and so has a say in how much of the processors is used.
        report.Line($"TCP congestion control: {File.ReadAllText("/proc/sys/net/ipv4/tcp_congestion_control").Trim()}, the system's");
        report.Line($"{$"medians of {rounds} rounds",-22}" + string.Concat(variants.Select(static name => $"{name,15}")));
        foreach (var test in Chosen)
            report.Line($"{$"{test.Name} {test.Unit}",-22}" + string.Concat(variants.Select(name => $"{Cell(Values(name, test.Name)),15}")));
        report.Line("");
        foreach (var test in Chosen)
        {
            foreach (var ours in variants.Where(static name => name.StartsWith("ipvlanwin", StringComparison.Ordinal)))
            {
                var ratios = variants.Where(name => name != ours).Select(name => (name, Ratio: Ratio(ours, name, test.Name))).Where(static pair => double.IsFinite(pair.Ratio)).ToArray();
                if (ratios.Length > 0)
                    report.Line($"{ours,-15} {test.Name,-15} over " + string.Join("  ", ratios.Select(static pair => $"{pair.name} x{pair.Ratio:0.00}")));
            }
        }
        report.Line("");
        foreach (var (variant, other, name, target) in Targets)
        {
            if (double.IsFinite(Ratio(variant, other, name)))
                report.Add(new Figure($"{variant} over {other}: {name}", "x", Ratio(variant, other, name)) { Target = target, IsMoreBetter = !Tests.First(test => test.Name == name).IsLatency });
        }
        foreach (var test in Chosen)
        {
            foreach (var variant in variants)
                report.Record(new Figure($"{variant}: {test.Name}", test.Unit, Statistics.Median(Values(variant, test.Name))));
        }
    }

    private double[] Values(string variant, string test) => [.. _results.GetValueOrDefault((variant, test), []).Where(double.IsFinite)];

    private double Ratio(string variant, string other, string test) => Statistics.Median(
        [.. _results.GetValueOrDefault((variant, test), []).Zip(_results.GetValueOrDefault((other, test), []), static (ours, theirs) => ours / theirs).Where(double.IsFinite)]);

    private static string Cell(double[] values) => values.Length == 0 ? "-" : $"{Statistics.Median(values):0.0#}";

    /// <summary>A token that Ctrl-C and SIGTERM cancel, so that what was made is removed.</summary>
    public static (CancellationToken Token, IDisposable Registrations) Interruption()
    {
        var source = new CancellationTokenSource();
        var handlers = new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP }.Select(signal => PosixSignalRegistration.Create(signal, context =>
        {
            context.Cancel = true;
            source.Cancel();
        })).ToArray();
        return (source.Token, new Registrations(handlers, source));
    }

    private sealed class Registrations(PosixSignalRegistration[] handlers, CancellationTokenSource source) : IDisposable
    {
        public void Dispose()
        {
            foreach (var handler in handlers)
                handler.Dispose();
            source.Dispose();
        }
    }
}
