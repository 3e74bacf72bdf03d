using System.Globalization;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Cli.Replay;

/// <summary>One answer that was not the expected one.</summary>
internal sealed record Mismatch(string Scenario, int Step, string What, string Expected, string Got, string? Comment);

/// <summary>
/// Runs a scenario through a port and compares what comes out with what is expected (conformance format, sections 3 to 6).
/// </summary>
internal sealed class VectorReplay
{
    /// <summary>The seven counters (section 3).</summary>
    public static readonly IReadOnlyList<string> CounterNames = ["rxPackets", "rxBytes", "multicast", "txPackets", "txBytes", "rxErrors", "txDropped"];

    private readonly Scenario _scenario;
    private readonly IReplayPort _port;
    private readonly ReplayTotals _totals;
    private readonly Dictionary<string, long[]> _judgedSums = [];
    private int _stepMismatches;

    private VectorReplay(Scenario scenario, IReplayPort port, ReplayTotals totals)
    {
        (_scenario, _port, _totals) = (scenario, port, totals);
        foreach (var declared in scenario.Interfaces)
            _judgedSums[declared.Name] = new long[CounterNames.Count];
    }

    /// <summary>Runs a scenario through the engine, from a fresh state, and adds what it came to.</summary>
    public static void Run(Scenario scenario, ReplayTotals totals, Func<Port, VirtualInterface?, byte[], Action<Decision>>? witness = null)
    {
        using var port = new EnginePort(scenario) { Witness = witness };
        Run(scenario, port, totals);
    }

    /// <summary>Runs a scenario through the port that has its starting state, and adds what it came to.</summary>
    public static void Run(Scenario scenario, IReplayPort port, ReplayTotals totals)
    {
        var replay = new VectorReplay(scenario, port, totals);
        totals.Scenarios++;
        for (var i = 0; i < scenario.Steps.Count; i++)
        {
            try
            {
                replay.RunStep(i, scenario.Steps[i]);
            }
            catch (FormatException fault)
            {
                throw CommandException.Refused(string.Create(CultureInfo.InvariantCulture, $"{scenario.Place}, step {i}: {fault.Message}"), fault);
            }
        }
        replay.JudgeStatistics();
    }

    /// <summary>The values of <see cref="CounterNames"/>.</summary>
    public static long[] CountersOf(VirtualInterface member)
    {
        var counters = member.Counters;
        return [counters.RxPackets, counters.RxBytes, counters.Multicast, counters.TxPackets, counters.TxBytes, counters.RxErrors, counters.TxDropped];
    }

    private void RunStep(int index, ScenarioStep step)
    {
        StepCheck.Check(step, CounterNames);
        _stepMismatches = 0;
        bool isJudged;
        if (step.Inject is { } inject)
        {
            isJudged = step.Decision is "driver" or "routed" or "local-in";
            RunInject(index, step, inject, isJudged);
        }
        else
        {
            isJudged = true;
            RunAction(index, step, step.Action!.First());
        }
        _totals.CountStep(_scenario, step, isJudged, _stepMismatches > 0);
    }

    private void RunInject(int index, ScenarioStep step, PlacedFrame inject, bool isJudged)
    {
        var before = ReadCounters();
        var error = _port.Inject(inject.At, StepCheck.ReadFrame(inject));
        var frames = _port.TakeFrames();
        if (!isJudged)
            return;
        JudgeFrames(index, step, frames);
        JudgeCounters(index, step, before);
        Judge(index, step, "sendError", step.SendError ?? "none", error.ErrnoName() ?? "none");
        if (step.NeighborMissing is { } neighbor)
            Judge(index, step, "neighborMissing", neighbor, string.Join(' ', _port.MissingNeighbors));
        else if (_port.MissingNeighbors.Count > 0)
            Judge(index, step, "neighborMissing", "none", string.Join(' ', _port.MissingNeighbors));
    }

