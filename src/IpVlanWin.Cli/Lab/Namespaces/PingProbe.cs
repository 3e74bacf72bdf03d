using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.Versioning;
using IpVlanWin.Engine.Wire;
using IpVlanWin.HostNetwork.Linux;

namespace IpVlanWin.Cli.Lab.Namespaces;

/// <summary>Echo requests from a namespace (RFC 792, RFC 4443 section 4), by raw sockets: not every system has ping(8).</summary>
[SupportedOSPlatform("linux")]
internal static class PingProbe
{
    private const int Requests = 3;
    private const int PayloadLength = 48;
    private static readonly TimeSpan s_patience = TimeSpan.FromMilliseconds(500);
    private static int s_lastIdentifier = Random.Shared.Next(ushort.MaxValue);

    public static async Task<PingResult> RunAsync(NetworkNamespace from, L3Address to, CancellationToken cancellation)
    {
        var isSix = to.IsSix;
        using var socket = from.Run(() => new Socket(
            isSix ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork, SocketType.Raw, isSix ? ProtocolType.IcmpV6 : ProtocolType.Icmp));
        var target = new IPEndPoint(to.ToIPAddress(), 0);
        var identifier = (ushort)Interlocked.Increment(ref s_lastIdentifier);
        for (ushort sequence = 1; sequence <= Requests; sequence++)
        {
            var started = Stopwatch.GetTimestamp();
            try
            {
                await socket.SendToAsync(Request(isSix, identifier, sequence), SocketFlags.None, target, cancellation).ConfigureAwait(false);
            }
            catch (SocketException)
            {
                // No route, or the neighbor did not answer the request before: not reached.
                return default;
            }
            if (await IsAnsweredAsync(socket, isSix, target.Address, identifier, sequence, cancellation).ConfigureAwait(false))
                return new PingResult(Stopwatch.GetElapsedTime(started));
        }
        return default;
    }

    private static async Task<bool> IsAnsweredAsync(
        Socket socket, bool isSix, IPAddress from, ushort identifier, ushort sequence, CancellationToken cancellation)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        patience.CancelAfter(s_patience);
        var any = new IPEndPoint(isSix ? IPAddress.IPv6Any : IPAddress.Any, 0);
        var buffer = new byte[2048];
        try
        {
            for (; ; )
            {
                var got = await socket.ReceiveFromAsync(buffer, SocketFlags.None, any, patience.Token).ConfigureAwait(false);
                if (((IPEndPoint)got.RemoteEndPoint).Address.Equals(from) && IsReply(buffer.AsSpan(0, got.ReceivedBytes), isSix, identifier, sequence))
                    return true;
            }
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return false;
        }
        catch (SocketException)
        {
            // The stack's own report that the destination cannot be reached.
            return false;
        }
    }

    private static byte[] Request(bool isSix, ushort identifier, ushort sequence)
    {
        var message = new byte[8 + PayloadLength];
        message[0] = (byte)(isSix ? 128 : 8);
        BinaryPrimitives.WriteUInt16BigEndian(message.AsSpan(4), identifier);
        BinaryPrimitives.WriteUInt16BigEndian(message.AsSpan(6), sequence);
        for (var i = 0; i < PayloadLength; i++)
            message[8 + i] = (byte)i;
        // The kernel computes ICMPv6's itself (RFC 3542 section 3.1).
        if (!isSix)
            BinaryPrimitives.WriteUInt16BigEndian(message.AsSpan(2), Checksum.Compute(message));
        return message;
    }

    private static bool IsReply(ReadOnlySpan<byte> packet, bool isSix, ushort identifier, ushort sequence)
    {
        // Raw IPv4 sockets show the IP header (raw(7)), IPv6 ones do not.
        var message = isSix || packet.Length == 0 ? packet : packet[Math.Min((packet[0] & 15) * 4, packet.Length)..];
        return message.Length == 8 + PayloadLength && message[0] == (isSix ? 129 : 0) &&
            BinaryPrimitives.ReadUInt16BigEndian(message[4..]) == identifier && BinaryPrimitives.ReadUInt16BigEndian(message[6..]) == sequence;
    }
}
