using System.Net;
using System.Runtime.Versioning;
using IpVlanWin.Cli.HostCare;
using IpVlanWin.Engine.Wire;
using IpVlanWin.HostNetwork;
using IpVlanWin.HostNetwork.Linux;
using IpVlanWin.HostNetwork.Tests.Linux;
using IpVlanWin.Protocol;

namespace IpVlanWin.Driver.Tests.EndToEnd;

/// <summary>The whole service with data path filter, by the command line: over the native driver, and stand-ins in a network namespace.</summary>
[TestClass]
[SupportedOSPlatform("linux")]
public sealed class FilterServiceTests
{
    [TestMethod]
    public void From_the_first_line_to_the_last_whatever_happens_in_between()
    {
        TestNamespace.RequireRoot();
        using TestNamespace space = new("filter"), wire = new("wire");
        var (m0, w0) = space.Join(wire, "m0", "w0");
        space.Netlink.AddAddress(m0.Index, IPAddress.Parse("10.9.0.1"), 16);
        var mac = m0.Mac.GetAddressBytes();
        // At first a driver of another package.
        using var driver = new PlayedDriver(space, m0.Index, mac) { SpeaksOtherVersion = true };
        var folder = Directory.CreateTempSubdirectory($"ipvlan-filter-state-{Environment.ProcessId}-").FullName;
        var before = HostState(space);
        var service = new RunningService(space, folder, driver.Path);
        try
        {
            var (status, text) = service.Ipvlan("link add link m0 ipvl0 type ipvlan mode l2 bridge");
            Assert.AreEqual((2, true), (status, text.Contains("(ipvlansvc install-driver)", StringComparison.Ordinal)), text);
            StringAssert.Contains(Looked().Fault, "of another version");
            driver.SpeaksOtherVersion = false;
            Assert.AreEqual(new FilterMasterFacts("m0") { IsThere = true, IsBound = false }, Looked().Masters.Single());
            service.Do("link add link m0 ipvl0 type ipvlan mode l2 bridge");
            // What doctor reads, beside a service that has the driver open.
            Assert.AreEqual(new FilterMasterFacts("m0") { IsThere = true, IsBound = true, HasPort = true, IsAttached = true }, Looked().Masters.Single());
            Assert.AreEqual((new Version(1, 0), new FilterMasterFacts("m1")), (Looked().DriverVersion, Looked("m1").Masters.Single()));
            service.Do("addr add 10.9.1.1/24 dev ipvl0");
            service.Do("addr add fd0a::1/64 dev ipvl0");
            service.Do("link set dev ipvl0 up");
            service.Do("maddr add 01:00:5e:01:02:03 dev ipvl0");
            Assert.AreEqual(("filter", "up"), (service.Port.ResolvedDatapath, service.Port.State), service.Log);
            // A station has the third one, and is asked for it as for the others.
            wire.Netlink.AddAddress(w0.Index, IPAddress.Parse("10.9.1.7"), 16);
            service.Do("addr add 10.9.1.7/24 dev ipvl0");
            service.WaitFor(() => string.Join(' ', service.Client.GetInterfaceAsync("ipvl0").Result.Addresses.Select(static one => $"{one.Prefix} {one.State}").Order(StringComparer.Ordinal))
                == "10.9.1.1/24 preferred 10.9.1.7/24 duplicate fd0a::1/64 preferred", "two are in use");
            StringAssert.Contains(service.Log, "address-duplicate");
            CollectionAssert.AreEqual(new[] { "ipvl0", "m0" }, driver.BoundTo);
            var standIn = space.Netlink.ListLinks().Single(static link => link.Name == "ipvl0");
            CollectionAssert.AreEquivalent(new[] { "10.9.1.1/24", "fd0a::1/64" }, Addresses(space, standIn));
            var luid = driver.LuidOf("ipvl0");
            CollectionAssert.AreEqual(new[] { luid }, driver.Inject(NativeBench.Wire, Ipv4(mac, "10.9.1.1")));
            CollectionAssert.AreEquivalent(new[] { NativeBench.Host, luid }, driver.Inject(NativeBench.Wire, Ipv4([1, 0, 0x5e, 1, 2, 3], "239.1.2.3")));
            StringAssert.Contains(service.Do("maddr show dev ipvl0"), "01:00:5e:01:02:03");
            service.Do("addr del 10.9.1.7/24 dev ipvl0");
            Assert.AreEqual(2, service.Client.GetStatisticsAsync(new ListQuery { Interface = "ipvl0" }).Result.Items[0].RxPackets);
            Observed(service);

            // What happens to the master reaches whoever watches.
            List<PortRecord> ports = [];
            using var subscription = service.Client.SubscribeAsync(new SubscribeSpec { Ports = true }).Result;
            var listening = subscription.RunAsync(one =>
            {
                lock (ports)
                    ports.Add(((PortEvent)one).Port);
            });
            driver.Use(bench => bench.SetMaster(mac, 1400, isUp: true));
            Told(static port => port.Mtu == 1400, "the MTU");
            driver.Use(bench => bench.SetMaster(mac, 1400, isUp: false));
            Told(static port => port.State == "down", "no link");
            driver.Use(bench => bench.SetMaster(mac, 1400, isUp: true));
            Told(static port => port.State == "up", "the link");
            service.WaitFor(() => space.Netlink.FindLink(standIn.Index)!.IpMtu == 1400, "the stand-in's MTU");

            // The driver is put in anew; the service is killed: frames go on, and the next one has the same stand-in.
            driver.Disconnect();
            service.WaitFor(() => service.Log.Contains("port-ended", StringComparison.Ordinal) && service.Port.State == "up" && service.Client.GetInterfaceAsync("ipvl0").Result.State == "up", "it comes back");
            CollectionAssert.AreEqual(new[] { luid }, driver.Inject(NativeBench.Wire, Ipv4(mac, "10.9.1.1")));
            service.Kill();
            service.Dispose();
            CollectionAssert.AreEqual(new[] { luid }, driver.Inject(NativeBench.Wire, Ipv4(mac, "10.9.1.1")));
            service = new RunningService(space, folder, driver.Path);
            Assert.AreEqual(standIn.Index, space.Netlink.ListLinks().Single(static link => link.Name == "ipvl0").Index);
            CollectionAssert.AreEqual(new[] { luid }, driver.Inject(NativeBench.Wire, Ipv4(mac, "10.9.1.1")));

            // Somebody removes the stand-in: another one takes its place.
            space.Netlink.DeleteLink(standIn.Index);
            service.WaitFor(() => service.Log.Contains("stand-in-lost", StringComparison.Ordinal) && space.Netlink.ListLinks().Any(static link => link.Name == "ipvl0")
                && service.Client.GetInterfaceAsync("ipvl0").Result is { State: "up" } one && one.Addresses.All(static address => address.State == "preferred"), "another stand-in");
            service.WaitFor(() => driver.Inject(NativeBench.Wire, Ipv4(mac, "10.9.1.1")) is [var to] && to == driver.LuidOf("ipvl0"), "it has the frames");

            // The last one goes, and with it everything.
            service.Do("link del ipvl0");
            Assert.AreEqual((before, false, 0), (HostState(space), driver.HasPort, driver.BoundTo.Length));
            service.Do("link add link m0 ipvl1 type ipvlan mode l3s private");
            service.Do("link set dev ipvl1 up");
            Assert.AreEqual((true, 2), (driver.HasPort, driver.BoundTo.Length));
            service.Kill();
            var cleaned = service.CleanHost();
            foreach (var line in (string[])["the driver's port over m0 is removed", "the filter is not bound to m0 any more", "the stand-in of ipvl1 is removed"])
                StringAssert.Contains(cleaned, line);
            Assert.AreEqual((before, false, 0), (HostState(space), driver.HasPort, driver.BoundTo.Length));
            Assert.IsTrue(listening.ContinueWith(static _ => { }, TaskScheduler.Default).Wait(TimeSpan.FromSeconds(10)));

            FilterFacts Looked(string master = "m0") => space.Namespace.Run(() => LinuxFacts.ReadFilter(driver.Path, [master]));

            void Told(Func<PortRecord, bool> condition, string what) => service.WaitFor(() =>
            {
                lock (ports)
                    return ports.Any(condition);
            }, what);
        }
        finally
        {
            service.Dispose();
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>An interface in a container: it waits for it, is reached there, goes with it and comes back, and outlives a service that is killed.</summary>
    [TestMethod]
    public void A_container_is_waited_for_and_comes_and_goes()
    {
        TestNamespace.RequireRoot();
        using TestNamespace space = new("filter"), wire = new("wire");
        var box = TestNamespace.UniqueName("box");
        var (m0, _) = space.Join(wire, "m0", "w0");
        space.Netlink.AddAddress(m0.Index, IPAddress.Parse("10.9.0.1"), 16);
        var mac = m0.Mac.GetAddressBytes();
        using var driver = new PlayedDriver(space, m0.Index, mac);
        var folder = Directory.CreateTempSubdirectory($"ipvlan-filter-state-{Environment.ProcessId}-").FullName;
        var before = HostState(space);
        var service = new RunningService(space, folder, driver.Path);
        try
        {
            service.Do($"link add link m0 ipvl0 netns {box} type ipvlan mode l2 bridge");
            service.Do("addr add 10.9.1.1/24 dev ipvl0");
            service.Do("link set dev ipvl0 up");
            service.Do("link add link m0 ipvl1 type ipvlan");
            service.Do("addr add 10.9.1.2/24 dev ipvl1");
            service.Do("link set dev ipvl1 up");
            Assert.AreEqual(("pending", $"there is no namespace {box} yet"), Waiting());
            using (NetworkNamespace.Create(box))
            {
            }
            Settled();
            Assert.AreEqual("10.9.1.1/24", Inside(static (netlink, link) => string.Join(' ', netlink.ListAddresses(link.Index).Where(static one => !one.Address.IsIPv6LinkLocal).Select(static one => $"{one.Address}/{one.PrefixLength}"))));
            // Beside the host's interface, and between the two.
            CollectionAssert.AreEqual(new[] { driver.LuidOf("ipvl1") }, driver.Inject(NativeBench.Wire, Ipv4(mac, "10.9.1.2")));
            var between = Ipv4(mac, "10.9.1.1");
            mac.CopyTo(between, 6);
            CollectionAssert.AreEqual(new[] { driver.LuidOf("ipvl0", box) }, driver.Inject(driver.LuidOf("ipvl1"), between));
            service.Do("link set dev ipvl0 mtu 1300");
            service.WaitFor(() => Inside(static (_, link) => link.IpMtu) == 1300, "the MTU");
            Inside((netlink, link) =>
            {
                netlink.RemoveAddress(link.Index, IPAddress.Parse("10.9.1.1"), 24);
                return 0;
            });
            // Of a container's changes nobody is told: the next look, whatever for, sees them.
            driver.Use(bench => bench.SetMaster(mac, 1450, isUp: true));
            service.WaitFor(() => service.Log.Contains("address-lost", StringComparison.Ordinal), "the address is put back");
            driver.Use(bench => bench.SetMaster(mac, 1500, isUp: true));

            // The container ends, and another one of its name begins.
            NetworkNamespace.Delete(box);
            service.WaitFor(() => service.Log.Contains("container-gone", StringComparison.Ordinal) && Waiting() == ("pending", $"there is no namespace {box} yet"), "it waits");
            CollectionAssert.AreEqual(new[] { NativeBench.Host }, driver.Inject(NativeBench.Wire, Ipv4(mac, "10.9.1.1")));
            CollectionAssert.AreEqual(new[] { driver.LuidOf("ipvl1") }, driver.Inject(NativeBench.Wire, Ipv4(mac, "10.9.1.2")));
            using (NetworkNamespace.Create(box))
            {
            }
            Settled();

            // The service is killed: frames go on, and the next one has the same adapter.
            var index = Inside(static (_, link) => link.Index);
            service.Kill();
            service.Dispose();
            CollectionAssert.AreEqual(new[] { driver.LuidOf("ipvl0", box) }, driver.Inject(NativeBench.Wire, Ipv4(mac, "10.9.1.1")));
            service = new RunningService(space, folder, driver.Path);
            Settled();
            Assert.AreEqual(index, Inside(static (_, link) => link.Index));

            // Into another namespace, which is not there: it leaves this one.
            service.Do($"link set dev ipvl0 netns {box}x");
            service.WaitFor(() => Waiting() == ("pending", $"there is no namespace {box}x yet"), "it waits for the other one");
            service.WaitFor(() => space.Netlink.FindLink("ipvl0") is null, "the stand-in");
            service.Do("link del ipvl0");
            service.Do("link del ipvl1");
            Assert.AreEqual((before, false, 0), (HostState(space), driver.HasPort, driver.BoundTo.Length));
        }
        finally
        {
            service.Dispose();
            Directory.Delete(folder, recursive: true);
            if (NetworkNamespace.Exists(box))
                NetworkNamespace.Delete(box);
        }

        (string State, string? Reason) Waiting() => service.Client.GetInterfaceAsync("ipvl0").Result is var one ? (one.State, one.Reason) : default;

        void Settled()
        {
            service.WaitFor(() => service.Client.GetInterfaceAsync("ipvl0").Result is { State: "up" } one && one.Addresses.All(static address => address.State == "preferred"), "it is up");
            service.WaitFor(() => driver.Inject(NativeBench.Wire, Ipv4(mac, "10.9.1.1")) is [var to] && to == driver.LuidOf("ipvl0", box), "it has the frames");
        }

        T Inside<T>(Func<RouteNetlink, HostLink, T> body)
        {
            using var container = NetworkNamespace.Open(box);
            using var netlink = RouteNetlink.Open(container);
            return body(netlink, netlink.FindLink("ipvl0")!);
        }
    }

    /// <summary>A trace is answered; a capture is refused with what shows frames instead.</summary>
    private static void Observed(RunningService service)
    {
        var trace = service.Client.TraceAsync(new TraceSpec { Master = "m0", Direction = "from-wire", Protocol = "udp", Source = "10.9.0.254", Destination = "10.9.1.1" }).Result;
        Assert.AreEqual(("deliver", "ipvl0"), (trace.Decision, string.Join(' ', trace.Targets!)));
        var refused = (ControlException)Assert.ThrowsExactly<AggregateException>(() => service.Client.StartCaptureAsync(new CaptureSpec { Interface = "ipvl0" }).Wait()).InnerException!;
        Assert.AreEqual(ErrorCode.ModeNotSupported, refused.Code);
        StringAssert.Contains(refused.Message, "pktmon");
        StringAssert.EndsWith(refused.Message, "; windivert could");
    }

    private static string HostState(TestNamespace space) => string.Join('\n', space.Netlink.ListLinks().OrderBy(static link => link.Index).Select(link => $"{link.Name} {link.IpMtu} {string.Join(' ', Addresses(space, link))}"));

    private static List<string> Addresses(TestNamespace space, HostLink link) =>
        [.. space.Netlink.ListAddresses(link.Index).Where(static one => !one.Address.IsIPv6LinkLocal).Select(static one => $"{one.Address}/{one.PrefixLength}").Order(StringComparer.Ordinal)];

    private static byte[] Ipv4(byte[] destination, string to)
    {
        var frame = new byte[60];
        destination.CopyTo(frame, 0);
        new byte[] { 2, 0, 0, 0, 0, 0x99, 8, 0, 0x45, 0, 0, 46, 0, 0, 0, 0, 64, 17, 0, 0, 10, 9, 0, 254 }.CopyTo(frame, 6);
        L3Address.Parse(to).Write(frame.AsSpan(30));
        var checksum = Checksum.Compute(frame.AsSpan(14, 20));
        (frame[24], frame[25]) = ((byte)(checksum >> 8), (byte)checksum);
        return frame;
    }
}
