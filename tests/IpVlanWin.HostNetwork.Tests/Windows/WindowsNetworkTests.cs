using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using IpVlanWin.HostNetwork.Windows;

namespace IpVlanWin.HostNetwork.Tests.Windows;

[TestClass]
public sealed class WindowsNetworkTests
{
    private static readonly IPAddress s_one = IPAddress.Parse("10.0.0.1"), s_six = IPAddress.Parse("fd00::1");

    private readonly StrictIphlpapi _ip = new();

    public required TestContext TestContext { get; init; }

    private WindowsNetwork Open()
    {
        _ip.Plug(7, "Ethernet");
        return new WindowsNetwork(_ip);
    }

    [TestMethod]
    public void CountUnicast_IsOfBothWays()
    {
        var ip = new StrictIphlpapi();
        using var network = new WindowsNetwork(ip);
        ip.Plug(7, "Ethernet", change: static row => row with { InUcastPkts = 30, OutUcastPkts = 12, InNUcastPkts = 1000 });
        Assert.AreEqual(42, network.CountUnicast(7));
        Assert.AreEqual((int)StrictIphlpapi.NotFound, Assert.ThrowsExactly<HostNetworkException>(() => network.CountUnicast(8)).NativeCode);
    }

    [TestMethod]
    public void Adapters_AreFoundByAliasIndexAndLuid_AndFiltersAreNone()
    {
        using var network = Open();
        _ip.Plug(8, "8");
        _ip.Plug(9, "Ethernet-Filter-0000", change: row => row with { Flags = 2 });
        var adapter = network.FindAdapter("ETHERNET")!;
        Assert.AreEqual((7, "Ethernet", 1500, 6, 14), (adapter.Index, adapter.Alias, adapter.LinkMtu, adapter.Type, adapter.PhysicalMedium));
        Assert.AreEqual(PhysicalAddress.Parse("02-00-00-00-00-07"), adapter.Mac);
        Assert.AreEqual(LinkFlags.Up | LinkFlags.Running | LinkFlags.LowerUp | LinkFlags.Broadcast | LinkFlags.Multicast, adapter.Flags);
        Assert.IsTrue(adapter.IsHardware);
        Assert.AreEqual(adapter, network.FindAdapter("7"));
        Assert.AreEqual(adapter, network.FindAdapter(adapter.Luid.ToString()));
        Assert.AreEqual(adapter, network.FindAdapter($"0x{adapter.Luid:X}"));
        // An alias that is a number wins over the index.
        _ip.Plug(70, "7");
        Assert.AreEqual(70, network.FindAdapter("7")!.Index);
        Assert.IsNull(network.FindAdapter("99"));
        Assert.IsNull(network.FindAdapter("Ethernet-Filter-0000"));
        Assert.HasCount(3, network.ListAdapters());
    }

