using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.Versioning;
using IpVlanWin.HostNetwork;
using IpVlanWin.HostNetwork.Linux;
using IpVlanWin.Protocol;
using static IpVlanWin.WinDivert.Tests.EndToEnd.Talk;

namespace IpVlanWin.WinDivert.Tests.EndToEnd;

/// <summary>The whole service under load: long packets, handle sets changed, bursts beyond the queue, a host that changes without end.</summary>
[TestClass]
[SupportedOSPlatform("linux")]
public sealed class ServiceLoadTests
{
    private static readonly string[] s_own = ["10.9.1.1", "fd0a::1"], s_inside = ["10.9.2.1", "fd0b::1"], s_wire = [DivertBed.WireFour, DivertBed.WireSix];

    [TestMethod]
    public void LongPackets_AndHandlesChangedUnderLoad_BothStandIns()
    {
        using var bed = new DivertBed();
        var folder = RunningService.NewFolder();
        using var container = new NamedContainer();
        using var service = new RunningService(bed, folder);
        service.Add("ipvl0", null, "bridge", "10.9.1.1/24", "fd0a::1/64");
        service.Add("ipvl1", container.Name, "bridge", "10.9.2.1/24", "fd0b::1/64");
        for (var family = 0; family < 2; family++)
        {
            End own = new(bed.Host, s_own[family]), inside = new(container.Space, s_inside[family]), wire = new(bed.Wire, s_wire[family]);
            foreach (var bytes in (int[])[1_473, 4_000, 20_000])
            {
                foreach (var (from, to) in ((End, End)[])[(own, wire), (inside, wire), (own, inside)])
                    Udp(from, to, bytes);
            }
        }
        using (var toWire = new RunningStream(new End(bed.Host, s_own[0]), new End(bed.Wire, s_wire[0]), isPaced: true))
        using (var fromWire = new RunningStream(new End(bed.Wire, s_wire[1]), new End(container.Space, s_inside[1]), isPaced: true))
        using (var between = new RunningStream(new End(container.Space, s_inside[0]), new End(bed.Host, s_own[0]), isPaced: true))
        {
            RunningStream[] streams = [toWire, fromWire, between];
            for (var round = 0; round < 2; round++)
            {
                string[] more = [.. Enumerable.Range(0, 40).Select(i => $"10.9.{3 + round}.{(i * 2) + 1}/32"), .. Enumerable.Range(0, 40).Select(i => $"fd0a::{round + 1}:{i * 2:x}/128")];
                service.Add($"more{round}", round == 0 ? null : container.Name, "bridge", more);
                foreach (var stream in streams)
                    stream.WaitForMore(100_000);
                service.Client.RemoveInterfaceAsync($"more{round}").Wait();
                foreach (var stream in streams)
                    stream.WaitForMore(100_000);
            }
            foreach (var stream in streams)
                stream.Stop();
        }
        service.Stop();
        Directory.Delete(folder, recursive: true);
    }

    /// <summary>The engine stands still for a while, and WinDivert loses what it cannot keep: counted by the port, told in the log.</summary>
    [TestMethod]
    public void BurstBeyondTheQueue_IsToldAndCounted()
    {
        using var bed = new DivertBed();
        var folder = RunningService.NewFolder();
        using var service = new RunningService(bed, folder, "--prometheus", "127.0.0.1:9464");
        service.Add("ipvl0", null, "bridge", "10.9.1.1/24");
        using var from = new End(bed.Wire, DivertBed.WireFour).Bound(SocketType.Dgram);
        using var to = new End(bed.Host, "10.9.1.1").Bound(SocketType.Dgram);
        Udp(new End(bed.Wire, DivertBed.WireFour), new End(bed.Host, "10.9.1.1"));
        var before = Received();
        long sent = 0;
        Signal("-STOP");
        // Longer than WinDivert keeps packets, and into the time when they are read again.
        var clock = Stopwatch.StartNew();
        for (var isStopped = true; isStopped || clock.Elapsed < TimeSpan.FromSeconds(1.5); sent++)
        {
            from.SendTo(new byte[10], to.LocalEndPoint!);
            if (!isStopped || clock.Elapsed < TimeSpan.FromSeconds(1))
                continue;
            isStopped = false;
            Signal("-CONT");
        }
        service.WaitForLog("queue-overrun subject=m0 before=0 after=");
        var lost = sent - (Received() - before);
        var told = service.Port.LostPackets;
        Console.WriteLine($"{sent} sent, {lost} lost, {told} told at most");
        Assert.IsGreaterThan(1_000, lost);
        // ARP passes the adapter too.
        Assert.IsTrue(told >= lost && told <= lost + 100, $"{told} told, {lost} lost: {service.Log}");
        Assert.Contains($"lost packets, {told} at most", service.Log);
        var metric = Metrics().Split('\n').Single(static line => line.Contains("device-queue-full", StringComparison.Ordinal));
        Assert.IsTrue(metric.StartsWith("ipvlan_frames_dropped", StringComparison.Ordinal) && metric.TrimEnd().EndsWith($" {told}", StringComparison.Ordinal), metric);
        service.Stop();
        Directory.Delete(folder, recursive: true);

        long Received() => service.Client.GetStatisticsAsync(new ListQuery { Interface = "ipvl0" }).Result.Items[0].RxPackets;

        string Metrics()
        {
            using var socket = bed.Host.Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            socket.Connect(IPAddress.Loopback, 9464);
            using var stream = new NetworkStream(socket);
            stream.Write("GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:9464\r\nConnection: close\r\n\r\n"u8);
            using var reader = new StreamReader(stream);
            return reader.ReadToEnd();
        }

        void Signal(string signal)
        {
            using var kill = Process.Start("kill", [signal, $"{service.Process.Id}"]);
            kill.WaitForExit();
        }
    }

