using System.Net;
using System.Net.Sockets;
using IpVlanWin.Datapath;
using IpVlanWin.Datapath.WinDivert;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Wire;
using IpVlanWin.HostNetwork;
using IpVlanWin.HostNetwork.Tests.Windows;

namespace IpVlanWin.WinDivert.Tests;

/// <summary>What happens to a Windows host, one by one: the port converges and says what happened.</summary>
[TestClass]
[DoNotParallelize]
public sealed class HostEventTests
{
    private const string Four = "192.0.2.50", Six = "2001:db8::50";

    [TestMethod]
    public void Addresses_AreOnTheHost_WrittenDownBefore_AndGoneAfter()
    {
        using var bed = new WindowsBed();
        var before = bed.Bed.Network.GetIpInterface(20, AddressFamily.InterNetwork);
        bed.Start();
        bed.Add("ipvl0", null, Four + "/24", Six + "/64");
        Assert.AreEqual(32, bed.Bed.Network.ListAddresses(bed.Bed.Network.FindLink("ipvl0")!.Index).Single(static one => one.Address.Equals(IPAddress.Parse(Four))).PrefixLength);
        Assert.AreEqual((1, 1), (bed.Ip.ProxyCount, bed.Ip.AnycastCount));
        Assert.IsTrue(bed.Bed.Network.GetIpInterface(20, AddressFamily.InterNetwork).WeakHostReceive);
        Assert.IsTrue(bed.Bed.Network.GetIpInterface(20, AddressFamily.InterNetworkV6).WeakHostReceive);
        CollectionAssert.AreEquivalent(new[] { "master", "proxy", "proxy", "setting", "setting", "standin" }, bed.Journal.List().Select(static thing => thing.Key.Split('/')[0]).ToArray());
        // A stop takes the addresses off and keeps the stand-in; the next start takes it over.
        bed.Port.Dispose();
        Assert.AreEqual((0, 0), (bed.Ip.ProxyCount, bed.Ip.AnycastCount));
        Assert.IsFalse(bed.HasAddress("ipvl0", Four));
        Assert.AreEqual(before, bed.Bed.Network.GetIpInterface(20, AddressFamily.InterNetwork));
        var tag = bed.Bed.StandIns.List().Single().Tag;
        bed.Start();
        bed.Add("ipvl0", null, Four + "/24");
        Assert.AreEqual(tag, bed.Bed.StandIns.List().Single().Tag);
        Assert.AreEqual(PortResult.Ok, bed.Port.Rename("ipvl0", "ipvl9"));
        Assert.IsTrue(bed.HasAddress("ipvl9", Four));
        Assert.AreEqual(PortResult.Ok, bed.Port.RemoveAddress("ipvl9", L3Prefix.Parse(Four + "/24")));
        Assert.IsFalse(bed.HasAddress("ipvl9", Four));
        Assert.AreEqual(PortResult.Ok, bed.Port.RemoveInterface("ipvl9"));
        Assert.IsEmpty(bed.Bed.StandIns.List());
        bed.Port.Dispose();
        Assert.AreEqual("master", bed.Journal.List().Single().Key);
    }

    /// <summary>Killed after each thing was written down: what is left is found, by the journal or by its tag.</summary>
    [TestMethod]
    public void Sweep_FindsWhatACrashLeft()
    {
        using var bed = new WindowsBed();
        var before = bed.Bed.Network.GetIpInterface(20, AddressFamily.InterNetwork);
        var crashed = bed.Start();
        bed.Add("ipvl0", null, Four + "/24", Six + "/64");
        bed.Bed.StandIns.Create(StandInKind.Loopback, Guid.NewGuid(), "orphan");
        using (var host = bed.OpenHost())
        {
            // The journal as a killed process leaves it, beside a process that does nothing any more.
            var left = new MemoryJournal();
            left.Write([.. bed.Journal.List(), new HostThing("Ethernet", "standin/" + Guid.Empty.ToString("N"), """{"Tag":"00000000-0000-0000-0000-000000000000","Kind":0,"Interface":"never made"}""")]);
            crashed.Dispose();
            bed.Bed.Network.SetIpInterface(20, AddressFamily.InterNetwork, new IpInterfaceChange { WeakHostReceive = true });
            bed.Bed.Network.AddProxyArp(20, IPAddress.Parse(Four));
            var (kept, none) = HostMarks.Sweep(host, left, static port => port == "Ethernet");
            Assert.AreEqual(("stand-in ROOT\\NET\\0001, which nobody knew, is removed", 0), (kept.Single(), none.Count));
            Assert.HasCount(1, bed.Bed.StandIns.List());
            bed.Ip.Elevated = false;
            Assert.IsNotEmpty(HostMarks.Sweep(host, left, static _ => false).Failures);
            bed.Ip.Elevated = true;
            var (_, failures) = HostMarks.Sweep(host, left, static _ => false);
            Assert.IsEmpty(failures);
            Assert.IsEmpty(left.List());
        }
        Assert.IsEmpty(bed.Bed.StandIns.List());
        Assert.AreEqual((0, 0), (bed.Ip.ProxyCount, bed.Ip.AnycastCount));
        Assert.AreEqual(before, bed.Bed.Network.GetIpInterface(20, AddressFamily.InterNetwork));
    }

