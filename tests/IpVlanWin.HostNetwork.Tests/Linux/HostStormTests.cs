using System.Diagnostics;
using System.Net;
using System.Net.NetworkInformation;
using System.Runtime.Versioning;
using IpVlanWin.HostNetwork.Linux;

namespace IpVlanWin.HostNetwork.Tests.Linux;

/// <summary>Changes of every kind as fast as the kernel takes them: the watch ends at the kernel's own state, and keeps nothing else.</summary>
[TestClass]
[SupportedOSPlatform("linux")]
public sealed class HostStormTests
{
    private const int Changes = 10_000, Things = 400, Rounds = 14;

    public required TestContext TestContext { get; init; }

    [TestMethod]
    [DataRow(4 * 1024 * 1024, false, DisplayName = "roomy buffer, quick consumer")]
    [DataRow(64 * 1024, true, DisplayName = "small buffer, consumer held through the storm")]
    public async Task Storm_ConvergesToTheHostsState_WithBoundedMemory(int receiveBufferBytes, bool held)
    {
        using var one = new TestNamespace("storm1");
        using var two = new TestNamespace("storm2");
        var (near, _) = one.Join(two);
        one.Netlink.AddAddress(near.Index, IPAddress.Parse("10.250.0.1"), 16);
        using var gate = new ManualResetEventSlim(!held);
        var largestBatch = 0;
        long seen = 0;
        using var watch = HostWatch.Start(one.Namespace, changes =>
        {
            gate.Wait(TestContext.CancellationToken);
            largestBatch = Math.Max(largestBatch, changes.Count);
            seen += changes.Count;
        }, receiveBufferBytes);
        var memory = GC.GetTotalMemory(forceFullCollection: true);

        var start = Stopwatch.GetTimestamp();
        // Links change beside addresses, routes and neighbors, from a socket of their own.
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(TestContext.CancellationToken);
        var links = Task.Run(() => ChangeLinks(one, near.Index, stop.Token), TestContext.CancellationToken);
        var made = 0;
        var batch = one.Netlink.CreateBatch();
        for (var round = 0; round < Rounds; round++)
        {
            var add = round % 2 == 0;
            for (var i = 0; i < Things; i++)
            {
                var address = new IPAddress([10, 250, (byte)(1 + (i >> 8)), (byte)i]);
                var route = new HostRoute { Destination = new IPNetwork(new IPAddress([198, 18, (byte)(i >> 8), (byte)i]), 32), LinkIndex = near.Index, Metric = 7 };
                if (add)
                {
                    batch.AddAddress(near.Index, address, 32);
                    batch.AddRoute(route);
                }
                else if (round != Rounds - 1 || i % 3 != 0)
                {
                    // Of the last round a third stays.
                    batch.RemoveAddress(near.Index, address, 32);
                    batch.RemoveRoute(route);
                }
            }
            // Nothing of the batch may fail but what a link that goes down takes with it, which is not done here.
            Assert.IsEmpty(batch.Send());
            made += Things * 2;
        }
        await stop.CancelAsync();
        made += await links;
        var changed = Stopwatch.GetElapsedTime(start);
        gate.Set();

        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(TestContext.CancellationToken);
        deadline.CancelAfter(TimeSpan.FromSeconds(60));
        var addresses = one.Netlink.ListAddresses().ToHashSet();
        var routes = one.Netlink.ListRoutes().ToHashSet();
        var link = one.Netlink.GetLink(near.Index);
        await watch.WaitFor(s => addresses.SetEquals(s.Addresses.Values) && routes.SetEquals(s.Routes) && s.Links[near.Index] == link, deadline.Token);
        var converged = Stopwatch.GetElapsedTime(start);
        var kept = GC.GetTotalMemory(forceFullCollection: true) - memory;
        watch.Dispose();
        TestContext.WriteLine($"{made} changes made in {changed.TotalSeconds:F2} s, converged {(converged - changed).TotalMilliseconds:F0} ms later; {seen} shown, {watch.Overruns} overruns, largest batch {largestBatch}, {kept / 1024} KiB kept");
        Assert.IsGreaterThanOrEqualTo(Changes, made);
        Assert.IsGreaterThanOrEqualTo(Things / 3, addresses.Count);
        Assert.IsLessThan(8L * 1024 * 1024, kept, "what is kept is the state, not its history");
        if (held)
        {
            // While the consumer is held nothing is read: the kernel's buffer is the only queue, and it overran.
            Assert.IsGreaterThan(0, watch.Overruns);
            Assert.IsLessThan(Changes, seen);
        }
    }

    private static int ChangeLinks(TestNamespace test, int index, CancellationToken stop)
    {
        using var netlink = RouteNetlink.Open(test.Namespace);
        var made = 0;
        do
        {
            netlink.SetMtu(index, 1400 + (made % 100));
            netlink.SetNeighbor(index, new IPAddress([10, 250, 200, (byte)made]), PhysicalAddress.Parse("02-00-00-00-00-07"));
            made += 2;
        }
        while (!stop.IsCancellationRequested);
        return made;
    }
}
