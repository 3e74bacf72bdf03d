using System.Runtime.Versioning;
using IpVlanWin.Datapath.Linux;
using IpVlanWin.Devices;
using IpVlanWin.Devices.Memory;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Datapath.Tests;

[TestClass]
[SupportedOSPlatform("linux")]
public sealed class MembershipProbeTests
{
    private static readonly byte[] s_igmp = Frame("01005e000016", 0x0800, 9, 2);
    private static readonly byte[] s_mld = Frame("333300000016", 0x86dd, 6, 0);

    [TestMethod]
    public void Reports_have_the_list_read_before_the_batch_is_decided()
    {
        foreach (var report in new[] { s_igmp, s_mld })
        {
            var (reads, batch) = Receive([report]);
            Assert.AreEqual(1, reads);
            Assert.AreEqual(1, batch);
        }
    }

    [TestMethod]
    public void One_reading_is_enough_for_a_batch() => Assert.AreEqual((1, 5), Receive([s_igmp, s_mld, s_igmp, s_igmp, s_mld]));

    [TestMethod]
    public void Other_frames_have_nothing_read()
    {
        byte[] unicast = [.. s_igmp];
        unicast[0] = 2;
        var udp = Frame("01005e0000fb", 0x0800, 9, 17);
        var neighbor = Frame("3333ff000001", 0x86dd, 6, 58);
        var arp = Frame("ffffffffffff", 0x0806, 9, 2);
        Assert.AreEqual((0, 7), Receive([unicast, udp, neighbor, arp, s_igmp[..30], s_igmp[..14], []]));
    }

    [TestMethod]
    public void A_report_right_after_another_is_heeded_but_a_storm_is_bounded()
    {
        using var device = new MemoryDevice("tap");
        var reads = 0;
        using var probe = new MembershipProbe(device, new Removable(device), () => reads++);
        using var batch = new FrameBatch();
        void Report()
        {
            Assert.AreEqual(SendResult.Sent, device.Inject(s_igmp));
            batch.Clear();
            probe.Receive(batch);
            Assert.AreEqual(1, batch.Count);
        }

        for (var i = 1; i <= 5; i++)
        {
            Report();
            Assert.AreEqual(i, reads);
        }
        var windows = 1L;
        var started = Environment.TickCount64;
        for (var i = 0; i < 1000; i++)
            Report();
        windows += ((Environment.TickCount64 - started) / 100) + 1;
        Assert.IsLessThanOrEqualTo(windows * 20, reads, "readings in a storm of 1000");
    }

    [TestMethod]
    public void All_else_is_the_devices()
    {
        using var device = new MemoryDevice("tap", OffloadKinds.Checksum);
        var removable = new Removable(device);
        using var probe = new MembershipProbe(device, removable, () => Assert.Fail("nothing was reported"));
        Assert.AreEqual("tap", probe.Name);
        Assert.AreEqual(OffloadKinds.Checksum, probe.Accepts);
        Assert.AreEqual(-1, probe.PollDescriptor);
        Assert.IsFalse(probe.IsGone);
        removable.IsGone = true;
        Assert.IsTrue(probe.IsGone);
        var buffer = new byte[FrameBatch.Headroom + 60];
        Assert.AreEqual(SendResult.Sent, probe.Send(buffer, default(FrameOffload)));
        probe.Flush();
        Assert.AreEqual(1, device.WaitingForFarSide);
    }

    private static (int Reads, int Frames) Receive(byte[][] frames)
    {
        using var device = new MemoryDevice("tap");
        var reads = 0;
        using var probe = new MembershipProbe(device, new Removable(device), () => reads++);
        using var batch = new FrameBatch();
        foreach (var frame in frames)
            Assert.AreEqual(SendResult.Sent, device.Inject(frame));
        probe.Receive(batch);
        return (reads, batch.Count);
    }

    /// <summary>A frame with one byte of its network header set.</summary>
    private static byte[] Frame(string destination, int type, int offset, byte value)
    {
        var frame = new byte[60];
        frame.AsSpan().Fill(0xa5);
        Convert.FromHexString(destination).CopyTo(frame, 0);
        (frame[12], frame[13]) = ((byte)(type >> 8), (byte)type);
        frame[14 + offset] = value;
        return frame;
    }

    private sealed class Removable(MemoryDevice inner) : IRemovableDevice
    {
        public bool IsGone { get; set; }

        public string Name => inner.Name;

        public OffloadKinds Accepts => inner.Accepts;

        public int PollDescriptor => inner.PollDescriptor;

        public void Receive(FrameBatch batch) => inner.Receive(batch);

        public SendResult Send(Span<byte> buffer, in FrameOffload offload) => inner.Send(buffer, offload);

        public void Flush() => inner.Flush();

        public void Dispose() => inner.Dispose();
    }
}
