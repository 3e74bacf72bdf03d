using IpVlanWin.Cli.Lab.Simulation;
using IpVlanWin.Devices;
using IpVlanWin.Devices.Memory;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Cli.Tests;

/// <summary>One simulated host, frame by frame.</summary>
[TestClass]
public sealed class LabSimulatedHostTests : IDisposable
{
    private const string ArpRequest = "ffffffffffff 0200000000aa 0806 0001080006040001 0200000000aa 0a420002 000000000000 0a420001";
    private const string ArpReply = "0200000000aa 0200000000bb 0806 0001080006040002 0200000000bb 0a420001 0200000000aa 0a420002";

    // 10.66.0.2 > 10.66.0.1 echo request, identifier 1, sequence 2, no payload; and its answer.
    private const string EchoRequest = "0200000000bb 0200000000aa 0800 4500001c000000004001665b 0a420002 0a420001 0800f7fc00010002";
    private const string EchoReply = "0200000000aa 0200000000bb 0800 4500001c000000004001665b 0a420001 0a420002 0000fffc00010002";

    private readonly SimulatedClock _clock = new();
    private readonly MemoryDevice _device = new("nic");
    private readonly SimulatedHost _host;

    public LabSimulatedHostTests()
    {
        _host = new SimulatedHost("host", new SimulatedNic(_device, MacAddress.Parse("02:00:00:00:00:bb"), _clock, null));
        _host.AddAddress(L3Prefix.Parse("10.66.0.1/24"));
        _host.AddAddress(L3Prefix.Parse("fd66::1/64"));
    }

    public void Dispose() => _device.Dispose();

    [TestMethod]
    public void Answers_arp_and_learns_who_asked()
    {
        Give(ArpRequest);
        AssertSent(ArpReply);
        Assert.IsTrue(_host.Neighbors.TryFind(L3Address.Parse("10.66.0.2"), out var mac));
        Assert.AreEqual(MacAddress.Parse("02:00:00:00:00:aa"), mac);
    }

    [TestMethod]
    public void Without_neighbor_resolution_it_keeps_silent_and_sends_to_its_own_mac()
    {
        _host.ResolvesNeighbors = false;
        Give(ArpRequest);
        AssertSent();
        Assert.IsTrue(_host.SendEcho(L3Address.Parse("203.0.113.9"), 1, 1), "a default route leads to the device");
        Assert.AreEqual("0200000000bb0200000000bb0800", Hex(Taken().Single().AsSpan(0, 14)));
    }

    [TestMethod]
    public void Answers_an_echo_request()
    {
        Give(ArpRequest, EchoRequest);
        AssertSent(ArpReply, EchoReply);
    }

    [TestMethod]
    public void A_wrong_checksum_is_counted_and_not_answered()
    {
        Give(ArpRequest, EchoRequest[..^1] + "3");
        AssertSent(ArpReply);
        Assert.AreEqual(1, _host.Malformed);
    }

    [TestMethod]
    [DataRow("0200000000cc" + "0200000000aa" + "0806")]
    [DataRow("0200000000bb")]
    [DataRow("0200000000bb" + "0200000000aa" + "0806" + "00")]
    public void Frames_for_others_and_stumps_are_ignored(string frame)
    {
        Give(frame);
        AssertSent();
    }

    [TestMethod]
    public void Asks_three_times_a_second_apart_and_gives_up()
    {
        Assert.IsTrue(_host.SendEcho(L3Address.Parse("10.66.0.9"), 1, 1));
        var asked = 0;
        for (; _host.Neighbors.NextTick < TimeSpan.MaxValue; asked++)
        {
            Assert.AreEqual(
                "ffffffffffff0200000000bb080600010800060400010200000000bb0a4200010000000000000a420009", Hex(Taken().Single()), $"question {asked}");
            Assert.AreEqual(TimeSpan.FromSeconds(asked + 1), _host.Neighbors.NextTick);
            _clock.AdvanceTo(_host.Neighbors.NextTick);
            _host.Tick();
        }
        Assert.AreEqual(3, asked);
        AssertSent();
    }

    [TestMethod]
    public void What_waits_for_a_neighbor_goes_when_it_answers_over_ipv6()
    {
        Assert.IsTrue(_host.SendEcho(L3Address.Parse("fd66::2"), 1, 1));
        var solicitation = Taken().Single();
        Assert.AreEqual("3333ff0000020200000000bb86dd", Hex(solicitation.AsSpan(0, 14)));
        Assert.IsTrue(IpPacket.TryParse(solicitation.AsSpan(14), out var packet));
        Assert.IsTrue(packet.IsTransportIntact);
        Assert.AreEqual(L3Address.Parse("ff02::1:ff00:2"), packet.Destination);
        Assert.AreEqual(255, packet.HopLimit);

        // A second host answers: what one writes the other reads.
        var device = new MemoryDevice("other");
        var other = new SimulatedHost("other", new SimulatedNic(device, MacAddress.Parse("02:00:00:00:00:aa"), _clock, null));
        other.AddAddress(L3Prefix.Parse("fd66::2/64"));
        Assert.AreEqual(SendResult.Sent, Send(device, solicitation));
        other.Poll();
        var advertisement = Taken(device).Single();
        Assert.AreEqual("0200000000bb0200000000aa86dd", Hex(advertisement.AsSpan(0, 14)));

        Assert.AreEqual(SendResult.Sent, Send(_device, advertisement));
        _host.Poll();
        var echo = Taken().Single();
        Assert.AreEqual("0200000000aa0200000000bb86dd", Hex(echo.AsSpan(0, 14)));
        Assert.IsTrue(IpPacket.TryParse(echo.AsSpan(14), out packet));
        Assert.IsTrue(packet.IsTransportIntact);
    }

    [TestMethod]
    public void No_route_leads_off_the_link()
    {
        Assert.IsFalse(_host.SendEcho(L3Address.Parse("203.0.113.9"), 1, 1));
        Assert.IsFalse(_host.SendDatagram(L3Address.Parse("2001:db8::9"), 1, 2, [1]));
        Assert.IsFalse(_host.SendDatagram(L3Address.Parse("10.66.0.2"), 1, 2, new byte[1473]), "longer than a frame");
        AssertSent();
    }

    private static string Hex(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(bytes);

    private static SendResult Send(MemoryDevice device, byte[] frame) => device.Send([.. new byte[FrameBatch.Headroom], .. frame], default);

    private static List<byte[]> Taken(MemoryDevice device)
    {
        using var batch = new FrameBatch();
        device.Receive(batch);
        var frames = new List<byte[]>();
        for (var i = 0; i < batch.Count; i++)
            frames.Add(batch.Frame(i).ToArray());
        return frames;
    }

    private List<byte[]> Taken() => Taken(_device);

    private void Give(params string[] frames)
    {
        foreach (var frame in frames)
            Assert.AreEqual(SendResult.Sent, Send(_device, Convert.FromHexString(frame.Replace(" ", "", StringComparison.Ordinal))));
        _host.Poll();
    }

    private void AssertSent(params string[] frames) => CollectionAssert.AreEqual(
        Array.ConvertAll(frames, frame => frame.Replace(" ", "", StringComparison.Ordinal)), Taken().ConvertAll(frame => Hex(frame)));
}
