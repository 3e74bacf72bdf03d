namespace IpVlanWin.Conformance;

/// <summary>One place to change in a copy of the engine: every occurrence of the text in the file.</summary>
internal sealed record Edit(string File, string Text, string Replacement);

/// <summary>A fault for one rule of the semantics.</summary>
/// <param name="Rule">Its number, with a letter where a rule has several.</param>
/// <param name="What">What the engine then does wrong.</param>
/// <param name="Edits">What makes it so.</param>
internal sealed record Fault(string Rule, string What, params Edit[] Edits);

/// <summary>Faults to plant, and the rules that have none.</summary>
internal static class Faults
{
    private const string Snapshot = "Ipvlan/PortSnapshot.cs";
    private const string Packets = "Ipvlan/PortSnapshot.Packets.cs";
    private const string Classifier = "Ipvlan/Classifier.cs";
    private const string Input = "Ipvlan/LocalInput.cs";
    private const string Port = "Ipvlan/Port.cs";
    private const string Interface = "Ipvlan/VirtualInterface.cs";
    private const string Router = "Routing/Router.cs";
    private const string Routed = "Routing/RoutedPacket.cs";
    private const string Host = "Routing/HostAddresses.cs";
    private const string Types = "Wire/EtherType.cs";

    /// <summary>Rules without a fault of their own, and why.</summary>
    public static readonly IReadOnlyList<(string Rule, string Why)> Exceptions =
    [
        ("2", "the interfaces have no MAC of their own in the engine; the one there is, is planted under 49"),
        ("21 (length)", "no interface sends what is too long for the master: its own MTU is never above the master's (56)"),
        ("22 (wire)", "whether a flooded frame leaves by a master that is down, the data paths decide; the comparison sees it, a fault in the engine cannot make it"),
        ("24 (fragmentation)", "the engine has no code that fragments in l2"),
        ("44 (IPv6)", "it is an interface's stack that takes its IPv6 addresses away; the replay imitates it"),
        ("49 (of an interface)", "a MAC for an interface is refused before the port"),
        ("53 (host)", "frames that the host sends do not enter the port"),
        ("54 to 58", "beyond the recordings: Linux has no drop reasons, no inspection seam, no backlog of this size that could be compared"),
    ];

