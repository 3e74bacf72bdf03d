using System.CommandLine;
using System.Globalization;
using IpVlanWin.Devices.Pcap;
using IpVlanWin.Engine.Ipvlan;

namespace IpVlanWin.Cli.Replay;

/// <summary>`ipvlan replay`: conformance vectors, or a capture through a topology.</summary>
internal static class ReplayCommand
{
    private const string Usage = "replay takes --vectors FILE..., or --in FILE --config FILE --out DIR [--at NAME] [--force]";

    public static Command Create()
    {
        var vectors = new Option<string[]>("--vectors")
        {
            Description = "Judge the engine by conformance vectors (.jsonl or .jsonl.gz).",
            HelpName = "FILE...",
            AllowMultipleArgumentsPerToken = true,
        };
        var capture = new Option<string>("--in") { Description = "Feed the frames of a capture (pcap or pcapng, or either gzip-compressed).", HelpName = "FILE" };
        var config = new Option<string>("--config") { Description = "Topology: mode, flag, master and interfaces, as JSON.", HelpName = "FILE" };
        var directory = new Option<string>("--out") { Description = "Directory for one pcapng for each interface, wire, host and dropped.", HelpName = "DIR" };
        var place = new Option<string>("--at") { Description = "Where frames enter: wire (received on the master, the default), or the interface that sends them.", HelpName = "NAME" };
        var force = new Option<bool>("--force") { Description = "Replace output files that exist." };
        var command = new Command("replay", "Run recorded frames through the engine, without devices.") { vectors, capture, config, directory, place, force };
        command.SetAction((parsed, cancel) =>
        {
            var output = parsed.InvocationConfiguration.Output;
            var given = command.Options.Where(option => parsed.GetResult(option) is { Implicit: false }).ToList();
            if (given.Contains(vectors))
            {
                if (given.FirstOrDefault(option => option != vectors) is { } other)
                    throw CommandException.Syntax($"--vectors and {other.Name} exclude each other; {Usage}");
                var files = parsed.GetValue(vectors)!;
                return Task.Run(() => RunVectors(files, scenario => new EnginePort(scenario), output, cancel), CancellationToken.None);
            }
            foreach (var option in (Option[])[capture, config, directory])
            {
                if (!given.Contains(option))
                    throw CommandException.Syntax(given.Count == 0 ? Usage : $"{option.Name} is missing; {Usage}");
            }
            var request = new CaptureRequest(
                parsed.GetValue(capture)!, parsed.GetValue(config)!, parsed.GetValue(directory)!, parsed.GetValue(place) ?? EnginePort.WirePlace, parsed.GetValue(force));
            return Task.Run(() => RunCapture(request, output, cancel), CancellationToken.None);
        });
        return command;
    }

    /// <summary>Replays every scenario of the files, each through a port of its own, and prints what it came to. The exit status.</summary>
    public static int RunVectors(IEnumerable<string> files, Func<Scenario, IReplayPort> open, TextWriter output, CancellationToken cancel)
    {
        var totals = new ReplayTotals(mismatch => output.WriteLine(
            $"{mismatch.Scenario} step {mismatch.Step}: {mismatch.What}: expected {mismatch.Expected}, got {mismatch.Got}{(mismatch.Comment is null ? "" : $" ({mismatch.Comment})")}"));
        foreach (var file in files)
        {
            foreach (var scenario in VectorFile.Read(file))
            {
                if (cancel.IsCancellationRequested)
                    throw CommandException.Refused($"interrupted after {totals.Scenarios} scenarios");
                using var port = open(scenario);
                VectorReplay.Run(scenario, port, totals);
            }
        }
        output.WriteLine($"{totals.Scenarios} scenarios; judged steps: {string.Join(", ", totals.JudgedByClass.Select(entry => $"{entry.Value} {entry.Key}"))}");
        foreach (var (category, count) in totals.MismatchedByCategory)
            output.WriteLine($"mismatched in {category}: {count}");
        foreach (var (deviation, count) in totals.MismatchedByDeviation)
            output.WriteLine($"mismatched where {deviation} applies: {count}");
        if (totals.StatisticsMismatches > 0)
            output.WriteLine($"statistics that differ: {totals.StatisticsMismatches}");
        output.WriteLine(totals.Summary);
        return totals.IsClean ? 0 : 1;
    }

    private static int RunCapture(CaptureRequest request, TextWriter output, CancellationToken cancel)
    {
        var port = PortSetup.Build(TopologyFile.Read(request.Config), request.Config);
        var sender = FindSender(port, request);
        using var reader = Open(request.Capture);
        using var files = ReplayOutput.Create(request.Directory, CaptureReplay.Places(port), request.ReplacesFiles);
        using var replay = new CaptureReplay(port, sender, files);
        Exception? fault;
        try
        {
            fault = replay.Run(reader, cancel);
        }
        catch (OperationCanceledException)
        {
            throw CommandException.Refused($"interrupted after {replay.Counts.Read} frames{files.DescribeTakeBack()}");
        }
        // An output may replace the capture itself.
        reader.Dispose();
        files.Complete();
        output.WriteLine(sender is null
            ? $"{request.Capture}: received on {port.MasterName}, {port.Snapshot.Mode.Word()} {port.Snapshot.Flag.Word()}"
            : $"{request.Capture}: sent by {sender.Name}, {port.Snapshot.Mode.Word()} {port.Snapshot.Flag.Word()}");
        output.WriteLine();
        ReplayTable.Write(output, port, replay.Counts);
        if (fault is null)
            return 0;
        var cause = fault is CaptureFormatException ? fault.Message : $"{request.Capture}: cannot be read: {FileFaults.Describe(fault, request.Capture)}";
        throw CommandException.Refused(string.Create(CultureInfo.InvariantCulture, $"{cause}; the outputs hold what the {replay.Counts.Read} frames before it came to"), fault);
    }

    private static VirtualInterface? FindSender(Port port, CaptureRequest request)
    {
        const int MostNamed = 10;
        if (request.Place == EnginePort.WirePlace)
            return null;
        var names = port.Interfaces.Select(member => member.Name).ToList();
        return port.Find(request.Place) ?? throw CommandException.Refused(
            $"--at '{request.Place}' must be {EnginePort.WirePlace} or an interface of {request.Config}: {string.Join(", ", names.Take(MostNamed))}{(names.Count > MostNamed ? " ..." : "")}");
    }

    private static CaptureReader Open(string path)
    {
        try
        {
            var reader = CaptureReader.Open(path);
            if (CaptureReplay.FindHeaderFault(reader) is not { } fault)
                return reader;
            reader.Dispose();
            throw fault;
        }
        catch (CaptureFormatException fault)
        {
            throw CommandException.Refused(fault.Message, fault);
        }
        catch (Exception fault) when (FileFaults.IsOfFile(fault))
        {
            throw CommandException.Refused($"{(path.Length == 0 ? "--in" : path)}: cannot be read: {FileFaults.Describe(fault, path)}", fault);
        }
    }

    /// <summary>A capture to be replayed, as asked for.</summary>
    private sealed record CaptureRequest(string Capture, string Config, string Directory, string Place, bool ReplacesFiles);
}
