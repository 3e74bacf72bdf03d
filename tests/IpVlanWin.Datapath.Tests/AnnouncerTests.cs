using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Datapath.Tests;

/// <summary>What is told to the wire unasked, and how often.</summary>
[TestClass]
public sealed class AnnouncerTests
{
    private static readonly TimeSpan s_start = TimeSpan.FromHours(1);
    private readonly Port _port = new("eth0", MacAddress.Parse("02:00:00:00:00:0a"), 1500);
    private readonly List<byte[]> _sent = [];
    private readonly VirtualInterface _red;
    private readonly Announcer _announcer;

    public AnnouncerTests()
    {
        _port.SetMasterUp(true);
        _port.AddInterface("red", PortMode.L2, PortFlag.Bridge, out var added);
        _red = added!;
        _port.AddAddress(_red, L3Prefix.Parse("10.0.0.1/24"));
        _port.AddAddress(_red, L3Prefix.Parse("fd00::1/64"));
        _port.SetUp(_red, true);
        _announcer = new Announcer(_port, _sent.Add);
    }

    [TestMethod]
    public void Twice_two_seconds_apart_and_never_again()
    {
        _announcer.Announce(_red, L3Address.Parse("10.0.0.1"), s_start);
        Assert.HasCount(1, _sent);
        _announcer.Tick(s_start + TimeSpan.FromSeconds(1.9));
        Assert.HasCount(1, _sent);
        _announcer.Tick(s_start + Announcer.Interval);
        Assert.HasCount(2, _sent);
        for (var seconds = 3; seconds < 60; seconds++)
            _announcer.Tick(s_start + TimeSpan.FromSeconds(seconds));
        Assert.HasCount(Announcer.Count, _sent);
        Assert.AreEqual(0, _announcer.Waiting);
    }

    [TestMethod]
    public void Frames_are_as_the_standards_have_them()
    {
        _announcer.Announce(_red, L3Address.Parse("10.0.0.1"), s_start);
        Assert.AreEqual("ffffffffffff02000000000a0806" + "0001080006040001" + "02000000000a" + "0a000001" + "000000000000" + "0a000001", Convert.ToHexStringLower(_sent[0]));
        _announcer.Announce(_red, L3Address.Parse("fd00::1"), s_start);
        var frame = _sent[1];
        Assert.AreEqual(
            "33330000000102000000000a86dd" + "6000000000203aff" + "fd000000000000000000000000000001" + "ff020000000000000000000000000001" +
            "8800" + "----" + "20000000" + "fd000000000000000000000000000001" + "0201" + "02000000000a",
            Convert.ToHexStringLower(frame)[..112] + "----" + Convert.ToHexStringLower(frame)[116..]);
        Assert.AreEqual(0, Checksum.Compute(frame.AsSpan(54), Checksum.PseudoHeader(frame.AsSpan(22, 16), frame.AsSpan(38, 16), 58, 32)), "its checksum is right");
    }

    [TestMethod]
    [DataRow("l3")]
    [DataRow("l3s")]
    [DataRow("interface down")]
    [DataRow("master down")]
    [DataRow("another's")]
    public void Who_cannot_be_reached_says_nothing(string state)
    {
        Change(state);
        _announcer.Announce(_red, L3Address.Parse("10.0.0.1"), s_start);
        Assert.IsEmpty(_sent);
        Assert.AreEqual(0, _announcer.Waiting);
    }

    [TestMethod]
    [DataRow("l3")]
    [DataRow("interface down")]
    [DataRow("master down")]
    [DataRow("another's")]
    [DataRow("stopped")]
    public void What_has_changed_meanwhile_is_not_told_again(string state)
    {
        _announcer.Announce(_red, L3Address.Parse("10.0.0.1"), s_start);
        Change(state);
        _announcer.Tick(s_start + Announcer.Interval);
        Assert.HasCount(1, _sent);
        Assert.AreEqual(0, _announcer.Waiting);
    }

    private void Change(string state)
    {
        switch (state)
        {
            case "l3":
                _port.SetMode(PortMode.L3);
                break;
            case "l3s":
                _port.SetMode(PortMode.L3S);
                break;
            case "interface down":
                _port.SetUp(_red, false);
                break;
            case "master down":
                _port.SetMasterUp(false);
                break;
            case "another's":
                _port.RemoveAddress(_red, L3Prefix.Parse("10.0.0.1/24"));
                break;
            case "stopped":
                _announcer.Stop();
                break;
            default:
                Assert.Fail(state);
                break;
        }
    }
}
