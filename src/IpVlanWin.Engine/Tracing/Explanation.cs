using System.Buffers.Binary;
using System.Globalization;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Routing;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Engine.Tracing;

/// <summary>
/// Puts a decision that has been made into words. It looks things up with the engine's own parts and takes the outcome from the decision, so
/// it decides nothing.
/// </summary>
/// <param name="port">The shadow that decided.</param>
/// <param name="masterName">The master's name.</param>
/// <param name="offload">What is unfinished about the frame.</param>
internal sealed partial class Explanation(PortSnapshot port, string masterName, FrameOffload offload)
{
    private const int MostNames = 16;

    private readonly List<TraceStep> _steps = [];
    private readonly List<string> _targets = [];

    public IReadOnlyList<TraceStep> Steps => _steps;

    public IReadOnlyList<string> Targets => _targets;

    /// <summary>Sections 3 and 4.</summary>
    public void Received(ReadOnlySpan<byte> frame, in Decision decision)
    {
        Add("1", $"the port of {masterName} is in {port.Mode.Word()}; the frame came from the wire ({frame.Length} bytes)");
        switch (decision.Action == DecisionAction.Drop ? decision.Reason : DropReason.None)
        {
            case DropReason.MasterDown:
                Add("48", $"the master {masterName} is down: nothing from the wire passes");
                break;
            case DropReason.Runt:
                Add("12", $"the frame is shorter than an Ethernet header ({EtherType.HeaderLength} bytes): the adapter refuses it");
                break;
            case DropReason.Oversize:
                Add("12", $"the frame is longer than the master's MTU and headers allow ({port.IpMtu} + 18 bytes): the adapter refuses it");
                break;
            default:
                ReceivedOnMaster(frame, decision);
                break;
        }
    }

    /// <summary>Sections 5 and 6.</summary>
    public void Sent(VirtualInterface sender, ReadOnlySpan<byte> frame, in Decision decision, in NextHop hop)
    {
        Add("1", $"the port of {masterName} is in {port.Mode.Word()}, {port.Flag.Word()}; interface {sender.Name} sends {frame.Length} bytes");
        switch (decision.Action == DecisionAction.Drop ? decision.Reason : DropReason.None)
        {
            case DropReason.InterfaceDown:
                Add("47", $"{sender.Name} is down: it cannot send");
                return;
            case DropReason.Runt:
                Add("36", $"the frame is shorter than an Ethernet header ({EtherType.HeaderLength} bytes): refused before the port");
                return;
            case DropReason.Oversize when decision.SendError == SendError.MessageTooLong:
                Add("36", $"the frame is longer than the MTU of {sender.Name} allows ({sender.IpMtu} + {EtherType.HeaderLength} bytes): refused before the port");
                return;
        }
        if (port.Mode == PortMode.L2)
            SentSwitched(sender, frame, decision);
        else
            SentRouted(frame, decision, hop);
    }

    private void ReceivedOnMaster(ReadOnlySpan<byte> frame, in Decision decision)
    {
        var protocol = BinaryPrimitives.ReadUInt16BigEndian(frame[12..]);
        var offset = EtherType.HeaderLength;
        if (decision is { Action: DecisionAction.Drop, Reason: DropReason.ShortTag })
        {
            Add("7", "its VLAN tag is cut short: it is lost");
            return;
        }
        if (EtherType.IsTag(protocol))
        {
            offset += EtherType.TagLength;
            var identifier = BinaryPrimitives.ReadUInt16BigEndian(frame[14..]) & 0xfff;
            Add("7", $"the tag {protocol:x4} with VLAN {identifier} is off for looking it up");
            protocol = BinaryPrimitives.ReadUInt16BigEndian(frame[16..]);
        }
        if (port.Mode == PortMode.L3S)
        {
            ReceivedInspected(frame, offset, protocol, decision);
            return;
        }
        var key = Classified(frame, offset, protocol);
        if (port.Mode == PortMode.L2 && (frame[0] & 1) != 0)
        {
            if (decision.Action == DecisionAction.FloodReceived)
                Flooded(frame, sender: null);
            else if (protocol == EtherType.Pause)
                Add("12", "PAUSE goes to the host only");
            else
                Add("13", $"source MAC {port.Mac} is the port's own and {Address(frame, key.Family, key.SourceOffset)} belongs to one of its interfaces: it is ours, come back, and goes to the host only");
            return;
        }
        LookedUp(frame, key);
        if (decision.Action == DecisionAction.Deliver)
            Accept("12", port.TargetOf(decision)!, port.Mode == PortMode.L2 ? "unicast for it" : "in l3 the address alone counts");
        else
            Add("12", port.Mode == PortMode.L2 ? "unicast for no interface: the host gets it" : "for no interface: only the host gets it; nothing is flooded in l3");
    }

