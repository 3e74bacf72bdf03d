using System.Diagnostics;
using System.Runtime.Versioning;

namespace IpVlanWin.Lab.Tests;

/// <summary>
/// A mount namespace with a /run of its own, so that labs started here meet no other lab of the machine: neither their namespaces' names
/// nor their locks. It ends with this object, or with this process.
/// </summary>
[SupportedOSPlatform("linux")]
internal sealed class PrivateRun : IDisposable
{
    private readonly Process _holder;
    private readonly List<LabProcess> _labs = [];

    public PrivateRun()
    {
        Tool.Require("unshare", "util-linux");
        Tool.Require("nsenter", "util-linux");
        _holder = Tool.Start("unshare", "--mount", "--propagation", "private", "sh", "-c", "mount -t tmpfs tmpfs /run && echo ready && exec cat");
        if (_holder.StandardOutput.ReadLine() != "ready")
            Assert.Inconclusive($"needs the right to mount: {_holder.StandardError.ReadToEnd()}");
    }

    /// <summary>Names of the labs' namespaces.</summary>
    public string[] Namespaces => List("/run/netns");

    /// <summary>Lock files of labs, dead or alive.</summary>
    public string[] Locks => List("/run/ipvlanwin");

    /// <summary>Starts `ipvlan lab` with these arguments.</summary>
    public LabProcess Start(params string[] arguments) => Start([], arguments);

    /// <summary>The same behind another command, such as setpriv(1).</summary>
    public LabProcess Start(string[] behind, string[] arguments)
    {
        var lab = new LabProcess(Tool.Start("nsenter", [.. Inside, .. behind, .. LabProcess.Command, "lab", .. arguments]));
        _labs.Add(lab);
        return lab;
    }

    /// <summary>Starts any command; it is the caller's to end.</summary>
    public Process StartCommand(params string[] command) => Tool.Start("nsenter", [.. Inside, .. command]);

    public ToolResult Try(params string[] command) => Tool.Try("nsenter", [.. Inside, .. command]);

    public void Dispose()
    {
        foreach (var lab in _labs)
            lab.Dispose();
        _holder.StandardInput.Close();
        _holder.WaitForExit();
        _holder.Dispose();
    }

    private string[] Inside => ["--mount", $"--target={_holder.Id}", "--wd=/", "--"];

    private string[] List(string folder) =>
        Try("sh", "-c", $"ls {folder} 2>/dev/null || true").Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
}

/// <summary>A running `ipvlan lab`.</summary>
[SupportedOSPlatform("linux")]
internal sealed class LabProcess : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(90);

    private readonly Process _process;
    private readonly Task<string> _errors;
    private readonly List<string> _lines = [];
    private bool _isDisposed;

    public LabProcess(Process process)
    {
        _process = process;
        _errors = process.StandardError.ReadToEndAsync();
    }

    /// <summary>
    /// The program as this project's build put it beside the tests. It heeds SIGINT even where the tests were started by a shell in the
    /// background, which has it ignored.
    /// </summary>
    public static string[] Command =>
        ["env", "--default-signal=INT", Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", "exec", Path.Combine(AppContext.BaseDirectory, "ipvlan.dll")];

    /// <summary>What it wrote so far, read as far as <see cref="ReadTo"/> and <see cref="Wait"/> went.</summary>
    public string Output => string.Join('\n', _lines);

    public string Errors => _errors.GetAwaiter().GetResult();

    public bool HasExited => _process.HasExited;

    /// <summary>Reads on to the line that begins so.</summary>
    public string ReadTo(string start)
    {
        using var patience = new CancellationTokenSource(s_patience);
        while (_process.StandardOutput.ReadLineAsync(patience.Token).AsTask().GetAwaiter().GetResult() is { } line)
        {
            _lines.Add(line);
            if (line.StartsWith(start, StringComparison.Ordinal))
                return line;
        }
        Assert.Fail($"ended with status {Wait()} before a line \"{start}\": {Output} {Errors}");
        return "";
    }

    /// <summary>The run's part of the namespaces' names, from the first line.</summary>
    public string ReadRun()
    {
        var line = ReadTo("bed:");
        var start = line.IndexOf("ipvlan-", StringComparison.Ordinal);
        Assert.IsGreaterThan(0, start, line);
        return line[start..(line.IndexOf('*', start) - 1)];
    }

    public void Signal(string signal) => Tool.Run("sh", "-c", $"kill -{signal} {_process.Id}");

    /// <summary>Waits for the end; returns the exit status.</summary>
    public int Wait()
    {
        using var patience = new CancellationTokenSource(s_patience);
        while (_process.StandardOutput.ReadLineAsync(patience.Token).AsTask().GetAwaiter().GetResult() is { } line)
            _lines.Add(line);
        Assert.IsTrue(_process.WaitForExit(s_patience), "the lab ends");
        return _process.ExitCode;
    }

    public void Dispose()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        if (!_process.HasExited)
            _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }
}
