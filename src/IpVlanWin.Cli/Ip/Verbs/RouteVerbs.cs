using System.Globalization;
using System.Net;
using System.Runtime.Versioning;
using IpVlanWin.Cli.Ip.Grammar;
using IpVlanWin.Cli.Ip.Output;
using IpVlanWin.HostNetwork;
using IpVlanWin.HostNetwork.Linux;

namespace IpVlanWin.Cli.Ip.Verbs;

/// <summary>
/// ipvlan route: the routes of a namespace's own stack, which the service has no part in; so they are read and changed here. As ip-route(8),
/// of the main table.
/// </summary>
internal static class RouteVerbs
{
    // RTPROT_BOOT, which ip-route(8) gives what people add.
    private const byte Boot = 3;

    private enum Edit
    {
        Add,
        Replace,
        Remove,
    }

    public static Task Show(Words words, Session session)
    {
        if (!session.IsLinux)
            throw CommandException.Refused("on Windows routes are read with Get-NetRoute, in a container with: route print");
        using var netlink = Open(words, session);
        var links = netlink.ListLinks().ToDictionary(static link => link.Index);
        var wanted = words["to"] is null ? (IPNetwork?)null : Destination(words, session);
        var isSix = session.Options.Family == 6 || (wanted is { } asked && IsSix(asked.BaseAddress));
        var index = words["dev"] is null ? 0 : Link(netlink, words).Index;
        var routes = netlink.ListRoutes().Where(route =>
            IsSix(route.Destination.BaseAddress) == isSix && (wanted is null || route.Destination.Equals(wanted.Value)) && (index == 0 || route.LinkIndex == index)).ToArray();
        RouteOutput.Write(session, routes, links, hasDevice: words["dev"] is null);
        return Task.CompletedTask;
    }

    public static Task Add(Words words, Session session) => Change(words, session, Edit.Add);

    public static Task Replace(Words words, Session session) => Change(words, session, Edit.Replace);

    public static Task Delete(Words words, Session session) => Change(words, session, Edit.Remove);

    private static Task Change(Words words, Session session, Edit edit)
    {
        if (!session.IsLinux)
            throw CommandException.Refused("on Windows routes are changed with New-NetRoute and Remove-NetRoute, in a container with: route add");
        var kind = words.Has("blackhole") ? RouteKind.Blackhole : words.Has("unreachable") ? RouteKind.Unreachable : words.Has("prohibit") ? RouteKind.Prohibit : RouteKind.Unicast;
        var destination = Destination(words, session);
        var gateway = Address(words, "via");
        var source = Address(words, "src");
        if (kind == RouteKind.Unicast && edit != Edit.Remove && gateway is null && words["dev"] is null)
            throw CommandException.Syntax("a route needs where to: must have via ADDRESS, dev DEV or both");
        if ((gateway is not null && IsSix(destination.BaseAddress) && !IsSix(gateway)) || (source is not null && IsSix(source) != IsSix(destination.BaseAddress)))
            throw CommandException.Syntax($"argument of \"{(source is null ? "via" : "src")}\" must be an {(IsSix(destination.BaseAddress) ? "IPv6" : "IPv4")} address, as the destination");
        using var netlink = Open(words, session);
        // The kernel wants a link or a gateway to know a route by; its only route to the destination is meant.
        var link = words["dev"] is null ? 0 : Link(netlink, words).Index;
        if (edit == Edit.Remove && kind == RouteKind.Unicast && gateway is null && link == 0)
        {
            var present = netlink.ListRoutes().FirstOrDefault(route => route.Destination.Equals(destination) && route.Kind == RouteKind.Unicast)
                ?? throw CommandException.Refused($"there is no route to {words["to"]}");
            (gateway, link) = (present.Gateway, present.LinkIndex);
        }
        var route = new HostRoute
        {
            Destination = destination, Kind = kind, LinkIndex = link, Gateway = gateway, PreferredSource = source, OnLink = words.Has("onlink"),
            Metric = words["metric"] is { } metric ? uint.Parse(metric, CultureInfo.InvariantCulture) : 0,
            Protocol = words["protocol"] switch { "kernel" => 2, "static" => 4, _ => Boot },
        };
        switch (edit)
        {
            case Edit.Add:
                netlink.AddRoute(route);
                break;
            case Edit.Replace:
                netlink.ReplaceRoute(route);
                break;
            default:
                netlink.RemoveRoute(route);
                break;
        }
        return Task.CompletedTask;
    }

    [SupportedOSPlatform("linux")]
    private static RouteNetlink Open(Words words, Session session) => NamespaceVerbs.OpenNetlink(words["netns"] ?? session.Options.Namespace);

    [SupportedOSPlatform("linux")]
    private static HostLink Link(RouteNetlink netlink, Words words) =>
        netlink.FindLink(words.Required("dev")) ?? throw CommandException.Refused($"there is no device \"{words["dev"]}\" in this namespace; where it is in another, add: netns NETNS");

    /// <summary>"default" is of the gateway's family, else IPv4 unless -6.</summary>
    private static IPNetwork Destination(Words words, Session session)
    {
        var text = words.Required("to");
        if (text == "default")
        {
            var isSix = session.Options.Family == 6 || (session.Options.Family == 0 && Address(words, "via") is { } via && IsSix(via));
            return new IPNetwork(isSix ? IPAddress.IPv6Any : IPAddress.Any, 0);
        }
        var prefix = IpText.Prefix(text);
        AddressVerbs.RequireFamily("to", prefix, session);
        var bytes = prefix.Address.GetAddressBytes();
        for (var i = 0; i < bytes.Length; i++)
            bytes[i] &= (byte)(0xFF00 >> Math.Clamp(prefix.Length - (i * 8), 0, 8));
        var network = new IPNetwork(new IPAddress(bytes), prefix.Length);
        return network.BaseAddress.Equals(prefix.Address) ? network : throw CommandException.Syntax($"argument of \"to\" must be a prefix without further bits: {network}");
    }

    private static IPAddress? Address(Words words, string name) => words[name] is { } text ? IpText.Prefix(text).Address : null;

    private static bool IsSix(IPAddress address) => address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6;
}
