using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Tests.Oracle;
using IpVlanWin.Engine.Wire;
using static IpVlanWin.Engine.Tests.Oracle.Frames;

namespace IpVlanWin.Engine.Tests.Ipvlan;

/// <summary>Semantics, sections 7 to 9: counting, addresses, mode, flag, link, MAC and MTU.</summary>
[TestClass]
public sealed class PortRuleTests
{
    private static TestPort NewPort(PortMode mode = PortMode.L2, PortFlag flag = PortFlag.Bridge) => new(mode, flag);

    [TestMethod]
    [DataRow(68, 86, true)]
    [DataRow(68, 87, false)]
    [DataRow(1280, 1298, true)]
    [DataRow(1280, 1299, false)]
    public void A_delivery_above_the_receivers_mtu_is_an_error_there_only(int ipMtu, int frameLength, bool fits)
    {
        foreach (var destination in (ReadOnlySpan<string>)[OwnMac, Broadcast])
        {
            var port = NewPort();
            var d = port.Add("d", "10.0.0.5/24");
            port.Port.SetMtu(port.B, ipMtu);
            var frame = Ip(destination, destination == Broadcast ? OtherMac : OwnMac, "10.0.0.2", "10.0.0.3", Ipv4Payload(frameLength));
            var isFlood = destination == Broadcast;
            Assert.AreEqual((isFlood, fits) switch { (true, true) => "b,d,wire", (true, false) => "d,wire", (false, true) => "b", _ => "" }, port.From(port.A, frame));
            Assert.AreEqual($"txPackets+1 txBytes+{frameLength}", port.Moved(port.A));
            Assert.AreEqual(fits ? $"rxPackets+1 rxBytes+{frameLength}{(isFlood ? " multicast+1" : "")}" : "rxErrors+1", port.Moved(port.B));
            Assert.AreEqual(isFlood ? $"rxPackets+1 rxBytes+{frameLength} multicast+1" : "", port.Moved(d));
            Assert.AreEqual(SendError.None, port.Decision.SendError);
        }
    }

    [TestMethod]
    public void A_tag_counts_where_an_interface_delivers_and_not_where_the_master_receives()
    {
        var port = NewPort();
        var flooded = Arp(Broadcast, OwnMac, "10.0.0.2", "10.0.0.99").Tagged(3);
        Assert.AreEqual("b,wire", port.From(port.A, flooded));
        Assert.AreEqual($"rxPackets+1 rxBytes+{flooded.Length} multicast+1", port.Moved(port.B));
        var turnedBack = Ip(OwnMac, OwnMac, "10.0.0.2", "10.0.0.3").Tagged(3);
        Assert.AreEqual("b", port.From(port.A, turnedBack));
        Assert.AreEqual($"rxPackets+1 rxBytes+{turnedBack.Length - 4}", port.Moved(port.B));
        Assert.AreEqual($"txPackets+1 txBytes+{turnedBack.Length}", port.Moved(port.A));
    }

    [TestMethod]
    [DataRow("b", "10.0.0.2/24", PortResult.AddressInUse)]
    [DataRow("b", "10.0.0.2/32", PortResult.AddressInUse)]
    [DataRow("b", "10.0.0.4/24", PortResult.AddressInUse, DisplayName = "of a sibling that is down")]
    [DataRow("b", "fd00::2/64", PortResult.AddressInUse)]
    [DataRow("a", "10.0.0.2/24", PortResult.Exists)]
    [DataRow("a", "10.0.0.2/25", PortResult.AddressInUse)]
    [DataRow("a", "fd00::2/64", PortResult.Exists)]
    [DataRow("a", "fd00::2/65", PortResult.Exists)]
    [DataRow("a", "10.0.0.1/24", PortResult.Ok, DisplayName = "of the master")]
    [DataRow("a", "::a00:3/64", PortResult.Ok, DisplayName = "IPv6 with the number of an IPv4 address")]
    [DataRow("a", "10.9.9.9/0", PortResult.Ok)]
    public void Addresses_are_one_interfaces(string name, string prefix, PortResult result)
    {
        var port = NewPort();
        var member = port[name];
        var before = port.Port.AddressesOf(member);
        Assert.AreEqual(result, port.Port.AddAddress(member, L3Prefix.Parse(prefix)));
        Assert.HasCount(before.Count + (result == PortResult.Ok ? 1 : 0), port.Port.AddressesOf(member));
        Assert.AreEqual(port.Port.Interfaces.Sum(each => port.Port.AddressesOf(each).Count), port.Port.Map.Count);
        if (result != PortResult.Ok)
            CollectionAssert.AreEqual(before.ToArray(), port.Port.AddressesOf(member).ToArray());
    }

