namespace IpVlanWin.Service.State;

/// <summary>What some transactions touched, one after the other.</summary>
internal sealed class Changes
{
    private readonly HashSet<string> _ports = new(StringComparer.Ordinal);
    private readonly Dictionary<long, string?> _interfaces = [];

    /// <summary>Masters of ports that were made, changed or removed.</summary>
    public IReadOnlySet<string> Ports => _ports;

    /// <summary>Numbers of interfaces with the name each had last; null for one that was removed.</summary>
    public IReadOnlyDictionary<long, string?> Interfaces => _interfaces;

    public void Add(StateChange transaction)
    {
        _ports.UnionWith(transaction.TouchedPorts);
        foreach (var (id, name) in transaction.TouchedInterfaces)
            _interfaces[id] = name;
    }

    /// <summary>Those of the interfaces that are there.</summary>
    public IEnumerable<DesiredInterface> InterfacesOf(Model model)
    {
        foreach (var (id, name) in _interfaces)
        {
            if (name is not null && model.Interfaces.TryGetValue(name, out var one) && one.Id == id)
                yield return one;
        }
    }
}
