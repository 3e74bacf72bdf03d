using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Wire;
using IpVlanWin.Engine.Tests.Oracle;
using static IpVlanWin.Engine.Tests.Oracle.Frames;

namespace IpVlanWin.Engine.Tests.Ipvlan;

/// <summary>Semantics, sections 3 and 4.</summary>
[TestClass]
public sealed class ReceptionRuleTests
{
    private static byte[] Make(string kind) => kind switch
    {
        "ip-for-a" => Ip(OwnMac, OtherMac, "10.0.0.99", "10.0.0.2"),
        "ip-for-a-foreign-mac" => Ip(OtherMac, OtherMac, "10.0.0.99", "10.0.0.2"),
        "ip-for-a-zero-mac" => Ip("00:00:00:00:00:00", OwnMac, "10.0.0.3", "10.0.0.2"),
        "ip6-for-b" => Ip(OwnMac, OtherMac, "fd00::99", "fd00::3"),
        "ip-for-down" => Ip(OwnMac, OtherMac, "10.0.0.99", "10.0.0.4"),
        "ip-for-host" => Ip(OwnMac, OtherMac, "10.0.0.99", "10.0.0.1"),
        "pause" => Pause("01:80:c2:00:00:01", OtherMac),
        "pause-unicast" => Pause(OwnMac, OtherMac),
        "pause-tagged" => Pause("01:80:c2:00:00:01", OtherMac).Tagged(5),
        "broadcast" => Arp(Broadcast, OtherMac, "10.0.0.99", "10.0.0.2"),
        "broadcast-tagged" => Arp(Broadcast, OtherMac, "10.0.0.99", "10.0.0.2").Tagged(7, 0x88a8),
        "group" => Ip(Group, OtherMac, "10.0.0.99", "224.0.0.251"),
        "other-group" => Ip("01:00:5e:00:00:fc", OtherMac, "10.0.0.99", "224.0.0.252"),
        "ours" => Arp(Broadcast, OwnMac, "10.0.0.2", "10.0.0.99"),
        "ours-down" => Arp(Broadcast, OwnMac, "10.0.0.4", "10.0.0.99"),
        "ours-unknown" => Arp(Broadcast, OwnMac, "10.0.0.77", "10.0.0.99"),
        "ours-zero" => Arp(Broadcast, OwnMac, "0.0.0.0", "10.0.0.2"),
        "ours-host" => Arp(Broadcast, OwnMac, "10.0.0.1", "10.0.0.2"),
        "ours-foreign-mac" => Arp(Broadcast, OtherMac, "10.0.0.2", "10.0.0.99"),
        "ours-solicitation" => Icmp6(Broadcast, OwnMac, "::", "ff02::1", "fd00::2"),
        "ours-advertisement" => Icmp6(Broadcast, OwnMac, "::", "ff02::1", "fd00::2", 136),
        "arp-for-a" => Arp(OwnMac, OtherMac, "10.0.0.99", "10.0.0.2"),
        "tagged-for-a" => Ip(OwnMac, OtherMac, "10.0.0.99", "10.0.0.2").Tagged(0xfff),
        "double-tagged-for-a" => Ip(OwnMac, OtherMac, "10.0.0.99", "10.0.0.2").Tagged(1).Tagged(2, 0x88a8),
        "802.3" => Ethernet(OwnMac, OtherMac, 0x100, new byte[46]),
        _ => throw new ArgumentException(kind),
    };

