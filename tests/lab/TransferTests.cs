using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.Versioning;
using System.Text.Json;
using IpVlanWin.Engine.Ipvlan;

namespace IpVlanWin.Lab.Tests;

/// <summary>Data moved between stacks: whole and intact, whatever its size, in every mode.</summary>
[TestClass]
[SupportedOSPlatform("linux")]
public sealed class TransferTests : LabTest
{
    private const int TcpLevel = 6;
    private const int TcpMaxSegment = 2;
    private static int s_lastPort = 20_000;

    [TestMethod]
    [DataRow(PortMode.L2, PortFlag.Bridge, false)]
    [DataRow(PortMode.L2, PortFlag.Vepa, true)]
    [DataRow(PortMode.L3, PortFlag.Bridge, true)]
    [DataRow(PortMode.L3, PortFlag.Private, false)]
    [DataRow(PortMode.L3S, PortFlag.Bridge, false)]
    [DataRow(PortMode.L3S, PortFlag.Vepa, true)]
    public void Iperf3_moves_tcp_and_udp_both_ways(PortMode mode, PortFlag flag, bool isSix)
    {
        Tool.Require("iperf3", "iperf3");
        var bed = Open(mode, flag);
        Bed.MustReach(bed.Red, bed.Wire, isSix);
        var pairs = new List<(Station, Station)> { (bed.Red, bed.Wire), (bed.Wire, bed.Green) };
        if (flag == PortFlag.Bridge)
            pairs.Add((bed.Red, bed.Green));
        foreach (var (client, server) in pairs)
        {
            foreach (var isUdp in new[] { false, true })
            {
                foreach (var isReverse in new[] { false, true })
                    Iperf(client, server, isSix, isUdp, isReverse);
            }
        }
    }

    [TestMethod]
    [DataRow(PortMode.L2, false)]
    [DataRow(PortMode.L2, true)]
    [DataRow(PortMode.L3, false)]
    [DataRow(PortMode.L3, true)]
    [DataRow(PortMode.L3S, false)]
    [DataRow(PortMode.L3S, true)]
    public void Datagrams_of_every_size_arrive_whole(PortMode mode, bool isSix)
    {
        var bed = Open(mode);
        int[] lengths = [0, 1, 17, 1451, 1452, 1453, 1471, 1472, 1473, 2960, 8000, 65_507];
        foreach (var (from, to) in new[] { (bed.Red, bed.Green), (bed.Red, bed.Wire), (bed.Wire, bed.Red), (bed.Host, bed.Wire) })
        {
            using var sender = from.OpenUdp(isSix);
            using var receiver = to.OpenUdp(isSix);
            receiver.ReceiveTimeout = 500;
            var buffer = new byte[65_536];
            foreach (var length in lengths)
            {
                var payload = Frames.Pattern(length);
                // Datagrams may be lost on a busy machine; what arrives is whole.
                Eventually.Holds(
                    () =>
                    {
                        sender.SendTo(payload, receiver.LocalEndPoint!);
                        return TryReceive(receiver, buffer) is { } got && buffer.AsSpan(0, got).SequenceEqual(payload);
                    },
                    $"{length} bytes from {from} to {to}");
            }
        }
        Assert.AreEqual(0, bed.Datapath.Interfaces.Sum(member => member.Counters.RxErrors));
    }

    [TestMethod]
    [DataRow(PortMode.L2)]
    [DataRow(PortMode.L3)]
    [DataRow(PortMode.L3S)]
    public async Task Pings_of_every_size_come_back(PortMode mode)
    {
        Tool.Require("ping", "iputils-ping");
        var bed = Open(mode);
        var pings = from target in new[] { bed.Green, bed.Wire }
                    from isSix in new[] { false, true }
                    select Task.Run(() =>
                    {
                        foreach (var length in new[] { 0, 1, 7, 1452, 1453, 1472, 1473, 4001, 9000 })
                        {
                            Eventually.Holds(
                                () => bed.Red.TryExec("ping", "-c1", "-W2", $"-s{length}", target.Address(isSix).ToString()).Status == 0,
                                $"a ping of {length} bytes from red to {target.Address(isSix)}");
                        }
                    });
        await Task.WhenAll(pings).ConfigureAwait(false);
    }

