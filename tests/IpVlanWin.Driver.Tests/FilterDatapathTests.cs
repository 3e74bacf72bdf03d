using IpVlanWin.Datapath;
using IpVlanWin.Datapath.Filter;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Wire;
using IpVlanWin.HostNetwork;

namespace IpVlanWin.Driver.Tests;

/// <summary>The data path over the driver's requests, end to end: the native driver on the fake NDIS at the other end.</summary>
[TestClass]
public class FilterDatapathTests
{
    private static readonly byte[] MasterMac = [2, 0, 0, 0, 0, 1];
    private static readonly byte[] Station = [2, 0, 0, 0, 0, 0x99];

    public TestContext TestContext { get; set; } = null!;

    [TestMethod]
    public void Frames_go_where_the_configuration_says_and_are_counted()
    {
        using var site = new Site(PortMode.L2, PortFlag.Bridge);
        var (one, two) = (site.Add("one", "10.0.0.2/24"), site.Add("two", "10.0.0.3/24", "fd00::3/64"));
        site.Inject(NativeBench.Wire, Ipv4(MasterMac, Station, "10.0.0.99", "10.0.0.2"));
        site.Inject(one, Ipv4(MasterMac, MasterMac, "10.0.0.2", "10.0.0.3"));
        site.Inject(NativeBench.Wire, Ipv4(MasterMac, Station, "10.0.0.99", "10.0.0.77"));
        site.ExpectPlaces(one, two, NativeBench.Host);
        Assert.AreEqual(PortResult.Ok, site.Datapath.SetFlag(PortFlag.Private));
        site.Inject(one, Ipv4(MasterMac, MasterMac, "10.0.0.2", "10.0.0.3"));
        site.ExpectPlaces();
        var status = site.Datapath.Find("one")!;
        Assert.AreEqual(new CounterValues(1, 60, 0, 1, 60, 0, 1), status.Counters);
        Assert.AreEqual(1, status.Drops[DropReason.Private]);
        Assert.AreEqual(1, site.Datapath.Port.Drops[DropReason.Private]);
        Assert.AreEqual(PortFlag.Private, site.Datapath.Port.Flag);
        Assert.AreEqual(new MacAddress(0x020000000001), site.Datapath.Port.Mac);
        Assert.IsTrue(site.Datapath.Port.IsUp);
        // Down it owns nothing, and removed it is not there.
        Assert.AreEqual(PortResult.Ok, site.Datapath.SetUp("one", false));
        site.Inject(NativeBench.Wire, Ipv4(MasterMac, Station, "10.0.0.99", "10.0.0.2"));
        site.ExpectPlaces(NativeBench.Host);
        Assert.AreEqual(PortResult.Ok, site.Datapath.RemoveInterface("two"));
        site.Inject(NativeBench.Wire, Ipv4(MasterMac, Station, "10.0.0.99", "10.0.0.3"));
        site.ExpectPlaces(NativeBench.Host);
        Assert.IsNull(site.Datapath.Find("two"));
        CollectionAssert.AreEqual(new[] { "one" }, site.Datapath.Interfaces.Select(one => one.Name).ToArray());
    }

    [TestMethod]
    public void Addresses_routes_and_neighbors_of_the_host_reach_the_driver()
    {
        using var site = new Site(PortMode.L3, PortFlag.Bridge);
        var one = site.Add("one", "10.0.0.2/24");
        site.Host.SetAddresses("10.0.0.1/24", "fd00::1/64");
        site.Host.SetRoutes(
            TestFilterHost.Route("0.0.0.0/0", "10.0.0.254"), TestFilterHost.Route("192.0.2.0/24", kind: RouteKind.Blackhole),
            TestFilterHost.Route("198.51.100.0/24", link: 7), TestFilterHost.Route("224.0.0.0/4"), TestFilterHost.Route("10.0.0.2/32", kind: RouteKind.Local));
        site.Host.Learn(L3Address.Parse("10.0.0.254"), new MacAddress(0x0200000000fe));
        CollectionAssert.AreEqual(new[] { "10.0.0.1/24", "fd00::1/64" }, site.Datapath.Port.Addresses.Select(prefix => prefix.ToString()).ToArray());
        foreach (var (destination, place) in new (string, ulong?)[] { ("203.0.113.5", NativeBench.Wire), ("10.0.0.1", NativeBench.Host), ("192.0.2.7", null), ("198.51.100.7", null) })
        {
            site.Inject(one, Ipv4(MasterMac, Station, "10.0.0.2", destination));
            var frames = site.TakeFrames();
            CollectionAssert.AreEqual(place is { } there ? [there] : Array.Empty<ulong>(), frames.Select(frame => frame.Place).ToArray(), destination);
            if (place == NativeBench.Wire)
                CollectionAssert.AreEqual((byte[])[2, 0, 0, 0, 0, 0xfe, .. MasterMac], frames[0].Frame[..12]);
        }
        Assert.AreEqual(2, site.Datapath.Find("one")!.Drops[DropReason.NoRoute]);
        // And leave it again.
        site.Host.SetRoutes();
        site.Host.SetAddresses("fd00::1/64");
        site.Inject(one, Ipv4(MasterMac, Station, "10.0.0.2", "203.0.113.5"));
        site.Inject(one, Ipv4(MasterMac, Station, "10.0.0.2", "10.0.0.1"));
        site.ExpectPlaces();
        Assert.AreEqual(4, site.Datapath.Find("one")!.Drops[DropReason.NoRoute]);
    }

