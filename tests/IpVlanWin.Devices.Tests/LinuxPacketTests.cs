using System.Buffers.Binary;
using System.Diagnostics;
using System.Runtime.Versioning;
using IpVlanWin.Devices.Linux;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Devices.Tests;

[TestClass]
[SupportedOSPlatform("linux")]
public sealed class LinuxPacketTests
{
    // IEEE 802 local experimental: nothing else on the wire carries it.
    private const ushort Experimental = 0x88B5;

    private LinuxTestNamespace _home = null!;
    private LinuxTestNamespace _peer = null!;

    [ClassInitialize]
    public static void Require(TestContext context) => LinuxTestNamespace.Require();

    [TestInitialize]
    public void MakePair()
    {
        (_home, _peer) = (new LinuxTestNamespace(), new LinuxTestNamespace());
        _home.Ip($"link add m0 type veth peer name w0 netns {_peer.Path}", "link set m0 addrgenmode none", "link set m0 mtu 9000", "link set m0 up");
        _peer.Ip("link set w0 addrgenmode none", "link set w0 mtu 9000", "link set w0 up");
        _home.WaitForLink("m0");
    }

    [TestCleanup]
    public void Remove()
    {
        _home.Dispose();
        _peer.Dispose();
    }

    [TestMethod]
    public void Opened_by_name_or_index_it_tells_both()
    {
        using var named = LinuxPacket.Open("m0", _home.Handle);
        using var indexed = LinuxPacket.Open(named.InterfaceIndex, _home.Handle);
        Assert.AreEqual("m0", named.Name);
        Assert.AreEqual("m0", indexed.Name);
        Assert.IsTrue(named.Accepts.HasFlag(OffloadKinds.Checksum | OffloadKinds.Tcp));
    }

