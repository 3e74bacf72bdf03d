using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;

namespace IpVlanWin.HostNetwork.Linux;

/// <summary>Writes the rtnetlink requests for addresses, routes and neighbors.</summary>
internal static class RouteRequests
{
    public static void Address(NetlinkWriter writer, bool add, int link, IPAddress address, int prefixLength, AddressFlags flags)
    {
        RequireIndex(link);
        var family = FamilyOf(address);
        if (prefixLength < 0 || prefixLength > MaxPrefix(family))
        {
            throw new ArgumentOutOfRangeException(nameof(prefixLength), prefixLength, $"the prefix length of {address} must be 0 to {MaxPrefix(family)}");
        }
        writer.Begin(add ? Rtnl.RTM_NEWADDR : Rtnl.RTM_DELADDR, add ? Rtnl.NLM_F_CREATE | Rtnl.NLM_F_EXCL : 0,
            add ? $"add address {address}/{prefixLength} to link {link}" : $"remove address {address}/{prefixLength} from link {link}",
            new IfAddrMsg
            {
                Family = family,
                PrefixLength = (byte)prefixLength,
                Flags = (byte)flags,
                // The kernel works out an IPv6 address's scope itself; an IPv4 loopback address must not leave the host.
                Scope = (byte)(family == Rtnl.AF_INET && IPAddress.IsLoopback(address) ? AddressScope.Host : AddressScope.Global),
                Index = link,
            });
        writer.Attribute(Rtnl.IFA_LOCAL, address);
        writer.Attribute(Rtnl.IFA_ADDRESS, address);
        if (add && flags != 0) writer.Attribute(Rtnl.IFA_FLAGS, (uint)flags);
        writer.End();
    }

    /// <param name="writer">Where to.</param>
    /// <param name="route">The route.</param>
    /// <param name="flags">NLM_F_CREATE with NLM_F_EXCL or NLM_F_REPLACE to add, 0 to remove.</param>
    public static void Route(NetlinkWriter writer, HostRoute route, int flags)
    {
        var family = FamilyOf(route.Destination.BaseAddress);
        var add = flags != 0;
        var rejects = route.Kind is RouteKind.Blackhole or RouteKind.Unreachable or RouteKind.Prohibit or RouteKind.Throw;
        if (!rejects && route.LinkIndex <= 0 && route.Gateway is null)
        {
            throw new ArgumentException($"route to {route.Destination}: a {route.Kind} route needs a link or a gateway", nameof(route));
        }
        if (route.Gateway is not null && family == Rtnl.AF_INET6 && FamilyOf(route.Gateway) != Rtnl.AF_INET6)
        {
            throw new ArgumentException($"route to {route.Destination}: the gateway of an IPv6 route must be an IPv6 address, not {route.Gateway}", nameof(route));
        }
        if (route.PreferredSource is not null && FamilyOf(route.PreferredSource) != family)
        {
            throw new ArgumentException($"route to {route.Destination}: the preferred source must be of the same family, not {route.PreferredSource}", nameof(route));
        }
        writer.Begin(add ? Rtnl.RTM_NEWROUTE : Rtnl.RTM_DELROUTE, flags,
            (flags & Rtnl.NLM_F_REPLACE) != 0 ? $"replace the {Describe(route)}" : add ? $"add the {Describe(route)}" : $"remove the {Describe(route)}",
            new RtMsg
            {
                Family = family,
                DestinationLength = (byte)route.Destination.PrefixLength,
                Table = Rtnl.RT_TABLE_MAIN,
                Protocol = add ? route.Protocol : (byte)0,
                Scope = (byte)(add ? ScopeOf(route) : AddressScope.Nowhere),
                Type = (byte)route.Kind,
                Flags = route.OnLink ? Rtnl.RTNH_F_ONLINK : 0u,
            });
        if (route.Destination.PrefixLength > 0) writer.Attribute(Rtnl.RTA_DST, route.Destination.BaseAddress);
        if (route.Gateway is { } gateway)
        {
            if (FamilyOf(gateway) == family) writer.Attribute(Rtnl.RTA_GATEWAY, gateway);
            else writer.Via(FamilyOf(gateway), gateway);
        }
        if (route.LinkIndex > 0) writer.Attribute(Rtnl.RTA_OIF, (uint)route.LinkIndex);
        if (route.Metric != 0) writer.Attribute(Rtnl.RTA_PRIORITY, route.Metric);
        if (route.PreferredSource is not null) writer.Attribute(Rtnl.RTA_PREFSRC, route.PreferredSource);
        writer.End();
    }