    [TestMethod]
    public void A_neighbor_that_the_driver_wants_is_resolved_and_its_packets_leave_in_order()
    {
        using var site = new Site(PortMode.L3, PortFlag.Bridge);
        var one = site.Add("one", "10.0.0.2/24");
        site.Host.SetAddresses("10.0.0.1/24");
        var wanted = L3Address.Parse("10.0.0.50");
        site.Inject(one, Ipv4(MasterMac, Station, "10.0.0.2", "10.0.0.50", 1));
        site.Inject(one, Ipv4(MasterMac, Station, "10.0.0.2", "10.0.0.50", 2));
        Eventually(() => site.Host.Resolved.Contains(wanted), "the neighbor is asked for");
        site.ExpectPlaces();
        site.Host.Learn(wanted, new MacAddress(0x020000000050));
        var frames = site.TakeFrames();
        CollectionAssert.AreEqual(new[] { 1, 2 }, frames.Select(frame => (int)frame.Frame[^1]).ToArray());
        Assert.IsTrue(frames.TrueForAll(frame => frame.Place == NativeBench.Wire && frame.Frame[5] == 0x50));
        Assert.HasCount(1, site.Host.Resolved);
    }

    [TestMethod]
    public void An_answer_that_comes_inside_the_question_is_taken()
    {
        using var site = new Site(PortMode.L3, PortFlag.Vepa);
        var one = site.Add("one", "fd00::2/64");
        site.Host.SetAddresses("10.0.0.1/24");
        site.Host.Answers.Add(L3Address.Parse("10.0.0.51"), new MacAddress(0x020000000051));
        site.Inject(one, Ipv4(MasterMac, Station, "10.0.0.2", "10.0.0.51"));
        List<(ulong Place, byte[] Frame)> frames = [];
        Eventually(() => (frames = [.. frames, .. site.TakeFrames()]).Count == 1, "the packet leaves");
        Assert.AreEqual(NativeBench.Wire, frames[0].Place);
    }

    [TestMethod]
    public void The_masters_adapter_goes_and_comes()
    {
        using var site = new Site(PortMode.L2, PortFlag.Bridge);
        var one = site.Add("one", "10.0.0.2/24");
        site.Device.Use(bench => bench.Detach(NativeBench.Host));
        Eventually(() => site.Events.Any(told => told is { Name: "filter-detached", Subject: "eth0" }), "it is told");
        Assert.IsFalse(site.Datapath.Port.IsUp);
        // Between interfaces frames go on (semantics 48).
        var two = site.Add("two", "10.0.0.3/24");
        site.Inject(one, Ipv4(MasterMac, MasterMac, "10.0.0.2", "10.0.0.3"));
        site.ExpectPlaces(two);
        site.Device.Use(bench => bench.Attach(NativeBench.Host));
        Eventually(() => site.Events.Any(told => told is { Name: "filter-attached", Subject: "eth0" }), "it is told");
        Assert.IsTrue(site.Datapath.Port.IsUp);
        site.Inject(NativeBench.Wire, Ipv4(MasterMac, Station, "10.0.0.99", "10.0.0.2"));
        site.ExpectPlaces(one);
    }

