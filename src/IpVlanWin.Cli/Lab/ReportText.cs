using System.Globalization;

namespace IpVlanWin.Cli.Lab;

/// <summary>The lab's report in plain lines.</summary>
internal static class ReportText
{
    private const int MostFailuresListed = 20;

    /// <summary>What the bed is and who is there.</summary>
    public static void WriteBed(TextWriter output, ILabBed bed)
    {
        output.WriteLine($"bed: {bed.Description}");
        foreach (var station in bed.Stations)
        {
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"  {station.Name,-9} {Role(station.Kind),-22} {station.Device,-8} {LabPlan.Prefix(station, isSix: false)}, {LabPlan.Prefix(station, isSix: true)}"));
        }
        foreach (var file in bed.CaptureFiles)
            output.WriteLine($"capture: {file}");
    }

    /// <summary>A phase's matrix, transfers and multicast.</summary>
    public static void WritePhase(TextWriter output, LabPhase phase, ILabBed bed)
    {
        output.WriteLine();
        output.WriteLine($"mode {phase.Name}: who reached whom, round trip in ms over IPv4/IPv6 (- not reached, ! against the expectation)");
        WriteTable(output, Matrix(phase, bed));
        foreach (var why in phase.Pings.Where(ping => !ping.Expected.IsReached).GroupBy(ping => ping.Expected.Reason))
            output.WriteLine($"  must not reach: {why.Count()} pings, {why.Count(ping => ping.IsHeld)} held: {why.Key}");
        foreach (var group in phase.Multicasts.GroupBy(probe => probe.From))
        {
            output.WriteLine($"  multicast from {group.Key}: " + string.Join(
                "; ", group.Select(probe => $"{(probe.IsSix ? "IPv6" : "IPv4")} to {(probe.Receivers.Count == 0 ? "nobody" : string.Join(' ', bed.Stations.Where(probe.Receivers.Contains)))}")));
        }
        foreach (var transfer in phase.Transfers)
            output.WriteLine($"  {Describe(transfer)}");
    }

    /// <summary>Counters, drops, MACs.</summary>
    public static void WriteTotals(TextWriter output, LabReport report, ILabBed bed)
    {
        output.WriteLine();
        if (report.Statistics is { } statistics)
        {
            WriteTable(output, Counters(statistics));
            output.WriteLine(DescribeDrops(statistics));
        }
        output.WriteLine($"source MACs on the wire: {string.Join(' ', bed.WireSourceMacs)} (the master's is {bed.MasterMac})");
    }

    /// <summary>The last lines: what failed, and the verdict.</summary>
    public static void WriteVerdict(TextWriter output, LabReport report)
    {
        var failed = report.Findings.Where(finding => !finding.IsHeld).ToList();
        foreach (var finding in failed.Take(MostFailuresListed))
            output.WriteLine($"failed: {finding.Text}");
        if (failed.Count > MostFailuresListed)
            output.WriteLine($"failed: {failed.Count - MostFailuresListed} more");
        output.WriteLine(report.IsPassed
            ? $"PASS: {report.Findings.Count} expectations held"
            : $"FAIL: {failed.Count} of {report.Findings.Count} expectations did not hold");
    }

    /// <summary>Rows of cells, the first row and column being titles.</summary>
    public static List<string[]> Matrix(LabPhase phase, ILabBed bed)
    {
        var rows = new List<string[]> { (string[])["from \\ to", .. bed.Stations.Select(station => station.Name)] };
        var pings = phase.Pings.ToLookup(ping => (ping.From, ping.To));
        foreach (var from in bed.Stations.Where(station => station.Kind != StationKind.OffLink))
            rows.Add([from.Name, .. bed.Stations.Select(to => Cell(pings[(from, to)]))]);
        return rows;
    }

    /// <summary>The seven counters, a row for each interface.</summary>
    public static List<string[]> Counters(LabStatistics statistics)
    {
        var rows = new List<string[]> { (string[])["interface", "rx packets", "rx bytes", "multicast", "tx packets", "tx bytes", "rx errors", "tx dropped"] };
        foreach (var of in statistics.Interfaces)
            rows.Add([of.Name, Text(of.RxPackets), Text(of.RxBytes), Text(of.Multicast), Text(of.TxPackets), Text(of.TxBytes), Text(of.RxErrors), Text(of.TxDropped)]);
        return rows;
    }

    public static string DescribeDrops(LabStatistics statistics) => statistics.Drops.Count == 0
        ? "drops: none"
        : "drops: " + string.Join(", ", statistics.Drops.Select(drop => $"{Engine.Ipvlan.DropReasons.Word(drop.Key)} {Text(drop.Value)}"));

    public static string Describe(in TransferFinding transfer)
    {
        var way = $"{(transfer.Transport == Transport.Tcp ? "TCP" : "UDP")} {transfer.From} -> {transfer.To}: ";
        if (transfer.Result is not { } moved)
            return way + "not on this bed";
        var lost = moved.DatagramsSent - moved.DatagramsReceived;
        return way + Rate(moved.BitsPerSecond) + (transfer.Transport == Transport.Tcp ? "" : $", {Text(lost)} of {Text(moved.DatagramsSent)} datagrams lost");
    }

    private static string Role(StationKind kind) => kind switch
    {
        StationKind.Interface => "ipvlan interface",
        StationKind.Host => "host's own stack",
        StationKind.Wire => "peer on the link",
        _ => "peer's, without route",
    };

    private static string Cell(IEnumerable<PingFinding> pings) => string.Join('/', pings.OrderBy(ping => ping.IsSix).Select(Cell));

    private static string Cell(PingFinding ping) =>
        (ping.Result.RoundTrip is { } time ? time.TotalMilliseconds.ToString("0.00", CultureInfo.InvariantCulture) : "-") + (ping.IsHeld ? "" : "!");

    private static string Rate(double bitsPerSecond) => bitsPerSecond >= 1e9
        ? string.Create(CultureInfo.InvariantCulture, $"{bitsPerSecond / 1e9:0.00} Gbit/s")
        : string.Create(CultureInfo.InvariantCulture, $"{bitsPerSecond / 1e6:0.0} Mbit/s");

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static void WriteTable(TextWriter output, List<string[]> rows)
    {
        var widths = Enumerable.Range(0, rows[0].Length).Select(column => rows.Max(row => row[column].Length)).ToArray();
        foreach (var row in rows)
        {
            output.Write("  ");
            output.WriteLine(string.Join("  ", row.Select((cell, column) => column == 0 ? cell.PadRight(widths[0]) : cell.PadLeft(widths[column]))).TrimEnd());
        }
    }
}
