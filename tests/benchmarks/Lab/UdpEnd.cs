using System.Net.Sockets;
using System.Runtime.Versioning;
using IpVlanWin.HostNetwork.Linux;

namespace IpVlanWin.Benchmarks.Lab;

/// <summary>UDP sockets opened inside a namespace and used from outside; options as in udp(7) and socket(7).</summary>
[SupportedOSPlatform("linux")]
internal static class UdpEnd
{
    private const int SolSocket = 1;
    private const int SoReceiveBufferForce = 33;
    private const int SolUdp = 17;
    private const int UdpSegment = 103;
    private const int UdpGro = 104;
    private const int ReceiveBuffer = 4 << 20;
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(100);

    public static Socket Open(NetworkNamespace networkNamespace)
    {
        var socket = networkNamespace.Run(static () => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        socket.ReceiveTimeout = socket.SendTimeout = (int)Patience.TotalMilliseconds;
        socket.SetRawSocketOption(SolSocket, SoReceiveBufferForce, BitConverter.GetBytes(ReceiveBuffer));
        return socket;
    }

    /// <summary>What is sent at once is cut into datagrams of that payload.</summary>
    public static void Segment(Socket socket, int payload) => socket.SetRawSocketOption(SolUdp, UdpSegment, BitConverter.GetBytes(payload));

    /// <summary>Datagrams that came together are read together.</summary>
    public static void Coalesce(Socket socket) => socket.SetRawSocketOption(SolUdp, UdpGro, BitConverter.GetBytes(1));
}