    private void ReceivedInspected(ReadOnlySpan<byte> frame, int offset, ushort protocol, in Decision decision)
    {
        Add("18", "in l3s the host gets every frame");
        var first = offset;
        offset = LocalInput.SkipTags(frame, offset, ref protocol);
        if (offset > first)
            Add("18a", $"{(offset - first) / EtherType.TagLength} more of its tags are off, those before having VLAN 0");
        if (decision.Action == DecisionAction.HostAndLocal)
        {
            LookedUpDestination(frame, offset, protocol);
            Accept("19", port.TargetOf(decision)!, $"its IP layer gets the packet as well, cut to {decision.PacketLength} bytes");
            return;
        }
        if (protocol is not (EtherType.IPv4 or EtherType.IPv6))
        {
            Add("18", $"protocol {protocol:x4} is not IP: the host alone gets it");
            return;
        }
        if (!port.IsForThisStation(frame, offset))
        {
            Add("18a", (frame[0] & 1) == 0 && MacAddress.Read(frame) != port.Mac
                ? $"destination MAC {MacAddress.Read(frame)} is neither {port.Mac} nor multicast: the host alone gets it"
                : "it has a VLAN other than 0: the host alone gets it");
            return;
        }
        LookedUpDestination(frame, offset, protocol);
        if (port.Drops[DropReason.L3sInvalid] == 0)
        {
            Add("18c", "for no interface: the host alone gets it");
            return;
        }
        var (rule, why) = LocalInput.AcceptedLength(frame[offset..], protocol) switch
        {
            LocalInput.Malformed => ("18b", "its version or lengths are wrong"),
            LocalInput.ChecksumWrong => ("18b", "its header checksum is wrong"),
            LocalInput.SourceWrong => ("18d", "no packet from another host has its source"),
            LocalInput.FromUnspecified => ("18c", "it is ICMPv6 from the unspecified address"),
            _ => ("18d", "its source is an address of the interface itself, and the host does not take it either"),
        };
        Add(rule, $"a host's IP input would not take it, because {why}: the host alone gets it");
    }

    private void SentSwitched(VirtualInterface sender, ReadOnlySpan<byte> frame, in Decision decision)
    {
        var (to, from) = (MacAddress.Read(frame), MacAddress.Read(frame[MacAddress.Bytes..]));
        if (port.Flag != PortFlag.Vepa && to == from)
        {
            Add("21", $"destination MAC = source MAC ({to}): it is looked up among the interfaces");
            SentToOwnMac(frame, decision);
            return;
        }
        Add("21", port.Flag == PortFlag.Vepa ? "vepa: interfaces reach each other by way of the wire only" : $"destination MAC {to} is not the source's ({from}): not meant for an interface of the port");
        if ((frame[0] & 1) == 0)
        {
            Add("23", decision.Action == DecisionAction.Wire ? "unicast: to the wire, unchanged" : $"unicast to the wire, but the master {masterName} is down: lost, though counted as sent");
        }
        else if (decision.Action == DecisionAction.Drop)
        {
            Add("22a", "PAUSE is swallowed, and counted as sent");
        }
        else
        {
            Flooded(frame, sender);
        }
    }

    private void SentToOwnMac(ReadOnlySpan<byte> frame, in Decision decision)
    {
        var protocol = BinaryPrimitives.ReadUInt16BigEndian(frame[12..]);
        LookedUp(frame, Classified(frame, EtherType.HeaderLength, protocol));
        if (decision is { Action: DecisionAction.Drop, Reason: DropReason.TaggedPrivate })
            Add("21b", "private: behind its tag it is for a sibling, so it is dropped");
        else if (TryToTarget("21a", frame, decision))
            return;
        else if (decision is { Action: DecisionAction.Drop, Reason: DropReason.MasterDown })
            Add("21c", $"received on the master, but {masterName} is down: lost, though counted as sent");
        else if (decision is { Action: DecisionAction.Drop, Reason: DropReason.Oversize })
            Add("21c", $"received on the master, but longer than its MTU allows ({port.IpMtu} + 18 bytes): lost, though counted as sent");
        else
            TurnedBack(frame, decision);
    }