    public static readonly IReadOnlyList<Fault> All =
    [
        new("1", "a new mode takes the flag along", new Edit(Port, "{ Mode = mode })", "{ Mode = mode, Flag = PortFlag.Bridge })")),
        new("3", "an interface that is down owns its addresses", new Edit(Snapshot, "InterfaceAt(id) is { IsUp: true } owner ? owner : null", "InterfaceAt(id)"),
            new Edit(Snapshot, "if (!state->IsUp)", "if (state == null)")),
        new("4", "only broadcast counts as multicast on reception", new Edit(Snapshot, "if (Mode == PortMode.L2 && (frame[0] & 1) != 0)", "if (Mode == PortMode.L2 && frame[0] == 0xff)")),
        new("5", "the outer tag is counted on reception", new Edit(Snapshot, "frame.Length - (offset - EtherType.HeaderLength)", "frame.Length")),
        new("6", "802.3 frames have headers", new Edit(Classifier, "if (protocol == EtherType.IPv4)", "if (protocol is EtherType.IPv4 or < 0x600)")),
        new("7", "service tags are not taken off", new Edit(Types, "type is VlanTag or ServiceTag", "type is VlanTag")),
        new("7a", "tagged frames of 18 and 19 bytes pass", new Edit(Types, "HeaderLength + TagLength + 2", "HeaderLength + TagLength")),
        new("7b", "a second tag is taken off as well", new Edit(Snapshot, "if (EtherType.IsTag(protocol))\n        {", "while (EtherType.IsTag(protocol))\n        {"), new Edit(Snapshot, "            protocol = BinaryPrimitives.ReadUInt16BigEndian(frame[16..]);", "            protocol = BinaryPrimitives.ReadUInt16BigEndian(frame[(offset - 2)..]);")),
        new("8", "a tag is taken off what an interface sends", new Edit(Snapshot, "var key = Classifier.Classify(frame, EtherType.HeaderLength, protocol);",
            "var key = EtherType.IsTag(protocol) && frame.Length >= 20 ? Classifier.Classify(frame, 18, BinaryPrimitives.ReadUInt16BigEndian(frame[16..])) : Classifier.Classify(frame, EtherType.HeaderLength, protocol);")),
        new("9a", "ARP of exactly 28 bytes has no header", new Edit(Classifier, "ArpLength = 28", "ArpLength = 29")),
        new("9b", "the IPv4 version is not looked at", new Edit(Classifier, "packet >> 4 != 4", "packet >> 4 == 15")),
        new("9c", "an IPv4 header may be shorter than 20", new Edit(Classifier, "headerLength >= Ipv4MinLength && ", "")),
        new("9d", "an IPv4 header may be longer than the packet", new Edit(Classifier, "headerLength <= totalLength && ", "")),
        new("9e", "D1: total lengths up to 14 too large", new Edit(Classifier, "totalLength <= length", "totalLength <= length + 14")),
        new("9f", "the IPv6 version is not looked at", new Edit(Classifier, "length < Ipv6Length || packet >> 4 != 6", "length < Ipv6Length")),
        new("9g", "a solicitation of exactly 64 bytes has no target", new Edit(Classifier, "length >= 64", "length > 64")),
        new("9h", "all ICMPv6 from :: has a target", new Edit(Classifier, "Unsafe.Add(ref packet, 40) == NeighborSolicitation", "true")),
        new("9i", "ICMPv6 from :: goes by its destination", new Edit(Classifier, "Unsafe.Add(ref packet, 6) != IcmpV6 || ", "true || ")),
        new("10", "a time to live of 0 makes a header invalid", new Edit(Classifier, "totalLength <= length", "totalLength <= length && Unsafe.Add(ref packet, 8) != 0"),
            new Edit(Classifier, "At32(ref frame, Ipv4Destination) != 0", "At32(ref frame, Ipv4Destination) != 0 && Unsafe.Add(ref frame, 22) != 0")),
        new("11", "ARP goes by its sender", new Edit(Classifier, "new L3Key(KeyFamily.Four, offset + 14, offset + 24)", "new L3Key(KeyFamily.Four, offset + 14, offset + 14)")),
        new("12a", "PAUSE is flooded on reception", new Edit(Snapshot, "protocol == EtherType.Pause || IsOurs(frame, key)", "IsOurs(frame, key)")),
        new("12b", "l3 floods", new Edit(Snapshot, "if (Mode == PortMode.L2 && (frame[0] & 1) != 0)", "if ((frame[0] & 1) != 0)"), new Edit("Ipvlan/PortSnapshot.State.cs", "(byte)(Mode == PortMode.L2 ? 1 : 0)", "1")),
        new("12c", "own frames that came back are flooded", new Edit(Snapshot, "|| IsOurs(frame, key)", "|| (false && IsOurs(frame, key))")),
        new("12d", "private keeps frames from the wire from interfaces", new Edit(Snapshot, "        if (target is null)\n            return new Decision(DecisionAction.Host);\n        return Received(", "        if (target is null || Flag == PortFlag.Private)\n            return new Decision(DecisionAction.Host);\n        return Received(")),
        new("13a", "any source MAC is ours", new Edit(Snapshot, "MacAddress.Read(frame[MacAddress.Bytes..]) == Mac && ", "")),
        new("13b", "any source address is ours", new Edit(Snapshot, "MacAddress.Read(frame[MacAddress.Bytes..]) == Mac && Owner(frame, key.Family, key.SourceOffset) is not null",
            "MacAddress.Read(frame[MacAddress.Bytes..]) == Mac")),
        new("14", "a foreign destination MAC is not accepted", new Edit(Snapshot, "if (target is null)\n            return new Decision(DecisionAction.Host);\n        return Received(", "if (target is null || MacAddress.Read(frame) != Mac)\n            return new Decision(DecisionAction.Host);\n        return Received(")),
        new("15a", "D2: groups are told apart by their last four bytes", new Edit(Interface, "Array.BinarySearch(_groups, mac.Value) >= 0", "Array.Exists(_groups, group => (uint)group == (uint)mac.Value)")),
        new("15b", "broadcast has to be joined", new Edit(Interface, "mac.IsBroadcast || _receivesAllMulticast", "_receivesAllMulticast")),
        new("15c", "D3: a left group stays", new Edit(Port, "changed.SetGroups(Sorted(values));", "changed.SetGroups(Sorted([.. changed.GroupValues, .. values]));")),
        new("16", "promiscuous is not all multicast", new Edit(Interface, "_receivesAllMulticast = IsPromiscuous || IsAllMulticast;", "_receivesAllMulticast = IsAllMulticast;")),
        new("17", "the receiver's MTU is checked on frames from the wire", new Edit(Snapshot, "if (target is null)\n            return new Decision(DecisionAction.Host);\n        return Received(", "if (target is null || frame.Length > target.IpMtu + MasterSlack)\n            return new Decision(DecisionAction.Host);\n        return Received("),
            new Edit(Snapshot, "(uint)(length - Classifier.ShortestPlain) < _receivable", "false")),
        new("18a", "l3s takes packets to foreign MACs", new Edit(Snapshot, "if ((frame[0] & 1) == 0 && MacAddress.Read(frame) != Mac)", "if (frame.Length == 0)")),
        new("18b", "l3s takes packets of any VLAN", new Edit(Input, "& 0xfff) == 0", "& 0xfff) >= 0")),
        new("18c", "l3s does not check the IPv4 checksum", new Edit(Input, "if (!Checksum.IsIpv4HeaderIntact(packet[..headerLength]))", "if (headerLength == 0)")),
        new("18d", "l3s takes an IPv4 total length below the header's", new Edit(Input, "totalLength < headerLength || ", "totalLength == 0 || ")),
        new("18e", "l3s does not check the IPv6 version", new Edit(Input, "packet[0] >> 4 != 6 || ", "")),
        new("18f", "l3s takes ICMPv6 from ::", new Edit(Input, "source.IsUnspecified && packet[6] == IcmpV6", "false && source.IsUnspecified")),
        new("18g", "l3s takes packets from 127/8", new Edit(Input, "source >> 24 == 127 || ", "")),
        new("18h", "l3s takes packets from groups", new Edit(Input, "source >> 28 == 0xe || ", "")),
        new("18i", "l3s takes a packet from the receiver's own address", new Edit(Packets, "family == KeyFamily.Four && Owner(packet, family, 12) == target", "false")),
        new("18j", "l3s takes IPv6 packets from groups and from ::1", new Edit(Input, "if (source.IsMulticast || source == new L3Address(0, 1))", "if (packet.IsEmpty)")),
        new("18k", "l3s takes ARP for an interface's packet", new Edit(Snapshot, "protocol is not (EtherType.IPv4 or EtherType.IPv6) || ", "protocol is not (EtherType.IPv4 or EtherType.IPv6 or EtherType.Arp) || "),
            new Edit(Input, "protocol == EtherType.IPv4 && packet.Length >= Ipv4MinLength ? KeyFamily.Four", "protocol != EtherType.IPv6 && packet.Length >= 28 ? KeyFamily.Four")),
        new("18l", "the host gets no copy in l3s", new Edit(Snapshot, "new Decision(DecisionAction.HostAndLocal, target.Id, packetLength: length)", "new Decision(DecisionAction.Deliver, target.Id)")),
        new("18m", "l3s takes one tag off at most", new Edit(Snapshot, "offset = LocalInput.SkipTags(frame, offset, ref protocol);", "")),
        new("18n", "l3s does not ask whether the host has the destination too", new Edit(Packets, "_router.Host.KindOf(L3Address.ReadFour(packet[16..])) == HostAddressKind.Other", "true")),
        new("18o", "l3s does not ask whether the host has the source too", new Edit(Packets, "|| _router.Host.KindOf(L3Address.ReadFour(packet[12..])) == HostAddressKind.Own", "")),
        new("19", "l3s counts padding", new Edit(Snapshot, "CountReceived(EtherType.HeaderLength + length)", "CountReceived(frame.Length)")),
        new("20", "D8: l3s keeps fragments from interfaces", new Edit(Input, "return isMartian ?", "return isMartian || (BinaryPrimitives.ReadUInt16BigEndian(packet[6..]) & 0x3fff) != 0 ?")),
        new("20a", "l3s keeps IPv6 fragments from interfaces", new Edit(Input, "packet[0] >> 4 != 6 || ", "packet[0] >> 4 != 6 || packet[6] == 44 || ")),
        new("21", "vepa turns frames round", new Edit(Snapshot, "if (Flag != PortFlag.Vepa && IsToOwnMac(", "if (IsToOwnMac(")),
        new("21a", "private lets siblings reach each other", new Edit(Snapshot, "if (Flag == PortFlag.Private)\n            return Dropped(sender, DropReason.Private);\n        sender.CountSent(frame.Length);\n        if (IsTooLong", "sender.CountSent(frame.Length);\n        if (IsTooLong")),
        new("21b", "D4: a tag bypasses private", new Edit(Snapshot, "EtherType.IsTag(protocol) && IsTaggedForSibling(sender, frame)", "false && IsTaggedForSibling(sender, frame)")),
        new("21c", "private drops what is tagged for the sender itself", new Edit(Snapshot, "is { } target && target != sender;", "is { };")),
        new("21d", "a frame turned round reaches only the host", new Edit(Snapshot, ": ReceiveOnMaster(frame);", ": new Decision(DecisionAction.Host);")),
        new("21e", "a frame turned round gets past a master that is down", new Edit(Snapshot, "            return Swallowed(sender, DropReason.MasterDown);\n        if (IsTooLong(frame, offload, IpMtu", "            sender.CountSent(0);\n        if (IsTooLong(frame, offload, IpMtu")),
        new("22a", "PAUSE is flooded on sending", new Edit(Snapshot, "protocol == EtherType.Pause ? Swallowed", "protocol == 0xffff ? Swallowed")),
        new("22b", "the sender gets its own flood", new Edit(Snapshot, "member == sender || ", "")),
        new("23", "unicast to another MAC is looked up", new Edit(Snapshot, "return TransmitToOwnMac(sender, frame, offload, protocol);\n        sender.CountSent",
            "return TransmitToOwnMac(sender, frame, offload, protocol);\n        if (protocol == EtherType.IPv4 && frame.Length >= 34 && Owner(frame, KeyFamily.Four, 30) is { } near)\n            return TransmitToTarget(sender, near, frame, offload);\n        sender.CountSent")),
        new("23a", "with the master down, sending fails", new Edit(Snapshot, "return IsUp ? new Decision(DecisionAction.Wire) : Swallowed(", "return IsUp ? new Decision(DecisionAction.Wire) : Dropped(")),
        new("24", "a foreign source MAC is dropped", new Edit(Snapshot, "return TransmitToOwnMac(sender, frame, offload, protocol);\n        sender.CountSent",
            "return TransmitToOwnMac(sender, frame, offload, protocol);\n        if (MacAddress.Read(frame[MacAddress.Bytes..]) != Mac)\n            return Dropped(sender, DropReason.Private);\n        sender.CountSent")),
        new("25", "vepa delivers to siblings in l3", new Edit(Snapshot, "if (Flag != PortFlag.Vepa)\n        {", "if (Flag <= PortFlag.Vepa)\n        {")),
        new("26", "l3 routes frames to multicast MACs", new Edit(Snapshot, "if ((frame[0] & 1) != 0)\n            return Dropped(sender, DropReason.MulticastInL3);", "")),
        new("27", "l3 routes what is not IP", new Edit(Snapshot, "if (protocol is not (EtherType.IPv4 or EtherType.IPv6))\n            return Dropped(sender, DropReason.NotIp);", "")),
        new("28", "l3 does not route what has no valid header", new Edit(Snapshot, "var decision = _router.Decide(", "if (Classifier.Classify(frame, EtherType.HeaderLength, protocol).Family == KeyFamily.None)\n            return Dropped(sender, DropReason.Ipv4Header);\n        var decision = _router.Decide(")),
        new("29a", "l3 routes while the master is down", new Edit(Snapshot, "if (!IsUp)\n            return Dropped(sender, DropReason.MasterDown);\n        var decision", "var decision")),
        new("29b", "l3 routes IPv4 headers shorter than 20", new Edit(Router, "packet.Length < Ipv4MinLength || (packet[0] & 15) < 5", "packet.Length < Ipv4MinLength")),
        new("29c", "l3 routes IPv6 headers shorter than 40", new Edit(Router, "if (packet.Length < Ipv6Length)", "if (packet.Length < 24)")),
        new("30a", "the total length stays", new Edit(Routed, "BinaryPrimitives.WriteUInt16BigEndian(packet[2..], (ushort)packet.Length);", "")),
        new("30b", "the payload length stays", new Edit(Routed, "BinaryPrimitives.WriteUInt16BigEndian(packet[4..], (ushort)(packet.Length - 40));", "")),
        new("30c", "the time to live counts down", new Edit(Routed, "BinaryPrimitives.WriteUInt16BigEndian(packet[2..], (ushort)packet.Length);", "BinaryPrimitives.WriteUInt16BigEndian(packet[2..], (ushort)packet.Length); packet[8]--;")),
        new("30d", "the checksum stays", new Edit(Routed, "Checksum.WriteIpv4Header(packet[..Math.Min((packet[0] & 15) * 4, packet.Length)]);", "")),
        new("31a", "127/8 is routed", new Edit(Router, "packet[12] == Loopback && packet[16] != Loopback", "packet[12] == Loopback && packet[12] != Loopback")),
        new("31b", "broadcast addresses of the master are routed", new Edit(Router, " || kind == HostAddressKind.Broadcast", "")),
        new("31c", "IPv6 groups of the host are routed", new Edit(Router, "((address.High >> 48) & 15) <= 1", "((address.High >> 48) & 15) < 0")),
        new("31d", "IPv6 groups get another MAC", new Edit(Router, "Ipv6MulticastMac = 0x3333_0000_0000", "Ipv6MulticastMac = 0x0100_5e00_0000")),
        new("31e", "IPv6 groups of the host give an error", new Edit(Snapshot, "decision.Reason == DropReason.DestinationNotRoutable && protocol == EtherType.IPv6", "false")),
        new("32", "the master's address is routed like others", new Edit(Router, "else if (kind == HostAddressKind.Own)", "else if (kind < 0)")),
        new("33a", "the gateway is not the next hop", new Edit(Router, "way.HasGateway ? way.Gateway : address", "address"), new Edit(Router, "way is null || _isShadow", "way is null || !_isShadow")),
        new("33b", "the shortest prefix wins", new Edit("Routing/RouteTable.cs", "for (var length = levels.Length - 1; length >= 0; length--)", "for (var length = 0; length < levels.Length; length++)")),
        new("33c", "a routed packet keeps its source MAC", new Edit(Routed, "source.Write(frame[MacAddress.Bytes..]);", "")),
        new("34", "a missing neighbor is not noticed", new Edit(Router, "DecisionAction.NeighborMissing", "DecisionAction.Route")),
        new("35", "sent bytes are counted without the Ethernet header", new Edit("Ipvlan/InterfaceState.cs", "TxBytes += bytes;", "TxBytes += bytes - 14;")),
        new("36", "a swallowed PAUSE is not counted as sent", new Edit(Snapshot, "sender.CountSent(frame.Length);\n        if ((frame[0] & 1) != 0)", "if (protocol != EtherType.Pause) sender.CountSent(frame.Length);\n        if ((frame[0] & 1) != 0)")),
        new("37", "D5: a delivery counts its header twice", new Edit(Snapshot, "target.CountReceived(frame.Length);", "target.CountReceived(frame.Length + 14);"),
            new Edit(Snapshot, "member.CountReceived(frame.Length);", "member.CountReceived(frame.Length + 14);")),
        new("38a", "the receiver's MTU is not checked on deliveries", new Edit(Snapshot, "IsTooLong(frame, offload, target.IpMtu + MasterSlack)", "frame.Length < 0"), new Edit(Snapshot, "frame.Length > state->Limit", "state->Limit == 0")),
        new("38b", "nor on floods", new Edit(Snapshot, "IsTooLong(frame, offload, member.IpMtu + MasterSlack)", "frame.Length < 0")),
        new("38c", "the sender does not count what the receiver could not take", new Edit(Snapshot, "            CountTooLong(target);\n            return new Decision", "            CountTooLong(target);\n            sender.State.CountSent(-frame.Length);\n            return new Decision")),
        new("39", "multicast is not counted", new Edit(Snapshot, "member.CountMulticast();", "")),
        new("40", "short frames are lost", new Edit(Snapshot, "if (frame.Length < EtherType.HeaderLength)\n            return Lost(DropReason.Runt);", "if (frame.Length < 30)\n            return Lost(DropReason.Runt);")),
        new("41a", "another prefix length is EEXIST", new Edit(Port, "prefix.Address.IsSix || length == prefix.Length ? PortResult.Exists : PortResult.AddressInUse", "PortResult.Exists")),
        new("41b", "a sibling's address is EEXIST", new Edit(Port, "return PortResult.AddressInUse;\n", "return PortResult.Exists;\n")),
        new("42", "the master's address is refused", new Edit(Port, "if (Map.Add(prefix.Address, changed.Id))", "if (Router.Host.KindOf(prefix.Address) == HostAddressKind.Own) return PortResult.AddressInUse;\n            if (Map.Add(prefix.Address, changed.Id))")),
        new("43", "any prefix length deletes", new Edit(Port, " || length != prefix.Length", "")),
        new("44", "addresses of a removed interface stay taken", new Edit(Port, "foreach (var address in removed.PrefixLengths.Keys)\n                Map.Remove(address);", "")),
        new("45", "a new flag is kept for later", new Edit(Port, "Publish(new PortSnapshot(this, _snapshot) { Flag = flag });", "")),
        new("45a", "a new mode is kept for later", new Edit(Port, "Publish(new PortSnapshot(this, _snapshot) { Mode = mode });", "")),
        new("45b", "an unknown mode is taken", new Edit(Port, "        if (!Enum.IsDefined(mode))\n            return PortResult.Invalid;\n", "")),
        new("45c", "an unknown flag is taken", new Edit(Port, "        if (!Enum.IsDefined(flag))\n            return PortResult.Invalid;\n", "")),
        new("46", "D6: a new interface turns the port to l3", new Edit(Port, "(mode ?? _mode, flag ?? _flag)", "(mode ?? PortMode.L3, flag ?? _flag)")),
        new("46a", "a new interface has an MTU of 1500", new Edit(Port, "new VirtualInterface(name, id, _snapshot.IpMtu, _stateLines)", "new VirtualInterface(name, id, 1500, _stateLines)")),
        new("47", "an interface that is down can send", new Edit(Snapshot, "if (!sender.IsUp)\n            return Refused(sender, DropReason.InterfaceDown, SendError.NetworkDown);\n        if (frame.Length", "if (frame.Length")),
        new("48", "with the master down siblings are cut off", new Edit(Snapshot, "if (Flag == PortFlag.Private)\n            return Dropped(sender, DropReason.Private);\n        sender.CountSent(frame.Length);\n        if (IsTooLong", "if (!IsUp || Flag == PortFlag.Private)\n            return Dropped(sender, DropReason.Private);\n        sender.CountSent(frame.Length);\n        if (IsTooLong"),
            new Edit(Snapshot, "length <= sending->Limit - MasterSlack", "IsUp && length <= sending->Limit - MasterSlack")),
        new("49", "a new MAC of the master is kept for later", new Edit(Port, "Publish(new PortSnapshot(this, _snapshot) { Mac = mac });", "_ = mac;")),
        new("50", "D7: an MTU above the master's is taken", new Edit(Port, "ipMtu < MinIpMtu || ipMtu > _snapshot.IpMtu", "ipMtu is < MinIpMtu or > MaxIpMtu")),
        new("50a", "an MTU below 68 is taken", new Edit(Port, "ipMtu < MinIpMtu || ipMtu > _snapshot", "ipMtu < 0 || ipMtu > _snapshot")),
        new("51a", "D7: the master's MTU overwrites", new Edit(Port, "if (!member.HasOwnMtu || member.IpMtu > ipMtu)", "")),
        new("51b", "a larger own MTU is not clamped", new Edit(Port, "!member.HasOwnMtu || member.IpMtu > ipMtu", "!member.HasOwnMtu")),
        new("52", "leaving a group of which one is no member is ok", new Edit(Port, "return PortResult.GroupAbsent;", "return PortResult.Ok;")),
        new("53", "addresses are learned from frames", new Edit(Snapshot, "if (Mode == PortMode.L2)\n            return TransmitSwitched(", "if (protocol == EtherType.IPv4 && frame.Length >= 34)\n            _map.Add(L3Address.ReadFour(frame[26..]), sender.Id);\n        if (Mode == PortMode.L2)\n            return TransmitSwitched(")),
        new("59a", "a new address of the master brings no prefix", new Edit(Host, "_routes.Add(prefix, OnLink);", "")),
        new("59b", "a removed address of the master leaves its prefix", new Edit(Host, "_routes.Remove(prefix, OnLink);", "")),
        new("59c", "an emptied port keeps mode and flag", new Edit(Port, "if (_byName.Count == 0)\n                (_mode, _flag) = (PortMode.L3, PortFlag.Bridge);", "")),
        new("59d", "a name in use is told before an unknown mode", new Edit(Port, "            if ((mode is { } newMode", "            if (_byName.ContainsKey(name))\n                return PortResult.Exists;\n            if ((mode is { } newMode")),
        new("59e", "the MTU it has already does not become its own", new Edit(Port, "            changed.SetMtu(ipMtu);\n            changed.HasOwnMtu = true;", "            changed.HasOwnMtu |= ipMtu != changed.IpMtu;\n            changed.SetMtu(ipMtu);")),
    ];
}
