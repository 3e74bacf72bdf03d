using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;

namespace IpVlanWin.Conformance;

/// <summary>A kernel as a program, and its modules.</summary>
/// <param name="Program">A user-mode-linux image.</param>
/// <param name="Modules">The folder that has its modules.dep.</param>
internal sealed record KernelImage(string Program, string Modules)
{
    /// <summary>A kernel given by path.</summary>
    /// <exception cref="ArgumentException">There is no such file or folder.</exception>
    public static KernelImage At(string program, string modules)
    {
        if (!File.Exists(program))
            throw new ArgumentException($"--kernel {program}: no such file; must be a kernel built with ARCH=um, as /usr/bin/linux.uml of Debian's package user-mode-linux");
        if (!Directory.Exists(modules))
            throw new ArgumentException($"--modules {modules}: no such folder; must be what is /lib/modules/VERSION to that kernel, as /usr/lib/uml/modules/VERSION of Debian's package user-mode-linux");
        return new KernelImage(Path.GetFullPath(program), Path.GetFullPath(modules));
    }

    /// <summary>Debian's package user-mode-linux.</summary>
    public static KernelImage? Find()
    {
        const string Program = "/usr/bin/linux.uml";
        const string Root = "/usr/lib/uml/modules";
        if (!File.Exists(Program) || !Directory.Exists(Root))
            return null;
        return Directory.GetDirectories(Root).OrderDescending(StringComparer.Ordinal).FirstOrDefault() is { } modules ? new KernelImage(Program, modules) : null;
    }
}

/// <summary>
/// One booted kernel that runs guest/guest.py. It sees the host's files read-only; jobs and answers lie in one temporary folder. One thread.
/// </summary>
internal sealed class Guest : IDisposable
{
    private static readonly TimeSpan BootLimit = TimeSpan.FromSeconds(60);

    private readonly DirectoryInfo _exchange = Directory.CreateTempSubdirectory("ipvlan-guest-");
    private readonly Process _process;
    private readonly KernelImage _kernel;
    private int _jobs;

    /// <exception cref="InvalidOperationException">It does not start.</exception>
    public Guest(KernelImage kernel)
    {
        var self = Path.GetFullPath(Path.Combine(Source(), "guest"));
        string[] arguments =
        [
            "rootfstype=hostfs", "rootflags=/", "ro", "mem=256M", "quiet", "con=null", "con0=null", "ssl0=fd:0,fd:1", $"init={self}/init.sh",
            $"umid=ipvlan-{Environment.ProcessId}-{Path.GetRandomFileName()}", $"uml_dir={_exchange.FullName}",
            $"exchange={_exchange.FullName}", $"modules={kernel.Modules}", $"self={self}",
        ];
        _kernel = kernel;
        try
        {
            _process = Process.Start(new ProcessStartInfo(kernel.Program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true })!;
        }
        catch (System.ComponentModel.Win32Exception fault)
        {
            _exchange.Delete(recursive: true);
            throw new InvalidOperationException($"{kernel.Program} does not start: {fault.Message}; must be a kernel built with ARCH=um", fault);
        }
        _process.ErrorDataReceived += static (_, _) => { };
        _process.BeginErrorReadLine();
        try
        {
            Await("ready", BootLimit);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Runs scenarios one after another, each from a fresh state, and gives their answers.</summary>
    /// <exception cref="InvalidOperationException">The guest ended, or gave none within the limit.</exception>
    public JsonArray Run(IEnumerable<JsonObject> scenarios, TimeSpan limit)
    {
        var number = (++_jobs).ToString(CultureInfo.InvariantCulture);
        var job = new JsonArray([.. scenarios.Select(scenario => (JsonNode)scenario)]);
        File.WriteAllText(Path.Combine(_exchange.FullName, number + ".job"), job.ToJsonString());
        _process.StandardInput.Write(number + "\n");
        _process.StandardInput.Flush();
        Await("done " + number, limit);
        var answer = Path.Combine(_exchange.FullName, number + ".answer");
        return (JsonArray)JsonNode.Parse(File.ReadAllBytes(answer))!;
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            try
            {
                _process.StandardInput.Write("end\n");
                _process.StandardInput.Flush();
            }
            catch (IOException)
            {
                // It ended between the question and the word.
            }
            if (!_process.WaitForExit(TimeSpan.FromSeconds(10)))
                _process.Kill(entireProcessTree: true);
            _process.WaitForExit();
        }
        _process.Dispose();
        _exchange.Delete(recursive: true);
    }

    private void Await(string word, TimeSpan limit)
    {
        using var cancel = new CancellationTokenSource(limit);
        try
        {
            while (true)
            {
                var line = _process.StandardOutput.ReadLineAsync(cancel.Token).AsTask().GetAwaiter().GetResult()
                    ?? throw new InvalidOperationException($"{_kernel.Program} ended: {Errors()}");
                if (line.TrimEnd().EndsWith(word, StringComparison.Ordinal))
                    return;
            }
        }
        catch (OperationCanceledException)
        {
            _process.Kill(entireProcessTree: true);
            throw new InvalidOperationException($"{_kernel.Program} did not say \"{word}\" within {limit.TotalSeconds} s: {Errors()}");
        }
    }

    private string Errors()
    {
        var errors = Path.Combine(_exchange.FullName, "errors");
        return File.Exists(errors) && File.ReadAllText(errors).Trim() is { Length: > 0 } said
            ? said
            : "it said nothing; must be a kernel built with ARCH=um, with hostfs and a serial line, and the host must have python3";
    }

    internal static string Source([CallerFilePath] string file = "") => Path.GetDirectoryName(file)!;
}