    [TestMethod]
    public void Interfaces_that_cannot_be_are_refused()
    {
        Assert.AreEqual(19, Assert.ThrowsExactly<LinuxDeviceException>(() => LinuxPacket.Open("missing", _home.Handle)).Errno);
        Assert.AreEqual(19, Assert.ThrowsExactly<LinuxDeviceException>(() => LinuxPacket.Open(4711, _home.Handle)).Errno);
        Assert.AreEqual("interface 'lo' has link type 772; it must be Ethernet (1)",
            Assert.ThrowsExactly<LinuxDeviceException>(() => LinuxPacket.Open("lo", _home.Handle)).Message);
        Assert.ThrowsExactly<ArgumentException>(() => LinuxPacket.Open("a b", _home.Handle));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => LinuxPacket.Open("m0", _home.Handle, new() { BatchLimit = 0 }));
    }

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void Frames_of_every_size_cross_unchanged_and_never_come_back(bool tagged)
    {
        using var left = LinuxPacket.Open("m0", _home.Handle);
        using var right = LinuxPacket.Open("w0", _peer.Handle);
        foreach (var size in (int[])[tagged ? 20 : 14, 21, 59, 60, 61, 1499, 1514, 1515, 4096, 9013, 9014])
        {
            var frame = Frame(size, tagged ? [0x81, 0x00, 0x20, 0x07] : []);
            Assert.AreEqual(SendResult.Sent, left.Send((byte[])[.. new byte[FrameBatch.Headroom], .. frame], default), $"{size} bytes");
            CollectionAssert.AreEqual(frame, ReceiveOne(right, $"of {size} bytes").Frame, $"{size} bytes");
        }
        using var batch = new FrameBatch();
        left.Receive(batch);
        Assert.AreEqual(0, Experiments(batch).Count);
        Assert.AreEqual(SendResult.Refused, left.Send(new byte[FrameBatch.Headroom + 9100], default), "longer than the MTU");
        Assert.AreEqual(SendResult.Refused, left.Send(new byte[FrameBatch.Headroom + 13], default), "shorter than an Ethernet header");
    }

    [TestMethod]
    [DataRow(new byte[] { 0x81, 0x00, 0xE0, 0x00 }, DisplayName = "priority tag")]
    [DataRow(new byte[] { 0x88, 0xA8, 0x0F, 0xFE }, DisplayName = "802.1ad")]
    [DataRow(new byte[] { 0x88, 0xA8, 0x00, 0x05, 0x81, 0x00, 0x00, 0x06 }, DisplayName = "two tags")]
    public void Stripped_tags_are_put_back_and_the_offload_moves_with_them(byte[] tags)
    {
        using var left = LinuxPacket.Open("m0", _home.Handle);
        using var right = LinuxPacket.Open("w0", _peer.Handle);
        var frame = Frame(200, tags);
        var start = 14 + tags.Length + 20;
        Assert.AreEqual(SendResult.Sent, left.Send((byte[])[.. new byte[FrameBatch.Headroom], .. frame], new FrameOffload(start, 16)));
        var (received, offload) = ReceiveOne(right);
        CollectionAssert.AreEqual(frame, received);
        Assert.IsTrue(offload.NeedsChecksum);
        Assert.AreEqual((start, 16), (offload.ChecksumStart, offload.ChecksumOffset));
    }

    [TestMethod]
    public void Link_down_is_passing()
    {
        using var left = LinuxPacket.Open("m0", _home.Handle);
        using var right = LinuxPacket.Open("w0", _peer.Handle);
        var frame = Frame(100, []);
        byte[] buffer = [.. new byte[FrameBatch.Headroom], .. frame];
        using var batch = new FrameBatch();

        _peer.Ip("link set w0 down");
        right.Receive(batch);
        Assert.AreEqual(SendResult.Refused, right.Send(buffer, default));
        Assert.IsFalse(right.IsGone);
        _peer.Ip("link set w0 up");
        _home.WaitForLink("m0");
        Assert.AreEqual(SendResult.Sent, left.Send(buffer, default));
        CollectionAssert.AreEqual(frame, ReceiveOne(right).Frame);
        Assert.AreEqual(SendResult.Sent, right.Send(buffer, default));
        Assert.IsFalse(right.IsGone);
    }

    [TestMethod]
    public void Opened_on_a_link_that_is_down_it_works_once_that_is_up()
    {
        _peer.Ip("link set w0 down");
        using var left = LinuxPacket.Open("m0", _home.Handle);
        using var right = LinuxPacket.Open("w0", _peer.Handle);
        _peer.Ip("link set w0 up");
        _home.WaitForLink("m0");
        Assert.AreEqual(SendResult.Sent, left.Send((byte[])[.. new byte[FrameBatch.Headroom], .. Frame(100, [])], default));
        Assert.HasCount(100, ReceiveOne(right).Frame);
    }

    [TestMethod]
    [DataRow("link del w0")]
    [DataRow("link set w0 netns {0}")]
    public void Removed_or_moved_by_others_it_says_so(string command)
    {
        using var right = LinuxPacket.Open("w0", _peer.Handle);
        using var batch = new FrameBatch();
        Assert.IsFalse(right.IsGone);
        _peer.Ip(string.Format(null, command, _home.Path));
        right.Receive(batch);
        Assert.IsTrue(right.IsGone);
        Assert.AreEqual(SendResult.Refused, right.Send(new byte[FrameBatch.Headroom + 60], default));
        Assert.IsTrue(right.IsGone);
    }

    [TestMethod]
    public void Frames_that_did_not_fit_the_buffer_are_counted()
    {
        using var left = LinuxPacket.Open("m0", _home.Handle);
        using var right = LinuxPacket.Open("w0", _peer.Handle, new() { ReceiveBufferLength = 4096 });
        byte[] buffer = [.. new byte[FrameBatch.Headroom], .. Frame(1500, [])];
        Assert.AreEqual(0, right.KernelDrops);
        for (var i = 0; i < 50; i++)
            Assert.AreEqual(SendResult.Sent, left.Send(buffer, default));
        using var batch = new FrameBatch();
        var deadline = Stopwatch.StartNew();
        while (right.KernelDrops + Experiments(batch).Count < 50 && deadline.Elapsed < TimeSpan.FromSeconds(10))
            right.Receive(batch);
        Assert.AreEqual(50, right.KernelDrops + Experiments(batch).Count);
        Assert.IsGreaterThan(10, right.KernelDrops, "reading the counter does not reset it");
    }

    [TestMethod]
    public void Frames_for_groups_are_received_and_for_others_only_when_promiscuous()
    {
        using var left = LinuxPacket.Open("m0", _home.Handle);
        using var modest = LinuxPacket.Open("w0", _peer.Handle);
        using var batch = new FrameBatch();
        var group = Frame(100, []);
        (group[0], group[1]) = (0x33, 0x33);
        Assert.AreEqual(SendResult.Sent, left.Send((byte[])[.. new byte[FrameBatch.Headroom], .. group], default));
        CollectionAssert.AreEqual(group, ReceiveOne(modest).Frame);
        Assert.DoesNotContain("PROMISC", _peer.AskIp("-d link show dev w0"));
        using var promiscuous = LinuxPacket.Open("w0", _peer.Handle, new() { Promiscuous = true });
        Assert.Contains("promiscuity 1", _peer.AskIp("-d link show dev w0"));
        Assert.Contains("allmulti 2", _peer.AskIp("-d link show dev w0"));
    }

    private static byte[] Frame(int length, byte[] tags)
    {
        byte[] header = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, .. tags, Experimental >> 8, Experimental & 0xFF];
        var frame = new byte[Math.Max(length, header.Length)];
        new Random(length).NextBytes(frame);
        header.CopyTo(frame, 0);
        // To all: a MAC address of nobody's would be dropped by a real adapter, and is fine on a veth.
        frame.AsSpan(0, 6).Fill(0xFF);
        return frame;
    }

    private static List<int> Experiments(FrameBatch batch)
    {
        var found = new List<int>();
        for (var i = 0; i < batch.Count; i++)
        {
            var at = 12;
            while (BinaryPrimitives.ReadUInt16BigEndian(batch.Frame(i)[at..]) is 0x8100 or 0x88A8)
                at += 4;
            if (BinaryPrimitives.ReadUInt16BigEndian(batch.Frame(i)[at..]) == Experimental)
                found.Add(i);
        }
        return found;
    }

    private static (byte[] Frame, FrameOffload Offload) ReceiveOne(LinuxPacket device, string what = "")
    {
        using var epoll = new Epoll();
        using var batch = new FrameBatch();
        epoll.Add(device.PollDescriptor, 0);
        var ready = new EpollReady[1];
        var deadline = Stopwatch.StartNew();
        while (deadline.Elapsed < TimeSpan.FromSeconds(10))
        {
            epoll.Wait(ready, TimeSpan.FromSeconds(1));
            batch.Clear();
            device.Receive(batch);
            if (Experiments(batch) is [var index])
                return (batch.Frame(index).ToArray(), batch.Offload(index));
        }
        Assert.Fail($"no frame came {what}");
        return default;
    }
}
