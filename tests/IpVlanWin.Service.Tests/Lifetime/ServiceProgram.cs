using System.Diagnostics;
using System.Globalization;

namespace IpVlanWin.Service.Tests.Lifetime;

/// <summary>The built program, as systemd or a person would start it. It is killed where the test does not end it.</summary>
internal sealed class ServiceProgram : IDisposable
{
    private readonly Process _process;
    private readonly Task<string> _output;
    private readonly Task<string> _errors;

    public ServiceProgram(TestFolder folder, IReadOnlyDictionary<string, string> environment, params string[] arguments)
    {
        PipeName = OperatingSystem.IsWindows() ? "ipvlanwin-test-" + Path.GetFileName(folder.Path) : Path.Combine(folder.Path, "s");
        // A shell in the background has what it starts ignore SIGINT.
        string[] heedful = OperatingSystem.IsWindows() ? [] : ["env", "--default-signal=INT"];
        string[] command = [.. heedful, Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet",
            "exec", Path.Combine(AppContext.BaseDirectory, "ipvlansvc.dll"), "--state", folder.Path, "--pipe", PipeName, "--datapath", "memory", .. arguments];
        var start = new ProcessStartInfo(command[0], command[1..]) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        _process = Process.Start(start)!;
        (_output, _errors) = (_process.StandardOutput.ReadToEndAsync(), _process.StandardError.ReadToEndAsync());
    }

    public string PipeName { get; }

    /// <summary>Sends a signal by its name.</summary>
    public void Signal(string name)
    {
        using var kill = Process.Start("kill", ["-s", name, _process.Id.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
        Assert.AreEqual(0, kill.ExitCode);
    }

    /// <summary>Waits for the end.</summary>
    public async Task<(int Status, string Output, string Errors)> EndAsync(TimeSpan patience)
    {
        using var late = new CancellationTokenSource(patience);
        await _process.WaitForExitAsync(late.Token);
        return (_process.ExitCode, await _output, await _errors);
    }

    public void Dispose()
    {
        _process.Kill();
        _process.Dispose();
    }
}
