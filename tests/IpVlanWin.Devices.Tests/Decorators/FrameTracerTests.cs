using IpVlanWin.Devices.Decorators;
using IpVlanWin.Devices.Memory;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Devices.Tests.Decorators;

[TestClass]
public sealed class FrameTracerTests
{
    private const string Addresses = "FFFFFFFFFFFF020000000001";
    private const string From = "02:00:00:00:00:01 > ff:ff:ff:ff:ff:ff, ";
    private const string Ip4 = "4500001C000000004001" + "0000" + "0A000001" + "0A000002";
    private const string Ip6 = "6000000000083A40" + "FE800000000000000000000000000001" + "FF0200000000000000000001FF000002";

    [TestMethod]
    [DataRow("", "length 0: [cut short within the Ethernet header]")]
    [DataRow("FFFFFFFFFFFF02000000000108", "length 13: [cut short within the Ethernet header]")]
    [DataRow(Addresses + "0026", From + "802.3, length 14")]
    [DataRow(Addresses + "88CC", From + "ethertype (0x88cc), length 14")]
    [DataRow(Addresses + "88080001", From + "ethertype MAC control (0x8808), length 16")]
    [DataRow(Addresses + "0806" + "0001080006040001" + "0200000000010A000001" + "0000000000000A000002", From + "ethertype ARP (0x0806), length 42: Request who-has 10.0.0.2 tell 10.0.0.1")]
    [DataRow(Addresses + "0806" + "0001080006040002" + "0200000000010A000001" + "0000000000000A000002", From + "ethertype ARP (0x0806), length 42: Reply 10.0.0.1 is-at 02:00:00:00:00:01")]
    [DataRow(Addresses + "0806" + "0001080006040003" + "0200000000010A000001" + "0000000000000A000002", From + "ethertype ARP (0x0806), length 42: operation 3 from 10.0.0.1 for 10.0.0.2")]
    [DataRow(Addresses + "0806" + "0001080006040001", From + "ethertype ARP (0x0806), length 22: [not IPv4 over Ethernet, or cut short]")]
    [DataRow(Addresses + "0800" + Ip4 + "0800", From + "ethertype IPv4 (0x0800), length 36: 10.0.0.1 > 10.0.0.2: ICMP echo request")]
    [DataRow(Addresses + "0800" + Ip4, From + "ethertype IPv4 (0x0800), length 34: 10.0.0.1 > 10.0.0.2: protocol 1")]
    [DataRow(Addresses + "81000064" + "0800" + Ip4 + "0000", From + "vlan 100, ethertype IPv4 (0x0800), length 40: 10.0.0.1 > 10.0.0.2: ICMP echo reply")]
    [DataRow(Addresses + "88A80FFF" + "8100F001" + "0800" + Ip4 + "0300", From + "svlan 4095, vlan 1, ethertype IPv4 (0x0800), length 44: 10.0.0.1 > 10.0.0.2: ICMP type 3")]
    [DataRow(Addresses + "8100", From + "ethertype VLAN (0x8100), length 14")]
    [DataRow(Addresses + "0800" + "4500001C00002000401100000A0000010A000002" + "00350400", From + "ethertype IPv4 (0x0800), length 38: 10.0.0.1.53 > 10.0.0.2.1024: UDP [fragment at 0+]")]
    [DataRow(Addresses + "0800" + "4500001C000000B9401100000A0000010A000002" + "00350400", From + "ethertype IPv4 (0x0800), length 38: 10.0.0.1 > 10.0.0.2: protocol 17 [fragment at 1480]")]
    [DataRow(Addresses + "0800" + "4500002800000000400600000A0000010A000002" + "005004000000000000000000" + "5012", From + "ethertype IPv4 (0x0800), length 48: 10.0.0.1.80 > 10.0.0.2.1024: TCP [S.]")]
    [DataRow(Addresses + "0800" + "4F00001C", From + "ethertype IPv4 (0x0800), length 18: [bad IPv4 header]")]
    [DataRow(Addresses + "0800" + "6500001C000000004001" + "0000" + "0A000001" + "0A000002", From + "ethertype IPv4 (0x0800), length 34: [bad IPv4 header]")]
    [DataRow(Addresses + "86DD" + Ip6 + "8700", From + "ethertype IPv6 (0x86dd), length 56: fe80::1 > ff02::1:ff00:2: ICMP6 neighbor solicitation")]
    [DataRow(Addresses + "86DD" + Ip6 + "8700000000000000" + "FE800000000000000000000000000002", From + "ethertype IPv6 (0x86dd), length 78: fe80::1 > ff02::1:ff00:2: ICMP6 neighbor solicitation, target fe80::2")]
    [DataRow(Addresses + "86DD" + "60", From + "ethertype IPv6 (0x86dd), length 15: [bad IPv6 header]")]
    public void Frames_in_words(string hex, string expected) => Assert.AreEqual(expected, FrameText.Describe(Convert.FromHexString(hex)));

