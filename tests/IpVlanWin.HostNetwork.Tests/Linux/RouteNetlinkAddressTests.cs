using System.Net;
using System.Net.NetworkInformation;
using System.Runtime.Versioning;
using IpVlanWin.HostNetwork.Linux;

namespace IpVlanWin.HostNetwork.Tests.Linux;

[TestClass]
[SupportedOSPlatform("linux")]
public sealed class RouteNetlinkAddressTests
{
    public required TestContext TestContext { get; init; }

    [TestMethod]
    [DataRow("10.0.0.1", 24)]
    [DataRow("127.0.0.2", 32)]
    [DataRow("2001:db8::1", 64)]
    [DataRow("fd00::1", 128)]
    public void Address_IsAddedListedAndRemoved(string text, int prefixLength)
    {
        using var test = new TestNamespace("address");
        var index = test.Netlink.CreateVeth("a", "b").Index;
        var address = IPAddress.Parse(text);
        test.Netlink.AddAddress(index, address, prefixLength, AddressFlags.NoDad);
        var found = test.Netlink.ListAddresses(index).Single();
        Assert.AreEqual(new AddressKey(index, address, prefixLength), found.Key);
        Assert.IsTrue(found.Flags.HasFlag(AddressFlags.Permanent));
        Assert.IsFalse(found.IsTentative);
        Assert.AreEqual(IPAddress.IsLoopback(address) ? AddressScope.Host : AddressScope.Global, found.Scope);
        Assert.AreEqual("EEXIST", Assert.ThrowsExactly<HostNetworkException>(() => test.Netlink.AddAddress(index, address, prefixLength)).NativeName);
        test.Netlink.RemoveAddress(index, address, prefixLength);
        Assert.IsEmpty(test.Netlink.ListAddresses(index));
        Assert.AreEqual("EADDRNOTAVAIL", Assert.ThrowsExactly<HostNetworkException>(() => test.Netlink.RemoveAddress(index, address, prefixLength)).NativeName);
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => test.Netlink.AddAddress(index, address, 129));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => test.Netlink.AddAddress(0, address, prefixLength));
    }

    [TestMethod]
    public async Task Address_Duplicate_IsSeenAsFailed()
    {
        using var one = new TestNamespace("dad1");
        using var two = new TestNamespace("dad2");
        var (near, far) = one.Join(two);
        var address = IPAddress.Parse("2001:db8::7");
        one.Netlink.AddAddress(near.Index, address, 64, AddressFlags.NoDad);
        using var watch = HostWatch.Start(two.Namespace);
        two.Netlink.AddAddress(far.Index, address, 64);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(TestContext.CancellationToken);
        deadline.CancelAfter(TimeSpan.FromSeconds(10));
        var key = new AddressKey(far.Index, address, 64);
        var snapshot = await watch.WaitFor(s => s.Addresses.TryGetValue(key, out var a) && a.IsDuplicate, deadline.Token);
        Assert.IsTrue(snapshot.Addresses[key].IsDuplicate);
        Assert.IsTrue(two.Netlink.ListAddresses(far.Index).Single(a => a.Address.Equals(address)).IsDuplicate);
    }

    [TestMethod]
    public void Routes_OfEveryKind_AreAddedListedAndRemoved()
    {
        using var one = new TestNamespace("route1");
        using var two = new TestNamespace("route2");
        var (near, _) = one.Join(two);
        one.Netlink.AddAddress(near.Index, IPAddress.Parse("10.0.0.1"), 24);
        one.Netlink.AddAddress(near.Index, IPAddress.Parse("2001:db8::1"), 64, AddressFlags.NoDad);
        HostRoute[] routes =
        [
            new() { Destination = IPNetwork.Parse("0.0.0.0/0"), Gateway = IPAddress.Parse("10.0.0.254"), LinkIndex = near.Index },
            new() { Destination = IPNetwork.Parse("::/0"), Gateway = IPAddress.Parse("2001:db8::ffff"), LinkIndex = near.Index, Metric = 77 },
            new() { Destination = IPNetwork.Parse("198.51.100.0/24"), LinkIndex = near.Index, Metric = 5 },
            new() { Destination = IPNetwork.Parse("198.51.100.0/24"), LinkIndex = near.Index, Metric = 6, PreferredSource = IPAddress.Parse("10.0.0.1") },
            new() { Destination = IPNetwork.Parse("203.0.113.0/24"), Gateway = IPAddress.Parse("192.0.2.1"), LinkIndex = near.Index, OnLink = true },
            new() { Destination = IPNetwork.Parse("203.0.112.0/24"), Gateway = IPAddress.Parse("2001:db8::fffe"), LinkIndex = near.Index },
            new() { Destination = IPNetwork.Parse("10.66.0.0/16"), Kind = RouteKind.Blackhole },
            new() { Destination = IPNetwork.Parse("10.67.0.0/16"), Kind = RouteKind.Unreachable },
            new() { Destination = IPNetwork.Parse("10.68.0.0/16"), Kind = RouteKind.Prohibit },
            new() { Destination = IPNetwork.Parse("2001:db8:66::/48"), Kind = RouteKind.Blackhole, Metric = 1024 },
            new() { Destination = IPNetwork.Parse("2001:db8:67::/48"), Kind = RouteKind.Unreachable, Metric = 1024 },
            new() { Destination = IPNetwork.Parse("2001:db8:68::/48"), Kind = RouteKind.Prohibit, Metric = 1024 },
        ];
        var before = one.Netlink.ListRoutes();
        foreach (var route in routes) one.Netlink.AddRoute(route);
        var added = one.Netlink.ListRoutes().Except(before).ToList();
        CollectionAssert.AreEquivalent(routes, added, string.Join('\n', added));
        Assert.AreEqual("EEXIST", Assert.ThrowsExactly<HostNetworkException>(() => one.Netlink.AddRoute(routes[2])).NativeName);

        var replacement = routes[0] with { Gateway = IPAddress.Parse("10.0.0.253") };
        one.Netlink.ReplaceRoute(replacement);
        Assert.AreEqual(replacement, one.Netlink.ListRoutes().Single(r => r.Destination == replacement.Destination));
        routes[0] = replacement;

        foreach (var route in routes) one.Netlink.RemoveRoute(route);
        CollectionAssert.AreEquivalent(before.ToArray(), one.Netlink.ListRoutes().ToArray());
        Assert.AreEqual("ESRCH", Assert.ThrowsExactly<HostNetworkException>(() => one.Netlink.RemoveRoute(routes[1])).NativeName);
        var unreachable = routes[0] with { Gateway = IPAddress.Parse("192.0.2.9") };
        Assert.AreEqual("ENETUNREACH", Assert.ThrowsExactly<HostNetworkException>(() => one.Netlink.AddRoute(unreachable)).NativeName);
        Assert.ThrowsExactly<ArgumentException>(() => one.Netlink.AddRoute(new HostRoute { Destination = IPNetwork.Parse("10.9.0.0/16") }));
        Assert.ThrowsExactly<ArgumentException>(() => one.Netlink.AddRoute(routes[1] with { Gateway = IPAddress.Loopback }));
    }

    [TestMethod]
    public void Neighbors_AreSetReplacedAndRemoved()
    {
        using var test = new TestNamespace("neigh");
        var index = test.Netlink.CreateVeth("a", "b").Index;
        test.Netlink.SetUp(index, true);
        foreach (var address in new[] { IPAddress.Parse("10.0.0.9"), IPAddress.Parse("fe80::9") })
        {
            test.Netlink.SetNeighbor(index, address, PhysicalAddress.Parse("02-00-00-00-00-01"));
            test.Netlink.SetNeighbor(index, address, PhysicalAddress.Parse("02-00-00-00-00-02"));
            Assert.AreEqual(new HostNeighbor(index, address, PhysicalAddress.Parse("02-00-00-00-00-02"), NeighborState.Permanent),
                test.Netlink.ListNeighbors(index).Single(n => n.Address.Equals(address)));
            test.Netlink.RemoveNeighbor(index, address);
            Assert.DoesNotContain(n => n.Address.Equals(address) && n.IsUsable, test.Netlink.ListNeighbors());
        }
        var missing = Assert.ThrowsExactly<HostNetworkException>(() => test.Netlink.RemoveNeighbor(index, IPAddress.Parse("10.0.0.77")));
        Assert.AreEqual("ENOENT", missing.NativeName);
    }

    [TestMethod]
    public async Task Resolve_FindsALiveNeighborAndFailsADeadOne()
    {
        using var one = new TestNamespace("resolve1");
        using var two = new TestNamespace("resolve2");
        var (near, far) = one.Join(two);
        // A quick failure: one probe after 100 ms instead of three after a second each.
        one.Namespace.WriteSysctl("net/ipv4/neigh/a/retrans_time_ms", "100");
        one.Netlink.AddAddress(near.Index, IPAddress.Parse("10.0.0.1"), 24);
        two.Netlink.AddAddress(far.Index, IPAddress.Parse("10.0.0.2"), 24);
        one.Netlink.AddAddress(near.Index, IPAddress.Parse("2001:db8::1"), 64, AddressFlags.NoDad);
        two.Netlink.AddAddress(far.Index, IPAddress.Parse("2001:db8::2"), 64, AddressFlags.NoDad);
        using var watch = HostWatch.Start(one.Namespace);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(TestContext.CancellationToken);
        deadline.CancelAfter(TimeSpan.FromSeconds(10));
        foreach (var text in new[] { "10.0.0.2", "2001:db8::2" })
        {
            var key = new NeighborKey(near.Index, IPAddress.Parse(text));
            one.Netlink.Resolve(near.Index, key.Address);
            var found = await watch.WaitFor(s => s.Neighbors.TryGetValue(key, out var n) && n.IsUsable, deadline.Token);
            Assert.AreEqual(far.Mac, found.Neighbors[key].Mac);
        }
        var dead = new NeighborKey(near.Index, IPAddress.Parse("10.0.0.3"));
        one.Netlink.Resolve(near.Index, dead.Address);
        await watch.WaitFor(s => s.Neighbors.TryGetValue(dead, out var n) && n.State == NeighborState.Failed, deadline.Token);
    }

    [TestMethod]
    public void Batch_FailuresDoNotStopTheRest()
    {
        using var test = new TestNamespace("batch");
        var index = test.Netlink.CreateVeth("a", "b").Index;
        var batch = test.Netlink.CreateBatch();
        for (var i = 0; i < 200; i++) batch.AddAddress(index, new IPAddress([10, 0, 0, (byte)(i / 2)]), 32);
        Assert.AreEqual(200, batch.Count);
        var failures = batch.Send();
        CollectionAssert.AreEqual(Enumerable.Range(0, 100).Select(i => 2 * i + 1).ToArray(), failures.Select(f => f.Position).ToArray());
        Assert.AreEqual("cannot add address 10.0.0.99/32 to link " + index + ": File exists (EEXIST): ipv4: Address already assigned",
            failures[^1].Error.Message);
        Assert.AreEqual(0, batch.Count);
        Assert.HasCount(100, test.Netlink.ListAddresses(index));
        Assert.IsEmpty(batch.Send());
    }
}
