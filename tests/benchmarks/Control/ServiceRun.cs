using System.Diagnostics;
using System.Globalization;
using IpVlanWin.Protocol;

namespace IpVlanWin.Benchmarks.Control;

/// <summary>`ipvlansvc` as a process of its own with the memory data path, until it is ended.</summary>
internal sealed class ServiceRun : IDisposable
{
    private readonly Process _process;

    /// <summary>Starts it; <see cref="Client"/> waits until it listens.</summary>
    public ServiceRun(string folder)
    {
        var pipe = OperatingSystem.IsWindows() ? "ipvlanwin-benchmark-" + Path.GetFileName(folder) : Path.Combine(folder, "s");
        var program = Path.Combine(AppContext.BaseDirectory, "ipvlansvc.dll");
        _process = Process.Start(new ProcessStartInfo(
            Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", ["exec", program, "--state", folder, "--pipe", pipe, "--datapath", "memory"]) { RedirectStandardOutput = true })!;
        // Its log is not wanted, and must not fill the pipe.
        _process.OutputDataReceived += static (_, _) => { };
        _process.BeginOutputReadLine();
        Client = new ControlClient(pipe) { ConnectTimeout = TimeSpan.FromSeconds(60), Timeout = TimeSpan.FromSeconds(120) };
    }

    public ControlClient Client { get; }

    /// <summary>Memory that is in use now and that was at most, in MiB; not a number where the system does not tell.</summary>
    public (double Now, double Most) Memory => (Read("VmRSS"), Read("VmHWM"));

    /// <summary>Ends it in order, where that can be asked for.</summary>
    public void Stop()
    {
        Client.Dispose();
        if (OperatingSystem.IsWindows())
        {
            _process.Kill();
        }
        else
        {
            using var kill = Process.Start("kill", ["-TERM", _process.Id.ToString(CultureInfo.InvariantCulture)]);
            kill.WaitForExit();
        }
        _process.WaitForExit();
    }

    public void Dispose()
    {
        Client.Dispose();
        if (!_process.HasExited)
            _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }

    private double Read(string name)
    {
        if (!OperatingSystem.IsLinux())
            return double.NaN;
        var line = File.ReadLines($"/proc/{_process.Id}/status").First(line => line.StartsWith(name + ":", StringComparison.Ordinal));
        return double.Parse(line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024;
    }
}