    public static void Neighbor(NetlinkWriter writer, int link, IPAddress address, PhysicalAddress mac, NeighborState state)
    {
        RequireIndex(link);
        ArgumentNullException.ThrowIfNull(mac);
        writer.Begin(Rtnl.RTM_NEWNEIGH, Rtnl.NLM_F_CREATE | Rtnl.NLM_F_REPLACE, $"set neighbor {address} of link {link} to {mac}",
            new NdMsg { Family = FamilyOf(address), Index = link, State = (ushort)state });
        writer.Attribute(Rtnl.NDA_DST, address);
        writer.Attribute(Rtnl.NDA_LLADDR, mac.GetAddressBytes());
        writer.End();
    }

    public static void RemoveNeighbor(NetlinkWriter writer, int link, IPAddress address)
    {
        RequireIndex(link);
        writer.Begin(Rtnl.RTM_DELNEIGH, 0, $"remove neighbor {address} of link {link}", new NdMsg { Family = FamilyOf(address), Index = link });
        writer.Attribute(Rtnl.NDA_DST, address);
        writer.End();
    }

    /// <summary>NTF_USE makes the kernel behave as if a packet had been sent to the neighbor (neigh_add, neigh_event_send).</summary>
    public static void Resolve(NetlinkWriter writer, int link, IPAddress address)
    {
        RequireIndex(link);
        writer.Begin(Rtnl.RTM_NEWNEIGH, Rtnl.NLM_F_CREATE, $"resolve neighbor {address} of link {link}",
            new NdMsg { Family = FamilyOf(address), Index = link, Flags = Rtnl.NTF_USE });
        writer.Attribute(Rtnl.NDA_DST, address);
        writer.End();
    }

    public static void Proxy(NetlinkWriter writer, bool add, int link, IPAddress address)
    {
        RequireIndex(link);
        writer.Begin(add ? Rtnl.RTM_NEWNEIGH : Rtnl.RTM_DELNEIGH, add ? Rtnl.NLM_F_CREATE | Rtnl.NLM_F_REPLACE : 0, $"{(add ? "answer" : "stop answering")} for {address} on link {link}",
            new NdMsg { Family = FamilyOf(address), Index = link, Flags = Rtnl.NTF_PROXY });
        writer.Attribute(Rtnl.NDA_DST, address);
        writer.End();
    }

    public static byte FamilyOf(IPAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        return address.AddressFamily == AddressFamily.InterNetwork ? Rtnl.AF_INET : Rtnl.AF_INET6;
    }

    /// <summary>Links are counted from 1; the kernel takes 0 for "any" or "none" in many places.</summary>
    public static void RequireIndex(int link) => ArgumentOutOfRangeException.ThrowIfNegativeOrZero(link);

    private static int MaxPrefix(byte family) => family == Rtnl.AF_INET ? 32 : 128;

    /// <summary>As `ip route add` chooses it (RT_SCOPE_* in rtnetlink(7)).</summary>
    private static AddressScope ScopeOf(HostRoute route) => route.Kind switch
    {
        RouteKind.Local => AddressScope.Host,
        RouteKind.Broadcast or RouteKind.Multicast or RouteKind.Anycast => AddressScope.Link,
        RouteKind.Unicast when route.Gateway is null => AddressScope.Link,
        _ => AddressScope.Global,
    };

    private static string Describe(HostRoute route)
    {
        var kind = route.Kind == RouteKind.Unicast ? "" : route.Kind switch
        {
            RouteKind.Blackhole => "blackhole ",
            RouteKind.Unreachable => "unreachable ",
            RouteKind.Prohibit => "prohibit ",
            _ => route.Kind + " ",
        };
        var via = route.Gateway is null ? "" : $" via {route.Gateway}";
        var link = route.LinkIndex > 0 ? $" on link {route.LinkIndex}" : "";
        return $"{kind}route to {route.Destination}{via}{link}";
    }
}
