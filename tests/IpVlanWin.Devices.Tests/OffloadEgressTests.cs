using System.Buffers.Binary;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Devices.Tests;

[TestClass]
public sealed class OffloadEgressTests
{
    private const int TcpHeadersLength = 14 + 20 + 20;

    [TestMethod]
    [DataRow(SegmentationKind.None, OffloadKinds.Checksum, true)]
    [DataRow(SegmentationKind.None, OffloadKinds.None, false)]
    [DataRow(SegmentationKind.Tcp4, OffloadKinds.Checksum | OffloadKinds.Tcp, true)]
    [DataRow(SegmentationKind.Tcp4, OffloadKinds.Checksum | OffloadKinds.Udp, false)]
    [DataRow(SegmentationKind.Tcp4, OffloadKinds.Tcp, false)]
    public void Frame_goes_whole_only_where_all_its_work_is_accepted(SegmentationKind kind, OffloadKinds accepts, bool whole)
    {
        var device = new RecordingDevice(accepts);
        var (buffer, offload) = TcpFrame(2500, kind);
        var original = buffer.ToArray();
        Assert.AreEqual(SendResult.Sent, new OffloadEgress().Send(device, buffer, offload));
        CollectionAssert.AreEqual(original, buffer, "the frame changed");
        if (whole)
        {
            CollectionAssert.AreEqual(original[FrameBatch.Headroom..], device.Sent.Single().Frame);
            Assert.AreEqual(offload, device.Sent.Single().Offload);
            return;
        }
        Assert.HasCount(kind == SegmentationKind.None ? 1 : 3, device.Sent);
        CollectionAssert.AreEqual(original[(FrameBatch.Headroom + TcpHeadersLength)..], device.Sent.SelectMany(sent => sent.Frame[TcpHeadersLength..]).ToArray());
        foreach (var (frame, finished) in device.Sent)
        {
            Assert.AreEqual(default, finished);
            var pseudo = Checksum.PseudoHeader(frame.AsSpan(26, 4), frame.AsSpan(30, 4), 6, frame.Length - 34);
            Assert.AreEqual(0xFFFF, (int)Checksum.Sum(frame.AsSpan(34), pseudo));
        }
    }

    [TestMethod]
    public void Finished_frame_goes_as_it_is()
    {
        var device = new RecordingDevice(OffloadKinds.None);
        var buffer = new byte[FrameBatch.Headroom + 60];
        Assert.AreEqual(SendResult.Sent, new OffloadEgress().Send(device, buffer, default));
        Assert.HasCount(1, device.Sent);
    }

    [TestMethod]
    [DataRow(SendResult.Sent, SendResult.QueueFull, SendResult.Sent, SendResult.QueueFull, 3)]
    [DataRow(SendResult.QueueFull, SendResult.Refused, SendResult.Sent, SendResult.Refused, 2)]
    [DataRow(SendResult.Sent, SendResult.Sent, SendResult.Sent, SendResult.Sent, 3)]
    public void Worst_result_of_the_segments_is_told(SendResult first, SendResult second, SendResult third, SendResult expected, int calls)
    {
        var device = new RecordingDevice(OffloadKinds.None, first, second, third);
        var (buffer, offload) = TcpFrame(2500, SegmentationKind.Tcp4);
        Assert.AreEqual(expected, new OffloadEgress().Send(device, buffer, offload));
        Assert.HasCount(calls, device.Sent);
    }

    [TestMethod]
    public void Offload_that_does_not_fit_is_refused()
    {
        var device = new RecordingDevice(OffloadKinds.None);
        var egress = new OffloadEgress();
        var (buffer, _) = TcpFrame(2500, SegmentationKind.Tcp4);
        Assert.AreEqual(SendResult.Refused, egress.Send(device, buffer, new FrameOffload(60_000, 16)));
        Assert.AreEqual(SendResult.Refused, egress.Send(device, buffer, new FrameOffload(34, 16, SegmentationKind.Tcp6, 1000)));
        Assert.AreEqual(SendResult.Refused, egress.Send(device, buffer, new FrameOffload(34, 16, (SegmentationKind)7, 1000)));
        Assert.AreEqual(SendResult.Refused, egress.Send(device, new byte[FrameBatch.Headroom + FrameBatch.MaxFrameLength + 1], new FrameOffload(34, 16)));
        Assert.HasCount(0, device.Sent);
    }

    [TestMethod]
    public void Sending_allocates_nothing()
    {
        var device = new NullDevice();
        var egress = new OffloadEgress();
        var (buffer, cut) = TcpFrame(60_000, SegmentationKind.Tcp4);
        var partial = new FrameOffload(34, 16);
        egress.Send(device, buffer, cut);
        egress.Send(device, buffer, partial);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 20; i++)
        {
            egress.Send(device, buffer, cut);
            egress.Send(device, buffer, partial);
        }
        Assert.AreEqual(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.AreEqual(21 * 61, device.Frames);
    }

    private static (byte[] Buffer, FrameOffload Offload) TcpFrame(int payload, SegmentationKind kind)
    {
        var buffer = new byte[FrameBatch.Headroom + TcpHeadersLength + payload];
        var frame = buffer.AsSpan(FrameBatch.Headroom);
        new Random(payload).NextBytes(frame);
        BinaryPrimitives.WriteUInt16BigEndian(frame[12..], 0x0800);
        frame[14] = 0x45;
        BinaryPrimitives.WriteUInt16BigEndian(frame[16..], (ushort)(40 + payload));
        frame[20..22].Clear();
        frame[23] = 6;
        frame[34 + 12] = 0x50;
        BinaryPrimitives.WriteUInt16BigEndian(frame[50..], Checksum.PseudoHeader(frame[26..30], frame[30..34], 6, 20 + payload));
        return (buffer, new FrameOffload(34, 16, kind, kind == SegmentationKind.None ? 0 : 1000));
    }

    private class NullDevice(OffloadKinds accepts = OffloadKinds.None) : IFrameDevice
    {
        public int Frames { get; private set; }

        public string Name => "test";

        public OffloadKinds Accepts => accepts;

        public int PollDescriptor => -1;

        public void Receive(FrameBatch batch)
        {
        }

        public virtual SendResult Send(Span<byte> buffer, in FrameOffload offload)
        {
            Frames++;
            buffer[..FrameBatch.Headroom].Fill(0xA5);
            return SendResult.Sent;
        }

        public void Flush()
        {
        }

        public void Dispose()
        {
        }
    }

    private sealed class RecordingDevice(OffloadKinds accepts, params SendResult[] results) : NullDevice(accepts)
    {
        public List<(byte[] Frame, FrameOffload Offload)> Sent { get; } = [];

        public override SendResult Send(Span<byte> buffer, in FrameOffload offload)
        {
            Sent.Add((buffer[FrameBatch.Headroom..].ToArray(), offload));
            return Sent.Count <= results.Length ? results[Sent.Count - 1] : SendResult.Sent;
        }
    }
}
