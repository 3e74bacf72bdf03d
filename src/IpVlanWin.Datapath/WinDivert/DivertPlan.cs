using IpVlanWin.Devices.WinDivert;

namespace IpVlanWin.Datapath.WinDivert;

/// <summary>Whose packets a handle sees.</summary>
internal enum PacketOrigin
{
    /// <summary>From the wire, for an interface.</summary>
    Wire,

    /// <summary>From an interface.</summary>
    Interface,

    /// <summary>From either: a forwarded packet's source tells.</summary>
    Either,
}

/// <summary>A handle to be open. Equal ones are the same handle, before and after a change.</summary>
internal sealed record DivertHandlePlan(DivertLayer Layer, PacketOrigin Origin, string Filter);

/// <summary>How address sets are written.</summary>
public enum DivertForm
{
    /// <summary>Whichever needs fewer handles; the addresses where both need as many.</summary>
    Fewest,

    /// <summary>The interfaces' addresses.</summary>
    Addresses,

    /// <summary>All but the host's own addresses, where that fits a filter. New interfaces' addresses then need no new handle.</summary>
    Complement,
}

/// <summary>The handles that stand in the way of an arrangement's packets, and those that stop what must not pass without an engine.</summary>
internal static class DivertPlan
{
    /// <summary>The engine's handles. No packet matches two of them, but for a loopback packet that carries the master's index.</summary>
    public static IReadOnlyList<DivertHandlePlan> ForEngine(DivertArrangement arrangement, DivertForm form)
    {
        ArgumentNullException.ThrowIfNull(arrangement);
        var local = new AddressCondition(arrangement.Local);
        var forwarded = new AddressCondition(arrangement.Forwarded);
        var notHost = new AddressCondition(arrangement.NeverOurs, IsComplement: true);
        var master = new[] { arrangement.MasterIndex };
        uint[] switches = [.. arrangement.SwitchStandIns];
        var plans = new List<DivertHandlePlan>();
        foreach (var isSix in (bool[])[false, true])
        {
            var hasLocal = arrangement.LocalAddresses.Any(address => address.IsSix == isSix);
            var hasForwarded = arrangement.ForwardedAddresses.Any(address => address.IsSix == isSix) && switches.Length > 0;
            if (hasLocal)
            {
                Add(PacketOrigin.Wire, new(DivertDirection.Inbound, master), (null, local), (null, notHost));
                Add(PacketOrigin.Interface, new(DivertDirection.Outbound, master), (local, null), (notHost, null));
                Add(PacketOrigin.Interface, Loopback(arrangement), (notHost, local), (notHost, notHost));
            }
            if (hasForwarded)
            {
                Add(PacketOrigin.Interface, new(DivertDirection.Forwarded, master), (forwarded, null));
                Add(PacketOrigin.Either, new(DivertDirection.Forwarded, switches), (null, forwarded));
            }
            if (hasLocal && hasForwarded)
            {
                Add(PacketOrigin.Interface, new(DivertDirection.Inbound, switches), (null, local), (null, notHost));
                Add(PacketOrigin.Interface, new(DivertDirection.Outbound, switches), (local, null), (notHost, null));
            }

            void Add(PacketOrigin origin, DivertScope scope, (AddressCondition? Source, AddressCondition? Destination) addresses,
                (AddressCondition? Source, AddressCondition? Destination)? complement = null)
            {
                var filters = form == DivertForm.Complement && complement is not null ? null : TryBuild(scope, isSix, addresses);
                if (complement is { } other && (filters is null || (form == DivertForm.Fewest && filters.Count > 1)))
                {
                    var shorter = TryBuild(scope, isSix, other);
                    if (shorter is not null && (filters is null || shorter.Count < filters.Count))
                        filters = shorter;
                }
                foreach (var filter in filters ?? DivertFilter.Build(scope, isSix, addresses.Source, addresses.Destination))
                    plans.Add(new(scope.Layer, origin, filter));
            }
        }
        return plans;
    }

    /// <summary>
    /// The safety net's: from one interface to another, and nothing else but, where interfaces' addresses take more than one filter,
    /// what the host sends itself from an address that <see cref="DivertArrangement.HostAddresses"/> does not know, and what a container sends to a vNIC.
    /// </summary>
    public static IReadOnlyList<DivertHandlePlan> ForSafetyNet(DivertArrangement arrangement)
    {
        ArgumentNullException.ThrowIfNull(arrangement);
        var local = new AddressCondition(arrangement.Local);
        var forwarded = new AddressCondition(arrangement.Forwarded);
        var notHost = new AddressCondition(arrangement.NeverOurs, IsComplement: true);
        uint[] switches = [.. arrangement.SwitchStandIns];
        var plans = new List<DivertHandlePlan>();
        foreach (var isSix in (bool[])[false, true])
        {
            Add(Loopback(arrangement), (local, local), (notHost, local));
            if (switches.Length == 0)
                continue;
            Add(new(DivertDirection.Inbound, switches), (forwarded, local), (forwarded, notHost));
            Add(new(DivertDirection.Outbound, switches), (local, forwarded), (notHost, forwarded));
            // What is forwarded to a vNIC of ours is for a container, whatever its address.
            Add(new(DivertDirection.Forwarded, switches), (forwarded, forwarded), (forwarded, null));

            void Add(DivertScope scope, (AddressCondition? Source, AddressCondition? Destination) exact, (AddressCondition? Source, AddressCondition? Destination) wider)
            {
                // Both sides split would be as many filters as pairs of parts.
                var isOne = Tests(exact.Source, isSix) + Tests(exact.Destination, isSix) <= DivertFilter.MaxAddressTests;
                var filters = isOne ? null : TryBuild(scope, isSix, wider);
                filters ??= DivertFilter.Build(scope, isSix, exact.Source, exact.Destination);
                foreach (var filter in filters)
                    plans.Add(new(scope.Layer, PacketOrigin.Interface, filter));
            }
        }
        return plans;
    }

    private static DivertScope Loopback(DivertArrangement arrangement) =>
        new(DivertDirection.Loopback, [arrangement.LoopbackIndex, arrangement.MasterIndex, .. arrangement.LoopbackStandIns]);

    private static int Tests(AddressCondition? condition, bool isSix) =>
        AddressRange.Merge(condition?.Ranges ?? [], isSix).Sum(static range => range.Tests);

    private static IReadOnlyList<string>? TryBuild(DivertScope scope, bool isSix, (AddressCondition? Source, AddressCondition? Destination) conditions)
    {
        try
        {
            return DivertFilter.Build(scope, isSix, conditions.Source, conditions.Destination);
        }
        catch (ArgumentException)
        {
            // The host has more addresses than one filter can leave out.
            return null;
        }
    }
}
