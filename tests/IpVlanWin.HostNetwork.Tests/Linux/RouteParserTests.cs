using System.Net;
using System.Net.NetworkInformation;
using IpVlanWin.HostNetwork.Linux;

namespace IpVlanWin.HostNetwork.Tests.Linux;

[TestClass]
public sealed class RouteParserTests
{
    internal static byte[] Message<T>(T body, Action<NetlinkWriter> attributes) where T : unmanaged
    {
        var writer = new NetlinkWriter();
        writer.Begin(Rtnl.RTM_NEWLINK, 0, "test", body);
        attributes(writer);
        writer.End();
        return writer.Written[16..].ToArray();
    }

    internal static byte[] VethMessage() => Message(new IfInfoMsg { Index = 5, Flags = 0x11043 }, writer =>
    {
        writer.Attribute(Rtnl.IFLA_IFNAME, "veth0");
        writer.Attribute(Rtnl.IFLA_ADDRESS, [2, 0, 0, 0, 0, 1]);
        writer.Attribute(Rtnl.IFLA_MTU, 1400u);
        writer.Attribute(Rtnl.IFLA_LINK, 9u);
        writer.Attribute(Rtnl.IFLA_MASTER, 3u);
        var info = writer.BeginNest(Rtnl.IFLA_LINKINFO);
        writer.Attribute(Rtnl.IFLA_INFO_KIND, "veth");
        writer.EndNest(info);
    });

    internal static byte[] AddressMessage() => Message(new IfAddrMsg { Family = Rtnl.AF_INET6, PrefixLength = 64, Index = 4, Scope = 253, Flags = 0x80 }, writer =>
    {
        writer.Attribute(Rtnl.IFA_ADDRESS, IPAddress.Parse("fe80::1"));
        writer.Attribute(Rtnl.IFA_FLAGS, 0xC0u);
    });

    internal static byte[] NeighborMessage() => Message(new NdMsg { Family = Rtnl.AF_INET, Index = 4, State = 2 }, writer =>
    {
        writer.Attribute(Rtnl.NDA_DST, IPAddress.Parse("10.0.0.9"));
        writer.Attribute(Rtnl.NDA_LLADDR, [2, 0, 0, 0, 0, 9]);
    });

    internal static byte[] MultipathMessage() => Message(new RtMsg { Family = Rtnl.AF_INET, DestinationLength = 8, Table = 254, Type = 1, Protocol = 4 }, writer =>
    {
        writer.Attribute(Rtnl.RTA_DST, IPAddress.Parse("10.0.0.0"));
        var hops = writer.BeginNest(Rtnl.RTA_MULTIPATH);
        writer.Append(new RtNextHop { Length = 16, Index = 2 });
        writer.Attribute(Rtnl.RTA_GATEWAY, IPAddress.Parse("192.0.2.1"));
        writer.Append(new RtNextHop { Length = 8, Index = 3, Flags = Rtnl.RTNH_F_ONLINK });
        writer.EndNest(hops);
    });

    [TestMethod]
    public void Link_Veth_IsRead()
    {
        Assert.AreEqual(ParseResult.Parsed, RouteParser.Link(VethMessage(), out var link));
        Assert.AreEqual(new HostLink
        {
            Index = 5,
            Name = "veth0",
            Kind = "veth",
            Mac = PhysicalAddress.Parse("02-00-00-00-00-01"),
            IpMtu = 1400,
            PeerIndex = 9,
            MasterIndex = 3,
            Flags = LinkFlags.Up | LinkFlags.Broadcast | LinkFlags.Running | LinkFlags.Multicast | LinkFlags.LowerUp,
        }, link);
    }

    [TestMethod]
    public void Link_BridgePortAndWirelessEvent_AreForeign()
    {
        var port = Message(new IfInfoMsg { Family = 7, Index = 5 }, writer => writer.Attribute(Rtnl.IFLA_IFNAME, "x"));
        Assert.AreEqual(ParseResult.Foreign, RouteParser.Link(port, out _));
        var wireless = Message(new IfInfoMsg { Index = 5 }, writer =>
        {
            writer.Attribute(Rtnl.IFLA_IFNAME, "wlan0");
            writer.Attribute(Rtnl.IFLA_WIRELESS, 0u);
        });
        Assert.AreEqual(ParseResult.Foreign, RouteParser.Link(wireless, out _));
    }

    [TestMethod]
    public void Address_WideFlags_WinOverTheNarrow()
    {
        Assert.AreEqual(ParseResult.Parsed, RouteParser.Address(AddressMessage(), out var address));
        Assert.AreEqual(new HostAddress(4, IPAddress.Parse("fe80::1"), 64, AddressScope.Link, AddressFlags.Tentative | AddressFlags.Permanent), address);
        Assert.IsTrue(address!.IsTentative);
    }

