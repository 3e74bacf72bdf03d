using System.Diagnostics;
using System.Runtime.Versioning;
using System.Text;
using IpVlanWin.Protocol;

namespace IpVlanWin.WinDivert.Tests.EndToEnd;

/// <summary>The real ipvlansvc with data path windivert, in the host's namespace of a bed, with a state folder of its own.</summary>
[SupportedOSPlatform("linux")]
internal sealed class RunningService : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    private readonly DivertBed _bed;
    private readonly StringBuilder _log = new();
    private readonly Task _reading;

    public RunningService(DivertBed bed, string folder, params string[] options)
    {
        (_bed, Folder) = (bed, folder);
        var started = new TaskCompletionSource();
        Process = Start(["--datapath", "windivert", "--pipe", Pipe, .. options]);
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
        Assert.IsTrue(started.Task.Wait(s_patience), Log);
        Client = new ControlClient(Pipe) { Timeout = s_patience };
    }

    public string Folder { get; }

    public Process Process { get; }

    public ControlClient Client { get; }

    public string Log
    {
        get
        {
            lock (_log)
                return _log.ToString();
        }
    }

    private string Pipe => Path.Combine(Folder, "s");

    public static string NewFolder()
    {
        var folder = Path.Combine(Path.GetTempPath(), $"ipvlanwin-divert-{Environment.ProcessId}-{Guid.NewGuid():N}");
        Directory.CreateDirectory(folder);
        return folder;
    }

    /// <summary>Adds an interface that is up, and waits until its addresses are in use.</summary>
    public void Add(string name, string? space, string flag, params string[] addresses)
    {
        Client.AddInterfaceAsync(new InterfaceSpec { Master = "m0", Name = name, Namespace = space, Mode = "l3", Flag = flag, Admin = "up", Addresses = addresses }).Wait(s_patience);
        WaitFor(() => IsInUse(name), $"{name} in use");
    }

    /// <summary>It is up, and its addresses are in use; one that is down has its addresses too, as on Linux.</summary>
    public bool IsInUse(string name) => Get(name) is { State: "up" } one && one.Addresses.All(static address => address.State == "preferred");

    public InterfaceRecord Get(string name) => Client.GetInterfaceAsync(name).Result;

    public PortRecord Port => Client.GetPortAsync("m0").Result;

    public void WaitFor(Func<bool> condition, string? what = null)
    {
        var clock = Stopwatch.StartNew();
        while (!condition())
        {
            if (clock.Elapsed > s_patience)
                Assert.Fail($"{what ?? "it does not come"}: {Log}");
            Thread.Sleep(20);
        }
    }

    public void WaitForLog(string text) => WaitFor(() => Log.Contains(text, StringComparison.Ordinal), text);

    public void Kill()
    {
        Process.Kill();
        Process.WaitForExit();
    }

    /// <summary>SIGTERM, and what clean-host then says.</summary>
    public void Stop()
    {
        using (var kill = Process.Start("kill", ["-TERM", $"{Process.Id}"]))
            kill.WaitForExit();
        Assert.IsTrue(Process.WaitForExit(s_patience), Log);
        Assert.AreEqual(0, Process.ExitCode, Log);
    }

    /// <summary>`ipvlansvc clean-host` over the same state.</summary>
    public string CleanHost(int status = 0)
    {
        using var cleaning = Start("clean-host");
        var text = cleaning.StandardOutput.ReadToEnd() + cleaning.StandardError.ReadToEnd();
        cleaning.WaitForExit();
        Assert.AreEqual(status, cleaning.ExitCode, text);
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
        var start = new ProcessStartInfo("nsenter",
            ["--net=" + _bed.Host.Path, Programs.Dotnet, "exec", Path.Combine(AppContext.BaseDirectory, "ipvlansvc.dll"), .. verb, "--state", Folder, .. arguments[verb.Length..]])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["IPVLANWIN_WINDIVERT"] = Imitation.LibraryPath;
        start.Environment["DIVERT_BROKER"] = _bed.Broker;
        return Process.Start(start)!;
    }
}

internal static class Names
{
    public static List<string> AllInterfaces(this ControlClient client) => client.ListInterfacesAsync(new ListQuery()).Result.Items.Select(static one => one.Name!).ToList();
}
