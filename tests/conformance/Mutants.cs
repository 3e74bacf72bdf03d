using System.Runtime.Loader;
using System.Text.RegularExpressions;
using IpVlanWin.Cli.Replay;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace IpVlanWin.Conformance;

/// <summary>
/// Plants faults: changes a copy of the engine's source in memory, compiles it, and replays recordings through that engine in a load context
/// of its own. The product has no switch for any of it.
/// </summary>
internal sealed class Mutants
{
    private static readonly string Root = Path.GetFullPath(Path.Combine(Guest.Source(), "..", ".."));
    private static readonly string EngineSource = Path.Combine(Root, "src", "IpVlanWin.Engine");
    private static readonly string ProductVersion = "0.1.0.0";

    /// <summary>The recordings, quickest first to find most.</summary>
    public static readonly IReadOnlyList<string> Recordings = [Path.Combine(Guest.Source(), "vectors.jsonl.gz"), Path.Combine(Guest.Source(), "recorded.jsonl.gz")];

    private static readonly CSharpParseOptions Parsing = CSharpParseOptions.Default.WithLanguageVersion(LanguageVersion.Latest);

    private readonly Dictionary<string, string> _sources = new(StringComparer.Ordinal);
    private readonly Dictionary<string, SyntaxTree> _trees;
    private readonly CSharpCompilation _whole;

