using System.Net;
using System.Net.Sockets;

namespace IpVlanWin.HostNetwork;

/// <summary>
/// A host whose own stack moves the packets of interfaces: what a data path puts on it besides addresses and routes. Windows is what it is
/// for; Linux has the same arrangement for the lab and for tests. Members may be called by any thread and throw
/// <see cref="HostNetworkException"/> with the system's own code when it refuses.
/// </summary>
public interface IStandInHost : IDisposable
{
    /// <summary>Links, addresses, routes, neighbors.</summary>
    IHostNetwork Network { get; }

    /// <summary>Index of the loopback.</summary>
    int LoopbackIndex { get; }

    /// <summary>What the master's IP layer needs besides, so that <see cref="AddProxy"/> makes it answer.</summary>
    IpInterfaceChange ProxyNeeds { get; }

    /// <summary>How many addresses can be asked for on the wire within a second, by <see cref="IHostNetwork.Resolve"/>.</summary>
    int ProbesAtOnce { get; }

    /// <summary>Follows the host's network.</summary>
    /// <param name="onChanges">Told on a thread of the watch.</param>
    IHostWatch Watch(Action<IReadOnlyList<HostChange>>? onChanges);

    /// <summary>A link's identity that outlives a new name; on Windows also a restart of the system.</summary>
    /// <param name="link">The link.</param>
    string IdOf(HostLink link);

    /// <summary>The link of an identity, or null.</summary>
    /// <param name="id">From <see cref="IdOf"/>.</param>
    HostLink? FindLink(string id);

    /// <summary>The link that is meant, or null.</summary>
    /// <param name="text">Its name or index; on Windows also its LUID.</param>
    HostLink? FindMaster(string text);

    /// <summary>Null where a link can be a master, or one sentence with the reason and what to take instead.</summary>
    /// <param name="link">An Ethernet link.</param>
    string? MasterRefusal(HostLink link);

    /// <summary>Unicast packets that a link has received and sent so far, as its adapter counts them.</summary>
    /// <param name="linkIndex">The link.</param>
    long CountUnicast(int linkIndex);

    /// <summary>Null where an interface can live in a namespace now, or one sentence with what it waits for.</summary>
    /// <param name="namespaceName">The namespace.</param>
    string? NamespaceLack(string namespaceName);

    /// <summary>Makes a stand-in, up. When it fails, nothing is left of it.</summary>
    /// <param name="kind">What of.</param>
    /// <param name="tag">Its identity, new for each; remember it before calling.</param>
    /// <param name="name">The link's name.</param>
    /// <param name="namespaceName">For <see cref="StandInKind.VSwitch"/>: where the container is.</param>
    StandInLink Create(StandInKind kind, Guid tag, string name, string? namespaceName);

    /// <summary>The stand-in of a tag, or null when it has no device or no link (any more).</summary>
    /// <param name="tag">Its identity.</param>
    StandInLink? FindStandIn(Guid tag);

    /// <summary>All devices of ours.</summary>
    IReadOnlyList<StandInDevice> ListStandIns();

    /// <summary>Makes it a quiet one: no names registered, nothing served on it.</summary>
    /// <param name="standIn">The stand-in.</param>
    /// <returns>What was before, to remember for <see cref="Restore"/>; null where nothing was changed.</returns>
    string? Quieten(StandInLink standIn);

    /// <summary>The firewall's profile of each link, by index, where the system has profiles and knows the network; it decides which listeners are reached.</summary>
    IReadOnlyDictionary<int, string> ListFirewallProfiles();

    /// <summary>Puts back what <see cref="Quieten"/> changed.</summary>
    /// <param name="standIn">The stand-in.</param>
    /// <param name="before">What that returned.</param>
    void Restore(StandInLink standIn, string before);

    /// <summary>Renames its link.</summary>
    /// <param name="standIn">The stand-in.</param>
    /// <param name="name">The new name.</param>
    StandInLink Rename(StandInLink standIn, string name);

    /// <summary>Removes the device, which takes addresses and routes with it; nothing when it is gone already.</summary>
    /// <param name="tag">Its identity.</param>
    void Remove(Guid tag);

    /// <summary>The IP layer's settings of a link; null where that family is not bound to it.</summary>
    /// <param name="linkIndex">The link.</param>
    /// <param name="family">IPv4 or IPv6.</param>
    IpInterfaceSettings? FindIpInterface(int linkIndex, AddressFamily family);