    /// <summary>Groups that are given, beside those of the stack, each for one interface.</summary>
    [TestMethod]
    public void Groups_are_joined_and_left_for_one_interface()
    {
        using var site = new Site(PortMode.L2, PortFlag.Bridge);
        var (one, two) = (site.Add("one", "10.0.0.2/24"), site.Add("two", "10.0.0.3/24"));
        MacAddress given = new(0x01005e010203), own = new(0x01005e000009);
        var bytes = new byte[6];
        own.Write(bytes);
        site.Device.Use(bench => bench.SetGroups(one, bytes, isPromiscuous: false, isAllMulticast: false));
        Assert.AreEqual(PortResult.Ok, site.Datapath.AddGroup("one", given));
        Assert.AreEqual(PortResult.Ok, site.Datapath.AddGroup("one", given));
        CollectionAssert.AreEqual(new[] { own, given }, site.Datapath.Find("one")!.Groups.ToArray());
        Assert.IsEmpty(site.Datapath.Find("two")!.Groups);
        given.Write(bytes);
        site.Inject(NativeBench.Wire, Ipv4(bytes, Station, "10.0.0.99", "239.1.2.3"));
        // The host hears all its group's frames too; it decides for itself.
        CollectionAssert.AreEquivalent(new[] { NativeBench.Host, one }, site.TakeFrames().Select(frame => frame.Place).ToArray());
        Assert.AreEqual(PortResult.Ok, site.Datapath.RemoveGroup("one", given));
        Assert.AreEqual(PortResult.GroupAbsent, site.Datapath.RemoveGroup("one", given));
        Assert.AreEqual(PortResult.GroupAbsent, site.Datapath.RemoveGroup("one", own));
        Assert.AreEqual(PortResult.NoDevice, site.Datapath.AddGroup("nobody", given));
        Assert.AreEqual(PortResult.Invalid, site.Datapath.AddGroup("two", new MacAddress(0x020000000001)));
        site.Inject(NativeBench.Wire, Ipv4(bytes, Station, "10.0.0.99", "239.1.2.3"));
        site.ExpectPlaces(NativeBench.Host);
        Assert.AreNotEqual(one, two);
    }

    /// <summary>What is traced is what the driver then does, and no counter moves.</summary>
    [TestMethod]
    public void Traces_tell_what_the_driver_does()
    {
        using var site = new Site(PortMode.L3, PortFlag.Bridge);
        var (one, two) = (site.Add("one", "10.0.0.2/24"), site.Add("two", "10.0.0.3/24", "fd00::3/64"));
        site.Host.SetAddresses("10.0.0.1/24");
        site.Host.SetRoutes(TestFilterHost.Route("0.0.0.0/0", "10.0.0.254"), TestFilterHost.Route("192.0.2.0/24", kind: RouteKind.Blackhole));
        site.Host.Learn(L3Address.Parse("10.0.0.254"), new MacAddress(0x0200000000fe));
        foreach (var (sender, to, place) in new (string?, string, ulong?)[]
        {
            (null, "10.0.0.2", one), (null, "10.0.0.77", NativeBench.Host), ("one", "10.0.0.3", two), ("one", "203.0.113.7", NativeBench.Wire), ("two", "10.0.0.1", NativeBench.Host), ("two", "192.0.2.7", null),
        })
        {
            var from = sender switch { "one" => one, "two" => two, _ => NativeBench.Wire };
            var frame = Ipv4(MasterMac, sender is null ? Station : MasterMac, "10.0.0.99", to);
            var before = site.Datapath.Interfaces.Select(one => one.Counters).ToArray();
            var trace = site.Datapath.Trace(sender, frame)!;
            CollectionAssert.AreEqual(before, site.Datapath.Interfaces.Select(one => one.Counters).ToArray());
            site.Inject(from, frame);
            var places = site.TakeFrames().Select(frame => frame.Place).ToArray();
            CollectionAssert.AreEqual(place is { } there ? [there] : Array.Empty<ulong>(), places, $"{sender} to {to}");
            Assert.AreEqual((place == NativeBench.Host, place == NativeBench.Wire), (trace.ToHost, trace.ToWire), $"{sender} to {to}");
            Assert.AreEqual(place == one ? "one" : place == two ? "two" : "", string.Join(' ', trace.Targets));
        }
        Assert.IsNull(site.Datapath.Trace("nobody", Ipv4(MasterMac, Station, "10.0.0.99", "10.0.0.2")));
        StringAssert.Contains(site.Datapath.CaptureRefusal!, "pktmon");
    }

