using System.Net;
using System.Text;
using IpVlanWin.HostNetwork.Linux;

namespace IpVlanWin.HostNetwork.Tests.Linux;

[TestClass]
public sealed class NetlinkWireTests
{
    public required TestContext TestContext { get; init; }

    /// <summary>Little-endian: the byte order of every machine .NET runs on under Linux here.</summary>
    private static readonly byte[] AddAddressMessage = Convert.FromHexString(
        "28000000" + "1400" + "0106" + "00000000" + "00000000" // length 40, RTM_NEWADDR, REQUEST|CREATE|EXCL
        + "02180000" + "07000000"                              // AF_INET, /24, link 7
        + "0800" + "0200" + "0A000001"                         // IFA_LOCAL
        + "0800" + "0100" + "0A000001");                        // IFA_ADDRESS

    [TestMethod]
    public void Writer_AddAddress_WritesTheBytes()
    {
        var writer = new NetlinkWriter();
        RouteRequests.Address(writer, add: true, 7, IPAddress.Parse("10.0.0.1"), 24, AddressFlags.None);
        CollectionAssert.AreEqual(AddAddressMessage, writer.Written.ToArray());
        Assert.AreEqual("add address 10.0.0.1/24 to link 7", writer.AttemptOf(0));
    }

    [TestMethod]
    public void Writer_OddAttribute_IsPaddedWithZerosAndLengthIsKept()
    {
        var writer = new NetlinkWriter();
        writer.Begin(Rtnl.RTM_NEWLINK, 0, "test", new IfInfoMsg { Index = 3 });
        var nest = writer.BeginNest(Rtnl.IFLA_LINKINFO);
        writer.Attribute(Rtnl.IFLA_INFO_KIND, "veth");
        writer.EndNest(nest);
        writer.Attribute(Rtnl.IFLA_MTU, 1400u);
        writer.End();

        var messages = new MessageReader(writer.Written);
        Assert.IsTrue(messages.Next());
        Assert.AreEqual(Rtnl.RTM_NEWLINK, messages.Header.Type);
        Assert.AreEqual((uint)writer.Written.Length, messages.Header.Length);
        var attributes = new AttributeReader(messages.Payload[16..]);
        Assert.IsTrue(attributes.Next());
        Assert.AreEqual(Rtnl.IFLA_LINKINFO, attributes.Type);
        var info = new AttributeReader(attributes.Value);
        Assert.IsTrue(info.Next());
        Assert.AreEqual(5, info.Value.Length);
        Assert.AreEqual("veth", info.Text());
        Assert.IsFalse(info.Next());
        Assert.IsTrue(attributes.Next());
        Assert.IsTrue(attributes.TryUInt32(out var mtu));
        Assert.AreEqual(1400u, mtu);
        Assert.IsFalse(attributes.Next());
        Assert.IsFalse(messages.Next());
        Assert.IsFalse(attributes.IsMalformed || info.IsMalformed || messages.IsMalformed);
    }

    [TestMethod]
    [DataRow("", 0, false)]
    [DataRow("00", 0, true)]
    [DataRow("000000000000000000000000000000", 0, true)]                       // 15 bytes
    [DataRow("00000000000000000000000000000000", 0, true)]                     // length 0
    [DataRow("0F000000000000000000000000000000", 0, true)]                     // length 15
    [DataRow("11000000000000000000000000000000", 0, true)]                     // one more than there is
    [DataRow("FFFFFFFF000000000000000000000000", 0, true)]
    [DataRow("10000000000000000000000000000000", 1, false)]
    [DataRow("1000000000000000000000000000000010", 1, true)]                   // a stray byte behind
    [DataRow("11000000000000000000000000000000AA", 1, false)]                  // unpadded end
    [DataRow("1000000001000000000000000000000010000000020000000000000000000000", 2, false)]
    public void MessageReader_AnyBytes_Ends(string hex, int messages, bool malformed)
    {
        var reader = new MessageReader(Convert.FromHexString(hex));
        var count = 0;
        while (reader.Next()) count++;
        Assert.AreEqual(messages, count);
        Assert.AreEqual(malformed, reader.IsMalformed);
        Assert.IsFalse(reader.Next());
    }

