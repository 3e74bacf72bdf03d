using System.Globalization;
using IpVlanWin.Engine.Ipvlan;

namespace IpVlanWin.Cli.Replay;

/// <summary>The counters of a replayed capture, as aligned columns.</summary>
internal static class ReplayTable
{
    public static void Write(TextWriter output, Port port, ReplayCounts counts)
    {
        WriteColumns(output,
        [
            ["interface", .. VectorReplay.CounterNames],
            .. port.Interfaces.Select(member => (string[])[member.Name, .. VectorReplay.CountersOf(member).Select(Text)]),
        ]);
        var drops = Enum.GetValues<DropReason>().Where(reason => port.Drops[reason] > 0).Select(reason => (string[])[reason.Word(), Text(port.Drops[reason])]).ToList();
        if (drops.Count > 0)
            WriteColumns(output, [["drop reason", "frames"], .. drops]);
        WriteColumns(output,
        [
            ["total", "frames"],
            ["read", Text(counts.Read)],
            ["truncated, not fed", Text(counts.Truncated)],
            ["other direction, not fed", Text(counts.OtherDirection)],
            ["passed to host", Text(counts.PassedToHost)],
            ["delivered", Text(counts.Delivered)],
            ["flooded", Text(counts.Flooded)],
            ["sent to wire", Text(counts.SentToWire)],
            ["dropped", Text(counts.Dropped)],
        ]);
    }

    private static string Text(long count) => count.ToString(CultureInfo.InvariantCulture);

    /// <summary>The first column to the left, numbers to the right, an empty line behind.</summary>
    private static void WriteColumns(TextWriter output, IReadOnlyList<string[]> rows)
    {
        var widths = new int[rows[0].Length];
        foreach (var row in rows)
        {
            for (var i = 0; i < row.Length; i++)
                widths[i] = Math.Max(widths[i], row[i].Length);
        }
        foreach (var row in rows)
            output.WriteLine(row[0].PadRight(widths[0]) + string.Concat(row.Skip(1).Select((cell, i) => "  " + cell.PadLeft(widths[i + 1]))));
        output.WriteLine();
    }
}
