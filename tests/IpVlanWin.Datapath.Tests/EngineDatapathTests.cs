using System.Net;
using System.Runtime.Versioning;
using IpVlanWin.Devices.Linux;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Wire;
using IpVlanWin.HostNetwork;
using IpVlanWin.HostNetwork.Linux;

namespace IpVlanWin.Datapath.Tests;

/// <summary>The data path's control side, on the kernel.</summary>
[TestClass]
[SupportedOSPlatform("linux")]
public sealed class EngineDatapathTests
{
    [TestMethod]
    public void Status_says_what_the_port_is()
    {
        using var port = new TestPort();
        var status = port.Datapath.Port;
        var wire = port.WireNetlink.GetLink(TestPort.WireLink);
        Assert.AreEqual("linux", port.Datapath.Kind);
        Assert.AreEqual("master", status.MasterName);
        Assert.AreEqual((PortMode.L3, PortFlag.Bridge), (status.Mode, status.Flag));
        Assert.AreEqual(wire.Mac, status.Mac.ToPhysical());
        Assert.AreEqual(wire.Mac, port.HostNetlink.GetLink("master").Mac);
        Assert.AreEqual(port.Datapath.HostLinkIndex, port.HostNetlink.GetLink("master").Index);
        Assert.AreEqual(1500, status.IpMtu);
        Assert.IsFalse(status.IsUp, "the host has not set the master up");
        Assert.IsEmpty(status.Addresses);

        port.HostNetlink.AddAddress(port.Datapath.HostLinkIndex, IPAddress.Parse("10.9.0.1"), 24);
        port.HostNetlink.SetUp(port.Datapath.HostLinkIndex, true);
        TestPort.Eventually(() => port.Datapath.Port is { IsUp: true, Addresses: var known } && known.Contains(L3Prefix.Parse("10.9.0.1/24")), "the master is up and has its address");
        port.HostNetlink.RemoveAddress(port.Datapath.HostLinkIndex, IPAddress.Parse("10.9.0.1"), 24);
        TestPort.Eventually(() => !port.Datapath.Port.Addresses.Contains(L3Prefix.Parse("10.9.0.1/24")), "its address is gone");
        Assert.IsFalse(port.Datapath.Completion.IsCompleted);
    }

    [TestMethod]
    public void Status_says_what_the_interfaces_are()
    {
        using var port = new TestPort();
        var home = port.Create("home");
        Assert.AreEqual(PortResult.Ok, port.Datapath.AddInterface(new InterfaceSettings("b1", home.Name, PortMode.L2, PortFlag.Vepa)));
        Assert.AreEqual(PortResult.Ok, port.Datapath.AddInterface(new InterfaceSettings("a2")));
        Assert.AreEqual((PortMode.L2, PortFlag.Vepa), (port.Datapath.Port.Mode, port.Datapath.Port.Flag));
        var (first, second) = (port.Datapath.Interfaces[0], port.Datapath.Interfaces[1]);
        Assert.AreEqual(("b1", home.Name, false, 1500), (first.Name, first.Namespace, first.IsUp, first.IpMtu));
        Assert.AreEqual(("a2", null, false), (second.Name, second.Namespace, second.IsUp));
        Assert.IsEmpty(first.Addresses);
        Assert.IsEmpty(first.Refused);
        Assert.IsEmpty(first.Drops);
        Assert.AreEqual(default, first.Counters);
        CollectionAssert.AreEqual(new[] { "b1" }, TestPort.LinksOf(home));
        CollectionAssert.AreEqual(new[] { "a2", "master" }, TestPort.LinksOf(port.Host));

        using var netlink = RouteNetlink.Open(home);
        var index = port.Datapath.LinkIndexOf("b1");
        Assert.AreEqual(port.Datapath.Port.Mac.ToPhysical(), netlink.GetLink("b1").Mac);
        Assert.AreEqual(index, netlink.GetLink("b1").Index);
        Assert.AreEqual(LinkFlags.None, netlink.GetLink("b1").Flags & LinkFlags.NoArp);
        Assert.AreEqual(PortResult.Ok, port.Datapath.SetMode(PortMode.L3S));
        Assert.AreEqual(LinkFlags.NoArp, netlink.GetLink("b1").Flags & LinkFlags.NoArp, "nobody answers ARP in l3s");
        netlink.AddAddress(index, IPAddress.Parse("192.0.2.1"), 30);
        netlink.SetUp(index, true);
        TestPort.Eventually(() => port.Datapath.Interfaces[0] is { IsUp: true, Addresses: var owned } && owned.Contains(L3Prefix.Parse("192.0.2.1/30")), "up, with its address");
        Assert.ThrowsExactly<KeyNotFoundException>(() => port.Datapath.LinkIndexOf("no-such"));
    }

