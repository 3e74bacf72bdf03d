using IpVlanWin.Cli.Ip.Grammar;
using IpVlanWin.Protocol;

namespace IpVlanWin.Cli.Ip.Output;

/// <summary>An interface with all that is shown of it.</summary>
/// <param name="Interface">The interface.</param>
/// <param name="Port">Its port; null where it went in between.</param>
/// <param name="Statistics">Its counters, where they were asked for.</param>
/// <param name="Addresses">Of the family that was asked for.</param>
internal sealed record LinkView(InterfaceRecord Interface, PortRecord? Port, StatisticsRecord? Statistics, IReadOnlyList<AddressRecord> Addresses);

/// <summary>Which interfaces are shown.</summary>
internal static class Selection
{
    public static async Task<IReadOnlyList<LinkView>> ReadAsync(Words words, Session session)
    {
        var (client, options) = (session.Client, session.Options);
        var query = new ListQuery { Limit = 1000, Interface = words["dev"] };
        if (words["master"] is { } master)
            query = query with { Master = (await client.GetPortAsync(master).ConfigureAwait(false)).Master };
        IReadOnlyList<InterfaceRecord> interfaces = query.Interface is { } name
            ? [await client.GetInterfaceAsync(name).ConfigureAwait(false)]
            : await ControlClient.AllAsync(client.ListInterfacesAsync, query).ConfigureAwait(false);
        var ports = (await ControlClient.AllAsync(client.ListPortsAsync, new ListQuery { Limit = 1000 }).ConfigureAwait(false))
            .ToDictionary(static port => port.Master, StringComparer.Ordinal);
        var statistics = options.HasStatistics
            ? (await ControlClient.AllAsync(client.GetStatisticsAsync, query).ConfigureAwait(false)).ToDictionary(static one => one.Interface, StringComparer.Ordinal)
            : [];
        var shown = new List<LinkView>(interfaces.Count);
        foreach (var one in interfaces.OrderBy(static one => one.Index))
        {
            if ((query.Master is not null && one.Port != query.Master) || (options.Namespace is not null && one.Namespace != options.Namespace)
                || (words.Has("up") && one.Admin != "up"))
            {
                continue;
            }
            var addresses = one.Addresses.Where(address => Matches(address, options.Family, words["scope"])).ToArray();
            shown.Add(new LinkView(one, ports.GetValueOrDefault(one.Port), statistics.GetValueOrDefault(one.Name), addresses));
        }
        if (query.Interface is not null && shown.Count == 0 && options.Namespace is not null)
            await session.RequireInNamespaceAsync(query.Interface).ConfigureAwait(false);
        return shown;
    }

    public static bool Matches(AddressRecord address, int family, string? scope)
    {
        if (family == 0 && scope is null or "all")
            return true;
        var prefix = IpText.Prefix(address.Prefix);
        return (family == 0 || prefix.IsSix == (family == 6)) && (scope is null or "all" || prefix.Scope == scope);
    }
}
