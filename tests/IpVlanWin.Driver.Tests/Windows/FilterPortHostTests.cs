using IpVlanWin.Cli.HostCare;
using IpVlanWin.Datapath;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Wire;
using IpVlanWin.HostNetwork;
using IpVlanWin.HostNetwork.Windows;

namespace IpVlanWin.Driver.Tests.Windows;

/// <summary>The data path on a Windows host, with its stand-ins and bindings, over the native driver.</summary>
[TestClass]
public sealed class FilterPortHostTests
{
    [TestMethod]
    public void Stand_ins_are_made_bound_renamed_and_removed_and_the_host_is_as_before()
    {
        using var bed = new WindowsFilterBed(isBoundByItself: false);
        var before = bed.State;
        bed.Start();
        bed.Add("ipvl0", "192.0.2.50/24", "2001:db8::50/64");
        bed.Add("ipvl1", "192.0.2.51/24");
        bed.Port.Commit();
        StringAssert.Contains(bed.State, "ipvl0 1500 192.0.2.50/24 2001:db8::50/64 attached bound");
        StringAssert.Contains(bed.State, "Ethernet 1500 192.0.2.10/24 attached bound");
        // As a stand-in: quiet; but in l2 its stack asks the wire for its addresses.
        var index = bed.Do(static host => host.Network.FindLink("ipvl0")!.Index);
        Assert.AreEqual((StandIns.Metric, 3, true), bed.Do(host => host.Network.GetIpInterface(index, System.Net.Sockets.AddressFamily.InterNetwork)) is var ip ? (ip.Metric!.Value, ip.DadTransmits, ip.IgnoreDefaultRoutes) : default);
        // Frames go where they should, and a second name is one.
        var frame = Ethernet("192.0.2.99", "192.0.2.50");
        CollectionAssert.AreEqual(new[] { bed.LuidOf("ipvl0") }, bed.Inject(NativeBench.Wire, frame));
        Assert.AreEqual(PortResult.Ok, bed.Port.Rename("ipvl0", "lan"));
        StringAssert.Contains(bed.State, "lan 1500 192.0.2.50/24");
        Assert.AreEqual(PortResult.Ok, bed.Port.SetMtu("lan", 1400));
        StringAssert.Contains(bed.State, "lan 1400 192.0.2.50/24");
        Assert.AreEqual(PortResult.Ok, bed.Port.RemoveAddress("lan", L3Prefix.Parse("192.0.2.50/24")));
        Assert.AreEqual(PortResult.AddressAbsent, bed.Port.RemoveAddress("lan", L3Prefix.Parse("192.0.2.50/24")));
        StringAssert.Contains(bed.State, "lan 1400 2001:db8::50/64");
        Assert.AreEqual(PortResult.Ok, bed.Port.RemoveInterface("lan"));
        Assert.DoesNotContain("lan", bed.State);
        // The port ends: its stand-in stays, and nothing reaches it.
        bed.Port.Dispose();
        StringAssert.Contains(bed.State, "ipvl1 1500 192.0.2.51/24 attached bound");
        CollectionAssert.AreEqual(new[] { NativeBench.Host }, bed.Inject(NativeBench.Wire, Ethernet("192.0.2.99", "192.0.2.51")));
        bed.Kill();
        var (done, failures) = bed.Clean();
        Assert.IsEmpty(failures);
        CollectionAssert.Contains(done, "the stand-in of ipvl1 is removed");
        CollectionAssert.Contains(done, "the filter is not bound to Ethernet any more");
        Assert.AreEqual(before, bed.State);
        Assert.IsEmpty(bed.Journal.List());
    }

