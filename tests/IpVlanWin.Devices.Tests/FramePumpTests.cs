using IpVlanWin.Devices.Memory;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Tests.Oracle;
using IpVlanWin.Engine.Wire;
using static IpVlanWin.Engine.Tests.Oracle.Frames;

namespace IpVlanWin.Devices.Tests;

[TestClass]
public sealed partial class FramePumpTests
{
    private const string NeighborMac = "02:00:00:00:0a:0a";

    private static byte[] ToA => Ip(OwnMac, OtherMac, "10.0.0.99", "10.0.0.2");

    private static byte[] Far => Ip(OtherMac, OwnMac, "10.0.0.2", "192.0.2.1");

    private static byte[] OnLink(int number) => Ip(OtherMac, OwnMac, "10.0.0.2", "10.0.0.77", 20 + number);

    private static (Port Port, VirtualInterface A, VirtualInterface B) NewPort(PortMode mode = PortMode.L2, PortFlag flag = PortFlag.Bridge)
    {
        var port = new TestPort(mode, flag);
        return (port.Port, port.A, port.B);
    }

    [TestMethod]
    public void Batches_go_where_the_decisions_say()
    {
        var (port, a, b) = NewPort();
        using var bed = new FramePumpBed(port);
        bed.Wire.Inject(ToA);
        bed.Wire.Inject(Ip(OwnMac, OtherMac, "10.0.0.99", "10.0.0.1"));
        bed.Wire.Inject(Arp(Broadcast, OtherMac, "10.0.0.99", "10.0.0.2"));
        Assert.IsTrue(bed.Pump.ReceiveFromWire(TimeSpan.Zero));
        Assert.IsFalse(bed.Pump.ReceiveFromWire(TimeSpan.Zero));
        Assert.AreEqual("a,host", bed.Places());
        Assert.AreEqual(1, bed.Pump.BacklogCount);
        Assert.IsFalse(bed.Pump.Flood(100));
        Assert.AreEqual("a,b,host", bed.Places());

        bed[a].Inject(Ip(OwnMac, OwnMac, "10.0.0.2", "10.0.0.3"));
        bed[a].Inject(Far);
        bed[a].Inject(Arp(Broadcast, OwnMac, "10.0.0.2", "10.0.0.3"));
        Assert.IsTrue(bed.Pump.ReceiveFromInterface(a, TimeSpan.Zero));
        Assert.IsFalse(bed.Pump.ReceiveFromInterface(a, TimeSpan.Zero));
        bed.Pump.Flood(100);
        Assert.AreEqual("b,b,wire,wire", bed.Places());
        Assert.IsFalse(bed.Pump.ReceiveFromInterface(b, TimeSpan.Zero));
        Assert.AreEqual(3, a.Counters.TxPackets);
    }

    [TestMethod]
    public void The_hosts_frames_go_to_the_wire_and_nowhere_else()
    {
        var (port, a, _) = NewPort();
        using var bed = new FramePumpBed(port);
        bed.Host.Inject(Ip(OwnMac, OwnMac, "10.0.0.1", "10.0.0.2"));
        bed.Host.Inject(Arp(Broadcast, OwnMac, "10.0.0.1", "10.0.0.2"));
        Assert.IsTrue(bed.Pump.ReceiveFromHost());
        Assert.IsFalse(bed.Pump.ReceiveFromHost());
        Assert.AreEqual("wire,wire", bed.Places());
        Assert.AreEqual(0, a.Counters.RxPackets);
        port.SetMasterUp(false);
        bed.Host.Inject(ToA);
        bed.Pump.ReceiveFromHost();
        Assert.AreEqual("", bed.Places());
        Assert.AreEqual(1, port.Drops[DropReason.MasterDown]);
    }

    [TestMethod]
    [DataRow(0x8100)]
    [DataRow(0x88a8)]
    [DataRow(0)]
    [DataRow(0x8100, 0x88a8)]
    [DataRow(0x8100, 0x8100, 0x8100)]
    public void L3s_hands_up_the_packet_without_tag_and_padding(params int[] tags)
    {
        var (port, a, _) = NewPort(PortMode.L3S);
        using var bed = new FramePumpBed(port);
        byte[] frame = [.. ToA, 1, 2, 3, 4, 5];
        foreach (var tag in tags.Where(tag => tag != 0))
            frame = frame.Tagged(0x2000, tag);
        Assert.AreEqual(DecisionAction.HostAndLocal, bed.Send(null, frame).Action);
        Assert.IsTrue(bed.Host.TryTake(out var atHost));
        CollectionAssert.AreEqual(frame, atHost.ToArray(), "the host's copy is the frame as it was");
        Assert.IsTrue(bed[a].TryTake(out var atInterface));
        CollectionAssert.AreEqual(ToA, atInterface.ToArray());
        Assert.AreEqual(ToA.Length, a.Counters.RxBytes);
    }

