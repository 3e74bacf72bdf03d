using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.Versioning;
using System.Security.Cryptography;
using IpVlanWin.Devices.Linux;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Devices.Tests;

/// <summary>
/// Real stacks on both sides of the devices: namespace A behind a TAP, namespace B behind a veth whose other end a packet socket holds,
/// and a forwarder between them.
/// </summary>
[TestClass]
[SupportedOSPlatform("linux")]
public sealed class LinuxForwardTests
{
    private const int Mtu = 1500;
    private const int TransferLength = 6 << 20;

    private LinuxTestNamespace _a = null!;
    private LinuxTestNamespace _b = null!;
    private LinuxTestNamespace _middle = null!;
    private LinuxTap _tap = null!;
    private LinuxPacket _packet = null!;

    public TestContext TestContext { get; set; } = null!;

    [ClassInitialize]
    public static void Require(TestContext context) => LinuxTestNamespace.Require();

    [TestInitialize]
    public void MakeNetwork()
    {
        (_a, _b, _middle) = (new LinuxTestNamespace(), new LinuxTestNamespace(), new LinuxTestNamespace());
        _tap = LinuxTap.Create("tap0", networkNamespace: _a.Handle);
        _middle.Ip($"link add m0 type veth peer name w0 netns {_b.Path}", "link set m0 addrgenmode none", "link set m0 up");
        _packet = LinuxPacket.Open("m0", _middle.Handle, new() { Promiscuous = true });
        SetUp(_a, "tap0", 1);
        SetUp(_b, "w0", 2);
        _middle.WaitForLink("m0");
    }

    [TestCleanup]
    public void Remove()
    {
        _tap.Dispose();
        _packet.Dispose();
        _a.Dispose();
        _b.Dispose();
        _middle.Dispose();
    }

    [TestMethod]
    [DataRow("10.9.0.1", "10.9.0.2")]
    [DataRow("fd09::1", "fd09::2")]
    public void Tcp_crosses_in_whole_segmentation_offload_frames(string a, string b)
    {
        using var forwarder = Joined(_tap, _packet);
        Transfer(_a, a, _b, b);
        Transfer(_b, b, _a, a);
        AssertClean(forwarder);
        foreach (var direction in forwarder.From)
        {
            Assert.IsGreaterThan(8 * Mtu, direction.Longest);
            Assert.IsGreaterThan(20, direction.Segmented[(int)(a.Contains(':') ? SegmentationKind.Tcp6 : SegmentationKind.Tcp4)]);
            Assert.IsGreaterThan(20, direction.PartialChecksums);
        }
        Assert.IsGreaterThan(50, forwarder.Measured);
    }

    [TestMethod]
    [DataRow("10.9.0.1", "10.9.0.2")]
    [DataRow("fd09::1", "fd09::2")]
    public void Tcp_crosses_to_devices_that_accept_nothing_unfinished(string a, string b)
    {
        using var forwarder = Joined(_tap, _packet, Mtu + 14);
        Transfer(_a, a, _b, b);
        Transfer(_b, b, _a, a);
        AssertClean(forwarder);
        foreach (var direction in forwarder.From)
            Assert.IsGreaterThan(8 * Mtu, direction.Longest);
    }

    [TestMethod]
    [DataRow("802.1Q", true)]
    [DataRow("802.1Q", false)]
    [DataRow("802.1ad", true)]
    [DataRow("802.1ad", false)]
    public void Tcp_of_vlan_interfaces_keeps_its_tag(string protocol, bool whole)
    {
        if (!_a.TryIp($"link add link tap0 name v7 type vlan proto {protocol} id 7"))
            Assert.Inconclusive("needs VLAN interfaces (the kernel's 8021q module)");
        _b.Ip($"link add link w0 name v7 type vlan proto {protocol} id 7");
        foreach (var (home, host) in new[] { (_a, 1), (_b, 2) })
            home.Ip("link set v7 up", $"addr add 10.7.0.{host}/24 dev v7", $"addr add fd07::{host}/64 dev v7 nodad");
        using var forwarder = Joined(_tap, _packet, whole ? null : Mtu + 18);
        Transfer(_a, "10.7.0.1", _b, "10.7.0.2");
        Transfer(_b, "fd07::2", _a, "fd07::1");
        AssertClean(forwarder);
        foreach (var direction in forwarder.From)
        {
            Assert.IsGreaterThan(100, direction.Tagged[protocol == "802.1Q" ? 0 : 1]);
            Assert.IsGreaterThan(8 * Mtu, direction.Longest);
        }
    }

