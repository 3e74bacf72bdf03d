namespace IpVlanWin.HostNetwork.Linux;

public sealed partial class RouteNetlink
{
    // Each returns false when the table changed while it was read.

    internal static bool DumpLinks(NetlinkSocket socket, Action<HostLink> take) =>
        socket.Dump(Rtnl.RTM_GETLINK, new IfInfoMsg(), "list the links", (in header, payload) =>
        {
            if (header.Type != Rtnl.RTM_NEWLINK) return true;
            var result = RouteParser.Link(payload, out var link);
            if (result == ParseResult.Parsed) take(link!);
            return result != ParseResult.Malformed;
        });

    internal static bool DumpAddresses(NetlinkSocket socket, Action<HostAddress> take) =>
        DumpAddresses(socket, Rtnl.AF_INET, take) & DumpAddresses(socket, Rtnl.AF_INET6, take);

    internal static bool DumpRoutes(NetlinkSocket socket, Action<HostRoute> take) =>
        DumpRoutes(socket, Rtnl.AF_INET, take) & DumpRoutes(socket, Rtnl.AF_INET6, take);

    internal static bool DumpNeighbors(NetlinkSocket socket, Action<HostNeighbor> take) =>
        DumpNeighbors(socket, Rtnl.AF_INET, take) & DumpNeighbors(socket, Rtnl.AF_INET6, take);

    private static bool DumpAddresses(NetlinkSocket socket, byte family, Action<HostAddress> take) =>
        socket.Dump(Rtnl.RTM_GETADDR, new IfAddrMsg { Family = family }, "list the addresses", (in header, payload) =>
        {
            if (header.Type != Rtnl.RTM_NEWADDR || IsOther(payload, family)) return true;
            var result = RouteParser.Address(payload, out var address);
            if (result == ParseResult.Parsed) take(address!);
            return result != ParseResult.Malformed;
        });

    private static bool DumpRoutes(NetlinkSocket socket, byte family, Action<HostRoute> take)
    {
        var routes = new List<HostRoute>();
        return socket.Dump(Rtnl.RTM_GETROUTE, new RtMsg { Family = family }, "list the routes", (in header, payload) =>
        {
            if (header.Type != Rtnl.RTM_NEWROUTE || IsOther(payload, family)) return true;
            routes.Clear();
            var result = RouteParser.Routes(payload, routes);
            if (result == ParseResult.Parsed) routes.ForEach(take);
            return result != ParseResult.Malformed;
        });
    }

    private static bool DumpNeighbors(NetlinkSocket socket, byte family, Action<HostNeighbor> take) =>
        socket.Dump(Rtnl.RTM_GETNEIGH, new NdMsg { Family = family }, "list the neighbors", (in header, payload) =>
        {
            if (header.Type != Rtnl.RTM_NEWNEIGH || IsOther(payload, family)) return true;
            var result = RouteParser.Neighbor(payload, out var neighbor);
            if (result == ParseResult.Parsed && RouteParser.IsShown(neighbor!)) take(neighbor!);
            return result != ParseResult.Malformed;
        });

    /// <summary>A kernel without one family answers its dump with all families; the family is each body's first byte.</summary>
    private static bool IsOther(ReadOnlySpan<byte> payload, byte family) => !payload.IsEmpty && payload[0] != family;
}