    [TestMethod]
    public void Any_bytes_give_a_line()
    {
        const int Seed = 11;
        Console.WriteLine($"seed {Seed}");
        var random = new Random(Seed);
        string[] types = ["0800", "0806", "86DD", "8100", "88A8", "88CC"];
        for (var i = 0; i < 5000; i++)
        {
            var rest = new byte[random.Next(90)];
            random.NextBytes(rest);
            if (rest.Length > 0 && random.Next(2) == 0)
                rest[0] = (byte)(random.Next(2) == 0 ? 0x45 : 0x60);
            byte[] frame = [.. Convert.FromHexString(Addresses + types[random.Next(types.Length)]), .. rest];
            frame = frame[..random.Next(frame.Length + 1)];
            StringAssert.Contains(FrameText.Describe(frame), $"length {frame.Length}");
        }
    }

    [TestMethod]
    public void One_line_for_each_frame_with_time_device_and_direction()
    {
        var lines = new List<string>();
        using var device = new MemoryDevice("ipvl0", OffloadKinds.Checksum | OffloadKinds.Tcp, queueFrames: 1);
        using var tracer = new FrameTracer(device, lines.Add, () => 1_600_000_000_123_456_789);
        using var batch = new FrameBatch();
        var frame = Convert.FromHexString(Addresses + "88CC");
        byte[] buffer = [.. new byte[FrameBatch.Headroom], .. frame];
        batch.Append([1]);
        device.Inject(frame);
        tracer.Receive(batch);
        Assert.AreEqual(SendResult.Sent, tracer.Send(buffer, new FrameOffload(34, 16, SegmentationKind.Tcp4, 1448)));
        Assert.AreEqual(SendResult.QueueFull, tracer.Send(buffer, default));
        Assert.AreEqual(SendResult.Refused, tracer.Send(buffer, new FrameOffload(34, 16, SegmentationKind.Udp, 1000)));
        tracer.Flush();
        CollectionAssert.AreEqual(
            new[]
            {
                $"12:26:40.123456789 ipvl0 In  {From}ethertype (0x88cc), length 14",
                $"12:26:40.123456789 ipvl0 Out {From}ethertype (0x88cc), length 14 [Tcp4 segments of 1448] [checksum not ready]",
                $"12:26:40.123456789 ipvl0 Out {From}ethertype (0x88cc), length 14 [not sent: queue full]",
                $"12:26:40.123456789 ipvl0 Out {From}ethertype (0x88cc), length 14 [Udp segments of 1000] [checksum not ready] [not sent: refused]",
            },
            lines);
        Assert.AreEqual("ipvl0", tracer.Name);
        Assert.AreEqual(device.Accepts, tracer.Accepts);
        Assert.AreEqual(-1, tracer.PollDescriptor);
    }

    [TestMethod]
    public void A_receiver_of_lines_that_throws_silences_the_tracer_only()
    {
        var calls = 0;
        using var device = new MemoryDevice("m0");
        using var tracer = new FrameTracer(device, _ =>
        {
            calls++;
            throw new IOException("terminal is gone");
        });
        for (var i = 0; i < 3; i++)
            Assert.AreEqual(SendResult.Sent, tracer.Send(new byte[FrameBatch.Headroom + 60], default));
        Assert.AreEqual(1, calls);
        Assert.AreEqual("terminal is gone", tracer.Fault!.Message);
        Assert.AreEqual(3, device.WaitingForFarSide);
    }
}