    private void RunAction(int index, ScenarioStep step, KeyValuePair<string, ActionArguments> action)
    {
        var result = _port.Act(action.Key, action.Value);
        Judge(index, step, "result", step.Result ?? "ok", result);
        var existing = _port.Interfaces.Select(member => member.Name).ToHashSet(StringComparer.Ordinal);
        foreach (var (name, after) in step.After ?? new Dictionary<string, InterfaceAfter>())
        {
            if (existing.Contains(name))
                _port.SetGroups(name, after.Multicast);
        }
        if (step.Port is { } expected)
            Judge(index, step, "port", expected.ToString(), _port.State.ToString());
        if (step.After is { } expectedAfter)
            JudgeAfter(index, step, expectedAfter);
        // Nothing comes out of an action.
        foreach (var (place, frame) in _port.TakeFrames())
            Judge(index, step, "frames at " + place, "none", Convert.ToHexStringLower(frame));
    }

    private void JudgeAfter(int index, ScenarioStep step, IReadOnlyDictionary<string, InterfaceAfter> expected)
    {
        var existing = _port.Interfaces;
        Judge(index, step, "after", Names(expected.Keys), Names(existing.Select(member => member.Name)));
        foreach (var member in existing)
        {
            if (!expected.TryGetValue(member.Name, out var after))
                continue;
            Judge(index, step, "after", Describe(member.Name, after.Up, after.Mtu, after.Mac, after.Addresses, after.Promiscuous, after.Allmulti),
                Describe(member.Name, member.IsUp, member.IpMtu, _port.Mac.ToString(), member.Addresses, member.IsPromiscuous, member.IsAllMulticast));
        }

        static string Names(IEnumerable<string> names) => string.Join(' ', names.Order(StringComparer.Ordinal));

        static string Describe(string name, bool isUp, int ipMtu, string mac, IEnumerable<string> addresses, bool promiscuous, bool allMulticast) =>
            $"{name} {(isUp ? "up" : "down")} mtu {ipMtu} {mac} [{string.Join(' ', addresses.Order(StringComparer.Ordinal))}] promiscuous={promiscuous} allmulti={allMulticast}";
    }

    /// <summary>The frames of each place in order. What the host asks for a missing neighbor itself is neither required nor forbidden.</summary>
    private void JudgeFrames(int index, ScenarioStep step, List<(string Place, byte[] Frame)> got)
    {
        var expected = new List<(string Place, string Type, byte[] Frame)>();
        for (var i = 0; i < (step.Expect?.Count ?? 0); i++)
        {
            var entry = step.Expect![i];
            if (step.NeighborMissing is null || entry.At != EnginePort.WirePlace)
                expected.Add((entry.At, step.Types![i], StepCheck.ReadFrame(entry)));
        }
        foreach (var place in expected.Select(entry => entry.Place).Concat(got.Select(entry => entry.Place)).Distinct().ToList())
        {
            var wanted = expected.Where(entry => entry.Place == place).ToList();
            var came = got.Where(entry => entry.Place == place).Select(entry => entry.Frame).ToList();
            var same = wanted.Count == came.Count;
            for (var i = 0; same && i < wanted.Count; i++)
            {
                var skipped = ComparedFrom(wanted[i].Type);
                same = wanted[i].Frame.AsSpan(skipped).SequenceEqual(came[i].AsSpan(Math.Min(skipped, came[i].Length)));
            }
            if (!same)
                Judge(index, step, "frames at " + place, Text(wanted.Select(entry => entry.Frame)), Text(came));
        }

        static string Text(IEnumerable<byte[]> frames) => string.Join(' ', frames.Select(Convert.ToHexStringLower).DefaultIfEmpty("none"));
    }

    /// <summary>Section 3.2: without MACs for what the host sends itself, the IP packet alone for what its IP layer hands over.</summary>
    private static int ComparedFrom(string type) => type switch
    {
        "lo/host" => 2 * MacAddress.Bytes,
        "local-in" => EtherType.HeaderLength,
        _ => 0,
    };

