using IpVlanWin.Protocol;

namespace IpVlanWin.PowerShell.Actions;

/// <summary>What can be done with interfaces. What comes back is null where the user said no, or the record was not asked for.</summary>
internal sealed class InterfaceActions(ServiceLink link)
{
    /// <summary>By name and by master; null for all.</summary>
    /// <exception cref="ControlException">not-found, where a name is no pattern.</exception>
    public IReadOnlyList<InterfaceRecord> Find(NameFilter? name, NameFilter? master)
    {
        if (name is { IsExact: true } && master is null)
            return [Get(name.Text)];
        // The service knows an interface as a name of its master too.
        var exact = master is { IsExact: true } ? link.Ask(client => client.GetPortAsync(master.Text, link.Cancellation)).Master : null;
        var all = link.All<InterfaceRecord>(static client => client.ListInterfacesAsync, new ListQuery { Limit = 1000, Master = exact });
        InterfaceRecord[] found = [.. all.Where(one => name?.Matches(one.Name) != false && (exact is not null || master?.Matches(one.Port) != false))];
        return found.Length > 0 || name is not { IsExact: true } ? found : throw ErrorCode.NotFound.With("interface", name.Text);
    }

    /// <exception cref="ControlException">not-found.</exception>
    public InterfaceRecord Get(string name) => link.Ask(client => client.GetInterfaceAsync(name, link.Cancellation));

    /// <exception cref="ControlException">master-not-found, master-not-ethernet, name-in-use, address-in-use, bad-argument, limit-reached, mode-not-supported.</exception>
    public InterfaceRecord? New(InterfaceSpec spec)
    {
        if (!link.MayChange($"interface {spec.Name} on {spec.Master}", "make"))
            return null;
        link.Ask(client => client.AddInterfaceAsync(spec, link.Cancellation));
        return Get(spec.Name!);
    }

    /// <summary>Changes, enables, disables or renames; joins and leaves multicast groups.</summary>
    /// <exception cref="ControlException">not-found, name-in-use, bad-argument, conflict, group-absent, limit-reached; nothing was done.</exception>
    public InterfaceRecord? Change(InterfaceChange change, bool isWanted, IReadOnlyList<string>? joins = null, IReadOnlyList<string>? leaves = null)
    {
        var calls = new List<RpcCall>();
        foreach (var group in joins ?? [])
            calls.Add(RpcCall.AddMulticast(new GroupSpec { Interface = change.Name, Group = group }));
        foreach (var group in leaves ?? [])
            calls.Add(RpcCall.RemoveMulticast(new GroupSpec { Interface = change.Name, Group = group }));
        if (calls.Count == 0 || change != new InterfaceChange { Name = change.Name })
            calls.Insert(0, RpcCall.SetInterface(change));
        if (!link.MayChange($"interface {change.Name}", "set " + string.Join(", ", Parts(change, joins ?? [], leaves ?? []))))
            return null;
        link.Ask(client => client.BatchAsync(calls, link.Cancellation));
        return isWanted ? Get(change.NewName ?? change.Name!) : null;
    }

    /// <returns>The interface as it was.</returns>
    /// <exception cref="ControlException">not-found.</exception>
    public InterfaceRecord? Remove(string name, bool isWanted)
    {
        if (!link.MayChange($"interface {name}", "remove"))
            return null;
        var last = isWanted ? Get(name) : null;
        link.Ask(client => client.RemoveInterfaceAsync(name, link.Cancellation));
        return last;
    }

    private static IEnumerable<string> Parts(InterfaceChange change, IReadOnlyList<string> joins, IReadOnlyList<string> leaves)
    {
        if (change.NewName is not null)
            yield return $"name {change.NewName}";
        if (change.Namespace is not null)
            yield return change.Namespace.Length == 0 ? "namespace of the host" : $"namespace {change.Namespace}";
        if (change.Mtu is not null)
            yield return $"mtu {change.Mtu}";
        if (change.Admin is not null)
            yield return change.Admin;
        foreach (var group in joins)
            yield return $"member of {group}";
        foreach (var group in leaves)
            yield return $"no member of {group}";
    }
}