    /// <summary>A master that was bound before stays so; a killed service's port goes on, and the next service takes its stand-ins over.</summary>
    [TestMethod]
    public void A_killed_service_leaves_what_the_next_one_takes_over()
    {
        using var bed = new WindowsFilterBed(isBoundByItself: true);
        var before = bed.State;
        bed.Start();
        bed.Add("ipvl0", "192.0.2.50/24", "192.0.2.60/24");
        bed.Add("ipvl1", "192.0.2.51/24");
        bed.Port.Commit();
        var luid = bed.LuidOf("ipvl0");
        bed.Kill();
        CollectionAssert.AreEqual(new[] { luid }, bed.Inject(NativeBench.Wire, Ethernet("192.0.2.99", "192.0.2.50")), "without a service");
        // Another one: an address fewer, one with another prefix, an interface fewer.
        bed.Start();
        bed.Add("ipvl0", "192.0.2.50/25");
        bed.Port.Commit();
        bed.Until(() => bed.State.Contains("ipvl0 1500 192.0.2.50/25 attached", StringComparison.Ordinal) && !bed.State.Contains("ipvl1", StringComparison.Ordinal), "what was left is tidied");
        Assert.AreEqual(luid, bed.LuidOf("ipvl0"));
        CollectionAssert.AreEqual(new[] { luid }, bed.Inject(NativeBench.Wire, Ethernet("192.0.2.99", "192.0.2.50")));
        bed.Kill();
        // The journal is lost as well: tags and the driver tell.
        bed.Journal.CrossOut(bed.Journal.List());
        var (done, failures) = bed.Clean(isThorough: true);
        Assert.IsEmpty(failures);
        CollectionAssert.Contains(done, "the driver's port over Ethernet, which nobody knew, is removed");
        Assert.AreEqual(before, bed.State);
    }

    /// <summary>Wherever a kill falls, the next start makes the host as it should be, and cleaning as it was.</summary>
    [TestMethod]
    public void Killed_before_any_call_nothing_is_left_over()
    {
        var calls = Run(0);
        Assert.IsGreaterThan(40, calls);
        for (var at = 1; at <= calls; at++)
            Run(at);

        static int Run(int killAt)
        {
            using var bed = new WindowsFilterBed(isBoundByItself: false);
            var before = bed.State;
            var calls = 0;
            try
            {
                bed.Start(killAt: killAt);
                bed.Add("a", "192.0.2.50/24");
                bed.Add("b", "192.0.2.51/24", "2001:db8::51/64");
                Assert.AreEqual(PortResult.Ok, bed.Port.RemoveAddress("b", L3Prefix.Parse("192.0.2.51/24")));
                Assert.AreEqual(PortResult.Ok, bed.Port.Rename("b", "c"));
                Assert.AreEqual(PortResult.Ok, bed.Port.RemoveInterface("a"));
                calls = bed.Process.Calls;
            }
            catch (KilledException)
            {
            }
            bed.Kill();
            bed.Start();
            bed.Add("c", "2001:db8::51/64");
            bed.Port.Commit();
            bed.Until(() => bed.State == "Ethernet 1500 192.0.2.10/24 attached bound\nc 1500 2001:db8::51/64 attached bound", $"killed before call {killAt}");
            bed.Port.Dispose();
            bed.Kill();
            var (_, failures) = bed.Clean();
            Assert.IsEmpty(failures, $"killed before call {killAt}");
            Assert.AreEqual(before, bed.State, $"killed before call {killAt}");
            Assert.IsEmpty(bed.Journal.List(), $"killed before call {killAt}");
            return calls;
        }
    }

