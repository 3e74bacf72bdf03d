using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using IpVlanWin.Cli.Replay;

namespace IpVlanWin.Driver.Tests;

/// <summary>The lines of core and filter that the vectors and the scenarios reach.</summary>
internal static unsafe class Coverage
{
    private const string Flags = "-O1 -fprofile-instr-generate -fcoverage-mapping";

    /// <summary>Per cent of lines, the report of llvm-cov, and the lines that nothing reaches. The test is skipped where a tool is missing.</summary>
    public static (double Lines, string Report, string Unreached) Measure()
    {
        NativeBuild.RequireTool("llvm-cov");
        NativeBuild.RequireTool("llvm-profdata");
        var (program, library) = (NativeBuild.Program("scenarios", Flags), NativeBuild.Library("filter", "coverage", Flags));
        var (scenarios, vectors, merged) = (NativeBuild.File("scenarios.profraw"), NativeBuild.File("vectors.profraw"), NativeBuild.File("merged.profdata"));
        Must(NativeBuild.Run(program, [], ("LLVM_PROFILE_FILE", scenarios)));
        string[] recorded = [Path.Combine(NativeBuild.Driver, "..", "tests", "conformance", "vectors.jsonl.gz")];
        foreach (var options in new[] { BenchOptions.None, BenchOptions.Translate | BenchOptions.TagOutOfBand | BenchOptions.Split })
            Assert.AreEqual(0, ReplayCommand.RunVectors(recorded, scenario => new DriverPort(library, scenario, options), TextWriter.Null, CancellationToken.None));
        var write = (delegate* unmanaged<byte*, void>)NativeLibrary.GetExport(NativeLibrary.Load(library), "BenchWriteProfile");
        var path = Marshal.StringToCoTaskMemUTF8(vectors);
        write((byte*)path);
        Marshal.FreeCoTaskMem(path);
        Must(NativeBuild.Run("llvm-profdata", "merge", "-o", merged, scenarios, vectors));
        string[] of = [program, "-object", library, $"-instr-profile={merged}", "-ignore-filename-regex=/test/"];
        var report = Must(NativeBuild.Run("llvm-cov", ["report", .. of, "-show-region-summary=0", "-show-branch-summary=0"]));
        // A file's name ends with a colon; a line is its number, its count and itself.
        var file = "";
        var unreached = new StringBuilder();
        foreach (var line in Must(NativeBuild.Run("llvm-cov", ["show", .. of])).Split('\n'))
        {
            if (line.EndsWith(':') && line.StartsWith('/'))
                file = Path.GetRelativePath(NativeBuild.Driver, line[..^1]);
            else if (line.Split('|', 3) is [var number, var count, var text] && count.Trim() == "0")
                unreached.Append(CultureInfo.InvariantCulture, $"{file}:{number.Trim()}: {text.Trim()}\n");
        }
        // Filename, functions, missed, executed, lines, missed, per cent.
        var total = report.Split('\n').Single(line => line.StartsWith("TOTAL", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return (double.Parse(total[^1].TrimEnd('%'), CultureInfo.InvariantCulture), report, unreached.ToString());
    }

    private static string Must((int Status, string Output) ran)
    {
        Assert.AreEqual(0, ran.Status, ran.Output);
        return ran.Output;
    }
}
