using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace IpVlanWin.Driver.Tests;

/// <summary>Builds the driver natively with driver/test/build, each target once a run; targets with the same flags share their objects, in IPVLAN_OBJECTS if that is set.</summary>
internal static class NativeBuild
{
    private const string NeedsSanitizers = "needs clang's sanitizers (Debian package libclang-rt-14-dev)";

    private static readonly Dictionary<string, string> Built = [];

    private static readonly Lazy<string> Directory = new(() =>
    {
        var made = System.IO.Directory.CreateTempSubdirectory("ipvlan-driver-").FullName;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => System.IO.Directory.Delete(made, recursive: true);
        return made;
    });

    // tests/run names one for all projects.
    private static string Objects =>
        Environment.GetEnvironmentVariable("IPVLAN_OBJECTS") is { Length: > 0 } given ? given : Path.Combine(Directory.Value, "objects");

    /// <summary>The repository's directory driver.</summary>
    public static string Driver => Path.Combine(Root(), "driver");

    /// <summary>The library of a target: core, filter or loaded. The test is skipped where a tool is missing.</summary>
    public static string Library(string target) => Build(target, target + ".so", "");

    /// <summary>The same with compiler flags; suffix keeps it apart.</summary>
    public static string Library(string target, string suffix, string flags) => Build(target, $"{target}-{suffix}.so", flags);

    /// <summary>The program of a target, with compiler flags. The test is skipped where a tool is missing.</summary>
    public static string Program(string target, string flags = "") => Build(target, target + flags.Replace(' ', '_').Replace('=', '_'), flags);

    /// <summary>The linked ipvlan.sys of x64.</summary>
    public static string Image() => Path.Combine(Path.GetDirectoryName(Library("loaded"))!, "ipvlan.sys");

    /// <summary>A file of this run.</summary>
    public static string File(string name) => Path.Combine(Directory.Value, name);

    /// <summary>Skips the test where a tool is not installed.</summary>
    public static void RequireTool(string tool)
    {
        if (!HasTool(tool))
            Assert.Inconclusive($"needs {tool} on Linux");
    }

    /// <summary>Is there such a command?</summary>
    public static bool HasTool(string tool)
    {
        var directories = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator);
        return OperatingSystem.IsLinux() && Array.Exists(directories, directory => System.IO.File.Exists(Path.Combine(directory, tool)));
    }

    /// <summary>Runs a program to its end: status, and both outputs.</summary>
    public static (int Status, string Output) Run(string program, params string[] arguments) => Run(program, arguments, []);

    /// <summary>The same with variables in its environment.</summary>
    public static (int Status, string Output) Run(string program, string[] arguments, params (string Name, string Value)[] variables)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in variables)
            start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output + errors.Result);
    }

    private static string Build(string target, string name, string flags)
    {
        RequireTool("clang");
        if (target.StartsWith("loaded", StringComparison.Ordinal))
            RequireTool("lld-link");
        lock (Built)
        {
            if (Built.TryGetValue(target + flags, out var path))
                return path;
            path = Path.Combine(Directory.Value, name);
            var (status, output) = Run(
                Path.Combine(Driver, "test", "build"), [target, path], ("CFLAGS", flags), ("IPVLAN_OBJECTS", Objects));
            if (status != 0 && output.Contains("libclang_rt", StringComparison.Ordinal))
                Assert.Inconclusive(NeedsSanitizers);
            Assert.AreEqual(0, status, output);
            return Built[target + flags] = path;
        }
    }

    private static string Root([CallerFilePath] string file = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(file)!, "..", ".."));
}