    [TestMethod]
    public void L3s_moves_the_offload_with_the_tag()
    {
        var (port, a, _) = NewPort(PortMode.L3S);
        using var bed = new FramePumpBed(port);
        var frame = Ip(OwnMac, OtherMac, "10.0.0.99", "10.0.0.2", 300).Tagged();
        bed.Send(null, frame, new FrameOffload(38, 6));
        Assert.IsTrue(bed[a].TryTake(out _, out var offload));
        Assert.AreEqual(new FrameOffload(34, 6), offload);
    }

    [TestMethod]
    public void Flooding_in_slices_gives_everybody_one_copy()
    {
        for (var slice = 1; slice < 8; slice++)
        {
            var fixture = new TestPort(PortMode.L2, PortFlag.Bridge);
            for (var i = 0; i < 4; i++)
                fixture.Add($"d{i}");
            using var bed = new FramePumpBed(fixture.Port);
            var received = Arp(Broadcast, OtherMac, "10.0.0.99", "10.0.0.2");
            var sent = Arp(Broadcast, OwnMac, "10.0.0.3", "10.0.0.2");
            bed.Send(null, received);
            bed.Send(fixture.B, sent);
            var copies = 0;
            List<NaiveCopy> all = [];
            while (true)
            {
                var hasMore = bed.Pump.Flood(slice);
                var some = bed.TakeAll();
                copies = some.Count(copy => copy.Place is not (NaiveCopy.Wire or NaiveCopy.Host));
                Assert.IsLessThanOrEqualTo(slice, copies);
                all.AddRange(some);
                if (!hasMore)
                    break;
            }
            // Received: a, b, d0 to d3 and the host. Sent by b: a, d0 to d3 and the wire. c is down.
            CollectionAssert.AreEquivalent((string[])["a", "b", "d0", "d1", "d2", "d3", "host"], Places(received));
            CollectionAssert.AreEquivalent((string[])["a", "d0", "d1", "d2", "d3", "wire"], Places(sent));
            Assert.IsTrue(all.FindIndex(copy => copy.Place == "a" && copy.Bytes.SequenceEqual(received)) < all.FindIndex(copy => copy.Place == "a" && copy.Bytes.SequenceEqual(sent)));

            string[] Places(byte[] frame) => [.. all.Where(copy => copy.Bytes.SequenceEqual(frame)).Select(copy => copy.Place)];
        }
    }

    [TestMethod]
    public void Who_goes_before_the_flood_gets_nothing()
    {
        var fixture = new TestPort(PortMode.L2, PortFlag.Bridge);
        using var bed = new FramePumpBed(fixture.Port);
        bed.Send(fixture.A, Arp(Broadcast, OwnMac, "10.0.0.2", "10.0.0.3"));
        bed.Detached(fixture.B);
        fixture.Port.RemoveInterface(fixture.B);
        var newcomer = fixture.Add("d");
        bed.Attached(newcomer);
        bed.Pump.Flood(100);
        Assert.AreEqual("d,wire", bed.Places());
        Assert.AreEqual(1, newcomer.Counters.Multicast);
        bed.Send(fixture.A, Arp(Broadcast, OwnMac, "10.0.0.2", "10.0.0.3"));
        fixture.Port.SetUp(newcomer, false);
        fixture.Port.SetMasterUp(false);
        bed.Pump.Flood(100);
        Assert.AreEqual("", bed.Places());
    }

