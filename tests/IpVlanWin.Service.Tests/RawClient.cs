using System.IO.Pipes;
using System.Text;
using System.Text.Json;
using IpVlanWin.Protocol;

namespace IpVlanWin.Service.Tests;

/// <summary>A client that sends whatever it is told to.</summary>
internal sealed class RawClient : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly MessageReader _reader;

    private RawClient(NamedPipeClientStream pipe) => (Pipe, _reader) = (pipe, new MessageReader(pipe));

    public NamedPipeClientStream Pipe { get; }

    public static async Task<RawClient> ConnectAsync(string pipeName)
    {
        var pipe = new NamedPipeClientStream(".", pipeName, PipeDirection.InOut, PipeOptions.Asynchronous);
        await pipe.ConnectAsync(s_patience, CancellationToken.None);
        return new RawClient(pipe);
    }

    public static byte[] Frame(ReadOnlySpan<byte> body) => [.. Encoding.ASCII.GetBytes($"Content-Length: {body.Length}\r\n\r\n"), .. body];

    public static byte[] Frame(string body) => Frame(Encoding.UTF8.GetBytes(body));

    /// <summary>One request's text.</summary>
    public static string Request(int id, string method, string arguments = "{}") => $$"""{"jsonrpc":"2.0","id":{{id}},"method":"{{method}}","params":{{arguments}}}""";

    public Task SendAsync(string body, CancellationToken cancellation = default) => SendAsync(Frame(body), cancellation);

    public async Task SendAsync(byte[] bytes, CancellationToken cancellation = default) => await Pipe.WriteAsync(bytes, cancellation);

    /// <summary>The next message, or null where the service closed the connection.</summary>
    public async Task<JsonElement?> TryReceiveAsync()
    {
        using var deadline = new CancellationTokenSource(s_patience);
        if (await _reader.ReadAsync(deadline.Token) is not { } message)
            return null;
        using var document = JsonDocument.Parse(message.AsMemory(), new JsonDocumentOptions { MaxDepth = 64 });
        return document.RootElement.Clone();
    }

    public async Task<JsonElement> ReceiveAsync() => await TryReceiveAsync() ?? throw new AssertFailedException("the service closed the connection");

    /// <summary>Sends a request and takes its answer.</summary>
    public async Task<JsonElement> CallAsync(string method, string arguments = "{}")
    {
        await SendAsync(Request(1, method, arguments));
        return await ReceiveAsync();
    }

    /// <summary>The stable code of an answer, or "ok".</summary>
    public static string CodeOf(JsonElement answer) =>
        answer.TryGetProperty("error", out var error) ? error.GetProperty("data").GetProperty("code").GetString()! : "ok";

    public static string SentenceOf(JsonElement answer) => answer.GetProperty("error").GetProperty("message").GetString()!;

    public void Dispose() => Pipe.Dispose();
}
