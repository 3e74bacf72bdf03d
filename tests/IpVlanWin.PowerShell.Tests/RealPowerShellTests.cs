using System.Diagnostics;
using IpVlanWin.Service.Tests;

namespace IpVlanWin.PowerShell.Tests;

/// <summary>
/// The published module in a real PowerShell, against a running service: module.tests.ps1. Looks for pwsh and, on Windows, powershell on the
/// path; IPVLANWIN_PWSH names another, with its arguments.
/// </summary>
[TestClass]
public sealed class RealPowerShellTests
{
    [TestMethod]
    [DataRow("pwsh")]
    [DataRow("powershell")]
    public async Task Module_does_what_its_help_says(string shell)
    {
        var command = Find(shell) ?? throw new AssertInconclusiveException($"{shell} is not installed");
        await using var service = new TestService();
        var start = new ProcessStartInfo(command[0]) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = service.Folder };
        foreach (var argument in (string[])[.. command[1..], "-NoProfile", "-NonInteractive", "-File", Path.Combine(AppContext.BaseDirectory, "module.tests.ps1"), "-Module", Repository.Module])
            start.ArgumentList.Add(argument);
        start.Environment["IPVLANWIN_PIPE"] = service.Settings.PipeName;
        start.Environment["POWERSHELL_TELEMETRY_OPTOUT"] = "1";
        start.Environment["HOME"] = service.Folder;
        using var running = Process.Start(start)!;
        using var late = new CancellationTokenSource(TimeSpan.FromMinutes(5));
        var output = running.StandardOutput.ReadToEndAsync(late.Token);
        var errors = running.StandardError.ReadToEndAsync(late.Token);
        try
        {
            await running.WaitForExitAsync(late.Token);
        }
        catch (OperationCanceledException)
        {
            running.Kill(entireProcessTree: true);
            throw;
        }
        Assert.AreEqual(0, running.ExitCode, await output + await errors);
        Console.WriteLine(await output);
        Assert.Contains("all checks passed", await output);
    }

    private static string[]? Find(string shell)
    {
        if (shell == "pwsh" && Environment.GetEnvironmentVariable("IPVLANWIN_PWSH") is { Length: > 0 } given)
            return given.Split(' ');
        if (shell == "powershell" && !OperatingSystem.IsWindows())
            return null;
        var name = OperatingSystem.IsWindows() ? shell + ".exe" : shell;
        return (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Any(folder => File.Exists(Path.Combine(folder, name))) ? [name] : null;
    }
}
