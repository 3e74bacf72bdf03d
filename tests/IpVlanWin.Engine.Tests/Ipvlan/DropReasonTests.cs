using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Routing;
using IpVlanWin.Engine.Tests.Oracle;
using IpVlanWin.Engine.Wire;
using static IpVlanWin.Engine.Tests.Oracle.Frames;

namespace IpVlanWin.Engine.Tests.Ipvlan;

/// <summary>
/// Semantics 58: every reason that a port itself gives, where it counts, and what else moves. Those of the queues around it
/// (backlog-full, neighbor-queue-full, device-queue-full) are counted by whoever keeps the queues: tests of the pump.
/// </summary>
[TestClass]
public sealed class DropReasonTests
{
    private static byte[] ToB => Ip(OwnMac, OwnMac, "10.0.0.2", "10.0.0.3");

    private static byte[] Far => Ip(OtherMac, OwnMac, "10.0.0.2", "192.0.2.1");

    private static byte[] FromWire => Ip(OwnMac, OtherMac, "10.0.0.99", "10.0.0.2");

    private sealed record Case(
        DropReason Reason, PortMode Mode, PortFlag Flag, byte[] Frame, Action<TestPort>? Prepare = null,
        string Sender = "a", string At = "a", string MovedAtA = "txDropped+1", string MovedAtB = "", SendError Error = SendError.NoBuffers);