    /// <summary>An interface in a container waits for it, then for its adapter there; it goes with it and comes back with it.</summary>
    [TestMethod]
    [DataRow(false, DisplayName = "Windows does not list the bindings of containers' adapters")]
    [DataRow(true, DisplayName = "Windows lists them")]
    public void Containers_have_their_adapter_for_a_stand_in(bool isListed)
    {
        using var bed = new WindowsFilterBed(isBoundByItself: true) { ListsEndpoints = isListed };
        var before = bed.State;
        bed.Start();
        bed.Port.Commit();
        StringAssert.Contains(Waits(), "since no container runs in it");
        Assert.AreEqual(before, bed.State);
        bed.IsRunning = true;
        StringAssert.Contains(Waits(), "has no adapter on the switch \"box\" yet: attach one endpoint of the container service to it, and give that the switch's name");
        // The switch stays, for what is to be attached to it.
        bed.Wake();
        StringAssert.Contains(bed.State, "box 1500 ");
        StringAssert.Contains(Waits(), "attach one endpoint");
        // What the container has besides, be it alone, is not taken for it, and keeps its addresses.
        bed.Inside.Plug(200, "vEthernet (nat)");
        new WindowsNetwork(bed.Inside).AddAddress(200, System.Net.IPAddress.Parse("172.16.0.9"), 24);
        StringAssert.Contains(Waits(), "attach one endpoint");
        bed.Wake();
        Assert.AreEqual("vEthernet (nat) 1500 172.16.0.9/24", bed.EndState);
        bed.Inside.Unplug(200);
        // Two that have its name are one too many.
        bed.Inside.Plug(200, "vEthernet (box)");
        bed.Inside.Plug(201, "vEthernet (box 2)");
        StringAssert.Contains(Assert.ThrowsExactly<HostNetworkException>(() => bed.Port.AddInterface(new InterfaceSettings("box", WindowsFilterBed.Container.ToString()))).Message, "name its endpoint of the container service as the switch");
        StringAssert.Contains(bed.State, "box 1500 ");
        bed.Inside.Unplug(200);
        bed.Inside.Unplug(201);
        bed.AttachEndpoint();
        bed.Add("box", WindowsFilterBed.Container, ["192.0.2.50/24", "2001:db8::50/64"]);
        Assert.AreEqual("vEthernet (box) 1500 192.0.2.50/24 2001:db8::50/64", bed.EndState);
        var frame = Ethernet("192.0.2.99", "192.0.2.50");
        CollectionAssert.AreEqual(new[] { bed.EndLuid }, bed.Inject(NativeBench.Wire, frame));
        // Its stack asks; that the wire has nobody is seen although compartments tell of no change.
        Assert.HasCount(2, bed.Port.Find("box")!.Pending);
        bed.Inside.EndDetection();
        bed.Until(() => bed.Port.Find("box")! is { Pending.Count: 0, Addresses.Count: 2 }, "nobody has them");
        Assert.AreEqual(PortResult.Ok, bed.Port.SetMtu("box", 1400));
        Assert.AreEqual(PortResult.Ok, bed.Port.RemoveAddress("box", L3Prefix.Parse("2001:db8::50/64")));
        Assert.AreEqual("vEthernet (box) 1400 192.0.2.50/24", bed.EndState);
        new WindowsNetwork(bed.Inside).AddAddress((int)(bed.EndLuid >> 24 & 0xffffff), System.Net.IPAddress.Parse("192.0.2.70"), 24);
        bed.Wake();
        Assert.AreEqual("vEthernet (box) 1400 192.0.2.50/24", bed.EndState);

        // The container ends.
        bed.DetachEndpoint();
        bed.IsRunning = false;
        bed.WaitFor("container-gone");
        bed.Until(() => bed.Port.Find("box") is null, "it goes with it");
        CollectionAssert.AreEqual(new[] { NativeBench.Host }, bed.Inject(NativeBench.Wire, frame));
        StringAssert.Contains(Waits(), "since no container runs in it");
        StringAssert.Contains(bed.State, "box 1500 ");
        // Another one runs, with another adapter.
        bed.IsRunning = true;
        bed.AttachEndpoint();
        bed.Add("box", WindowsFilterBed.Container, ["192.0.2.50/24"]);
        CollectionAssert.AreEqual(new[] { bed.EndLuid }, bed.Inject(NativeBench.Wire, frame));
        Assert.HasCount(1, bed.Journal.List().Where(static thing => thing.Key.StartsWith("standin/", StringComparison.Ordinal)).ToList());
        // Its adapter is changed for another one, between two looks.
        var old = bed.EndLuid;
        bed.DetachEndpoint();
        bed.AttachEndpoint();
        bed.Until(() => bed.Inject(NativeBench.Wire, frame) is [var to] && to == bed.EndLuid || Again(), "the other one has the frames");
        Assert.AreNotEqual(old, bed.EndLuid);
        Assert.AreEqual(PortResult.Ok, bed.Port.RemoveInterface("box"));
        Assert.AreEqual((before, ""), (bed.State, bed.EndState));
        // Not wanted any more while it waits.
        Waits();
        StringAssert.Contains(bed.State, "box 1500 ");
        Assert.AreEqual(PortResult.NoDevice, bed.Port.RemoveInterface("box"));
        Assert.AreEqual(before, bed.State);
        bed.Port.Dispose();
        bed.Kill();
        Assert.IsEmpty(bed.Clean().Failures);
        Assert.IsEmpty(bed.Journal.List());

        string Waits() => Assert.ThrowsExactly<NamespacePendingException>(() => bed.Port.AddInterface(new InterfaceSettings("box", WindowsFilterBed.Container.ToString()))).Message;

        // Where the keeper looked between the two, the interface went, and is made again as the service would.
        bool Again()
        {
            // The driver may have lost it a moment before the keeper notices: then it is there still.
            if (bed.Port.Find("box") is null && bed.Port.AddInterface(new InterfaceSettings("box", WindowsFilterBed.Container.ToString(), bed.Port.Port.Mode)) == PortResult.Ok)
                bed.Furnish("box", WindowsFilterBed.Container, ["192.0.2.50/24"]);
            return false;
        }
    }