    [TestMethod]
    [DataRow("a", "10.0.0.2/25", PortResult.AddressAbsent)]
    [DataRow("a", "10.0.0.3/24", PortResult.AddressAbsent)]
    [DataRow("a", "10.0.0.77/24", PortResult.AddressAbsent)]
    [DataRow("a", "fd00::2/128", PortResult.AddressAbsent)]
    [DataRow("a", "10.0.0.2/24", PortResult.Ok)]
    [DataRow("c", "10.0.0.4/24", PortResult.Ok)]
    public void An_address_goes_with_its_prefix_length_only(string name, string text, PortResult result)
    {
        var port = NewPort();
        var prefix = L3Prefix.Parse(text);
        Assert.AreEqual(result, port.Port.RemoveAddress(port[name], prefix));
        if (result != PortResult.Ok)
            return;
        Assert.IsNull(port.Port.OwnerOf(prefix.Address));
        Assert.AreEqual(PortResult.Ok, port.Port.AddAddress(port.B, prefix), "free at once");
        Assert.AreEqual(port.B, port.Port.OwnerOf(prefix.Address));
    }

    [TestMethod]
    public void An_interface_wins_over_the_master_while_it_is_up()
    {
        var port = NewPort();
        Assert.AreEqual(PortResult.Ok, port.Port.AddAddress(port.C, L3Prefix.Parse("10.0.0.1/24")));
        var frame = Ip(OwnMac, OtherMac, "10.0.0.99", "10.0.0.1");
        Assert.AreEqual("host", port.FromWire(frame));
        port.Port.SetUp(port.C, true);
        Assert.AreEqual("c", port.FromWire(frame));
        Assert.AreEqual("c", port.FromWire(Ip(OwnMac, OtherMac, "10.0.0.99", "10.0.0.4")), "addresses given while down own from link up on");
        port.Port.SetUp(port.C, false);
        Assert.AreEqual("host", port.FromWire(frame));
        Assert.AreEqual(PortResult.AddressInUse, port.Port.AddAddress(port.A, L3Prefix.Parse("10.0.0.4/24")), "and block duplicates while down");
    }

    [TestMethod]
    public void A_removed_interface_frees_its_addresses_and_is_dead()
    {
        var port = NewPort();
        var a = port.A;
        Assert.AreEqual(PortResult.Ok, port.Port.RemoveInterface(a));
        Assert.IsNull(port.Port.Find("a"));
        Assert.IsFalse(a.IsUp);
        Assert.AreEqual(PortResult.Ok, port.Port.AddAddress(port.B, L3Prefix.Parse("10.0.0.2/24")));
        Assert.AreEqual("b", port.FromWire(Ip(OwnMac, OtherMac, "10.0.0.99", "10.0.0.2")));
        foreach (var result in (ReadOnlySpan<PortResult>)[
            port.Port.RemoveInterface(a), port.Port.SetUp(a, true), port.Port.AddAddress(a, L3Prefix.Parse("10.0.0.9/24")), port.Port.SetMtu(a, 1400),
            port.Port.SetPromiscuous(a, true), port.Port.SetAllMulticast(a, true), port.Port.AddGroup(a, MacAddress.Parse(Group)),
            port.Port.RemoveGroup(a, MacAddress.Parse(Group)), port.Port.SetGroups(a, []), port.Port.Rename(a, "z"), port.Port.RemoveAddress(a, L3Prefix.Parse("10.0.0.2/24"))])
        {
            Assert.AreEqual(PortResult.NoDevice, result);
        }
        // The number is used again; the name of the dead one stands for the new one only.
        var again = port.Add("a", "10.0.0.8/24");
        Assert.AreEqual(a.Id, again.Id);
        Assert.AreEqual(PortResult.NoDevice, port.Port.SetUp(a, true));
        Assert.AreEqual("a", port.FromWire(Ip(OwnMac, OtherMac, "10.0.0.99", "10.0.0.8")));
        Assert.AreEqual(0, a.Counters.RxPackets);
    }

