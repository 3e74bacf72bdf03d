using System.Net;
using System.Runtime.Versioning;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Lab.Tests;

/// <summary>Addresses that come from elsewhere: real peers learn the way without having to ask.</summary>
[TestClass]
[SupportedOSPlatform("linux")]
public sealed class AnnouncementTests : LabTest
{
    private static readonly IPAddress s_four = IPAddress.Parse("10.77.0.200");
    private static readonly IPAddress s_six = IPAddress.Parse("fd77::200");

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void Peer_learns_where_a_moved_address_is_now(bool isSix)
    {
        var bed = Open(PortMode.L2, announces: true);
        var address = isSix ? s_six : s_four;
        Knows(bed, address);
        Assert.AreEqual(PortResult.Ok, bed.Datapath.AddAddress(bed.Red.Device, L3Prefix.Parse($"{address}/{(isSix ? 64 : 24)}")));
        Eventually.Holds(() => bed.Wire.NeighborOf(address) == bed.Datapath.Port.Mac, "the peer follows the address");
    }

    [TestMethod]
    public void Peer_learns_when_the_interface_comes_up_and_in_l3_nobody_is_told()
    {
        var bed = Open(PortMode.L2, announces: true);
        Assert.AreEqual(PortResult.Ok, bed.Datapath.SetUp(bed.Red.Device, false));
        Assert.AreEqual(PortResult.Ok, bed.Datapath.AddAddress(bed.Red.Device, L3Prefix.Parse($"{s_four}/24")));
        Knows(bed, s_four);
        Assert.AreEqual(PortResult.Ok, bed.Datapath.SetMode(PortMode.L3));
        Assert.AreEqual(PortResult.Ok, bed.Datapath.SetUp(bed.Red.Device, true));
        using (var frames = bed.Wire.OpenFrames())
            Assert.IsNull(frames.Receive(frame => IsArpFor(frame, s_four), TimeSpan.FromSeconds(3)), "nothing in l3");
        Assert.AreEqual(PortResult.Ok, bed.Datapath.SetMode(PortMode.L2));
        Eventually.Holds(() => bed.Wire.NeighborOf(s_four) == bed.Datapath.Port.Mac, "told as soon as it is l2 again");
    }

    private static bool IsArpFor(byte[] frame, IPAddress address) =>
        frame.Length >= 42 && frame[12] == 8 && frame[13] == 6 && frame.AsSpan(28, 4).SequenceEqual(address.GetAddressBytes());

    /// <summary>The peer has met the address at another station.</summary>
    private static void Knows(Bed bed, IPAddress address)
    {
        const string Elsewhere = "02:00:00:00:00:99";
        bed.Wire.Ip($"neigh replace {address} lladdr {Elsewhere} dev {bed.Wire.Device} nud stale");
        Assert.AreEqual(MacAddress.Parse(Elsewhere), bed.Wire.NeighborOf(address));
    }
}