    [TestMethod]
    public void Links_HaveTheSmallestMtuOfTheFamiliesThatAreBound()
    {
        using var network = Open();
        _ip.Plug(8, "none", v4: false, v6: false);
        network.SetIpInterface(7, AddressFamily.InterNetwork, new IpInterfaceChange { IpMtu = 1400 });
        Assert.AreEqual(1400, network.FindLink("ethernet")!.IpMtu);
        Assert.AreEqual(1500, network.FindLink(8)!.IpMtu);
        Assert.IsNull(network.FindLink(99));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => network.FindLink(0));
    }

    [TestMethod]
    [DataRow(2, 1, 1, LinkFlags.Up | LinkFlags.Running | LinkFlags.Broadcast | LinkFlags.Multicast, DisplayName = "no carrier word")]
    [DataRow(1, 2, 2, LinkFlags.LowerUp | LinkFlags.Broadcast | LinkFlags.Multicast, DisplayName = "disabled")]
    [DataRow(2, 2, 1, LinkFlags.Up | LinkFlags.Broadcast | LinkFlags.Multicast, DisplayName = "unplugged")]
    public void Flags_FollowTheState(int media, int oper, int admin, LinkFlags expected)
    {
        _ip.Plug(7, "a", change: row => row with { MediaConnectState = media, OperStatus = oper, AdminStatus = admin });
        Assert.AreEqual(expected, new WindowsNetwork(_ip).ListAdapters().Single().Flags);
    }

    [TestMethod]
    public void Addresses_AreAddedListedAndRemoved()
    {
        using var network = Open();
        network.AddAddress(7, s_one, 24);
        network.AddAddress(7, s_six, 64);
        var four = network.ListAddresses(7).Single(a => a.Address.Equals(s_one));
        Assert.AreEqual(new HostAddress(7, s_one, 24, AddressScope.Global, AddressFlags.Tentative | AddressFlags.Permanent), four);
        _ip.EndDetection(s_six);
        Assert.AreEqual(AddressFlags.Permanent, network.ListAddresses().Single(a => a.Address.Equals(s_one)).Flags);
        Assert.IsTrue(network.ListAddresses().Single(a => a.Address.Equals(s_six)).IsDuplicate);
        Assert.IsEmpty(network.ListAddresses(8));
        Assert.AreEqual(5010, Assert.ThrowsExactly<HostNetworkException>(() => network.AddAddress(7, s_one, 16)).NativeCode);
        network.RemoveAddress(7, s_one, 24);
        Assert.AreEqual(1168, Assert.ThrowsExactly<HostNetworkException>(() => network.RemoveAddress(7, s_one, 24)).NativeCode);
        Assert.HasCount(1, network.ListAddresses());
    }

    [TestMethod]
    public void Addresses_ThatWindowsCannotHave_AreRefusedWithAReason()
    {
        using var network = Open();
        StringAssert.Contains(Assert.ThrowsExactly<NotSupportedException>(() => network.AddAddress(7, s_one, 24, AddressFlags.NoPrefixRoute)).Message, "32");
        StringAssert.Contains(Assert.ThrowsExactly<NotSupportedException>(() => network.AddAddress(7, s_one, 32, AddressFlags.NoDad)).Message, "DadTransmits");
        network.SetIpInterface(7, AddressFamily.InterNetwork, new IpInterfaceChange { DadTransmits = 0 });
        network.AddAddress(7, s_one, 32, AddressFlags.NoDad | AddressFlags.NoPrefixRoute);
        Assert.IsFalse(network.ListAddresses().Single().IsTentative);
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => network.AddAddress(7, s_one, 33));
        Assert.ThrowsExactly<ArgumentException>(() => network.AddAddress(7, s_one, 32, AddressFlags.Tentative));
        _ip.Elevated = false;
        var error = Assert.ThrowsExactly<HostNetworkException>(() => network.AddAddress(7, s_six, 64));
        Assert.AreEqual((5, "ERROR_ACCESS_DENIED"), (error.NativeCode, error.NativeName));
        StringAssert.StartsWith(error.Message, "cannot add fd00::1/64 to adapter 7: access denied; run it elevated");
    }

    [TestMethod]
    public void Routes_AreAddedReplacedFoundAndRemoved()
    {
        using var network = Open();
        _ip.Plug(8, "other");
        network.AddAddress(7, s_one, 24);
        var onLink = new HostRoute { Destination = IPNetwork.Parse("10.0.0.0/24"), LinkIndex = 7 };
        network.AddRoute(onLink);
        var byGateway = new HostRoute { Destination = IPNetwork.Parse("192.0.2.0/24"), Gateway = IPAddress.Parse("10.0.0.254"), Metric = 5 };
        // Without a link, the one that leads to the gateway.
        network.AddRoute(byGateway);
        Assert.IsTrue(network.ListRoutes().ToHashSet().SetEquals([onLink, byGateway with { LinkIndex = 7 }]));
        var (route, source) = network.GetBestRoute(IPAddress.Parse("192.0.2.9"));
        Assert.AreEqual((byGateway with { LinkIndex = 7 }, s_one), (route, source));
        Assert.AreEqual(1231, Assert.ThrowsExactly<HostNetworkException>(() => network.GetBestRoute(IPAddress.Parse("203.0.113.1"))).NativeCode);

        var moved = byGateway with { Gateway = IPAddress.Parse("10.0.0.253"), LinkIndex = 8 };
        network.ReplaceRoute(moved);
        network.ReplaceRoute(moved);
        Assert.AreEqual(moved, network.ListRoutes().Single(r => r.Destination == moved.Destination));
        Assert.AreEqual(1168, Assert.ThrowsExactly<HostNetworkException>(() => network.RemoveRoute(moved with { Metric = 6 })).NativeCode);
        network.RemoveRoute(new HostRoute { Destination = moved.Destination });
        network.RemoveRoute(onLink);
        Assert.IsEmpty(network.ListRoutes());
    }

    [TestMethod]
    public void Routes_ThatWindowsCannotHave_AreRefusedWithAReason()
    {
        using var network = Open();
        var route = new HostRoute { Destination = IPNetwork.Parse("192.0.2.0/24"), LinkIndex = 7 };
        Assert.ThrowsExactly<NotSupportedException>(() => network.AddRoute(route with { Kind = RouteKind.Blackhole }));
        Assert.ThrowsExactly<NotSupportedException>(() => network.AddRoute(route with { PreferredSource = s_one }));
        Assert.ThrowsExactly<NotSupportedException>(() => network.AddRoute(route with { Gateway = s_six }));
        Assert.ThrowsExactly<ArgumentException>(() => network.AddRoute(route with { LinkIndex = 0 }));
        Assert.IsEmpty(network.ListRoutes());
    }

    [TestMethod]
    public void Rows_OfTheSystem_BecomeRoutesAndNeighbors()
    {
        var row = new MibIpForwardRow2 { InterfaceIndex = 7, DestinationPrefix = new IpAddressPrefix { Prefix = SockAddrInet.From(IPAddress.Parse("224.0.0.0")), PrefixLength = 4 }, NextHop = new SockAddrInet { Family = SockAddrInet.V4 }, Protocol = 2 };
        Assert.AreEqual((RouteKind.Multicast, (byte)2, (IPAddress?)null), (Rows.ToRoute(row)!.Kind, Rows.ToRoute(row)!.Protocol, Rows.ToRoute(row)!.Gateway));
        Assert.AreEqual(RouteKind.Local, Rows.ToRoute(row with { Loopback = 1 })!.Kind);
        Assert.AreEqual((byte)16, Rows.ToRoute(row with { Origin = 2 })!.Protocol);
        Assert.AreEqual((byte)9, Rows.ToRoute(row with { Origin = 3 })!.Protocol);
        row.DestinationPrefix = new IpAddressPrefix { Prefix = SockAddrInet.From(s_one), PrefixLength = 33 };
        Assert.IsNull(Rows.ToRoute(row));
        Assert.IsNull(Rows.ToRoute(default));
        // The system hands out host bits beyond the prefix: they are cleared, not refused.
        row.DestinationPrefix = new IpAddressPrefix { Prefix = SockAddrInet.From(IPAddress.Parse("10.1.2.3")), PrefixLength = 13 };
        Assert.AreEqual(IPNetwork.Parse("10.0.0.0/13"), Rows.ToRoute(row)!.Destination);

        Assert.IsNull(Rows.ToNeighbor(Neighbor("224.0.0.22", [1, 0, 0x5E, 0, 0, 22], Rows.NeighborPermanent)));
        Assert.IsNull(Rows.ToNeighbor(Neighbor("10.0.0.255", [255, 255, 255, 255, 255, 255], Rows.NeighborPermanent)));
        Assert.IsNull(Rows.ToNeighbor(Neighbor("ff02::1", [], Rows.NeighborPermanent)));
        Assert.IsNull(Rows.ToNeighbor(default));
        var failed = Rows.ToNeighbor(Neighbor("10.0.0.9", [0, 0, 0, 0, 0, 0], Rows.NeighborUnreachable))!;
        Assert.AreEqual((NeighborState.Failed, false), (failed.State, failed.IsUsable));
        foreach (var (native, neutral) in new[] { (1, NeighborState.Incomplete), (2, NeighborState.Probe), (3, NeighborState.Delay), (4, NeighborState.Stale), (5, NeighborState.Reachable), (6, NeighborState.Permanent), (99, NeighborState.None) })
            Assert.AreEqual(neutral, Rows.ToNeighbor(Neighbor("10.0.0.9", [2, 0, 0, 0, 0, 9], native))!.State);
    }

    private static MibIpNetRow2 Neighbor(string address, byte[] mac, int state)
    {
        var row = new MibIpNetRow2 { Address = SockAddrInet.From(IPAddress.Parse(address)), InterfaceIndex = 7, PhysicalAddressLength = (uint)mac.Length, State = state };
        mac.CopyTo((Span<byte>)row.PhysicalAddress);
        return row;
    }

    [TestMethod]
    public void Settings_AreChangedReadBackAndUndone()
    {
        using var network = Open();
        var before = network.GetIpInterface(7, AddressFamily.InterNetwork);
        Assert.IsNull(before.Metric);
        var change = new IpInterfaceChange { Forwarding = true, WeakHostSend = true, WeakHostReceive = true, Metric = 9000, IpMtu = 1400, DadTransmits = 0, IgnoreDefaultRoutes = true };
        var undo = network.SetIpInterface(7, AddressFamily.InterNetwork, change);
        var after = network.GetIpInterface(7, AddressFamily.InterNetwork);
        Assert.AreEqual(new IpInterfaceSettings(7, AddressFamily.InterNetwork, true, true, true, 9000, 1400, 0, true), after);
        Assert.IsNull(network.GetIpInterface(7, AddressFamily.InterNetworkV6).Metric);
        Assert.AreEqual(change, network.SetIpInterface(7, AddressFamily.InterNetwork, undo));
        Assert.AreEqual(before, network.GetIpInterface(7, AddressFamily.InterNetwork));
        _ip.SetLies = true;
        StringAssert.Contains(Assert.ThrowsExactly<HostNetworkException>(() => network.SetIpInterface(7, AddressFamily.InterNetwork, change)).Message, "Forwarding was accepted and not taken over");
        Assert.AreEqual(1168, Assert.ThrowsExactly<HostNetworkException>(() => network.GetIpInterface(99, AddressFamily.InterNetwork)).NativeCode);
    }

    [TestMethod]
    public void SetMtu_ChangesBothFamiliesOrNone()
    {
        using var network = Open();
        network.SetMtu(7, 1300);
        Assert.AreEqual(1300, network.GetIpInterface(7, AddressFamily.InterNetworkV6).IpMtu);
        // IPv6 refuses less than 1280, and IPv4 is put back.
        Assert.AreEqual(87, Assert.ThrowsExactly<HostNetworkException>(() => network.SetMtu(7, 1000)).NativeCode);
        Assert.AreEqual(1300, network.GetIpInterface(7, AddressFamily.InterNetwork).IpMtu);
        _ip.Plug(8, "four", v6: false);
        network.SetMtu(8, 1000);
        Assert.AreEqual(1000, network.FindLink(8)!.IpMtu);
        Assert.AreEqual(1168, Assert.ThrowsExactly<HostNetworkException>(() => network.SetMtu(99, 1000)).NativeCode);
    }

    [TestMethod]
    public void Neighbors_AreSetReplacedRemovedAndResolved()
    {
        using var network = Open();
        var nine = IPAddress.Parse("10.0.0.9");
        network.SetNeighbor(7, nine, PhysicalAddress.Parse("02-00-00-00-00-09"));
        network.SetNeighbor(7, nine, PhysicalAddress.Parse("02-00-00-00-00-0A"), NeighborState.Stale);
        Assert.AreEqual(new HostNeighbor(7, nine, PhysicalAddress.Parse("02-00-00-00-00-0A"), NeighborState.Stale), network.ListNeighbors(7).Single());
        network.RemoveNeighbor(7, nine);
        Assert.IsEmpty(network.ListNeighbors());
        Assert.ThrowsExactly<ArgumentException>(() => network.SetNeighbor(7, nine, PhysicalAddress.None));
        Assert.ThrowsExactly<ArgumentException>(() => network.SetNeighbor(7, nine, PhysicalAddress.Parse("02-00-00-00-00-0A"), NeighborState.Delay));
        _ip.Stations[nine] = [2, 0, 0, 0, 0, 9];
        Assert.IsTrue(network.ResolveNow(7, nine).IsUsable);
        Assert.AreEqual(67, Assert.ThrowsExactly<HostNetworkException>(() => network.ResolveNow(7, IPAddress.Parse("10.0.0.8"))).NativeCode);
    }

    [TestMethod]
    public void Resolve_ReturnsAtOnce_AndIsBounded()
    {
        using var network = Open();
        using var gate = new ManualResetEventSlim();
        var running = 0;
        var most = 0;
        _ip.Resolving = () =>
        {
            InterlockedMax(ref most, Interlocked.Increment(ref running));
            gate.Wait(TestContext.CancellationToken);
            Interlocked.Decrement(ref running);
        };
        for (var i = 0; i < NeighborResolver.Capacity + NeighborResolver.MaxThreads + 10; i++)
        {
            var address = new IPAddress([10, 1, (byte)(i >> 8), (byte)i]);
            _ip.Stations[address] = [2, 0, 0, 1, (byte)(i >> 8), (byte)i];
            network.Resolve(7, address);
            network.Resolve(7, address);
        }
        // Between the queue and the threads' hands there is room for all but ten, or for a few more while threads start.
        Assert.IsGreaterThanOrEqualTo(10, (int)network.ResolutionsRefused / 2);
        gate.Set();
        Assert.IsTrue(SpinWait.SpinUntil(() => network.ListNeighbors().Count >= NeighborResolver.Capacity, TimeSpan.FromSeconds(20)));
        Assert.IsLessThanOrEqualTo(NeighborResolver.MaxThreads, most);
    }

    [TestMethod]
    public void Resolve_RunsInTheCompartmentOfWhoAsked()
    {
        using var network = Open();
        _ip.Compartments.Add(3);
        var address = IPAddress.Parse("10.0.0.9");
        var seen = new System.Collections.Concurrent.ConcurrentQueue<uint>();
        _ip.Resolving = () => seen.Enqueue(_ip.GetThreadCompartment());
        new Compartment(_ip, 3).Run(() => network.Resolve(7, address));
        Assert.IsTrue(SpinWait.SpinUntil(() => !seen.IsEmpty, TimeSpan.FromSeconds(10)));
        Assert.IsTrue(seen.TryDequeue(out var compartment));
        Assert.AreEqual(3u, compartment);
        // One that goes before its turn is counted.
        new Compartment(_ip, 3).Run(() =>
        {
            _ip.Compartments.Remove(3);
            network.Resolve(7, IPAddress.Parse("10.0.0.8"));
        });
        Assert.IsTrue(SpinWait.SpinUntil(() => network.ResolutionsRefused == 1, TimeSpan.FromSeconds(10)));
        Assert.IsEmpty(seen);
    }

    private static void InterlockedMax(ref int target, int value)
    {
        int old;
        while ((old = Volatile.Read(ref target)) < value && Interlocked.CompareExchange(ref target, value, old) != old)
        {
        }
    }

    [TestMethod]
    public void Anycast_IsAddedOnceAndRemovedOnce()
    {
        var ip = new StrictIphlpapi();
        ip.Plug(7, "Ethernet");
        ip.Plug(8, "IPv4 alone", v6: false);
        using var network = new WindowsNetwork(ip);
        var address = IPAddress.Parse("2001:db8::50");
        Assert.IsTrue(network.AddAnycast(7, address));
        Assert.IsFalse(network.AddAnycast(7, address));
        Assert.AreEqual(1, ip.AnycastCount);
        Assert.IsTrue(network.RemoveAnycast(7, address));
        Assert.IsFalse(network.RemoveAnycast(7, address));
        Assert.AreEqual(1168, Assert.ThrowsExactly<HostNetworkException>(() => network.AddAnycast(8, address)).NativeCode);
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => network.AddAnycast(7, IPAddress.Parse("192.0.2.1"))).Message, "IPv6 alone");
        ip.Elevated = false;
        Assert.AreEqual(5, Assert.ThrowsExactly<HostNetworkException>(() => network.AddAnycast(7, address)).NativeCode);
    }

    [TestMethod]
    public void ProxyArp_IsAddedOnceAndRemovedOnce()
    {
        using var network = Open();
        Assert.IsTrue(network.AddProxyArp(7, s_one));
        Assert.IsFalse(network.AddProxyArp(7, s_one));
        Assert.AreEqual(1, _ip.ProxyCount);
        Assert.IsTrue(network.RemoveProxyArp(7, s_one));
        Assert.IsFalse(network.RemoveProxyArp(7, s_one));
        Assert.ThrowsExactly<ArgumentException>(() => network.AddProxyArp(7, s_six));
        Assert.AreEqual(87, Assert.ThrowsExactly<HostNetworkException>(() => network.AddProxyArp(99, s_one)).NativeCode);
    }

    [TestMethod]
    public void Errors_KeepTheCodeAndSayWhatToDo()
    {
        foreach (var code in WindowsError.Known)
        {
            var error = WindowsError.Create(code, "try");
            Assert.AreEqual(unchecked((int)code), error.NativeCode);
            Assert.MatchesRegex(@"^cannot try: [^\r\n]{10,} \([A-Z][A-Z0-9_]+\)$", error.Message);
        }
        Assert.AreEqual("Win32 error 4711", WindowsError.Create(4711, "try").NativeName);
        Assert.AreEqual("0x803B9999", WindowsError.Create(0x803B9999, "try").NativeName);
        // An HRESULT of a Win32 code keeps its own number and has the code's words.
        var wrapped = WindowsError.Create(0x80070005, "try", "provider");
        Assert.AreEqual((unchecked((int)0x80070005), "ERROR_ACCESS_DENIED", "provider"), (wrapped.NativeCode, wrapped.NativeName, wrapped.NativeText));
        StringAssert.EndsWith(wrapped.Message, ": provider");
    }

    [TestMethod]
    public void Tables_ThatFail_SayWhich()
    {
        using var network = Open();
        _ip.TableCode = 8;
        StringAssert.Contains(Assert.ThrowsExactly<HostNetworkException>(network.ListAdapters).Message, "list the adapters");
        StringAssert.Contains(Assert.ThrowsExactly<HostNetworkException>(() => network.ListAddresses()).Message, "list the addresses");
        StringAssert.Contains(Assert.ThrowsExactly<HostNetworkException>(network.ListRoutes).Message, "list the routes");
        StringAssert.Contains(Assert.ThrowsExactly<HostNetworkException>(() => network.ListNeighbors()).Message, "list the neighbors");
    }
}