    /// <summary>What happens to the master is told, by the driver's own events; adapters follow its MTU.</summary>
    [TestMethod]
    public void The_masters_changes_are_told()
    {
        using var site = new Site(PortMode.L2, PortFlag.Bridge);
        site.Add("one", "10.0.0.2/24");
        site.Datapath.Commit();
        Eventually(() => site.Host.IsMasterAttached, "the keeper has looked");
        site.Device.Use(bench => bench.SetMaster(MasterMac, 1400, isUp: true));
        Expect("master-mtu", "1500", "1400");
        Eventually(() => site.Host.Wishes.GetValueOrDefault("one") is { IpMtu: 1400 }, "the adapter's MTU");
        site.Device.Use(bench => bench.SetMaster(MasterMac, 1400, isUp: false));
        Expect("master-down", "up", "down");
        site.Device.Use(bench => bench.SetMaster(MasterMac, 1400, isUp: true));
        Expect("master-up", "down", "up");
        site.Device.Use(bench => bench.SetMaster([2, 0, 0, 0, 0, 0x77], 1400, isUp: true));
        Expect("master-mac", "02:00:00:00:00:01", "02:00:00:00:00:77");

        void Expect(string name, string before, string after) =>
            Eventually(() => site.Events.Any(told => told.Name == name && told.Subject == "eth0" && told.Before == before && told.After == after), $"{name}: {string.Join("; ", site.Events)}");
    }

    /// <summary>An adapter that somebody removed is made anew with all that its interface had.</summary>
    [TestMethod]
    public void A_lost_adapter_is_made_anew()
    {
        using var site = new Site(PortMode.L2, PortFlag.Private);
        var one = site.Add("one", "10.0.0.2/24", "fd00::2/64");
        Assert.AreEqual(PortResult.Ok, site.Datapath.SetMtu("one", 1300));
        Assert.AreEqual(PortResult.Ok, site.Datapath.AddGroup("one", new MacAddress(0x01005e010203)));
        site.Datapath.Commit();
        site.Host.Lose(one);
        Eventually(() => site.Host.Adapters.Values.Any(adapter => adapter.Name == "one") && site.Datapath.Find("one") is { IsUp: true, IpMtu: 1300, Fault: null, Groups.Count: 1 }, "another adapter");
        Assert.AreEqual((PortMode.L2, PortFlag.Private), (site.Datapath.Port.Mode, site.Datapath.Port.Flag));
        var now = site.Host.Adapters.Single(entry => entry.Value.Name == "one");
        Assert.AreNotEqual(one, now.Key);
        Assert.HasCount(2, now.Value.Addresses);
        Assert.AreEqual(1300, now.Value.IpMtu);
        site.Inject(NativeBench.Wire, Ipv4(MasterMac, Station, "10.0.0.99", "10.0.0.2"));
        site.ExpectPlaces(now.Key);
    }

    /// <summary>What the stack of an interface asks the wire for is pending, and what somebody has is refused; l3 asks for nothing.</summary>
    [TestMethod]
    public void What_the_stack_says_of_its_addresses_is_told()
    {
        using var site = new Site(PortMode.L2, PortFlag.Bridge);
        site.Host.Asks = true;
        Assert.AreEqual(PortResult.Ok, site.Datapath.AddInterface(new InterfaceSettings("one", null, PortMode.L2)));
        Assert.AreEqual(PortResult.Ok, site.Datapath.AddAddress("one", L3Prefix.Parse("10.0.0.2/24")));
        Assert.IsEmpty(site.Host.Adapters.Single().Value.Addresses, "not before it is up");
        site.Host.RefusesAddresses = true;
        Assert.ThrowsExactly<HostNetworkException>(() => site.Datapath.SetUp("one", true));
        Assert.IsFalse(site.Datapath.Find("one")!.IsUp);
        site.Host.RefusesAddresses = false;
        Assert.AreEqual(PortResult.Ok, site.Datapath.SetUp("one", true));
        Assert.AreEqual(PortResult.Ok, site.Datapath.AddAddress("one", L3Prefix.Parse("10.0.0.3/24")));
        site.Datapath.Commit();
        Assert.AreEqual((0, 2, 0), Counts("one"));
        site.Host.Taken.Add(L3Address.Parse("10.0.0.3"));
        site.Host.EndAsking();
        Eventually(() => site.Events.Any(told => told is { Name: "address-duplicate", Subject: "one", Before: "10.0.0.3" }), "it is told");
        Eventually(() => Counts("one") == (1, 1, 1), "the other one is in use");
        Assert.AreEqual(PortResult.AddressInUse, site.AddTo("two", "10.0.0.3/24"), "it is the interface's although it is not in use");
        Assert.AreEqual(PortResult.Ok, site.Datapath.RemoveAddress("one", L3Prefix.Parse("10.0.0.3/24")));
        Assert.AreEqual((1, 0, 0), Counts("one"));
        Assert.AreEqual(PortResult.Ok, site.Datapath.SetMode(PortMode.L3));
        Assert.AreEqual(PortResult.Ok, site.Datapath.AddAddress("one", L3Prefix.Parse("10.0.0.4/24")));
        Assert.AreEqual((2, 0, 0), Counts("one"));

        (int, int, int) Counts(string name) => site.Datapath.Find(name) is { } one ? (one.Addresses.Count, one.Pending.Count, one.Refused.Count) : default;
    }

