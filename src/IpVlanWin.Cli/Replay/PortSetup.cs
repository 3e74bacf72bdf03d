using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Routing;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Cli.Replay;

/// <summary>
/// Makes the port that a topology describes, in the set-up order of the conformance format (section 2). What is wrong in it is told
/// with the JSON path and the legal values.
/// </summary>
internal readonly struct PortSetup
{
    private readonly string _source;

    private PortSetup(string source) => _source = source;

    /// <summary>Makes the port; its master is up.</summary>
    /// <param name="topology">What it begins with.</param>
    /// <param name="source">Where that was read, for messages.</param>
    /// <exception cref="CommandException">A value is not legal.</exception>
    public static Port Build(Topology topology, string source) => new PortSetup(source).Build(topology);

    private Port Build(Topology topology)
    {
        if (!PortWords.TryParse(topology.Mode, out PortMode mode))
            Fail("mode", topology.Mode, PortWords.Modes);
        if (!PortWords.TryParse(topology.Flag, out PortFlag flag))
            Fail("flag", topology.Flag, PortWords.Flags);
        var port = BuildMaster(topology.Master);
        for (var i = 0; i < topology.Interfaces.Count; i++)
            AddInterface(port, mode, flag, topology.Interfaces[i], Item("interfaces", i));
        return port;
    }

    private Port BuildMaster(TopologyMaster master)
    {
        if (master.Name.Length == 0)
            Fail("master.name", master.Name, "a name");
        var mac = Station(master.Mac, "master.mac");
        if (master.Mtu is < Port.MinIpMtu or > Port.MaxIpMtu)
            Fail(string.Create(CultureInfo.InvariantCulture, $"master.mtu: {master.Mtu} must be {Port.MinIpMtu} to {Port.MaxIpMtu}"));
        var port = new Port(master.Name, mac, master.Mtu);
        for (var i = 0; i < master.Addresses?.Count; i++)
        {
            var path = Item("master.addresses", i);
            if (port.AddMasterAddress(Prefix(master.Addresses[i], path)) != PortResult.Ok)
                Fail($"{path}: the master has {master.Addresses[i]} already");
        }
        port.SetMasterUp(true);
        for (var i = 0; i < master.Routes?.Count; i++)
            AddRoute(port, master.Routes[i], Item("master.routes", i));
        for (var i = 0; i < master.Neighbors?.Count; i++)
            AddNeighbor(port, master.Neighbors[i], Item("master.neighbors", i));
        return port;
    }

    private void AddRoute(Port port, TopologyRoute? route, string path)
    {
        if (route is null)
            Fail(path, null, "an object with destination and via");
        var via = Address(route.Via, path + ".via");
        var prefix = new L3Prefix(via.Masked(0), 0);
        if (route.Destination != "default" && !TryPrefix(route.Destination, out prefix))
            Fail(path + ".destination", route.Destination, "default, or ADDRESS/PREFIX such as 10.0.0.0/24 or fd00::/64");
        if (prefix.Address.IsSix != via.IsSix)
            Fail($"{path}: destination {route.Destination} and via {route.Via} must both be IPv4 or both IPv6");
        port.AddRoute(prefix, new Route(via));
    }

    private void AddNeighbor(Port port, TopologyNeighbor? neighbor, string path)
    {
        if (neighbor is null)
            Fail(path, null, "an object with address and mac");
        port.Neighbors.Set(Address(neighbor.Address, path + ".address"), Station(neighbor.Mac, path + ".mac"), TimeSpan.MaxValue);
    }

    private void AddInterface(Port port, PortMode mode, PortFlag flag, TopologyInterface? declared, string path)
    {
        if (declared is null)
            Fail(path, null, "an object with name");
        if (declared.Name.Length == 0 || declared.Name == port.MasterName)
            Fail(path + ".name", declared.Name, "a name other than the master's");
        var result = port.AddInterface(declared.Name, mode, flag, out var added);
        if (result == PortResult.Exists)
            Fail($"{path}.name: '{declared.Name}' names another interface already; names are unique");
        if (result != PortResult.Ok)
            Fail($"{path}: a port has at most {Port.MaxInterfaces} interfaces");
        port.SetUp(added!, declared.Up);
        port.SetPromiscuous(added!, declared.Promiscuous);
        port.SetAllMulticast(added!, declared.Allmulti);
        for (var i = 0; i < declared.Addresses?.Count; i++)
        {
            var prefix = Prefix(declared.Addresses[i], Item(path + ".addresses", i));
            if (port.AddAddress(added!, prefix) != PortResult.Ok)
                Fail($"{Item(path + ".addresses", i)}: {prefix.Address} belongs to interface '{port.OwnerOf(prefix.Address)}' already; an address has one owner");
        }
        var groups = new MacAddress[declared.Multicast?.Count ?? 0];
        for (var i = 0; i < groups.Length; i++)
        {
            if (!MacAddress.TryParse(declared.Multicast![i], out groups[i]) || !groups[i].IsMulticast)
                Fail(Item(path + ".multicast", i), declared.Multicast[i], "a multicast MAC such as 33:33:00:00:00:01");
        }
        port.SetGroups(added!, groups);
    }

    private MacAddress Station(string? text, string path)
    {
        if (!MacAddress.TryParse(text, out var mac) || mac.IsMulticast)
            Fail(path, text, "a unicast MAC such as 02:00:00:00:00:01");
        return mac;
    }

    private L3Address Address(string? text, string path)
    {
        if (!L3Address.TryParse(text, out var address))
            Fail(path, text, "an IPv4 or IPv6 address such as 10.0.0.254 or fd00::fe");
        return address;
    }

    private L3Prefix Prefix(string? text, string path)
    {
        if (!TryPrefix(text, out var prefix))
            Fail(path, text, "ADDRESS/PREFIX such as 10.0.0.2/24 or fd00::2/64, PREFIX 0 to 32 or 128");
        return prefix;
    }

    private static bool TryPrefix(string? text, out L3Prefix prefix) =>
        L3Prefix.TryParse(text, out prefix) && text.Contains('/', StringComparison.Ordinal);

    private static string Item(string list, int index) => string.Create(CultureInfo.InvariantCulture, $"{list}[{index}]");

    [DoesNotReturn]
    private void Fail(string path, string? got, string legal) => Fail($"{path}: {(got is null ? "null" : $"'{got}'")} must be {legal}");

    [DoesNotReturn]
    private void Fail(string fault) => throw CommandException.Refused($"{_source}: {fault}");
}