    private static IEnumerable<Case> All()
    {
        var sent = (byte[] frame) => $"txPackets+1 txBytes+{frame.Length}";
        byte[] shortTag = [.. Mac(OwnMac), .. Mac(OwnMac), 0x81, 0, 0];
        byte[] oversize = Ip(OwnMac, OtherMac, "10.0.0.99", "10.0.0.2", Ipv4Payload(1519));

        yield return new(DropReason.Private, PortMode.L2, PortFlag.Private, ToB);
        yield return new(DropReason.Private, PortMode.L3, PortFlag.Private, ToB);
        yield return new(DropReason.Private, PortMode.L3S, PortFlag.Private, Ip(Broadcast, OwnMac, "fd00::2", "fd00::3"));
        yield return new(DropReason.TaggedPrivate, PortMode.L2, PortFlag.Private, ToB.Tagged(1));
        yield return new(DropReason.MulticastInL3, PortMode.L3, PortFlag.Bridge, Arp(Broadcast, OwnMac, "10.0.0.2", "10.0.0.99"));
        yield return new(DropReason.MulticastInL3, PortMode.L3S, PortFlag.Vepa, Ip(Group, OwnMac, "10.0.0.2", "10.0.0.3"));
        yield return new(DropReason.NotIp, PortMode.L3, PortFlag.Bridge, Far.Tagged(1));
        yield return new(DropReason.NotIp, PortMode.L3, PortFlag.Vepa, Arp(OtherMac, OwnMac, "10.0.0.2", "10.0.0.3"));
        yield return new(DropReason.Ipv4Header, PortMode.L3, PortFlag.Bridge, Far[..33]);
        yield return new(DropReason.Ipv6Header, PortMode.L3, PortFlag.Bridge, Ip(OtherMac, OwnMac, "fd00::2", "fd00::99")[..53]);
        yield return new(DropReason.SourceNotRoutable, PortMode.L3, PortFlag.Bridge, Ip(OtherMac, OwnMac, "127.0.0.1", "192.0.2.1"));
        yield return new(DropReason.DestinationNotRoutable, PortMode.L3, PortFlag.Bridge, Ip(OtherMac, OwnMac, "10.0.0.2", "10.0.0.255"));
        yield return new(DropReason.DestinationNotRoutable, PortMode.L3S, PortFlag.Bridge, Ip(OtherMac, OwnMac, "fd00::2", "ff01::1"), MovedAtA: sent(Ip(OtherMac, OwnMac, "fd00::2", "ff01::1")), Error: SendError.None);
        yield return new(DropReason.NoRoute, PortMode.L3, PortFlag.Bridge, Far, port => port.Port.RemoveRoute(L3Prefix.Parse("0.0.0.0/0"), new Route(L3Address.Parse("10.0.0.254"))));
        yield return new(DropReason.NoRoute, PortMode.L3, PortFlag.Bridge, Far, port => port.Port.AddRoute(L3Prefix.Parse("192.0.2.0/24"), new Route(null, 0, IsUnreachable: true)));
        // 38: the sender has sent it.
        yield return new(DropReason.MtuExceeded, PortMode.L2, PortFlag.Bridge, Ip(OwnMac, OwnMac, "10.0.0.2", "10.0.0.3", 100), port => port.Port.SetMtu(port.B, 68), At: "b", MovedAtA: sent(new byte[134]), MovedAtB: "rxErrors+1", Error: SendError.None);
        yield return new(DropReason.MtuExceeded, PortMode.L3, PortFlag.Bridge, Ip(OwnMac, OwnMac, "10.0.0.2", "10.0.0.3", 100), port => port.Port.SetMtu(port.B, 68), At: "b", MovedAtA: sent(new byte[134]), MovedAtB: "rxErrors+1", Error: SendError.None);
        yield return new(DropReason.MtuExceeded, PortMode.L2, PortFlag.Bridge, Ip(Broadcast, OwnMac, "10.0.0.2", "10.0.0.255", 100), port => port.Port.SetMtu(port.B, 68), At: "b", MovedAtA: sent(new byte[134]), MovedAtB: "rxErrors+1", Error: SendError.None);

        yield return new(DropReason.MasterDown, PortMode.L3, PortFlag.Bridge, Far, Down);
        yield return new(DropReason.MasterDown, PortMode.L2, PortFlag.Bridge, Far, Down, MovedAtA: sent(Far), Error: SendError.None);
        yield return new(DropReason.MasterDown, PortMode.L2, PortFlag.Bridge, Ip(OwnMac, OwnMac, "10.0.0.2", "10.0.0.99"), Down, MovedAtA: sent(Far), Error: SendError.None);
        yield return new(DropReason.MasterDown, PortMode.L2, PortFlag.Bridge, FromWire, Down, Sender: "", At: "", MovedAtA: "", Error: SendError.None);
        yield return new(DropReason.InterfaceDown, PortMode.L2, PortFlag.Bridge, ToB, port => port.Port.SetUp(port.A, false), MovedAtA: "", Error: SendError.NetworkDown);
        yield return new(DropReason.Runt, PortMode.L3S, PortFlag.Bridge, ToB[..13], MovedAtA: "", Error: SendError.Invalid);
        yield return new(DropReason.Runt, PortMode.L2, PortFlag.Bridge, [], MovedAtA: "", Error: SendError.Invalid);
        yield return new(DropReason.Runt, PortMode.L3, PortFlag.Bridge, FromWire[..13], Sender: "", At: "", MovedAtA: "", Error: SendError.None);
        yield return new(DropReason.Oversize, PortMode.L2, PortFlag.Bridge, Ip(OtherMac, OwnMac, "10.0.0.2", "10.0.0.3", Ipv4Payload(1515)), MovedAtA: "", Error: SendError.MessageTooLong);
        yield return new(DropReason.Oversize, PortMode.L2, PortFlag.Bridge, Ip(OtherMac, OwnMac, "10.0.0.2", "10.0.0.3", Ipv4Payload(1515)).Tagged(), MovedAtA: "", Error: SendError.MessageTooLong);
        yield return new(DropReason.Oversize, PortMode.L2, PortFlag.Bridge, Ip(OtherMac, OwnMac, "10.0.0.2", "10.0.0.3", Ipv4Payload(1511)).Tagged(0, 0x88a8), MovedAtA: "", Error: SendError.MessageTooLong);
        yield return new(DropReason.Oversize, PortMode.L3S, PortFlag.Bridge, oversize, Sender: "", At: "", MovedAtA: "", Error: SendError.None);
        yield return new(DropReason.ShortTag, PortMode.L2, PortFlag.Bridge, shortTag, MovedAtA: sent(shortTag), Error: SendError.None);
        yield return new(DropReason.ShortTag, PortMode.L2, PortFlag.Private, shortTag, MovedAtA: sent(shortTag), Error: SendError.None);
        yield return new(DropReason.ShortTag, PortMode.L3, PortFlag.Bridge, shortTag, Sender: "", At: "", MovedAtA: "", Error: SendError.None);
        yield return new(DropReason.Pause, PortMode.L2, PortFlag.Vepa, Pause("01:80:c2:00:00:01", OwnMac), MovedAtA: sent(new byte[60]), Error: SendError.None);
        yield return new(DropReason.L3sInvalid, PortMode.L3S, PortFlag.Bridge, Ip(OwnMac, OtherMac, "127.0.0.1", "10.0.0.2"), Sender: "", At: "a", MovedAtA: "", Error: SendError.None);

        static void Down(TestPort port) => port.Port.SetMasterUp(false);
    }