    [TestMethod]
    // Rule 12, l2.
    [DataRow(PortMode.L2, "ip-for-a", "a")]
    [DataRow(PortMode.L2, "ip-for-a-foreign-mac", "a")]
    [DataRow(PortMode.L2, "ip-for-a-zero-mac", "a")]
    [DataRow(PortMode.L2, "ip6-for-b", "b")]
    [DataRow(PortMode.L2, "arp-for-a", "a")]
    [DataRow(PortMode.L2, "tagged-for-a", "a")]
    [DataRow(PortMode.L2, "double-tagged-for-a", "host")]
    [DataRow(PortMode.L2, "ip-for-down", "host")]
    [DataRow(PortMode.L2, "ip-for-host", "host")]
    [DataRow(PortMode.L2, "802.3", "host")]
    [DataRow(PortMode.L2, "pause", "host")]
    [DataRow(PortMode.L2, "pause-unicast", "host")]
    [DataRow(PortMode.L2, "pause-tagged", "host")]
    [DataRow(PortMode.L2, "broadcast", "a,b,host")]
    [DataRow(PortMode.L2, "broadcast-tagged", "a,b,host")]
    [DataRow(PortMode.L2, "group", "b,host")]
    [DataRow(PortMode.L2, "other-group", "host")]
    // Rule 13.
    [DataRow(PortMode.L2, "ours", "host")]
    [DataRow(PortMode.L2, "ours-solicitation", "host")]
    [DataRow(PortMode.L2, "ours-advertisement", "a,b,host")]
    [DataRow(PortMode.L2, "ours-down", "a,b,host")]
    [DataRow(PortMode.L2, "ours-unknown", "a,b,host")]
    [DataRow(PortMode.L2, "ours-zero", "a,b,host")]
    [DataRow(PortMode.L2, "ours-host", "a,b,host")]
    [DataRow(PortMode.L2, "ours-foreign-mac", "a,b,host")]
    // Rule 12, l3: multicast MACs make no difference, nothing is flooded.
    [DataRow(PortMode.L3, "ip-for-a", "a")]
    [DataRow(PortMode.L3, "ip-for-a-foreign-mac", "a")]
    [DataRow(PortMode.L3, "ip6-for-b", "b")]
    [DataRow(PortMode.L3, "tagged-for-a", "a")]
    [DataRow(PortMode.L3, "broadcast", "a")]
    [DataRow(PortMode.L3, "ours", "host")]
    [DataRow(PortMode.L3, "ours-host", "a")]
    [DataRow(PortMode.L3, "group", "host")]
    [DataRow(PortMode.L3, "pause", "host")]
    [DataRow(PortMode.L3, "ip-for-down", "host")]
    [DataRow(PortMode.L3, "ip-for-host", "host")]
    public void Reception_goes_where_rule_12_says(PortMode mode, string kind, string places)
    {
        foreach (var flag in Enum.GetValues<PortFlag>())
        {
            var port = new TestPort(mode, flag);
            var frame = Make(kind);
            Assert.AreEqual(places, port.FromWire(frame), $"{flag}");
            Assert.AreEqual("", port.Reasons());
            var counted = frame.Length - (kind.Contains("tagged", StringComparison.Ordinal) ? 4 : 0);
            foreach (var member in port.Port.Interfaces)
            {
                var isReceiver = places.Split(',').Contains(member.Name);
                var isFlooded = mode == PortMode.L2 && places.EndsWith(",host", StringComparison.Ordinal);
                Assert.AreEqual(isReceiver ? $"rxPackets+1 rxBytes+{counted}{(isFlooded ? " multicast+1" : "")}" : "", port.Moved(member));
            }
            Assert.IsTrue(port.Last.All(copy => copy.Bytes.SequenceEqual(frame)), "unchanged, tag included");
        }
    }

    [TestMethod]
    [DataRow("promiscuous")]
    [DataRow("allmulti")]
    public void Promiscuous_and_allmulti_mean_all_multicast_and_nothing_else(string what)
    {
        var port = new TestPort(PortMode.L2, PortFlag.Bridge);
        Assert.AreEqual(PortResult.Ok, what == "allmulti" ? port.Port.SetAllMulticast(port.A, true) : port.Port.SetPromiscuous(port.A, true));
        Assert.AreEqual("a,host", port.FromWire(Make("other-group")));
        Assert.AreEqual("host", port.FromWire(Make("ip-for-host")));
        Assert.AreEqual("b", port.FromWire(Make("ip6-for-b")));
        Assert.AreEqual(PortResult.Ok, what == "allmulti" ? port.Port.SetAllMulticast(port.A, false) : port.Port.SetPromiscuous(port.A, false));
        Assert.AreEqual("host", port.FromWire(Make("other-group")));
    }

    [TestMethod]
    public void Receivers_mtu_is_not_checked_on_frames_from_the_wire()
    {
        var port = new TestPort(PortMode.L2, PortFlag.Bridge);
        port.Port.SetMtu(port.A, 68);
        Assert.AreEqual("a", port.FromWire(Ip(OwnMac, OtherMac, "10.0.0.99", "10.0.0.2", 1400)));
        Assert.AreEqual("a,b,host", port.FromWire(Ip(Broadcast, OtherMac, "10.0.0.99", "10.0.0.255", 1400)));
    }

    private static byte[] Bent(int offset, byte value)
    {
        var frame = Make("ip-for-a");
        frame[offset] = value;
        return frame;
    }

