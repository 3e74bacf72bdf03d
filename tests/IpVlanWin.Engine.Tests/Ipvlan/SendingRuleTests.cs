using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Tests.Oracle;
using IpVlanWin.Engine.Wire;
using static IpVlanWin.Engine.Tests.Oracle.Frames;

namespace IpVlanWin.Engine.Tests.Ipvlan;

/// <summary>Semantics, sections 5 and 6: the tables at their ends, row by row, and what the rules say beside them.</summary>
[TestClass]
public sealed class SendingRuleTests
{
    private const string Drop = "";

    private static byte[] Make(string kind) => kind switch
    {
        // MACs equal.
        "own-to-b" => Ip(OwnMac, OwnMac, "10.0.0.2", "10.0.0.3"),
        "foreign-to-b" => Ip(OtherMac, OtherMac, "10.0.0.2", "10.0.0.3"),
        "zero-to-b" => Ip("00:00:00:00:00:00", "00:00:00:00:00:00", "1.2.3.4", "10.0.0.3"),
        "group-to-b" => Ip(Group, Group, "10.0.0.2", "10.0.0.3"),
        "own-to-self" => Ip(OwnMac, OwnMac, "10.0.0.2", "10.0.0.2"),
        "own-to-b6" => Ip(OwnMac, OwnMac, "fd00::2", "fd00::3"),
        "own-arp-b" => Arp(OwnMac, OwnMac, "10.0.0.2", "10.0.0.3"),
        "own-tagged-b" => Ip(OwnMac, OwnMac, "10.0.0.2", "10.0.0.3").Tagged(9),
        "own-service-tagged-b" => Ip(OwnMac, OwnMac, "10.0.0.2", "10.0.0.3").Tagged(9, 0x88a8),
        "own-tagged-self" => Ip(OwnMac, OwnMac, "10.0.0.3", "10.0.0.2").Tagged(9),
        "own-double-tagged-b" => Ip(OwnMac, OwnMac, "10.0.0.2", "10.0.0.3").Tagged(9).Tagged(9),
        "own-nobody" => Ip(OwnMac, OwnMac, "10.0.0.2", "10.0.0.77"),
        "own-down" => Ip(OwnMac, OwnMac, "10.0.0.2", "10.0.0.4"),
        "own-host" => Ip(OwnMac, OwnMac, "10.0.0.2", "10.0.0.1"),
        "group-nobody" => Ip(Group, Group, "10.0.0.2", "10.0.0.77"),
        "broadcast-nobody" => Ip(Broadcast, Broadcast, "10.0.0.2", "10.0.0.77"),
        "group-tagged-b" => Ip(Group, Group, "10.0.0.2", "10.0.0.3").Tagged(1),
        "pause-same" => Pause(Group, Group),
        "pause-same-tagged" => Pause(Group, Group).Tagged(1),
        // MACs differ.
        "broadcast" => Arp(Broadcast, OwnMac, "10.0.0.2", "10.0.0.3"),
        "group" => Ip(Group, OwnMac, "10.0.0.2", "224.0.0.251"),
        "other-group" => Ip("01:00:5e:00:00:fc", OwnMac, "10.0.0.2", "224.0.0.252"),
        "group-tagged" => Ip(Group, OwnMac, "10.0.0.2", "224.0.0.251").Tagged(1),
        "pause" => Pause("01:80:c2:00:00:01", OwnMac),
        "pause-broadcast-tagged" => Pause(Broadcast, OwnMac).Tagged(1),
        "pause-unicast" => Pause(OtherMac, OwnMac),
        "unicast" => Ip(OtherMac, OwnMac, "10.0.0.2", "10.0.0.77"),
        "unicast-ip-of-b" => Ip(OtherMac, OwnMac, "10.0.0.2", "10.0.0.3"),
        "unicast-ip-of-host" => Ip(OtherMac, OwnMac, "10.0.0.2", "10.0.0.1"),
        "spoofed" => Ip(OtherMac, "02:aa:00:00:00:00", "9.9.9.9", "10.0.0.77"),
        "802.3" => Ethernet(OtherMac, OwnMac, 0x80, new byte[46]),
        "bare" => Ethernet(OtherMac, OwnMac, 0x0800, []),
        _ => throw new ArgumentException(kind),
    };

