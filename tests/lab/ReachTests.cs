using System.Net;
using System.Runtime.Versioning;
using IpVlanWin.Engine.Ipvlan;

namespace IpVlanWin.Lab.Tests;

/// <summary>Who reaches whom, by ping, for each mode and flag (semantics sections 3 to 6).</summary>
[TestClass]
[SupportedOSPlatform("linux")]
public sealed class ReachTests : LabTest
{
    private const string Outside = "red>wire wire>red green>wire wire>green host>wire wire>host";
    private const string Siblings = "red>green green>red ";

    [TestMethod]
    [DataRow(PortMode.L2, PortFlag.Bridge, Siblings + Outside)]
    [DataRow(PortMode.L2, PortFlag.Private, Outside)]
    [DataRow(PortMode.L2, PortFlag.Vepa, Outside)]
    [DataRow(PortMode.L3, PortFlag.Bridge, Siblings + Outside)]
    [DataRow(PortMode.L3, PortFlag.Private, Outside)]
    [DataRow(PortMode.L3, PortFlag.Vepa, Outside)]
    [DataRow(PortMode.L3S, PortFlag.Bridge, Siblings + Outside)]
    [DataRow(PortMode.L3S, PortFlag.Private, Outside)]
    [DataRow(PortMode.L3S, PortFlag.Vepa, Outside)]
    public async Task Pings_reach_whom_they_must_and_nobody_else(PortMode mode, PortFlag flag, string expected)
    {
        var bed = Open(mode, flag);
        Station[] stations = [bed.Red, bed.Green, bed.Host, bed.Wire];
        var targets = stations.Select(station => (Name: station.Role, station.Four, station.Six)).Append((Name: "off-link", Four: Bed.OffLinkFour, Six: Bed.OffLinkSix));
        var probes = from sender in stations
                     from target in targets
                     where sender.Role != target.Name && (sender != bed.Wire || target.Name != "off-link")
                     from isSix in new[] { false, true }
                     select ProbeAsync(sender, target.Name, isSix ? target.Six : target.Four, isSix, expected.Split(' '));
        var wrong = (await Task.WhenAll(probes).ConfigureAwait(false)).Where(finding => finding is not null);
        Assert.AreEqual("", string.Join(", ", wrong));

        var siblingDrops = bed.Drops(bed.Red, DropReason.Private);
        Assert.AreEqual(flag == PortFlag.Private, siblingDrops > 0, $"drops as private: {siblingDrops}");
        Assert.IsFalse(bed.Datapath.Completion.IsCompleted);
    }

    [TestMethod]
    public void The_wire_knows_everybody_by_the_masters_mac()
    {
        var bed = Open(PortMode.L2);
        foreach (var station in new[] { bed.Red, bed.Green, bed.Host })
        {
            foreach (var isSix in new[] { false, true })
            {
                Bed.MustReach(bed.Wire, station, isSix);
                Assert.AreEqual(bed.Datapath.Port.Mac, bed.Wire.NeighborOf(station.Address(isSix)), $"{station}, IPv{(isSix ? 6 : 4)}");
            }
        }
        Assert.AreEqual(bed.Datapath.Port.Mac, bed.Red.Mac);
        CollectionAssert.AreEqual(new[] { bed.Datapath.Port.Mac }, bed.WireSourceMacs.ToArray());
    }

    [TestMethod]
    public void Routed_packets_take_the_hosts_default_route()
    {
        var bed = Open(PortMode.L3);
        Bed.MustNotReach(bed.Red, Bed.OffLinkFour);
        Eventually.Holds(() => bed.Drops(bed.Red, DropReason.NoRoute) > 0);
        bed.Host.Ip($"route add default via {bed.Wire.Four}");
        bed.Host.Ip($"-6 route add default via {bed.Wire.Six}");
        Bed.MustReach(bed.Red, Bed.OffLinkFour);
        Bed.MustReach(bed.Red, Bed.OffLinkSix);
        bed.Host.Ip($"route add unreachable {Bed.OffLinkFour}");
        Eventually.Holds(() => !Bed.ReachesAsync(bed.Red, Bed.OffLinkFour).GetAwaiter().GetResult());
        Bed.MustReach(bed.Red, Bed.OffLinkSix);
    }

    private static async Task<string?> ProbeAsync(Station from, string name, IPAddress to, bool isSix, string[] expected)
    {
        var mustReach = expected.Contains($"{from}>{name}");
        var isReached = await Bed.ReachesAsync(from, to).ConfigureAwait(false);
        // A busy machine may be slow; a path that is closed stays closed.
        for (var retries = 0; mustReach && !isReached && retries < 5; retries++)
            isReached = await Bed.ReachesAsync(from, to).ConfigureAwait(false);
        return isReached == mustReach ? null : $"{from}>{name} IPv{(isSix ? 6 : 4)} {(isReached ? "reached" : "not reached")}";
    }
}