    [TestMethod]
    public void Master_RenamedDisabledReplugged_StaysTheMaster()
    {
        using var bed = new WindowsBed();
        bed.Start();
        bed.Add("ipvl0", null, Four + "/24", Six + "/64");
        bed.RenameMaster("LAN");
        Assert.AreEqual(("Ethernet", "LAN"), bed.WaitFor("master-renamed"));
        bed.Ip.Change(20, static row => row with { AdminStatus = 2, OperStatus = 2, MediaConnectState = 2 });
        Assert.AreEqual(("up", "down"), bed.WaitFor("master-down"));
        Assert.IsFalse(bed.Port.Port.IsUp);
        bed.Ip.Change(20, static row => row with { AdminStatus = 1, OperStatus = 1, MediaConnectState = 1 });
        Assert.AreEqual(("down", "up"), bed.WaitFor("master-up"));
        bed.Until(() => bed.Port.Port.IsUp, "up again");
        bed.Replug(() =>
        {
            Assert.AreEqual(("there", "gone"), bed.WaitFor("master-gone"));
            Assert.IsFalse(bed.Port.Port.IsUp);
        });
        Assert.AreEqual(("gone", "there"), bed.WaitFor("master-back"));
        bed.Until(() => bed.Port.Port.IsUp && bed.Bed.Network.GetIpInterface(70, AddressFamily.InterNetworkV6).WeakHostReceive, "set again, under its new index");
        bed.Until(() => bed.Ip.ProxyCount == 2, "answers under the new index");
        Assert.IsTrue(bed.HasAddress("ipvl0", Four));
    }

    [TestMethod]
    public void Master_MacAndMtu_AreFollowed()
    {
        using var bed = new WindowsBed();
        bed.Start();
        bed.Add("ipvl0", null, Four + "/24");
        bed.Ip.Change(20, static row =>
        {
            row.PhysicalAddress[5] = 0x77;
            return row;
        });
        Assert.AreEqual(("02:00:00:00:00:14", "02:00:00:00:00:77"), bed.WaitFor("master-mac"));
        bed.Bed.Network.SetMtu(20, 1400);
        Assert.AreEqual(("1500", "1400"), bed.WaitFor("master-mtu"));
        bed.Until(() => bed.Bed.Network.FindLink("ipvl0")!.IpMtu == 1400, "the stand-in follows");
        Assert.AreEqual((1400, 1400), (bed.Port.Port.IpMtu, bed.Port.Find("ipvl0")!.IpMtu));
    }

