using System.Globalization;
using System.IO.Compression;
using System.Text;
using IpVlanWin.Cli;
using IpVlanWin.Cli.Replay;

namespace IpVlanWin.Conformance;

/// <summary>tests/conformance/run.</summary>
internal static class Program
{
    private const string Usage = """
        tests/conformance/run --random N [--seed S] [--first K]   records N fresh random walks, from number K on, and compares engine and driver
        tests/conformance/run --check FILE [PART]      records the scenarios of a vector file again (those with PART in their name) and compares
        tests/conformance/run --record FILE [PART]     records the systematic scenarios, the ported ones and some walks into a vector file, over two
                                                       boots; with PART only those with it in their name, the others stay as they are
        tests/conformance/run --faults [RULE...]       plants each fault of Faults.cs in a copy of the engine and tells what finds it
        Options: --kernel IMAGE --modules DIR          another user-mode-linux kernel, and the folder with its modules.dep
        """;

    private static int Main(string[] arguments)
    {
        try
        {
            return Run(Options.Parse(arguments));
        }
        catch (Exception fault) when (fault is ArgumentException or InvalidOperationException or CommandException)
        {
            Console.Error.WriteLine($"tests/conformance/run: {fault.Message}");
            return 1;
        }
    }

    private static int Run(Options options)
    {
        if (options.Faults is { } rules)
            return Mutants.Run(rules, Console.Out);
        var kernel = options.Kernel ?? KernelImage.Find() ?? throw new ArgumentException("no kernel: install Debian's package user-mode-linux, or name one with --kernel and --modules");
        using var recorder = new Recorder(kernel);
        if (options.Random is { } count)
            return RunRandom(recorder, count, options.Seed ?? Environment.TickCount, Console.Out, start: options.First);
        if (options.Check is { } file)
            return RunCheck(recorder, file, options.Part);
        if (options.Record is { } target)
            return RunRecord(recorder, target, options.Part);
        Console.Error.WriteLine(Usage);
        return 1;
    }

    /// <summary>Records walks and compares all candidates; a mismatching walk is shrunk and printed as a test case.</summary>
    public static int RunRandom(Recorder recorder, int count, int seed, TextWriter output, TimeSpan? within = null, int start = 0)
    {
        const int WalksOfBatch = 10;
        const int MostShrunk = 3;
        const int WalksOfUnsteady = 200;
        output.WriteLine($"seed {seed}");
        var candidates = (List<Candidate>)[Candidate.Engine, .. Candidate.Driver()];
        output.WriteLine($"candidates: {string.Join(", ", candidates.Select(candidate => candidate.Name))}");
        var tally = new Tally();
        var (mismatched, unsteady, first) = (0, 0, 0);
        var watch = System.Diagnostics.Stopwatch.StartNew();
        // The guest records a batch while the one before is compared.
        var next = Begin();
        while (next is not null)
        {
            var batch = next.GetAwaiter().GetResult();
            next = Begin();
            var suspects = batch.Where(transcript => Differs(transcript)).ToList();
            foreach (var transcript in batch)
                tally.Add(transcript);
            if (suspects.Count > 0)
                next?.Wait();
            foreach (var suspect in suspects)
                Examine(suspect);
        }
        var above = tally.Report(output);
        output.WriteLine(FormattableString.Invariant($"{tally.Scenarios} walks against {candidates.Count} candidates, {mismatched} mismatched, {unsteady} recorded unsteadily, in {watch.Elapsed.TotalSeconds:0} s"));
        return mismatched == 0 && unsteady <= 1 + (tally.Scenarios / WalksOfUnsteady) && above.Count == 0 ? 0 : 1;

        Task<IReadOnlyList<Transcript>>? Begin()
        {
            if (first >= count && (within is not { } limit || watch.Elapsed >= limit))
                return null;
            var many = within is null ? Math.Min(WalksOfBatch, count - first) : WalksOfBatch;
            var drafts = Enumerable.Range(start + first, many).Select(number => Walk.Make(seed, number)).ToList();
            first += many;
            return Task.Run(() => recorder.Record(drafts));
        }

        bool Differs(Transcript transcript)
        {
            var scenario = transcript.ToScenario();
            return candidates.Exists(candidate => candidate.Compare(scenario).Count > 0);
        }

        // What differs must differ again in a recording of its own; else the recording was not Linux's answer.
        void Examine(Transcript suspect)
        {
            var transcript = recorder.Record([suspect.Draft])[0];
            if (!Differs(transcript))
            {
                unsteady++;
                output.WriteLine($"{suspect.Draft.Name} differed once, and not when it was recorded again");
                return;
            }
            var scenario = transcript.ToScenario();
            foreach (var candidate in candidates)
            {
                if (candidate.Compare(scenario) is not [var fault, ..])
                    continue;
                mismatched++;
                output.WriteLine($"{candidate.Name}: {fault.Scenario} step {fault.Step}: {fault.What}: expected {fault.Expected}, got {fault.Got}");
                output.WriteLine($"  {transcript.Json["steps"]![fault.Step]!.ToJsonString()}");
                if (mismatched <= MostShrunk)
                    output.WriteLine(Shrinker.Shrink(recorder, candidate, transcript, output));
            }
        }
    }