    [TestMethod]
    public void A_frame_that_finds_the_backlog_full_is_lost_whole()
    {
        var (port, a, b) = NewPort();
        using var bed = new FramePumpBed(port, queueFrames: 4096);
        var frame = Arp(Broadcast, OwnMac, "10.0.0.2", "10.0.0.99");
        for (var i = 0; i < Backlog.Capacity; i++)
            bed.Send(a, frame);
        Assert.AreEqual(0, port.Drops[DropReason.BacklogFull]);
        Assert.AreEqual(SendError.None, bed.Send(a, frame).SendError);
        bed.Send(null, Arp(Broadcast, OtherMac, "10.0.0.99", "10.0.0.2"));
        Assert.AreEqual((2, 1), (port.Drops[DropReason.BacklogFull], a.Drops[DropReason.BacklogFull]));
        Assert.AreEqual(1000, bed.Pump.BacklogCount);
        Assert.IsFalse(bed.Pump.Flood(int.MaxValue));
        var all = bed.TakeAll();
        Assert.HasCount(1000, all.FindAll(copy => copy.Place == NaiveCopy.Wire));
        Assert.HasCount(1000, all.FindAll(copy => copy.Place == "b"));
        Assert.HasCount(2000, all, "nothing of the lost ones, not even the host's copy");
        Assert.AreEqual((1000, 1001, 0), (b.Counters.Multicast, a.Counters.TxPackets, a.Counters.TxDropped));
    }

    [TestMethod]
    public void A_device_without_room_is_counted_where_the_frame_was_to_go()
    {
        var (port, a, b) = NewPort();
        using var bed = new FramePumpBed(port, queueFrames: 2);
        for (var i = 0; i < 3; i++)
        {
            bed.Send(null, ToA);
            bed.Send(null, Ip(OwnMac, OtherMac, "10.0.0.99", "10.0.0.1"));
            bed.Send(b, Ip(OtherMac, OwnMac, "10.0.0.3", "10.0.0.99"));
        }
        Assert.AreEqual((3, 1, 1), (port.Drops[DropReason.DeviceQueueFull], a.Drops[DropReason.DeviceQueueFull], b.Drops[DropReason.DeviceQueueFull]));
        Assert.AreEqual((3, 3), (a.Counters.RxPackets, b.Counters.TxPackets), "reasons change no counter");
        bed.TakeAll();
        bed.Pump.Detach(a);
        bed.Send(null, ToA);
        Assert.AreEqual(2, a.Drops[DropReason.DeviceQueueFull], "no device at all");
        Assert.IsFalse(bed.Pump.ReceiveFromInterface(a, TimeSpan.Zero));
        bed.Pump.Attach(a, bed[a]);
        bed.Send(null, ToA);
        Assert.AreEqual("a", bed.Places());
    }

    /// <summary>The pump still has the master's lower MTU: only then does an interface send more (semantics 34).</summary>
    private static (FramePumpBed Bed, VirtualInterface A) WithGrowingMtu(OffloadKinds accepts)
    {
        var (port, a, _) = NewPort(PortMode.L3);
        port.SetMasterMtu(1280);
        var bed = new FramePumpBed(port, accepts: accepts);
        port.SetMasterMtu(9000);
        return (bed, a);
    }

    [TestMethod]
    public void A_packet_above_the_mtu_leaves_in_fragments()
    {
        var (bed, a) = WithGrowingMtu(OffloadKinds.None);
        using (bed)
        {
            var frame = Ip(OtherMac, OwnMac, "10.0.0.2", "192.0.2.1", 4000);
            Assert.IsTrue(bed.Send(a, frame).NeedsFragmenting);
            var fragments = bed.TakeAll();
            Assert.HasCount(4, fragments);
            Assert.IsTrue(fragments.All(copy => copy.Place == NaiveCopy.Wire && copy.Bytes.Length <= 1294));
            var (payload, isWhole) = NaiveFragments.Reassemble(fragments.Select(copy => copy.Bytes), 0, expectEnd: true);
            Assert.IsTrue(isWhole);
            CollectionAssert.AreEqual(frame[34..], payload);
        }
    }

    [TestMethod]
    public void Segments_above_the_mtu_are_finished_then_fragmented_each()
    {
        var (bed, a) = WithGrowingMtu(OffloadKinds.Checksum | OffloadKinds.Udp);
        using (bed)
        {
            // 3 datagrams of 2000 bytes, IPv4 identification counted up from segment to segment.
            var data = Pattern(6000);
            var frame = Ip(OtherMac, OwnMac, "10.0.0.2", "192.0.2.1", 8 + data.Length);
            frame.AsSpan(34, 8).Clear();
            WireNaive(frame, 38, 8 + data.Length);
            data.CopyTo(frame, 42);
            Assert.IsTrue(bed.Send(a, frame, new FrameOffload(34, 6, SegmentationKind.Udp, 2000)).NeedsFragmenting);
            var fragments = bed.TakeAll().Select(copy => copy.Bytes).ToList();
            Assert.HasCount(6, fragments);
            Assert.IsTrue(fragments.All(fragment => fragment.Length <= 1294));
            var rebuilt = fragments.GroupBy(fragment => NaiveHeader.Word(fragment, 18)).Select(group => NaiveFragments.Reassemble(group, 0, expectEnd: true)).ToList();
            Assert.IsTrue(rebuilt.All(piece => piece.Whole));
            CollectionAssert.AreEqual(data, rebuilt.SelectMany(piece => piece.Payload[8..]).ToArray());
        }

        static void WireNaive(byte[] frame, int at, int value) => (frame[at], frame[at + 1]) = ((byte)(value >> 8), (byte)value);
    }

