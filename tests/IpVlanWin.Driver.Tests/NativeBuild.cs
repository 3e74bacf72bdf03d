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
    public static string Library(string target)
    {
        RequireTool("clang");
        lock (Built)
        {
            if (Built.TryGetValue(target, out var path))
                return path;
            var directory = Directory.CreateTempSubdirectory("ipvlan-driver-");
            AppDomain.CurrentDomain.ProcessExit += (_, _) => directory.Delete(recursive: true);
            path = Path.Combine(directory.FullName, $"{target}.so");
            var (status, output) = Run(Path.Combine(Driver, "test", "build"), target, path);
            Assert.AreEqual(0, status, output);
            return Built[target] = path;
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
    public static (int Status, string Output) Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output + errors.Result);
    }

    private static string Root([CallerFilePath] string file = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(file)!, "..", ".."));
}