    /// <summary>Two TAPs, tags put in behind each, and a veth between that strips the tag on arrival: the packet sockets put it back.</summary>
    [TestMethod]
    [DataRow(0x8100, true)]
    [DataRow(0x8100, false)]
    [DataRow(0x88A8, true)]
    [DataRow(0x88A8, false)]
    public void Tcp_of_tagged_ports_keeps_its_tag(int protocol, bool whole)
    {
        const ushort tag = 0x6007;
        _b.Ip("link del w0");
        // 1504: a packet socket makes room for an 8100 tag above the MTU, for an 88a8 one it does not (packet_extra_vlan_len_allowed).
        _middle.Ip("link add m1 mtu 1504 type veth peer name m2 mtu 1504", "link set m1 addrgenmode none", "link set m2 addrgenmode none", "link set m1 up", "link set m2 up");
        _middle.WaitForLink("m1");
        using var otherTap = LinuxTap.Create("tap0", networkNamespace: _b.Handle);
        SetUp(_b, "tap0", 2);
        using var left = LinuxPacket.Open("m1", _middle.Handle);
        using var right = LinuxPacket.Open("m2", _middle.Handle);
        using var leftPort = new LinuxTagging(_tap, (ushort)protocol, tag);
        using var rightPort = new LinuxTagging(otherTap, (ushort)protocol, tag);
        int? limit = whole ? null : Mtu + 18;
        using var leftForwarder = Joined(leftPort, left, limit);
        using var rightForwarder = Joined(right, rightPort, limit);
        Transfer(_a, "10.9.0.1", _b, "10.9.0.2");
        Transfer(_b, "fd09::2", _a, "fd09::1");
        AssertClean(leftForwarder);
        AssertClean(rightForwarder);
        Assert.AreEqual(0, leftPort.Untagged + rightPort.Untagged);
        Assert.IsGreaterThan(100, leftPort.Tagged);
        Assert.IsGreaterThan(100, rightPort.Tagged);
        Assert.IsGreaterThan(8 * Mtu, leftForwarder.From[0].Longest);
        if (whole)
            Assert.IsGreaterThan(8 * Mtu, rightForwarder.From[0].Longest, "whole where the tag was put back");
    }

    [TestMethod]
    [DataRow(true)]
    [DataRow(false)]
    public void Datagrams_of_odd_sizes_cross_at_a_jumbo_mtu(bool whole)
    {
        _a.Ip("link set tap0 mtu 9000");
        _b.Ip("link set w0 mtu 9000");
        _middle.Ip("link set m0 mtu 9000");
        using var forwarder = Joined(_tap, _packet, whole ? null : 9014);
        using var here = Bound(_a, "10.9.0.1", SocketType.Dgram, ProtocolType.Udp);
        using var there = Bound(_b, "10.9.0.2", SocketType.Dgram, ProtocolType.Udp);
        here.Connect(there.LocalEndPoint!);
        there.Connect(here.LocalEndPoint!);
        var seed = Environment.TickCount;
        TestContext.WriteLine($"seed {seed}");
        var random = new Random(seed);
        int[] sizes = [0, 1, 2, 3, 17, 1471, 1472, 1473, 8971, 8972, 8973, 30_001, 65_507, .. Enumerable.Range(0, 40).Select(_ => random.Next(9000))];
        var received = new byte[65_536];
        foreach (var size in sizes)
        {
            var sent = new byte[size];
            random.NextBytes(sent);
            here.Send(sent);
            CollectionAssert.AreEqual(sent, received[..there.Receive(received)]);
            there.Send(sent);
            CollectionAssert.AreEqual(sent, received[..here.Receive(received)]);
        }
        AssertClean(forwarder);
    }

    [TestMethod]
    [DataRow("10.9.0.1", "10.9.0.2", true)]
    [DataRow("10.9.0.1", "10.9.0.2", false)]
    [DataRow("fd09::1", "fd09::2", true)]
    [DataRow("fd09::1", "fd09::2", false)]
    public void Udp_segmentation_offload_crosses_whole_or_cut(string a, string b, bool whole)
    {
        if (!_tap.Accepts.HasFlag(OffloadKinds.Udp))
            Assert.Inconclusive("needs UDP segmentation offload on TAP (Linux 6.2)");
        using var forwarder = Joined(_tap, _packet, whole ? null : Mtu + 14);
        using var here = Bound(_a, a, SocketType.Dgram, ProtocolType.Udp);
        using var there = Bound(_b, b, SocketType.Dgram, ProtocolType.Udp);
        here.Connect(there.LocalEndPoint!);
        there.Connect(here.LocalEndPoint!);
        AssertDatagrams(here, there);
        AssertDatagrams(there, here);
        AssertClean(forwarder);
        foreach (var direction in forwarder.From)
        {
            Assert.IsGreaterThan(0, direction.Segmented[(int)SegmentationKind.Udp]);
            Assert.IsGreaterThan(20_000, direction.Longest);
        }
    }