    [TestMethod]
    [DataRow("own-to-b", "b", Drop, "wire")]
    [DataRow("foreign-to-b", "b", Drop, "wire")]
    [DataRow("zero-to-b", "b", Drop, "wire")]
    [DataRow("group-to-b", "b", Drop, "b,wire")]
    [DataRow("own-to-self", "a", Drop, "wire")]
    [DataRow("own-to-b6", "b", Drop, "wire")]
    [DataRow("own-arp-b", "b", Drop, "wire")]
    [DataRow("own-tagged-b", "b", Drop, "wire")]
    [DataRow("own-service-tagged-b", "b", Drop, "wire")]
    [DataRow("own-tagged-self", "a", "a", "wire")]
    [DataRow("own-double-tagged-b", "host", "host", "wire")]
    [DataRow("own-nobody", "host", "host", "wire")]
    [DataRow("own-down", "host", "host", "wire")]
    [DataRow("own-host", "host", "host", "wire")]
    [DataRow("group-nobody", "b,host", "b,host", "b,wire")]
    [DataRow("broadcast-nobody", "a,b,host", "a,b,host", "b,wire")]
    [DataRow("group-tagged-b", "b,host", Drop, "b,wire")]
    [DataRow("pause-same", "host", "host", Drop)]
    [DataRow("pause-same-tagged", "host", "host", "b,wire")]
    [DataRow("broadcast", "b,wire", "b,wire", "b,wire")]
    [DataRow("group", "b,wire", "b,wire", "b,wire")]
    [DataRow("other-group", "wire", "wire", "wire")]
    [DataRow("group-tagged", "b,wire", "b,wire", "b,wire")]
    [DataRow("pause", Drop, Drop, Drop)]
    [DataRow("pause-broadcast-tagged", "b,wire", "b,wire", "b,wire")]
    [DataRow("pause-unicast", "wire", "wire", "wire")]
    [DataRow("unicast", "wire", "wire", "wire")]
    [DataRow("unicast-ip-of-b", "wire", "wire", "wire")]
    [DataRow("unicast-ip-of-host", "wire", "wire", "wire")]
    [DataRow("spoofed", "wire", "wire", "wire")]
    [DataRow("802.3", "wire", "wire", "wire")]
    [DataRow("bare", "wire", "wire", "wire")]
    public void L2_sends_by_rules_21_to_24(string kind, string bridge, string @private, string vepa)
    {
        foreach (var (flag, places) in (ReadOnlySpan<(PortFlag, string)>)[(PortFlag.Bridge, bridge), (PortFlag.Private, @private), (PortFlag.Vepa, vepa)])
        {
            var port = new TestPort(PortMode.L2, flag);
            var frame = Make(kind);
            Assert.AreEqual(places, port.From(port.A, frame), $"{flag}");
            Assert.IsTrue(port.Last.All(copy => copy.Bytes.SequenceEqual(frame)), "unchanged");
            var isPause = kind == "pause" || (kind == "pause-same" && flag == PortFlag.Vepa);
            var isDropped = places == Drop && !isPause;
            Assert.AreEqual(isDropped ? SendError.NoBuffers : SendError.None, port.Decision.SendError, $"{flag}");
            var reason = isPause ? "pause" : !isDropped ? null : kind.Contains("tagged", StringComparison.Ordinal) ? "tagged-private" : "private";
            Assert.AreEqual(reason is null ? "" : $"port:{reason}+1 a:{reason}+1", port.Reasons(), $"{flag}");
            // Turned back frames (host, or a target behind a tag) count without their tag, others with it.
            var isTurnedBack = flag != PortFlag.Vepa && (kind.Contains("same", StringComparison.Ordinal) || kind.Contains("tagged-", StringComparison.Ordinal) || kind.Contains("nobody", StringComparison.Ordinal));
            var received = frame.Length - (isTurnedBack && kind.Contains("tagged", StringComparison.Ordinal) ? 4 : 0);
            var isFlooded = places.Contains(',', StringComparison.Ordinal);
            var sent = isDropped ? "txDropped+1" : $"txPackets+1 txBytes+{frame.Length}";
            foreach (var member in port.Port.Interfaces)
            {
                var got = places.Split(',').Contains(member.Name) ? $"rxPackets+1 rxBytes+{received}{(isFlooded ? " multicast+1" : "")}" : "";
                Assert.AreEqual(member == port.A ? $"{got} {sent}".Trim() : got, port.Moved(member), $"{flag} {member.Name}");
            }
        }
    }