    /// <summary>Ten thousand changes as fast as netlink takes them, under a running port.</summary>
    [TestMethod]
    public void Storm_Converges()
    {
        const int Rounds = 14, Things = 400;
        using var bed = new DivertBed();
        var folder = RunningService.NewFolder();
        using var service = new RunningService(bed, folder);
        service.Add("ipvl0", null, "bridge", "10.9.1.1/24", "fd0a::1/64");
        var memory = Resident(service);
        var clock = Stopwatch.StartNew();
        var made = bed.Host.Run(() =>
        {
            using var netlink = RouteNetlink.Open();
            var (master, standIn) = (netlink.GetLink("m0").Index, netlink.GetLink("ipvl0").Index);
            var batch = netlink.CreateBatch();
            var changes = 0;
            for (var round = 0; round < Rounds; round++)
            {
                for (var i = 0; i < Things; i++)
                {
                    var address = new IPAddress([10, 250, (byte)(i >> 8), (byte)i]);
                    var route = new HostRoute { Destination = new IPNetwork(new IPAddress([198, 18, (byte)(i >> 8), (byte)i]), 32), LinkIndex = master, Metric = 7 };
                    if (round % 2 == 0)
                    {
                        batch.AddAddress(master, address, 32);
                        batch.AddRoute(route);
                    }
                    else if (round != Rounds - 1 || i % 3 != 0)
                    {
                        // Of the last round a third stays.
                        batch.RemoveAddress(master, address, 32);
                        batch.RemoveRoute(route);
                    }
                    changes += 2;
                }
                Assert.IsEmpty(batch.Send());
                netlink.SetMtu(master, 1500 - round);
                // What is put back in between is taken off again.
                if (netlink.ListAddresses(standIn).FirstOrDefault(static one => one.Address.Equals(IPAddress.Parse("10.9.1.1"))) is { } own)
                    netlink.RemoveAddress(standIn, own.Address, own.PrefixLength);
            }
            return changes;
        });
        var changed = clock.Elapsed;
        service.WaitFor(() => service.Get("ipvl0").Mtu == 1500 - (Rounds - 1) && bed.Host.AskIp("-o addr show dev ipvl0").Contains("10.9.1.1/32", StringComparison.Ordinal)
            && bed.Host.AskIp("-o link show dev ipvl0").Contains($"mtu {1500 - (Rounds - 1)} ", StringComparison.Ordinal), "the host's last state");
        var converged = clock.Elapsed;
        var kept = Resident(service) - memory;
        Console.WriteLine($"{made} changes in {changed.TotalSeconds:F2} s, converged {(converged - changed).TotalMilliseconds:F0} ms later; {kept / 1024} MiB more resident");
        Assert.IsGreaterThanOrEqualTo(10_000, made);
        Assert.IsLessThan(128 * 1024, kept, "what is kept is the state, not its history");
        for (var family = 0; family < 2; family++)
            Both(new End(bed.Host, s_own[family]), new End(bed.Wire, s_wire[family]));
        // An address of the host's that came in the storm is the host's, and is seen to be: an interface cannot have it.
        service.Client.AddAddressAsync(new AddressSpec { Interface = "ipvl0", Prefix = "10.250.0.0/32" }).Wait();
        service.WaitForLog("address-duplicate subject=ipvl0 before=10.250.0.0");
        service.Stop();
        Directory.Delete(folder, recursive: true);
    }

    /// <summary>KiB of memory that the service's process has.</summary>
    private static long Resident(RunningService service) => long.Parse(
        File.ReadLines($"/proc/{service.Process.Id}/status").First(static line => line.StartsWith("VmRSS:", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1],
        CultureInfo.InvariantCulture);
}