    [TestMethod]
    public void A_packet_that_must_not_be_fragmented_is_answered_a_hundred_times_a_second()
    {
        var (bed, a) = WithGrowingMtu(OffloadKinds.None);
        using (bed)
        {
            var four = Ip(OtherMac, OwnMac, "10.0.0.2", "192.0.2.1", 4000, dontFragment: true);
            var six = Ip(OtherMac, OwnMac, "fd00::2", "2001:db8::1", 4000);
            Assert.AreEqual(DropReason.MtuExceeded, bed.Send(a, four).Reason);
            bed.Send(a, six);
            var replies = bed.TakeAll();
            Assert.HasCount(2, replies);
            Assert.IsTrue(replies.All(copy => copy.Place == "a"));
            CollectionAssert.AreEqual(Address("10.0.0.1"), replies[0].Bytes[26..30]);
            CollectionAssert.AreEqual((byte[])[3, 4], replies[0].Bytes[34..36]);
            CollectionAssert.AreEqual(Address("fd00::1"), replies[1].Bytes[22..38]);
            Assert.AreEqual(2, (int)replies[1].Bytes[54]);
            Assert.AreEqual(1280, NaiveHeader.Word(replies[0].Bytes, 40));
            for (var i = 0; i < 200; i++)
                bed.Send(a, four, now: TimeSpan.FromMilliseconds(5 * i / 2));
            Assert.HasCount(FramePump.TooBigRepliesPerSecond - 2, bed.TakeAll());
            bed.Send(a, four, now: TimeSpan.FromSeconds(1));
            Assert.HasCount(1, bed.TakeAll());
            Assert.AreEqual(203, a.Drops[DropReason.MtuExceeded]);
            Assert.AreEqual(203, a.Counters.TxDropped);
            Assert.AreEqual(0, a.Counters.RxPackets, "the host's reply is none of the port's deliveries");
        }
    }

    [TestMethod]
    public void Ipv4_by_an_ipv6_gateway_is_answered_in_ipv4()
    {
        var (bed, a) = WithGrowingMtu(OffloadKinds.None);
        using (bed)
        {
            bed.Port.AddRoute(L3Prefix.Parse("198.51.100.0/24"), new IpVlanWin.Engine.Routing.Route(L3Address.Parse("fd00::fe")));
            var longOne = Ip(OtherMac, OwnMac, "10.0.0.2", "198.51.100.1", 2000, dontFragment: true);
            bed.Send(a, longOne);
            var reply = bed.TakeAll().Single();
            CollectionAssert.AreEqual((byte[])[8, 0, 0x45], reply.Bytes[12..15]);
            CollectionAssert.AreEqual(longOne[14..100], reply.Bytes[42..128]);
            bed.Send(a, Ip(OtherMac, OwnMac, "10.0.0.2", "198.51.100.1"));
            var sent = bed.TakeAll().Single();
            CollectionAssert.AreEqual((byte[])[.. Mac(GatewayMac), .. Mac(OwnMac), 8, 0], sent.Bytes[..14]);
        }
    }

