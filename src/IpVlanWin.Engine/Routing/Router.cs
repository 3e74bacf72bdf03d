using System.Buffers.Binary;
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

    /// <summary>The host's prefixes and routes.</summary>
    public RouteTable Routes { get; } = new();

    /// <summary>The stations of the master's link.</summary>
    public NeighborTable Neighbors { get; } = new();

    /// <summary>The host's own addresses on the master.</summary>
    public HostAddresses Host { get; }

    internal Router() => Host = new HostAddresses(Routes);

    /// <summary>Decides on an IP packet behind an untagged Ethernet header.</summary>
    internal Decision Decide(ReadOnlySpan<byte> frame, in FrameOffload offload, ushort protocol, int masterIpMtu, TimeSpan now, ref NextHop hop)
    {
        var packet = frame[EtherType.HeaderLength..];
        var mayFragment = false;
        if (protocol == EtherType.IPv4)
        {
            if (packet.Length < Ipv4MinLength || (packet[0] & 15) < 5)
                return Dropped(DropReason.Ipv4Header);
            var source = BinaryPrimitives.ReadUInt32BigEndian(packet[12..]);
            var destination = BinaryPrimitives.ReadUInt32BigEndian(packet[16..]);
            hop.Address = new L3Address(destination);
            if (source >> 24 == 127 && destination >> 24 != 127)
                return Dropped(DropReason.SourceNotRoutable);
            if (hop.Address.IsMulticast || destination == uint.MaxValue || Host.IsBroadcast(hop.Address))
                return Dropped(DropReason.DestinationNotRoutable);
            mayFragment = (BinaryPrimitives.ReadUInt16BigEndian(packet[6..]) & DontFragment) == 0;
        }
        else
        {
            if (packet.Length < Ipv6Length)
                return Dropped(DropReason.Ipv6Header);
            hop.Address = L3Address.ReadSix(packet[24..]);
            if (hop.Address.IsMulticast)
                return DecideMulticast(frame, offload, masterIpMtu, ref hop);
        }
        if (Host.IsOwn(hop.Address))
            return new Decision(DecisionAction.RouteToHost);
        if (!Routes.TryFind(hop.Address, out var route) || route.IsUnreachable)
            return Dropped(DropReason.NoRoute);
        if (route.Gateway is { } gateway)
            hop.Address = gateway;
        var isLong = Segmenter.SegmentFrameLength(frame, offload) - EtherType.HeaderLength > masterIpMtu;
        if (isLong && !mayFragment)
            return Dropped(DropReason.MtuExceeded);
        var known = Neighbors.TryFind(hop.Address, now, out var mac);
        hop.Mac = mac;
        return new Decision(known ? DecisionAction.Route : DecisionAction.NeighborMissing, fragment: isLong);
    }

    /// <summary>RFC 4291 section 2.7: scopes 0 and 1 stay on the host. RFC 2464 section 7: the MAC is made of the address.</summary>
    private static Decision DecideMulticast(ReadOnlySpan<byte> frame, in FrameOffload offload, int masterIpMtu, ref NextHop hop)
    {
        if (((hop.Address.High >> 48) & 15) <= 1)
            return Dropped(DropReason.DestinationNotRoutable);
        if (Segmenter.SegmentFrameLength(frame, offload) - EtherType.HeaderLength > masterIpMtu)
            return Dropped(DropReason.MtuExceeded);
        hop.Mac = new MacAddress(Ipv6MulticastMac | (uint)hop.Address.Low);
        return new Decision(DecisionAction.Route);
    }

    private static Decision Dropped(DropReason reason) => new(DecisionAction.Drop, reason: reason, error: SendError.NoBuffers);
}
