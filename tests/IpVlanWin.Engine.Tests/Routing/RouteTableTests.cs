using IpVlanWin.Engine.Routing;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Engine.Tests.Routing;

[TestClass]
public sealed class RouteTableTests
{
    public TestContext TestContext { get; set; } = null!;

    [TestMethod]
    public void The_longest_prefix_wins_then_the_lowest_metric()
    {
        var seed = Random.Shared.Next();
        TestContext.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var table = new RouteTable();
        List<(L3Prefix Prefix, Route Route)> plain = [];
        for (var step = 0; step < 8_000; step++)
        {
            if (plain.Count < 20 || (random.Next(2) == 0 && plain.Count < 300))
            {
                var address = RandomAddress();
                var entry = (new L3Prefix(address, random.Next(address.Bits + 1)), new Route(RandomAddress(), (uint)(step + (random.Next(2) * 100_000)), random.Next(5) == 0));
                plain.Add(entry);
                table.Add(entry.Item1, entry.Item2);
            }
            else
            {
                var gone = plain[random.Next(plain.Count)];
                plain.Remove(gone);
                Assert.IsTrue(table.Remove(gone.Prefix, gone.Route));
                Assert.IsFalse(table.Remove(gone.Prefix, gone.Route));
            }
            var asked = RandomAddress();
            var best = plain.Where(entry => entry.Prefix.Contains(asked)).OrderByDescending(entry => entry.Prefix.Length).ThenBy(entry => entry.Route.Metric).Select(entry => entry.Route).FirstOrDefault();
            Assert.AreEqual(best is not null, table.TryFind(asked, out var found));
            Assert.AreEqual(best, found);
        }

        // Few bits differ, at both ends, so that prefixes nest.
        L3Address RandomAddress()
        {
            var few = (uint)random.Next(16);
            return random.Next(2) == 0
                ? new L3Address((few << 28) | (uint)random.Next(8))
                : new L3Address(((ulong)few << 60) | (uint)random.Next(2), ((ulong)random.Next(4) << 62) | (uint)random.Next(4));
        }
    }

    [TestMethod]
    public void Of_equal_metrics_the_first_added_wins()
    {
        var table = new RouteTable();
        var prefix = L3Prefix.Parse("10.0.0.0/8");
        Route first = new(L3Address.Parse("10.0.0.1"), 5), second = new(L3Address.Parse("10.0.0.2"), 5), best = new(L3Address.Parse("10.0.0.3"), 4);
        table.Add(prefix, first);
        table.Add(prefix, second);
        Assert.AreEqual(first, Found());
        table.Add(prefix, best);
        Assert.AreEqual(best, Found());
        table.Remove(prefix, best);
        Assert.AreEqual(first, Found());
        table.Remove(prefix, first);
        Assert.AreEqual(second, Found());
        Assert.IsFalse(table.Remove(L3Prefix.Parse("10.0.0.0/9"), second));

        Route? Found() => table.TryFind(L3Address.Parse("10.9.9.9"), out var route) ? route : null;
    }

    [TestMethod]
    [DataRow("10.0.0.2/31", "10.0.0.3", true)]
    [DataRow("10.0.0.2/31", "10.0.0.4", false)]
    [DataRow("10.0.0.2/32", "10.0.0.2", true)]
    [DataRow("10.0.0.2/32", "10.0.0.3", false)]
    [DataRow("10.0.0.2/0", "255.255.255.255", true)]
    [DataRow("10.0.0.2/0", "::", false)]
    [DataRow("::/0", "10.0.0.2", false)]
    [DataRow("fd00::/64", "fd00::ffff:ffff:ffff:ffff", true)]
    [DataRow("fd00::/64", "fd00:0:0:1::", false)]
    [DataRow("fd00::2/127", "fd00::3", true)]
    [DataRow("fd00::2/128", "fd00::3", false)]
    [DataRow("::/0", "ffff::", true)]
    public void Prefixes_at_their_ends(string prefix, string address, bool holds)
    {
        var table = new RouteTable();
        table.Add(L3Prefix.Parse(prefix), new Route(null));
        Assert.AreEqual(holds, table.TryFind(L3Address.Parse(address), out _));
    }

    [TestMethod]
    public void The_host_speaks_from_a_global_address_where_it_has_one()
    {
        var routes = new RouteTable();
        var port = new IpVlanWin.Engine.Ipvlan.Port("eth0", default, 1500);
        Assert.IsFalse(port.Snapshot.TryPickHostAddress(true, out _));
        port.AddMasterAddress(L3Prefix.Parse("fe80::1/64"));
        port.AddMasterAddress(L3Prefix.Parse("10.0.0.1/24"));
        Assert.AreEqual("fe80::1", Picked(true));
        port.AddMasterAddress(L3Prefix.Parse("fd00::1/64"));
        port.AddMasterAddress(L3Prefix.Parse("10.0.0.1/25"));
        Assert.AreEqual("fd00::1", Picked(true));
        Assert.AreEqual("10.0.0.1", Picked(false));
        port.RemoveMasterAddress(L3Prefix.Parse("10.0.0.1/24"));
        Assert.AreEqual("10.0.0.1", Picked(false));
        port.RemoveMasterAddress(L3Prefix.Parse("10.0.0.1/25"));
        Assert.IsNull(Picked(false));
        Assert.HasCount(2, port.MasterAddresses);
        Assert.IsFalse(routes.TryFind(L3Address.Parse("10.0.0.1"), out _));

        string? Picked(bool isSix) => port.Snapshot.TryPickHostAddress(isSix, out var address) ? address.ToString() : null;
    }
}