    [TestMethod]
    public void WhatWasChangedByHand_IsPutBack()
    {
        using var bed = new WindowsBed();
        bed.Start();
        bed.Add("ipvl0", null, Four + "/24");
        var standIn = bed.Bed.Network.FindLink("ipvl0")!;
        bed.Bed.Network.RemoveAddress(standIn.Index, IPAddress.Parse(Four), 32);
        Assert.AreEqual((Four, ""), bed.WaitFor("address-lost"));
        bed.Until(() => bed.HasAddress("ipvl0", Four), "it is back");
        bed.Bed.Network.AddAddress(standIn.Index, IPAddress.Parse("192.0.2.99"), 24);
        Assert.AreEqual(("192.0.2.99", ""), bed.WaitFor("address-surplus"));
        bed.Until(() => !bed.HasAddress("ipvl0", "192.0.2.99"), "it is gone");
        bed.Bed.Network.SetIpInterface(20, AddressFamily.InterNetwork, new IpInterfaceChange { WeakHostReceive = false });
        Assert.AreEqual("WeakHostReceive", bed.WaitFor("setting-lost").Before);
        bed.Until(() => bed.Bed.Network.GetIpInterface(20, AddressFamily.InterNetwork).WeakHostReceive, "it is set again");
        bed.Bed.Adapter(bed.Bed.StandIns.Find(bed.Bed.StandIns.List().Single().Tag)!).Values["Name"] = "mine";
        bed.Ip.Change((uint)standIn.Index, static row =>
        {
            StrictIphlpapi.Put(ref row.Alias, "mine");
            return row;
        });
        Assert.AreEqual(("ipvl0", "mine"), bed.WaitFor("stand-in-renamed"));
        bed.Until(() => bed.HasAddress("ipvl0", Four), "it has its name");
    }

    [TestMethod]
    public void StandInThatAFeatureUpdateDeleted_IsMadeAnew()
    {
        using var bed = new WindowsBed();
        bed.Start();
        bed.Add("ipvl0", null, Four + "/24", Six + "/64");
        var tag = bed.Bed.StandIns.List().Single().Tag;
        bed.Bed.Devices.FeatureUpdate();
        var (before, after) = bed.WaitFor("stand-in-lost");
        Assert.AreEqual(tag.ToString(), before);
        bed.Until(() => bed.HasAddress("ipvl0", Four) && bed.HasAddress("ipvl0", Six), "its addresses are back");
        Assert.AreEqual(after, bed.Bed.StandIns.List().Single().Tag.ToString());
        Assert.HasCount(1, bed.Journal.List().Where(static thing => thing.Key.StartsWith("standin/", StringComparison.Ordinal)));
        Assert.IsFalse(bed.Bed.IsBound(bed.Bed.StandIns.Find(Guid.Parse(after))!, "ms_server"), "the new one is quiet too");
    }

    /// <summary>Sleep: adapters go down, and what only the active store held may be gone at resume.</summary>
    [TestMethod]
    public void SleepAndResume_PutEverythingBack()
    {
        using var bed = new WindowsBed();
        bed.Start();
        bed.Add("ipvl0", null, Four + "/24", Six + "/64");
        bed.Ip.Change(20, static row => row with { OperStatus = 2, MediaConnectState = 2 });
        bed.WaitFor("master-down");
        bed.Ip.ForgetAll();
        bed.Ip.Change(20, static row => row with { OperStatus = 1, MediaConnectState = 1 });
        bed.WaitFor("master-up");
        bed.Until(() => bed.HasAddress("ipvl0", Four) && bed.HasAddress("ipvl0", Six) && bed.Ip.ProxyCount == 1 && bed.Ip.AnycastCount == 1, "all is back");
    }

    [TestMethod]
    public void SwitchOverTheMaster_EndsThePort_WithASentence()
    {
        using var bed = new WindowsBed();
        bed.Start();
        bed.Add("ipvl0", null, Four + "/24");
        bed.PutSwitchOverMaster();
        var ended = Assert.ThrowsExactly<AggregateException>(() => bed.Port.Completion.Wait(TimeSpan.FromSeconds(10)));
        Assert.AreEqual("Ethernet carries a virtual switch, which has taken its addresses: take the host's adapter on that switch (vEthernet) as the master", ended.InnerException!.Message);
        bed.Port.Dispose();
        Assert.IsFalse(bed.HasAddress("ipvl0", Four));
        Assert.AreEqual(ended.InnerException.Message, Assert.ThrowsExactly<IOException>(() => bed.Start()).Message);
    }