    /// <summary>The same as for stand-ins on the host.</summary>
    [TestMethod]
    public void Killed_before_any_call_with_a_container_nothing_is_left_over()
    {
        var calls = Run(0);
        Assert.IsGreaterThan(25, calls);
        for (var at = 1; at <= calls; at++)
            Run(at);

        static int Run(int killAt)
        {
            using var bed = new WindowsFilterBed(isBoundByItself: true) { IsRunning = true, AttachesEndpoints = true };
            var before = bed.State;
            var calls = 0;
            try
            {
                bed.Start(killAt: killAt);
                bed.Add("box", WindowsFilterBed.Container, ["192.0.2.50/24", "2001:db8::51/64"]);
                Assert.AreEqual(PortResult.Ok, bed.Port.RemoveAddress("box", L3Prefix.Parse("192.0.2.50/24")));
                calls = bed.Process.Calls;
            }
            catch (KilledException)
            {
            }
            bed.Kill();
            bed.Start();
            bed.Add("box", WindowsFilterBed.Container, ["2001:db8::51/64"]);
            bed.Port.Commit();
            bed.Until(() => bed.EndState == "vEthernet (box) 1500 2001:db8::51/64", $"killed before call {killAt}");
            Assert.AreEqual(PortResult.Ok, bed.Port.RemoveInterface("box"));
            bed.Port.Dispose();
            bed.Kill();
            var (_, failures) = bed.Clean();
            Assert.IsEmpty(failures, $"killed before call {killAt}");
            Assert.AreEqual((before, ""), (bed.State, bed.EndState), $"killed before call {killAt}");
            Assert.IsEmpty(bed.Journal.List(), $"killed before call {killAt}");
            return calls;
        }
    }