    [TestMethod]
    public void Mode_and_flag_are_the_ports_and_known_words_only()
    {
        var port = NewPort();
        port.Port.SetFlag(PortFlag.Private);
        Assert.AreEqual(PortResult.Ok, port.Port.AddInterface("d", PortMode.L3S, null, out _));
        Assert.AreEqual((PortMode.L3S, PortFlag.Private), (port.Port.Snapshot.Mode, port.Port.Snapshot.Flag), "one given, the other stays");
        Assert.AreEqual(PortResult.Ok, port.Port.AddInterface("e", null, PortFlag.Vepa, out _));
        Assert.AreEqual((PortMode.L3S, PortFlag.Vepa), (port.Port.Snapshot.Mode, port.Port.Snapshot.Flag));
        Assert.AreEqual(PortResult.Ok, port.Port.SetMode(PortMode.L3S), "the present value is ok");
        Assert.AreEqual(PortResult.Invalid, port.Port.SetMode((PortMode)7));
        Assert.AreEqual(PortResult.Invalid, port.Port.SetFlag((PortFlag)3));
        Assert.AreEqual(PortResult.Invalid, port.Port.AddInterface("e", (PortMode)7, null, out _), "EINVAL comes before EEXIST");
        Assert.AreEqual(PortResult.Invalid, port.Port.AddInterface("e", null, (PortFlag)9, out _), "EINVAL comes before EEXIST");
        Assert.AreEqual(PortResult.Exists, port.Port.AddInterface("e", PortMode.L2, null, out _));
        Assert.AreEqual(PortResult.Invalid, port.Port.AddInterface("f", (PortMode)7, null, out var none));
        Assert.AreEqual(PortResult.Invalid, port.Port.AddInterface("f", null, (PortFlag)9, out none));
        Assert.IsNull(none);
        Assert.IsNull(port.Port.Find("f"));
        Assert.AreEqual((PortMode.L3S, PortFlag.Vepa), (port.Port.Snapshot.Mode, port.Port.Snapshot.Flag), "nothing changed");
    }

    [TestMethod]
    public void An_emptied_port_forgets_mode_and_flag()
    {
        var port = new Port("eth0", MacAddress.Parse(OwnMac), 1500);
        Assert.AreEqual(PortResult.Ok, port.AddInterface("a", PortMode.L2, PortFlag.Vepa, out var a));
        Assert.IsFalse(a!.IsUp);
        Assert.AreEqual(1500, a.IpMtu);
        Assert.IsEmpty(port.AddressesOf(a));
        port.RemoveInterface(a);
        port.AddInterface("b", null, null, out _);
        Assert.AreEqual((PortMode.L3, PortFlag.Bridge), (port.Snapshot.Mode, port.Snapshot.Flag));
        Assert.AreEqual(PortResult.Exists, port.AddInterface("b", PortMode.L2, null, out _));
        Assert.AreEqual(PortMode.L3, port.Snapshot.Mode);
    }

    [TestMethod]
    public void Modes_flags_addresses_groups_and_counters_survive_each_other()
    {
        var port = NewPort();
        var frame = Ip(OwnMac, OtherMac, "10.0.0.99", "10.0.0.2");
        var total = 0;
        foreach (var mode in Enum.GetValues<PortMode>())
        {
            foreach (var flag in Enum.GetValues<PortFlag>())
            {
                port.Port.SetMode(mode);
                port.Port.SetFlag(flag);
                Assert.AreEqual(mode == PortMode.L3S ? "a,host" : "a", port.FromWire(frame));
                Assert.AreEqual(++total, port.A.Counters.RxPackets);
                Assert.HasCount(1, port.B.Groups);
            }
        }
    }

