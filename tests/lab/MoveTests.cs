using System.Globalization;
using System.Runtime.Versioning;
using System.Text.RegularExpressions;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Wire;
using IpVlanWin.HostNetwork;

namespace IpVlanWin.Lab.Tests;

/// <summary>An interface changes its namespace while it and others carry traffic.</summary>
[TestClass]
[SupportedOSPlatform("linux")]
public sealed partial class MoveTests : LabTest
{
    [TestMethod]
    [DataRow(PortMode.L2)]
    [DataRow(PortMode.L3)]
    public async Task Interface_moves_there_and_back_and_nobody_else_notices(PortMode mode)
    {
        Tool.Require("ping", "iputils-ping");
        var bed = Open(mode);
        var elsewhere = bed.CreateNamespace("elsewhere");
        Bed.MustReach(bed.Red, bed.Wire);
        Bed.MustReach(bed.Green, bed.Wire);
        var before = bed.Status(bed.Red);
        // One in 10 ms by another interface all the while: none may be lost.
        var other = Task.Run(() => bed.Green.Exec("ping", "-q", "-n", "-i0.01", "-c400", "-W2", bed.Wire.Four.ToString()));
        foreach (var place in new[] { elsewhere.Name, null, bed.Red.Namespace.Name })
        {
            Assert.AreEqual(PortResult.Ok, bed.Datapath.Move(bed.Red.Device, place));
            var moved = bed.Status(bed.Red);
            Assert.AreEqual((place, false, 0), (moved.Namespace, moved.IsUp, moved.Addresses.Count(static prefix => !prefix.Address.ToIPAddress().IsIPv6LinkLocal)));
            // As the reconciler does.
            Assert.AreEqual(PortResult.Ok, bed.Datapath.AddAddress(bed.Red.Device, L3Prefix.Parse($"{bed.Red.Four}/24")));
            Assert.AreEqual(PortResult.Ok, bed.Datapath.SetUp(bed.Red.Device, true));
            var inside = place ?? bed.Host.Namespace.Name!;
            if (mode != PortMode.L2 && place is not null)
                Tool.Run("ip", "-n", inside, "route", "replace", "default", "dev", bed.Red.Device);
            Eventually.Holds(() => Tool.Try("ip", "netns", "exec", inside, "ping", "-c1", "-W1", "-I", bed.Red.Device, bed.Wire.Four.ToString()).Status == 0, $"red reaches the wire from {inside}");
        }
        var after = bed.Status(bed.Red);
        Assert.IsGreaterThan(before.Counters.TxPackets, after.Counters.TxPackets, "its counters go on");
        Assert.IsGreaterThan(before.Counters.RxPackets, after.Counters.RxPackets);
        var result = await other.ConfigureAwait(false);
        var match = Received().Match(result);
        Assert.AreEqual(("400", "400"), (match.Groups[1].Value, match.Groups[2].Value), result);
    }

    [TestMethod]
    public void Move_that_is_refused_leaves_it_where_it_was()
    {
        var bed = Open(PortMode.L2);
        Bed.MustReach(bed.Red, bed.Wire);
        Assert.ThrowsExactly<HostNetworkException>(() => bed.Datapath.Move(bed.Red.Device, "ipvlan-no-such-place"));
        var taken = bed.CreateNamespace("taken");
        Tool.Run("ip", "-n", taken.Name!, "link", "add", bed.Red.Device, "type", "veth", "peer", "name", "other");
        Assert.ThrowsExactly<HostNetworkException>(() => bed.Datapath.Move(bed.Red.Device, taken.Name));
        Assert.AreEqual((bed.Red.Namespace.Name, true), (bed.Status(bed.Red).Namespace, bed.Status(bed.Red).IsUp));
        Bed.MustReach(bed.Red, bed.Wire);
        Assert.AreEqual(PortResult.NoDevice, bed.Datapath.Move("nobody", null));
        Assert.AreEqual(PortResult.Ok, bed.Datapath.Move(bed.Red.Device, bed.Red.Namespace.Name), "where it is already");
        Bed.MustReach(bed.Red, bed.Wire);
    }

    [TestMethod]
    public void Moves_again_and_again_and_is_removed_where_it_is()
    {
        var bed = Open(PortMode.L2);
        var elsewhere = bed.CreateNamespace("elsewhere");
        for (var i = 0; i < 10; i++)
            Assert.AreEqual(PortResult.Ok, bed.Datapath.Move(bed.Red.Device, i % 2 == 0 ? elsewhere.Name : bed.Red.Namespace.Name), i.ToString(CultureInfo.InvariantCulture));
        Assert.AreEqual(PortResult.Ok, bed.Datapath.Move(bed.Red.Device, elsewhere.Name));
        Assert.AreEqual(PortResult.Ok, bed.Datapath.RemoveInterface(bed.Red.Device));
        Assert.AreNotEqual(0, Tool.Try("ip", "-n", elsewhere.Name!, "link", "show", bed.Red.Device).Status, "it is gone");
        Bed.MustReach(bed.Green, bed.Wire);
    }

    [GeneratedRegex(@"(\d+) packets transmitted, (\d+) received")]
    private static partial Regex Received();
}