    private void JudgeCounters(int index, ScenarioStep step, IReadOnlyDictionary<string, long[]> before)
    {
        var now = ReadCounters();
        foreach (var name in step.Counters?.Keys ?? [])
        {
            if (!now.ContainsKey(name))
                throw new FormatException($"counters: '{name}' must be an interface: {string.Join(", ", now.Keys)}");
        }
        foreach (var (name, after) in now)
        {
            var expected = step.Counters?.GetValueOrDefault(name);
            for (var i = 0; i < CounterNames.Count; i++)
            {
                var got = after[i] - before[name][i];
                _judgedSums[name][i] += got;
                var wanted = expected?.GetValueOrDefault(CounterNames[i]) ?? 0;
                if (got != wanted)
                    Judge(index, step, "counters", $"{name} {CounterNames[i]} {wanted}", $"{name} {CounterNames[i]} {got}");
            }
        }
    }

    private void JudgeStatistics()
    {
        var last = _scenario.Steps.Count - 1;
        foreach (var (name, expected) in _scenario.Statistics ?? new Dictionary<string, IReadOnlyDictionary<string, long>>())
        {
            if (expected is null)
                throw CommandException.Refused($"{_scenario.Place}: statistics '{name}' must be an object");
            var sums = _judgedSums.GetValueOrDefault(name) ?? new long[CounterNames.Count];
            for (var i = 0; i < CounterNames.Count; i++)
            {
                var wanted = expected.GetValueOrDefault(CounterNames[i]);
                if (sums[i] != wanted)
                    _totals.Add(new Mismatch(_scenario.Name, last, "statistics", $"{name} {CounterNames[i]} {wanted}", $"{name} {CounterNames[i]} {sums[i]}", null));
            }
        }
    }

    private IReadOnlyDictionary<string, long[]> ReadCounters()
    {
        var all = _port.Counters;
        foreach (var name in all.Keys)
            _judgedSums.TryAdd(name, new long[CounterNames.Count]);
        return all;
    }

    private void Judge(int index, ScenarioStep step, string what, string expected, string got)
    {
        if (expected == got)
            return;
        _stepMismatches++;
        _totals.Add(new Mismatch(_scenario.Name, index, what, expected, got, step.Comment));
    }
}

/// <summary>What a replay came to.</summary>
internal sealed class ReplayTotals(Action<Mismatch> report)
{
    public int Scenarios { get; set; }

    public int Judged { get; private set; }

    public int Mismatched { get; private set; }

    public int NotJudged { get; private set; }

    /// <summary>Statistics that differ though no step does.</summary>
    public int StatisticsMismatches { get; private set; }

    public SortedDictionary<string, int> JudgedByClass { get; } = new(StringComparer.Ordinal);

    public SortedDictionary<string, int> MismatchedByCategory { get; } = new(StringComparer.Ordinal);

    public SortedDictionary<string, int> MismatchedByDeviation { get; } = new(StringComparer.Ordinal);

    /// <summary>The closing line.</summary>
    public string Summary => string.Create(CultureInfo.InvariantCulture, $"{Judged} judged, {Mismatched} mismatched, {NotJudged} not judged");

    public bool IsClean => Mismatched == 0 && StatisticsMismatches == 0;

    public void Add(Mismatch mismatch)
    {
        if (mismatch.What == "statistics")
            StatisticsMismatches++;
        report(mismatch);
    }

    public void CountStep(Scenario scenario, ScenarioStep step, bool isJudged, bool isMismatched)
    {
        if (!isJudged)
        {
            NotJudged++;
            return;
        }
        Judged++;
        Increase(JudgedByClass, step.Decision ?? "action");
        if (!isMismatched)
            return;
        Mismatched++;
        Increase(MismatchedByCategory, scenario.Category);
        foreach (var deviation in step.Deviation ?? [])
            Increase(MismatchedByDeviation, deviation);
    }

    private static void Increase(SortedDictionary<string, int> counts, string key) => counts[key] = counts.GetValueOrDefault(key) + 1;
}