    /// <summary>In l2 the interface's own stack asks the wire for its addresses, once it is up; in l3 nobody does.</summary>
    [TestMethod]
    public void Duplicates_are_asked_for_by_the_stack_in_l2()
    {
        using var bed = new WindowsFilterBed(isBoundByItself: true);
        bed.Start(period: TimeSpan.FromMilliseconds(500));
        Assert.AreEqual(PortResult.Ok, bed.Port.AddInterface(new InterfaceSettings("ipvl0", null, PortMode.L2)));
        foreach (var address in (string[])["192.0.2.50/24", "192.0.2.51/24", "2001:db8::50/64"])
            Assert.AreEqual(PortResult.Ok, bed.Port.AddAddress("ipvl0", L3Prefix.Parse(address)));
        bed.Port.Commit();
        // Nobody would hear it.
        StringAssert.Contains(bed.State, "ipvl0 1500  attached");
        // A station has the fourth, and says so to the host's stack.
        bed.Do(static host => host.Ip.Stations[System.Net.IPAddress.Parse("192.0.2.53")] = [2, 9, 9, 9, 9, 9]);
        Assert.AreEqual(PortResult.Ok, bed.Port.AddAddress("ipvl0", L3Prefix.Parse("192.0.2.53/24")));
        Assert.AreEqual(PortResult.Ok, bed.Port.SetUp("ipvl0", true));
        Assert.AreEqual(("192.0.2.53", "020909090909"), bed.WaitFor("address-duplicate"));
        bed.Until(() => bed.State.Contains("ipvl0 1500 192.0.2.50/24 192.0.2.51/24 2001:db8::50/64 attached", StringComparison.Ordinal), "the others are on the stack");
        Assert.AreEqual(PortResult.Ok, bed.Port.RemoveAddress("ipvl0", L3Prefix.Parse("192.0.2.53/24")));
        bed.Until(() => bed.Port.Find("ipvl0") is { Pending.Count: 3, Refused.Count: 0 }, "which asks for them");
        bed.Events.Clear();
        bed.Bed.Ip.EndDetection(System.Net.IPAddress.Parse("192.0.2.51"));
        Assert.AreEqual("192.0.2.51", bed.WaitFor("address-duplicate").Before);
        bed.Until(() => bed.Port.Find("ipvl0") is { Addresses.Count: 2, Pending.Count: 1 }, "the others are in use");
        // It is asked for again, until the other one has gone.
        bed.Until(() =>
        {
            bed.Bed.Ip.EndDetection();
            return bed.Port.Find("ipvl0") is { Addresses.Count: 3, Pending.Count: 0, Refused.Count: 0 };
        }, "it is free");
        // Linux's ipvlan resolves nothing in l3.
        Assert.AreEqual(PortResult.Ok, bed.Port.SetMode(PortMode.L3));
        Assert.AreEqual(PortResult.Ok, bed.Port.AddAddress("ipvl0", L3Prefix.Parse("192.0.2.52/24")));
        Assert.IsEmpty(bed.Port.Find("ipvl0")!.Pending);
        Assert.AreEqual(0, bed.Do(static host => host.Network.GetIpInterface(host.Network.FindLink("ipvl0")!.Index, System.Net.Sockets.AddressFamily.InterNetwork)).DadTransmits);
    }

