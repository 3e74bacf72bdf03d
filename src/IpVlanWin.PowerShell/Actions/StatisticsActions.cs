using IpVlanWin.Protocol;

namespace IpVlanWin.PowerShell.Actions;

/// <summary>Counters of interfaces.</summary>
internal sealed class StatisticsActions(ServiceLink link)
{
    /// <summary>By interface and by master; null for all.</summary>
    /// <exception cref="ControlException">not-found, where a name is no pattern.</exception>
    public IReadOnlyList<StatisticsRecord> Find(NameFilter? name, NameFilter? master)
    {
        if (name is null && master is null)
            return All(new ListQuery());
        if (name is { IsExact: true } && master is null)
            return All(new ListQuery { Interface = name.Text });
        var names = new HashSet<string>(new InterfaceActions(link).Find(name, master).Select(static one => one.Name), StringComparer.Ordinal);
        return [.. All(new ListQuery()).Where(one => names.Contains(one.Interface))];
    }

    /// <summary>Counts from now on; null for all interfaces.</summary>
    /// <exception cref="ControlException">not-found.</exception>
    public void Reset(string? name)
    {
        if (link.MayChange(name is null ? "all interfaces" : $"interface {name}", "reset statistics"))
            link.Ask(client => client.ResetStatisticsAsync(name, link.Cancellation));
    }

    private IReadOnlyList<StatisticsRecord> All(ListQuery query) =>
        link.All<StatisticsRecord>(static client => client.GetStatisticsAsync, query with { Limit = 1000 });
}
