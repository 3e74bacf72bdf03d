using System.Diagnostics;
using System.Net;
using System.Net.NetworkInformation;

namespace IpVlanWin.HostNetwork.Tests;

/// <summary>What every <see cref="IHostNetwork"/> and <see cref="IHostWatch"/> must do, whatever the system.</summary>
internal static class HostNetworkContract
{
    public const int Many = 5000;

    private static readonly IPAddress s_four = IPAddress.Parse("10.99.0.1"), s_six = IPAddress.Parse("fd99::1"), s_gateway = IPAddress.Parse("10.99.0.254");

    public static void AddressesComeAndGo(IHostNetwork network, int link)
    {
        network.AddAddress(link, s_four, 24);
        network.AddAddress(link, s_six, 64);
        foreach (var (address, length) in new[] { (s_four, 24), (s_six, 64) })
        {
            var found = network.ListAddresses(link).Single(one => one.Address.Equals(address));
            Assert.AreEqual((link, length, AddressScope.Global), (found.LinkIndex, found.PrefixLength, found.Scope));
            Assert.ThrowsExactly<HostNetworkException>(() => network.AddAddress(link, address, length));
            Assert.ThrowsExactly<HostNetworkException>(() => network.AddAddress(int.MaxValue, address, length));
            network.RemoveAddress(link, address, length);
            Assert.ThrowsExactly<HostNetworkException>(() => network.RemoveAddress(link, address, length));
        }
        Assert.DoesNotContain(one => one.Address.Equals(s_four) || one.Address.Equals(s_six), network.ListAddresses());
    }

    public static void RoutesComeAndGo(IHostNetwork network, int link)
    {
        network.AddAddress(link, s_four, 24);
        var onLink = new HostRoute { Destination = IPNetwork.Parse("198.51.100.0/24"), LinkIndex = link, Metric = 7 };
        var byGateway = new HostRoute { Destination = IPNetwork.Parse("203.0.113.0/24"), LinkIndex = link, Gateway = s_gateway, Metric = 7 };
        var six = new HostRoute { Destination = IPNetwork.Parse("fd98::/48"), LinkIndex = link, Metric = 7 };
        foreach (var route in new[] { onLink, byGateway, six })
        {
            network.AddRoute(route);
            Assert.Contains(route, Administered(network));
            Assert.ThrowsExactly<HostNetworkException>(() => network.AddRoute(route));
        }
        var replaced = byGateway with { Gateway = IPAddress.Parse("10.99.0.253") };
        network.ReplaceRoute(replaced);
        Assert.Contains(replaced, Administered(network));
        Assert.DoesNotContain(byGateway, Administered(network));
        foreach (var route in new[] { onLink, replaced, six })
        {
            Assert.ThrowsExactly<HostNetworkException>(() => network.RemoveRoute(route with { Metric = 8 }));
            network.RemoveRoute(route);
            Assert.ThrowsExactly<HostNetworkException>(() => network.RemoveRoute(route));
        }
        Assert.IsEmpty(Administered(network).Where(route => route.Metric == 7));
        network.RemoveAddress(link, s_four, 24);
    }

    public static void NeighborsComeAndGo(IHostNetwork network, int link)
    {
        var mac = PhysicalAddress.Parse("02-00-00-00-00-63");
        network.SetNeighbor(link, s_gateway, mac);
        Assert.AreEqual(new HostNeighbor(link, s_gateway, mac, NeighborState.Permanent), network.ListNeighbors(link).Single(one => one.Address.Equals(s_gateway)));
        network.SetNeighbor(link, s_gateway, PhysicalAddress.Parse("02-00-00-00-00-64"), NeighborState.Stale);
        var stale = network.ListNeighbors().Single(one => one.Key == new NeighborKey(link, s_gateway));
        Assert.AreEqual((NeighborState.Stale, true), (stale.State, stale.IsUsable));
        network.RemoveNeighbor(link, s_gateway);
        Assert.DoesNotContain(one => one.Key == new NeighborKey(link, s_gateway) && one.IsUsable, network.ListNeighbors());
    }

    /// <summary>Many addresses and routes, one call each: the watch ends at what is there, and its changes add up to it.</summary>
    /// <param name="network">The network.</param>
    /// <param name="watch">A watch of it that delivers to <paramref name="consumer"/>.</param>
    /// <param name="consumer">Insists that each change makes sense.</param>
    /// <param name="link">A link that is up.</param>
    /// <param name="cancellation">The deadline.</param>
    /// <returns>How long it took.</returns>
    public static async Task<string> ManyComeAndGo(IHostNetwork network, IHostWatch watch, ChangeConsumer consumer, int link, CancellationToken cancellation)
    {
        var start = Stopwatch.GetTimestamp();
        for (var i = 0; i < Many; i++) network.AddAddress(link, Address(i), i % 2 == 0 ? 32 : 128, AddressFlags.NoDad);
        for (var i = 0; i < Many; i++) network.AddRoute(Route(link, i));
        var added = Stopwatch.GetElapsedTime(start);
        await watch.WaitFor(s => Enumerable.Range(0, Many).All(i => s.Addresses.ContainsKey(Key(link, i)) && s.Routes.Contains(Route(link, i))), cancellation);
        var seen = Stopwatch.GetElapsedTime(start);
        start = Stopwatch.GetTimestamp();
        for (var i = 0; i < Many; i++) network.RemoveRoute(Route(link, i));
        for (var i = 0; i < Many; i++) network.RemoveAddress(link, Address(i), i % 2 == 0 ? 32 : 128);
        var removed = Stopwatch.GetElapsedTime(start);
        await watch.WaitFor(s => Enumerable.Range(0, Many).All(i => !s.Addresses.ContainsKey(Key(link, i)) && !s.Routes.Contains(Route(link, i))), cancellation);
        var gone = Stopwatch.GetElapsedTime(start);
        watch.Dispose();
        await watch.Completion.WaitAsync(cancellation);
        Assert.IsTrue(consumer.State.Addresses.Values.ToHashSet().SetEquals(watch.Snapshot.Addresses.Values) && consumer.State.Routes.SetEquals(watch.Snapshot.Routes), "the changes add up to the snapshot");
        return $"{2 * Many} things added in {added.TotalSeconds:F2} s, seen {(seen - added).TotalMilliseconds:F0} ms later; removed in {removed.TotalSeconds:F2} s, seen {(gone - removed).TotalMilliseconds:F0} ms later; {consumer.Seen.Count} changes";
    }

    private static IPAddress Address(int i) => i % 2 == 0 ? new([10, 98, (byte)(i >> 8), (byte)i]) : new([0xFD, 0x98, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, (byte)(i >> 8), (byte)i]);

    private static AddressKey Key(int link, int i) => new(link, Address(i), i % 2 == 0 ? 32 : 128);

    private static HostRoute Route(int link, int i) => new()
    {
        Destination = i % 2 == 0
            ? new IPNetwork(new IPAddress([172, 17, (byte)(i >> 8), (byte)i]), 32)
            : new IPNetwork(new IPAddress([0xFD, 0x97, 0, 0, 0, 0, (byte)(i >> 8), (byte)i, 0, 0, 0, 0, 0, 0, 0, 0]), 64),
        LinkIndex = link,
        Metric = 10,
    };

    // The system's own routes beside them are none of the contract's business.
    private static List<HostRoute> Administered(IHostNetwork network) => [.. network.ListRoutes().Where(route => route is { Kind: RouteKind.Unicast, Protocol: 4 })];
}
