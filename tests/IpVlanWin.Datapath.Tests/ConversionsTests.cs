using System.Net;
using System.Net.NetworkInformation;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Datapath.Tests;

[TestClass]
public sealed class ConversionsTests
{
    [TestMethod]
    public void Macs_go_there_and_back()
    {
        var mac = MacAddress.Parse("02:13:57:9b:df:01");
        Assert.IsTrue(mac.ToPhysical().TryToMac(out var back));
        Assert.AreEqual(mac, back);
        Assert.AreEqual("0213579BDF01", mac.ToPhysical().ToString());
    }

    [TestMethod]
    [DataRow("")]
    [DataRow("0102030405")]
    [DataRow("01020304050607")]
    [DataRow("0102030405060708")]
    public void Link_layer_addresses_of_other_lengths_are_no_macs(string digits)
    {
        Assert.IsFalse(new PhysicalAddress(Convert.FromHexString(digits)).TryToMac(out var mac));
        Assert.AreEqual(default, mac);
        Assert.IsFalse(((PhysicalAddress?)null).TryToMac(out _));
    }

    [TestMethod]
    [DataRow("0.0.0.0/0")]
    [DataRow("10.1.0.0/16")]
    [DataRow("192.0.2.7/32")]
    [DataRow("::/0")]
    [DataRow("2001:db8::/33")]
    [DataRow("fe80::1/128")]
    public void Prefixes_keep_family_and_length(string text) => Assert.AreEqual(L3Prefix.Parse(text), IPNetwork.Parse(text).ToPrefix());

    [TestMethod]
    public void Drops_that_never_occurred_are_left_out_and_others_are_in_order()
    {
        var port = new Port("master", MacAddress.Parse("02:00:00:00:00:01"), 1500);
        Assert.IsEmpty(port.Drops.ToValues());
        port.AddInterface("a", PortMode.L3, null, out var added);
        port.SetUp(added!, true);
        var hop = default(Engine.Routing.NextHop);
        byte[] broadcast = [255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 1, 8, 0, .. new byte[46]];
        byte[] notIp = [2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 1, 0x88, 0xb5, .. new byte[46]];
        port.Snapshot.Transmit(added!, notIp, default, default, ref hop);
        port.Snapshot.Transmit(added!, broadcast, default, default, ref hop);
        port.Snapshot.Transmit(added!, broadcast, default, default, ref hop);
        CollectionAssert.AreEqual(
            new[] { KeyValuePair.Create(DropReason.MulticastInL3, 2L), KeyValuePair.Create(DropReason.NotIp, 1L) }, port.Drops.ToValues().ToArray());
        Assert.AreEqual(new CounterValues(0, 0, 0, 0, 0, 0, 3), added!.Counters.ToValues());
    }
}