    [TestMethod]
    [DataRow(PortMode.L2)]
    [DataRow(PortMode.L3)]
    [DataRow(PortMode.L3S)]
    public void Tcp_of_odd_segments_arrives_whole(PortMode mode)
    {
        var bed = Open(mode);
        foreach (var (from, to) in new[] { (bed.Red, bed.Green), (bed.Red, bed.Wire), (bed.Wire, bed.Red) })
        {
            foreach (var segment in new[] { 89, 537, 1001, 1459 })
            {
                var isSix = segment == 1001;
                var family = isSix ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork;
                using var listener = to.Open(family, SocketType.Stream, ProtocolType.Tcp);
                listener.SetRawSocketOption(TcpLevel, TcpMaxSegment, BitConverter.GetBytes(segment));
                listener.Bind(new IPEndPoint(to.Address(isSix), 0));
                listener.Listen(1);
                using var sender = from.Open(family, SocketType.Stream, ProtocolType.Tcp);
                sender.Connect(listener.LocalEndPoint!);
                using var receiver = listener.Accept();
                receiver.ReceiveTimeout = 10_000;
                var sent = Frames.Pattern(segment * 200 + 3);
                var sending = Task.Run(() =>
                {
                    sender.Send(sent);
                    sender.Shutdown(SocketShutdown.Send);
                });
                var got = ReadToEnd(receiver);
                sending.GetAwaiter().GetResult();
                Assert.IsTrue(got.AsSpan().SequenceEqual(sent), $"{sent.Length} bytes in segments of {segment} from {from} to {to}, got {got.Length}");
            }
        }
    }

    internal static byte[] ReadToEnd(Socket socket)
    {
        var all = new MemoryStream();
        var buffer = new byte[65_536];
        while (socket.Receive(buffer) is > 0 and var got)
            all.Write(buffer, 0, got);
        return all.ToArray();
    }

    internal static int? TryReceive(Socket socket, byte[] buffer)
    {
        try
        {
            return socket.Receive(buffer);
        }
        catch (SocketException fault) when (fault.SocketErrorCode is SocketError.TimedOut or SocketError.WouldBlock)
        {
            return null;
        }
    }

    private static void Iperf(Station client, Station server, bool isSix, bool isUdp, bool isReverse)
    {
        const int Bytes = 1_000_000;
        var port = Interlocked.Increment(ref s_lastPort).ToString(CultureInfo.InvariantCulture);
        var address = server.Address(isSix).ToString();
        using var serving = Tool.Start("ip", "netns", "exec", server.Namespace.Name!, "iperf3", "-s", "--one-off", "--forceflush", "-B", address, "-p", port);
        while (serving.StandardOutput.ReadLine() is { } line && !line.Contains("listening", StringComparison.Ordinal))
        {
            // Not ready yet.
        }
        List<string> asked = ["iperf3", "-c", address, "-p", port, "-J", "--connect-timeout", "10000", "-n", (isUdp ? Bytes : 20 * Bytes).ToString(CultureInfo.InvariantCulture)];
        if (isUdp)
            asked.AddRange(["-u", "-b", "50M", "-l", "1400"]);
        if (isReverse)
            asked.Add("-R");
        var result = client.TryExec([.. asked]);
        if (!serving.WaitForExit(TimeSpan.FromSeconds(10)))
            serving.Kill(entireProcessTree: true);
        var what = $"{client} to {server}{(isUdp ? " UDP" : " TCP")}{(isReverse ? " reversed" : "")}";
        Assert.AreEqual(0, result.Status, $"{what}: {result}");
        using var json = JsonDocument.Parse(result.Output);
        var end = json.RootElement.GetProperty("end");
        if (isUdp)
        {
            var sum = end.GetProperty("sum");
            var (packets, lost) = (sum.GetProperty("packets").GetInt64(), sum.GetProperty("lost_packets").GetInt64());
            Assert.IsGreaterThan(lost * 2, packets, $"{what}: {lost} of {packets} lost");
        }
        else
            Assert.IsGreaterThanOrEqualTo(Bytes, end.GetProperty("sum_received").GetProperty("bytes").GetInt64(), what);
    }
}
