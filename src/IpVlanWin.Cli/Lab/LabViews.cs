using Spectre.Console;
using Spectre.Console.Rendering;

namespace IpVlanWin.Cli.Lab;

/// <summary>Shows a run while it goes on, and leaves readable lines behind.</summary>
internal interface ILabView
{
    Task ShowAsync(LabRun run, CancellationToken cancellation);
}

/// <summary>Plain lines, each phase when it is complete.</summary>
internal sealed class PlainView(TextWriter output) : ILabView
{
    public async Task ShowAsync(LabRun run, CancellationToken cancellation)
    {
        ReportText.WriteBed(output, run.Bed);
        run.PhaseEnded += phase =>
        {
            ReportText.WritePhase(output, phase, run.Bed);
            output.Flush();
        };
        await run.RunAsync(cancellation).ConfigureAwait(false);
        ReportText.WriteTotals(output, run.Report, run.Bed);
    }
}

/// <summary>A live table while the run goes on; then the plain lines stay on the screen.</summary>
internal sealed class LiveView(IAnsiConsole console, TextWriter output) : ILabView
{
    private static readonly TimeSpan LeastRefreshInterval = TimeSpan.FromMilliseconds(50);

    public async Task ShowAsync(LabRun run, CancellationToken cancellation)
    {
        ReportText.WriteBed(output, run.Bed);
        try
        {
            await console.Live(Text.Empty).AutoClear(true).StartAsync(async live =>
            {
                var shownAt = 0L;
                run.Changed += () =>
                {
                    if (System.Diagnostics.Stopwatch.GetElapsedTime(shownAt) < LeastRefreshInterval)
                        return;
                    shownAt = System.Diagnostics.Stopwatch.GetTimestamp();
                    live.UpdateTarget(Render(run));
                };
                await run.RunAsync(cancellation).ConfigureAwait(false);
            }).ConfigureAwait(false);
        }
        finally
        {
            foreach (var phase in run.Report.Phases)
                ReportText.WritePhase(output, phase, run.Bed);
        }
        ReportText.WriteTotals(output, run.Report, run.Bed);
    }

    private static Rows Render(LabRun run)
    {
        var phase = run.Report.Phases[^1];
        var failed = run.Report.Findings.Count(finding => !finding.IsHeld);
        var parts = new List<IRenderable>
        {
            new Markup($"[bold]{phase.Name}[/]: {run.Report.Findings.Count - failed} expectations held{(failed > 0 ? $", [red]{failed} failed[/]" : "")}"),
            Table(ReportText.Matrix(phase, run.Bed), cell => cell.Contains('!', StringComparison.Ordinal) ? "red" : cell.StartsWith('-') ? "grey" : "green"),
        };
        parts.AddRange(phase.Transfers.Select(transfer => new Text(ReportText.Describe(transfer))));
        if (run.Report.Statistics is { } statistics)
        {
            parts.Add(Table(ReportText.Counters(statistics), _ => "default"));
            parts.Add(new Text(ReportText.DescribeDrops(statistics)));
        }
        return new Rows(parts);
    }

    private static Table Table(List<string[]> rows, Func<string, string> color)
    {
        var table = new Table().Border(TableBorder.Rounded);
        foreach (var title in rows[0])
            table.AddColumn(new TableColumn(new Text(title)));
        foreach (var row in rows.Skip(1))
            table.AddRow(row.Select((cell, column) => new Text(cell, column == 0 ? Style.Plain : Style.Parse(color(cell)))));
        return table;
    }
}