    /// <summary>Hyper-V gives a guest a virtual function and a synthetic adapter of one MAC address, and IP to the second alone.</summary>
    [TestMethod]
    public void VirtualFunction_IsRefused_WithTheAdapterToTake()
    {
        using var bed = new WindowsBed();
        bed.Bed.Plug(@"PCI\VEN_15B3", "Ethernet 2");
        var function = (uint)bed.Bed.Network.FindLink("Ethernet 2")!.Index;
        bed.Ip.Change(function, row =>
        {
            row.PhysicalAddress[5] = 20;
            return row;
        });
        using var host = bed.OpenHost();
        Assert.IsNull(host.MasterRefusal(host.FindMaster("Ethernet 2")!), "with IP of its own it is an adapter like any other");
        bed.Ip.Unbind(function);
        const string Sentence = "Ethernet 2 is an SR-IOV virtual function, whose packets the host's stack has on \"Ethernet\" alone: take Ethernet as the master";
        Assert.AreEqual(Sentence, host.MasterRefusal(host.FindMaster("Ethernet 2")!));
        Assert.IsNull(host.MasterRefusal(host.FindMaster("Ethernet")!));
        var refused = Assert.ThrowsExactly<IOException>(() => new DivertDatapath(new DivertPortSettings
        {
            PortName = "Ethernet 2", Host = host, MasterId = host.IdOf(host.FindMaster("Ethernet 2")!), Journal = bed.Journal,
        }));
        Assert.AreEqual(Sentence, refused.Message);
    }

    [TestMethod]
    public void FirewallProfile_IsTold_OnceItIsKnown()
    {
        using var bed = new WindowsBed();
        bed.Start();
        bed.Add("ipvl0", null, Four + "/24");
        var index = (uint)bed.Bed.Network.FindLink("ipvl0")!.Index;
        Assert.IsFalse(bed.Events.Any(static one => one.Name == "firewall-profile"));
        var profile = bed.Bed.Cim.Add(HostNetwork.Windows.NetAdapters.Namespace, "MSFT_NetConnectionProfile", new() { ["InstanceID"] = "p", ["InterfaceIndex"] = index, ["NetworkCategory"] = 0u });
        Assert.AreEqual(("", "Public"), bed.WaitFor("firewall-profile"));
        profile.Values["NetworkCategory"] = 1u;
        bed.Until(() => bed.Events.Any(static one => one is { Name: "firewall-profile", Before: "Public", After: "Private" }), "a change is told too");
    }

    [TestMethod]
    public void Trace_SaysWhatBecomesOfPackets_BothWays()
    {
        using var bed = new WindowsBed();
        bed.Start();
        bed.Add("ipvl0", null, Four + "/24", Six + "/64");
        bed.Add("ipvl1", null, "192.0.2.51/24");
        foreach (var (sender, source, destination, outcome, last) in ((string?, string, string, string, string)[])
        [
            (null, "192.0.2.9", Four, "Deliver ipvl0", "12"), (null, "192.0.2.9", "192.0.2.10", "Host ", "12"),
            ("ipvl0", Four, "198.51.100.1", "Wire ", "33"), ("ipvl0", Six, "2001:db8:1::1", "Wire ", "33"), ("ipvl0", Four, "192.0.2.51", "Deliver ipvl1", "25"),
            ("ipvl0", Four, "224.0.0.5", "Drop ", "26"), ("ipvl0", "192.0.2.10", "198.51.100.1", "Host ", "3"), ("ipvl1", Four, "198.51.100.1", "Wire ", "33"),
        ])
        {
            var packet = Packets.Make(source, destination);
            var trace = bed.Port.Trace(sender, Frame(packet, packet[0] >> 4 == 6 ? 0x86dd : 0x0800))!;
            Assert.AreEqual((outcome, last), ($"{trace.Action} {string.Join(' ', trace.Targets)}", trace.Steps[^1].Rule), $"{sender} {source} {destination}");
            Assert.AreEqual(trace.Action == DecisionAction.Wire, trace.ToWire);
        }
        // ARP is none of WinDivert's.
        Assert.AreEqual(("Host", "27"), ($"{bed.Port.Trace("ipvl0", Frame(new byte[28], 0x0806))!.Action}", bed.Port.Trace("ipvl0", Frame(new byte[28], 0x0806))!.Steps[^1].Rule));
        Assert.IsNull(bed.Port.Trace("ipvl9", Frame(Packets.Make(Four, "192.0.2.51"), 0x0800)));
        Assert.AreEqual(0, bed.Port.Find("ipvl0")!.Counters.TxPackets, "nothing was sent");

        static byte[] Frame(byte[] packet, int protocol) => [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, (byte)(protocol >> 8), (byte)protocol, .. packet];
    }