    [TestMethod]
    public void A_group_is_joined_beside_those_of_the_stack()
    {
        using var port = new TestPort();
        var (home, other) = (port.Create("home"), port.Create("other"));
        var group = MacAddress.Parse("33:33:00:00:00:ab");
        Assert.AreEqual(PortResult.NoDevice, port.Datapath.AddGroup("ipvl0", group));
        port.Datapath.AddInterface(new InterfaceSettings("ipvl0", home.Name, PortMode.L2));
        Assert.AreEqual(PortResult.GroupAbsent, port.Datapath.RemoveGroup("ipvl0", group));
        Assert.AreEqual(PortResult.Ok, port.Datapath.AddGroup("ipvl0", group));
        Assert.AreEqual(PortResult.Ok, port.Datapath.AddGroup("ipvl0", group));
        Assert.Contains(group, port.Datapath.Find("ipvl0")!.Groups);
        Assert.Contains(MacAddress.Parse("33:33:00:00:00:01"), port.Datapath.Find("ipvl0")!.Groups, "the stack's own");
        Assert.AreEqual(PortResult.Ok, port.Datapath.Move("ipvl0", other.Name));
        Assert.DoesNotContain(group, port.Datapath.Find("ipvl0")!.Groups, "the kernel forgets them with the namespace");
        port.Datapath.AddGroup("ipvl0", group);
        Assert.AreEqual(PortResult.Ok, port.Datapath.RemoveGroup("ipvl0", group));
        Assert.DoesNotContain(group, port.Datapath.Find("ipvl0")!.Groups);
    }

    [TestMethod]
    public void An_interface_lives_in_a_host_namespace_without_a_name()
    {
        using var port = new TestPort(open: false);
        // As a service does: its own namespace, by its place in /proc.
        using var unnamed = port.Host.Run(NetworkNamespace.OpenCurrent);
        Assert.IsNull(unnamed.Name);
        using var datapath = new EngineDatapath(port.Settings with { HostNamespace = unnamed });
        Assert.AreEqual(PortResult.Ok, datapath.AddInterface(new InterfaceSettings("ipvl0")));
        CollectionAssert.AreEqual(new[] { "ipvl0", "master" }, TestPort.LinksOf(port.Host));
        Assert.AreEqual(PortResult.Ok, datapath.RemoveInterface("ipvl0"));
        Assert.AreEqual(PortResult.Ok, datapath.AddInterface(new InterfaceSettings("ipvl0")), "the namespace is still open");
    }

    [TestMethod]
    public void An_interface_that_cannot_be_made_leaves_nothing()
    {
        using var port = new TestPort();
        var home = port.Create("home");
        port.Datapath.AddInterface(new InterfaceSettings("first", home.Name, PortMode.L2, PortFlag.Private));

        Assert.AreEqual(PortResult.Exists, port.Datapath.AddInterface(new InterfaceSettings("first", home.Name, PortMode.L3)));
        var absent = Assert.ThrowsExactly<HostNetworkException>(() => port.Datapath.AddInterface(new InterfaceSettings("second", "no-such-namespace", PortMode.L3, PortFlag.Vepa)));
        Assert.AreEqual("ENOENT", absent.NativeName);
        Assert.Contains("no-such-namespace", absent.Message);
        Assert.ThrowsExactly<ArgumentException>(() => port.Datapath.AddInterface(new InterfaceSettings("second", "../escape", PortMode.L3)));
        Assert.ThrowsExactly<ArgumentException>(() => port.Datapath.AddInterface(new InterfaceSettings("name-of-16-bytes", home.Name, PortMode.L3)));
        using (var netlink = RouteNetlink.Open(home))
            netlink.CreateBridge("taken");
        var taken = Assert.ThrowsExactly<LinuxDeviceException>(() => port.Datapath.AddInterface(new InterfaceSettings("taken", home.Name, PortMode.L3, PortFlag.Vepa)));
        Assert.Contains("taken", taken.Message);

        Assert.HasCount(1, port.Datapath.Interfaces);
        Assert.AreEqual((PortMode.L2, PortFlag.Private), (port.Datapath.Port.Mode, port.Datapath.Port.Flag), "as before the failures");
        CollectionAssert.AreEqual(new[] { "first", "taken" }, TestPort.LinksOf(home));
        Assert.AreEqual(PortResult.Ok, port.Datapath.AddInterface(new InterfaceSettings("second", home.Name)));
    }

