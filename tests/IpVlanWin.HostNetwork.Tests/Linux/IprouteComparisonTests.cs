using System.Globalization;
using System.Net;
using System.Net.NetworkInformation;
using System.Runtime.Versioning;
using System.Text.Json;

namespace IpVlanWin.HostNetwork.Tests.Linux;

/// <summary>Our reading of the kernel against iproute2's.</summary>
[TestClass]
[SupportedOSPlatform("linux")]
public sealed class IprouteComparisonTests
{
    [TestMethod]
    public void EverythingListed_IsWhatIpShows()
    {
        using var one = new TestNamespace("cmp1");
        using var two = new TestNamespace("cmp2");
        var (near, _) = one.Join(two);
        one.Netlink.SetMaster(one.Netlink.CreateVeth("p", "q").Index, one.Netlink.CreateBridge("br").Index);
        one.Netlink.AddAddress(near.Index, IPAddress.Parse("10.0.0.1"), 24);
        one.Netlink.AddAddress(near.Index, IPAddress.Parse("2001:db8::1"), 64, AddressFlags.NoDad);
        one.Netlink.AddRoute(new HostRoute { Destination = IPNetwork.Parse("0.0.0.0/0"), Gateway = IPAddress.Parse("10.0.0.254"), LinkIndex = near.Index });
        one.Netlink.AddRoute(new HostRoute { Destination = IPNetwork.Parse("2001:db8:1::/48"), Gateway = IPAddress.Parse("2001:db8::2"), LinkIndex = near.Index, Metric = 9 });
        one.Netlink.AddRoute(new HostRoute { Destination = IPNetwork.Parse("10.66.0.0/16"), Kind = RouteKind.Blackhole });
        one.Netlink.SetNeighbor(near.Index, IPAddress.Parse("10.0.0.9"), PhysicalAddress.Parse("02-00-00-00-00-09"));
        Iproute.Run("-n", one.Name, "route", "add", "198.51.100.0/24", "nexthop", "via", "10.0.0.7", "nexthop", "via", "10.0.0.8");

        Compare(one.Netlink.ListLinks().Select(l => $"{l.Index} {l.Name} {l.IpMtu} {l.Mac} {l.Kind} up={l.IsUp}"),
            Ip(one, "-d", "link").Select(e =>
                $"{e.GetProperty("ifindex").GetInt32()} {Text(e, "ifname")} {e.GetProperty("mtu").GetInt32()} {PhysicalAddress.Parse(Text(e, "address").Replace(':', '-').ToUpperInvariant())} "
                + $"{(e.TryGetProperty("linkinfo", out var info) && info.TryGetProperty("info_kind", out var kind) ? kind.GetString() : "")} up={e.GetProperty("flags").EnumerateArray().Any(f => f.GetString() == "UP")}"));

        Compare(one.Netlink.ListAddresses().Select(a => $"{a.LinkIndex} {a.Address}/{a.PrefixLength} {a.Scope} tentative={a.IsTentative}"),
            Ip(one, "address").SelectMany(e => e.GetProperty("addr_info").EnumerateArray().Select(a =>
                $"{e.GetProperty("ifindex").GetInt32()} {IPAddress.Parse(Text(a, "local"))}/{a.GetProperty("prefixlen").GetInt32()} "
                + $"{CultureInfo.InvariantCulture.TextInfo.ToTitleCase(Text(a, "scope"))} tentative={a.TryGetProperty("tentative", out _)}")));

        string Name(int index) => index == 0 ? "" : one.Netlink.GetLink(index).Name;
        Compare(one.Netlink.ListRoutes().Select(r => $"{(r.Kind == RouteKind.Unicast ? "" : r.Kind)} {r.Destination} {r.Gateway} {Name(r.LinkIndex)} {r.Metric}"),
            Ip(one, "-4", "route").SelectMany(e => Routes(e, "0.0.0.0/0", "/32")).Concat(Ip(one, "-6", "route").SelectMany(e => Routes(e, "::/0", "/128"))));

        Compare(one.Netlink.ListNeighbors().Where(n => n.State == NeighborState.Permanent).Select(n => $"{n.Address} {n.Mac}"),
            Ip(one, "neighbor").Where(e => e.GetProperty("state").EnumerateArray().Any(s => s.GetString() == "PERMANENT")).Select(e =>
                $"{Text(e, "dst")} {PhysicalAddress.Parse(Text(e, "lladdr").Replace(':', '-').ToUpperInvariant())}"));
    }

    private static IEnumerable<string> Routes(JsonElement route, string whole, string single)
    {
        var destination = Text(route, "dst");
        if (destination == "default") destination = whole;
        if (!destination.Contains('/', StringComparison.Ordinal)) destination += single;
        var type = CultureInfo.InvariantCulture.TextInfo.ToTitleCase(Text(route, "type"));
        var metric = route.TryGetProperty("metric", out var m) ? m.GetUInt32() : 0;
        IEnumerable<JsonElement> hops = route.TryGetProperty("nexthops", out var list) ? list.EnumerateArray() : [route];
        return hops.Select(hop => $"{(type == "Unicast" ? "" : type)} {IPNetwork.Parse(destination)} {Text(hop, "gateway")} {Text(hop, "dev")} {metric}");
    }

    private static JsonElement[] Ip(TestNamespace test, params string[] arguments)
    {
        using var document = JsonDocument.Parse(Iproute.Run(["-n", test.Name, "-j", .. arguments]));
        return document.RootElement.EnumerateArray().Select(e => e.Clone()).ToArray();
    }

    private static string Text(JsonElement element, string property) => element.TryGetProperty(property, out var value) ? value.GetString()! : "";

    private static void Compare(IEnumerable<string> ours, IEnumerable<string> theirs) =>
        Assert.AreEqual(string.Join('\n', theirs.Order(StringComparer.Ordinal)), string.Join('\n', ours.Order(StringComparer.Ordinal)));
}
