using System.Net;
using System.Net.Sockets;
using System.Runtime.Versioning;
using IpVlanWin.HostNetwork.Linux;

namespace IpVlanWin.HostNetwork.Tests.Linux;

/// <summary>The lab's stand-ins, by real netlink.</summary>
[TestClass]
[SupportedOSPlatform("linux")]
public sealed class LinuxStandInHostTests
{
    [TestMethod]
    public void StandIns_AreMadeFoundRenamedAndRemoved()
    {
        using var space = new TestNamespace("standin");
        using var container = new TestNamespace("standin-c");
        using var host = space.Namespace.Run(LinuxStandInHost.Open);
        var (loopback, veth) = (Guid.NewGuid(), Guid.NewGuid());
        var one = host.Create(StandInKind.Loopback, loopback, "ipvl0", null);
        var two = host.Create(StandInKind.VSwitch, veth, "ipvl1", container.Name);
        Assert.AreEqual(one, host.FindStandIn(loopback));
        Assert.AreEqual(StandInKind.VSwitch, host.FindStandIn(veth)!.Device.Kind);
        CollectionAssert.AreEquivalent(new[] { loopback, veth }, host.ListStandIns().Select(static device => device.Tag).ToArray());
        Assert.AreEqual("IPVLANWIN-STANDIN-" + loopback.ToString("N"), space.Netlink.GetLink("ipvl0").Alias);
        Assert.AreEqual("ipvl9", host.Rename(one, "ipvl9").Name);
        Assert.AreEqual(one.LinkIndex, host.FindStandIn(loopback)!.LinkIndex);
        Assert.ThrowsExactly<HostNetworkException>(() => host.Create(StandInKind.Loopback, Guid.NewGuid(), "ipvl9", null));
        Assert.HasCount(2, host.ListStandIns(), "one whose name is taken leaves nothing");
        host.Furnish(container.Name, two, new ContainerSide([IPAddress.Parse("10.0.0.2"), IPAddress.Parse("fd00::2")], IPAddress.Parse("169.254.1.1"), IPAddress.Parse("fe80::1")));
        host.Furnish(container.Name, two, new ContainerSide([IPAddress.Parse("10.0.0.2")], IPAddress.Parse("169.254.1.1"), null));
        CollectionAssert.AreEqual(new[] { "10.0.0.2/32" }, container.Netlink.ListAddresses(container.Netlink.GetLink("ipvl1").Index).Where(static address => !address.Address.IsIPv6LinkLocal).Select(static address => $"{address.Address}/{address.PrefixLength}").ToArray());
        Assert.Contains(static route => route.Destination.PrefixLength == 0 && Equals(route.Gateway, IPAddress.Parse("169.254.1.1")), container.Netlink.ListRoutes());
        // Killed before its tag was on it.
        space.Netlink.CreateBridge("ivw0123456789ab");
        Assert.HasCount(3, host.ListStandIns());
        foreach (var device in host.ListStandIns())
            host.Remove(device.Tag);
        host.Remove(loopback);
        Assert.IsEmpty(host.ListStandIns());
        Assert.IsNull(space.Netlink.FindLink("ivw0123456789ab"));
    }

    [TestMethod]
    public void Settings_AreReadChangedAndUndone()
    {
        using var space = new TestNamespace("settings1");
        using var other = new TestNamespace("settings2");
        var (near, _) = space.Join(other);
        using var host = space.Namespace.Run(LinuxStandInHost.Open);
        space.Namespace.WriteSysctl("net/ipv4/conf/a/rp_filter", "1");
        foreach (var family in (AddressFamily[])[AddressFamily.InterNetwork, AddressFamily.InterNetworkV6])
        {
            var before = host.FindIpInterface(near.Index, family)!;
            var change = new IpInterfaceChange { Forwarding = !before.Forwarding, WeakHostReceive = !before.WeakHostReceive };
            host.SetIpInterface(near.Index, family, change);
            Assert.IsNull(change.FirstDifference(host.FindIpInterface(near.Index, family)!));
            host.SetIpInterface(near.Index, family, change.Reverse(before));
            Assert.AreEqual(before, host.FindIpInterface(near.Index, family));
        }
        Assert.AreEqual("1", space.Namespace.ReadSysctl("net/ipv4/conf/a/rp_filter"));
        Assert.IsNull(host.MasterRefusal(near));
        var bridge = space.Netlink.CreateBridge("br0");
        space.Netlink.SetMaster(near.Index, bridge.Index);
        Assert.AreEqual("a is a port of br0, which has the host's addresses: take that as the master", host.MasterRefusal(space.Netlink.GetLink("a")));
    }

    /// <summary>A neighbor resolves what the link answers for, and does not any more afterwards.</summary>
    [TestMethod]
    public async Task Proxies_AnswerArpAndNeighborDiscovery()
    {
        using var space = new TestNamespace("proxy1");
        using var other = new TestNamespace("proxy2");
        var (near, far) = space.Join(other);
        using var host = space.Namespace.Run(LinuxStandInHost.Open);
        var standIn = host.Create(StandInKind.Loopback, Guid.NewGuid(), "ipvl0", null);
        space.Netlink.AddAddress(near.Index, IPAddress.Parse("10.7.0.1"), 24);
        other.Netlink.AddAddress(far.Index, IPAddress.Parse("10.7.0.2"), 24);
        space.Namespace.WriteSysctl("net/ipv6/conf/all/forwarding", "1");
        foreach (var family in (AddressFamily[])[AddressFamily.InterNetwork, AddressFamily.InterNetworkV6])
            host.SetIpInterface(near.Index, family, host.ProxyNeeds);
        using var watch = HostWatch.Start(other.Namespace);
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        foreach (var text in (string[])["10.7.0.9", "fd07::9"])
        {
            var address = IPAddress.Parse(text);
            space.Netlink.AddAddress(standIn.LinkIndex, address, address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128, AddressFlags.NoDad);
            Assert.IsTrue(host.AddProxy(near.Index, address, isForwarded: false));
            Assert.IsTrue(host.AddProxy(near.Index, address, isForwarded: false), "twice is once");
            other.Netlink.Resolve(far.Index, address);
            var seen = await watch.WaitFor(snapshot => snapshot.Neighbors.TryGetValue(new NeighborKey(far.Index, address), out var neighbor) && neighbor.IsUsable, deadline.Token);
            Assert.AreEqual(near.Mac, seen.Neighbors[new NeighborKey(far.Index, address)].Mac);
            host.RemoveProxy(near.Index, address);
            host.RemoveProxy(near.Index, address);
        }
    }
}