    [TestMethod]
    public void An_interface_that_is_removed_is_gone_with_its_link()
    {
        using var port = new TestPort();
        var home = port.Create("home");
        Assert.AreEqual(PortResult.NoDevice, port.Datapath.RemoveInterface("ipvl0"));
        port.Datapath.AddInterface(new InterfaceSettings("ipvl0", home.Name));
        Assert.AreEqual(PortResult.Ok, port.Datapath.RemoveInterface("ipvl0"));
        Assert.AreEqual(PortResult.NoDevice, port.Datapath.RemoveInterface("ipvl0"));
        Assert.IsEmpty(port.Datapath.Interfaces);
        Assert.IsEmpty(TestPort.LinksOf(home));
    }

    [TestMethod]
    [DataRow("lo", "must be an Ethernet adapter")]
    [DataRow("absent", "absent")]
    public void A_bad_master_is_refused_and_leaves_nothing(string link, string told)
    {
        using var port = new TestPort(open: false);
        var refused = Assert.Throws<Exception>(() => new EngineDatapath(port.Settings with { WireLink = link }));
        Assert.IsTrue(refused is HostNetworkException or LinuxDeviceException, refused.ToString());
        Assert.Contains(told, refused.Message);
        Assert.IsEmpty(TestPort.LinksOf(port.Host));
    }

    [TestMethod]
    public void A_masters_name_in_use_is_refused_and_leaves_nothing()
    {
        using var port = new TestPort();
        var refused = Assert.ThrowsExactly<LinuxDeviceException>(() => new EngineDatapath(port.Settings));
        Assert.Contains("master", refused.Message);
        CollectionAssert.AreEqual(new[] { "master" }, TestPort.LinksOf(port.Host));
    }

    [TestMethod]
    public void Disposed_twice_it_is_gone_once_and_changes_are_refused()
    {
        using var port = new TestPort();
        var home = port.Create("home");
        port.Datapath.AddInterface(new InterfaceSettings("ipvl0", home.Name));
        port.Datapath.Dispose();
        port.Datapath.Dispose();
        Assert.IsTrue(port.Datapath.Completion.IsCompletedSuccessfully);
        Assert.IsEmpty(TestPort.LinksOf(home));
        Assert.IsEmpty(TestPort.LinksOf(port.Host));
        Assert.ThrowsExactly<ObjectDisposedException>(() => port.Datapath.AddInterface(new InterfaceSettings("ipvl1", home.Name)));
        Assert.ThrowsExactly<ObjectDisposedException>(() => port.Datapath.RemoveInterface("ipvl0"));
        Assert.ThrowsExactly<ObjectDisposedException>(() => port.Datapath.SetMode(PortMode.L2));
    }

    [TestMethod]
    [DataRow(true)]
    [DataRow(false)]
    public void A_wire_that_is_deleted_ends_the_data_path_with_the_reason(bool isUp)
    {
        using var port = new TestPort();
        var home = port.Create("home");
        port.Datapath.AddInterface(new InterfaceSettings("ipvl0", home.Name));
        var wire = port.WireNetlink.GetLink(TestPort.WireLink);
        if (!isUp)
            port.WireNetlink.SetUp(wire.Index, false);
        port.WireNetlink.DeleteLink(wire.Index);
        TestPort.Eventually(() => port.Datapath.Completion.IsFaulted, "the data path ended");
        var fault = port.Datapath.Completion.Exception!.InnerException;
        Assert.IsInstanceOfType<LinuxDeviceException>(fault);
        Assert.Contains("wire", fault.Message);
        Assert.Contains("is gone", fault.Message);
        Assert.DoesNotContain("\n", fault.Message);

        // What is left can be taken down in order.
        TestPort.Eventually(() => !port.Datapath.Port.IsUp, "the master is down");
        Assert.ThrowsExactly<LinuxDeviceException>(() => port.Datapath.AddInterface(new InterfaceSettings("ipvl1", home.Name)));
        CollectionAssert.AreEqual(new[] { "ipvl0" }, TestPort.LinksOf(home));
        Assert.AreEqual(PortResult.Ok, port.Datapath.RemoveInterface("ipvl0"));
        Assert.IsEmpty(TestPort.LinksOf(home));
    }

    [TestMethod]
    public void A_masters_tap_that_is_deleted_ends_the_data_path_with_the_reason()
    {
        using var port = new TestPort();
        port.HostNetlink.DeleteLink(port.Datapath.HostLinkIndex);
        TestPort.Eventually(() => port.Datapath.Completion.IsFaulted, "the data path ended");
        Assert.Contains("master", port.Datapath.Completion.Exception!.InnerException!.Message);
    }

