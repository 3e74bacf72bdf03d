using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using IpVlanWin.HostNetwork;

namespace IpVlanWin.Cli.Ip.Output;

/// <summary>Routes in the text and the JSON of ip-route(8). A route over several next hops is shown as one for each.</summary>
internal static class RouteOutput
{
    // RTPROT_BOOT, which is not shown, and RTPROT_RA, whose preference is the router's.
    private const byte Boot = 3, RouterAdvertisement = 9;

    public static void Write(Session session, IReadOnlyList<HostRoute> routes, IReadOnlyDictionary<int, HostLink> links, bool hasDevice)
    {
        if (session.Options.IsJson)
            WriteJson(session, routes, links, hasDevice);
        else
            WriteText(session, routes, links, hasDevice);
    }

    private static void WriteText(Session session, IReadOnlyList<HostRoute> routes, IReadOnlyDictionary<int, HostLink> links, bool hasDevice)
    {
        var text = new StringBuilder();
        foreach (var route in routes)
        {
            if (route.Kind != RouteKind.Unicast || session.Options.HasDetails)
                text.Append(Word(route.Kind)).Append(' ');
            text.Append(Destination(route)).Append(' ');
            if (route.Gateway is { } gateway)
                text.Append("via ").Append(IsForeign(route, gateway) ? "inet6 " : "").Append(gateway).Append(' ');
            if (hasDevice && links.TryGetValue(route.LinkIndex, out var link))
                text.Append("dev ").Append(link.Name).Append(' ');
            if (route.Protocol != Boot || session.Options.HasDetails)
                text.Append("proto ").Append(Protocol(route.Protocol)).Append(' ');
            if (Scope(route, session.Options.HasDetails) is { } scope)
                text.Append("scope ").Append(scope).Append(' ');
            if (route.PreferredSource is { } source)
                text.Append("src ").Append(source).Append(' ');
            if (route.Metric != 0)
                text.Append(CultureInfo.InvariantCulture, $"metric {route.Metric} ");
            foreach (var flag in Flags(route, links))
                text.Append(flag).Append(' ');
            if (Preference(route) is { } preference)
                text.Append("pref ").Append(preference);
            text.Append('\n');
        }
        session.Output.Write(text.ToString());
    }

    private static void WriteJson(Session session, IReadOnlyList<HostRoute> routes, IReadOnlyDictionary<int, HostLink> links, bool hasDevice) => JsonOutput.Write(session, json =>
    {
        json.WriteStartArray();
        foreach (var route in routes)
        {
            json.WriteStartObject();
            if (route.Kind != RouteKind.Unicast || session.Options.HasDetails)
                json.WriteString("type", Word(route.Kind));
            json.WriteString("dst", Destination(route));
            if (route.Gateway is { } gateway && IsForeign(route, gateway))
            {
                json.WriteStartObject("via");
                json.WriteString("family", "inet6");
                json.WriteString("host", gateway.ToString());
                json.WriteEndObject();
            }
            else if (route.Gateway is { } near)
            {
                json.WriteString("gateway", near.ToString());
            }
            if (hasDevice && links.TryGetValue(route.LinkIndex, out var link))
                json.WriteString("dev", link.Name);
            if (route.Protocol != Boot || session.Options.HasDetails)
                json.WriteString("protocol", Protocol(route.Protocol));
            if (Scope(route, session.Options.HasDetails) is { } scope)
                json.WriteString("scope", scope);
            if (route.PreferredSource is { } source)
                json.WriteString("prefsrc", source.ToString());
            if (route.Metric != 0)
                json.WriteNumber("metric", route.Metric);
            json.WriteStartArray("flags");
            foreach (var flag in Flags(route, links))
                json.WriteStringValue(flag);
            json.WriteEndArray();
            if (Preference(route) is { } preference)
                json.WriteString("pref", preference);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    });

    private static string Word(RouteKind kind) => Enum.IsDefined(kind) ? kind.ToString().ToLowerInvariant() : ((byte)kind).ToString(CultureInfo.InvariantCulture);

    private static string Destination(HostRoute route) => route.Destination switch
    {
        { PrefixLength: 0 } => "default",
        var one when one.PrefixLength == (IsSix(one.BaseAddress) ? 128 : 32) => one.BaseAddress.ToString(),
        var prefix => prefix.ToString(),
    };

    private static string Protocol(byte number) => number switch
    {
        2 => "kernel",
        Boot => "boot",
        4 => "static",
        RouterAdvertisement => "ra",
        16 => "dhcp",
        _ => number.ToString(CultureInfo.InvariantCulture),
    };

    /// <summary>IPv4 alone has scopes; a route without a gateway reaches the link.</summary>
    private static string? Scope(HostRoute route, bool hasDetails)
    {
        if (IsSix(route.Destination.BaseAddress))
            return hasDetails ? "global" : null;
        return route is { Kind: RouteKind.Unicast, Gateway: null, LinkIndex: > 0 } ? "link" : hasDetails ? "global" : null;
    }

    private static IEnumerable<string> Flags(HostRoute route, IReadOnlyDictionary<int, HostLink> links)
    {
        if (route.OnLink)
            yield return "onlink";
        if (links.TryGetValue(route.LinkIndex, out var link) && link.IsUp && !link.IsRunning)
            yield return "linkdown";
    }

    /// <summary>Only routers announce another one (RFC 4191), and which is not known here.</summary>
    private static string? Preference(HostRoute route) => IsSix(route.Destination.BaseAddress) && route.Protocol != RouterAdvertisement ? "medium" : null;

    private static bool IsForeign(HostRoute route, IPAddress gateway) => IsSix(gateway) && !IsSix(route.Destination.BaseAddress);

    private static bool IsSix(IPAddress address) => address.AddressFamily == AddressFamily.InterNetworkV6;
}
