using System.Runtime.Versioning;
using IpVlanWin.Protocol;
using static IpVlanWin.WinDivert.Tests.EndToEnd.Talk;

namespace IpVlanWin.WinDivert.Tests.EndToEnd;

/// <summary>The whole service over the imitation and a real stack: stand-ins made by it, killed at any instant, nothing left over.</summary>
[TestClass]
[SupportedOSPlatform("linux")]
public sealed class ServiceTests
{
    private static readonly string[] s_one = ["10.9.1.1/24", "fd0a::1/64"], s_two = ["10.9.1.2/24", "fd0a::2/64"];

    [TestMethod]
    public void Bridge_BothStandIns_Killed_Restarted_Removed()
    {
        using var bed = new DivertBed();
        var folder = RunningService.NewFolder();
        var before = HostState(bed);
        using var container = new NamedContainer();
        var service = new RunningService(bed, folder);
        try
        {
            service.Add("ipvl0", null, "bridge", s_one);
            service.Add("ipvl1", null, "bridge", s_two);
            service.Add("ipvl2", container.Name, "bridge", "10.9.2.1/24", "fd0b::1/64");
            Assert.AreEqual(("windivert", "up"), (service.Port.ResolvedDatapath, service.Port.State));
            for (var family = 0; family < 2; family++)
            {
                var wire = new End(bed.Wire, family == 0 ? DivertBed.WireFour : DivertBed.WireSix);
                End one = new(bed.Host, family == 0 ? "10.9.1.1" : "fd0a::1"), two = new(bed.Host, family == 0 ? "10.9.1.2" : "fd0a::2"),
                    three = new(container.Space, family == 0 ? "10.9.2.1" : "fd0b::1");
                Both(one, wire);
                Both(wire, two);
                Both(three, wire);
                Both(wire, three);
                Both(one, two);
                Both(two, three);
            }
            foreach (var record in service.Client.GetStatisticsAsync(new ListQuery()).Result.Items)
                Assert.IsTrue(record is { RxBytes: > 200_000, TxBytes: > 200_000 }, $"{record}");

            using (var stream = new RunningStream(new End(bed.Host, "10.9.1.1"), new End(bed.Wire, DivertBed.WireFour), isPaced: true))
            using (var inside = new RunningStream(new End(bed.Wire, DivertBed.WireSix), new End(container.Space, "fd0b::1"), isPaced: true))
            {
                stream.WaitForMore(100_000);
                service.Kill();
                stream.WaitForMore(300_000);
                inside.WaitForMore(300_000);
                service.Dispose();
                service = new RunningService(bed, folder);
                service.WaitFor(() => service.IsInUse("ipvl2"));
                stream.WaitForMore(300_000);
                inside.WaitForMore(300_000);
                stream.Stop();
                inside.Stop();
            }
            Assert.DoesNotContain("stand-in-lost", service.Log);
            service.WaitFor(() => service.Client.GetStatisticsAsync(new ListQuery { Interface = "ipvl0" }).Result.Items[0].TxBytes > 100_000, "the new service counts");

            // One goes by its name, the others with the product.
            service.Client.RemoveInterfaceAsync("ipvl0").Wait();
            service.WaitFor(() => !bed.Host.AskIp("-o link").Contains("ipvl0", StringComparison.Ordinal));
            Both(new End(bed.Host, "10.9.1.2"), new End(bed.Wire, DivertBed.WireFour));
            service.Stop();
            // The addresses are off, the stand-ins stay for the next start.
            Assert.DoesNotContain("10.9.1.2", bed.Host.AskIp("-o addr"));
            Assert.Contains("ipvl1", bed.Host.AskIp("-o link"));
            StringAssert.Contains(service.CleanHost(), "the stand-in of ipvl1 is removed");
            Assert.AreEqual(before, HostState(bed));
        }
        finally
        {
            service.Dispose();
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Addresses with gaps between all of them, asked for on the wire before they are put on the host.</summary>
    [TestMethod]
    public void ManyAddresses_OfOneInterface()
    {
        using var bed = new DivertBed();
        var folder = RunningService.NewFolder();
        var before = HostState(bed);
        using var service = new RunningService(bed, folder);
        var count = Environment.GetEnvironmentVariable("IPVLANWIN_KILLS") is null ? 255 : 1_000;
        string[] addresses = [.. Enumerable.Range(0, count).Select(static i => $"10.9.{16 + (i / 100)}.{(i % 100 * 2) + 1}")];
        var clock = System.Diagnostics.Stopwatch.StartNew();
        service.Add("ipvl0", null, "bridge", [.. addresses.Select(static address => address + "/32")]);
        Console.WriteLine($"{count} addresses in use after {clock.Elapsed.TotalSeconds:F1} s, {Imitation.OpenHandles} handles");
        Assert.AreEqual(3, Imitation.OpenHandles);
        foreach (var i in (int[])[0, 249, 250, count - 1])
            Udp(new End(bed.Wire, DivertBed.WireFour), new End(bed.Host, addresses[i]));
        clock.Restart();
        service.Client.RemoveInterfaceAsync("ipvl0").Wait();
        Assert.AreEqual(before, HostState(bed));
        Console.WriteLine($"gone after {clock.Elapsed.TotalSeconds:F1} s");
        service.Stop();
        Directory.Delete(folder, recursive: true);
    }

    [TestMethod]
    public void Private_StaysClosed_WhateverIsKilled()
    {
        using var bed = new DivertBed();
        var folder = RunningService.NewFolder();
        var before = HostState(bed);
        var service = new RunningService(bed, folder);
        try
        {
            service.Add("ipvl0", null, "private", s_one);
            service.Add("ipvl1", null, "private", s_two);
            End one = new(bed.Host, "10.9.1.1"), two = new(bed.Host, "10.9.1.2"), oneSix = new(bed.Host, "fd0a::1"), twoSix = new(bed.Host, "fd0a::2");
            AssertClosed();

            // The safety net's process is killed: another one takes its place.
            var net = SafetyNetOf(service);
            System.Diagnostics.Process.GetProcessById(net).Kill();
            service.WaitFor(() => SafetyNetOf(service) is not 0 and var other && other != net, "another safety net");
            service.WaitFor(() => Imitation.OpenHandles == 6 + 2, "its handles");

            using (var wire = new RunningStream(one, new End(bed.Wire, DivertBed.WireFour), isPaced: true))
            {
                wire.WaitForMore(100_000);
                service.Kill();
                wire.WaitForMore(100_000);
                service.WaitFor(() => Imitation.OpenHandles == 2, "the safety net alone");
                AssertClosed();
                service.Dispose();
                service = new RunningService(bed, folder);
                AssertClosed();
                service.WaitFor(() => Imitation.OpenHandles == 6 + 2, "the new engine and its safety net");
                AssertClosed();
                wire.Stop();
            }
            // Off the host, and the safety net ends by itself.
            service.Client.RemoveInterfaceAsync("ipvl0").Wait();
            service.Client.RemoveInterfaceAsync("ipvl1").Wait();
            service.WaitFor(() => Imitation.OpenHandles == 0, "handles are left");
            Assert.AreEqual(before, HostState(bed));
            service.Stop();

            void AssertClosed()
            {
                AssertApart(one, two);
                AssertApart(twoSix, oneSix);
            }
        }
        finally
        {
            service.Dispose();
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Wherever a kill falls, what was put on the host is found again: by the next start, or by clean-host.</summary>
    [TestMethod]
    public void Killed_AtAnyInstant_LeavesNothingOver()
    {
        using var bed = new DivertBed();
        var folder = RunningService.NewFolder();
        var before = HostState(bed);
        using var container = new NamedContainer();
        var seed = Environment.TickCount;
        Console.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var rounds = Environment.GetEnvironmentVariable("IPVLANWIN_KILLS") is null ? 1 : 20;
        for (var round = 0; round < rounds; round++)
        {
            using var service = new RunningService(bed, folder);
            var changes = Task.Run(() =>
            {
                foreach (var name in (string[])["ipvl0", "ipvl1", "ipvl2"])
                {
                    // The round before was killed before this, or after.
                    if (service.Client.AllInterfaces().Contains(name))
                        service.Client.RemoveInterfaceAsync(name).Wait();
                    var number = name[^1] - '0' + (round * 10);
                    service.Client.AddInterfaceAsync(new InterfaceSpec
                    {
                        Master = "m0", Name = name, Mode = "l3", Flag = "private", Admin = "up", Namespace = name == "ipvl2" ? container.Name : null, Addresses = [$"10.9.1.{number}/24", $"fd0a::{number}/64"],
                    }).Wait();
                }
            });
            Thread.Sleep(random.Next(round == 0 ? 3_000 : 2_000));
            service.Kill();
            Assert.IsTrue(changes.ContinueWith(static _ => { }, TaskScheduler.Default).Wait(TimeSpan.FromSeconds(30)));
        }
        using (var last = new RunningService(bed, folder))
        {
            // What is there after a start is what is asked for.
            var names = last.Client.AllInterfaces();
            last.WaitFor(() => names.TrueForAll(name => last.Get(name).Addresses.All(static one => one.State == "preferred")));
            Assert.AreEqual(names.Count, bed.Host.AskIp("-o link").Split('\n').Count(static line => line.Contains(" ipvl", StringComparison.Ordinal) || line.Contains(" ivw", StringComparison.Ordinal)));
            last.Kill();
        }
        using (var none = new RunningService(bed, RunningService.NewFolder()))
        {
            // Another state knows none of it: stand-ins without a master that remembers them are orphans.
            none.Kill();
            Directory.Delete(none.Folder, recursive: true);
        }
        using (var service = new RunningService(bed, folder))
        {
            service.Stop();
            service.CleanHost();
        }
        Assert.AreEqual(before, HostState(bed));
        Directory.Delete(folder, recursive: true);
    }

    [TestMethod]
    public void WhatItCannotDo_IsRefusedAtOnce()
    {
        using var bed = new DivertBed();
        var folder = RunningService.NewFolder();
        using var service = new RunningService(bed, folder);
        foreach (var (mode, flag, sentence) in ((string, string, string)[])
        [
            ("l2", "bridge", "data path windivert cannot do mode l2, because WinDivert sees IP packets and no frames; linux could"),
            ("l3", "vepa", "data path windivert cannot do flag vepa, because the host's stack moves packets between its own addresses itself; linux could"),
        ])
        {
            var refused = Assert.ThrowsExactly<AggregateException>(() => service.Client.AddInterfaceAsync(new InterfaceSpec { Master = "m0", Name = "ipvl0", Mode = mode, Flag = flag }).Wait());
            var error = (ControlException)refused.InnerException!;
            Assert.AreEqual((ErrorCode.ModeNotSupported, sentence), (error.Code, error.Message));
        }
        service.Add("ipvl0", null, "bridge", s_one);
        var live = (ControlException)Assert.ThrowsExactly<AggregateException>(() => service.Client.SetPortAsync(new PortChange { Master = "m0", Mode = "l2" }).Wait()).InnerException!;
        Assert.AreEqual(ErrorCode.ModeNotSupported, live.Code);
        // A container that does not run yet.
        var name = $"divert-{Environment.ProcessId}-later";
        service.Client.AddInterfaceAsync(new InterfaceSpec { Master = "m0", Name = "ipvl1", Namespace = name, Admin = "up", Addresses = ["10.9.2.1/24"] }).Wait();
        Assert.AreEqual(("pending", $"there is no namespace {name} yet"), (service.Get("ipvl1").State, service.Get("ipvl1").Reason));
        using (new NamedContainer(name))
            service.WaitFor(() => service.Get("ipvl1").Addresses[0].State == "preferred", "its namespace has come");
        service.Client.RemoveInterfaceAsync("ipvl1").Wait();
        // Somebody on the wire has it.
        service.Client.AddAddressAsync(new AddressSpec { Interface = "ipvl0", Prefix = $"{DivertBed.WireFour}/24" }).Wait();
        service.Client.AddAddressAsync(new AddressSpec { Interface = "ipvl0", Prefix = $"{DivertBed.WireSix}/64" }).Wait();
        service.WaitFor(() => service.Get("ipvl0").Addresses.Count(static one => one.State == "duplicate") == 2, "duplicates");
        Assert.DoesNotContain(DivertBed.WireFour, bed.Host.AskIp("-o addr"));
        Assert.AreEqual("preferred", service.Get("ipvl0").Addresses[0].State);
        // What a service has in use is not cleaned away from under it.
        var there = HostState(bed);
        StringAssert.Contains(service.CleanHost(status: 2), "state.db is in use by another process; end the other service first");
        Assert.AreEqual(there, HostState(bed));
        service.Stop();
        Directory.Delete(folder, recursive: true);
    }

    private static int SafetyNetOf(RunningService service) =>
        Directory.EnumerateDirectories("/proc").Select(static folder => Path.GetFileName(folder)).Where(static name => name.All(char.IsAsciiDigit)).Select(int.Parse)
            .FirstOrDefault(id => Read(id, "cmdline").Contains("safety-net", StringComparison.Ordinal) && Read(id, "stat").Split(' ') is { Length: > 3 } stat && stat[3] == $"{service.Process.Id}");

    private static string Read(int id, string name)
    {
        try
        {
            return File.ReadAllText($"/proc/{id}/{name}");
        }
        catch (IOException)
        {
            return "";
        }
    }

    /// <summary>Links, addresses, routes, proxies and the master's settings, as they are compared.</summary>
    private static string HostState(DivertBed bed) => string.Join('\n',
        bed.Host.AskIp("-br link"), bed.Host.AskIp("-br addr"), bed.Host.AskIp("-4 route"), bed.Host.AskIp("-6 route"), bed.Host.AskIp("neigh show proxy"), bed.Host.AskIp("-6 neigh show proxy"),
        bed.Host.Run(static () => string.Join(' ', ((string[])["ipv4/conf/m0/forwarding", "ipv4/conf/m0/rp_filter", "ipv6/conf/m0/forwarding", "ipv6/conf/m0/proxy_ndp"])
            .Select(static name => File.ReadAllText($"/proc/sys/net/{name}").Trim()))));
}
