using System.Runtime.Versioning;
using IpVlanWin.Datapath.WinDivert;
using IpVlanWin.Engine.Ipvlan;
using static IpVlanWin.WinDivert.Tests.EndToEnd.Talk;

namespace IpVlanWin.WinDivert.Tests.EndToEnd;

/// <summary>TCP and UDP between interfaces and the wire, and between interfaces, for both stand-ins.</summary>
[TestClass]
[SupportedOSPlatform("linux")]
public sealed class ReachTests
{
    /// <summary>Each [I] turned one way and the other.</summary>
    [TestMethod]
    [DataRow("")]
    [DataRow("offload")]
    [DataRow("loopback-index=STANDIN")]
    [DataRow("newest-first,fragment-over-mtu")]
    [DataRow("rsc")]
    [DataRow("impostor")]
    public void LoopbackStandIn_BothWays(string switches)
    {
        using var bed = new DivertBed(switches);
        string[] one = ["10.9.1.1", "fd0a::1"], two = ["10.9.1.2", "fd0a::2"];
        bed.AddLocal([.. one, .. two]);
        var port = DivertBed.MakePort(PortFlag.Bridge, one, two);
        using var traffic = new DivertedTraffic(port, new DivertSettings());
        traffic.Apply(bed.Arrangement);
        for (var family = 0; family < 2; family++)
        {
            var wire = new End(bed.Wire, family == 0 ? DivertBed.WireFour : DivertBed.WireSix);
            Both(new End(bed.Host, one[family]), wire);
            Both(wire, new End(bed.Host, one[family]));
            Both(new End(bed.Host, one[family]), new End(bed.Host, two[family]));
        }
        AssertCounted(traffic);
        var counters = port.Find("ipvl1")!.Counters;
        Assert.IsGreaterThan(200_000, counters.RxBytes);
        Assert.IsGreaterThan(200_000, counters.TxBytes);
    }

    [TestMethod]
    public void SwitchStandIn_BothWays()
    {
        using var bed = new DivertBed();
        string[] one = ["10.9.2.1", "fd0b::1"], two = ["10.9.2.2", "fd0b::2"], local = ["10.9.1.1", "fd0a::1"];
        var first = bed.AddContainer(one);
        var second = bed.AddContainer(two);
        bed.AddLocal(local);
        var port = DivertBed.MakePort(PortFlag.Bridge, one, two, local);
        using var traffic = new DivertedTraffic(port, new DivertSettings());
        traffic.Apply(bed.Arrangement);
        for (var family = 0; family < 2; family++)
        {
            var wire = new End(bed.Wire, family == 0 ? DivertBed.WireFour : DivertBed.WireSix);
            Both(new End(first, one[family]), wire);
            Both(wire, new End(first, one[family]));
            Both(new End(first, one[family]), new End(second, two[family]));
            Both(new End(first, one[family]), new End(bed.Host, local[family]));
            Both(new End(bed.Host, local[family]), new End(second, two[family]));
        }
        AssertCounted(traffic);
        foreach (var name in (string[])["ipvl0", "ipvl1", "ipvl2"])
        {
            Assert.IsGreaterThan(200_000, port.Find(name)!.Counters.RxBytes, name);
            Assert.IsGreaterThan(200_000, port.Find(name)!.Counters.TxBytes, name);
        }
    }

