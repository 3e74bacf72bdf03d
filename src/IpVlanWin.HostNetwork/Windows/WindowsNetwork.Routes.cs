using System.Net;

namespace IpVlanWin.HostNetwork.Windows;

public sealed partial class WindowsNetwork
{
    /// <summary>
    /// Routes of both families, with those that lead to the host itself (<see cref="RouteKind.Local"/>). <see cref="HostRoute.Metric"/>
    /// is the route's own; the system adds the adapter's to it when it chooses.
    /// </summary>
    public IReadOnlyList<HostRoute> ListRoutes()
    {
        var rows = ReadRoutes();
        var routes = new List<HostRoute>(rows.Length);
        foreach (ref readonly var row in rows.AsSpan())
        {
            if (Rows.ToRoute(row) is { } route) routes.Add(route);
        }
        return routes;
    }

    /// <inheritdoc/>
    /// <exception cref="NotSupportedException">It is not <see cref="RouteKind.Unicast"/>, prefers a source, or mixes the families.</exception>
    public void AddRoute(HostRoute route)
    {
        var row = RouteRow(route);
        WindowsError.Check(_ip.CreateRoute(row), $"add route {Text(route)}");
    }

    /// <inheritdoc/>
    public void ReplaceRoute(HostRoute route)
    {
        var row = RouteRow(route);
        var attempt = $"replace route {Text(route)}";
        var code = _ip.CreateRoute(row);
        WindowsError.Check(code == WindowsError.ObjectAlreadyExists ? _ip.SetRoute(row) : code, attempt);
        foreach (ref readonly var other in ReadRoutes().AsSpan())
        {
            if (Rows.ToRoute(other) is not { } old || old.Destination != route.Destination || old.Metric != route.Metric || old.Kind != RouteKind.Unicast) continue;
            if (other.InterfaceIndex == row.InterfaceIndex && Equals(old.Gateway, route.Gateway)) continue;
            WindowsError.Check(_ip.DeleteRoute(other), attempt);
        }
    }

    /// <inheritdoc/>
    public void RemoveRoute(HostRoute route)
    {
        ArgumentNullException.ThrowIfNull(route);
        foreach (ref readonly var row in ReadRoutes().AsSpan())
        {
            if (Rows.ToRoute(row) is not { } found || found.Destination != route.Destination || found.Kind != route.Kind) continue;
            if ((route.Metric != 0 && found.Metric != route.Metric) || (route.LinkIndex != 0 && found.LinkIndex != route.LinkIndex)) continue;
            if (route.Gateway is not null && !route.Gateway.Equals(found.Gateway)) continue;
            WindowsError.Check(_ip.DeleteRoute(row), $"remove route {Text(route)}");
            return;
        }
        WindowsError.Throw(WindowsError.NotFound, $"remove route {Text(route)}");
    }

    /// <summary>The route the system takes to a destination, and the source address it would give (GetBestRoute2).</summary>
    /// <param name="destination">Where to.</param>
    /// <param name="source">The source address that is given, or null.</param>
    /// <param name="linkIndex">Only over this adapter, or null. Code 1231 or 1168 when no route leads there.</param>
    public (HostRoute Route, IPAddress Source) GetBestRoute(IPAddress destination, IPAddress? source = null, int? linkIndex = null)
    {
        RequireFamily(destination);
        if (linkIndex is { } index) RequireIndex(index);
        var attempt = $"find the route to {destination}";
        var from = source is null ? default : SockAddrInet.From(source);
        WindowsError.Check(_ip.GetBestRoute((uint)(linkIndex ?? 0), from, SockAddrInet.From(destination), out var row, out var best), attempt);
        if (Rows.ToRoute(row) is not { } route || best.ToAddress() is not { } bestSource)
        {
            WindowsError.Throw(WindowsError.NotFound, attempt, "the answer has no address");
            return default;
        }
        return (route, bestSource);
    }

    private MibIpForwardRow2[] ReadRoutes()
    {
        CheckTable(_ip.GetRoutes(SockAddrInet.Unspecified, out var rows), "list the routes");
        return rows;
    }

    private MibIpForwardRow2 RouteRow(HostRoute route)
    {
        ArgumentNullException.ThrowIfNull(route);
        var family = RequireFamily(route.Destination.BaseAddress);
        if (route.Kind != RouteKind.Unicast) throw new NotSupportedException($"Windows has no {route.Kind} routes to add: kind must be Unicast");
        if (route.PreferredSource is not null) throw new NotSupportedException("Windows routes prefer no source: use SkipAsSource on the other addresses");
        if (route.Gateway is not null && route.Gateway.AddressFamily != family) throw new NotSupportedException($"gateway {route.Gateway} must be of the same family as {route.Destination}");
        var link = route.LinkIndex;
        if (link == 0)
        {
            if (route.Gateway is null) throw new ArgumentException($"route {Text(route)} must have a link or a gateway", nameof(route));
            link = GetBestRoute(route.Gateway).Route.LinkIndex;
        }
        _ip.InitializeRoute(out var row);
        row.InterfaceIndex = (uint)link;
        row.DestinationPrefix = new IpAddressPrefix { Prefix = SockAddrInet.From(route.Destination.BaseAddress), PrefixLength = (byte)route.Destination.PrefixLength };
        row.NextHop = route.Gateway is null ? new SockAddrInet { Family = NativeFamily(family) } : SockAddrInet.From(route.Gateway);
        row.SitePrefixLength = 0;
        row.Metric = route.Metric;
        row.Protocol = Rows.ProtocolOf(route.Protocol);
        return row;
    }

    private static string Text(HostRoute route) =>
        $"{route.Destination}{(route.Gateway is null ? "" : $" by {route.Gateway}")}{(route.LinkIndex == 0 ? "" : $" on adapter {route.LinkIndex}")}";
}
