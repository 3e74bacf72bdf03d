using IpVlanWin.Engine.Routing;
using IpVlanWin.Engine.Wire;
using static IpVlanWin.Engine.Tests.Oracle.Frames;
using static IpVlanWin.Engine.Tests.Oracle.NaiveHeader;

namespace IpVlanWin.Engine.Tests.Routing;

/// <summary>RFC 792, RFC 1191 section 4, RFC 1122 section 3.2.2, RFC 4443 sections 2.4 and 3.2.</summary>
[TestClass]
public sealed class TooBigReplyTests
{
    private static byte[] Reply(byte[] frame, string from, int ipMtu)
    {
        var room = new byte[TooBigReply.MaxLength];
        Array.Fill(room, (byte)0xA5);
        var length = TooBigReply.Write(frame, L3Address.Parse(from), MacAddress.Parse(OwnMac), ipMtu, room);
        Assert.IsTrue(length == 0 || room.AsSpan(length).IndexOfAnyExcept((byte)0xA5) < 0);
        return room[..length];
    }

    [TestMethod]
    [DataRow(100, 1400)]
    [DataRow(520, 68)]
    [DataRow(3001, 1500)]
    [DataRow(60_000, 65535)]
    public void Fragmentation_needed(int payload, int ipMtu)
    {
        var frame = Ip(OtherMac, OwnMac, "10.0.0.2", "192.0.2.1", payload, dontFragment: true, options: [1, 1, 1, 0]);
        var reply = Reply(frame, "10.0.0.1", ipMtu);
        var quoted = Math.Min(frame.Length - 14, 548);
        Assert.HasCount(14 + 28 + quoted, reply);
        CollectionAssert.AreEqual((byte[])[.. Mac(OwnMac), .. Mac(OwnMac), 8, 0], reply[..14]);
        var packet = reply[14..];
        Assert.AreEqual(0x45, (int)packet[0]);
        Assert.AreEqual(packet.Length, Word(packet, 2));
        Assert.AreEqual(0, Word(packet, 6));
        CollectionAssert.AreEqual((byte[])[64, 1], packet[8..10]);
        CollectionAssert.AreEqual((byte[])[.. Address("10.0.0.1"), .. Address("10.0.0.2")], packet[12..20]);
        Assert.AreEqual(0xFFFF, (int)WireNaive.Sum(packet[..20]));
        CollectionAssert.AreEqual((byte[])[3, 4], packet[20..22]);
        Assert.AreEqual(0, Word(packet, 24));
        Assert.AreEqual(ipMtu, Word(packet, 26));
        Assert.AreEqual(0xFFFF, (int)WireNaive.Sum(packet[20..]));
        CollectionAssert.AreEqual(frame[14..(14 + quoted)], packet[28..]);
    }

    [TestMethod]
    [DataRow(100, 1400)]
    [DataRow(1500, 1280)]
    [DataRow(60_000, 65535)]
    public void Packet_too_big(int payload, int ipMtu)
    {
        var frame = Ip(OtherMac, OwnMac, "fd00::2", "2001:db8::1", payload);
        var reply = Reply(frame, "fd00::1", ipMtu);
        var packet = reply[14..];
        var quoted = Math.Min(frame.Length - 14, 1232);
        Assert.HasCount(48 + quoted, packet);
        CollectionAssert.AreEqual((byte[])[.. Mac(OwnMac), .. Mac(OwnMac), 0x86, 0xdd, 0x60, 0, 0, 0], reply[..18]);
        Assert.AreEqual(packet.Length - 40, Word(packet, 4));
        CollectionAssert.AreEqual((byte[])[58, 64, .. Address("fd00::1"), .. Address("fd00::2")], packet[6..40]);
        CollectionAssert.AreEqual((byte[])[2, 0], packet[40..42]);
        CollectionAssert.AreEqual(WireNaive.Big32((uint)ipMtu), packet[44..48]);
        Assert.IsTrue(WireNaive.IsIntact(packet[8..24], packet[24..40], 58, packet[40..]));
        CollectionAssert.AreEqual(frame[14..(14 + quoted)], packet[48..]);
    }

    [TestMethod]
    [DataRow(0, true)]
    [DataRow(3, false)]
    [DataRow(4, false)]
    [DataRow(5, false)]
    [DataRow(8, true)]
    [DataRow(11, false)]
    [DataRow(12, false)]
    [DataRow(13, true)]
    public void None_about_an_icmp_error(int type, bool isAnswered)
    {
        var frame = Ip(OtherMac, OwnMac, "10.0.0.2", "192.0.2.1", 2000, protocol: 1);
        frame[34] = (byte)type;
        Assert.AreEqual(isAnswered, Reply(frame, "10.0.0.1", 1500).Length > 0);
        var behindOptions = Ip(OtherMac, OwnMac, "10.0.0.2", "192.0.2.1", 2000, protocol: 1, options: [1, 1, 1, 1]);
        behindOptions[38] = (byte)type;
        Assert.AreEqual(isAnswered, Reply(behindOptions, "10.0.0.1", 1500).Length > 0);
    }

    [TestMethod]
    [DataRow(1, false)]
    [DataRow(2, false)]
    [DataRow(127, false)]
    [DataRow(128, true)]
    [DataRow(135, true)]
    [DataRow(137, false)]
    public void None_about_an_icmpv6_error_or_redirect(int type, bool isAnswered)
    {
        var frame = Ip(OtherMac, OwnMac, "fd00::2", "2001:db8::1", 2000, protocol: 58);
        frame[54] = (byte)type;
        Assert.AreEqual(isAnswered, Reply(frame, "fd00::1", 1500).Length > 0);
    }

    [TestMethod]
    [DataRow("0.0.0.0", false)]
    [DataRow("0.1.2.3", false)]
    [DataRow("127.0.0.1", false)]
    [DataRow("224.0.0.1", false)]
    [DataRow("240.0.0.1", false)]
    [DataRow("255.255.255.255", false)]
    [DataRow("223.255.255.255", true)]
    [DataRow("::", false)]
    [DataRow("ff02::1", false)]
    [DataRow("fe80::2", true)]
    public void None_to_a_source_that_is_not_one_host(string source, bool isAnswered)
    {
        var isSix = source.Contains(':', StringComparison.Ordinal);
        var frame = Ip(OtherMac, OwnMac, source, isSix ? "2001:db8::1" : "192.0.2.1", 2000);
        Assert.AreEqual(isAnswered, Reply(frame, isSix ? "fd00::1" : "10.0.0.1", 1500).Length > 0);
    }

    [TestMethod]
    public void None_about_a_later_fragment()
    {
        var frame = Ip(OtherMac, OwnMac, "10.0.0.2", "192.0.2.1", 2000, dontFragment: true);
        frame[20] = 0x60; // the first of several
        Assert.IsNotEmpty(Reply(frame, "10.0.0.1", 1500));
        frame[21] = 1;
        Assert.IsEmpty(Reply(frame, "10.0.0.1", 1500));
    }

    [TestMethod]
    public void A_header_alone_is_quoted_whole()
    {
        Assert.HasCount(14 + 28 + 20, Reply(Ip(OtherMac, OwnMac, "10.0.0.2", "192.0.2.1", 0, protocol: 1), "10.0.0.1", 68));
        Assert.HasCount(14 + 48 + 40, Reply(Ip(OtherMac, OwnMac, "fd00::2", "2001:db8::1", 0, protocol: 58), "fd00::1", 68));
    }
}