    [TestMethod]
    public void What_others_change_is_mended_and_told()
    {
        using var bed = new WindowsFilterBed(isBoundByItself: false);
        bed.Start();
        bed.Add("ipvl0", "192.0.2.50/24");
        bed.Port.Commit();
        var index = bed.Do(static host => host.Network.FindLink("ipvl0")!.Index);
        bed.Do(host => host.Network.RemoveAddress(index, System.Net.IPAddress.Parse("192.0.2.50"), 24));
        Assert.AreEqual("192.0.2.50", bed.WaitFor("address-lost").Before);
        bed.Do(host => host.Network.AddAddress(index, System.Net.IPAddress.Parse("192.0.2.70"), 24));
        Assert.AreEqual("192.0.2.70", bed.WaitFor("address-surplus").Before);
        bed.Bind("ipvl0", isBound: false);
        bed.WaitFor("filter-detached");
        bed.WaitFor("binding-lost");
        bed.Until(() => bed.State.EndsWith("ipvl0 1500 192.0.2.50/24 attached bound", StringComparison.Ordinal) && bed.Port.Find("ipvl0") is { Fault: null }, "the stand-in is bound again");
        bed.Bind(WindowsFilterBed.Master, isBound: false);
        bed.Until(() => bed.Events.Count(static one => one.Name == "binding-lost") == 2 && bed.Port.Port.IsUp, "the master is bound again");
        bed.Do(static host => host.Cim.Invoke(StrictAdapter(host, "ipvl0"), "Rename", new CimArgument("NewName", CimKind.String, "mine")));
        Assert.AreEqual(("ipvl0", "mine"), bed.WaitFor("stand-in-renamed"));
        bed.Until(() => bed.State.Contains("ipvl0 1500", StringComparison.Ordinal), "its name");
        var old = bed.LuidOf("ipvl0");
        bed.Do(static host => host.Devices.FeatureUpdate());
        bed.WaitFor("stand-in-lost");
        bed.Until(() => bed.State.EndsWith("ipvl0 1500 192.0.2.50/24 attached bound", StringComparison.Ordinal) && bed.Port.Find("ipvl0") is { IsUp: true, Fault: null }, "a new stand-in");
        Assert.AreNotEqual(old, bed.LuidOf("ipvl0"));
        CollectionAssert.AreEqual(new[] { bed.LuidOf("ipvl0") }, bed.Inject(NativeBench.Wire, Ethernet("192.0.2.99", "192.0.2.50")));
        bed.Port.Dispose();
        bed.Kill();
        Assert.IsEmpty(bed.Clean().Failures);

        static CimObject StrictAdapter(HostNetwork.Tests.Windows.StandInBed host, string alias) =>
            HostNetwork.Tests.Windows.StrictCim.ToObject(host.Cim.All("MSFT_NetAdapter").Single(adapter => (string)adapter.Values["Name"]! == alias));
    }

    [TestMethod]
    public void The_master_goes_comes_and_is_renamed()
    {
        using var bed = new WindowsFilterBed(isBoundByItself: true);
        bed.Start();
        bed.Add("ipvl0", "192.0.2.50/24");
        bed.Port.Commit();
        bed.Replug(() =>
        {
            bed.WaitFor("master-gone");
            bed.WaitFor("master-down");
            Assert.IsFalse(bed.Port.Port.IsUp);
            bed.Until(() => bed.Port.Port.Addresses.Count == 0, "its addresses went with it");
        });
        bed.WaitFor("master-back");
        bed.WaitFor("master-up");
        CollectionAssert.AreEqual(new[] { bed.LuidOf("ipvl0") }, bed.Inject(NativeBench.Wire, Ethernet("192.0.2.99", "192.0.2.50")));
        bed.Do(static host => host.Ip.Change(WindowsFilterBed.MasterIndex + 60, static row =>
        {
            HostNetwork.Tests.Windows.StrictIphlpapi.Put(ref row.Alias, "LAN");
            return row;
        }));
        Assert.AreEqual(("Ethernet", "LAN"), bed.WaitFor("master-renamed"));
    }

    [TestMethod]
    public async Task A_master_that_a_switch_takes_ends_the_port()
    {
        using var bed = new WindowsFilterBed(isBoundByItself: true);
        bed.Start();
        bed.PutSwitchOverMaster();
        var fault = await Assert.ThrowsExactlyAsync<IOException>(() => bed.Port.Completion.WaitAsync(TimeSpan.FromSeconds(20)));
        StringAssert.Contains(fault.Message, "carries a virtual switch");
        bed.WaitFor("master-refused");
    }

