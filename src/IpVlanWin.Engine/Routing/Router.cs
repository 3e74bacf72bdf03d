using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Neighbor;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Engine.Routing;

/// <summary>Where a routed packet goes next. Filled in by the router, in the caller's own variable, for <see cref="DecisionAction.Route"/> and <see cref="DecisionAction.NeighborMissing"/>.</summary>
public struct NextHop
{
    /// <summary>The station's address.</summary>
    public L3Address Address { get; internal set; }

    /// <summary>The station's MAC, once it is known.</summary>
    public MacAddress Mac { get; set; }
}

/// <summary>
/// Routes packets of l3 and l3s interfaces as the host's own: semantics 29 to 34, ipvlan_process_v4_outbound and
/// ipvlan_process_v6_outbound in the Linux driver, for devices that cannot hand a packet to a host's stack.
/// RFC 1122 section 3.2.1.3 (addresses), RFC 791 section 3.2, RFC 8200 section 3.
/// </summary>
public sealed class Router
{
    private const byte Loopback = 127;
    private const int Ipv4MinLength = 20;
    private const int Ipv6Length = 40;
    private const int DontFragment = 0x4000;
    private const ulong Ipv6MulticastMac = 0x3333_0000_0000;

    private readonly Generation _generation = new();
    private readonly RecentDestinations _recent = new();

    // It only looks: neighbors must not seem to be in use because of it.
    private readonly bool _isShadow;

    internal Router()
    {
        Routes = new RouteTable(_generation);
        Neighbors = new NeighborTable(_generation);
        Host = new HostAddresses(Routes, _generation);
    }

    private Router(Router original)
    {
        (_generation, Routes, Neighbors, Host) = (original._generation, original.Routes, original.Neighbors, original.Host);
        _isShadow = true;
    }

    /// <summary>The host's prefixes and routes.</summary>
    public RouteTable Routes { get; }

    /// <summary>The stations of the master's link.</summary>
    public NeighborTable Neighbors { get; }

    /// <summary>The host's own addresses on the master.</summary>
    public HostAddresses Host { get; }

    /// <summary>
    /// The next hop of a plain packet (<see cref="Classifier.IsPlainFour"/>) behind an untagged Ethernet header that goes through the default
    /// route's gateway, as almost all do that leave the link. False where <see cref="Decide"/> has to say.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal bool TryGateway(ref byte frame, TimeSpan now, ref NextHop hop)
    {
        ref var packet = ref Unsafe.Add(ref frame, EtherType.HeaderLength);
        RoutedPrefix? way;
        if (packet >> 4 == 4)
            way = Unsafe.Add(ref packet, 12) == Loopback ? null : Routes.FindDefaultFour(ref Unsafe.Add(ref packet, 16));
        else
            way = Routes.FindDefaultSix(ref Unsafe.Add(ref packet, 24));
        if (way is null || _isShadow || way.GatewayIn(Neighbors) is not { } gateway || !gateway.TryUse(now))
            return false;
        (hop.Address, hop.Mac) = (way.Gateway, gateway.Mac);
        return true;
    }

    /// <summary>Decides on an IP packet behind an untagged Ethernet header. One thread at a time.</summary>
    internal Decision Decide(ReadOnlySpan<byte> frame, in FrameOffload offload, ushort protocol, int masterIpMtu, TimeSpan now, ref NextHop hop)
    {
        var packet = frame[EtherType.HeaderLength..];
        var mayFragment = false;
        if (protocol == EtherType.IPv4)
        {
            if (packet.Length < Ipv4MinLength || (packet[0] & 15) < 5)
                return Dropped(DropReason.Ipv4Header);
            hop.Address = L3Address.ReadFour(packet[16..]);
            // From the host to itself is no matter of sources (31, 32).
            if (packet[12] == Loopback && packet[16] != Loopback && Host.KindOf(hop.Address) != HostAddressKind.Own)
                return Dropped(DropReason.SourceNotRoutable);
            mayFragment = (BinaryPrimitives.ReadUInt16BigEndian(packet[6..]) & DontFragment) == 0;
        }
        else
        {
            if (packet.Length < Ipv6Length)
                return Dropped(DropReason.Ipv6Header);
            hop.Address = L3Address.ReadSix(packet[24..]);
        }
        ref var destination = ref _recent.At(hop.Address);
        // Read before what is looked up: a change in between makes it look stale, never fresh.
        var generation = _generation.Number;
        if (destination.Generation != generation || destination.Address != hop.Address)
            LookUp(hop.Address, generation, ref destination);
        if (destination.Action != DecisionAction.Route)
            return destination.Action == DecisionAction.Drop ? Dropped(destination.Reason) : new Decision(destination.Action);
        hop.Address = destination.NextHop;
        var limit = masterIpMtu + EtherType.HeaderLength;
        var isLong = frame.Length > limit && Segmenter.SegmentFrameLength(frame, offload) > limit;
        if (isLong && !mayFragment)
            return Dropped(DropReason.MtuExceeded);
        hop.Mac = destination.Mac;
        var isKnown = destination.HasFixedMac || (destination.Neighbor is { } neighbor && neighbor.TryUse(now));
        return new Decision(isKnown ? DecisionAction.Route : DecisionAction.NeighborMissing, fragment: isLong);
    }

    /// <summary>One that decides by the same routes and neighbors and leaves both as they are.</summary>
    internal Router Shadow() => new(this);

    /// <summary>Works out where packets to an address go.</summary>
    private void LookUp(L3Address address, long generation, ref RecentDestination destination)
    {
        destination = new RecentDestination { Address = address, Generation = generation, NextHop = address };
        var kind = Host.KindOf(address);
        if (address.IsMulticast || kind == HostAddressKind.Broadcast)
        {
            LookUpGroup(address, ref destination);
        }
        else if (kind == HostAddressKind.Own)
        {
            destination.Action = DecisionAction.RouteToHost;
        }
        else if (Routes.Find(address) is not { Best.IsUnreachable: false } way)
        {
            (destination.Action, destination.Reason) = (DecisionAction.Drop, DropReason.NoRoute);
        }
        else
        {
            destination.Action = DecisionAction.Route;
            destination.NextHop = way.HasGateway ? way.Gateway : address;
            destination.Neighbor = _isShadow ? Neighbors.Find(destination.NextHop)?.Shadow() : Neighbors.Find(destination.NextHop);
            destination.Mac = destination.Neighbor?.Mac ?? default;
        }
    }

    /// <summary>
    /// IPv4: no host sends those for another (rule 31). IPv6: RFC 4291 section 2.7, scopes 0 and 1 stay on the host; RFC 2464 section 7,
    /// the MAC is made of the address.
    /// </summary>
    private static void LookUpGroup(L3Address address, ref RecentDestination destination)
    {
        if (!address.IsSix || ((address.High >> 48) & 15) <= 1)
        {
            (destination.Action, destination.Reason) = (DecisionAction.Drop, DropReason.DestinationNotRoutable);
            return;
        }
        destination.Action = DecisionAction.Route;
        destination.Mac = new MacAddress(Ipv6MulticastMac | (uint)address.Low);
        destination.HasFixedMac = true;
    }

    private static Decision Dropped(DropReason reason) => new(DecisionAction.Drop, reason: reason, error: SendError.NoBuffers);
}