    /// <summary>In l2 the wire is asked first; what somebody has there does not come onto the stack, and is tried again.</summary>
    [TestMethod]
    public void What_somebody_on_the_wire_has_does_not_come_onto_the_stack()
    {
        using var site = new Site(PortMode.L2, PortFlag.Bridge, period: TimeSpan.FromMilliseconds(200));
        site.Host.QuestionsAtOnce = 2;
        var theirs = L3Address.Parse("10.0.0.3");
        site.Host.Others[theirs] = "020000000099";
        var one = site.Add("one", "10.0.0.2/24", "10.0.0.3/24", "10.0.0.4/24", "fd00::4/64");
        Assert.AreEqual((0, 4, 0), Counts());
        Assert.IsEmpty(site.Host.Adapters[one].Addresses);
        site.Datapath.Commit();
        Eventually(() => Counts() == (3, 1, 1), "three are free");
        Assert.IsTrue(site.Events.Any(told => told is { Name: "address-duplicate", Subject: "one", Before: "10.0.0.3", After: "020000000099" }));
        Assert.HasCount(3, site.Host.Adapters[one].Addresses);
        Assert.AreEqual(PortResult.Exists, site.Datapath.AddAddress("one", L3Prefix.Parse("10.0.0.3/24")));
        site.Host.Others.Clear();
        Eventually(() => Counts() == (4, 0, 0), "it is free");
        // Without a wire there is nobody to ask, and in l3 nothing to ask for.
        site.Host.Questions.Clear();
        site.Device.Use(bench => bench.SetMaster(MasterMac, 1500, isUp: false));
        Assert.AreEqual(PortResult.Ok, site.Datapath.AddAddress("one", L3Prefix.Parse("10.0.0.5/24")));
        site.Device.Use(bench => bench.SetMaster(MasterMac, 1500, isUp: true));
        Assert.AreEqual(PortResult.Ok, site.Datapath.SetMode(PortMode.L3));
        Assert.AreEqual(PortResult.Ok, site.Datapath.AddAddress("one", L3Prefix.Parse("10.0.0.6/24")));
        Assert.AreEqual((6, 0, 0), Counts());
        Assert.IsEmpty(site.Host.Questions);

        (int, int, int) Counts() => site.Datapath.Find("one") is { } one ? (one.Addresses.Count, one.Pending.Count, one.Refused.Count) : default;
    }

    /// <summary>An interface goes with its namespace and takes nothing of the others along; one that only waits is abandoned.</summary>
    [TestMethod]
    public void An_interface_goes_with_its_namespace()
    {
        using var site = new Site(PortMode.L2, PortFlag.Bridge);
        var one = site.Add("one", "10.0.0.2/24");
        var boxed = new InterfaceSettings("boxed", "box", PortMode.L2);
        Assert.ThrowsExactly<NamespacePendingException>(() => site.Datapath.AddInterface(boxed));
        Assert.AreEqual(PortResult.NoDevice, site.Datapath.RemoveInterface("boxed"));
        CollectionAssert.AreEqual(new[] { "boxed" }, site.Host.Abandoned);
        site.Host.Namespaces.Add("box");
        Assert.AreEqual(PortResult.Ok, site.Datapath.AddInterface(boxed));
        Assert.AreEqual(PortResult.Ok, site.AddTo("boxed", "10.0.0.3/24"));
        site.Datapath.Commit();
        Eventually(() => site.Host.Wishes.ContainsKey("boxed"), "it is looked at");
        site.Host.Namespaces.Clear();
        site.Host.SetAddresses("10.0.0.1/24");
        Eventually(() => site.Events.Any(told => told is { Name: "container-gone", Subject: "boxed" }), "it is told");
        CollectionAssert.AreEqual(new[] { "one" }, site.Datapath.Interfaces.Select(one => one.Name).ToArray());
        Assert.AreEqual(PortResult.Ok, site.Datapath.AddAddress("one", L3Prefix.Parse("10.0.0.3/24")), "its address is free");
        site.Inject(NativeBench.Wire, Ipv4(MasterMac, Station, "10.0.0.99", "10.0.0.2"));
        site.ExpectPlaces(one);
    }

