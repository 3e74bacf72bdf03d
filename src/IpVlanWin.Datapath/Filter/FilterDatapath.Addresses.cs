using System.Collections.Immutable;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Wire;
using IpVlanWin.HostNetwork;

namespace IpVlanWin.Datapath.Filter;

// Addresses are the driver's at once, and come onto the interface's stack when it is up and, in l2, nobody on the wire has them. In l3 and l3s
// nobody there resolves them, and Linux asks for none either. All under the lock but the asking.
public sealed partial class FilterDatapath
{
    /// <inheritdoc/>
    public PortResult AddAddress(string name, L3Prefix prefix) => AddAddresses(name, [prefix])[0];

    /// <summary>Gives an interface many addresses, a few thousand in one request to the driver.</summary>
    /// <returns>The result for each, in order: as of <see cref="AddAddress"/>, EBUSY where the driver has no room.</returns>
    /// <exception cref="HostNetworkException">The operating system refuses; none was added.</exception>
    public IReadOnlyList<PortResult> AddAddresses(string name, IReadOnlyList<L3Prefix> prefixes)
    {
        ArgumentNullException.ThrowIfNull(prefixes);
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            if (!_members.TryGetValue(name, out var member))
                return [.. prefixes.Select(_ => PortResult.NoDevice)];
            var luid = member.StandIn.Luid;
            AbiItem[] items = [.. prefixes.Select(prefix => FilterItems.Address(luid, prefix))];
            _requests.Change(_luid, items);
            PortResult[] results = [.. items.Select(item => FilterRequests.ResultOf(item))];
            L3Prefix[] added = [.. prefixes.Where((_, i) => results[i] == PortResult.Ok)];
            if (added.Length == 0)
                return results;
            var now = member with { Addresses = member.Addresses.AddRange(added), Withheld = member.Withheld.Union(added.Select(static prefix => prefix.Address)) };
            try
            {
                now = Place(now);
            }
            catch (Exception refused) when (refused is HostNetworkException or IOException)
            {
                _requests.Change(_luid, added.Select(prefix => FilterItems.Address(luid, prefix, isRemoved: true)).ToArray());
                throw;
            }
            Replace(member, now);
            WakeFor(now);
            return results;
        }
    }

    /// <inheritdoc/>
    public PortResult RemoveAddress(string name, L3Prefix prefix) => Change(name, member =>
    {
        if (!member.Addresses.Contains(prefix))
            return PortResult.AddressAbsent;
        _host.RemoveAddress(member.StandIn, prefix);
        var address = prefix.Address;
        Replace(member, member with
        {
            Addresses = member.Addresses.Remove(prefix), Withheld = member.Withheld.Remove(address), Asked = member.Asked.Remove(address), Taken = member.Taken.Remove(address),
        });
        return _requests.Change(_luid, FilterItems.Address(member.StandIn.Luid, prefix, isRemoved: true));
    });

    private bool IsL2 => _requests.FindPort(_luid)?.Mode == (uint)PortMode.L2;

    /// <summary>There is a wire, and stations on it resolve addresses of interfaces.</summary>
    private bool AsksWire => _host.QuestionsAtOnce > 0 && _requests.FindPort(_luid) is { Mode: (uint)PortMode.L2, IsUp: not 0 };

    /// <summary>Gives a stack what needs no question: all where there is nobody to ask, and what it has of an earlier run.</summary>
    private Member Place(Member member)
    {
        if (!member.IsUp || member.Withheld.IsEmpty)
            return member;
        var free = member.Withheld.Except(member.Taken);
        return Put(member, AsksWire ? free.Intersect(_host.AddressesOf(member.StandIn)) : free);
    }

    private Member Put(Member member, ImmutableHashSet<L3Address> addresses)
    {
        if (addresses.IsEmpty)
            return member;
        var asked = _host.AddAddresses(member.StandIn, member.Addresses.FindAll(prefix => addresses.Contains(prefix.Address)), IsL2);
        return member with { Withheld = member.Withheld.Except(addresses), Asked = member.Asked.Union(asked) };
    }

    /// <summary>What the wire is to be asked for next.</summary>
    /// <param name="isTime">Also for what somebody had.</param>
    private List<L3Address> Unknown(bool isTime)
    {
        foreach (var member in _members.Values)
        {
            var now = Place(isTime && member.Taken.Overlaps(member.Withheld) ? member with { Taken = member.Taken.Except(member.Withheld) } : member);
            if (!ReferenceEquals(now, member))
                Replace(member, now);
        }
        return !AsksWire ? [] : [.. _members.Values.Where(static member => member.IsUp).SelectMany(static member => member.Withheld.Except(member.Taken)).Take(_host.QuestionsAtOnce)];
    }

    private void Judge(List<L3Address> unknown, IReadOnlyDictionary<L3Address, string> others)
    {
        foreach (var member in _members.Values)
        {
            // It may have been removed, or given to another interface, meanwhile.
            var answered = member.Withheld.Except(member.Taken).Intersect(unknown);
            var taken = answered.Intersect(others.Keys);
            foreach (var address in taken)
                TellDuplicate(member, address, others[address]);
            var now = member with { Taken = member.Taken.Union(taken) };
            Replace(member, now);
            if (now.IsUp)
                Replace(member, Put(now, answered.Except(taken)));
        }
    }

    /// <summary>What the interface's stack says of its addresses.</summary>
    private void Follow(Member member, FilterStack stack)
    {
        foreach (var address in stack.Taken.Where(address => !member.Taken.Contains(address)))
            TellDuplicate(member, address, "");
        var taken = member.Taken.Intersect(member.Withheld).Union(stack.Taken);
        if (stack.StandIn != member.StandIn || member.Fault is not null || !member.Asked.SetEquals(stack.Asked) || !member.Taken.SetEquals(taken))
            Replace(member, member with { StandIn = stack.StandIn, Fault = null, Asked = [.. stack.Asked], Taken = taken });
    }

    private void TellDuplicate(Member member, L3Address address, string owner) =>
        Tell("address-duplicate", "somebody has the address already; the interface does not use it", member.Name, $"{address}", owner);

    private void WakeFor(Member member)
    {
        if (member.Asked.Count > 0 || (member.IsUp && member.Withheld.Count > 0))
            Wake();
    }
}
