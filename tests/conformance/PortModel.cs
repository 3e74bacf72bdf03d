using System.Net;
using System.Text.Json.Nodes;
using IpVlanWin.Cli.Replay;

namespace IpVlanWin.Conformance;

/// <summary>The recorded state of a port between two steps, and what its host has on the master.</summary>
internal sealed class PortModel
{
    private readonly TopologyMaster _master;
    private readonly HashSet<string> _hostAddresses;
    private readonly Dictionary<string, HashSet<string>> _former = new(StringComparer.Ordinal);

    public PortModel(Topology start, JsonObject state)
    {
        _master = start.Master;
        Mac = start.Master.Mac;
        _hostAddresses = [.. start.Master.Addresses ?? []];
        Take(state);
    }

    public string Mode { get; private set; } = "";

    public string Flag { get; private set; } = "";

    public bool IsUp { get; private set; }

    public int Mtu { get; private set; }

    public string Mac { get; private set; }

    public JsonObject After { get; private set; } = [];

    /// <summary>The host's IPv6 went with an MTU that IPv6 cannot have: what it would route is not judged.</summary>
    public bool HostLacksIpv6 { get; private set; }

    public void Take(JsonObject state)
    {
        foreach (var (name, after) in After)
        {
            var former = _former.TryGetValue(name, out var known) ? known : _former[name] = [];
            former.UnionWith(((JsonArray)after!["multicast"]!).Select(group => (string)group!));
        }
        var port = state["port"]!;
        (Mode, Flag, IsUp, Mtu) = ((string)port["mode"]!, (string)port["flag"]!, (bool)port["up"]!, (int)port["mtu"]!);
        After = (JsonObject)state["after"]!.DeepClone();
        HostLacksIpv6 |= Mtu < 1280;
    }

    public void FollowHost(string kind, ActionArguments arguments, string result)
    {
        if (arguments.Interface != _master.Name || result != "ok")
            return;
        if (kind == "set-mac")
            Mac = arguments.Mac!;
        if (kind == "address-add")
            _hostAddresses.Add(arguments.Address!);
        if (kind == "address-del")
            _hostAddresses.Remove(arguments.Address!);
    }

    public bool IsMember(string name, string mac) => Groups(name).Contains(mac);

    public bool WasMember(string name, string mac) => _former.GetValueOrDefault(name)?.Contains(mac) == true;

    public bool TakesAllMulticast(string name) => After[name] is { } after && ((bool)after["promiscuous"]! || (bool)after["allmulti"]!);

    public bool Has(string name, ReadOnlySpan<byte> address)
    {
        if (address.Length is not (4 or 16) || After[name] is not { } after)
            return false;
        var text = new IPAddress(address).ToString() + "/";
        return ((JsonArray)after["addresses"]!).Any(one => ((string)one!).StartsWith(text, StringComparison.Ordinal));
    }

    /// <summary>The host knows where packets to an address go: it is its own, or a prefix or route holds it.</summary>
    public bool HasRoute(IPAddress destination)
    {
        var prefixes = _hostAddresses.Concat((_master.Routes ?? []).Select(route => route.Destination == "default" ? route.Via.Contains(':', StringComparison.Ordinal) ? "::/0" : "0.0.0.0/0" : route.Destination));
        return prefixes.Any(prefix => Holds(prefix, destination));
    }

    private static bool Holds(string prefix, IPAddress address)
    {
        var slash = prefix.IndexOf('/', StringComparison.Ordinal);
        var network = IPAddress.Parse(prefix[..slash]);
        if (network.AddressFamily != address.AddressFamily)
            return false;
        var (one, other) = (network.GetAddressBytes(), address.GetAddressBytes());
        var bits = int.Parse(prefix[(slash + 1)..], System.Globalization.CultureInfo.InvariantCulture);
        for (var i = 0; i < bits; i++)
        {
            if (((one[i / 8] ^ other[i / 8]) & (0x80 >> (i % 8))) != 0)
                return false;
        }
        return true;
    }

    private IEnumerable<string> Groups(string name) => After[name] is { } after ? ((JsonArray)after["multicast"]!).Select(group => (string)group!) : [];
}
