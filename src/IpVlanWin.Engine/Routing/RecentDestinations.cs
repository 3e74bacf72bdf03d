using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Neighbor;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Engine.Routing;

/// <summary>Where packets to an address go, as worked out under a generation of the host's configuration.</summary>
internal struct RecentDestination
{
    public L3Address Address;
    public long Generation;

    /// <summary>Drop, route to the host, or route.</summary>
    public DecisionAction Action;

    /// <summary>Of a drop.</summary>
    public DropReason Reason;

    /// <summary>The MAC holds for ever; else as long as the neighbor does.</summary>
    public bool HasFixedMac;

    public L3Address NextHop;
    public MacAddress Mac;
    public NeighborTable.Entry? Neighbor;
}

/// <summary>
/// The last destinations that were looked up, one for each slot: a route, an address and a neighbor to be found for each packet would
/// cost far more than the rest of the decision. The data path's alone.
/// </summary>
internal sealed class RecentDestinations
{
    private const int SlotBits = 10;

    private readonly RecentDestination[] _slots = new RecentDestination[1 << SlotBits];

    /// <summary>The slot of an address, whoever has it now.</summary>
    public ref RecentDestination At(L3Address address) =>
        ref _slots[((address.Low ^ (address.High << 32)) * 0x9E37_79B9_7F4A_7C15) >> (64 - SlotBits)];
}
