using IpVlanWin.Engine.Neighbor;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Engine.Tests.Neighbor;

[TestClass]
public sealed class NeighborTableTests
{
    private static readonly L3Address One = L3Address.Parse("10.0.0.1");

    [TestMethod]
    public void An_entry_holds_until_its_time()
    {
        var table = new NeighborTable();
        var mac = new MacAddress(0x0200_0000_0001);
        table.Set(One, mac, TimeSpan.FromSeconds(10));
        Assert.IsTrue(table.TryFind(One, TimeSpan.FromSeconds(10), out var found));
        Assert.AreEqual(mac, found);
        Assert.IsFalse(table.TryFind(One, TimeSpan.FromSeconds(10) + TimeSpan.FromTicks(1), out found));
        Assert.AreEqual(default, found);
        Assert.AreEqual(1, table.Count);
        table.Set(One, mac, TimeSpan.MaxValue);
        Assert.IsTrue(table.TryFind(One, TimeSpan.MaxValue, out _));
        Assert.IsFalse(table.TryFind(new L3Address(0, One.Low), default, out _), "an IPv6 address of the same number is another");
    }

    [TestMethod]
    public void Stale_entries_go_and_others_stay()
    {
        var table = new NeighborTable();
        for (uint i = 0; i < 10; i++)
            table.Set(new L3Address(i), new MacAddress(i), TimeSpan.FromSeconds(i));
        table.RemoveStale(TimeSpan.FromSeconds(5));
        Assert.AreEqual(5, table.Count);
        Assert.IsTrue(table.Remove(new L3Address(9)));
        Assert.IsFalse(table.Remove(new L3Address(9)));
        Assert.IsFalse(table.Remove(new L3Address(1)));
    }
}