    [TestMethod]
    [DataRow("own-to-b", "b", Drop, "gateway")]
    [DataRow("foreign-to-b", "b", Drop, "gateway")]
    [DataRow("group-to-b", "b", Drop, Drop)]
    [DataRow("broadcast-to-b", "b", Drop, Drop)]
    [DataRow("other-to-b", "b", Drop, "gateway")]
    [DataRow("own-to-self", "a", Drop, "gateway")]
    [DataRow("arp-b", "b", Drop, Drop)]
    [DataRow("arp-b-unicast", "b", Drop, Drop)]
    [DataRow("solicit-b", "b", Drop, Drop)]
    [DataRow("arp-nobody", Drop, Drop, Drop)]
    [DataRow("multicast-nobody", Drop, Drop, Drop)]
    [DataRow("unicast-arp-nobody", Drop, Drop, Drop)]
    [DataRow("tagged-b", Drop, Drop, Drop)]
    [DataRow("pause-unicast", Drop, Drop, Drop)]
    [DataRow("802.3", Drop, Drop, Drop)]
    [DataRow("to-host", "host", "host", "host")]
    [DataRow("to-host6", "host", "host", "host")]
    [DataRow("to-down", "gateway", "gateway", "gateway")]
    [DataRow("far", "gateway", "gateway", "gateway")]
    [DataRow("far6", "gateway", "gateway", "gateway")]
    public void L3_and_l3s_send_by_the_table_of_section_6(string kind, string bridge, string @private, string vepa)
    {
        foreach (var mode in (ReadOnlySpan<PortMode>)[PortMode.L3, PortMode.L3S])
        {
            foreach (var (flag, expected) in (ReadOnlySpan<(PortFlag, string)>)[(PortFlag.Bridge, bridge), (PortFlag.Private, @private), (PortFlag.Vepa, vepa)])
            {
                var port = new TestPort(mode, flag);
                // On-link destinations too have a known neighbor, the gateway's MAC for simplicity.
                foreach (var station in (ReadOnlySpan<string>)["10.0.0.2", "10.0.0.3", "10.0.0.4", "fd00::3"])
                    port.Port.Neighbors.Set(L3Address.Parse(station), MacAddress.Parse(GatewayMac), TimeSpan.MaxValue);
                var frame = MakeL3(kind);
                Assert.AreEqual(expected == "gateway" ? "wire" : expected, port.From(port.A, frame), $"{mode} {flag}");
                var isDropped = expected == Drop;
                Assert.AreEqual(isDropped ? SendError.NoBuffers : SendError.None, port.Decision.SendError);
                Assert.AreEqual(isDropped, port.Reasons().Length > 0);
                var sent = isDropped ? "txDropped+1" : $"txPackets+1 txBytes+{frame.Length}";
                foreach (var member in port.Port.Interfaces)
                {
                    var got = expected == member.Name ? $"rxPackets+1 rxBytes+{frame.Length}" : "";
                    Assert.AreEqual(member == port.A ? $"{got} {sent}".Trim() : got, port.Moved(member), $"{mode} {flag} {member.Name}");
                }
                if (expected == "gateway")
                    CollectionAssert.AreEqual((byte[])[.. Mac(GatewayMac), .. Mac(OwnMac), .. frame[12..]], port.Last[0].Bytes, "only the MACs change");
                else if (expected is "a" or "b")
                    CollectionAssert.AreEqual(frame, port.Last[0].Bytes);
            }
        }
    }

    private static byte[] MakeL3(string kind) => kind switch
    {
        "broadcast-to-b" => Ip(Broadcast, OwnMac, "10.0.0.2", "10.0.0.3"),
        "other-to-b" => Ip(OtherMac, OwnMac, "fd00::2", "fd00::3"),
        "arp-b" => Arp(Broadcast, OwnMac, "10.0.0.2", "10.0.0.3"),
        "arp-b-unicast" => Arp(OtherMac, OwnMac, "10.0.0.2", "10.0.0.3"),
        "solicit-b" => Icmp6("33:33:ff:00:00:03", OwnMac, "::", "ff02::1:ff00:3", "fd00::3"),
        "arp-nobody" => Arp(Broadcast, OwnMac, "10.0.0.2", "10.0.0.77"),
        "multicast-nobody" => Ip(Group, OwnMac, "10.0.0.2", "10.0.0.77"),
        "unicast-arp-nobody" => Arp(OtherMac, OwnMac, "10.0.0.2", "10.0.0.77"),
        "tagged-b" => Ip(OwnMac, OwnMac, "10.0.0.2", "10.0.0.3").Tagged(),
        "to-host" => Ip(OtherMac, OwnMac, "10.0.0.2", "10.0.0.1"),
        "to-host6" => Ip(OtherMac, OwnMac, "fd00::2", "fd00::1"),
        "to-down" => Ip(OtherMac, OwnMac, "10.0.0.2", "10.0.0.4"),
        "far" => Ip(OtherMac, OwnMac, "10.0.0.2", "192.0.2.1"),
        "far6" => Ip(OtherMac, OwnMac, "fd00::2", "2001:db8::1"),
        _ => Make(kind),
    };