    /// <summary>Addresses with gaps between all of them, the worst case for filters.</summary>
    [TestMethod]
    [DataRow(254, DivertForm.Fewest, 3, false, false)]
    [DataRow(255, DivertForm.Addresses, 6, false, false)]
    [DataRow(1_000, DivertForm.Fewest, 3, false, false)]
    [DataRow(1_000, DivertForm.Addresses, 13, false, false)]
    [DataRow(254, DivertForm.Fewest, 3, true, false)]
    [DataRow(255, DivertForm.Addresses, 6, true, false)]
    [DataRow(1_000, DivertForm.Addresses, 13, true, false)]
    [DataRow(254, DivertForm.Fewest, 4, false, true)]
    [DataRow(255, DivertForm.Fewest, 4, true, true)]
    [DataRow(1_000, DivertForm.Fewest, 8, false, true)]
    [DataRow(1_000, DivertForm.Fewest, 8, true, true)]
    public void ManyAddresses_AllReached(int count, DivertForm form, int handles, bool isSix, bool isContainer)
    {
        using var bed = new DivertBed();
        string[] addresses = [.. Enumerable.Range(0, count).Select(i => isSix ? $"fd0a::{(i * 2) + 1:x}" : $"10.9.{16 + (i / 100)}.{(i % 100 * 2) + 1}")];
        var space = bed.Host;
        if (isContainer)
            space = bed.AddContainer(addresses);
        else
            bed.AddLocal(addresses);
        var port = DivertBed.MakePort(PortFlag.Bridge, addresses[..^1], [addresses[^1]]);
        using var traffic = new DivertedTraffic(port, new DivertSettings { Form = form });
        traffic.Apply(bed.Arrangement);
        Console.WriteLine($"{count} addresses, {form}: {traffic.HandleCount} handles");
        Assert.AreEqual(handles, traffic.HandleCount);
        var wire = new End(bed.Wire, isSix ? DivertBed.WireSix : DivertBed.WireFour);
        foreach (var i in (int[])[0, 1, 249, 250, 253, count / 2, count - 1])
        {
            Udp(wire, new End(space, addresses[i]));
            // A container talks to itself without anybody.
            if (!isContainer)
                Udp(new End(space, addresses[i]), new End(space, addresses[^1]));
        }
        Tcp(new End(space, addresses[^1]), wire);
        AssertCounted(traffic);
        Assert.IsGreaterThanOrEqualTo(5, port.Find("ipvl0")!.Counters.RxPackets);
    }

    [TestMethod]
    public void Private_KeepsInterfacesApart_AndNotFromTheWire()
    {
        using var bed = new DivertBed();
        string[] one = ["10.9.1.1", "fd0a::1"], two = ["10.9.1.2", "fd0a::2"], three = ["10.9.2.1", "fd0b::1"], four = ["10.9.2.2", "fd0b::2"];
        bed.AddLocal([.. one, .. two]);
        End[][] ends =
        [
            [.. one.Select(address => new End(bed.Host, address))], [.. two.Select(address => new End(bed.Host, address))],
            [.. bed.AddContainer(three) is var first ? three.Select(address => new End(first, address)) : []],
            [.. bed.AddContainer(four) is var second ? four.Select(address => new End(second, address)) : []],
        ];
        var port = DivertBed.MakePort(PortFlag.Private, one, two, three, four);
        using var traffic = new DivertedTraffic(port, new DivertSettings { StartSafetyNet = () => SafetyNetProcess.Start(bed) });
        traffic.Apply(bed.Arrangement);
        for (var family = 0; family < 2; family++)
        {
            foreach (var from in ends)
            {
                Both(from[family], new End(bed.Wire, family == 0 ? DivertBed.WireFour : DivertBed.WireSix));
                foreach (var to in ends.Where(to => to != from))
                    AssertApart(from[family], to[family]);
            }
        }
        Assert.IsGreaterThanOrEqualTo(2 * 4 * 3 * 5, port.Drops[DropReason.Private]);
        Assert.IsGreaterThanOrEqualTo(2 * 3 * 5, port.Find("ipvl0")!.Counters.TxDropped);
        Assert.AreEqual(port.Drops[DropReason.Private], traffic.Statistics.Dropped);
        // The flag of a running port: open, and closed again.
        Assert.AreEqual(PortResult.Ok, traffic.SetFlag(PortFlag.Bridge));
        Both(ends[0][0], ends[1][0]);
        Both(ends[0][1], ends[2][1]);
        Assert.AreEqual(PortResult.Ok, traffic.SetFlag(PortFlag.Private));
        AssertApart(ends[0][0], ends[1][0]);
        AssertApart(ends[2][1], ends[0][1]);
    }

    private static void AssertCounted(DivertedTraffic traffic)
    {
        // The last acknowledgements may still be on their way.
        var deadline = Environment.TickCount64 + 10_000;
        DivertStatistics statistics;
        while ((statistics = traffic.Statistics).Received != statistics.Passed && Environment.TickCount64 < deadline)
            Thread.Sleep(2);
        Assert.IsGreaterThan(0, statistics.Received);
        Assert.AreEqual(statistics.Received, statistics.Passed, statistics.ToString());
        Assert.AreEqual((0L, 0L, 0L), (statistics.Dropped, statistics.Unreadable, statistics.SendFailures));
        Assert.IsFalse(traffic.Completion.IsFaulted);
    }
}