    [TestMethod]
    [DataRow("", 0, false)]
    [DataRow("040001", 0, true)]
    [DataRow("00000100", 0, true)]                 // length 0 must not loop
    [DataRow("03000100", 0, true)]
    [DataRow("05000100", 0, true)]
    [DataRow("04000100", 1, false)]
    [DataRow("05000100AA", 1, false)]
    [DataRow("05000100AA0000000400FF7F", 2, false)]
    [DataRow("FFFF0100", 0, true)]
    public void AttributeReader_AnyBytes_Ends(string hex, int attributes, bool malformed)
    {
        var reader = new AttributeReader(Convert.FromHexString(hex));
        var count = 0;
        while (reader.Next()) count++;
        Assert.AreEqual(attributes, count);
        Assert.AreEqual(malformed, reader.IsMalformed);
    }

    [TestMethod]
    [DataRow(0, "", 0, null)]
    [DataRow(0, "00000000" + "10000000140005060100000000000000", 0, null)]
    [DataRow(0, "EFFFFFFF" + "10000000140005060100000000000000", 17, null)]
    [DataRow(0, "00000080" + "10000000140005060100000000000000", int.MaxValue, null)]
    [DataRow(0x300, "EAFFFFFF" + "28000000140005060100000000000000" + "08000100" + "6E6F2100", 22, "no!")]   // capped
    [DataRow(0x200, "EAFFFFFF" + "14000000140005060100000000000000" + "AABBCCDD" + "08000100" + "6E6F2100", 22, "no!")]
    [DataRow(0x200, "EAFFFFFF" + "FFFFFFFF140005060100000000000000" + "08000100" + "6E6F2100", 22, null)]    // lies about its length
    [DataRow(0x300, "EAFFFFFF" + "28000000140005060100000000000000" + "00000100", 22, null)]
    public void Acknowledgement_Parse(int flags, string hex, int errno, string? text)
    {
        var header = new NlMsgHdr { Flags = (ushort)flags };
        var answer = Acknowledgement.Parse(header, Convert.FromHexString(hex));
        if (hex.Length == 0)
        {
            Assert.IsNull(answer);
            return;
        }
        Assert.AreEqual(new Acknowledgement(errno, text), answer);
    }

    [TestMethod]
    public void Parsers_RandomAndMutatedBytes_AlwaysAnswer()
    {
        var seed = Environment.TickCount;
        TestContext.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var fixtures = new[]
        {
            RouteParserTests.VethMessage(), RouteParserTests.AddressMessage(), RouteParserTests.MultipathMessage(), RouteParserTests.NeighborMessage(),
        };
        var parsed = 0;
        var routes = new List<HostRoute>();
        for (var i = 0; i < 40_000; i++)
        {
            byte[] bytes;
            if (i % 4 == 0)
            {
                bytes = new byte[random.Next(200)];
                random.NextBytes(bytes);
            }
            else
            {
                bytes = fixtures[random.Next(fixtures.Length)].ToArray();
                for (var flips = random.Next(1, 4); flips > 0; flips--) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
                bytes = bytes[..random.Next(bytes.Length + 1)];
            }
            routes.Clear();
            if (RouteParser.Link(bytes, out var link) == ParseResult.Parsed) parsed += link!.Index > 0 ? 1 : 0;
            if (RouteParser.Address(bytes, out var address) == ParseResult.Parsed) parsed += address!.LinkIndex > 0 ? 1 : 0;
            if (RouteParser.Neighbor(bytes, out var neighbor) == ParseResult.Parsed) parsed += neighbor!.LinkIndex > 0 ? 1 : 0;
            if (RouteParser.Routes(bytes, routes) == ParseResult.Parsed) parsed++;
            var messages = new MessageReader(bytes);
            for (var steps = 0; messages.Next(); steps++) Assert.IsLessThan(bytes.Length, steps);
        }
        Assert.IsGreaterThan(1000, parsed, "the mutations must leave some messages whole");
    }

    [TestMethod]
    public void Text_WithoutTerminator_EndsWithTheAttribute()
    {
        var reader = new AttributeReader([7, 0, 1, 0, (byte)'a', (byte)'b', (byte)'c']);
        Assert.IsTrue(reader.Next());
        Assert.AreEqual("abc", reader.Text());
        Assert.AreEqual(3, Encoding.UTF8.GetByteCount(reader.Text()));
    }
}