    [TestMethod]
    [DataRow(PortMode.L2, "unicast", Drop, "port:master-down+1 a:master-down+1", true)]
    [DataRow(PortMode.L2, "own-nobody", Drop, "port:master-down+1 a:master-down+1", true)]
    [DataRow(PortMode.L2, "own-tagged-b", Drop, "port:master-down+1 a:master-down+1", true)]
    [DataRow(PortMode.L2, "broadcast", "b", "", true)]
    [DataRow(PortMode.L2, "own-to-b", "b", "", true)]
    [DataRow(PortMode.L3, "own-to-b", "b", "", true)]
    [DataRow(PortMode.L3, "unicast", Drop, "port:master-down+1 a:master-down+1", false)]
    [DataRow(PortMode.L3S, "unicast-ip-of-host", Drop, "port:master-down+1 a:master-down+1", false)]
    [DataRow(PortMode.L3S, "group-nobody", Drop, "port:multicast-in-l3+1 a:multicast-in-l3+1", false)]
    public void With_the_master_down_only_interfaces_are_reached(PortMode mode, string kind, string places, string reasons, bool isSent)
    {
        var port = new TestPort(mode, PortFlag.Bridge);
        port.Port.SetMasterUp(false);
        var frame = Make(kind);
        Assert.AreEqual(places, port.From(port.A, frame));
        Assert.AreEqual(reasons, port.Reasons());
        Assert.AreEqual(isSent ? $"txPackets+1 txBytes+{frame.Length}" : "txDropped+1", port.Moved(port.A));
    }

    [TestMethod]
    [DataRow("127.0.0.1", "192.0.2.1", "source-not-routable")]
    [DataRow("127.0.0.1", "127.0.0.2", null)]
    [DataRow("10.0.0.2", "127.0.0.2", null)]
    [DataRow("10.0.0.2", "224.0.0.251", "destination-not-routable")]
    [DataRow("10.0.0.2", "239.255.255.255", "destination-not-routable")]
    [DataRow("10.0.0.2", "240.0.0.1", null)]
    [DataRow("10.0.0.2", "255.255.255.255", "destination-not-routable")]
    [DataRow("10.0.0.2", "10.0.0.255", "destination-not-routable")]
    [DataRow("10.0.0.2", "10.0.1.255", null)]
    [DataRow("fd00::2", "ff01::1", "destination-not-routable")]
    [DataRow("fd00::2", "ff10::1", "destination-not-routable")]
    [DataRow("fd00::2", "ff02::1", null)]
    [DataRow("fd00::2", "ff3e::1234:5678", null)]
    [DataRow("fd00::2", "::1", null)]
    [DataRow("fd00::2", "::", null)]
    public void Sources_and_destinations_that_no_host_routes_are_dropped(string from, string to, string? reason)
    {
        var port = new TestPort(PortMode.L3, PortFlag.Bridge);
        var frame = Ip(OtherMac, OwnMac, from, to);
        // Linux drops an IPv6 group of the host alone behind where it counts.
        var isSwallowed = reason is not null && to.StartsWith("ff", StringComparison.Ordinal);
        Assert.AreEqual(reason is null ? "wire" : Drop, port.From(port.A, frame));
        Assert.AreEqual(reason is null ? "" : $"port:{reason}+1 a:{reason}+1", port.Reasons());
        Assert.AreEqual(reason is null || isSwallowed ? $"txPackets+1 txBytes+{frame.Length}" : "txDropped+1", port.Moved(port.A));
        if (to.StartsWith("ff", StringComparison.Ordinal) && reason is null)
            CollectionAssert.AreEqual((byte[])[0x33, 0x33, .. Address(to)[12..]], port.Last[0].Bytes[..6]);
    }

    [TestMethod]
    [DataRow(0, "ipv4-header")]
    [DataRow(19, "ipv4-header")]
    [DataRow(20, null)]
    public void Short_ipv4_is_dropped(int length, string? reason)
    {
        var port = new TestPort(PortMode.L3, PortFlag.Bridge);
        Assert.AreEqual(reason is null ? "wire" : Drop, port.From(port.A, Ip(OtherMac, OwnMac, "10.0.0.2", "192.0.2.1")[..(14 + length)]));
        Assert.AreEqual(reason is null ? "" : $"port:{reason}+1 a:{reason}+1", port.Reasons());
    }