    /// <summary>Changes them.</summary>
    /// <param name="linkIndex">The link.</param>
    /// <param name="family">IPv4 or IPv6.</param>
    /// <param name="change">What to change.</param>
    void SetIpInterface(int linkIndex, AddressFamily family, IpInterfaceChange change);

    /// <summary>
    /// Lets a link answer for an address that is on another one. False where the system cannot: then a route of the upstream router must
    /// lead to this host.
    /// </summary>
    /// <param name="linkIndex">The link that answers.</param>
    /// <param name="address">The address.</param>
    /// <param name="isForwarded">It is behind this host, and not its own.</param>
    bool AddProxy(int linkIndex, IPAddress address, bool isForwarded);

    /// <summary>Ends that; nothing where there is none.</summary>
    /// <param name="linkIndex">The link.</param>
    /// <param name="address">The address.</param>
    void RemoveProxy(int linkIndex, IPAddress address);

    /// <summary>Makes a container's end of a vSwitch stand-in have these addresses and no others, and routes by the host.</summary>
    /// <param name="namespaceName">Where the container is.</param>
    /// <param name="standIn">The stand-in.</param>
    /// <param name="side">What it is to have.</param>
    void Furnish(string namespaceName, StandInLink standIn, ContainerSide side);

    /// <summary>A container's end of a vSwitch stand-in, a link of that namespace; null while the container service has put none there that is known to be it.</summary>
    /// <param name="namespaceName">Where the container is.</param>
    /// <param name="standIn">The stand-in.</param>
    HostLink? FindEnd(string namespaceName, StandInLink standIn);

    /// <summary>Does something to the network of a namespace, and waits for it.</summary>
    /// <param name="namespaceName">The namespace.</param>
    /// <param name="body">Synchronous work; what it is given is closed afterwards.</param>
    void Inside(string namespaceName, Action<IHostNetwork> body);

    /// <summary>
    /// Whether the stack of a stand-in asks the wire for an address before it uses it. False where it cannot, because the stand-in is on no
    /// wire: then <see cref="AddressFlags.NoDad"/> goes with its addresses.
    /// </summary>
    /// <param name="namespaceName">The link's namespace; null for the host's.</param>
    /// <param name="linkIndex">The stand-in's link there.</param>
    /// <param name="family">IPv4 or IPv6.</param>
    /// <param name="asks">What is wanted.</param>
    bool SetAsking(string? namespaceName, int linkIndex, AddressFamily family, bool asks);
}

/// <summary>The part of furnishing a container that is the same on both systems.</summary>
internal static class ContainerFurniture
{
    // Behind 1024, which IPv6 routes of Linux have that are given none.
    private const uint FurtherMetric = 2048;

    public static void Place(IHostNetwork network, int link, ContainerSide side)
    {
        var present = network.ListAddresses(link).Where(static one => !one.Address.IsIPv6LinkLocal).ToList();
        foreach (var surplus in present.Where(one => !side.Addresses.Contains(one.Address)))
            network.RemoveAddress(link, surplus.Address, surplus.PrefixLength);
        foreach (var address in side.Addresses.Where(address => !present.Exists(one => one.Address.Equals(address))))
            network.AddAddress(link, address, Bits(address), AddressFlags.NoDad);
        var all = network.ListRoutes();
        var routes = all.Where(route => route.LinkIndex == link).ToList();
        if (side.GatewayFour is { } four)
        {
            Route(new HostRoute { Destination = new IPNetwork(four, 32), LinkIndex = link });
            Route(new HostRoute { Destination = new IPNetwork(IPAddress.Any, 0), LinkIndex = link, Gateway = four });
        }
        if (side.GatewaySix is { } six)
            Route(new HostRoute { Destination = new IPNetwork(IPAddress.IPv6Any, 0), LinkIndex = link, Gateway = six });

        void Route(HostRoute wanted)
        {
            if (routes.Exists(route => route.Destination == wanted.Destination && Equals(route.Gateway, wanted.Gateway)))
                return;
            // Where a container has two interfaces, the default route of the first stays: on Linux one of the same metric would take its place.
            var isTaken = all.Any(route => route.LinkIndex != link && route.Destination == wanted.Destination);
            network.ReplaceRoute(isTaken ? wanted with { Metric = FurtherMetric + (uint)link } : wanted);
        }
    }

    public static int Bits(IPAddress address) => address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128;
}