    /// <summary>What the adapter has carried and nobody diverted, while the queue was full and a look longer: certain at the look after.</summary>
    [TestMethod]
    public void LossWatch_CountsWhileAQueueIsFull_AndOnlyThen()
    {
        var (adapter, diverted, overruns) = ((long?)1_000, 900L, 0L);
        var watch = new DivertLossWatch(() => adapter, () => default(DivertStatistics) with { OnMaster = diverted, Overruns = overruns });
        // The host's own.
        Look(50, 0, 0);
        Assert.AreEqual((0L, false), (watch.LostAtMost, watch.IsOverrunning));
        // 1,000 come, 400 are queued and read after the next look: 600 are lost.
        Look(1_000, 0, 0);
        Look(0, 400, 1);
        Assert.AreEqual((0L, true), (watch.LostAtMost, watch.IsOverrunning));
        Look(0, 0, 0);
        Assert.AreEqual((600L, true, 1L), (watch.LostAtMost, watch.IsOverrunning, watch.Overruns));
        Look(0, 0, 0);
        Assert.AreEqual((600L, false), (watch.LostAtMost, watch.IsOverrunning));
        Look(70, 0, 0);
        Assert.AreEqual(600, watch.LostAtMost);
        // It lasts: each second is told once.
        for (var i = 0; i < 3; i++)
            Look(500, 300, 1);
        Rest();
        Assert.IsTrue(watch.LostAtMost is >= 600 + 600 and <= 600 + 600 + 70, $"{watch.LostAtMost}");
        var before = watch.LostAtMost;
        // Found full with 100 queued, and full for a while longer: the 500 that are lost then are not found any more, but counted.
        Look(1_000, 900, 1);
        Look(600, 200, 0);
        Rest();
        before += 500;
        Assert.AreEqual((before, false), (watch.LostAtMost, watch.IsOverrunning));
        // 500 that are queued at two looks are counted, since they may be lost; when they come after all, the next 500 make up for them.
        Look(500, 0, 1);
        Look(0, 0, 1);
        before += 500;
        Assert.AreEqual(before, watch.LostAtMost);
        Look(0, 500, 0);
        Rest();
        Look(500, 0, 1);
        Rest();
        Assert.AreEqual((before, false), (watch.LostAtMost, watch.IsOverrunning));
        // Another adapter, or none.
        adapter = null;
        watch.Sample();
        adapter = 3;
        watch.Sample();
        Look(0, 0, 1);
        Rest();
        Assert.AreEqual(before, watch.LostAtMost);

        void Rest()
        {
            Look(0, 0, 0);
            Look(0, 0, 0);
        }

        void Look(long carried, long received, int found)
        {
            (adapter, diverted, overruns) = (adapter + carried, diverted + received, overruns + found);
            watch.Sample();
        }
    }

    [TestMethod]
    public void Container_HasItsAddresses_AndRoutesLeadThere()
    {
        using var bed = new WindowsBed();
        bed.Start();
        bed.Add("ipvl0", WindowsBed.Container, Four + "/24", Six + "/64");
        using var inside = new HostNetwork.Windows.WindowsNetwork(bed.Inside);
        CollectionAssert.AreEquivalent(new[] { Four, Six }, inside.ListAddresses(3).Select(static one => one.Address.ToString()).ToArray());
        var host = bed.Bed.Network;
        var near = host.FindLink("ipvl0")!.Index;
        var gateways = host.ListAddresses(near).Select(static one => one.Address.ToString()).Order().ToArray();
        CollectionAssert.AreEqual(new[] { "169.254.1.1", "fe80::1" }, gateways);
        Assert.Contains(new HostRoute { Destination = IPNetwork.Parse("0.0.0.0/0"), LinkIndex = 3, Gateway = IPAddress.Parse("169.254.1.1") }, inside.ListRoutes());
        Assert.Contains(new HostRoute { Destination = IPNetwork.Parse(Four + "/32"), LinkIndex = near }, host.ListRoutes());
        Assert.IsTrue(host.GetIpInterface(20, AddressFamily.InterNetwork).Forwarding && host.GetIpInterface(near, AddressFamily.InterNetworkV6).Forwarding);
        // IPv6 for a container: Windows can only answer for addresses of its own.
        Assert.AreEqual((Six, "Ethernet"), bed.WaitFor("route-needed"));
        Assert.AreEqual((1, 0), (bed.Ip.ProxyCount, bed.Ip.AnycastCount));
        host.RemoveRoute(new HostRoute { Destination = IPNetwork.Parse(Four + "/32"), LinkIndex = near });
        Assert.AreEqual((Four, ""), bed.WaitFor("route-lost"));
        bed.Until(() => host.ListRoutes().Any(route => route.Destination == IPNetwork.Parse(Four + "/32")), "it is back");
        var pending = Assert.ThrowsExactly<NamespacePendingException>(() => bed.Port.AddInterface(new InterfaceSettings("ipvl1", Guid.NewGuid().ToString())));
        StringAssert.Contains(pending.Message, "no container runs in it");
        Assert.HasCount(1, bed.Bed.StandIns.List());
    }

