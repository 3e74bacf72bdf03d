using System.IO.Pipes;
using System.Text;
using IpVlanWin.Protocol;

namespace IpVlanWin.PowerShell.Tests;

/// <summary>A service of another version, or a broken one: answers every request with one text in which 0 stands for its number.</summary>
internal sealed class ScriptedServer : IAsyncDisposable
{
    private readonly string _folder = Path.Combine(Path.GetTempPath(), $"ipvlanwin-test-{Environment.ProcessId}-{Guid.NewGuid():N}");
    private readonly NamedPipeServerStream _pipe;
    private readonly CancellationTokenSource _ending = new();
    private readonly Task _serving;

    /// <param name="result">What follows the number; null for a server that never answers.</param>
    public ScriptedServer(string? result)
    {
        Directory.CreateDirectory(_folder);
        PipeName = OperatingSystem.IsWindows() ? Path.GetFileName(_folder) : Path.Combine(_folder, "s");
        _pipe = new NamedPipeServerStream(PipeName, PipeDirection.InOut, 1, PipeTransmissionMode.Byte, PipeOptions.Asynchronous);
        _serving = Task.Run(() => ServeAsync(result));
    }

    public string PipeName { get; }

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        await _serving;
        await _pipe.DisposeAsync();
        _ending.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task ServeAsync(string? result)
    {
        try
        {
            await _pipe.WaitForConnectionAsync(_ending.Token);
            var reader = new MessageReader(_pipe);
            while (await reader.ReadAsync(_ending.Token) is { } bytes)
            {
                using var message = RpcMessage.Parse(bytes);
                if (result is null)
                    continue;
                var body = Encoding.UTF8.GetBytes($$"""{"jsonrpc":"2.0","id":{{message.Requests[0].Id.GetRawText()}},{{result}}}""");
                await _pipe.WriteAsync(Encoding.ASCII.GetBytes($"Content-Length: {body.Length}\r\n\r\n"), _ending.Token);
                await _pipe.WriteAsync(body, _ending.Token);
            }
        }
        catch (Exception gone) when (gone is OperationCanceledException or IOException)
        {
            // The client has seen enough.
        }
    }
}
