using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Runtime.Versioning;
using System.Text;
using IpVlanWin.HostNetwork.Linux;

namespace IpVlanWin.HostNetwork.Tests.Linux;

[TestClass]
[SupportedOSPlatform("linux")]
public sealed class MulticastListTests
{
    [TestMethod]
    public void Read_FollowsTheKernel_FromAnyThread()
    {
        using var test = new TestNamespace("mcast");
        var link = test.Netlink.CreateVeth("a", "b");
        test.Netlink.SetUp(link.Index, true);
        test.Netlink.SetUp(link.PeerIndex, true);
        test.Netlink.AddAddress(link.Index, IPAddress.Parse("10.0.0.1"), 24);
        using var list = MulticastList.Open(test.Namespace);
        var group = PhysicalAddress.Parse("01-00-5E-01-02-03");
        Assert.Contains(PhysicalAddress.Parse("01-00-5E-00-00-01"), list.Read(link.Index));
        Assert.DoesNotContain(group, list.Read(link.Index));
        using (var socket = test.Namespace.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp)))
        {
            socket.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.AddMembership, new MulticastOption(IPAddress.Parse("239.1.2.3"), IPAddress.Parse("10.0.0.1")));
            Assert.Contains(group, list.Read(link.Index));
            Assert.DoesNotContain(group, list.Read(link.PeerIndex));
            // More than one buffer full.
            test.Namespace.WriteSysctl("net/ipv4/igmp_max_memberships", "400");
            for (var i = 0; i < 300; i++)
            {
                socket.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.AddMembership,
                    new MulticastOption(new IPAddress([239, 2, (byte)(i >> 8), (byte)i]), IPAddress.Parse("10.0.0.1")));
            }
            Assert.IsGreaterThanOrEqualTo(301, list.Read(link.Index).Count);
        }
        Assert.DoesNotContain(group, list.Read(link.Index));
        Assert.IsEmpty(list.Read(4711));
    }

    [TestMethod]
    public void Group_AddedToALink_IsReceivedUntilItIsRemoved()
    {
        using var test = new TestNamespace("mcast");
        var link = test.Netlink.CreateVeth("a", "b");
        using var list = MulticastList.Open(test.Namespace);
        var group = PhysicalAddress.Parse("33-33-00-00-00-AB");
        test.Netlink.AddMulticast("a", group);
        test.Netlink.AddMulticast("a", group);
        Assert.Contains(group, list.Read(link.Index));
        Assert.DoesNotContain(group, list.Read(link.PeerIndex));
        test.Netlink.RemoveMulticast("a", group);
        Assert.DoesNotContain(group, list.Read(link.Index));
        Assert.AreEqual("ENOENT", Assert.ThrowsExactly<HostNetworkException>(() => test.Netlink.RemoveMulticast("a", group)).NativeName);
        Assert.AreEqual("ENODEV", Assert.ThrowsExactly<HostNetworkException>(() => test.Netlink.AddMulticast("c", group)).NativeName);
        Assert.ThrowsExactly<ArgumentException>(() => test.Netlink.AddMulticast("a", PhysicalAddress.Parse("33-33")));
    }

    [TestMethod]
    [DataRow("", 0)]
    [DataRow("\n\n", 0)]
    [DataRow("2    eth0            1     0     01005e000001\n", 1)]
    [DataRow("2    eth0            1     0     01005e000001", 1)]
    [DataRow("2    eth0            1     0     01005e000001\n3    eth1            1     0     01005e000001\n22   eth2            1     0     01005e000001\n", 1)]
    [DataRow("2    eth0            1     0     01005e00000\n", 0)]
    [DataRow("2    eth0            1     0     zz\n", 0)]
    [DataRow("2\n", 0)]
    [DataRow("99999999999999999999 x 1 0 00\n", 0)]
    public void Parse_AnyText_Ends(string text, int count) => Assert.HasCount(count, MulticastList.Parse(Encoding.UTF8.GetBytes(text), 2));
}
