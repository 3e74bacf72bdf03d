using System.Globalization;
using IpVlanWin.Cli.Replay;

namespace IpVlanWin.Conformance;

/// <summary>The few addresses, groups and words that scenarios choose from: few, so that they meet.</summary>
internal static class Pool
{
    public static readonly string[] Modes = ["l2", "l3", "l3s"];
    public static readonly string[] Flags = ["bridge", "private", "vepa"];
    public static readonly string[] Four = ["10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.1.4", "10.7.0.2", "192.0.2.8"];
    public static readonly string[] Six = ["fd00::2", "fd00::3", "fd00::4", "fe80::2", "fe80::5", "fd00:1::4", "2001:db8:9::1"];
    public static readonly string[] All = [.. Four, .. Six, "10.0.0.1", "fd00::1"];
    public static readonly string[] Groups = ["01:00:5e:00:00:fb", "01:00:5e:09:09:09", "33:33:00:00:00:fb", "33:33:ff:00:00:55", "01:80:c2:00:00:0e"];
    public static readonly string[] HostExtras = ["10.5.0.1/16", "172.16.0.0/31", "192.0.2.9/32", "10.0.0.129/25", "fd00:5::1/48", "2001:db8:9::9/128"];

    /// <summary>On-link, and nobody has told the host their MACs.</summary>
    public static readonly string[] Unresolved = ["10.0.0.77", "10.5.0.7", "172.16.0.1", "10.0.0.200", "fd00::77", "fd00:5::7", "fe80::77"];

    /// <summary>Elsewhere: the master's and its station, beyond a gateway, and addresses that no packet may go to.</summary>
    public static readonly string[] ElsewhereFour =
        ["10.0.0.1", "10.0.0.99", "10.0.0.254", "198.51.100.7", "203.0.113.9", "203.0.113.200", "10.0.0.255", "10.5.255.255", "172.16.0.0", "192.0.2.9", "10.0.0.0", "255.255.255.255", "224.0.0.251", "239.9.9.9"];

    public static readonly string[] ElsewhereSix =
        ["fd00::1", "fe80::1", "fd00::99", "fd00::fe", "2001:db8::7", "2001:db8:5::1", "2001:db8:5:1::1", "ff02::1", "ff02::fb", "ff05::9", "ff01::1", "ff00::1", "ff0e::77"];

    public static string WithPrefix(string address, Random? random = null)
    {
        var isSix = address.Contains(':', StringComparison.Ordinal);
        var lengths = isSix ? (int[])[64, 64, 64, 48, 128] : [24, 24, 24, 16, 32, 31];
        return string.Create(CultureInfo.InvariantCulture, $"{address}/{(random is null ? lengths[0] : lengths[random.Next(lengths.Length)])}");
    }

    /// <summary>The master of most scenarios, with more routes where asked.</summary>
    public static TopologyMaster Master(int ipMtu = 1500, bool moreRoutes = false)
    {
        List<TopologyRoute> routes = [new("default", "10.0.0.254"), new("default", "fd00::fe")];
        if (moreRoutes)
            routes.AddRange([new("203.0.113.0/24", "10.0.0.99"), new("203.0.113.128/25", "10.0.0.254"), new("2001:db8:5::/48", "fd00::99"), new("2001:db8:5:1::/64", "fd00::fe")]);
        List<TopologyNeighbor> neighbors = [];
        foreach (var gateway in (string[])["10.0.0.254", "fd00::fe"])
            neighbors.Add(new TopologyNeighbor(gateway, Forge.Gateway));
        foreach (var station in (string[])["10.0.0.99", "fd00::99", "fe80::99"])
            neighbors.Add(new TopologyNeighbor(station, Forge.Station));
        var number = 0;
        foreach (var member in Four.Concat(Six))
            neighbors.Add(new TopologyNeighbor(member, string.Create(CultureInfo.InvariantCulture, $"02:00:00:00:01:{++number:x2}")));
        return new TopologyMaster("eth0", Forge.Own, ipMtu, ["10.0.0.1/24", "fd00::1/64", "fe80::1/64"], routes, neighbors);
    }
}