    /// <summary>BIG TCP (Linux 5.19): frames longer than any IPv4 packet, which the batch has no room for.</summary>
    [TestMethod]
    public void Frames_longer_than_the_batch_takes_are_counted_and_never_cut_short()
    {
        if (!_b.TryIp("link set w0 gso_max_size 150000"))
            Assert.Inconclusive("needs BIG TCP (Linux 5.19, iproute2 6.0)");
        using var forwarder = Joined(_tap, _packet);
        using var listener = Bound(_a, "fd09::1", SocketType.Stream, ProtocolType.Tcp);
        listener.Listen();
        using var sender = Bound(_b, "fd09::2", SocketType.Stream, ProtocolType.Tcp);
        sender.Connect(listener.LocalEndPoint!);
        using var receiver = listener.Accept();
        var data = new byte[1 << 20];
        var received = new byte[1 << 20];
        var clock = Stopwatch.StartNew();
        while (_packet.ReceiveErrors == 0 && clock.Elapsed < TimeSpan.FromSeconds(8))
        {
            RandomNumberGenerator.Fill(data);
            var sending = Task.Run(() => sender.Send(data));
            for (var at = 0; at < data.Length;)
                at += receiver.Receive(received.AsSpan(at));
            Assert.AreEqual(data.Length, sending.Result);
            CollectionAssert.AreEqual(data, received);
        }
        forwarder.Stop();
        TestContext.WriteLine($"from B: {forwarder.From[1]}, {_packet.ReceiveErrors} not read");
        Assert.IsGreaterThan(0, _packet.ReceiveErrors);
        Assert.IsLessThanOrEqualTo(FrameBatch.MaxFrameLength, forwarder.From[1].Longest);
    }

    // Where a limit is given, both devices take finished frames only, of at most so many bytes.
    private static LinuxForwarder Joined(IFrameDevice left, IFrameDevice right, int? limit = null) => limit is { } longest
        ? new LinuxForwarder(new LinuxFinishedOnly(left, longest), new LinuxFinishedOnly(right, longest))
        : new LinuxForwarder(left, right);

    private static void AssertDatagrams(Socket from, Socket to)
    {
        const int udpLevel = 17, segmentOption = 103, segment = 1001;
        from.SetRawSocketOption(udpLevel, segmentOption, BitConverter.GetBytes(segment));
        var sent = RandomNumberGenerator.GetBytes((20 * segment) + 500);
        from.Send(sent);
        var received = new byte[2000];
        for (var at = 0; at < sent.Length; at += segment)
            CollectionAssert.AreEqual(sent[at..Math.Min(at + segment, sent.Length)], received[..to.Receive(received)]);
        from.SetRawSocketOption(udpLevel, segmentOption, BitConverter.GetBytes(0));
    }

    private static void SetUp(LinuxTestNamespace home, string link, int host) => home.Ip(
        $"link set {link} addrgenmode none", $"link set {link} up", $"addr add 10.9.0.{host}/24 dev {link}", $"addr add fd09::{host}/64 dev {link} nodad");

    private static Socket Bound(LinuxTestNamespace home, string address, SocketType type, ProtocolType protocol)
    {
        var ip = IPAddress.Parse(address);
        var socket = home.Socket(ip.AddressFamily, type, protocol);
        socket.Bind(new IPEndPoint(ip, 0));
        return socket;
    }

    private static void Transfer(LinuxTestNamespace from, string source, LinuxTestNamespace to, string destination)
    {
        var data = RandomNumberGenerator.GetBytes(TransferLength);
        using var listener = Bound(to, destination, SocketType.Stream, ProtocolType.Tcp);
        listener.Listen();
        using var sender = Bound(from, source, SocketType.Stream, ProtocolType.Tcp);
        // Connected is as much as the handshake, with its partial checksums, crossed both ways.
        Assert.IsTrue(sender.ConnectAsync(listener.LocalEndPoint!).Wait(TimeSpan.FromSeconds(10)), "TCP does not connect");
        using var receiver = listener.Accept();
        receiver.ReceiveTimeout = 10_000;
        var sending = Task.Run(() =>
        {
            for (var at = 0; at < data.Length;)
                at += sender.Send(data.AsSpan(at, Math.Min(256 << 10, data.Length - at)));
            sender.Shutdown(SocketShutdown.Send);
        });
        var received = new byte[data.Length + 1];
        var length = 0;
        while (receiver.Receive(received.AsSpan(length)) is > 0 and var count)
            length += count;
        sending.Wait(TimeSpan.FromSeconds(10));
        Assert.AreEqual(data.Length, length);
        Assert.IsTrue(data.AsSpan().SequenceEqual(received.AsSpan(0, length)), "the data changed on the way");
    }

    private void AssertClean(LinuxForwarder forwarder)
    {
        forwarder.Stop();
        TestContext.WriteLine($"from A: {forwarder.From[0]}");
        TestContext.WriteLine($"from B: {forwarder.From[1]}");
        Assert.AreEqual(0, forwarder.From[0].Results[(int)SendResult.Refused] + forwarder.From[1].Results[(int)SendResult.Refused]);
        Assert.AreEqual(0, forwarder.Violations, "unfinished or too long frames");
        Assert.AreEqual(0, _packet.ReceiveErrors);
        Assert.AreEqual(0, forwarder.Allocated, "bytes allocated while forwarding");
    }
}