    private void TurnedBack(ReadOnlySpan<byte> frame, in Decision decision)
    {
        Add("21c", "for no interface as it was sent: received on the master, as if it came from the wire");
        ReceivedOnMaster(frame, decision);
    }

    private void SentRouted(ReadOnlySpan<byte> frame, in Decision decision, in NextHop hop)
    {
        var protocol = BinaryPrimitives.ReadUInt16BigEndian(frame[12..]);
        if (port.Flag == PortFlag.Vepa)
        {
            Add("28", "vepa: no interface is looked up");
        }
        else
        {
            LookedUp(frame, Classified(frame, EtherType.HeaderLength, protocol));
            if (TryToTarget("25", frame, decision))
                return;
        }
        if (decision.Action == DecisionAction.Drop)
            Add(RuleOf(decision.Reason), SentenceOf(decision.Reason, frame, protocol));
        else
            Routed(frame, protocol, decision, hop);
    }

    private void Routed(ReadOnlySpan<byte> frame, ushort protocol, in Decision decision, in NextHop hop)
    {
        Add("28", "its MACs are put away and the packet is routed as one of the host's own");
        var destination = Destination(frame, protocol);
        if (decision.Action == DecisionAction.RouteToHost)
        {
            Add("32", $"{destination} is an address of the master: the host gets it");
            return;
        }
        Add("33", destination.IsMulticast ? $"{destination} is a group: its MAC follows from it"
            : hop.Address == destination ? $"{destination} is on the link of {masterName}"
            : $"the next hop to {destination} is {hop.Address}");
        if (decision.NeedsFragmenting)
            Add("34", $"longer than the master's MTU ({port.IpMtu} bytes) and may be cut: it goes in fragments");
        if (decision.Action == DecisionAction.Route)
            Add("33", $"to the wire, with destination MAC {hop.Mac} and source MAC {port.Mac}");
        else
            Add("34", $"the MAC of {hop.Address} is not known: the host asks for it, and the packet waits");
    }

    /// <summary>To a sibling or the sender itself. False where the decision is another.</summary>
    private bool TryToTarget(string rule, ReadOnlySpan<byte> frame, in Decision decision)
    {
        if (decision is { Action: DecisionAction.Drop, Reason: DropReason.Private })
            Add(rule, "private: interfaces do not reach each other, so it is dropped");
        else if (decision is { Action: DecisionAction.Drop, Reason: DropReason.MtuExceeded } && port.TargetOf(decision) is { } small)
            Add("38", $"longer than the MTU of {small.Name} allows ({small.IpMtu} + 18 bytes): not delivered, though counted as sent");
        // In l2 a tagged one was delivered by what is behind its tag, on the master.
        else if (decision.Action == DecisionAction.Deliver &&
            (port.Mode != PortMode.L2 || !EtherType.IsTag(BinaryPrimitives.ReadUInt16BigEndian(frame[12..]))))
            Accept(rule, port.TargetOf(decision)!, "delivered unchanged");
        else
            return false;
        return true;
    }

    private void Flooded(ReadOnlySpan<byte> frame, VirtualInterface? sender)
    {
        var mac = MacAddress.Read(frame);
        var cursor = 0;
        while (port.NextReceiver(frame, offload, sender, ref cursor) is { } receiver)
            _targets.Add(receiver.Name);
        var rule = sender is null ? "12" : "22b";
        Add(rule, sender is null
            ? $"multicast to {mac}: the host gets it, and {Names()}"
            : $"multicast to {mac}: {(port.IsUp ? "the wire gets it" : $"the master {masterName} is down, so not the wire")}, and {Names()}");
        for (var id = 0; id < port.Members.Count && _steps.Count < 2 * MostNames; id++)
        {
            if (port.InterfaceAt(id) is { } member && member != sender && !_targets.Contains(member.Name))
                Passed(member, mac);
        }
    }

    private void Passed(VirtualInterface member, MacAddress mac)
    {
        if (!member.IsUp)
            Add("47", $"{member.Name} is down: no copy");
        else if (member.HasMulticast(mac))
            Add("38", $"longer than the MTU of {member.Name} allows ({member.IpMtu} + 18 bytes): no copy");
        else
            Add("15", $"{member.Name} is not a member of {mac}: no copy");
    }

    private string Names() => _targets.Count switch
    {
        0 => "no interface",
        > MostNames => string.Create(CultureInfo.InvariantCulture, $"{_targets.Count} interfaces"),
        _ => string.Join(", ", _targets),
    };

