using IpVlanWin.Engine.Ipvlan;
using static IpVlanWin.Engine.Tests.Oracle.NaiveHeader;

namespace IpVlanWin.Engine.Tests.Oracle;

public sealed partial class NaivePort
{
    /// <summary>Sections 3 and 4.</summary>
    public void Receive(NaiveFrame frame)
    {
        Begin();
        if (!MasterUp)
            Reason(DropReason.MasterDown, null);
        else if (frame.Bytes.Length < 14)
            Reason(DropReason.Runt, null);
        else if (frame.LongestSegment > IpMtu + 18)
            Reason(DropReason.Oversize, null);
        else if (IsTagged(frame.Bytes) && frame.Bytes.Length < 20)
            Reason(DropReason.ShortTag, null);
        else if (Mode == PortMode.L3S)
            ReceiveL3S(frame.Bytes);
        else
            ReceiveOnMaster(frame.Bytes);
    }

    /// <summary>The interface's stack sends: format section 6, then sections 5 and 6.</summary>
    public void Transmit(NaiveInterface sender, NaiveFrame frame, TimeSpan now)
    {
        Begin();
        var bytes = frame.Bytes;
        if (!sender.Up)
            Refuse(SendError.NetworkDown, DropReason.InterfaceDown);
        else if (frame.LongestSegment > sender.IpMtu + 14 + (bytes.Length >= 14 && Word(bytes, 12) == 0x8100 ? 4 : 0))
            Refuse(SendError.MessageTooLong, DropReason.Oversize);
        else if (bytes.Length < 14)
            Refuse(SendError.Invalid, DropReason.Runt);
        else if (Mode == PortMode.L2)
            TransmitL2(sender, frame);
        else
            TransmitL3(sender, frame, now);

        void Refuse(SendError error, DropReason reason)
        {
            SendError = error;
            Reason(reason, sender);
        }
    }

    /// <summary>Rule 12. In l2 it also serves rule 21c.</summary>
    private void ReceiveOnMaster(byte[] frame)
    {
        var header = OnMaster(frame);
        var destination = DestinationMac(frame);
        var target = Target(header);
        if (Mode == PortMode.L2 && IsMulticastMac(destination))
        {
            Out(NaiveCopy.Host, frame);
            if (ProtocolOnMaster(frame) == 0x8808 || IsOurs(frame, header))
                return;
            foreach (var member in Interfaces.Where(member => member.Up && member.FilterHas(destination)))
            {
                Accept(member, frame);
                member.Count(NaiveCounter.Multicast);
            }
        }
        else if (target is not null)
            Accept(target, frame);
        else
            Out(NaiveCopy.Host, frame);
    }

    /// <summary>Rules 18 and 19.</summary>
    private void ReceiveL3S(byte[] frame)
    {
        Out(NaiveCopy.Host, frame);
        var (protocol, packet, vlan) = BehindPriorityTags(frame);
        var destination = DestinationMac(frame);
        NaiveInterface? owner = null;
        var length = 0;
        var isOpen = false;
        var isForThisStation = (destination == Mac || IsMulticastMac(destination)) && vlan == 0;
        var passes = true;
        if (protocol == 0x0800 && packet.Length >= 20)
        {
            owner = Owner(Four(packet, 16));
            var headerLength = packet[0] % 16 * 4;
            length = Word(packet, 2);
            passes = passes && packet[0] / 16 == 4 && headerLength >= 20 && packet.Length >= headerLength &&
                WireNaive.Sum(packet[..headerLength]) == 0xFFFF && headerLength <= length && length <= packet.Length;
            var source = Four(packet, 12);
            passes = passes && packet[12] != 127 && packet[12] / 16 != 14 && source is not ("00000000" or "FFFFFFFF") &&
                (owner?.Addresses.ContainsKey(source) != true || HostTakes(Four(packet, 16), source));
            isOpen = headerLength > 20;
        }
        else if (protocol == 0x86dd && packet.Length >= 40)
        {
            owner = Owner(Six(packet, 24));
            length = 40 + Word(packet, 4);
            var source = Six(packet, 8);
            var isUnspecified = source.All(digit => digit == '0');
            var isFromNowhere = isUnspecified && packet[6] == 58;
            isOpen = isFromNowhere && Behind(protocol, packet).Key is not null;
            passes = !isFromNowhere || isOpen;
            passes = passes && packet[0] / 16 == 6 && length <= packet.Length && packet[8] != 255 && source != "00000000000000000000000000000001";
            isOpen |= packet[6] is 0 or 43 or 60;
        }
        else
            return;
        if (owner is null || !isForThisStation)
            return;
        if (!passes)
        {
            Reason(DropReason.L3sInvalid, owner); // the host has it, but the interface it is for does not
            return;
        }
        NotJudged = isOpen;
        owner.Count(NaiveCounter.RxPackets);
        owner.Count(NaiveCounter.RxBytes, 14 + length);
        Out(owner.Name, [.. frame[..12], (byte)(protocol / 256), (byte)(protocol % 256), .. packet[..length]]);
    }

