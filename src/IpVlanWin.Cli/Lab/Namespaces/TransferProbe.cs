using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.Versioning;
using IpVlanWin.Engine.Wire;
using IpVlanWin.HostNetwork.Linux;

namespace IpVlanWin.Cli.Lab.Namespaces;

/// <summary>Moves data between two namespaces as fast as it goes, by ordinary sockets.</summary>
[SupportedOSPlatform("linux")]
internal static class TransferProbe
{
    private const int TcpChunk = 256 * 1024;
    private const int UdpPayload = 1400;
    private static readonly TimeSpan s_grace = TimeSpan.FromSeconds(1.5);

    public static async Task<TransferResult> RunAsync(
        Transport transport, NetworkNamespace from, NetworkNamespace to, L3Address address, TimeSpan duration, CancellationToken cancellation)
    {
        var isTcp = transport == Transport.Tcp;
        using var receiver = to.Run(() => Open(isTcp));
        using var sender = from.Run(() => Open(isTcp));
        receiver.Bind(new IPEndPoint(IPAddress.Any, 0));
        var target = new IPEndPoint(address.ToIPAddress(), ((IPEndPoint)receiver.LocalEndPoint!).Port);
        // Closing a socket ends the calls that wait on it.
        await using var interrupt = cancellation.Register(() =>
        {
            receiver.Dispose();
            sender.Dispose();
        }).ConfigureAwait(false);
        var result = isTcp
            ? await TcpAsync(sender, receiver, target, duration).ConfigureAwait(false)
            : await UdpAsync(sender, receiver, target, duration).ConfigureAwait(false);
        cancellation.ThrowIfCancellationRequested();
        return result;
    }

    private static Socket Open(bool isTcp) => isTcp
        ? new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)
        : new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);

    private static async Task<TransferResult> TcpAsync(Socket sender, Socket listener, IPEndPoint target, TimeSpan duration)
    {
        listener.Listen(1);
        var receiving = Blocking(() => ReceiveStream(listener));
        await Blocking(() => SendStream(sender, target, duration)).ConfigureAwait(false);
        if (await Task.WhenAny(receiving, Task.Delay(s_grace)).ConfigureAwait(false) != receiving)
            listener.Dispose();
        return await receiving.ConfigureAwait(false);
    }

    private static TransferResult SendStream(Socket sender, IPEndPoint target, TimeSpan duration)
    {
        try
        {
            using (var patience = new CancellationTokenSource(s_grace))
                sender.ConnectAsync(target, patience.Token).AsTask().GetAwaiter().GetResult();
            sender.Blocking = true;
            sender.SendTimeout = (int)s_grace.TotalMilliseconds;
            var chunk = new byte[TcpChunk];
            for (var started = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(started) < duration;)
                sender.Send(chunk);
            sender.Shutdown(SocketShutdown.Send);
        }
        catch (Exception fault) when (fault is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // Not reached, or interrupted: the receiver's count tells.
        }
        return default;
    }

    private static TransferResult ReceiveStream(Socket listener)
    {
        long bytes = 0;
        var started = Stopwatch.GetTimestamp();
        try
        {
            using var connection = listener.Accept();
            started = Stopwatch.GetTimestamp();
            var buffer = new byte[TcpChunk];
            while (connection.Receive(buffer) is > 0 and var got)
                bytes += got;
        }
        catch (Exception fault) when (fault is SocketException or ObjectDisposedException)
        {
            // Nobody came, or the stream broke off: what was counted stands.
        }
        return new TransferResult(bytes, Stopwatch.GetElapsedTime(started));
    }

    private static async Task<TransferResult> UdpAsync(Socket sender, Socket receiver, IPEndPoint target, TimeSpan duration)
    {
        receiver.ReceiveBufferSize = 4 << 20;
        receiver.ReceiveTimeout = 200;
        var isOver = false;
        var receiving = Blocking(() => ReceiveDatagrams(receiver, () => Volatile.Read(ref isOver)));
        var sent = await Blocking(() => SendDatagrams(sender, target, duration)).ConfigureAwait(false);
        Volatile.Write(ref isOver, true);
        var received = await receiving.ConfigureAwait(false);
        return received with { DatagramsSent = sent.DatagramsSent };
    }

    private static TransferResult SendDatagrams(Socket sender, IPEndPoint target, TimeSpan duration)
    {
        long count = 0;
        try
        {
            sender.Connect(target);
            var payload = new byte[UdpPayload];
            for (var started = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(started) < duration; count++)
                sender.Send(payload);
        }
        catch (Exception fault) when (fault is SocketException or ObjectDisposedException)
        {
            // Not reached, or interrupted.
        }
        return new TransferResult(0, duration, count);
    }

    private static TransferResult ReceiveDatagrams(Socket receiver, Func<bool> isOver)
    {
        long bytes = 0, count = 0;
        long first = 0, last = 0;
        var buffer = new byte[2048];
        for (; ; )
        {
            try
            {
                bytes += receiver.Receive(buffer);
                last = Stopwatch.GetTimestamp();
                first = count++ == 0 ? last : first;
            }
            catch (SocketException fault) when (fault.SocketErrorCode is SocketError.TimedOut or SocketError.WouldBlock)
            {
                if (isOver())
                    return new TransferResult(bytes, Stopwatch.GetElapsedTime(first, last), 0, count);
            }
            catch (Exception fault) when (fault is SocketException or ObjectDisposedException)
            {
                return new TransferResult(bytes, Stopwatch.GetElapsedTime(first, last), 0, count);
            }
        }
    }

    private static Task<TransferResult> Blocking(Func<TransferResult> work) =>
        Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
}
