using System.Net;
using System.Runtime.Versioning;
using IpVlanWin.Engine.Ipvlan;

namespace IpVlanWin.Lab.Tests;

/// <summary>Frames with VLAN tags, through real devices, which take tags off and put them back (semantics 7, 8, 21 to 23).</summary>
[TestClass]
[SupportedOSPlatform("linux")]
public sealed class VlanTests : LabTest
{
    private const ushort Vlan = 0x6005;

    [TestMethod]
    [DataRow(46)]
    [DataRow(1500)]
    public void Tagged_frames_cross_l2_unchanged(int length)
    {
        var bed = Open(PortMode.L2);
        using var red = bed.Red.OpenFrames();
        using var wire = bed.Wire.OpenFrames();
        var packet = Frames.FourUdp(new IPEndPoint(bed.Red.Four, 4000), new IPEndPoint(bed.Wire.Four, 4001), Frames.Pattern(length - 28), mayFragment: true);

        var sent = Frames.Tagged(Frames.Ethernet(bed.Wire.Mac, bed.Red.Mac, Frames.Four, packet), Vlan);
        red.SendUntilSeen(sent, wire, frame => frame.AsSpan().SequenceEqual(sent));

        // Behind its tag a frame from the wire finds its owner, who gets the tag, too.
        var reply = Frames.FourUdp(new IPEndPoint(bed.Wire.Four, 4001), new IPEndPoint(bed.Red.Four, 4000), Frames.Pattern(length - 28), mayFragment: true);
        var back = Frames.Tagged(Frames.Ethernet(bed.Red.Mac, bed.Wire.Mac, Frames.Four, reply), Vlan);
        var before = bed.Status(bed.Red).Counters;
        wire.SendUntilSeen(back, red, frame => frame.AsSpan().SequenceEqual(back));
        Assert.IsGreaterThan(before.RxPackets, bed.Status(bed.Red).Counters.RxPackets);
    }

    [TestMethod]
    public void Tagged_frames_of_nobody_go_to_the_host()
    {
        var bed = Open(PortMode.L2);
        using var host = bed.Host.OpenFrames();
        using var wire = bed.Wire.OpenFrames();
        using var red = bed.Red.OpenFrames();
        var packet = Frames.FourUdp(new IPEndPoint(bed.Wire.Four, 1), new IPEndPoint(Bed.OffLinkFour, 2), Frames.Pattern(100), mayFragment: true);
        var frame = Frames.Tagged(Frames.Ethernet(bed.Host.Mac, bed.Wire.Mac, Frames.Four, packet), Vlan);
        wire.SendUntilSeen(frame, host, seen => seen.AsSpan().SequenceEqual(frame));
        Assert.IsNull(red.Receive(seen => seen.AsSpan().SequenceEqual(frame), TimeSpan.FromMilliseconds(50)));
    }

    [TestMethod]
    public void Tagged_frames_to_siblings_are_delivered_in_bridge_and_dropped_in_private()
    {
        var bed = Open(PortMode.L2);
        using var red = bed.Red.OpenFrames();
        using var green = bed.Green.OpenFrames();
        var packet = Frames.FourUdp(new IPEndPoint(bed.Red.Four, 1), new IPEndPoint(bed.Green.Four, 2), Frames.Pattern(100), mayFragment: true);
        var frame = Frames.Tagged(Frames.Ethernet(bed.Green.Mac, bed.Red.Mac, Frames.Four, packet), Vlan);
        red.SendUntilSeen(frame, green, seen => seen.AsSpan().SequenceEqual(frame));

        bed.Datapath.SetFlag(PortFlag.Private);
        Eventually.Holds(() =>
        {
            red.Send(frame);
            return bed.Drops(bed.Red, DropReason.TaggedPrivate) > 0;
        });
    }

    [TestMethod]
    [DataRow(PortMode.L3)]
    [DataRow(PortMode.L3S)]
    public void Tagged_frames_are_not_routed(PortMode mode)
    {
        var bed = Open(mode);
        using var red = bed.Red.OpenFrames();
        var packet = Frames.FourUdp(new IPEndPoint(bed.Red.Four, 1), new IPEndPoint(bed.Wire.Four, 2), Frames.Pattern(100), mayFragment: true);
        var frame = Frames.Tagged(Frames.Ethernet(bed.Wire.Mac, bed.Red.Mac, Frames.Four, packet), Vlan);
        Eventually.Holds(() =>
        {
            red.Send(frame);
            return bed.Drops(bed.Red, DropReason.NotIp) > 0;
        });
    }
}
