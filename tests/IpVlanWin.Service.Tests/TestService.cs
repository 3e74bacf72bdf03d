using System.IO.Pipes;
using IpVlanWin.Protocol;
using IpVlanWin.Service.Control;

namespace IpVlanWin.Service.Tests;

/// <summary>The whole service in this process, with the memory data path, on a pipe and in a folder of its own.</summary>
internal sealed class TestService : IAsyncDisposable
{
    private readonly TestFolder _folder = new();
    private ControlService _running;

    public TestService(TimeSpan? patience = null, Func<NamedPipeServerStream, Access>? authorize = null)
    {
        Settings = new ServerSettings
        {
            PipeName = OperatingSystem.IsWindows() ? "ipvlanwin-test-" + Guid.NewGuid().ToString("N") : Path.Combine(_folder.Path, "s"),
            Patience = patience ?? TimeSpan.FromSeconds(30),
            Authorize = authorize,
        };
        _running = Start();
    }

    public ServerSettings Settings { get; }

    public string Folder => _folder.Path;

    public ControlService Running => _running;

    /// <summary>What auto comes to at the next start.</summary>
    public string Datapath { get; set; } = "memory";

    public StringWriter LogText { get; } = new();

    public ControlClient Connect() => new(Settings.PipeName) { ConnectTimeout = TimeSpan.FromSeconds(20) };

    public async Task<NamedPipeClientStream> ConnectRawAsync()
    {
        var pipe = new NamedPipeClientStream(".", Settings.PipeName, PipeDirection.InOut, PipeOptions.Asynchronous);
        await pipe.ConnectAsync(20_000);
        return pipe;
    }

    public async Task RestartAsync()
    {
        await _running.DisposeAsync();
        _running = Start();
    }

    /// <summary>After it was ended by the test.</summary>
    public void StartAgain() => _running = Start();

    public async ValueTask DisposeAsync()
    {
        await _running.DisposeAsync();
        _folder.Dispose();
    }

    private ControlService Start() => ControlService.Start(_folder.Path, Datapath, Settings, new ServiceLog(LogText));
}