    /// <summary>What a stand-in's adapter does not carry is told with what to do, and nothing else suffers.</summary>
    [TestMethod]
    public void An_MTU_that_a_stand_in_cannot_have_is_told()
    {
        using var bed = new WindowsFilterBed(isBoundByItself: true);
        bed.Start(PortMode.L3);
        bed.Add("ipvl0", "192.0.2.50/24");
        bed.Do(static host => host.Ip.SetLies = true);
        bed.Use(static bench => bench.SetMaster([2, 0, 0, 0, 0, 20], 9000, isUp: true));
        bed.Until(() => bed.Port.Find("ipvl0")!.Fault?.Contains("does not take packets of 9000 bytes: give it an MTU that its adapter carries (ipvlan link set dev ipvl0 mtu 1500)", StringComparison.Ordinal) == true, "the sentence");
        bed.Do(static host => host.Network.RemoveAddress(host.Network.FindLink("ipvl0")!.Index, System.Net.IPAddress.Parse("192.0.2.50"), 24));
        bed.WaitFor("address-lost");
        Assert.AreEqual(PortResult.Ok, bed.Port.SetMtu("ipvl0", 1500));
        bed.Until(() => bed.Port.Find("ipvl0") is { Fault: null, IpMtu: 1500 }, "done so");
    }

    /// <summary>What doctor reads of a Windows host and of the driver, which goes on for its service.</summary>
    [TestMethod]
    public void Doctor_sees_what_the_driver_is_bound_to()
    {
        using var bed = new WindowsFilterBed(isBoundByItself: false);
        var healthy = new FilterMasterFacts(WindowsFilterBed.Master) { IsThere = true, IsBound = true, HasPort = true, IsAttached = true };
        Assert.AreEqual(healthy with { IsBound = false, HasPort = false, IsAttached = false }, bed.Look());
        bed.Start();
        Assert.AreEqual(healthy, bed.Look());
        bed.Add("ipvl0", "192.0.2.50/24");
        bed.Port.Dispose();
        bed.Kill();
        Assert.AreEqual(healthy with { HasPort = false, IsAttached = false }, bed.Look());
        bed.PutSwitchOverMaster();
        StringAssert.Contains(bed.Look().Refusal, "carries a virtual switch");
        bed.RemoveBindings();
        Assert.IsNull(bed.Look().IsBound);
    }

    [TestMethod]
    public void What_cannot_be_is_refused_with_what_to_do()
    {
        using var bed = new WindowsFilterBed(isBoundByItself: true);
        bed.Start();
        StringAssert.Contains(Assert.ThrowsExactly<HostNetworkException>(() => bed.Port.AddInterface(new InterfaceSettings("ipvl0", "box"))).Message, "a namespace is given by the GUID");
        bed.Do(static host => host.RenameLies = true);
        Assert.ThrowsExactly<HostNetworkException>(() => bed.Port.AddInterface(new InterfaceSettings("ipvl0")));
        Assert.IsFalse(bed.Journal.List().Any(static thing => thing.Key.StartsWith("standin/", StringComparison.Ordinal)));
        bed.Do(static host => host.RenameLies = false);
        bed.Port.Dispose();
        bed.Kill();
        Assert.IsEmpty(bed.Clean().Failures);
        bed.RemoveBindings();
        StringAssert.Contains(Assert.ThrowsExactly<IOException>(() => bed.Start()).Message, "ipvlansvc install-driver");
    }

    /// <summary>60 bytes from a station on the wire: Ethernet, IPv4, no payload to speak of.</summary>
    private static byte[] Ethernet(string from, string to)
    {
        var frame = new byte[60];
        new byte[] { 2, 0, 0, 0, 0, 20, 2, 0, 0, 0, 0, 0x99, 8, 0, 0x45, 0, 0, 46, 0, 0, 0, 0, 64, 17 }.CopyTo(frame, 0);
        L3Address.Parse(from).Write(frame.AsSpan(26));
        L3Address.Parse(to).Write(frame.AsSpan(30));
        var checksum = Checksum.Compute(frame.AsSpan(14, 20));
        (frame[24], frame[25]) = ((byte)(checksum >> 8), (byte)checksum);
        return frame;
    }
}
