using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Runtime.Versioning;

namespace IpVlanWin.HostNetwork.Tests.Linux;

[TestClass]
[SupportedOSPlatform("linux")]
public sealed class RouteNetlinkLinkTests
{
    [TestMethod]
    public void Veth_AcrossNamespaces_KnowsItsPeer()
    {
        using var one = new TestNamespace("veth1");
        using var two = new TestNamespace("veth2");
        var (near, far) = one.Join(two);
        Assert.AreEqual("veth", near.Kind);
        Assert.AreEqual(far.Index, near.PeerIndex);
        Assert.AreEqual(near.Index, far.PeerIndex);
        Assert.IsTrue(near.IsUp && near.IsRunning && far.IsUp && far.IsRunning);
        Assert.IsNull(one.Netlink.FindLink("b"));
        Assert.HasCount(2, one.Netlink.ListLinks());
        two.Netlink.SetUp(far.Index, false);
        Assert.IsFalse(one.Netlink.GetLink("a").IsRunning);
    }

    [TestMethod]
    public void CountUnicast_IsWhatTheLinkHasCarried()
    {
        using var one = new TestNamespace("count1");
        using var two = new TestNamespace("count2");
        var (near, far) = one.Join(two);
        one.Netlink.AddAddress(near.Index, IPAddress.Parse("10.99.0.1"), 24);
        one.Netlink.SetNeighbor(near.Index, IPAddress.Parse("10.99.0.2"), far.Mac);
        var (sent, received) = (one.Netlink.CountUnicast(near.Index), two.Netlink.CountUnicast(far.Index));
        one.Namespace.Run(() =>
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            for (var i = 0; i < 7; i++) socket.SendTo(new byte[10], new IPEndPoint(IPAddress.Parse("10.99.0.2"), 9));
        });
        Assert.IsGreaterThanOrEqualTo(sent + 7, one.Netlink.CountUnicast(near.Index));
        Assert.IsGreaterThanOrEqualTo(received + 7, two.Netlink.CountUnicast(far.Index));
        Assert.AreEqual("ENODEV", Assert.ThrowsExactly<HostNetworkException>(() => one.Netlink.CountUnicast(9_999)).NativeName);
    }

    [TestMethod]
    public void Settings_AreReadBackFromTheKernel()
    {
        using var test = new TestNamespace("settings");
        var index = test.Netlink.CreateVeth("a", "b").Index;
        var mac = PhysicalAddress.Parse("02-12-34-56-78-9A");
        test.Netlink.SetMtu(index, 9000);
        test.Netlink.SetMac(index, mac);
        test.Netlink.SetArp(index, false);
        test.Netlink.SetPromiscuous(index, true);
        test.Netlink.SetAllMulticast(index, true);
        test.Netlink.Rename(index, "renamed");
        var link = test.Netlink.GetLink("renamed");
        Assert.AreEqual(index, link.Index);
        Assert.AreEqual(9000, link.IpMtu);
        Assert.AreEqual(mac, link.Mac);
        Assert.IsTrue(link.Flags.HasFlag(LinkFlags.NoArp | LinkFlags.Promiscuous | LinkFlags.AllMulticast));
        test.Netlink.SetArp(index, true);
        test.Netlink.SetPromiscuous(index, false);
        test.Netlink.SetAllMulticast(index, false);
        Assert.AreEqual(LinkFlags.None, test.Netlink.GetLink(index).Flags & (LinkFlags.NoArp | LinkFlags.Promiscuous | LinkFlags.AllMulticast));
        test.Netlink.DeleteLink(index);
        Assert.IsNull(test.Netlink.FindLink(index));
        Assert.IsNull(test.Netlink.FindLink("b"), "both ends go");
    }

    [TestMethod]
    public void Bridge_HasPorts()
    {
        using var test = new TestNamespace("bridge");
        var bridge = test.Netlink.CreateBridge("br");
        Assert.AreEqual("bridge", bridge.Kind);
        var port = test.Netlink.CreateVeth("a", "b");
        test.Netlink.SetMaster(port.Index, bridge.Index);
        Assert.AreEqual(bridge.Index, test.Netlink.GetLink("a").MasterIndex);
        test.Netlink.SetMaster(port.Index, 0);
        Assert.AreEqual(0, test.Netlink.GetLink("a").MasterIndex);
    }

    [TestMethod]
    public void Dummy_IsMade()
    {
        using var test = new TestNamespace("dummy");
        try
        {
            Assert.AreEqual("dummy", test.Netlink.CreateDummy("d").Kind);
        }
        catch (HostNetworkException e) when (e.NativeName == "EOPNOTSUPP")
        {
            Assert.Inconclusive($"needs a kernel with the dummy driver: {e.Message}");
        }
    }

    [TestMethod]
    public void MoveTo_TakesTheLinkAway()
    {
        using var one = new TestNamespace("move1");
        using var two = new TestNamespace("move2");
        var link = one.Netlink.CreateVeth("a", "b");
        one.Netlink.MoveTo(link.Index, two.Namespace, "moved");
        Assert.IsNull(one.Netlink.FindLink("a"));
        Assert.AreEqual("veth", two.Netlink.GetLink("moved").Kind);
        Assert.IsNotNull(one.Netlink.FindLink("b"));
    }

    [TestMethod]
    public void AddressGeneration_None_MakesNoLinkLocalAddress()
    {
        using var one = new TestNamespace("gen1");
        using var two = new TestNamespace("gen2");
        var link = one.Netlink.CreateVeth("a", "b", two.Namespace);
        one.Netlink.SetAddressGeneration(link.Index, AddressGeneration.None);
        Assert.AreEqual("1", one.Namespace.ReadSysctl("net/ipv6/conf/a/addr_gen_mode"));
        one.Netlink.SetUp(link.Index, true);
        two.Netlink.SetUp(link.PeerIndex, true);
        Assert.IsEmpty(one.Netlink.ListAddresses(link.Index));
        var others = two.Netlink.ListAddresses(link.PeerIndex);
        Assert.HasCount(1, others);
        Assert.AreEqual(AddressScope.Link, others[0].Scope);
    }

    [TestMethod]
    [DataRow(LinkOffload.TransmitChecksum)]
    [DataRow(LinkOffload.TcpSegmentation)]
    [DataRow(LinkOffload.GenericSegmentation)]
    [DataRow(LinkOffload.GenericReceive)]
    [DataRow(LinkOffload.ScatterGather)]
    public void Offload_IsSwitched(LinkOffload offload)
    {
        using var test = new TestNamespace("offload");
        test.Netlink.CreateVeth("a", "b");
        foreach (var on in new[] { false, true, false })
        {
            test.Netlink.SetOffload("a", offload, on);
            Assert.AreEqual(on, test.Netlink.GetOffload("a", offload));
        }
    }

    [TestMethod]
    public void Offload_ReceiveChecksum_IsRead()
    {
        using var test = new TestNamespace("offload");
        test.Netlink.CreateVeth("a", "b");
        Assert.IsTrue(test.Netlink.GetOffload("a", LinkOffload.ReceiveChecksum), "veth trusts its peer's checksums");
        Assert.AreEqual("ENODEV", Assert.ThrowsExactly<HostNetworkException>(() => test.Netlink.GetOffload("nolink", LinkOffload.ReceiveChecksum)).NativeName);
    }

    [TestMethod]
    public void Errors_SayWhatWasAttemptedAndWhy()
    {
        using var test = new TestNamespace("errors");
        var missing = Assert.ThrowsExactly<HostNetworkException>(() => test.Netlink.SetUp(4711, true));
        Assert.AreEqual(19, missing.NativeCode);
        Assert.AreEqual("ENODEV", missing.NativeName);
        Assert.AreEqual("cannot set link 4711 up: No such device (ENODEV)", missing.Message);
        Assert.AreEqual("ENODEV", Assert.ThrowsExactly<HostNetworkException>(() => test.Netlink.GetLink("nolink")).NativeName);

        test.Netlink.CreateVeth("a", "b");
        Assert.AreEqual("EEXIST", Assert.ThrowsExactly<HostNetworkException>(() => test.Netlink.CreateVeth("a", "c")).NativeName);
        var mtu = Assert.ThrowsExactly<HostNetworkException>(() => test.Netlink.SetMtu(test.Netlink.GetLink("a").Index, 10));
        Assert.AreEqual("EINVAL", mtu.NativeName);
        Assert.AreEqual("mtu less than device minimum", mtu.NativeText, "the kernel's extended acknowledgement");
        Assert.EndsWith("(EINVAL): mtu less than device minimum", mtu.Message, StringComparison.Ordinal);
    }

    [TestMethod]
    [DataRow("")]
    [DataRow("sixteen-letters-")]
    [DataRow("a/b")]
    [DataRow("a b")]
    [DataRow(".")]
    public void LinkName_Wrong_IsRefusedWithTheRule(string name)
    {
        using var test = new TestNamespace("linkname");
        var error = Assert.ThrowsExactly<ArgumentException>(() => test.Netlink.CreateBridge(name));
        Assert.Contains("must be 1 to 15 bytes", error.Message, StringComparison.Ordinal);
    }
}
