using System.Diagnostics.Metrics;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace IpVlanWin.Service.Metrics;

/// <summary>
/// GET /metrics on the loopback: HTTP/1.1 (RFC 9112), one request a connection. Bounded in connections, bytes and time; who is turned away
/// costs no more than that. No rights are needed, unlike for http.sys.
/// </summary>
internal sealed class PrometheusEndpoint : IDisposable
{
    private const int MaxConnections = 8;
    private const int MaxHead = 8 * 1024;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    private readonly TcpListener _listener;
    private readonly PrometheusText _text;
    private readonly ServiceLog _log;
    private readonly CancellationTokenSource _ending = new();
    private readonly SemaphoreSlim _room = new(MaxConnections);
    private readonly Task _accepting;

    /// <summary>Listens from now on.</summary>
    /// <exception cref="SocketException">The port is taken.</exception>
    /// <exception cref="ArgumentException">The address is not the loopback's.</exception>
    public PrometheusEndpoint(IPEndPoint address, Meter meter, ServiceLog log)
    {
        if (!IPAddress.IsLoopback(address.Address))
            throw new ArgumentException($"{address.Address} must be a loopback address", nameof(address));
        _log = log;
        _listener = new TcpListener(address);
        _listener.Start(backlog: 2 * MaxConnections);
        Address = (IPEndPoint)_listener.LocalEndpoint;
        _text = new PrometheusText(meter);
        _accepting = Task.Run(AcceptAsync);
        log.Info("metrics", "serving", ("url", $"http://{Address}/metrics"));
    }

    /// <summary>Where it listens, with the port that 0 became.</summary>
    public IPEndPoint Address { get; }

    public void Dispose()
    {
        _ending.Cancel();
        _listener.Dispose();
        _accepting.GetAwaiter().GetResult();
        // Those that are being served hold a place each; they end with the token.
        for (var i = 0; i < MaxConnections; i++)
            _room.Wait();
        _room.Dispose();
        _text.Dispose();
        _ending.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            for (; ; )
            {
                await _room.WaitAsync(_ending.Token).ConfigureAwait(false);
                Socket client;
                try
                {
                    client = await _listener.AcceptSocketAsync(_ending.Token).ConfigureAwait(false);
                }
                catch
                {
                    _room.Release();
                    throw;
                }
                _ = ServeAsync(client);
            }
        }
        catch (Exception fault) when (fault is OperationCanceledException || _ending.IsCancellationRequested)
        {
            // The service ends.
        }
        catch (SocketException fault)
        {
            _log.Error("metrics-ended", fault.Message);
        }
    }

    private async Task ServeAsync(Socket client)
    {
        using var late = CancellationTokenSource.CreateLinkedTokenSource(_ending.Token);
        late.CancelAfter(s_patience);
        try
        {
            using (client)
            {
                var head = await ReadHeadAsync(client, late.Token).ConfigureAwait(false);
                if (head is null)
                    return;
                await client.SendAsync(Answer(head), late.Token).ConfigureAwait(false);
                client.Shutdown(SocketShutdown.Send);
            }
        }
        catch (Exception gone) when (gone is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // Went, or was too slow.
        }
        catch (Exception fault)
        {
            // A fault of ours ends this answer and no other.
            _log.Error("metrics-failed", fault.ToString());
        }
        finally
        {
            _room.Release();
        }
    }

    /// <summary>The head without the empty line; an empty text where it is too long; null where the client went.</summary>
    private static async Task<string?> ReadHeadAsync(Socket client, CancellationToken late)
    {
        var buffer = new byte[MaxHead];
        var length = 0;
        while (length < buffer.Length)
        {
            var count = await client.ReceiveAsync(buffer.AsMemory(length), late).ConfigureAwait(false);
            if (count == 0)
                return null;
            length += count;
            var end = buffer.AsSpan(0, length).IndexOf("\r\n\r\n"u8);
            if (end >= 0)
                return Encoding.ASCII.GetString(buffer, 0, end);
        }
        return "";
    }

    private byte[] Answer(string head)
    {
        var lines = head.Split("\r\n");
        var request = lines[0].Split(' ');
        if (head.Length == 0)
            return Response("431 Request Header Fields Too Large", $"a request must be at most {MaxHead} bytes long\n");
        if (request is not [_, ['/', ..], "HTTP/1.1" or "HTTP/1.0"])
            return Response("400 Bad Request", "this is not an HTTP/1.1 request\n");
        var hosts = lines.Skip(1).Where(static line => line.StartsWith("Host:", StringComparison.OrdinalIgnoreCase)).Select(static line => line["Host:".Length..].Trim()).ToArray();
        // RFC 9112 section 3.2.
        if (hosts.Length > 1 || (hosts.Length == 0 && request[2] == "HTTP/1.1"))
            return Response("400 Bad Request", "there must be one Host\n");
        // A web page whose name was made to point here must not read along (DNS rebinding).
        if (hosts.Length == 1 && !IsLoopback(hosts[0]))
            return Response("403 Forbidden", "the host must be localhost or a loopback address\n");
        if (request[0] is not ("GET" or "HEAD"))
            return Response("405 Method Not Allowed", "the method must be GET or HEAD\n", "Allow: GET, HEAD\r\n");
        if (request[1].Split('?')[0] != "/metrics")
            return Response("404 Not Found", "metrics are at /metrics\n");
        return Response("200 OK", _text.Collect(), "", PrometheusText.ContentType, isHead: request[0] == "HEAD");
    }

    private static bool IsLoopback(string host)
    {
        var colon = host.LastIndexOf(':');
        var name = colon >= 0 && !host.EndsWith(']') ? host[..colon] : host;
        return name.Equals("localhost", StringComparison.OrdinalIgnoreCase) || (IPAddress.TryParse(name.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address));
    }

    private static byte[] Response(string status, string body, string fields = "", string type = "text/plain; charset=utf-8", bool isHead = false)
    {
        var bytes = Encoding.UTF8.GetBytes(body);
        var head = Encoding.ASCII.GetBytes(
            $"HTTP/1.1 {status}\r\nContent-Type: {type}\r\nContent-Length: {bytes.Length}\r\n{fields}Cache-Control: no-store\r\nConnection: close\r\n\r\n");
        return isHead ? head : [.. head, .. bytes];
    }
}
