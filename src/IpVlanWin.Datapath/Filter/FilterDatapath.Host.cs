using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Wire;
using IpVlanWin.HostNetwork;

namespace IpVlanWin.Datapath.Filter;

// What the driver needs of its host: the master's addresses, routes and neighbors, and an answer where it wants a neighbor.
public sealed partial class FilterDatapath
{
    // Guards all below. Taken within _lock never, and _lock never within it.
    private readonly Lock _mirrorLock = new();
    private readonly FilterMirror _mirror = new();
    private HostSnapshot _seen = HostSnapshot.Empty;
    private bool _isFull;

    private L3Prefix[] MasterAddresses()
    {
        lock (_mirrorLock)
            return [.. _mirror.Addresses.Order()];
    }

    private void OnHost(HostSnapshot snapshot)
    {
        var own = _members.Values.Select(static member => member.StandIn.LinkIndex).ToHashSet();
        bool isFull, wasFull;
        try
        {
            lock (_mirrorLock)
            {
                // Neighbors come and go all the time, and no adapter depends on them.
                if (!ReferenceEquals(_seen.Links, snapshot.Links) || !ReferenceEquals(_seen.Addresses, snapshot.Addresses))
                    Wake();
                _seen = snapshot;
                var items = _mirror.Follow(snapshot, _host.MasterIndex, own);
                _requests.Change(_luid, items);
                wasFull = _isFull;
                isFull = items.Length == 0 ? wasFull : items.Any(item => FilterRequests.ResultOf(item) == PortResult.LimitReached);
                _isFull = isFull;
            }
        }
        catch (IOException)
        {
            // The driver went: its own completion tells.
            return;
        }
        if (isFull && !wasFull)
            Tell("limit-reached", "limit-reached: the driver has no room for all addresses, routes and neighbors of the master", _settings.MasterName);
    }

    private unsafe void OnEvent(AbiEvent happened)
    {
        switch (happened.Kind)
        {
            case FilterAbi.EventNeighborWanted when happened.MasterLuid == _luid:
                var bytes = new ReadOnlySpan<byte>(happened.Address, 16);
                var wanted = happened.Family == 4 ? L3Address.ReadFour(bytes) : L3Address.ReadSix(bytes);
                Guard(() => _host.Resolve(wanted));
                break;
            case FilterAbi.EventMasterChanged when happened.MasterLuid == _luid:
                Wake();
                break;
            case FilterAbi.EventAttached when NameOf(happened.Luid) is { } came:
                Tell("filter-attached", "the driver has the adapter", came, "gone", "there");
                Wake();
                break;
            case FilterAbi.EventDetached when NameOf(happened.Luid) is { } went:
                Tell("filter-detached", "the adapter went, or the filter was taken from it", went, "there", "gone");
                Wake();
                break;
            case FilterAbi.EventLost:
                // A neighbor that was not asked for is wanted again with the next packet for it.
                Tell("events-lost", $"{happened.Count} events of the driver were lost; everything is looked at again", _settings.MasterName);
                Wake();
                break;
        }
    }

    private string? NameOf(ulong luid) =>
        luid == _luid ? _settings.MasterName : _members.Values.FirstOrDefault(member => member.StandIn.Luid == luid)?.Name;

    private void Tell(string name, string text, string subject, string before = "", string after = "") =>
        _settings.OnEvent?.Invoke(new HostEvent(name, text, subject, before, after));

    private void Guard(Action body)
    {
        try
        {
            body();
        }
        catch (HostNetworkException refused)
        {
            Tell("host-refused", refused.Message, _settings.MasterName);
        }
    }
}