    [TestMethod]
    public void Ten_thousand_addresses_come_at_once_and_are_told_apart()
    {
        using var site = new Site(PortMode.L3, PortFlag.Bridge);
        var (_, two) = (site.Add("one", "10.9.0.5/8"), site.Add("two"));
        L3Prefix[] all = [.. Enumerable.Range(0, 10_000).Select(i => L3Prefix.Parse($"10.9.{i / 250}.{i % 250}/8"))];
        var results = site.Datapath.AddAddresses("two", all);
        Assert.AreEqual(PortResult.AddressInUse, results[5]);
        Assert.AreEqual(9_999, results.Count(result => result == PortResult.Ok));
        Assert.HasCount(9_999, site.Datapath.Find("two")!.Addresses);
        Assert.HasCount(9_999, site.Host.Adapters[two].Addresses);
        CollectionAssert.AreEquivalent(all, site.Driver.Requests.Addresses(Site.MasterLuid).Select(entry => entry.Prefix).ToArray());
        site.Inject(NativeBench.Wire, Ipv4(MasterMac, Station, "10.0.0.99", "10.9.39.249"));
        site.ExpectPlaces(two);
        Assert.AreEqual(PortResult.Exists, site.Datapath.AddAddress("two", all[^1]));
        Assert.AreEqual(PortResult.Ok, site.Datapath.RemoveAddress("two", all[^1]));
        site.Inject(NativeBench.Wire, Ipv4(MasterMac, Station, "10.0.0.99", "10.9.39.249"));
        site.ExpectPlaces(NativeBench.Host);
    }

    [TestMethod]
    public void What_the_system_refuses_changes_nothing()
    {
        using var site = new Site(PortMode.L3, PortFlag.Bridge);
        var one = site.Add("one");
        site.Host.RefusesAddresses = true;
        Assert.ThrowsExactly<HostNetworkException>(() => site.Datapath.AddAddress("one", L3Prefix.Parse("10.0.0.2/24")));
        Assert.IsEmpty(site.Driver.Requests.Addresses(Site.MasterLuid));
        Assert.ThrowsExactly<NamespacePendingException>(() => site.Datapath.AddInterface(new InterfaceSettings("two", "a container")));
        Assert.HasCount(1, site.Datapath.Interfaces);
        site.Host.RefusesAddresses = false;
        Assert.AreEqual(PortResult.Ok, site.Datapath.AddAddress("one", L3Prefix.Parse("10.0.0.2/24")));
        Assert.IsTrue(site.Host.Adapters.ContainsKey(one));
    }

    [TestMethod]
    public void Limits_are_told()
    {
        using var site = new Site(PortMode.L3, PortFlag.Bridge);
        var can = site.Driver.Capabilities;
        Assert.IsTrue(can.Supports(PortMode.L3S) && can.Supports(PortFlag.Vepa) && can.DriverVersion == new Version(1, 0));
        for (var i = 1; i < can.MaxPorts; i++)
            Assert.AreEqual(PortResult.Ok, site.Driver.Requests.Port(FilterAbi.AddPort, 1000 + (ulong)i));
        using var host = new TestFilterHost(site.Device);
        var refused = Assert.ThrowsExactly<IOException>(() => new FilterDatapath(site.Settings with { Host = host, MasterLuid = 5000 }));
        Assert.AreEqual($"limit-reached: the driver has room for {can.MaxPorts} ports", refused.Message);
        site.Host.SetAddresses([.. Enumerable.Range(0, can.MaxMasterAddresses + 5).Select(i => $"10.{i / 250}.{i % 250}.1/24")]);
        Assert.IsTrue(site.Events.Any(told => told.Name == "limit-reached" && told.Text.StartsWith("limit-reached: ", StringComparison.Ordinal)));
    }

    [TestMethod]
    public void A_port_that_a_dead_service_left_is_replaced_and_an_interfaces_adapter_is_no_master()
    {
        using var site = new Site(PortMode.L2, PortFlag.Bridge);
        var one = site.Add("one", "10.0.0.2/24");
        using var host = new TestFilterHost(site.Device);
        var refused = Assert.ThrowsExactly<IOException>(() => new FilterDatapath(site.Settings with { Host = host, MasterLuid = one }));
        StringAssert.Contains(refused.Message, "EEXIST");
        using (var second = new FilterDatapath(site.Settings with { Host = host }))
        {
            Assert.IsEmpty(second.Interfaces);
            Assert.IsNull(site.Datapath.Find("one"), "it went with the port");
            Assert.AreEqual(PortMode.L2, second.Port.Mode);
        }
        Assert.IsTrue(host.IsDisposed);
        Assert.ThrowsExactly<IOException>(() => site.Datapath.Port);
    }