    [TestMethod]
    public void The_masters_mac_is_everybodys_at_once()
    {
        var port = NewPort();
        var ours = Arp(Broadcast, OwnMac, "10.0.0.2", "10.0.0.99");
        Assert.AreEqual("host", port.FromWire(ours));
        port.Port.SetMasterMac(MacAddress.Parse("02:00:00:00:00:77"));
        Assert.AreEqual("a,b,host", port.FromWire(ours));
        Assert.AreEqual("host", port.FromWire(Arp(Broadcast, "02:00:00:00:00:77", "10.0.0.2", "10.0.0.99")));
        port.Port.SetMode(PortMode.L3);
        port.From(port.A, Ip(OtherMac, OwnMac, "10.0.0.2", "192.0.2.1"));
        CollectionAssert.AreEqual(Mac("02:00:00:00:00:77"), port.Last[0].Bytes[6..12]);
    }

    [TestMethod]
    [DataRow(67, PortResult.Invalid)]
    [DataRow(68, PortResult.Ok)]
    [DataRow(1500, PortResult.Ok)]
    [DataRow(1501, PortResult.Invalid)]
    [DataRow(65536, PortResult.Invalid)]
    [DataRow(-1, PortResult.Invalid)]
    [DataRow(int.MaxValue, PortResult.Invalid)]
    public void An_interfaces_mtu_is_68_to_the_masters(int ipMtu, PortResult result)
    {
        var port = NewPort();
        Assert.AreEqual(result, port.Port.SetMtu(port.A, ipMtu));
        Assert.AreEqual(result == PortResult.Ok ? ipMtu : 1500, port.A.IpMtu);
        Assert.AreEqual(result == PortResult.Ok, port.A.HasOwnMtu);
    }

