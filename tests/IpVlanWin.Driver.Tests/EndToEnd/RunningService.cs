using System.Diagnostics;
using System.Runtime.Versioning;
using System.Text;
using IpVlanWin.HostNetwork.Tests.Linux;
using IpVlanWin.Protocol;

namespace IpVlanWin.Driver.Tests.EndToEnd;

/// <summary>The real ipvlansvc with data path filter, in a namespace, over a driver that is played.</summary>
[SupportedOSPlatform("linux")]
internal sealed class RunningService : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    private readonly TestNamespace _space;
    private readonly string _folder;
    private readonly string _socket;
    private readonly StringBuilder _log = new();
    private readonly Task _reading;

    public RunningService(TestNamespace space, string folder, string socket)
    {
        (_space, _folder, _socket) = (space, folder, socket);
        var started = new TaskCompletionSource();
        Process = Start("--datapath", "filter", "--pipe", Pipe);
        _reading = Task.Run(async () =>
        {
            while (await Process.StandardOutput.ReadLineAsync() is { } line)
            {
                lock (_log)
                    _log.AppendLine(line);
                if (line.Contains(" started ", StringComparison.Ordinal))
                    started.TrySetResult();
            }
            if (!started.Task.IsCompleted)
                started.TrySetException(new IOException($"the service ended: {Log}{await Process.StandardError.ReadToEndAsync()}"));
        });
        Assert.IsTrue(started.Task.Wait(s_patience), Log);
        Client = new ControlClient(Pipe) { Timeout = s_patience };
    }

    public Process Process { get; }

    public ControlClient Client { get; }

    public PortRecord Port => Client.GetPortAsync("m0").Result;

    public string Pipe => Path.Combine(_folder, "s");

    public string Log
    {
        get
        {
            lock (_log)
                return _log.ToString();
        }
    }

    /// <summary>`ipvlan` with a line's words: its exit status and what it wrote.</summary>
    public (int Status, string Text) Ipvlan(string line)
    {
        using var output = new StringWriter();
        using var errors = new StringWriter();
        var status = Cli.Program.Run(line.Split(' '), errors, output, pipeName: Pipe);
        return (status, output.ToString() + errors);
    }

    /// <summary>The same, and it is done.</summary>
    public string Do(string line)
    {
        var (status, text) = Ipvlan(line);
        Assert.AreEqual(0, status, $"{line}: {text}{Log}");
        return text;
    }

    public void WaitFor(Func<bool> condition, string what)
    {
        if (!SpinWait.SpinUntil(condition, s_patience))
            Assert.Fail($"{what}: {Log}");
    }

    public void Kill()
    {
        Process.Kill();
        Process.WaitForExit();
    }

    /// <summary>SIGTERM.</summary>
    public void Stop()
    {
        using (var kill = Process.Start("kill", ["-TERM", $"{Process.Id}"]))
            kill.WaitForExit();
        Assert.IsTrue(Process.WaitForExit(s_patience), Log);
        Assert.AreEqual(0, Process.ExitCode, Log);
    }

    /// <summary>`ipvlansvc clean-host` over the same state.</summary>
    public string CleanHost()
    {
        using var cleaning = Start("clean-host");
        var text = cleaning.StandardOutput.ReadToEnd() + cleaning.StandardError.ReadToEnd();
        cleaning.WaitForExit();
        Assert.AreEqual(0, cleaning.ExitCode, text);
        return text;
    }

    public void Dispose()
    {
        if (!Process.HasExited)
            Kill();
        _reading.Wait(s_patience);
        Client.Dispose();
        Process.Dispose();
    }

    private Process Start(params string[] arguments)
    {
        string[] verb = arguments[0].StartsWith('-') ? [] : [arguments[0]];
        var dotnet = Environment.ProcessPath!.EndsWith("dotnet", StringComparison.Ordinal) ? Environment.ProcessPath : "dotnet";
        var start = new ProcessStartInfo(dotnet, ["exec", Path.Combine(AppContext.BaseDirectory, "ipvlansvc.dll"), .. verb, "--state", _folder, .. arguments[verb.Length..]])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["IPVLANWIN_FILTER"] = _socket;
        return _space.Namespace.Run(() => Process.Start(start)!);
    }
}