    [TestMethod]
    public async Task A_driver_that_goes_away_ends_the_data_path()
    {
        using var site = new Site(PortMode.L3, PortFlag.Bridge);
        site.Add("one", "10.0.0.2/24");
        site.Device.Vanish("the driver was unloaded");
        var fault = await Assert.ThrowsExactlyAsync<IOException>(() => site.Datapath.Completion.WaitAsync(TimeSpan.FromSeconds(20)));
        Assert.AreEqual("the driver was unloaded", fault.Message);
        Assert.ThrowsExactly<IOException>(() => site.Datapath.SetUp("one", false));
    }

    [TestMethod]
    public void Another_version_and_a_closed_device_are_told_in_one_sentence()
    {
        using var answers = new AnsweringDevice { Status = FilterStatus.OtherVersion };
        StringAssert.Contains(Assert.ThrowsExactly<IOException>(() => new FilterDriver(answers)).Message, "put in the driver of this package (ipvlansvc install-driver)");
        Assert.IsTrue(answers.IsDisposed);
        answers.Status = FilterStatus.Closed;
        StringAssert.Contains(Assert.ThrowsExactly<IOException>(() => new FilterRequests(answers).FindPort(1)).Message, "closed");
        answers.Status = FilterStatus.NoMemory;
        Assert.AreEqual(PortResult.LimitReached, new FilterRequests(answers).SetUp(1, 2, true));
    }

    /// <summary>The engine's own data path says what each change comes to: the same, in any order.</summary>
    [TestMethod]
    public void Random_changes_come_to_what_they_come_to_in_the_engine()
    {
        var seed = Random.Shared.Next();
        TestContext.WriteLine($"seed {seed}");
        var random = new Random(seed);
        using var site = new Site(PortMode.L3, PortFlag.Bridge);
        using var memory = new MemoryDatapath("eth0", new MacAddress(0x020000000001), 1500);
        string[] names = ["a", "b", "c"];
        string[] addresses = ["10.0.0.2/24", "10.0.0.2/16", "10.0.0.3/24", "fd00::2/64", "fd00::2/48", "fd00::3/64"];
        for (var i = 0; i < 2000; i++)
        {
            var (name, other, prefix, number) = (names[random.Next(3)], names[random.Next(3)], L3Prefix.Parse(addresses[random.Next(6)]), random.Next(3));
            var kind = random.Next(11);
            var group = new MacAddress(0x01005e000001 + (ulong)number);
            PortResult Do(IDatapath datapath) => kind switch
            {
                0 => datapath.AddInterface(new InterfaceSettings(name, null, number == 0 ? null : (PortMode)number, number == 1 ? null : (PortFlag)number)),
                1 => datapath.RemoveInterface(name),
                2 => datapath.SetMode((PortMode)number),
                3 => datapath.SetFlag((PortFlag)number),
                4 => datapath.SetUp(name, number != 0),
                5 => datapath.SetMtu(name, number switch { 0 => 67, 1 => 1501, _ => 1400 }),
                6 => datapath.RemoveAddress(name, prefix),
                7 => datapath.Rename(name, other),
                8 => datapath.AddGroup(name, group),
                9 => datapath.RemoveGroup(name, group),
                _ => datapath.AddAddress(name, prefix),
            };
            Assert.AreEqual(Do(memory), Do(site.Datapath), $"seed {seed}, change {i}, {kind} {name} {other} {prefix} {number}");
            if (memory.Interfaces.Count > 0)
                Assert.AreEqual((memory.Port.Mode, memory.Port.Flag), (site.Datapath.Port.Mode, site.Datapath.Port.Flag), $"seed {seed}, change {i}");
            CollectionAssert.AreEqual(memory.Interfaces.Select(Text).ToArray(), site.Datapath.Interfaces.Select(Text).ToArray(), $"seed {seed}, change {i}");
        }

        static string Text(InterfaceStatus one) => $"{one.Name} {one.Namespace} {one.IsUp} {one.IpMtu} {string.Join(' ', one.Addresses.Order())} {string.Join(' ', one.Groups)}";
    }