    private static byte[] WithChecksum(byte[] frame)
    {
        (frame[24], frame[25]) = (0, 0);
        WireNaive.Big16(~WireNaive.Sum(frame[14..34])).CopyTo(frame, 24);
        return frame;
    }

    public static IEnumerable<object[]> InspectedFrames =>
    [
        // The first column is the frame, then whether a's IP layer gets it, then whether l3s-invalid counts it.
        ["plain", Make("ip-for-a"), true, false],
        ["IPv6", Ip(OwnMac, OtherMac, "fd00::99", "fd00::2"), true, false],
        ["multicast MAC", Ip(Broadcast, OtherMac, "10.0.0.99", "10.0.0.2"), true, false],
        ["foreign MAC", Ip(OtherMac, OtherMac, "10.0.0.99", "10.0.0.2"), false, false],
        ["VID 0", Make("ip-for-a").Tagged(0xe000), true, false],
        ["VID 0, service tag", Make("ip-for-a").Tagged(0, 0x88a8), true, false],
        ["VID 5", Make("ip-for-a").Tagged(5), false, false],
        ["two tags", Make("ip-for-a").Tagged(0).Tagged(0xe000, 0x88a8), true, false],
        ["two tags, IPv6", Ip(OwnMac, OtherMac, "fd00::99", "fd00::2").Tagged(0).Tagged(0), true, false],
        ["three tags and padding", (byte[])[.. Make("ip-for-a").Tagged(0).Tagged(0).Tagged(0), 1, 2, 3], true, false],
        ["VID 0, then 5", Make("ip-for-a").Tagged(5).Tagged(0), false, false],
        ["VID 5, then 0", Make("ip-for-a").Tagged(0).Tagged(5), false, false],
        ["as many tags as may be", Enumerable.Range(0, EtherType.MostTags).Aggregate(Make("ip-for-a"), (frame, _) => frame.Tagged()), true, false],
        ["a tag more", Enumerable.Range(0, EtherType.MostTags + 1).Aggregate(Make("ip-for-a"), (frame, _) => frame.Tagged()), false, false],
        ["two tags, cut short", Make("ip-for-a").Tagged(0).Tagged(0)[..23], false, false],
        ["ARP", Make("arp-for-a"), false, false],
        ["down", Make("ip-for-down"), false, false],
        ["checksum", Bent(24, 0xaa), false, true],
        ["version", WithChecksum(Bent(14, 0x55)), false, true],
        ["IHL 4", WithChecksum(Bent(14, 0x44)), false, true],
        ["total length too large", WithChecksum(Bent(16, 0x40)), false, true],
        ["total length too small", WithChecksum(Bent(17, 19)), false, true],
        ["padding", (byte[])[.. Make("ip-for-a"), 1, 2, 3], true, false],
        ["fragment", WithChecksum(Bent(20, 0x20)), true, false],
        ["TTL 0", WithChecksum(Bent(22, 0)), true, false],
        ["from 127.0.0.1", Ip(OwnMac, OtherMac, "127.0.0.1", "10.0.0.2"), false, true],
        ["from multicast", Ip(OwnMac, OtherMac, "224.0.0.1", "10.0.0.2"), false, true],
        ["from 0.0.0.0", Ip(OwnMac, OtherMac, "0.0.0.0", "10.0.0.2"), false, true],
        ["from broadcast", Ip(OwnMac, OtherMac, "255.255.255.255", "10.0.0.2"), false, true],
        ["from itself", Ip(OwnMac, OtherMac, "10.0.0.2", "10.0.0.2"), false, true],
        ["from a sibling", Ip(OwnMac, OtherMac, "10.0.0.3", "10.0.0.2"), true, false],
        ["IPv6 from itself", Ip(OwnMac, OtherMac, "fd00::2", "fd00::2"), true, false],
        ["IPv6 from ::1", Ip(OwnMac, OtherMac, "::1", "fd00::2"), false, true],
        ["IPv6 from multicast", Ip(OwnMac, OtherMac, "ff02::1", "fd00::2"), false, true],
        ["ICMPv6 from ::", Icmp6(OwnMac, OtherMac, "::", "fd00::2", "fd00::9", 128), false, true],
        ["UDP from ::", Ip(OwnMac, OtherMac, "::", "fd00::2"), true, false],
        ["IPv6 payload length too large", Enlarged(), false, true],
    ];

    private static byte[] Enlarged()
    {
        var frame = Ip(OwnMac, OtherMac, "fd00::99", "fd00::2");
        frame[19]++;
        return frame;
    }

