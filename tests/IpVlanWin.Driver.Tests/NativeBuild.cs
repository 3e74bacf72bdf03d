using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace IpVlanWin.Driver.Tests;

/// <summary>Builds the driver natively with driver/test/build, once a run.</summary>
internal static class NativeBuild
{
    private static readonly Dictionary<string, string> Built = [];

    /// <summary>The repository's directory driver.</summary>
    public static string Driver => Path.Combine(Root(), "driver");

    /// <summary>The library of a target: core or filter. The test is skipped where clang is missing.</summary>
    public static string Library(string target) => Build(target, target + ".so", "");

    /// <summary>The program of a target: scenarios or abi, with compiler flags. The test is skipped where clang is missing.</summary>
    public static string Program(string target, string flags = "") => Build(target, target, flags);

    private static string Build(string target, string name, string flags)
    {
        RequireTool("clang");
        lock (Built)
        {
            if (Built.TryGetValue(target + flags, out var path))
                return path;
            var directory = Directory.CreateTempSubdirectory("ipvlan-driver-");
            AppDomain.CurrentDomain.ProcessExit += (_, _) => directory.Delete(recursive: true);
            path = Path.Combine(directory.FullName, name);
            var (status, output) = Run(Path.Combine(Driver, "test", "build"), [target, path], ("CFLAGS", flags));
            if (status != 0 && output.Contains("libclang_rt", StringComparison.Ordinal))
                Assert.Inconclusive("needs clang's sanitizers (Debian package libclang-rt-14-dev)");
            Assert.AreEqual(0, status, output);
            return Built[target + flags] = path;
        }
    }

    /// <summary>Skips the test where a tool is not installed.</summary>
    public static void RequireTool(string tool)
    {
        var directories = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator);
        if (!OperatingSystem.IsLinux() || !Array.Exists(directories, directory => File.Exists(Path.Combine(directory, tool))))
            Assert.Inconclusive($"needs {tool} on Linux");
    }

    /// <summary>Runs a program to its end: status, and both outputs.</summary>
    public static (int Status, string Output) Run(string program, params string[] arguments) => Run(program, arguments, default);

    /// <summary>The same with a variable in its environment.</summary>
    public static (int Status, string Output) Run(string program, string[] arguments, (string Name, string Value) variable)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        if (variable.Name is not null)
            start.Environment[variable.Name] = variable.Value;
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output + errors.Result);
    }

    private static string Root([CallerFilePath] string file = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(file)!, "..", ".."));
}