    [TestMethod]
    public void Address_PointToPoint_ShowsTheNearEnd()
    {
        var message = Message(new IfAddrMsg { Family = Rtnl.AF_INET, PrefixLength = 32, Index = 4 }, writer =>
        {
            writer.Attribute(Rtnl.IFA_ADDRESS, IPAddress.Parse("10.0.0.2"));
            writer.Attribute(Rtnl.IFA_LOCAL, IPAddress.Parse("10.0.0.1"));
        });
        Assert.AreEqual(ParseResult.Parsed, RouteParser.Address(message, out var address));
        Assert.AreEqual(IPAddress.Parse("10.0.0.1"), address!.Address);
    }

    [TestMethod]
    public void Neighbor_IsRead()
    {
        Assert.AreEqual(ParseResult.Parsed, RouteParser.Neighbor(NeighborMessage(), out var neighbor));
        Assert.AreEqual(new HostNeighbor(4, IPAddress.Parse("10.0.0.9"), PhysicalAddress.Parse("02-00-00-00-00-09"), NeighborState.Reachable), neighbor);
        Assert.IsTrue(neighbor!.IsUsable);
    }

    [TestMethod]
    public void Routes_Multipath_GivesOneForEachNextHop()
    {
        var routes = new List<HostRoute>();
        Assert.AreEqual(ParseResult.Parsed, RouteParser.Routes(MultipathMessage(), routes));
        CollectionAssert.AreEqual(new[]
        {
            new HostRoute { Destination = IPNetwork.Parse("10.0.0.0/8"), LinkIndex = 2, Gateway = IPAddress.Parse("192.0.2.1") },
            new HostRoute { Destination = IPNetwork.Parse("10.0.0.0/8"), LinkIndex = 3, OnLink = true },
        }, routes);
    }

    [TestMethod]
    [DataRow((byte)255, 0u, (byte)0, (byte)0, DisplayName = "local table")]
    [DataRow((byte)254, 0x200u, (byte)0, (byte)0, DisplayName = "cloned")]
    [DataRow((byte)254, 0u, (byte)8, (byte)0, DisplayName = "type of service")]
    [DataRow((byte)254, 0u, (byte)0, (byte)64, DisplayName = "source prefix")]
    public void Routes_OtherThanMain_AreForeign(byte table, uint flags, byte tos, byte sourceLength)
    {
        var routes = new List<HostRoute>();
        var message = Message(new RtMsg { Family = Rtnl.AF_INET, Table = table, Flags = flags, Tos = tos, SourceLength = sourceLength, Type = 1 }, _ => { });
        Assert.AreEqual(ParseResult.Foreign, RouteParser.Routes(message, routes));
        Assert.IsEmpty(routes);
    }

    [TestMethod]
    public void Routes_TableAttribute_WinsOverTheByte()
    {
        var routes = new List<HostRoute>();
        var message = Message(new RtMsg { Family = Rtnl.AF_INET, Table = 254, Type = 1 }, writer => writer.Attribute(Rtnl.RTA_TABLE, 1000u));
        Assert.AreEqual(ParseResult.Foreign, RouteParser.Routes(message, routes));
    }

    [TestMethod]
    public void EveryTruncation_IsAnsweredAndNeverInvented()
    {
        foreach (var whole in new[] { VethMessage(), AddressMessage(), NeighborMessage(), MultipathMessage() })
        {
            for (var length = 0; length < whole.Length; length++)
            {
                // An array of the exact size: a read beyond its end would throw.
                var cut = whole[..length].ToArray();
                var results = new[]
                {
                    RouteParser.Link(cut, out _), RouteParser.Address(cut, out _), RouteParser.Neighbor(cut, out _), RouteParser.Routes(cut, []),
                };
                if (length < 8) CollectionAssert.AreEqual(Enumerable.Repeat(ParseResult.Malformed, 4).ToArray(), results);
            }
        }
    }

    [TestMethod]
    [DataRow((byte)33)]
    [DataRow((byte)255)]
    public void PrefixLongerThanTheAddress_IsMalformed(byte length)
    {
        var route = Message(new RtMsg { Family = Rtnl.AF_INET, DestinationLength = length, Table = 254, Type = 1 }, _ => { });
        Assert.AreEqual(ParseResult.Malformed, RouteParser.Routes(route, []));
        var address = Message(new IfAddrMsg { Family = Rtnl.AF_INET, PrefixLength = length, Index = 1 }, writer => writer.Attribute(Rtnl.IFA_LOCAL, IPAddress.Loopback));
        Assert.AreEqual(ParseResult.Malformed, RouteParser.Address(address, out _));
    }

    [TestMethod]
    [DataRow("10.1.2.255", 24, "10.1.2.0/24")]
    [DataRow("10.1.2.255", 31, "10.1.2.254/31")]
    [DataRow("10.1.2.255", 32, "10.1.2.255/32")]
    [DataRow("10.1.2.255", 0, "0.0.0.0/0")]
    [DataRow("2001:db8::ffff", 113, "2001:db8::8000/113")]
    public void Prefix_ClearsTheHostBits(string address, int length, string prefix) =>
        Assert.AreEqual(IPNetwork.Parse(prefix), RouteParser.Prefix(IPAddress.Parse(address), length));
}
