using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Runtime.Versioning;
using IpVlanWin.Devices.Linux;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Devices.Tests;

[TestClass]
[SupportedOSPlatform("linux")]
public sealed class LinuxTapTests
{
    [ClassInitialize]
    public static void Require(TestContext context) => LinuxTestNamespace.Require();

    [TestMethod]
    public void Created_in_its_namespace_with_name_and_address_and_gone_with_the_object()
    {
        using var home = new LinuxTestNamespace();
        var mac = MacAddress.Parse("02:00:00:00:ab:cd");
        using (var tap = LinuxTap.Create("a-name-of-15-by", mac, home.Handle))
        {
            Assert.AreEqual("a-name-of-15-by", tap.Name);
            var found = home.Run(() => NetworkInterface.GetAllNetworkInterfaces()).Single(card => card.Name == tap.Name);
            Assert.AreEqual(mac, MacAddress.Read(found.GetPhysicalAddress().GetAddressBytes()));
            Assert.Contains($"{tap.InterfaceIndex}: {tap.Name}:", home.AskIp($"-o link show dev {tap.Name}"));
            Assert.AreEqual(OperatingSystem.IsOSPlatformVersionAtLeast("Linux", 6, 2), tap.Accepts.HasFlag(OffloadKinds.Udp));
            Assert.AreEqual(OffloadKinds.Checksum | OffloadKinds.Tcp, tap.Accepts & ~OffloadKinds.Udp);
            Assert.IsFalse(tap.IsGone);
        }
        Assert.IsFalse(home.Run(() => NetworkInterface.GetAllNetworkInterfaces()).Any(card => card.Name.StartsWith("a-name", StringComparison.Ordinal)));
    }

    [TestMethod]
    public void Name_of_the_kernels_choice_is_told()
    {
        using var home = new LinuxTestNamespace();
        using var tap = LinuxTap.Create(networkNamespace: home.Handle);
        home.Ip($"link set {tap.Name} up");
    }

    [TestMethod]
    [DataRow("")]
    [DataRow("sixteen-bytes-01")]
    [DataRow("a/b")]
    [DataRow("a b")]
    [DataRow("tap%d")]
    [DataRow("..")]
    public void Names_that_no_interface_may_have_are_refused(string name) =>
        Assert.Contains("must have 1 to 15 bytes", Assert.ThrowsExactly<ArgumentException>(() => LinuxTap.Create(name)).Message);

    [TestMethod]
    [DataRow("01:00:5e:00:00:01")]
    [DataRow("00:00:00:00:00:00")]
    public void Addresses_that_no_interface_may_have_are_refused(string address) =>
        Assert.Contains("must be a unicast address", Assert.ThrowsExactly<ArgumentException>(() => LinuxTap.Create(address: MacAddress.Parse(address))).Message);

    [TestMethod]
    public void Name_in_use_is_refused_even_where_a_persistent_tap_has_it()
    {
        using var home = new LinuxTestNamespace();
        home.Ip("tuntap add dev kept mode tap");
        var refused = Assert.ThrowsExactly<LinuxDeviceException>(() => LinuxTap.Create("kept", networkNamespace: home.Handle));
        Assert.AreEqual(16, refused.Errno);
        Assert.Contains("cannot create TAP 'kept'", refused.Message);
    }

    [TestMethod]
    public void Descriptor_that_is_no_namespace_is_refused()
    {
        using var other = new FileDescriptor(NativeMethods.EventDescriptor(0, NativeMethods.EventFlags));
        Assert.Contains("cannot enter the network namespace", Assert.ThrowsExactly<LinuxDeviceException>(() => LinuxTap.Create(networkNamespace: other)).Message);
    }

    [TestMethod]
    public void Frame_to_an_interface_that_is_down_is_refused_and_sent_once_it_is_up()
    {
        using var home = new LinuxTestNamespace();
        using var tap = LinuxTap.Create("tap0", networkNamespace: home.Handle);
        var buffer = new byte[FrameBatch.Headroom + 60];
        Assert.AreEqual(SendResult.Refused, tap.Send(buffer, default));
        home.Ip("link set tap0 up");
        Assert.AreEqual(SendResult.Sent, tap.Send(buffer, default));
        Assert.AreEqual(SendResult.Refused, tap.Send(buffer.AsSpan(0, FrameBatch.Headroom + 13), default), "shorter than an Ethernet header");
        Assert.AreEqual(SendResult.Refused, tap.Send(buffer, new FrameOffload(60_000, 16)), "checksum outside the frame");
        Assert.IsFalse(tap.IsGone);
    }

    [TestMethod]
    public void Removed_by_others_it_says_so()
    {
        using var home = new LinuxTestNamespace();
        using var tap = LinuxTap.Create("tap0", networkNamespace: home.Handle);
        using var batch = new FrameBatch();
        using var epoll = new Epoll();
        epoll.Add(tap.PollDescriptor, 7);
        home.Ip("link set tap0 up", "link del tap0");
        var ready = new EpollReady[1];
        Assert.AreEqual(1, epoll.Wait(ready, TimeSpan.FromSeconds(10)));
        for (var reads = 0; reads < 100 && !tap.IsGone; reads++)
            tap.Receive(batch);
        Assert.IsTrue(tap.IsGone);
        Assert.AreEqual(SendResult.Refused, tap.Send(new byte[FrameBatch.Headroom + 60], default));
    }

    [TestMethod]
    public void Batch_is_cut_at_its_limit()
    {
        using var home = new LinuxTestNamespace();
        using var tap = LinuxTap.Create("tap0", networkNamespace: home.Handle, batchLimit: 3);
        home.Ip("link set tap0 addrgenmode none", "link set tap0 up", "addr add 10.9.0.1/24 dev tap0", "neigh add 10.9.0.2 lladdr 02:00:00:00:00:02 dev tap0");
        using var socket = home.Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        for (byte i = 0; i < 5; i++)
            socket.SendTo([i], new IPEndPoint(IPAddress.Parse("10.9.0.2"), 9));
        using var batch = new FrameBatch();
        tap.Receive(batch);
        Assert.AreEqual(3, batch.Count);
        tap.Receive(batch);
        Assert.AreEqual(5, batch.Count);
        for (var i = 0; i < 5; i++)
        {
            Assert.AreEqual(43, batch.Frame(i).Length);
            Assert.AreEqual(i, (int)batch.Frame(i)[42]);
            Assert.AreEqual(new FrameOffload(34, 6).ChecksumStart, batch.Offload(i).ChecksumStart);
            Assert.IsTrue(batch.Offload(i).NeedsChecksum);
        }
    }

    [TestMethod]
    public void Disposed_it_touches_no_descriptor_of_others()
    {
        using var home = new LinuxTestNamespace();
        var tap = LinuxTap.Create("tap0", networkNamespace: home.Handle);
        tap.Dispose();
        using var batch = new FrameBatch();
        tap.Receive(batch);
        Assert.AreEqual(0, batch.Count);
        Assert.AreEqual(-1, tap.PollDescriptor);
        Assert.AreEqual(SendResult.Refused, tap.Send(new byte[FrameBatch.Headroom + 60], default));
    }
}
