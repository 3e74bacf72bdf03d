using System.IO.Pipes;
using IpVlanWin.Service;
using IpVlanWin.Service.Control;

namespace IpVlanWin.Cli.Tests.Ip;

/// <summary>What a command line left.</summary>
internal sealed record IpResult(int Status, string Output, string Errors);

/// <summary>A service in this process, with a data path that needs no rights, and the command line before it.</summary>
internal sealed class IpBed : IAsyncDisposable
{
    private readonly string _folder = Path.Combine(Path.GetTempPath(), $"ipvlanwin-cli-{Environment.ProcessId}-{Guid.NewGuid():N}");
    private readonly Func<NamedPipeServerStream, Access>? _authorize;
    private ControlService? _service;

    public IpBed(string datapath = "memory", Func<NamedPipeServerStream, Access>? authorize = null)
    {
        Directory.CreateDirectory(_folder);
        PipeName = OperatingSystem.IsWindows() ? "ipvlanwin-cli-" + Guid.NewGuid().ToString("N") : Path.Combine(_folder, "s");
        _authorize = authorize;
        _service = Start(datapath);
    }

    public string PipeName { get; }

    public string Folder => _folder;

    /// <summary>Ends the service; the folder stays.</summary>
    public async ValueTask StopAsync()
    {
        if (Interlocked.Exchange(ref _service, null) is { } running)
            await running.DisposeAsync();
    }

    /// <summary>The service again, with what auto comes to now.</summary>
    public async Task RestartAsync(string datapath)
    {
        await StopAsync();
        _service = Start(datapath);
    }

    /// <summary>Runs a command line as the shell would split it.</summary>
    public IpResult Run(string line, string input = "", bool isLinux = true) => RunAt(PipeName, line, input, isLinux);

    /// <summary>A command line that must succeed and say nothing but its output.</summary>
    public string Do(string line, string input = "")
    {
        var result = Run(line, input);
        Assert.AreEqual((0, ""), (result.Status, result.Errors), line);
        return result.Output;
    }

    /// <summary>The same with another service, or none.</summary>
    public static IpResult RunAt(string pipeName, string line, string input = "", bool isLinux = true)
    {
        using var errors = new StringWriter { NewLine = "\n" };
        using var output = new StringWriter { NewLine = "\n" };
        using var typed = new StringReader(input);
        var status = Program.Run(line.Split(' ', StringSplitOptions.RemoveEmptyEntries), errors, output, typed, pipeName, isLinux);
        return new IpResult(status, output.ToString(), errors.ToString());
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private ControlService Start(string datapath) =>
        ControlService.Start(_folder, datapath, new ServerSettings { PipeName = PipeName, Authorize = _authorize }, new ServiceLog(TextWriter.Null));
}
