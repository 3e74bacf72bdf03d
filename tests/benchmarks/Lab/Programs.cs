using System.Diagnostics;

namespace IpVlanWin.Benchmarks.Lab;

/// <summary>Other programs, run to their end or along with the benchmark.</summary>
internal static class Programs
{
    private static readonly string[] Folders = ["/usr/sbin", "/usr/bin", "/sbin", "/bin", "/usr/local/sbin", "/usr/local/bin"];

    /// <summary>Where a program is, or null.</summary>
    public static string? Find(string name) => Folders.Select(folder => System.IO.Path.Combine(folder, name)).FirstOrDefault(File.Exists);

    /// <summary>Runs a program to its end.</summary>
    /// <param name="patience">How long it may take.</param>
    /// <param name="command">Program and arguments.</param>
    /// <returns>Its output.</returns>
    /// <exception cref="BenchmarkException">It failed or took too long; the message holds its own first line.</exception>
    public static string Run(TimeSpan patience, params string[] command)
    {
        using var process = Start(command, isInputKept: false, environment: null);
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEndAsync();
        if (!process.WaitForExit(patience))
        {
            process.Kill(entireProcessTree: true);
            throw new BenchmarkException($"{string.Join(' ', command)}: not done within {patience.TotalSeconds:0} s");
        }
        process.WaitForExit();
        if (process.ExitCode != 0)
        {
            var text = errors.GetAwaiter().GetResult() is { Length: > 0 } error ? error : output.GetAwaiter().GetResult();
            throw new BenchmarkException($"{string.Join(' ', command)}: {text.Trim().Split('\n')[0]}");
        }
        return output.GetAwaiter().GetResult();
    }

    /// <summary>As above, within ten seconds, the command given as one line without quotes.</summary>
    public static string Run(string command) => Run(TimeSpan.FromSeconds(10), command.Split(' ', StringSplitOptions.RemoveEmptyEntries));

    /// <summary>Starts a program that does not outlive this thread, and so not this process.</summary>
    /// <remarks>Call it from the main thread: the kernel kills the child with the thread that started it (PR_SET_PDEATHSIG in prctl(2)).</remarks>
    public static Daemon StartDaemon(string name, IReadOnlyList<string> command, IReadOnlyDictionary<string, string>? environment = null) =>
        new(name, Start(["setpriv", "--pdeathsig", "KILL", "--", .. command], isInputKept: true, environment));

    internal static Process Start(IReadOnlyList<string> command, bool isInputKept, IReadOnlyDictionary<string, string>? environment)
    {
        var program = command[0].Contains('/', StringComparison.Ordinal) ? command[0] : Find(command[0]);
        var start = new ProcessStartInfo(program ?? throw new BenchmarkException($"{command[0]} is not installed"), command.Skip(1))
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
            start.Environment[name] = value;
        var process = Process.Start(start)!;
        if (!isInputKept)
            process.StandardInput.Close();
        return process;
    }
}

/// <summary>A program that runs along with the benchmark. Its input stays open; its last lines are kept for an error message.</summary>
internal sealed class Daemon : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    private readonly string _name;
    private readonly Process _process;
    private volatile string _lastLine = "it said nothing";
    private volatile bool _isReady;

    public Daemon(string name, Process process)
    {
        (_name, _process) = (name, process);
        process.OutputDataReceived += (_, line) => Note(line.Data);
        process.ErrorDataReceived += (_, line) => Note(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    /// <summary>It wrote the line "ready".</summary>
    public bool IsReady => _isReady;

    /// <exception cref="BenchmarkException">It has ended.</exception>
    public void RequireRunning()
    {
        if (_process.HasExited)
            throw new BenchmarkException($"{_name} ended with status {_process.ExitCode}: {_lastLine}");
    }

    /// <summary>Closes its input, asks it to end, and after a while no longer asks.</summary>
    public void Dispose()
    {
        try
        {
            _process.StandardInput.Close();
            if (!_process.HasExited)
                Programs.Run($"kill -TERM {_process.Id}");
        }
        catch (Exception fault) when (fault is BenchmarkException or IOException)
        {
            // It ended in between.
        }
        if (!_process.WaitForExit(Patience))
        {
            _process.Kill(entireProcessTree: true);
            _process.WaitForExit();
        }
        _process.Dispose();
    }

    private void Note(string? line)
    {
        if (string.IsNullOrWhiteSpace(line))
            return;
        _lastLine = line.Trim();
        _isReady |= line == "ready";
    }
}
