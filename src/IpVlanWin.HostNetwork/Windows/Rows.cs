using System.Net;
using System.Net.NetworkInformation;

namespace IpVlanWin.HostNetwork.Windows;

/// <summary>IP Helper's rows to and from the neutral records.</summary>
internal static class Rows
{
    // nldef.h NL_PREFIX_ORIGIN, NL_SUFFIX_ORIGIN, NL_DAD_STATE, NL_ROUTE_PROTOCOL, NL_ROUTE_ORIGIN, NL_NEIGHBOR_STATE.
    public const int OriginManual = 1;
    public const int DadTentative = 1, DadDuplicate = 2, DadDeprecated = 3, DadPreferred = 4;
    public const int ProtocolOther = 1, ProtocolLocal = 2, ProtocolNetMgmt = 3, RouteDhcp = 2, RouteAdvertised = 3;
    public const int NeighborUnreachable = 0, NeighborIncomplete = 1, NeighborProbe = 2, NeighborDelay = 3, NeighborStale = 4, NeighborReachable = 5, NeighborPermanent = 6;
    public const uint Infinite = uint.MaxValue;

    // Linux RTPROT_*, which HostRoute.Protocol speaks.
    private const byte FromKernel = 2, FromAdministrator = 4, FromAdvertisement = 9, FromDhcp = 16;

    public static PhysicalAddress Mac(in Bytes32 bytes, uint length) =>
        length is 0 or > 32 ? PhysicalAddress.None : new PhysicalAddress(((ReadOnlySpan<byte>)bytes)[..(int)length].ToArray());

    public static int Clamp(uint value) => value > int.MaxValue ? int.MaxValue : (int)value;

    /// <summary>The address of a row; null when it is of neither family.</summary>
    public static HostAddress? ToAddress(in MibUnicastIpAddressRow row)
    {
        if (row.Address.ToAddress() is not { } address) return null;
        var flags = row.DadState switch
        {
            DadTentative => AddressFlags.Tentative,
            DadDuplicate => AddressFlags.DadFailed,
            DadDeprecated => AddressFlags.Deprecated,
            _ => AddressFlags.None,
        };
        if (row.ValidLifetime == Infinite) flags |= AddressFlags.Permanent;
        return new HostAddress((int)row.InterfaceIndex, address, row.OnLinkPrefixLength, ScopeOf(address), flags);
    }

    /// <summary>The route of a row; null when it is of neither family or its prefix is not one.</summary>
    public static HostRoute? ToRoute(in MibIpForwardRow2 row)
    {
        var length = row.DestinationPrefix.PrefixLength;
        if (row.DestinationPrefix.Prefix.ToAddress() is not { } destination || length > destination.GetAddressBytes().Length * 8) return null;
        var gateway = row.NextHop.ToAddress();
        return new HostRoute
        {
            Destination = Network(destination, length),
            Kind = KindOf(row, destination, length),
            LinkIndex = (int)row.InterfaceIndex,
            Gateway = gateway is null || gateway.Equals(IPAddress.Any) || gateway.Equals(IPAddress.IPv6Any) ? null : gateway,
            Metric = row.Metric,
            Protocol = row.Origin switch
            {
                RouteDhcp => FromDhcp,
                RouteAdvertised => FromAdvertisement,
                _ => row.Protocol switch
                {
                    ProtocolLocal => FromKernel,
                    ProtocolNetMgmt => FromAdministrator,
                    _ => 0,
                },
            },
        };
    }

    public static int ProtocolOf(byte protocol) => protocol switch
    {
        FromKernel => ProtocolLocal,
        FromAdministrator => ProtocolNetMgmt,
        _ => ProtocolOther,
    };

    /// <summary>The neighbor of a row; null when it is of neither family, or a group or broadcast address, which need no resolution.</summary>
    public static HostNeighbor? ToNeighbor(in MibIpNetRow2 row)
    {
        if (row.Address.ToAddress() is not { } address || IsGroup(address) || IsBroadcast(row)) return null;
        var mac = row.PhysicalAddressLength == 0 || row.State is NeighborIncomplete or NeighborUnreachable ? null : Mac(row.PhysicalAddress, row.PhysicalAddressLength);
        return new HostNeighbor((int)row.InterfaceIndex, address, mac, StateOf(row.State));
    }

    public static NeighborState StateOf(int state) => state switch
    {
        NeighborUnreachable => NeighborState.Failed,
        NeighborIncomplete => NeighborState.Incomplete,
        NeighborProbe => NeighborState.Probe,
        NeighborDelay => NeighborState.Delay,
        NeighborStale => NeighborState.Stale,
        NeighborReachable => NeighborState.Reachable,
        NeighborPermanent => NeighborState.Permanent,
        _ => NeighborState.None,
    };

    public static AddressScope ScopeOf(IPAddress address) => address switch
    {
        _ when IPAddress.IsLoopback(address) => AddressScope.Host,
        { IsIPv6LinkLocal: true } => AddressScope.Link,
        { IsIPv6SiteLocal: true } => AddressScope.Site,
        _ when address.GetAddressBytes() is [169, 254, _, _] => AddressScope.Link,
        _ => AddressScope.Global,
    };

    /// <summary>A prefix whose bits beyond its length are cleared.</summary>
    public static IPNetwork Network(IPAddress address, int length)
    {
        var bytes = address.GetAddressBytes();
        for (var i = 0; i < bytes.Length; i++)
        {
            var kept = Math.Clamp(length - (i * 8), 0, 8);
            bytes[i] &= (byte)(0xFF << (8 - kept));
        }
        return new IPNetwork(new IPAddress(bytes), length);
    }

    private static RouteKind KindOf(in MibIpForwardRow2 row, IPAddress destination, int length) => destination switch
    {
        _ when row.Loopback != 0 => RouteKind.Local,
        _ when destination.Equals(IPAddress.Broadcast) && length == 32 => RouteKind.Broadcast,
        _ when IsGroup(destination) && length > 0 => RouteKind.Multicast,
        _ => RouteKind.Unicast,
    };

    private static bool IsGroup(IPAddress address) => address.IsIPv6Multicast || address.GetAddressBytes() is [>= 224 and <= 239, _, _, _];

    /// <summary>The subnet's broadcast address, which Windows keeps as a permanent neighbor.</summary>
    private static bool IsBroadcast(in MibIpNetRow2 row) =>
        row.PhysicalAddressLength == 6 && !((ReadOnlySpan<byte>)row.PhysicalAddress)[..6].ContainsAnyExcept((byte)0xFF);
}
