using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Wire;
using IpVlanWin.HostNetwork;

namespace IpVlanWin.Datapath.Filter;

// What the driver needs of its host: the master's addresses, routes and neighbors, and an answer where it wants a neighbor.
public sealed partial class FilterDatapath
{
    // Guards both. Taken within _lock never, and _lock never within it.
    private readonly Lock _mirrorLock = new();
    private readonly FilterMirror _mirror = new();
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
            Tell(FilterEventKind.LimitReached, _settings.MasterName, "limit-reached: the driver has no room for all addresses, routes and neighbors of the master");
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
            case FilterAbi.EventAttached when NameOf(happened.Luid) is { } came:
                Tell(FilterEventKind.AdapterCame, came, "the filter is on the adapter");
                break;
            case FilterAbi.EventDetached when NameOf(happened.Luid) is { } went:
                Tell(FilterEventKind.AdapterWent, went, "the adapter went, or the filter was taken from it");
                break;
            case FilterAbi.EventLost:
                // A neighbor that was not asked for is wanted again with the next packet for it.
                Tell(FilterEventKind.EventsLost, _settings.MasterName, $"{happened.Count} events of the driver were lost");
                break;
        }
    }

    private string? NameOf(ulong luid) =>
        luid == _luid ? _settings.MasterName : _members.Values.FirstOrDefault(member => member.StandIn.Luid == luid)?.Name;

    private void Tell(FilterEventKind kind, string subject, string text) => _settings.OnEvent?.Invoke(new FilterEvent(kind, subject, text));

    private void Guard(Action body)
    {
        try
        {
            body();
        }
        catch (HostNetworkException refused)
        {
            Tell(FilterEventKind.HostRefused, _settings.MasterName, refused.Message);
        }
    }
}