    [TestMethod]
    [DynamicData(nameof(InspectedFrames))]
    public void Inspection_in_l3s_follows_rule_18(string what, byte[] frame, bool passes, bool isCounted)
    {
        foreach (var flag in Enum.GetValues<PortFlag>())
        {
            var port = new TestPort(PortMode.L3S, flag);
            Assert.AreEqual(passes ? "a,host" : "host", port.FromWire(frame), what);
            Assert.AreEqual(isCounted ? "port:l3s-invalid+1 a:l3s-invalid+1" : "", port.Reasons(), what);
            var length = frame[12 + EtherType.TagBytes(frame)] is 0x86 ? 66 : 46;
            Assert.AreEqual(passes ? $"rxPackets+1 rxBytes+{14 + length}" : "", port.Moved(port.A), what);
            port.AssertStill(port.A);
            CollectionAssert.AreEqual(frame, port.Last.Single(copy => copy.Place == "host").Bytes);
            if (passes)
                Assert.HasCount(14 + length, port.Last.Single(copy => copy.Place == "a").Bytes, "cut to its own length");
        }
    }

    [TestMethod]
    public void What_both_have_the_host_takes_from_the_interface_itself()
    {
        var port = new TestPort(PortMode.L3S, PortFlag.Bridge);
        port.Port.AddAddress(port.A, L3Prefix.Parse("10.0.0.1/24"));
        port.Port.AddAddress(port.A, L3Prefix.Parse("10.0.0.255/32"));
        foreach (var (from, to, passes) in (ReadOnlySpan<(string, string, bool)>)[
            ("10.0.0.2", "10.0.0.1", true), ("10.0.0.2", "10.0.0.255", true), ("10.0.0.255", "10.0.0.1", true), ("10.0.0.1", "10.0.0.1", false),
            ("10.0.0.1", "10.0.0.255", false), ("10.0.0.2", "10.0.0.2", false), ("10.0.0.3", "10.0.0.1", true), ("10.0.0.99", "10.0.0.1", true)])
        {
            Assert.AreEqual(passes ? "a,host" : "host", port.FromWire(Ip(OwnMac, OtherMac, from, to)), $"from {from} to {to}");
            Assert.AreEqual(passes ? "" : "port:l3s-invalid+1 a:l3s-invalid+1", port.Reasons(), $"from {from} to {to}");
        }
        port.Port.RemoveMasterAddress(L3Prefix.Parse("10.0.0.1/24"));
        Assert.AreEqual("host", port.FromWire(Ip(OwnMac, OtherMac, "10.0.0.2", "10.0.0.1")), "the host has it no longer");
    }

    [TestMethod]
    public void A_decision_holds_the_longest_packet_and_a_high_number()
    {
        const int Others = 5000;
        var port = new TestPort(PortMode.L3S, PortFlag.Bridge).Port;
        VirtualInterface? last = null;
        for (var i = 0; i <= Others; i++)
            Assert.AreEqual(PortResult.Ok, port.AddInterface($"i{i}", null, null, out last));
        Assert.IsGreaterThanOrEqualTo(Others, last!.Id);
        port.SetUp(last, true);
        Assert.AreEqual(PortResult.Ok, port.AddAddress(last, L3Prefix.Parse("fd00::77/64")));
        // 65,535 bytes behind an IPv6 header, to be cut into segments of TCP.
        var frame = Ip(OwnMac, OtherMac, "fd00::99", "fd00::77", payload: ushort.MaxValue, protocol: 6);
        frame[54 + 12] = 0x50;
        var decision = port.Snapshot.Receive(frame, new FrameOffload(54, 16, SegmentationKind.Tcp6, 1000));
        Assert.AreEqual((DecisionAction.HostAndLocal, 40 + ushort.MaxValue, last.Id), (decision.Action, decision.PacketLength, decision.TargetId));
        Assert.AreEqual((DropReason.None, SendError.None, false), (decision.Reason, decision.SendError, decision.NeedsFragmenting));
        Assert.AreEqual(last, port.Snapshot.TargetOf(decision));
    }

    [TestMethod]
    public void Nothing_is_flooded_in_l3s()
    {
        var port = new TestPort(PortMode.L3S, PortFlag.Bridge);
        port.Port.SetPromiscuous(port.A, true);
        Assert.AreEqual("host", port.FromWire(Make("broadcast")));
        Assert.AreEqual("host", port.FromWire(Make("group")));
        Assert.AreEqual("host", port.FromWire(Make("pause")));
    }
}