    private void TransmitL2(NaiveInterface sender, NaiveFrame frame)
    {
        var bytes = frame.Bytes;
        var destination = DestinationMac(bytes);
        if (Flag != PortFlag.Vepa && destination == SourceMac(bytes))
        {
            TurnBack(sender, frame); // 21
            return;
        }
        Sent(sender, bytes);
        if (IsMulticastMac(destination))
        {
            if (Word(bytes, 12) == 0x8808)
            {
                Reason(DropReason.Pause, sender); // 22a
                return;
            }
            foreach (var member in Interfaces.Where(member => member != sender && member.Up && member.FilterHas(destination)))
            {
                if (Deliver(member, frame))
                    member.Count(NaiveCounter.Multicast);
            }
            if (MasterUp)
                Out(NaiveCopy.Wire, bytes);
        }
        else if (MasterUp)
            Out(NaiveCopy.Wire, bytes); // 23
        else
            Reason(DropReason.MasterDown, sender);
    }

    private void TurnBack(NaiveInterface sender, NaiveFrame frame)
    {
        var bytes = frame.Bytes;
        if (Target(AsSent(bytes)) is { } target)
        {
            if (Flag == PortFlag.Private)
            {
                Dropped(DropReason.Private, sender);
                return;
            }
            Sent(sender, bytes);
            Deliver(target, frame);
            return;
        }
        var isShort = IsTagged(bytes) && bytes.Length < 20;
        if (Flag == PortFlag.Private && IsTagged(bytes) && !isShort && Target(OnMaster(bytes)) is { } behindTag && behindTag != sender)
        {
            Dropped(DropReason.TaggedPrivate, sender);
            return;
        }
        Sent(sender, bytes);
        if (!MasterUp)
            Reason(DropReason.MasterDown, sender);
        else if (frame.LongestSegment > IpMtu + 18)
            Reason(DropReason.Oversize, sender);
        else if (isShort)
            Reason(DropReason.ShortTag, sender);
        else
            ReceiveOnMaster(bytes);
    }

    private void TransmitL3(NaiveInterface sender, NaiveFrame frame, TimeSpan now)
    {
        var bytes = frame.Bytes;
        if (Flag != PortFlag.Vepa && Target(AsSent(bytes)) is { } target)
        {
            if (Flag == PortFlag.Private)
            {
                Dropped(DropReason.Private, sender); // 25
                return;
            }
            Sent(sender, bytes);
            Deliver(target, frame);
        }
        else if (IsMulticastMac(DestinationMac(bytes)))
            Dropped(DropReason.MulticastInL3, sender); // 26
        else if (Word(bytes, 12) is not (0x0800 or 0x86dd))
            Dropped(DropReason.NotIp, sender); // 27
        else if (!MasterUp)
            Dropped(DropReason.MasterDown, sender); // 29
        else if (Word(bytes, 12) == 0x0800)
            RouteFour(sender, frame, now);
        else
            RouteSix(sender, frame, now);
    }
}
