using System.Net;
using System.Net.Sockets;
using System.Runtime.Versioning;
using IpVlanWin.Devices.Tests;

namespace IpVlanWin.WinDivert.Tests.EndToEnd;

/// <summary>Connections between real stacks.</summary>
[SupportedOSPlatform("linux")]
internal static class Talk
{
    /// <summary>An end: a namespace and an address in it.</summary>
    public sealed record End(LinuxTestNamespace Space, string Address)
    {
        public IPEndPoint At(int port) => new(IPAddress.Parse(Address), port);

        public Socket Socket(SocketType type) => Space.Socket(
            IPAddress.Parse(Address).AddressFamily, type, type == SocketType.Stream ? ProtocolType.Tcp : ProtocolType.Udp);

        public Socket Bound(SocketType type)
        {
            var socket = Socket(type);
            socket.Bind(At(0));
            return socket;
        }
    }

    public static (Socket Client, Socket Server) Connect(End client, End server)
    {
        using var listener = server.Bound(SocketType.Stream);
        listener.Listen();
        var connecting = client.Bound(SocketType.Stream);
        try
        {
            connecting.ConnectAsync(listener.LocalEndPoint!).Wait(TimeSpan.FromSeconds(10));
            if (!connecting.Connected)
                throw new TimeoutException($"{client.Address} does not reach {server.Address} by TCP");
            var accepted = listener.Accept();
            (accepted.SendTimeout, accepted.ReceiveTimeout) = (10_000, 10_000);
            return (connecting, accepted);
        }
        catch
        {
            connecting.Dispose();
            throw;
        }
    }

    /// <summary>Bytes there and back over TCP, compared.</summary>
    public static void Tcp(End client, End server, int bytes = 200_000)
    {
        var (one, other) = Connect(client, server);
        using (one)
        using (other)
        {
            var sent = new byte[bytes];
            new Random(bytes).NextBytes(sent);
            foreach (var (from, to) in ((Socket, Socket)[])[(one, other), (other, one)])
            {
                var sending = Task.Run(() => from.Send(sent));
                var got = new byte[bytes];
                for (var done = 0; done < bytes;)
                    done += to.Receive(got.AsSpan(done));
                CollectionAssert.AreEqual(sent, got, $"{client.Address} to {server.Address}");
                sending.Wait();
            }
        }
    }

    /// <summary>A datagram there and back.</summary>
    public static void Udp(End client, End server, int bytes = 100)
    {
        using var one = client.Bound(SocketType.Dgram);
        using var other = server.Bound(SocketType.Dgram);
        var sent = new byte[bytes];
        new Random(bytes).NextBytes(sent);
        var got = new byte[65_535];
        foreach (var (from, to) in ((Socket, Socket)[])[(one, other), (other, one)])
        {
            to.ReceiveTimeout = 20_000;
            from.SendTo(sent, to.LocalEndPoint!);
            var length = to.Receive(got);
            CollectionAssert.AreEqual(sent, got[..length], $"{client.Address} to {server.Address}");
        }
    }

    public static void Both(End client, End server)
    {
        Udp(client, server);
        Tcp(client, server);
    }

    /// <summary>Nothing comes through.</summary>
    public static void AssertApart(End client, End server)
    {
        using var one = client.Bound(SocketType.Dgram);
        using var other = server.Bound(SocketType.Dgram);
        for (var i = 0; i < 5; i++)
            one.SendTo(new byte[10], other.LocalEndPoint!);
        // Loopback delivers within the call that sends: what is to come is there.
        Assert.IsFalse(other.Poll(200_000, SelectMode.SelectRead), $"{client.Address} reaches {server.Address}");
    }
}
