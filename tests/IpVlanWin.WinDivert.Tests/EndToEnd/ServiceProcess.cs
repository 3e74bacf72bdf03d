using System.Diagnostics;
using System.Runtime.Versioning;
using System.Text;
using IpVlanWin.Protocol;

namespace IpVlanWin.WinDivert.Tests.EndToEnd;

/// <summary>The real ipvlansvc in a process of its own, over a master m0.</summary>
[SupportedOSPlatform("linux")]
internal class ServiceProcess : IDisposable
{
    protected static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Func<string[], Process> _start;
    private readonly StringBuilder _log = new();
    private readonly Task _reading;

    /// <summary>Starts it, and waits until it says so.</summary>
    /// <param name="start">Starts dotnet, its standard streams redirected, with these arguments.</param>
    /// <param name="folder">Its state, and its pipe.</param>
    /// <param name="options">Of the service.</param>
    protected ServiceProcess(Func<string[], Process> start, string folder, params string[] options)
    {
        (_start, Folder) = (start, folder);
        var started = new TaskCompletionSource();
        Process = Start([.. options, "--pipe", Pipe]);
        var output = Process.StandardOutput;
        _reading = Task.Run(async () =>
        {
            while (await output.ReadLineAsync() is { } line)
            {
                lock (_log)
                    _log.AppendLine(line);
                if (line.Contains(" started ", StringComparison.Ordinal))
                    started.TrySetResult();
            }
            // The safety net inherits the standard error, and outlives a service that was killed.
            if (!started.Task.IsCompleted)
                started.TrySetException(new IOException($"the service ended: {Log}{await Process.StandardError.ReadToEndAsync()}"));
        });
        Assert.IsTrue(started.Task.Wait(Patience), Log);
        Client = new ControlClient(Pipe) { Timeout = Patience };
    }

    public string Folder { get; }

    public Process Process { get; }

    public ControlClient Client { get; }

    public PortRecord Port => Client.GetPortAsync("m0").Result;

    public string Log
    {
        get
        {
            lock (_log)
                return _log.ToString();
        }
    }

    protected string Pipe => Path.Combine(Folder, "s");

    public void WaitFor(Func<bool> condition, string? what = null)
    {
        var clock = Stopwatch.StartNew();
        while (!condition())
        {
            if (clock.Elapsed > Patience)
                Assert.Fail($"{what ?? "it does not come"}: {Log}");
            Thread.Sleep(20);
        }
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
        Assert.IsTrue(Process.WaitForExit(Patience), Log);
        Assert.AreEqual(0, Process.ExitCode, Log);
    }

    /// <summary>`ipvlansvc clean-host` over the same state, and what it says.</summary>
    public string CleanHost(int status = 0)
    {
        using var cleaning = Start(["clean-host"]);
        var text = cleaning.StandardOutput.ReadToEnd() + cleaning.StandardError.ReadToEnd();
        cleaning.WaitForExit();
        Assert.AreEqual(status, cleaning.ExitCode, text);
        return text;
    }

    public void Dispose()
    {
        if (!Process.HasExited)
            Kill();
        _reading.Wait(Patience);
        Client.Dispose();
        Process.Dispose();
    }

    /// <summary>A verb, if any, stands first.</summary>
    private Process Start(string[] arguments)
    {
        string[] verb = arguments[0].StartsWith('-') ? [] : [arguments[0]];
        return _start(["exec", Path.Combine(AppContext.BaseDirectory, "ipvlansvc.dll"), .. verb, "--state", Folder, .. arguments[verb.Length..]]);
    }
}
