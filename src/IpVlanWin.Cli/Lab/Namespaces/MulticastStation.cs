using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Runtime.Versioning;
using IpVlanWin.HostNetwork.Linux;

namespace IpVlanWin.Cli.Lab.Namespaces;

/// <summary>A station's membership of the mDNS groups (RFC 6762 section 3): sends probes to them and notes those that come.</summary>
[SupportedOSPlatform("linux")]
internal sealed class MulticastStation : IDisposable
{
    private const int Port = 5353;
    private const int MessageLength = 12;
    private static readonly TimeSpan s_patience = TimeSpan.FromMilliseconds(500);
    private static readonly IPAddress s_four = IPAddress.Parse("224.0.0.251");
    private static readonly IPAddress s_six = IPAddress.Parse("ff02::fb");
    private static int s_lastProbe;

    private readonly Socket _four;
    private readonly Socket _six;
    private readonly int _link;
    private readonly ConcurrentDictionary<ushort, byte> _heard = new();
    private readonly Task[] _listening;

    /// <summary>Joins both groups on a link.</summary>
    public MulticastStation(NetworkNamespace networkNamespace, int link)
    {
        _link = link;
        (_four, _six) = networkNamespace.Run(() => (
            new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp), new Socket(AddressFamily.InterNetworkV6, SocketType.Dgram, ProtocolType.Udp)));
        _six.DualMode = false;
        _four.Bind(new IPEndPoint(IPAddress.Any, Port));
        _six.Bind(new IPEndPoint(IPAddress.IPv6Any, Port));
        _four.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.AddMembership, new MulticastOption(s_four, link));
        _four.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.MulticastInterface, IPAddress.HostToNetworkOrder(link));
        _four.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.MulticastLoopback, false);
        _six.SetSocketOption(SocketOptionLevel.IPv6, SocketOptionName.AddMembership, new IPv6MulticastOption(s_six, link));
        _six.SetSocketOption(SocketOptionLevel.IPv6, SocketOptionName.MulticastInterface, link);
        _six.SetSocketOption(SocketOptionLevel.IPv6, SocketOptionName.MulticastLoopback, false);
        _listening = [ListenAsync(_four), ListenAsync(_six)];
    }

    /// <summary>Sends one probe from a station and tells who heard it.</summary>
    public static async Task<IReadOnlyCollection<LabStation>> ProbeAsync(
        IReadOnlyDictionary<LabStation, MulticastStation> stations, LabStation from, bool isSix, CancellationToken cancellation)
    {
        var probe = (ushort)Interlocked.Increment(ref s_lastProbe);
        // A DNS message without questions (RFC 1035 section 4.1.1), told from others by its identifier.
        var payload = new byte[MessageLength];
        BinaryPrimitives.WriteUInt16BigEndian(payload, probe);
        var sender = stations[from];
        try
        {
            var (socket, group) = isSix ? (sender._six, new IPAddress(s_six.GetAddressBytes(), sender._link)) : (sender._four, s_four);
            await socket.SendToAsync(payload, SocketFlags.None, new IPEndPoint(group, Port), cancellation).ConfigureAwait(false);
        }
        catch (SocketException)
        {
            // The stack refuses to send it: nobody hears it.
            return [];
        }
        // Absence can only be told by waiting.
        await Task.Delay(s_patience, cancellation).ConfigureAwait(false);
        return [.. stations.Where(station => station.Value._heard.ContainsKey(probe)).Select(station => station.Key)];
    }

    public void Dispose()
    {
        _four.Dispose();
        _six.Dispose();
        Task.WaitAll(_listening);
    }

    private async Task ListenAsync(Socket socket)
    {
        var buffer = new byte[2048];
        try
        {
            for (; ; )
            {
                var got = await socket.ReceiveAsync(buffer, SocketFlags.None).ConfigureAwait(false);
                if (got == MessageLength)
                    _heard.TryAdd(BinaryPrimitives.ReadUInt16BigEndian(buffer), 0);
            }
        }
        catch (Exception fault) when (fault is SocketException or ObjectDisposedException)
        {
            // The station is being disposed.
        }
    }
}