    [TestMethod]
    [DataRow(67, PortResult.Invalid)]
    [DataRow(68, PortResult.Ok)]
    [DataRow(65535, PortResult.Ok)]
    [DataRow(65536, PortResult.Invalid)]
    public void The_masters_mtu_is_68_to_65535(int ipMtu, PortResult result)
    {
        var port = NewPort();
        Assert.AreEqual(result, port.Port.SetMasterMtu(ipMtu));
        Assert.AreEqual(result == PortResult.Ok ? ipMtu : 1500, port.Port.Snapshot.IpMtu);
        Assert.AreEqual(result == PortResult.Ok ? ipMtu : 1500, port.A.IpMtu);
        if (result != PortResult.Ok)
            Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new Port("m", default, ipMtu));
    }

    [TestMethod]
    public void A_clamped_mtu_does_not_grow_back()
    {
        var port = NewPort();
        port.Port.SetMtu(port.A, 1400);
        port.Port.SetMtu(port.B, 1500); // the one it has: its own from now on (59)
        Assert.AreEqual("1400 1500 1500", Mtus());
        port.Port.SetMasterMtu(1450);
        Assert.AreEqual("1400 1450 1450", Mtus());
        port.Port.SetMasterMtu(1300);
        Assert.AreEqual("1300 1300 1300", Mtus());
        port.Port.SetMasterMtu(9000);
        Assert.AreEqual("1300 1300 9000", Mtus());
        Assert.AreEqual(PortResult.Invalid, port.Port.SetMtu(port.C, 9001));
        port.Port.SetMasterMtu(8000);
        Assert.AreEqual("1300 1300 8000", Mtus(), "a refused setting is none");
        Assert.AreEqual(8000, port.Add("d").IpMtu);

        string Mtus() => $"{port.A.IpMtu} {port.B.IpMtu} {port.C.IpMtu}";
    }

    [TestMethod]
    public void Groups_are_joined_once_and_left_at_once()
    {
        var port = NewPort();
        var group = MacAddress.Parse("01:00:5e:00:00:01");
        var frame = Ip("01:00:5e:00:00:01", OtherMac, "10.0.0.99", "224.0.0.1");
        Assert.AreEqual(PortResult.GroupAbsent, port.Port.RemoveGroup(port.A, group));
        Assert.AreEqual("host", port.FromWire(frame));
        Assert.AreEqual(PortResult.Ok, port.Port.AddGroup(port.A, group));
        Assert.AreEqual(PortResult.Ok, port.Port.AddGroup(port.A, group));
        Assert.HasCount(1, port.A.Groups);
        Assert.AreEqual("a,host", port.FromWire(frame));
        // 32 other groups, some with the last four bytes of this one: no alias is heard (D2).
        Assert.AreEqual("host", port.FromWire(Ip("33:33:5e:00:00:01", OtherMac, "10.0.0.99", "224.0.0.1")));
        Assert.AreEqual(PortResult.Ok, port.Port.RemoveGroup(port.A, group));
        Assert.AreEqual("host", port.FromWire(frame));
        Assert.AreEqual(PortResult.GroupAbsent, port.Port.RemoveGroup(port.A, group));
        port.Port.SetGroups(port.A, [group, MacAddress.Parse(Group), group]);
        Assert.HasCount(2, port.A.Groups);
        Assert.AreEqual("a,host", port.FromWire(frame));
    }

    [TestMethod]
    public void A_name_stands_for_one_interface()
    {
        var port = NewPort();
        Assert.AreEqual(PortResult.Exists, port.Port.Rename(port.A, "b"));
        Assert.AreEqual(PortResult.Ok, port.Port.Rename(port.A, "a"));
        Assert.AreEqual(PortResult.Ok, port.Port.Rename(port.A, "z"));
        Assert.IsNull(port.Port.Find("a"));
        Assert.AreEqual(port.A, port.Port.Find("z"));
        Assert.AreEqual(PortResult.Ok, port.Port.SetUp(port.A, true));
        Assert.AreEqual("z", port.FromWire(Ip(OwnMac, OtherMac, "10.0.0.99", "10.0.0.2")));
        Assert.AreEqual(PortResult.Ok, port.Port.AddInterface("a", null, null, out _));
    }

    [TestMethod]
    public void The_masters_addresses_take_their_prefixes_with_them()
    {
        var port = NewPort(PortMode.L3);
        var toHost = Ip(OtherMac, OwnMac, "10.0.0.2", "10.7.0.1");
        var toBroadcast = Ip(OtherMac, OwnMac, "10.0.0.2", "10.7.255.255");
        var onLink = Ip(OtherMac, OwnMac, "10.0.0.2", "10.7.0.9");
        Assert.AreEqual("wire", port.From(port.A, toHost), "by the default route");
        Assert.AreEqual(PortResult.Ok, port.Port.AddMasterAddress(L3Prefix.Parse("10.7.0.1/16")));
        Assert.AreEqual(PortResult.Exists, port.Port.AddMasterAddress(L3Prefix.Parse("10.7.0.1/16")));
        Assert.AreEqual("host", port.From(port.A, toHost));
        Assert.AreEqual("", port.From(port.A, toBroadcast));
        Assert.AreEqual("missing 0A070009", port.From(port.A, onLink));
        Assert.AreEqual(PortResult.AddressAbsent, port.Port.RemoveMasterAddress(L3Prefix.Parse("10.7.0.1/17")));
        // Two addresses of one prefix: it stays until both are gone.
        port.Port.AddMasterAddress(L3Prefix.Parse("10.7.0.2/16"));
        Assert.AreEqual(PortResult.Ok, port.Port.RemoveMasterAddress(L3Prefix.Parse("10.7.0.1/16")));
        Assert.AreEqual("missing 0A070009", port.From(port.A, onLink));
        Assert.AreEqual("", port.From(port.A, toBroadcast));
        Assert.AreEqual("missing 0A070001", port.From(port.A, toHost));
        Assert.AreEqual(PortResult.Ok, port.Port.RemoveMasterAddress(L3Prefix.Parse("10.7.0.2/16")));
        Assert.AreEqual("wire", port.From(port.A, toBroadcast));
        Assert.AreEqual("wire", port.From(port.A, onLink));
    }

    [TestMethod]
    [DataRow("192.0.2.1/32", "192.0.2.1", "host")]
    [DataRow("192.0.2.2/31", "192.0.2.3", "missing C0000203", DisplayName = "31 bits have no broadcast address (RFC 3021)")]
    [DataRow("192.0.2.2/31", "192.0.2.2", "host")]
    [DataRow("192.0.2.1/30", "192.0.2.3", "")]
    [DataRow("192.0.2.1/30", "192.0.2.2", "missing C0000202")]
    [DataRow("192.0.2.1/30", "192.0.2.0", "missing C0000200")]
    [DataRow("192.0.2.1/0", "198.51.100.1", "wire", DisplayName = "equal to the default route, which was there first")]
    [DataRow("2001:db8::1/128", "2001:db8::1", "host")]
    [DataRow("2001:db8::1/127", "2001:db8::", "missing 20010DB8000000000000000000000000")]
    public void Prefixes_of_all_lengths_work(string own, string to, string places)
    {
        var port = NewPort(PortMode.L3);
        port.Port.AddMasterAddress(L3Prefix.Parse(own));
        Assert.AreEqual(places, port.From(port.A, Ip(OtherMac, OwnMac, to.Contains(':', StringComparison.Ordinal) ? "fd00::2" : "10.0.0.2", to)));
    }

    [TestMethod]
    public void A_snapshot_keeps_the_set_of_interfaces_of_its_moment()
    {
        var port = NewPort();
        var toA = Ip(OwnMac, OtherMac, "10.0.0.99", "10.0.0.2");
        var toD = Ip(OwnMac, OtherMac, "10.0.0.99", "10.0.0.5");
        var before = port.Port.Snapshot;
        var d = port.Add("d", "10.0.0.5/24");
        Assert.AreEqual(DecisionAction.Host, before.Receive(toD, default).Action, "added later");
        var between = port.Port.Snapshot;
        Assert.AreEqual(d, between.TargetOf(between.Receive(toD, default)));
        Assert.AreEqual(PortResult.Ok, port.Port.RemoveInterface(port.A));
        Assert.AreEqual(PortResult.Ok, port.Port.AddInterface("e", null, null, out var e));
        Assert.AreEqual(port.A.Id, e!.Id, "the lowest free number");
        port.Port.SetUp(e, true);
        Assert.AreEqual(PortResult.Ok, port.Port.AddAddress(e, L3Prefix.Parse("10.0.0.2/24")));
        Assert.AreEqual(DecisionAction.Host, between.Receive(toA, default).Action, "there the number is the removed one's");
        Assert.AreEqual(e, port.Port.Snapshot.TargetOf(port.Port.Snapshot.Receive(toA, default)));
        Assert.AreEqual(1, e.Counters.RxPackets);
        Assert.AreEqual(0, port.A.Counters.RxPackets, "what is gone counts no more");
        Assert.IsFalse(port.A.IsUp);
    }

    [TestMethod]
    public void Adding_an_interface_costs_no_more_where_there_are_many()
    {
        var port = new Port("eth0", MacAddress.Parse(OwnMac), 1500, 1);
        var (early, late) = (AddedBytes(0), AddedBytes(9_000));
        // The table doubles now and then; copied for each, 10,000 entries would be 80 KB and more each time.
        Assert.IsLessThan(early + (1000 * 1024), late);

        long AddedBytes(int first)
        {
            for (var i = port.Interfaces.Count; i < first; i++)
                Add(i);
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = first; i < first + 1000; i++)
                Add(i);
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }

        void Add(int number) => Assert.AreEqual(PortResult.Ok, port.AddInterface($"i{number}", null, null, out _));
    }
}
