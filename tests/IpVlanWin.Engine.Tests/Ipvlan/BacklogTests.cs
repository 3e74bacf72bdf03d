using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Tests.Oracle;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Engine.Tests.Ipvlan;

[TestClass]
public sealed class BacklogTests
{
    private const int Headroom = 32;

    [TestMethod]
    public void It_holds_a_thousand_frames_in_order()
    {
        var backlog = new Backlog(Headroom);
        var port = new TestPort(PortMode.L2, PortFlag.Bridge);
        var offload = new FrameOffload(34, 16);
        for (var round = 0; round < 3; round++)
        {
            for (var i = 0; i < Backlog.Capacity; i++)
                Assert.IsTrue(backlog.TryAdd(Frame(i), i % 2 == 0 ? default : offload, i % 3 == 0 ? port.A : null));
            Assert.AreEqual(1000, backlog.Count);
            Assert.IsFalse(backlog.TryAdd(Frame(7), default, null), "the 1001st is not taken");
            Assert.AreEqual(1000, backlog.Count);
            for (var i = 0; i < Backlog.Capacity; i++)
            {
                CollectionAssert.AreEqual(Frame(i), backlog.Buffer[Headroom..].ToArray());
                Assert.AreEqual(i % 2 == 0 ? default : offload, backlog.Offload);
                Assert.AreEqual(i % 3 == 0 ? port.A : null, backlog.Sender);
                Assert.AreEqual(0, backlog.Cursor);
                backlog.Cursor = 5;
                backlog.RemoveFirst();
                if (i == 500)
                    Assert.IsTrue(backlog.TryAdd(Frame(1), default, null), "there is room again");
            }
            Assert.AreEqual(1, backlog.Count);
            backlog.RemoveFirst();
        }
        Assert.ThrowsExactly<InvalidOperationException>(backlog.RemoveFirst);

        static byte[] Frame(int i) => [.. WireNaive.Big32((uint)i), .. new byte[10 + (i * 37 % 5000)]];
    }

    [TestMethod]
    public void A_steady_flow_allocates_nothing()
    {
        var backlog = new Backlog(Headroom);
        var frame = new byte[1514];
        for (var i = 0; i < Backlog.Capacity; i++)
            backlog.TryAdd(frame, default, null);
        while (backlog.Count > 0)
            backlog.RemoveFirst();
        AllocationAssert.None(3000, () =>
        {
            backlog.TryAdd(frame, default, null);
            backlog.RemoveFirst();
        });
    }
}