    private static void Eventually(Func<bool> condition, string what) => Assert.IsTrue(SpinWait.SpinUntil(condition, TimeSpan.FromSeconds(20)), what);

    /// <summary>60 bytes: Ethernet, IPv4, a marked payload.</summary>
    private static byte[] Ipv4(byte[] destination, byte[] source, string from, string to, byte mark = 0)
    {
        var frame = new byte[60];
        destination.CopyTo(frame, 0);
        source.CopyTo(frame, 6);
        (frame[12], frame[14], frame[17], frame[22], frame[23]) = (8, 0x45, 46, 64, 17);
        L3Address.Parse(from).Write(frame.AsSpan(26));
        L3Address.Parse(to).Write(frame.AsSpan(30));
        var checksum = Checksum.Compute(frame.AsSpan(14, 20));
        (frame[24], frame[25], frame[^1]) = ((byte)(checksum >> 8), (byte)checksum, mark);
        return frame;
    }

    /// <summary>A native driver with one master, a service at its device, and one port.</summary>
    private sealed class Site : IDisposable
    {
        public const ulong MasterLuid = NativeBench.Host;

        private readonly NativeBench _bench;

        public Site(PortMode mode, PortFlag flag, TimeSpan? period = null)
        {
            _bench = new NativeBench(NativeBuild.Library("filter"), MasterMac, 1500, BenchOptions.Served);
            Device = new NativeFilterDevice(_bench);
            Driver = new FilterDriver(Device);
            Host = new TestFilterHost(Device);
            Settings = new FilterPortSettings
            {
                Driver = Driver,
                Host = Host,
                MasterName = "eth0",
                MasterLuid = MasterLuid,
                Mode = mode,
                Flag = flag,
                Period = period ?? TimeSpan.FromSeconds(30),
                OnEvent = told =>
                {
                    lock (_told)
                        _told.Add(told);
                },
            };
            Datapath = new FilterDatapath(Settings);
        }

        private readonly List<HostEvent> _told = [];

        public NativeFilterDevice Device { get; }

        public FilterDriver Driver { get; }

        public TestFilterHost Host { get; }

        public FilterPortSettings Settings { get; }

        public FilterDatapath Datapath { get; }

        public IReadOnlyList<HostEvent> Events
        {
            get
            {
                lock (_told)
                    return [.. _told];
            }
        }

        /// <summary>An interface that is up; its adapter's LUID.</summary>
        public ulong Add(string name, params string[] addresses)
        {
            var port = Datapath.Port;
            Assert.AreEqual(PortResult.Ok, Datapath.AddInterface(new InterfaceSettings(name, null, port.Mode, port.Flag)));
            Assert.AreEqual(PortResult.Ok, Datapath.SetUp(name, true));
            foreach (var address in addresses)
                Assert.AreEqual(PortResult.Ok, Datapath.AddAddress(name, L3Prefix.Parse(address)));
            return Host.Adapters.Single(entry => entry.Value.Name == name).Key;
        }

        /// <summary>An address for an interface, which is made where it is not there.</summary>
        public PortResult AddTo(string name, string address)
        {
            if (Datapath.Find(name) is null)
                Assert.AreEqual(PortResult.Ok, Datapath.AddInterface(new InterfaceSettings(name, null, Datapath.Port.Mode, Datapath.Port.Flag)));
            return Datapath.AddAddress(name, L3Prefix.Parse(address));
        }

        public void Inject(ulong place, byte[] frame) => Device.Use(bench => bench.Inject(place, frame, frame.Length));

        public List<(ulong Place, byte[] Frame)> TakeFrames() => Device.Use(bench =>
        {
            List<(ulong, byte[])> frames = [];
            while (bench.TryTake(out var place, out var frame))
                frames.Add((place, frame));
            return frames;
        });

        public void ExpectPlaces(params ulong[] places) => CollectionAssert.AreEqual(places, TakeFrames().Select(frame => frame.Place).ToArray());

        public void Dispose()
        {
            Datapath.Dispose();
            Driver.Dispose();
            _bench.Dispose();
        }
    }

    private sealed class AnsweringDevice : IFilterDevice
    {
        public FilterStatus Status { get; set; }

        public bool IsDisposed { get; private set; }

        public FilterStatus Request(uint code, Span<byte> buffer, int requestLength, out int answerLength)
        {
            answerLength = 0;
            return Status;
        }

        public bool WaitForEvent(out AbiEvent happened)
        {
            happened = default;
            return false;
        }

        public void Dispose() => IsDisposed = true;
    }
}