    public Mutants()
    {
        foreach (var path in Directory.GetFiles(EngineSource, "*.cs", SearchOption.AllDirectories))
        {
            var name = Path.GetRelativePath(EngineSource, path).Replace('\\', '/');
            if (!name.StartsWith("obj/", StringComparison.Ordinal) && !name.StartsWith("bin/", StringComparison.Ordinal))
                _sources.Add(name, WithoutGenerators(File.ReadAllText(path).ReplaceLineEndings("\n")));
        }
        _sources.Add("generated.cs", $"""
            global using System; global using System.Collections.Generic; global using System.IO; global using System.Linq;
            global using System.Net.Http; global using System.Threading; global using System.Threading.Tasks;
            [assembly: System.Reflection.AssemblyVersion("{ProductVersion}")]
            {Friends()}
            """);
        var references = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Where(path => !Path.GetFileName(path).StartsWith("IpVlanWin", StringComparison.Ordinal) && Path.GetDirectoryName(path) == Path.GetDirectoryName(typeof(object).Assembly.Location))
            .Select(path => MetadataReference.CreateFromFile(path));
        _trees = _sources.ToDictionary(entry => entry.Key, entry => Tree(entry.Key, entry.Value), StringComparer.Ordinal);
        _whole = CSharpCompilation.Create(
            "IpVlanWin.Engine",
            _trees.Values,
            references,
            new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary, optimizationLevel: OptimizationLevel.Release, allowUnsafe: true, nullableContextOptions: NullableContextOptions.Enable));
    }

    /// <summary>The rows of FAULTS.md: for each rule with a letter, what its fault is found by.</summary>
    public static IReadOnlyDictionary<string, string> Found() => File.ReadLines(Path.Combine(Guest.Source(), "FAULTS.md"))
        .Select(line => line.Split('|', StringSplitOptions.TrimEntries)).Where(cells => cells.Length == 5)
        .ToDictionary(cells => cells[1], cells => cells[3], StringComparer.Ordinal);

    /// <summary>Plants the faults of the rules named, or all, and prints a row for each. 0 where all were found.</summary>
    public static int Run(IReadOnlyList<string> rules, TextWriter output)
    {
        var mutants = new Mutants();
        var missed = 0;
        foreach (var fault in Faults.All.Where(fault => rules.Count == 0 || rules.Contains(fault.Rule)))
        {
            var found = mutants.Find(fault);
            missed += found is null ? 1 : 0;
            output.WriteLine($"| {fault.Rule} | {fault.What} | {found ?? "**not found**"} |");
        }
        output.WriteLine($"{missed} not found");
        return missed == 0 ? 0 : 1;
    }

    /// <summary>What finds a fault: the recording's file, scenario and step; null where nothing does.</summary>
    /// <param name="fault">The fault.</param>
    /// <param name="first">A scenario to begin with: the one that found it before.</param>
    /// <exception cref="InvalidOperationException">Its text is no longer in the engine, or the change does not compile.</exception>
    public string? Find(Fault fault, string? first = null)
    {
        using var assembly = Compile(fault);
        var context = new EngineContext(assembly);
        try
        {
            var self = context.LoadFromAssemblyPath(typeof(Mutants).Assembly.Location);
            var method = self.GetType(typeof(MutantRun).FullName!)!.GetMethod(nameof(MutantRun.FirstMismatch))!;
            return (string?)method.Invoke(null, [Recordings.Where(File.Exists).ToArray(), first]);
        }
        finally
        {
            context.Unload();
        }
    }

    /// <summary>Faults whose text is no longer in the engine.</summary>
    public IEnumerable<string> Lost() =>
        from fault in Faults.All
        from edit in fault.Edits
        where !_sources.TryGetValue(edit.File, out var source) || !source.Contains(edit.Text, StringComparison.Ordinal)
        select $"{fault.Rule}: {edit.File} no longer has \"{edit.Text}\"";

    private static SyntaxTree Tree(string path, string source) => CSharpSyntaxTree.ParseText(source, Parsing, path);

    /// <summary>No source generator runs here: what it would write for a function of the system, the runtime does.</summary>
    private static string WithoutGenerators(string source) => source.Contains("[LibraryImport(", StringComparison.Ordinal)
        ? Regex.Replace(source.Replace("[LibraryImport(", "[DllImport(", StringComparison.Ordinal), @"static partial (?=[^;{]*\);)", "static extern ", RegexOptions.None, TimeSpan.FromSeconds(1))
        : source;

    private static string Friends() =>
        string.Join('\n', new[] { "IpVlanWin.Devices", "IpVlanWin.Datapath", "ipvlan", "ipvlan-conformance" }.Select(name => $"[assembly: System.Runtime.CompilerServices.InternalsVisibleTo(\"{name}\")]"));

    private MemoryStream Compile(Fault fault)
    {
        var sources = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var edit in fault.Edits)
        {
            if (!(sources.TryGetValue(edit.File, out var before) || _sources.TryGetValue(edit.File, out before)) || !before.Contains(edit.Text, StringComparison.Ordinal))
                throw new InvalidOperationException($"the fault of rule {fault.Rule} has lost its place: {edit.File} no longer has \"{edit.Text}\"; mend tests/conformance/Faults.cs");
            sources[edit.File] = before.Replace(edit.Text, edit.Replacement, StringComparison.Ordinal);
        }
        var compilation = sources.Aggregate(_whole, (whole, entry) => whole.ReplaceSyntaxTree(_trees[entry.Key], Tree(entry.Key, entry.Value)));
        var stream = new MemoryStream();
        var result = compilation.Emit(stream);
        if (!result.Success)
        {
            var first = result.Diagnostics.First(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error);
            throw new InvalidOperationException($"the fault of rule {fault.Rule} does not compile: {first}");
        }
        stream.Position = 0;
        return stream;
    }

    /// <summary>Everything of this project is loaded anew, with the mutant in the engine's place; the rest is shared.</summary>
    private sealed class EngineContext(MemoryStream engine) : AssemblyLoadContext("mutant", isCollectible: true)
    {
        private static readonly string Here = Path.GetDirectoryName(typeof(Mutants).Assembly.Location)!;

        protected override System.Reflection.Assembly? Load(System.Reflection.AssemblyName name)
        {
            if (name.Name == "IpVlanWin.Engine")
                return LoadFromStream(engine);
            var isOurs = name.Name is "ipvlan" or "ipvlan-conformance" || name.Name!.StartsWith("IpVlanWin.", StringComparison.Ordinal);
            var path = Path.Combine(Here, name.Name + ".dll");
            return isOurs && File.Exists(path) ? LoadFromAssemblyPath(path) : null;
        }
    }
}

/// <summary>Runs beside a mutant, in its load context.</summary>
internal static class MutantRun
{
    /// <summary>The first step of the recordings where the engine that is loaded here differs; of the scenario to begin with, if it is there.</summary>
    public static string? FirstMismatch(string[] files, string? first)
    {
        if (first is not null)
        {
            var marked = $"{{\"name\":\"{first}\",";
            foreach (var file in files)
            {
                foreach (var line in VectorFile.ReadLines(file))
                {
                    if (line.StartsWith(marked, StringComparison.Ordinal) && Mismatch(file, VectorFile.Parse(line, first)) is { } found)
                        return found;
                }
            }
        }
        return files.SelectMany(file => VectorFile.Read(file).Select(scenario => Mismatch(file, scenario))).FirstOrDefault(found => found is not null);
    }

    private static string? Mismatch(string file, Scenario scenario)
    {
        var place = $"{Path.GetFileName(file).Split('.')[0]}: {scenario.Name}";
        try
        {
            return Candidate.Engine.Compare(scenario) is [var mismatch, ..] ? $"{place} step {mismatch.Step}: {mismatch.What}" : null;
        }
        catch (Exception fault) when (fault is IndexOutOfRangeException or ArgumentException or OverflowException)
        {
            return $"{place}: {fault.GetType().Name}";
        }
    }
}
