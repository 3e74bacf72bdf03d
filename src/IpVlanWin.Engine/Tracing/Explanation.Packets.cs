using System.Buffers.Binary;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Engine.Tracing;

// Where the host's own stack moves the packets (PortSnapshot.Packets): what it was let do, and why.
internal sealed partial class Explanation
{
    /// <summary>An IP packet without a tag: nothing else is seen there.</summary>
    public static bool IsPacket(ReadOnlySpan<byte> frame) => frame.Length > EtherType.HeaderLength && ProtocolOf(frame) is EtherType.IPv4 or EtherType.IPv6;

    public void ReceivedPacket(ReadOnlySpan<byte> frame, in Decision decision)
    {
        Add("1", $"the port of {masterName} is in {port.Mode.Word()}; the host's stack has the packet from the wire ({frame.Length} bytes with its header)");
        if (!IsPacket(frame))
        {
            Unseen("12");
            return;
        }
        if (decision is { Action: DecisionAction.Drop, Reason: DropReason.MasterDown })
        {
            Add("48", $"the master {masterName} is down: nothing from the wire passes");
            return;
        }
        LookedUp(frame, Classified(frame, EtherType.HeaderLength, ProtocolOf(frame)));
        var rule = port.Mode == PortMode.L3S ? "18" : "12";
        if (decision.Action == DecisionAction.Deliver)
            Accept(rule, port.TargetOf(decision)!, "the host's stack hands it up, or forwards it there");
        else
            Add(rule, port.Drops[DropReason.L3sInvalid] > 0 ? "a host's IP input would not take it: it is left to the host's stack" : "for no interface: it is the host's own");
    }

    public void SentPacket(VirtualInterface sender, ReadOnlySpan<byte> frame, in Decision decision)
    {
        Add("1", $"the port of {masterName} is in {port.Mode.Word()}, {port.Flag.Word()}; the host's stack sends {frame.Length} bytes for {sender.Name}");
        if (!IsPacket(frame))
        {
            Unseen("27");
            return;
        }
        var protocol = ProtocolOf(frame);
        var key = Classified(frame, EtherType.HeaderLength, protocol);
        if (key.Family == KeyFamily.None)
        {
            Add("27", "without a valid header it is nobody's: it is left to the host's stack");
            return;
        }
        var source = protocol == EtherType.IPv4 ? L3Address.ReadFour(frame[(EtherType.HeaderLength + 12)..]) : L3Address.ReadSix(frame[(EtherType.HeaderLength + 8)..]);
        if (port.InterfaceAt(port.Map.Find(source)) is not { } owner)
        {
            Add("3", $"its source {source} belongs to no interface of the port: it is the host's own and passes");
            return;
        }
        Add("3", owner.Id == sender.Id ? $"its source {source} belongs to {owner.Name}" : $"its source {source} belongs to {owner.Name}: it counts as that interface's");
        if (decision is { Action: DecisionAction.Drop, Reason: DropReason.InterfaceDown })
        {
            Add("47", $"{owner.Name} is down: it cannot send");
            return;
        }
        LookedUp(frame, key);
        switch (decision)
        {
            case { Action: DecisionAction.Deliver }:
                Accept("25", port.TargetOf(decision)!, "the host's stack hands it over");
                break;
            case { Action: DecisionAction.Drop, Reason: DropReason.Private }:
                Add("25", "private: interfaces do not reach each other, so it is dropped");
                break;
            case { Action: DecisionAction.Drop, Reason: var reason }:
                Add(RuleOf(reason), SentenceOf(reason, frame, protocol));
                break;
            case { Action: DecisionAction.Host }:
                Add("27", "neighbor discovery is the host's own and passes");
                break;
            default:
                Add("33", $"it leaves by the host's route to {Destination(frame, protocol)}");
                break;
        }
    }

    private void Unseen(string rule) => Add(rule, "it is not a plain IP packet: this data path does not see it, and it is left to the host's stack");

    private static ushort ProtocolOf(ReadOnlySpan<byte> frame) => BinaryPrimitives.ReadUInt16BigEndian(frame[12..]);
}