    public static IEnumerable<object[]> Numbers => All().Select((each, i) => new object[] { i, each.Reason, each.Mode, each.Flag });

    [TestMethod]
    [DynamicData(nameof(Numbers))]
    public void A_dropped_frame_counts_once_where_it_belongs(int number, DropReason reason, PortMode mode, PortFlag flag)
    {
        var each = All().ElementAt(number);
        var port = new TestPort(mode, flag);
        each.Prepare?.Invoke(port);
        var places = each.Sender.Length == 0 ? port.FromWire(each.Frame) : port.From(port[each.Sender], each.Frame);
        var word = reason.Word();
        Assert.AreEqual(each.At.Length == 0 ? $"port:{word}+1" : $"port:{word}+1 {each.At}:{word}+1", port.Reasons());
        Assert.AreEqual(each.MovedAtA, port.Moved(port.A));
        Assert.AreEqual(each.MovedAtB, port.Moved(port.B));
        port.AssertStill(port.A, port.B);
        Assert.AreEqual(each.Error, port.Decision.SendError);
        var whereElse = reason == DropReason.L3sInvalid ? "host" : port.Decision.Action == DecisionAction.FloodSent ? "wire" : "";
        Assert.AreEqual(whereElse, places);
    }

    [TestMethod]
    public void Every_reason_of_the_port_has_its_case_and_every_reason_its_word()
    {
        DropReason[] ofQueues = [DropReason.None, DropReason.NeighborQueueFull, DropReason.BacklogFull, DropReason.DeviceQueueFull];
        CollectionAssert.AreEquivalent(Enum.GetValues<DropReason>().Except(ofQueues).ToArray(), All().Select(each => each.Reason).Distinct().ToArray());
        Assert.AreEqual(
            "none private tagged-private multicast-in-l3 not-ip ipv4-header ipv6-header source-not-routable destination-not-routable no-route mtu-exceeded " +
            "neighbor-queue-full master-down interface-down runt oversize short-tag backlog-full pause l3s-invalid device-queue-full",
            string.Join(' ', Enum.GetValues<DropReason>().Select(reason => reason.Word())));
        Assert.HasCount(DropReasons.Count, Enum.GetValues<DropReason>());
    }

    [TestMethod]
    [DataRow(DropReason.BacklogFull)]
    [DataRow(DropReason.NeighborQueueFull)]
    [DataRow(DropReason.DeviceQueueFull)]
    public void Reasons_counted_from_outside_move_nothing_else(DropReason reason)
    {
        var port = new TestPort(PortMode.L2, PortFlag.Bridge);
        port.Port.Snapshot.CountDrop(reason, port.A);
        port.Port.Snapshot.CountDrop(reason);
        Assert.AreEqual(2, port.Port.Drops[reason]);
        Assert.AreEqual(1, port.A.Drops[reason]);
        Assert.AreEqual(0, port.A.Counters.TxDropped);
    }

    [TestMethod]
    public void The_longest_frames_pass()
    {
        var port = new TestPort(PortMode.L2, PortFlag.Bridge);
        var longest = Ip(OtherMac, OwnMac, "10.0.0.2", "10.0.0.3", Ipv4Payload(1514));
        Assert.AreEqual("wire", port.From(port.A, longest));
        Assert.AreEqual("wire", port.From(port.A, longest.Tagged(1)));
        Assert.AreEqual("a", port.FromWire(Ip(OwnMac, OtherMac, "10.0.0.99", "10.0.0.2", Ipv4Payload(1518))));
        Assert.AreEqual("wire", port.From(port.A, Ethernet(OtherMac, OwnMac, 0x0800, [])), "14 bytes are a frame (rule 40)");
        Assert.AreEqual("host", port.FromWire(Ethernet(OtherMac, OwnMac, 0x0800, [])));
    }
}
