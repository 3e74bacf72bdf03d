using IpVlanWin.Engine.Routing;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Engine.Ipvlan;

// Where the host's own stack moves the packets and a data path only stands in their way: packets without Ethernet headers, and decisions
// that say whether they may go on. Anything but a drop lets them. Lengths are not judged: the stack fragments and reassembles.
public sealed unsafe partial class PortSnapshot
{
    private const int IcmpV6 = 58;

    /// <summary>Decides on an IP packet from the wire that the host's stack is about to hand up, and counts it (12, 18, in l3 and l3s).</summary>
    /// <param name="packet">The packet, no padding behind it. May stand for several segments.</param>
    /// <returns>Deliver, Host where no interface has the destination, or Drop.</returns>
    public Decision ReceivePacket(ReadOnlySpan<byte> packet)
    {
        if (!IsUp)
            return Lost(DropReason.MasterDown);
        var key = ClassifyPacket(packet, out var protocol);
        if (Owner(packet, key.Family, key.DestinationOffset) is not { } target)
            return new Decision(DecisionAction.Host);
        if (Mode == PortMode.L3S && (LocalInput.AcceptedLength(packet, protocol) <= 0 || IsFromItself(packet, key.Family, target)))
        {
            CountDrop(DropReason.L3sInvalid, target);
            return new Decision(DecisionAction.Host);
        }
        return Received(target, EtherType.HeaderLength + packet.Length);
    }

    /// <summary>
    /// Decides on an IP packet from an interface's address that the host's stack is about to send or to hand up, and counts it (25 to 31):
    /// to a sibling, or to the wire by the host's route.
    /// </summary>
    /// <param name="packet">The packet, no padding behind it. May stand for several segments.</param>
    /// <returns>Deliver, Wire, Host where it is not an interface's packet, or Drop.</returns>
    public Decision TransmitPacket(ReadOnlySpan<byte> packet)
    {
        var key = ClassifyPacket(packet, out _);
        if (Sender(packet, key) is not { } sender)
            return new Decision(DecisionAction.Host);
        if (!sender.IsUp)
            return Refused(sender, DropReason.InterfaceDown, SendError.NetworkDown);
        var bytes = EtherType.HeaderLength + packet.Length;
        if (Flag != PortFlag.Vepa && Owner(packet, key.Family, key.DestinationOffset) is { } target)
        {
            if (Flag == PortFlag.Private)
                return Dropped(sender, DropReason.Private);
            sender.CountSent(bytes);
            return Received(target, bytes);
        }
        if (IsNeighborDiscovery(packet, key))
            return new Decision(DecisionAction.Host);
        var destination = key.Family == KeyFamily.Six ? L3Address.ReadSix(packet[24..]) : L3Address.ReadFour(packet[16..]);
        if (destination.IsMulticast || (!destination.IsSix && (uint)destination.Low == uint.MaxValue))
            return Dropped(sender, DropReason.MulticastInL3);
        if (!IsUp)
            return Dropped(sender, DropReason.MasterDown);
        if (_router.Host.IsBroadcast(destination))
            return Dropped(sender, DropReason.DestinationNotRoutable);
        sender.CountSent(bytes);
        return new Decision(DecisionAction.Wire);
    }

    /// <summary>
    /// Rule 18d: an IPv4 packet from an address of the interface that it is for, which that one's own input refuses. Not where the host has
    /// the destination as well, and not the source: then the host's input takes it (ipvlan_l3_rcv, ipvlan_nf_input).
    /// </summary>
    private bool IsFromItself(ReadOnlySpan<byte> packet, KeyFamily family, VirtualInterface target) =>
        family == KeyFamily.Four && Owner(packet, family, 12) == target &&
        (_router.Host.KindOf(L3Address.ReadFour(packet[16..])) == HostAddressKind.Other || _router.Host.KindOf(L3Address.ReadFour(packet[12..])) == HostAddressKind.Own);

    /// <summary>Both addresses of a packet with a valid header (9). A solicitation from :: is the host's affair, so it has none.</summary>
    private static L3Key ClassifyPacket(ReadOnlySpan<byte> packet, out ushort protocol)
    {
        protocol = packet.IsEmpty ? (ushort)0 : (packet[0] >> 4) switch
        {
            4 => EtherType.IPv4,
            6 => EtherType.IPv6,
            _ => (ushort)0,
        };
        var key = Classifier.Classify(packet, 0, protocol);
        return key.SourceOffset == key.DestinationOffset ? default : key;
    }

    /// <summary>The interface that has the source address, up or down.</summary>
    private VirtualInterface? Sender(ReadOnlySpan<byte> packet, L3Key key) => InterfaceAt(_map.Find(packet, key.Family, key.SourceOffset));

    /// <summary>RFC 4861 section 4: the host's stack resolves its next hops itself, and may speak from an interface's address.</summary>
    private static bool IsNeighborDiscovery(ReadOnlySpan<byte> packet, L3Key key) =>
        key.Family == KeyFamily.Six && packet.Length > 40 && packet[6] == IcmpV6 && packet[40] is >= 133 and <= 137;
}
