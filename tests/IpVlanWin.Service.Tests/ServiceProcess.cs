using System.Diagnostics;
using System.Text;
using IpVlanWin.Protocol;

namespace IpVlanWin.Service.Tests;

/// <summary>The built service as a process of its own, with the memory data path. It is killed where the test does not end it.</summary>
internal sealed class ServiceProcess : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(90);

    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly TaskCompletionSource _started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _reading;
    private readonly Task<string> _errors;

    private ServiceProcess(Process process, string pipeName)
    {
        (_process, PipeName) = (process, pipeName);
        _errors = process.StandardError.ReadToEndAsync();
        _reading = ReadAsync();
    }

    public string PipeName { get; }

    public int Id => _process.Id;

    /// <summary>It is no more.</summary>
    public bool HasExited => _process.HasExited;

    /// <summary>What it wrote to its standard output so far.</summary>
    public string Output
    {
        get
        {
            lock (_output)
                return _output.ToString();
        }
    }

    /// <summary>Starts it; it may not listen yet.</summary>
    /// <param name="folder">Its state.</param>
    /// <param name="pipeName">Its pipe, as <see cref="PipeFor"/> gives it.</param>
    /// <param name="behind">A command that runs it, such as nsenter(1) with its arguments.</param>
    public static ServiceProcess Start(string folder, string pipeName, params string[] behind) => new(Process.Start(Command(folder, pipeName, behind))!, pipeName);

    /// <summary>
    /// Starts it so that its code is compiled once and for good, and memory is mapped once: a runtime without descriptors may break off when
    /// it compiles or maps code. It starts more slowly.
    /// </summary>
    public static ServiceProcess StartCompiledOnce(string folder, string pipeName)
    {
        var start = Command(folder, pipeName, []);
        start.Environment["DOTNET_TieredCompilation"] = "0";
        return new ServiceProcess(Process.Start(start)!, pipeName);
    }

    /// <summary>A pipe's name that belongs to a folder.</summary>
    public static string PipeFor(TestFolder folder) =>
        OperatingSystem.IsWindows() ? "ipvlanwin-test-" + Path.GetFileName(folder.Path) : Path.Combine(folder.Path, "s");

    /// <summary>Waits until it listens.</summary>
    public async Task<ServiceProcess> StartedAsync()
    {
        if (await Task.WhenAny(_started.Task, _reading).WaitAsync(s_patience) != _started.Task && !_started.Task.IsCompleted)
            Assert.Fail($"ended before it listened: {Output}{await _errors}");
        return this;
    }

    public ControlClient Connect() => new(PipeName) { ConnectTimeout = TimeSpan.FromSeconds(20), Timeout = s_patience };

    /// <summary>SIGKILL; TerminateProcess on Windows.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync().WaitAsync(s_patience);
    }

    /// <summary>SIGTERM and the end; the exit status.</summary>
    public async Task<int> StopAsync()
    {
        using (var kill = Process.Start("kill", ["-TERM", Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]))
            await kill.WaitForExitAsync();
        return (await ExitAsync()).Status;
    }

    /// <summary>Waits for its end by itself.</summary>
    public async Task<(int Status, string Errors)> ExitAsync()
    {
        await _process.WaitForExitAsync().WaitAsync(s_patience);
        return (_process.ExitCode, await _errors);
    }

    /// <summary>A line of /proc/PID/status that is in kB, in bytes.</summary>
    public long ReadStatus(string name)
    {
        var line = File.ReadLines($"/proc/{Id}/status").First(line => line.StartsWith(name + ":", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', '\t').First(static word => word.Length > 0 && char.IsAsciiDigit(word[0])), System.Globalization.CultureInfo.InvariantCulture) * 1024;
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }

    private static ProcessStartInfo Command(string folder, string pipeName, string[] behind)
    {
        string[] command =
        [
            .. behind, Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", "exec", Path.Combine(AppContext.BaseDirectory, "ipvlansvc.dll"),
            "--state", folder, "--pipe", pipeName, "--datapath", "memory",
        ];
        var start = new ProcessStartInfo(command[0], command[1..]) { RedirectStandardOutput = true, RedirectStandardError = true };
        // It starts faster so, and is ended before what is measured to make it faster would pay.
        start.Environment["DOTNET_EnableWriteXorExecute"] = "0";
        start.Environment["DOTNET_TieredPGO"] = "0";
        return start;
    }

    private async Task ReadAsync()
    {
        while (await _process.StandardOutput.ReadLineAsync() is { } line)
        {
            lock (_output)
                _output.AppendLine(line);
            if (line.Contains(" started ", StringComparison.Ordinal))
                _started.TrySetResult();
        }
    }
}