    [TestMethod]
    [DataRow(0, "ipv6-header")]
    [DataRow(39, "ipv6-header")]
    [DataRow(40, null)]
    public void Short_ipv6_is_dropped(int length, string? reason)
    {
        var port = new TestPort(PortMode.L3, PortFlag.Bridge);
        Assert.AreEqual(reason is null ? "wire" : Drop, port.From(port.A, Ip(OtherMac, OwnMac, "fd00::2", "2001:db8::1")[..(14 + length)]));
        Assert.AreEqual(reason is null ? "" : $"port:{reason}+1 a:{reason}+1", port.Reasons());
    }

    [TestMethod]
    public void Lengths_and_checksum_are_made_right_and_nothing_else()
    {
        var port = new TestPort(PortMode.L3, PortFlag.Bridge);
        byte[] frame = [.. Ip(OtherMac, OwnMac, "10.0.0.2", "192.0.2.1", options: [7, 7, 4, 1, 2, 3, 4, 0]), 9, 9, 9];
        var right = (byte[])frame.Clone();
        (frame[14], frame[16], frame[17], frame[24]) = (0x37, 0x77, 0x77, 0x11);
        Assert.AreEqual("wire", port.From(port.A, frame), "neither version nor length nor checksum is an obstacle");
        var sent = port.Last[0].Bytes;
        right[14] = 0x37;
        WireNaive.Big16(frame.Length - 14).CopyTo(right, 16);
        (right[24], right[25]) = (0, 0);
        WireNaive.Big16(~WireNaive.Sum(right[14..42])).CopyTo(right, 24);
        CollectionAssert.AreEqual(right[12..], sent[12..]);

        byte[] six = [.. Ip(OtherMac, OwnMac, "fd00::2", "2001:db8::1"), 1, 2, 3, 4, 5];
        six[18] = 0x55;
        six[21] = 0;
        port.From(port.A, six);
        var length = WireNaive.Big16(six.Length - 54);
        CollectionAssert.AreEqual((byte[])[.. six[12..18], .. length, .. six[20..]], port.Last[0].Bytes[12..]);
    }

    [TestMethod]
    public void A_missing_neighbor_counts_as_sent()
    {
        var port = new TestPort(PortMode.L3, PortFlag.Bridge);
        var frame = Ip(OtherMac, OwnMac, "10.0.0.2", "10.0.0.77");
        Assert.AreEqual("missing 0A00004D", port.From(port.A, frame));
        Assert.AreEqual(DecisionAction.NeighborMissing, port.Decision.Action);
        Assert.AreEqual($"txPackets+1 txBytes+{frame.Length}", port.Moved(port.A));
        Assert.AreEqual("", port.Reasons());
    }

    [TestMethod]
    [DataRow(false, "wire,wire", "")]
    [DataRow(true, "", "port:mtu-exceeded+1 a:mtu-exceeded+1")]
    public void Above_the_masters_mtu_ipv4_is_fragmented_unless_forbidden(bool dontFragment, string places, string reasons)
    {
        var port = new TestPort(PortMode.L3, PortFlag.Bridge, 1400);
        // An interface sends more than the master carries only while the master's MTU is being raised: the batch has the old one.
        var snapshot = port.Port.Snapshot;
        port.Port.SetMasterMtu(1500);
        var frame = Ip(OtherMac, OwnMac, "10.0.0.2", "192.0.2.1", 1480, dontFragment);
        var hop = default(IpVlanWin.Engine.Routing.NextHop);
        var decision = snapshot.Transmit(port.A, frame, default, default, ref hop);
        Assert.AreEqual(dontFragment ? DecisionAction.Drop : DecisionAction.Route, decision.Action);
        Assert.AreEqual(!dontFragment, decision.NeedsFragmenting);
        Assert.AreEqual(dontFragment ? 1 : 0, port.Port.Drops[DropReason.MtuExceeded]);
        Assert.AreEqual(dontFragment ? 1 : 0, port.A.Drops[DropReason.MtuExceeded]);
        Assert.AreEqual(dontFragment ? 1 : 0, port.A.Counters.TxDropped);
        Assert.AreEqual(places.Length > 0, decision.SendError == SendError.None);
        Assert.AreEqual(reasons.Length > 0, decision.Reason == DropReason.MtuExceeded);
        // To the host itself any length goes.
        var toHost = snapshot.Transmit(port.A, Ip(OtherMac, OwnMac, "10.0.0.2", "10.0.0.1", 1480, true), default, default, ref hop);
        Assert.AreEqual(DecisionAction.RouteToHost, toHost.Action);
    }
}
