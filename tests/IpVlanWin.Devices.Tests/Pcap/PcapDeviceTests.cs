using IpVlanWin.Devices.Pcap;
using IpVlanWin.Engine.Wire;
using static IpVlanWin.Devices.Tests.Pcap.Captures;

namespace IpVlanWin.Devices.Tests.Pcap;

[TestClass]
public sealed class PcapDeviceTests
{
    [TestMethod]
    public void Receives_all_frames_with_their_times_over_several_batches()
    {
        var file = new CaptureBytes(false).Section().Interface(options: o => o.Option(9, 9));
        for (var i = 0; i < 150; i++)
            file.Enhanced(0, (ulong)(1000 + i), [.. FrameA, (byte)i]);
        using var device = new PcapDevice("in", Open(file));
        using var batch = new FrameBatch();
        Assert.AreEqual("in", device.Name);
        Assert.AreEqual(-1, device.PollDescriptor);
        Assert.AreEqual(OffloadKinds.None, device.Accepts);
        var next = 0;
        while (!device.AtEnd)
        {
            batch.Clear();
            device.Receive(batch);
            for (var i = 0; i < batch.Count; i++, next++)
            {
                Assert.AreEqual((byte)next, batch.Frame(i)[^1]);
                Assert.AreEqual(1000 + next, device.TimeOf(i));
                Assert.IsTrue(batch.Offload(i).IsFinished);
            }
        }
        Assert.AreEqual(150, next);
        Assert.AreEqual(150, device.Received);
        Assert.IsNull(device.ReadFault);
        batch.Clear();
        device.Receive(batch);
        Assert.AreEqual(0, batch.Count);
    }

    [TestMethod]
    public void Appends_behind_the_frames_of_other_devices()
    {
        using var device = new PcapDevice("in", Open(new CaptureBytes(false).Section().Interface().Enhanced(0, 5, FrameA).Simple(FrameB)));
        using var batch = new FrameBatch();
        batch.Append([1]);
        device.Receive(batch);
        Assert.AreEqual(3, batch.Count);
        Assert.AreEqual(5000, device.TimeOf(1));
        Assert.AreEqual(5000, device.TimeOf(2), "a frame without time has the time of the one before");
    }

    [TestMethod]
    public void Frames_before_a_fault_are_delivered_and_the_fault_is_kept()
    {
        using var device = new PcapDevice("in", Open(new CaptureBytes(false).Section().Interface().Enhanced(0, 5, FrameA).U8(1, 2, 3)));
        using var batch = new FrameBatch();
        device.Receive(batch);
        Assert.AreEqual(1, batch.Count);
        Assert.IsTrue(device.AtEnd);
        Assert.AreEqual("t: block at offset 100: file ends after 3 bytes, the smallest block has 12", device.ReadFault!.Message);
    }

    [TestMethod]
    public void Other_link_types_are_told_by_name()
    {
        using var batch = new FrameBatch();
        using (var device = new PcapDevice("in", Open(new CaptureBytes(false).Section().Interface().Interface(113).Enhanced(0, 5, FrameA).Enhanced(1, 5, FrameA))))
        {
            device.Receive(batch);
            Assert.AreEqual(1, batch.Count);
            Assert.AreEqual("t: packet at offset 120: link type 113 (LINKTYPE_LINUX_SLL) must be 1 (LINKTYPE_ETHERNET)", device.ReadFault!.Message);
        }
        using var classic = Open(new CaptureBytes(true).PcapHeader(link: 147));
        var fault = Assert.ThrowsExactly<CaptureFormatException>(() => new PcapDevice("in", classic));
        Assert.AreEqual("t: header at offset 0: link type 147 must be 1 (LINKTYPE_ETHERNET)", fault.Message);
    }

    [TestMethod]
    public void What_cannot_be_delivered_is_counted()
    {
        var file = new CaptureBytes(false).Section().Interface()
            .Enhanced(0, 1, new byte[FrameBatch.MaxFrameLength + 1])
            .Enhanced(0, 2, FrameA, original: 500)
            .Enhanced(0, 3, FrameB, options: o => o.OptionU32(2, 2))
            .Enhanced(0, 4, new byte[FrameBatch.MaxFrameLength], options: o => o.OptionU32(2, 1));
        using var device = new PcapDevice("in", Open(file), leaveOutboundOut: true);
        using var batch = new FrameBatch();
        device.Receive(batch);
        Assert.AreEqual(2, batch.Count);
        Assert.AreEqual(4000, device.TimeOf(1));
        Assert.AreEqual(2, device.Received);
        Assert.AreEqual(1, device.TooLong);
        Assert.AreEqual(1, device.ReceivedCutShort);
        Assert.AreEqual(1, device.LeftOut);
    }

    [TestMethod]
    public void Sends_to_a_file_with_the_replay_clock()
    {
        var stream = new MemoryStream();
        long now = 77;
        using var device = new PcapDevice("ipvl0", target: new PcapNgWriter(stream), clock: () => now, sent: FrameDirection.Inbound);
        Assert.IsTrue(device.AtEnd);
        Assert.AreEqual(SendResult.Sent, device.Send(Buffer(FrameA), default));
        now = 78;
        Assert.AreEqual(SendResult.Sent, device.Send(Buffer(FrameB), default));
        Assert.AreEqual(SendResult.Refused, device.Send(Buffer(FrameB), new FrameOffload(34, 6)));
        device.Flush();
        Assert.AreEqual(0, stream.Length, "a batch's end is not a file's");
        device.FlushToFile();
        CollectionAssert.AreEqual(
            new[] { Plain(FrameA, 77) with { Direction = FrameDirection.Inbound }, Plain(FrameB, 78) with { Direction = FrameDirection.Inbound } },
            Read(stream.ToArray()));
        Assert.AreEqual(2, device.Sent);
        Assert.AreEqual(1, device.SendRefused);
    }

    [TestMethod]
    public void Without_a_file_to_write_frames_are_refused()
    {
        using var device = new PcapDevice("in");
        Assert.AreEqual(SendResult.Refused, device.Send(Buffer(FrameA), default));
        Assert.AreEqual(1, device.SendRefused);
        using var batch = new FrameBatch();
        device.Receive(batch);
        Assert.AreEqual(0, batch.Count);
        device.FlushToFile();
    }

    [TestMethod]
    public void A_full_disk_refuses_frames_and_comes_out_of_Dispose()
    {
        var device = new PcapDevice("out", target: new PcapNgWriter(new FullStream(0)));
        var sent = 0;
        while (device.Send(Buffer(new byte[1514]), default) == SendResult.Sent)
            Assert.IsTrue(++sent < 1000);
        Assert.IsNotNull(device.WriteFault);
        Assert.AreEqual(1, device.SendRefused);
        Assert.ThrowsExactly<IOException>(device.Dispose);
    }

    private static CaptureReader Open(CaptureBytes file) => CaptureReader.Open(new MemoryStream(file.ToArray()), "t");

    private static byte[] Buffer(byte[] frame) => [.. new byte[FrameBatch.Headroom], .. frame];
}
