using IpVlanWin.Devices.Decorators;
using IpVlanWin.Devices.Pcap;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Devices.Tests.Decorators;

/// <summary>A capture of a pump with memory devices: what it tells of frames that go and of those that do not.</summary>
[TestClass]
public sealed class PortCaptureTests
{
    private const string Own = "02000000000a";
    private const string Peer = "0200000000ff";
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(30);

    [TestMethod]
    [Timeout(60_000)]
    public void Every_frame_is_recorded_where_it_passes_with_the_reason_it_does_not()
    {
        using var bed = Bed(PortMode.L3, out var a, out var b);
        var stream = new MemoryStream();
        using var sink = new CaptureSink(new PcapNgWriter(stream, leaveOpen: true));
        bed.Pump.Watch(new PortCapture(sink, "eth0", bed.Port.Interfaces));
        bed[a].Inject(Packet(Own, Own, "0a000001", "0a000002"));
        bed.Pump.ReceiveFromInterface(a, TimeSpan.Zero);
        bed[a].Inject(Packet(Own, Own, "0a000001", "08080808"));
        bed[a].Inject(Packet("ffffffffffff", Own, "0a000001", "08080808"));
        bed.Pump.ReceiveFromInterface(a, TimeSpan.Zero);
        bed.Wire.Inject(Packet(Own, Peer, "0a000009", "0a000002"));
        bed.Wire.Inject(Convert.FromHexString(Own + Peer + "8100"));
        bed.Pump.ReceiveFromWire(TimeSpan.Zero);
        bed.Host.Inject(Packet(Peer, Own, "0a000063", "0a000009"));
        bed.Pump.ReceiveFromHost();
        // Watched no more: not a word.
        bed.Pump.Watch(null);
        bed.Wire.Inject(Packet(Own, Peer, "0a000009", "0a000002"));
        bed.Pump.ReceiveFromWire(TimeSpan.Zero);
        sink.Complete(s_deadline);
        string[] expected =
        [
            "a Outbound", "b Inbound", "a Outbound drop: no-route", "a Outbound drop: multicast-in-l3", "eth0 Inbound", "b Inbound",
            "eth0 Inbound drop: short-tag", "eth0 Outbound",
        ];
        CollectionAssert.AreEqual(expected, Read(stream, out var interfaces), string.Join("; ", Read(stream, out _)));
        Assert.AreEqual("eth0 a b", interfaces);
    }

    [TestMethod]
    [Timeout(60_000)]
    public void One_interface_alone_and_one_that_comes_later()
    {
        using var bed = Bed(PortMode.L2, out var a, out var b);
        var (one, all) = (new MemoryStream(), new MemoryStream());
        using var oneSink = new CaptureSink(new PcapNgWriter(one, leaveOpen: true));
        using var allSink = new CaptureSink(new PcapNgWriter(all, leaveOpen: true), snapLength: 20);
        bed.Pump.Watch(new FrameWatches([new PortCapture(oneSink, "eth0", bed.Port.Interfaces, b), new PortCapture(allSink, "eth0", bed.Port.Interfaces)]));
        Assert.AreEqual(PortResult.Ok, bed.Port.AddInterface("c", null, null, out var c));
        bed.Attached(c!);
        bed.Port.SetUp(c!, true);
        bed[a].Inject(Packet("ffffffffffff", Own, "0a000001", "ffffffff"));
        bed.Pump.ReceiveFromInterface(a, TimeSpan.Zero);
        while (bed.Pump.Flood(10))
        {
        }
        Assert.AreEqual(PortResult.Ok, bed.Port.Rename(c!, "sea"));
        bed[c!].Inject(Packet(Peer, Own, "0a000003", "0a000009"));
        bed.Pump.ReceiveFromInterface(c!, TimeSpan.Zero);
        oneSink.Complete(s_deadline);
        allSink.Complete(s_deadline);
        CollectionAssert.AreEqual(new[] { "b Inbound" }, Read(one, out var interfaces));
        Assert.AreEqual("b", interfaces);
        var told = Read(all, out interfaces);
        CollectionAssert.AreEqual(new[] { "a Outbound", "eth0 Outbound", "b Inbound", "c Inbound", "sea Outbound", "eth0 Outbound" }, told, string.Join("; ", told));
        Assert.AreEqual("eth0 a b c sea", interfaces);
        using var reader = CaptureReader.Open(new MemoryStream(all.ToArray()), "all");
        Assert.IsTrue(reader.TryRead(out var frame));
        Assert.AreEqual((20, 34L), (frame.Bytes.Length, frame.OriginalLength), "cut to the snap length");
    }

    [TestMethod]
    [Timeout(60_000)]
    public void Losses_are_counted_and_told_at_the_end()
    {
        using var bed = Bed(PortMode.L2, out var a, out _);
        using var stream = new GatedStream();
        using var sink = new CaptureSink(new PcapNgWriter(stream, leaveOpen: true), queueFrames: 4);
        bed.Pump.Watch(new PortCapture(sink, "eth0", bed.Port.Interfaces, a));
        Assert.IsTrue(stream.Waiting.Wait(s_deadline), "the thread stands at the file");
        for (var i = 0; i < 10; i++)
        {
            bed[a].Inject(Packet(Peer, Own, "0a000001", "0a000009"));
            bed.Pump.ReceiveFromInterface(a, TimeSpan.Zero);
        }
        Assert.AreEqual((4L, 6L), (sink.Taken, sink.Dropped));
        stream.Gate.Set();
        sink.Complete(s_deadline);
        var bytes = stream.ToArray();
        // The interface statistics block: 4 recorded and 6 lost are 10 received (isb_ifrecv, option 4) and 6 dropped (isb_ifdrop, option 5).
        var block = bytes.AsSpan(bytes.Length - 52);
        Assert.AreEqual(5u, BitConverter.ToUInt32(block));
        Assert.AreEqual((4, 10L, 5, 6L), (BitConverter.ToUInt16(block[20..]), BitConverter.ToInt64(block[24..]), BitConverter.ToUInt16(block[32..]), BitConverter.ToInt64(block[36..])));
    }

    private static FramePumpBed Bed(PortMode mode, out VirtualInterface a, out VirtualInterface b)
    {
        var port = new Port("eth0", MacAddress.Parse("02:00:00:00:00:0a"), 1500);
        port.SetMasterUp(true);
        a = Member("a", "10.0.0.1/24");
        b = Member("b", "10.0.0.2/24");
        return new FramePumpBed(port);

        VirtualInterface Member(string name, string address)
        {
            Assert.AreEqual(PortResult.Ok, port.AddInterface(name, mode, PortFlag.Bridge, out var added));
            port.AddAddress(added!, L3Prefix.Parse(address));
            port.SetUp(added!, true);
            return added!;
        }
    }

    private static byte[] Packet(string to, string from, string source, string destination)
    {
        var frame = Convert.FromHexString(to + from + "0800" + "4500001400000000400100" + "00" + source + destination);
        Checksum.WriteIpv4Header(frame.AsSpan(14));
        return frame;
    }

    private static string[] Read(MemoryStream stream, out string interfaces)
    {
        using var reader = CaptureReader.Open(new MemoryStream(stream.ToArray()), "capture");
        var told = new List<string>();
        while (reader.TryRead(out var frame))
            told.Add($"{frame.Interface.Name} {frame.Direction} {frame.Comment}".TrimEnd());
        interfaces = string.Join(' ', reader.Interfaces.Select(static one => one.Name));
        return [.. told];
    }
}