    [TestMethod]
    public void DuplicateAddress_IsNotPutOnTheHost_UntilTheOtherLetsGo()
    {
        using var bed = new WindowsBed();
        bed.Ip.Stations[IPAddress.Parse(Four)] = [2, 9, 9, 9, 9, 9];
        bed.Start();
        Assert.AreEqual(PortResult.Ok, bed.Port.AddInterface(new InterfaceSettings("ipvl0")));
        Assert.AreEqual(PortResult.Ok, bed.Port.AddAddress("ipvl0", L3Prefix.Parse(Four + "/24")));
        Assert.AreEqual(PortResult.Ok, bed.Port.SetUp("ipvl0", true));
        bed.Port.Commit();
        Assert.AreEqual((Four, "020909090909"), bed.WaitFor("address-duplicate"));
        Assert.AreEqual(L3Prefix.Parse(Four + "/24"), bed.Port.Find("ipvl0")!.Refused.Single());
        Assert.IsFalse(bed.HasAddress("ipvl0", Four));
        Assert.AreEqual(PortResult.Ok, bed.Port.AddAddress("ipvl0", L3Prefix.Parse("192.0.2.10/24")));
        bed.Port.Commit();
        bed.Until(() => bed.Events.Any(static one => one is { Name: "address-duplicate", Before: "192.0.2.10", After: "this host" }), "the host's own address");
        Assert.AreEqual(PortResult.Ok, bed.Port.RemoveAddress("ipvl0", L3Prefix.Parse("192.0.2.10/24")));
        bed.Ip.Stations.Clear();
        bed.Until(() => bed.Port.Find("ipvl0")!.Pending.Count == 0, "it is asked for again from time to time");
        Assert.IsTrue(bed.HasAddress("ipvl0", Four));
    }

    /// <summary>Ten thousand changes as fast as they go: it ends at what should be, and no change is kept anywhere.</summary>
    [TestMethod]
    public void Storm_Converges()
    {
        using var bed = new WindowsBed();
        bed.Start();
        bed.Add("ipvl0", null, Four + "/24");
        var standIn = bed.Bed.Network.FindLink("ipvl0")!.Index;
        for (var i = 0; i < 5_000; i++)
        {
            bed.Ip.Change(20, row => row with { OperStatus = i % 2 == 0 ? 2 : 1 });
            bed.Ip.Change(20, row =>
            {
                row.PhysicalAddress[5] = (byte)i;
                return row;
            });
            if (i % 50 == 0 && bed.HasAddress("ipvl0", Four))
                bed.Bed.Network.RemoveAddress(standIn, IPAddress.Parse(Four), 32);
        }
        bed.Until(() => bed.Port.Port is { IsUp: true } port && port.Mac.ToString().EndsWith("87", StringComparison.Ordinal) && bed.HasAddress("ipvl0", Four) && bed.Ip.ProxyCount == 1, "the last state");
    }

    [TestMethod]
    public void Limit_IsTold()
    {
        using var bed = new WindowsBed();
        bed.Start();
        Assert.AreEqual(PortResult.NotSupported, bed.Port.AddInterface(new InterfaceSettings("ipvl0", null, PortMode.L2)));
        Assert.AreEqual(PortResult.NotSupported, bed.Port.AddInterface(new InterfaceSettings("ipvl0", null, PortMode.L3, PortFlag.Vepa)));
        // Without a safety net to be started.
        Assert.AreEqual(PortResult.NotSupported, bed.Port.AddInterface(new InterfaceSettings("ipvl0", null, PortMode.L3, PortFlag.Private)));
        Assert.IsEmpty(bed.Bed.StandIns.List());
        Assert.AreEqual(1024, DivertPortSettings.MaxInterfaces);
    }
}