    [TestMethod]
    public void Devices_that_were_sent_something_are_flushed_at_the_end_of_each_batch()
    {
        var (port, a, b) = NewPort(PortMode.L3);
        using var wire = new CountingDevice();
        using var host = new CountingDevice();
        using var atA = new CountingDevice();
        using var atB = new CountingDevice();
        using var pump = new FramePump(port, wire, host, _ => { });
        pump.Attach(a, atA);
        pump.Attach(b, atB);
        wire.Waiting.AddRange([ToA, ToA, Ip(OwnMac, OtherMac, "10.0.0.99", "10.0.0.1")]);
        pump.ReceiveFromWire(TimeSpan.Zero);
        Assert.AreEqual((0, 1, 1, 0), (wire.Unflushed, host.Flushes, atA.Flushes, atB.Flushes));
        Assert.AreEqual((2, 0, 0), (atA.Sends, atA.Unflushed, host.Unflushed));
        atB.Waiting.Add(OnLink(0));
        pump.ReceiveFromInterface(b, TimeSpan.Zero);
        pump.NeighborFound(L3Address.Parse("10.0.0.77"), MacAddress.Parse(NeighborMac));
        Assert.AreEqual((1, 0), (wire.Sends, wire.Unflushed));
        port.SetMode(PortMode.L2);
        wire.Waiting.Add(Arp(Broadcast, OtherMac, "10.0.0.99", "10.0.0.2"));
        pump.ReceiveFromWire(TimeSpan.Zero);
        pump.Flood(1);
        Assert.AreEqual((0, 0, 0), (host.Unflushed, atA.Unflushed, atB.Unflushed));
        pump.Flood(1);
        Assert.AreEqual((1, 0), (atB.Sends, atB.Unflushed));
        host.Waiting.Add(ToA);
        pump.ReceiveFromHost();
        Assert.AreEqual((2, 0), (wire.Sends, wire.Unflushed));
        pump.Receive(FramePumpBed.Buffer(ToA), default, TimeSpan.Zero);
        Assert.AreEqual(1, atA.Unflushed, "one by one, the caller ends the run");
        pump.Flush();
        Assert.AreEqual(0, atA.Unflushed);
    }

    public static IEnumerable<object[]> Kinds =>
    [
        ["deliver", PortMode.L2, "", ToA],
        ["host", PortMode.L2, "", Ip(OwnMac, OtherMac, "10.0.0.99", "10.0.0.1")],
        ["wire", PortMode.L2, "a", Far],
        ["route", PortMode.L3, "a", Far],
        ["route to host", PortMode.L3, "a", Ip(OtherMac, OwnMac, "10.0.0.2", "10.0.0.1")],
        ["drop", PortMode.L3, "a", Arp(Broadcast, OwnMac, "10.0.0.2", "10.0.0.99")],
        ["l3s", PortMode.L3S, "", ToA],
        ["flood received", PortMode.L2, "", Arp(Broadcast, OtherMac, "10.0.0.99", "10.0.0.2")],
        ["flood sent", PortMode.L2, "a", Arp(Broadcast, OwnMac, "10.0.0.2", "10.0.0.99")],
    ];

    [TestMethod]
    [DynamicData(nameof(Kinds))]
    public void Moving_frames_allocates_nothing(string kind, PortMode mode, string sender, byte[] frame)
    {
        var (port, a, b) = NewPort(mode);
        using var bed = new FramePumpBed(port);
        var source = sender.Length == 0 ? bed.Wire : bed[a];
        // Once round the backlog's slots, which keep their buffers.
        for (var i = 0; i < Backlog.Capacity + 100; i++)
            Move();
        AllocationAssert.None(500, Move, kind);

        void Move()
        {
            source.Inject(frame);
            if (sender.Length == 0)
                bed.Pump.ReceiveFromWire(TimeSpan.Zero);
            else
                bed.Pump.ReceiveFromInterface(a, TimeSpan.Zero);
            bed.Pump.Flood(100);
            Drain(bed.Wire);
            Drain(bed.Host);
            Drain(bed[a]);
            Drain(bed[b]);
        }

        static void Drain(MemoryDevice device)
        {
            while (device.TryTake(out _))
            {
            }
        }
    }

    /// <summary>A device that holds back what it is sent until it is flushed.</summary>
    private sealed class CountingDevice : IFrameDevice
    {
        public List<byte[]> Waiting { get; } = [];

        public int Sends { get; private set; }

        public int Flushes { get; private set; }

        public int Unflushed { get; private set; }

        public string Name => "counting";

        public OffloadKinds Accepts => OffloadKinds.None;

        public int PollDescriptor => -1;

        public void Receive(FrameBatch batch)
        {
            foreach (var frame in Waiting)
                batch.Append(frame);
            Waiting.Clear();
        }

        public SendResult Send(Span<byte> buffer, in FrameOffload offload)
        {
            Sends++;
            Unflushed++;
            return SendResult.Sent;
        }

        public void Flush()
        {
            Flushes++;
            Unflushed = 0;
        }

        public void Dispose()
        {
        }
    }
}
