using IpVlanWin.Devices.Decorators;
using IpVlanWin.Devices.Memory;
using IpVlanWin.Devices.Pcap;
using IpVlanWin.Devices.Tests.Memory;
using IpVlanWin.Devices.Tests.Pcap;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Devices.Tests.Decorators;

[TestClass]
public sealed class PcapTapTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    [TestMethod]
    [Timeout(60_000)]
    public void Every_frame_both_ways_is_recorded_with_direction_time_and_reason()
    {
        var stream = new MemoryStream();
        long now = 0;
        using var sink = new CaptureSink(new PcapNgWriter(stream));
        var wire = new MemoryDevice("wire", OffloadKinds.Checksum | OffloadKinds.Tcp, queueFrames: 2);
        using var tap = new PcapTap(wire, sink, description: "the wire", clock: () => ++now);
        var ipvl0 = new MemoryDevice("ipvl0");
        using var inside = new PcapTap(ipvl0, sink, FrameDirection.Outbound, clock: () => ++now);
        using var batch = new FrameBatch();
        Assert.AreEqual("wire", tap.Name);
        Assert.AreEqual(wire.Accepts, tap.Accepts);
        Assert.AreEqual(-1, tap.PollDescriptor);

        tap.Receive(batch);
        batch.Append([99]);
        wire.Inject([1]);
        wire.Inject([2]);
        tap.Receive(batch);
        CollectionAssert.AreEqual(new byte[] { 99, 1, 2 }, new[] { batch.Frame(0)[0], batch.Frame(1)[0], batch.Frame(2)[0] });
        var tcp = new FrameOffload(34, 16, SegmentationKind.Tcp4, 1448);
        Assert.AreEqual(SendResult.Sent, tap.Send(Buffer(3), tcp));
        Assert.AreEqual(SendResult.Sent, tap.Send(Buffer(4), default));
        Assert.AreEqual(SendResult.QueueFull, tap.Send(Buffer(5), default));
        Assert.AreEqual(SendResult.Refused, inside.Send(Buffer(6), tcp));
        ipvl0.Inject([7]);
        batch.Clear();
        inside.Receive(batch);
        tap.Flush();
        Assert.IsTrue(wire.TryTake(out var frame, out var offload));
        Assert.AreEqual(3, frame[0]);
        Assert.AreEqual(tcp, offload);

        sink.Complete(Deadline);
        Assert.AreEqual(7, sink.Recorded);
        Assert.AreEqual(0, sink.Dropped);
        Packet packet(byte bytes, long time, int id, FrameDirection direction, string? comment = null) =>
            new($"{bytes:X2}", time, 1, id, 0, direction, null, comment);
        CollectionAssert.AreEqual(
            new[]
            {
                packet(1, 1, 0, FrameDirection.Inbound),
                packet(2, 1, 0, FrameDirection.Inbound),
                packet(3, 2, 0, FrameDirection.Outbound),
                packet(4, 3, 0, FrameDirection.Outbound),
                packet(5, 4, 0, FrameDirection.Outbound, "not sent: queue full"),
                packet(6, 5, 1, FrameDirection.Inbound, "not sent: refused"),
                packet(7, 6, 1, FrameDirection.Outbound),
            },
            Captures.Read(stream.ToArray()));
    }

    [TestMethod]
    [Timeout(60_000)]
    public void A_disk_that_hangs_does_not_hold_up_the_pump_and_drops_are_counted_and_told_in_the_file()
    {
        const int Room = 16;
        var stream = new GatedStream();
        using var sink = new CaptureSink(new PcapNgWriter(stream, leaveOpen: true), queueFrames: Room);
        using var device = new MemoryDevice("m0", queueFrames: 1000);
        using var tap = new PcapTap(device, sink);
        Assert.IsTrue(stream.Waiting.Wait(Deadline), "the writing thread reaches the disk with the file's header");
        for (var i = 0; i < Room + 30; i++)
            Assert.AreEqual(SendResult.Sent, tap.Send(Buffer((byte)i), default));
        tap.Flush();
        Assert.AreEqual(30, tap.Dropped);
        Assert.AreEqual(30, sink.Dropped);
        Assert.AreEqual(Room + 30, device.WaitingForFarSide);

        stream.Gate.Set();
        Assert.IsTrue(SpinWait.SpinUntil(() => sink.Recorded == Room, Deadline));
        tap.Send(Buffer(200), default);
        tap.Send(Buffer(201), default);
        sink.Complete(Deadline);
        var packets = Captures.Read(stream.ToArray());
        Assert.AreEqual(Room + 2, packets.Count);
        Assert.IsNull(packets[Room - 1].DropCount);
        Assert.AreEqual(30UL, packets[Room].DropCount);
        Assert.IsNull(packets[Room + 1].DropCount);
        Assert.IsNull(sink.Fault);
    }

    [TestMethod]
    [Timeout(60_000)]
    public void A_full_disk_is_reported_and_frames_still_pass()
    {
        using var sink = new CaptureSink(new PcapNgWriter(new FullStream(1000)));
        using var device = new MemoryDevice("m0", queueFrames: 1000);
        using var tap = new PcapTap(device, sink);
        var sent = 0;
        Assert.IsTrue(
            SpinWait.SpinUntil(
                () =>
                {
                    Assert.AreEqual(SendResult.Sent, tap.Send(Buffer(new byte[400]), default));
                    sent++;
                    tap.Flush();
                    device.TryTake(out _);
                    return sink.Fault is not null;
                },
                Deadline));
        tap.Send(Buffer(1), default);
        sent++;
        var told = Assert.ThrowsExactly<IOException>(() => sink.Complete(Deadline));
        StringAssert.Contains(told.Message, "no space left");
        Assert.AreEqual(sent, sink.Recorded + sink.Dropped);
        Assert.AreNotEqual(0, sink.Dropped);
        Assert.AreEqual(SendResult.Sent, tap.Send(Buffer(1), default));
        Assert.AreEqual(sent + 1, sink.Recorded + sink.Dropped);
    }

    [TestMethod]
    [Timeout(60_000)]
    public void A_disk_that_hangs_for_ever_does_not_hold_up_the_end()
    {
        var stream = new GatedStream();
        var sink = new CaptureSink(new PcapNgWriter(stream, leaveOpen: true));
        Assert.IsTrue(stream.Waiting.Wait(Deadline));
        var told = Assert.ThrowsExactly<TimeoutException>(() => sink.Complete(TimeSpan.FromMilliseconds(50)));
        Assert.AreEqual("capture file did not take all frames within 0.05 seconds", told.Message);
        Assert.IsInstanceOfType<TimeoutException>(sink.Fault);
        Assert.IsFalse(sink.TryWrite(0, 0, [1], default));
        stream.Gate.Set();
        Assert.ThrowsExactly<TimeoutException>(() => sink.Complete(Deadline), "what went wrong once stays told");
    }

    [TestMethod]
    [Timeout(60_000)]
    public void Completing_twice_and_disposing_are_harmless()
    {
        var stream = new MemoryStream();
        var sink = new CaptureSink(new PcapWriter(stream, leaveOpen: true));
        Assert.AreEqual(0, sink.AddInterface("m0"));
        Assert.ThrowsExactly<InvalidOperationException>(() => sink.AddInterface("m1"));
        Assert.IsTrue(sink.TryWrite(0, 5, [1, 2], default));
        Assert.IsFalse(sink.TryWrite(1, 5, [1, 2], default), "no such interface");
        sink.Complete(Deadline);
        sink.Complete(Deadline);
        sink.Dispose();
        Assert.AreEqual(1, sink.Dropped);
        Assert.AreEqual(Captures.Plain([1, 2], 5), Captures.Read(stream.ToArray()).Single());
    }

    [TestMethod]
    [Timeout(60_000)]
    public void What_is_queued_is_in_the_file_before_it_is_complete()
    {
        var stream = new MemoryStream();
        using var sink = new CaptureSink(new PcapNgWriter(stream, leaveOpen: true));
        using var tap = new PcapTap(new MemoryDevice("m0"), sink);
        tap.Send(Buffer(1), default);
        tap.Flush();
        Assert.IsTrue(SpinWait.SpinUntil(() => sink.Recorded == 1, Deadline));
        sink.AddInterface("later");
        sink.Complete(Deadline);
        Assert.AreEqual(1, Captures.Read(stream.ToArray()).Count);
    }

    [TestMethod]
    [Timeout(60_000)]
    public void Received_frames_are_marked_inbound_or_outbound()
    {
        using var sink = new CaptureSink(new PcapNgWriter(new MemoryStream()));
        using var device = new MemoryDevice("m0");
        var error = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new PcapTap(device, sink, FrameDirection.Unknown));
        StringAssert.StartsWith(error.Message, "direction of received frames must be Inbound or Outbound");
    }

    [TestMethod]
    [Timeout(60_000)]
    public void A_tapped_frame_costs_no_allocation()
    {
        using var sink = new CaptureSink(new PcapNgWriter(Stream.Null));
        using var device = new MemoryDevice("m0");
        using var tap = new PcapTap(device, sink);
        using var batch = new FrameBatch();
        var buffer = Buffer(new byte[1514]);
        Assert.AreEqual(0, Allocations.Least(Turn, 20));

        void Turn()
        {
            for (var i = 0; i < 32; i++)
            {
                device.Inject(buffer);
                tap.Send(buffer, default);
                device.TryTake(out _);
            }
            batch.Clear();
            tap.Receive(batch);
            tap.Flush();
        }
    }

    private static byte[] Buffer(params byte[] frame) => [.. new byte[FrameBatch.Headroom], .. frame];
}