    [TestMethod]
    public void A_hundred_interfaces_come_and_go()
    {
        using var port = new TestPort();
        var home = port.Create("home");
        for (var i = 0; i < 100; i++)
            Assert.AreEqual(PortResult.Ok, port.Datapath.AddInterface(new InterfaceSettings($"ipvl{i}", home.Name)));
        Assert.HasCount(100, TestPort.LinksOf(home));
        Assert.HasCount(100, port.Datapath.Interfaces);
        using (var netlink = RouteNetlink.Open(home))
        {
            netlink.AddAddress(port.Datapath.LinkIndexOf("ipvl99"), IPAddress.Parse("192.0.2.99"), 32);
            netlink.SetUp(port.Datapath.LinkIndexOf("ipvl99"), true);
            TestPort.Eventually(() => port.Datapath.Interfaces[99] is { IsUp: true, Addresses.Count: > 0 }, "the last one lives");
        }
        port.WireNetlink.SetMtu(port.WireNetlink.GetLink(TestPort.WireLink).Index, 1400);
        TestPort.Eventually(() => port.Datapath.Interfaces.All(member => member.IpMtu == 1400), "all follow the master's MTU");
        for (var i = 0; i < 50; i++)
            Assert.AreEqual(PortResult.Ok, port.Datapath.RemoveInterface($"ipvl{i * 2}"));
        Assert.HasCount(50, TestPort.LinksOf(home));
        port.Datapath.Dispose();
        Assert.IsEmpty(TestPort.LinksOf(home));
    }

    [TestMethod]
    public async Task Changes_from_many_threads_neither_lock_up_nor_leave_anything()
    {
        using var port = new TestPort();
        var home = port.Create("home");
        var until = DateTime.UtcNow.AddSeconds(3);
        var seed = Random.Shared.Next();
        Console.WriteLine($"seed {seed}");
        var changes = 0;
        Task Repeat(int thread, Action<Random> change) => Task.Run(() =>
        {
            for (var random = new Random(seed + thread); DateTime.UtcNow < until; Interlocked.Increment(ref changes))
                change(random);
        });
        var all = new List<Task>
        {
            Repeat(10, random => port.Datapath.SetMode((PortMode)random.Next(3))),
            Repeat(11, random => port.Datapath.SetFlag((PortFlag)random.Next(3))),
            Repeat(12, _ => Assert.IsNotNull(port.Datapath.Interfaces.Sum(member => member.Addresses.Count) + port.Datapath.Port.Addresses.Count)),
            Repeat(13, random => port.WireNetlink.SetMtu(port.WireNetlink.GetLink(TestPort.WireLink).Index, 1280 + random.Next(200))),
        };
        for (var thread = 0; thread < 4; thread++)
        {
            var mine = thread;
            all.Add(Repeat(thread, random =>
            {
                var name = $"t{mine}-{random.Next(3)}";
                var result = random.Next(2) == 0 ? port.Datapath.AddInterface(new InterfaceSettings(name, home.Name)) : port.Datapath.RemoveInterface(name);
                Assert.IsTrue(result is PortResult.Ok or PortResult.Exists or PortResult.NoDevice, result.ToString());
            }));
        }
        await Task.WhenAll(all).WaitAsync(TimeSpan.FromSeconds(40)).ConfigureAwait(false);
        Assert.IsGreaterThan(20, changes);
        Assert.IsFalse(port.Datapath.Completion.IsCompleted, port.Datapath.Completion.Exception?.ToString());
        CollectionAssert.AreEquivalent(port.Datapath.Interfaces.Select(member => member.Name).ToArray(), TestPort.LinksOf(home));
        port.Datapath.Dispose();
        Assert.IsEmpty(TestPort.LinksOf(home));
    }

    [TestMethod]
    public async Task Disposed_while_others_change_it_it_ends()
    {
        using var port = new TestPort();
        var home = port.Create("home");
        var started = new CountdownEvent(3);
        var changing = Enumerable.Range(0, 3).Select(thread => Task.Run(() =>
        {
            try
            {
                for (var isFirst = true; ; isFirst = false)
                {
                    port.Datapath.AddInterface(new InterfaceSettings($"t{thread}", home.Name));
                    port.Datapath.RemoveInterface($"t{thread}");
                    if (isFirst)
                        started.Signal();
                }
            }
            catch (ObjectDisposedException)
            {
                return true;
            }
        })).ToArray();
        Assert.IsTrue(started.Wait(TimeSpan.FromSeconds(25)));
        port.Datapath.Dispose();
        await Task.WhenAll(changing).WaitAsync(TimeSpan.FromSeconds(25)).ConfigureAwait(false);
        Assert.IsEmpty(TestPort.LinksOf(home));
        Assert.IsEmpty(TestPort.LinksOf(port.Host));
    }
}
