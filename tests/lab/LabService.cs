using System.Diagnostics;
using System.Runtime.Versioning;
using System.Text;
using IpVlanWin.HostNetwork.Linux;
using IpVlanWin.Protocol;

namespace IpVlanWin.Lab.Tests;

/// <summary>`ipvlansvc` with the Linux data path, in a namespace, with a state and a pipe of its own. It can be killed and started again.</summary>
[SupportedOSPlatform("linux")]
internal sealed class LabService : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(90);

    private readonly string _namespace;
    private readonly string _folder = Path.Combine(Path.GetTempPath(), $"ipvlanwin-lab-{Environment.ProcessId}-{Guid.NewGuid():N}");
    private readonly StringBuilder _log = new();
    private Process? _process;
    private Task _reading = Task.CompletedTask;

    public LabService(NetworkNamespace inside)
    {
        _namespace = inside.Name!;
        Directory.CreateDirectory(_folder);
        Client = new ControlClient(Path.Combine(_folder, "s")) { ConnectTimeout = TimeSpan.FromSeconds(20) };
        Start();
    }

    public ControlClient Client { get; }

    /// <summary>What it wrote, over all its lives.</summary>
    public string Log
    {
        get
        {
            lock (_log)
                return _log.ToString();
        }
    }

    /// <summary>Starts it and waits until it listens.</summary>
    public void Start()
    {
        var process = _process = Tool.Start(
            "ip", "netns", "exec", _namespace, Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", "exec",
            Path.Combine(AppContext.BaseDirectory, "ipvlansvc.dll"), "--state", Path.Combine(_folder, "state"), "--pipe", Path.Combine(_folder, "s"), "--datapath", "linux");
        var (output, errors) = (process.StandardOutput, process.StandardError.ReadToEndAsync());
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _reading = Task.Run(async () =>
        {
            while (await output.ReadLineAsync().ConfigureAwait(false) is { } line)
            {
                lock (_log)
                    _log.AppendLine(line);
                if (line.Contains(" started ", StringComparison.Ordinal))
                    started.TrySetResult();
            }
        });
        if (!Task.WhenAny(started.Task, _reading).Wait(s_patience) || !started.Task.IsCompleted)
            Assert.Fail($"the service does not start: {Log} {(process.HasExited ? errors.GetAwaiter().GetResult() : "")}");
    }

    /// <summary>SIGKILL.</summary>
    public void Kill()
    {
        _process!.Kill();
        Assert.IsTrue(_process.WaitForExit(s_patience));
        Forget();
    }

    /// <summary>SIGTERM; its exit status.</summary>
    public int Stop()
    {
        Tool.Run("sh", "-c", $"kill -TERM {_process!.Id}");
        Assert.IsTrue(_process.WaitForExit(s_patience), "the service ends");
        var status = _process.ExitCode;
        Forget();
        return status;
    }

    public InterfaceRecord Get(string name) => Client.GetInterfaceAsync(name).GetAwaiter().GetResult();

    public PortRecord GetPort(string master) => Client.GetPortAsync(master).GetAwaiter().GetResult();

    public void Dispose()
    {
        Client.Dispose();
        if (_process is not null)
            Kill();
        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>It has ended; what it wrote is read before its pipes go.</summary>
    private void Forget()
    {
        Assert.IsTrue(_reading.Wait(s_patience), "its output ends");
        _process!.Dispose();
        _process = null;
    }
}
