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
    private const int Ipv4MinLength = 20;
    private const int Ipv6Length = 40;
    private const int DontFragment = 0x4000;
    private const ulong Ipv6MulticastMac = 0x3333_0000_0000;

    // It only looks: neighbors must not seem to be in use because of it.
    private readonly bool _isShadow;

    internal Router() => Host = new HostAddresses(Routes);

    private Router(Router original)
    {
        (Routes, Neighbors, Host) = (original.Routes, original.Neighbors, original.Host);
        _isShadow = true;
    }

    /// <summary>The host's prefixes and routes.</summary>
    public RouteTable Routes { get; } = new();

    /// <summary>The stations of the master's link.</summary>
    public NeighborTable Neighbors { get; } = new();

    /// <summary>The host's own addresses on the master.</summary>
    public HostAddresses Host { get; }

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
            if (packet[12] == 127 && packet[16] != 127)
                return Dropped(DropReason.SourceNotRoutable);
            mayFragment = (BinaryPrimitives.ReadUInt16BigEndian(packet[6..]) & DontFragment) == 0;
        }
        else
        {
            if (packet.Length < Ipv6Length)
                return Dropped(DropReason.Ipv6Header);
            hop.Address = L3Address.ReadSix(packet[24..]);
        }
        var special = Host.KindOf(hop.Address);
        if (hop.Address.IsMulticast || special == HostAddressKind.Broadcast)
            return DecideGroup(frame, offload, mayFragment, masterIpMtu, ref hop);
        if (special == HostAddressKind.Own)
            return new Decision(DecisionAction.RouteToHost);
        if (Routes.Find(hop.Address) is not { Best.IsUnreachable: false } prefix)
            return Dropped(DropReason.NoRoute);
        var neighbor = NextHopBy(prefix, ref hop);
        var isLong = IsLong(frame, offload, masterIpMtu);
        if (isLong && !mayFragment)
            return Dropped(DropReason.MtuExceeded);
        if (neighbor is null)
            return new Decision(DecisionAction.NeighborMissing, fragment: isLong);
        hop.Mac = neighbor.Mac;
        return new Decision(neighbor.TryUse(now) ? DecisionAction.Route : DecisionAction.NeighborMissing, fragment: isLong);
    }

    /// <summary>One that decides by the same routes and neighbors and leaves both as they are.</summary>
    internal Router Shadow() => new(this);

    private NeighborTable.Entry? NextHopBy(RoutedPrefix prefix, ref NextHop hop)
    {
        if (prefix.HasGateway)
            hop.Address = prefix.Gateway;
        if (_isShadow)
            return Neighbors.Find(hop.Address)?.Shadow();
        return prefix.HasGateway ? prefix.GatewayIn(Neighbors) : Neighbors.Find(hop.Address);
    }

    /// <summary>
    /// IPv4: no host sends those for another (rule 31). IPv6: RFC 4291 section 2.7, scopes 0 and 1 stay on the host; RFC 2464 section 7,
    /// the MAC is made of the address.
    /// </summary>
    private static Decision DecideGroup(ReadOnlySpan<byte> frame, in FrameOffload offload, bool mayFragment, int masterIpMtu, ref NextHop hop)
    {
        if (!hop.Address.IsSix || ((hop.Address.High >> 48) & 15) <= 1)
            return Dropped(DropReason.DestinationNotRoutable);
        var isLong = IsLong(frame, offload, masterIpMtu);
        if (isLong && !mayFragment)
            return Dropped(DropReason.MtuExceeded);
        hop.Mac = new MacAddress(Ipv6MulticastMac | (uint)hop.Address.Low);
        return new Decision(DecisionAction.Route, fragment: isLong);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsLong(ReadOnlySpan<byte> frame, in FrameOffload offload, int masterIpMtu) =>
        frame.Length - EtherType.HeaderLength > masterIpMtu && Segmenter.SegmentFrameLength(frame, offload) - EtherType.HeaderLength > masterIpMtu;

    private static Decision Dropped(DropReason reason) => new(DecisionAction.Drop, reason: reason, error: SendError.NoBuffers);
}
