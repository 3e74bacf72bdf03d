using IpVlanWin.Protocol;

namespace IpVlanWin.PowerShell.Actions;

/// <summary>What can be done with ports.</summary>
internal sealed class PortActions(ServiceLink link)
{
    /// <summary>By master; null for all.</summary>
    /// <exception cref="ControlException">not-found, where a name is no pattern.</exception>
    public IReadOnlyList<PortRecord> Find(NameFilter? master)
    {
        if (master is { IsExact: true })
            return [Get(master.Text)];
        var all = link.All<PortRecord>(static client => client.ListPortsAsync, new ListQuery { Limit = 1000 });
        return master is null ? all : [.. all.Where(one => master.Matches(one.Master))];
    }

    /// <returns>The port as it is now; null where the user said no, or it is not wanted.</returns>
    /// <exception cref="ControlException">not-found, bad-argument, flag-conflict, mode-not-supported, conflict.</exception>
    public PortRecord? Change(PortChange change, bool isWanted)
    {
        var words = new[] { change.Mode, change.Flag, change.Datapath }.Where(static word => word is not null);
        if (!link.MayChange($"port {change.Master} and all its interfaces", "set " + string.Join(", ", words)))
            return null;
        link.Ask(client => client.SetPortAsync(change, link.Cancellation));
        return isWanted ? Get(change.Master!) : null;
    }

    private PortRecord Get(string master) => link.Ask(client => client.GetPortAsync(master, link.Cancellation));
}