    private static int RunCheck(Recorder recorder, string file, string part)
    {
        var (compared, different) = (0, 0);
        foreach (var chunk in VectorFile.Read(file).Where(scenario => scenario.Name.Contains(part, StringComparison.Ordinal)).Chunk(40))
        {
            var transcripts = recorder.Record([.. chunk.Select(Check.ToDraft)]);
            for (var i = 0; i < chunk.Length; i++)
            {
                var (steps, differences) = Check.Compare(chunk[i], transcripts[i]);
                compared += steps;
                different += differences.Count;
                foreach (var line in differences)
                    Console.WriteLine(line);
            }
        }
        Console.WriteLine($"{compared} judged steps compared, {different} differ");
        return different == 0 ? 0 : 1;
    }

    private static int RunRecord(Recorder recorder, string target, string part)
    {
        const int Walks = 120;
        const int WalksSeed = 7;
        List<Draft> all = [.. Systematic.All(), .. Ported.All(), .. Enumerable.Range(0, Walks).Select(number => Walk.Make(WalksSeed, number))];
        var drafts = all.FindAll(draft => draft.Name.Contains(part, StringComparison.Ordinal));
        if (drafts.Count == 0)
            throw new ArgumentException($"no scenario has \"{part}\" in its name");
        var lines = part.Length == 0
            ? []
            : VectorFile.ReadLines(target).Select(line => (VectorFile.Parse(line, target).Name, Text: line)).Where(line => !line.Name.Contains(part, StringComparison.Ordinal)).ToList();
        var unsteady = 0;
        var transcripts = recorder.Record(drafts, boots: 2, line =>
        {
            unsteady++;
            Console.WriteLine(line);
        });
        var tally = new Tally();
        var mismatched = 0;
        List<Candidate> candidates = [Candidate.Engine, .. Candidate.Driver()];
        foreach (var transcript in transcripts)
        {
            tally.Add(transcript);
            lines.Add((transcript.Draft.Name, transcript.Json.ToJsonString(Draft.Json)));
            foreach (var candidate in candidates)
            {
                foreach (var fault in candidate.Compare(transcript.ToScenario()).Take(3))
                {
                    mismatched++;
                    Console.WriteLine($"{candidate.Name}: {fault.Scenario} step {fault.Step}: {fault.What}: expected {fault.Expected}, got {fault.Got} ({fault.Comment})");
                }
            }
        }
        using (var writer = new StreamWriter(new GZipStream(File.Create(target), CompressionLevel.SmallestSize), new UTF8Encoding(false)) { NewLine = "\n" })
        {
            foreach (var (_, text) in lines.OrderBy(line => line.Name, StringComparer.Ordinal))
                writer.WriteLine(text);
        }
        tally.Report(Console.Out);
        Console.WriteLine($"{target}: {transcripts.Count} scenarios, {unsteady} left out as unsteady, {mismatched} mismatched");
        return mismatched == 0 && unsteady == 0 ? 0 : 1;
    }

    /// <summary>What was asked for on the command line.</summary>
    private sealed record Options(int? Random, int? Seed, int First, string? Check, string Part, string? Record, IReadOnlyList<string>? Faults, KernelImage? Kernel)
    {
        public static Options Parse(string[] arguments)
        {
            var options = new Options(null, null, 0, null, "", null, null, null);
            string? image = null, modules = null;
            for (var i = 0; i < arguments.Length; i++)
            {
                var name = arguments[i];
                string Part() => i + 1 < arguments.Length && !arguments[i + 1].StartsWith('-') ? arguments[++i] : "";
                string Value() => ++i < arguments.Length ? arguments[i] : throw new ArgumentException($"{name} needs a value\n{Usage}");
                switch (name)
                {
                    case "--random":
                        options = options with { Random = Number(Value()) };
                        break;
                    case "--seed":
                        options = options with { Seed = Number(Value()) };
                        break;
                    case "--first":
                        options = options with { First = Number(Value()) };
                        break;
                    case "--check":
                        options = options with { Check = Value(), Part = Part() };
                        break;
                    case "--record":
                        options = options with { Record = Value(), Part = Part() };
                        break;
                    case "--faults":
                        options = options with { Faults = arguments[(i + 1)..] };
                        i = arguments.Length;
                        break;
                    case "--kernel":
                        image = Value();
                        break;
                    case "--modules":
                        modules = Value();
                        break;
                    default:
                        throw new ArgumentException($"unknown option \"{name}\"\n{Usage}");
                }
            }
            if ((image is null) != (modules is null))
                throw new ArgumentException("--kernel and --modules go together: a kernel built with ARCH=um, and what is /lib/modules/VERSION to it");
            return image is null ? options : options with { Kernel = KernelImage.At(image, modules!) };
        }

        private static int Number(string text) =>
            int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : throw new ArgumentException($"\"{text}\" must be a whole number");
    }
}