    private L3Key Classified(ReadOnlySpan<byte> frame, int offset, ushort protocol)
    {
        var key = Classifier.Classify(frame, offset, protocol);
        if (key.Family != KeyFamily.None)
            Add("9", $"valid {NameOf(protocol)} header: source {Address(frame, key.Family, key.SourceOffset)}, key {Address(frame, key.Family, key.DestinationOffset)}");
        else if (protocol < 0x600)
            Add("6", "802.3 without a type: no valid header, no key");
        else if (EtherType.IsTag(protocol))
            Add("8", $"protocol {protocol:x4} is a tag, which is not off here: no valid header, no key");
        else
            Add("9", $"protocol {protocol:x4}: no valid header, or one without addresses, so no key");
        return key;
    }

    private void LookedUp(ReadOnlySpan<byte> frame, L3Key key)
    {
        if (key.Family != KeyFamily.None)
            LookedUp(Address(frame, key.Family, key.DestinationOffset));
    }

    private void LookedUpDestination(ReadOnlySpan<byte> frame, int offset, ushort protocol)
    {
        var packet = frame[offset..];
        if (LocalInput.Destination(packet, protocol) == KeyFamily.None)
            Add("18b", "it is shorter than an IP header: it names no interface");
        else
            LookedUp(protocol == EtherType.IPv4 ? L3Address.ReadFour(packet[16..]) : L3Address.ReadSix(packet[24..]));
    }

    private void LookedUp(L3Address address)
    {
        var owner = port.InterfaceAt(port.Map.Find(address));
        if (owner is null)
            Add("11", $"{address} belongs to no interface of the port");
        else if (!owner.IsUp)
            Add("47", $"{address} belongs to {owner.Name}, which is down and so owns nothing");
        else
            Add("3", $"{address} belongs to {owner.Name}, which is up");
    }

    private void Accept(string rule, VirtualInterface target, string how)
    {
        _targets.Add(target.Name);
        Add(rule, $"{target.Name} gets it: {how}");
    }

    private static string RuleOf(DropReason reason) => reason switch
    {
        DropReason.MulticastInL3 => "26",
        DropReason.NotIp => "27",
        DropReason.MasterDown or DropReason.Ipv4Header or DropReason.Ipv6Header => "29",
        DropReason.SourceNotRoutable or DropReason.DestinationNotRoutable => "31",
        _ => "34",
    };

    private string SentenceOf(DropReason reason, ReadOnlySpan<byte> frame, ushort protocol) => reason switch
    {
        DropReason.MulticastInL3 => "multicast and broadcast MACs are dropped in l3 and l3s",
        DropReason.NotIp => $"protocol {protocol:x4} is not IP: only IP packets are routed",
        DropReason.MasterDown => $"the master {masterName} is down: nothing can be routed",
        DropReason.Ipv4Header => "the IPv4 header is too short to be routed",
        DropReason.Ipv6Header => "the IPv6 header is too short to be routed",
        DropReason.SourceNotRoutable => "no host routes a packet with a loopback source",
        DropReason.DestinationNotRoutable => $"no host routes a packet to {Destination(frame, protocol)} for another: broadcast, or multicast of this scope",
        DropReason.MtuExceeded => $"longer than the master's MTU ({port.IpMtu} bytes) and must not be cut: dropped, and the sender is told so by ICMP",
        DropReason.NoRoute => $"the host has no route to {Destination(frame, protocol)} by {masterName}",
        _ => $"dropped: {reason.Word()}",
    };

    private static L3Address Destination(ReadOnlySpan<byte> frame, ushort protocol)
    {
        var packet = frame[EtherType.HeaderLength..];
        return protocol == EtherType.IPv4 ? L3Address.ReadFour(packet[16..]) : L3Address.ReadSix(packet[24..]);
    }

    private static L3Address Address(ReadOnlySpan<byte> frame, KeyFamily family, int offset) =>
        family == KeyFamily.Six ? L3Address.ReadSix(frame[offset..]) : L3Address.ReadFour(frame[offset..]);

    private static string NameOf(ushort protocol) => protocol switch
    {
        EtherType.Arp => "ARP",
        EtherType.IPv4 => "IPv4",
        _ => "IPv6",
    };

    private void Add(string rule, FormattableString text) => Add(rule, FormattableString.Invariant(text));

    private void Add(string rule, string text) => _steps.Add(new TraceStep(rule, text));
}
