using System.ComponentModel;
using System.Diagnostics;

namespace IpVlanWin.Lab.Tests;

/// <summary>What a command left.</summary>
internal sealed record ToolResult(int Status, string Output, string Errors)
{
    public override string ToString() => $"status {Status}: {Output} {Errors}";
}

/// <summary>Commands of the system, as independent witnesses.</summary>
internal static class Tool
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    /// <summary>Skips the test, with the reason, where a command is missing.</summary>
    public static void Require(string name, string package)
    {
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':');
        if (!folders.Any(folder => File.Exists(Path.Combine(folder, name))))
            Assert.Inconclusive($"needs the command {name} ({package})");
    }

    public static Process Start(string name, params string[] arguments)
    {
        try
        {
            return Process.Start(new ProcessStartInfo(name, arguments)
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;
        }
        catch (Win32Exception fault)
        {
            Assert.Inconclusive($"needs the command {name}: {fault.Message}");
            throw;
        }
    }

    /// <summary>Runs a command to its end, whatever its status.</summary>
    public static ToolResult Try(string name, params string[] arguments)
    {
        using var process = Start(name, arguments);
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(s_patience))
        {
            process.Kill();
            Assert.Fail($"{name} {string.Join(' ', arguments)} did not end within {s_patience.TotalSeconds} s");
        }
        return new ToolResult(process.ExitCode, output.GetAwaiter().GetResult(), errors.GetAwaiter().GetResult());
    }

    /// <summary>Runs a command that must succeed; returns what it printed.</summary>
    public static string Run(string name, params string[] arguments)
    {
        var result = Try(name, arguments);
        Assert.AreEqual(0, result.Status, $"{name} {string.Join(' ', arguments)}: {result}");
        return result.Output;
    }
}
