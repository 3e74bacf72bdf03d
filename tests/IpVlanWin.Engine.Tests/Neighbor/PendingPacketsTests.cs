using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Neighbor;
using IpVlanWin.Engine.Tests.Oracle;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Engine.Tests.Neighbor;

[TestClass]
public sealed class PendingPacketsTests
{
    private const int Headroom = 32;
    private readonly PendingPackets _pending = new(Headroom);
    private readonly VirtualInterface _sender = new TestPort(PortMode.L3, PortFlag.Bridge).A;

    private bool Add(uint neighbor, byte[] frame, TimeSpan now, out bool isFirst) =>
        _pending.TryAdd(new L3Address(neighbor), frame, default, false, _sender, now, out isFirst);

    [TestMethod]
    public void Packets_wait_in_order_and_the_first_is_told()
    {
        for (byte i = 0; i < 10; i++)
        {
            Assert.IsTrue(Add(1, [i], TimeSpan.Zero, out var isFirst));
            Assert.AreEqual(i == 0, isFirst);
            Assert.IsTrue(Add(2, [(byte)(100 + i)], TimeSpan.Zero, out _));
        }
        Assert.AreEqual(2, _pending.Count);
        var taken = _pending.Take(new L3Address(1));
        CollectionAssert.AreEqual(Enumerable.Range(0, 10).ToArray(), taken.Select(packet => (int)packet.Buffer[Headroom]).ToArray());
        Assert.IsTrue(taken.All(packet => packet.Sender == _sender && packet.Buffer.Length == Headroom + 1));
        Assert.IsEmpty(_pending.Take(new L3Address(1)));
        Assert.AreEqual(1, _pending.Count);
        Assert.IsTrue(Add(1, [1], TimeSpan.Zero, out var again));
        Assert.IsTrue(again, "it is asked for anew");
    }

    [TestMethod]
    public void Sixty_four_packets_wait_for_one_neighbor()
    {
        for (var i = 0; i < PendingPackets.PerNeighbor; i++)
            Assert.IsTrue(Add(1, [1], TimeSpan.Zero, out _));
        Assert.IsFalse(Add(1, [2], TimeSpan.Zero, out _));
        Assert.IsTrue(Add(2, [2], TimeSpan.Zero, out _));
        Assert.HasCount(64, _pending.Take(new L3Address(1)));
        Assert.IsTrue(Add(1, [2], TimeSpan.Zero, out _));
    }

    [TestMethod]
    public void Long_packets_wait_for_one_neighbor_up_to_a_number_of_bytes()
    {
        var count = 0;
        while (Add(1, new byte[60_000], TimeSpan.Zero, out _))
            count++;
        Assert.AreEqual(PendingPackets.BytesPerNeighbor / 60_000, count);
        Assert.IsTrue(Add(1, new byte[100], TimeSpan.Zero, out _), "a short one still fits");
        Assert.HasCount(count + 1, _pending.Take(new L3Address(1)));
    }

    [TestMethod]
    public void Two_hundred_fifty_six_neighbors_are_waited_for()
    {
        for (uint i = 0; i < PendingPackets.Neighbors; i++)
            Assert.IsTrue(Add(i, [1], TimeSpan.Zero, out _));
        Assert.IsFalse(Add(1000, [1], TimeSpan.Zero, out _));
        Assert.IsTrue(Add(5, [1], TimeSpan.Zero, out _), "those that are waited for go on");
        Assert.AreEqual(256, _pending.Count);
        _pending.Take(new L3Address(0));
        Assert.IsTrue(Add(1000, [1], TimeSpan.Zero, out var isFirst));
        Assert.IsTrue(isFirst);
    }

    [TestMethod]
    public void Patience_counts_from_the_first_packet()
    {
        var start = TimeSpan.FromSeconds(100);
        Add(1, [1], start, out _);
        Add(1, [2], start + TimeSpan.FromSeconds(2), out _);
        Add(2, [3], start + TimeSpan.FromSeconds(1), out _);
        Assert.IsEmpty(_pending.TakeExpired(start + PendingPackets.Patience - TimeSpan.FromTicks(1)));
        CollectionAssert.AreEqual((int[])[1, 2], _pending.TakeExpired(start + PendingPackets.Patience).Select(packet => (int)packet.Buffer[Headroom]).ToArray());
        Assert.AreEqual(1, _pending.Count);
        Assert.HasCount(1, _pending.TakeExpired(TimeSpan.MaxValue));
        Assert.IsEmpty(_pending.TakeExpired(TimeSpan.MaxValue));
    }
}
