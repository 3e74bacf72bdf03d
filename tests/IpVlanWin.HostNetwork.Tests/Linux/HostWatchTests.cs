using System.Net;
using System.Net.NetworkInformation;
using System.Runtime.Versioning;
using IpVlanWin.HostNetwork.Linux;

namespace IpVlanWin.HostNetwork.Tests.Linux;

[TestClass]
[SupportedOSPlatform("linux")]
public sealed class HostWatchTests
{
    private const int Many = 5000;

    public required TestContext TestContext { get; init; }

    private CancellationTokenSource Deadline(int seconds)
    {
        var source = CancellationTokenSource.CreateLinkedTokenSource(TestContext.CancellationToken);
        source.CancelAfter(TimeSpan.FromSeconds(seconds));
        return source;
    }

    /// <summary>What the kernel has, read afresh.</summary>
    private static HostSnapshot Truth(RouteNetlink netlink)
    {
        var snapshot = HostSnapshot.Empty;
        return snapshot with
        {
            Links = snapshot.Links.AddRange(netlink.ListLinks().Select(l => KeyValuePair.Create(l.Index, l))),
            Addresses = snapshot.Addresses.AddRange(netlink.ListAddresses().Select(a => KeyValuePair.Create(a.Key, a))),
            Routes = snapshot.Routes.Union(netlink.ListRoutes()),
        };
    }

    private static bool Same(HostSnapshot left, HostSnapshot right) =>
        left.Links.Count == right.Links.Count && left.Links.Values.All(l => right.Links.TryGetValue(l.Index, out var r) && l == r)
        && left.Addresses.Count == right.Addresses.Count && left.Addresses.Values.All(a => right.Addresses.TryGetValue(a.Key, out var r) && a == r)
        && left.Routes.SetEquals(right.Routes);

    [TestMethod]
    public async Task Start_IsComplete_AndChangesFollow()
    {
        using var one = new TestNamespace("watch1");
        using var two = new TestNamespace("watch2");
        var (near, _) = one.Join(two);
        one.Netlink.AddAddress(near.Index, IPAddress.Parse("10.0.0.1"), 24);
        var consumer = new ChangeConsumer();
        using var watch = HostWatch.Start(one.Namespace, consumer.Take);
        Assert.AreEqual("a", watch.Snapshot.Links[near.Index].Name);
        Assert.AreSame(watch.Snapshot.Links[near.Index], watch.Snapshot.FindLink("a"));
        Assert.IsTrue(watch.Snapshot.Addresses.ContainsKey(new AddressKey(near.Index, IPAddress.Parse("10.0.0.1"), 24)));
        Assert.Contains(r => r.Destination == IPNetwork.Parse("10.0.0.0/24"), watch.Snapshot.Routes);

        using var deadline = Deadline(10);
        one.Netlink.SetMtu(near.Index, 1400);
        await watch.WaitFor(s => s.Links[near.Index].IpMtu == 1400, deadline.Token);
        one.Netlink.SetNeighbor(near.Index, IPAddress.Parse("10.0.0.9"), PhysicalAddress.Parse("02-00-00-00-00-09"));
        await watch.WaitFor(s => s.Neighbors.Values.Any(n => n.State == NeighborState.Permanent), deadline.Token);
        one.Netlink.RemoveNeighbor(near.Index, IPAddress.Parse("10.0.0.9"));
        await watch.WaitFor(s => !s.Neighbors.Values.Any(n => n.State == NeighborState.Permanent), deadline.Token);
        one.Netlink.DeleteLink(near.Index);
        await watch.WaitFor(s => s.FindLink("a") is null && s.Addresses.Keys.All(a => a.LinkIndex != near.Index) && s.Routes.All(r => r.LinkIndex != near.Index), deadline.Token);
        watch.Dispose();
        await watch.Completion.WaitAsync(deadline.Token);
        Assert.IsTrue(Same(consumer.State, watch.Snapshot), "the consumer's copy is the mirror");
        Assert.Contains(c => c is LinkChange { Kind: ChangeKind.Changed, Link.IpMtu: 1400 }, consumer.Seen);
        Assert.Contains(c => c is LinkChange { Kind: ChangeKind.Removed, Link.Name: "a" }, consumer.Seen);
    }

    [TestMethod]
    public async Task RoutesThatGoUnannounced_AreSeenToGo()
    {
        using var one = new TestNamespace("silent1");
        using var two = new TestNamespace("silent2");
        var (near, _) = one.Join(two);
        one.Netlink.AddAddress(near.Index, IPAddress.Parse("10.0.0.1"), 24);
        one.Netlink.AddAddress(near.Index, IPAddress.Parse("10.0.1.1"), 24);
        using var watch = HostWatch.Start(one.Namespace);
        using var deadline = Deadline(10);
        var bySource = new HostRoute { Destination = IPNetwork.Parse("198.51.100.0/24"), LinkIndex = near.Index, PreferredSource = IPAddress.Parse("10.0.1.1") };
        var byLink = new HostRoute { Destination = IPNetwork.Parse("203.0.113.0/24"), LinkIndex = near.Index, Gateway = IPAddress.Parse("10.0.0.9") };
        one.Netlink.AddRoute(bySource);
        one.Netlink.AddRoute(byLink);
        await watch.WaitFor(s => s.Routes.Contains(bySource) && s.Routes.Contains(byLink), deadline.Token);
        one.Netlink.RemoveAddress(near.Index, IPAddress.Parse("10.0.1.1"), 24);
        await watch.WaitFor(s => !s.Routes.Contains(bySource) && s.Routes.Contains(byLink), deadline.Token);
        var replaced = byLink with { Gateway = IPAddress.Parse("10.0.0.8") };
        one.Netlink.ReplaceRoute(replaced);
        await watch.WaitFor(s => !s.Routes.Contains(byLink) && s.Routes.Contains(replaced), deadline.Token);
        one.Netlink.SetUp(near.Index, false);
        await watch.WaitFor(s => s.Routes.IsEmpty, deadline.Token);
        Assert.IsEmpty(one.Netlink.ListRoutes());
    }

    [TestMethod]
    [DataRow(4 * 1024 * 1024, false, DisplayName = "roomy buffer")]
    [DataRow(1, true, DisplayName = "tiny buffer")]
    public async Task ManyAddressesAndRoutes_NothingIsMissed(int receiveBufferBytes, bool overruns)
    {
        using var one = new TestNamespace("many1");
        using var two = new TestNamespace("many2");
        var (near, _) = one.Join(two);
        var consumer = new ChangeConsumer();
        using var watch = HostWatch.Start(one.Namespace, consumer.Take, receiveBufferBytes);
        using var deadline = Deadline(30);
        var start = watch.Snapshot;

        var batch = one.Netlink.CreateBatch();
        for (var i = 0; i < Many; i++)
        {
            if (i % 2 == 0) batch.AddAddress(near.Index, new IPAddress([10, 1, (byte)(i >> 8), (byte)i]), 32);
            else batch.AddAddress(near.Index, new IPAddress([0xFD, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, (byte)(i >> 8), (byte)i]), 128, AddressFlags.NoDad);
        }
        Assert.IsEmpty(batch.Send());
        for (var i = 0; i < Many; i++) batch.AddRoute(Route(near.Index, i));
        Assert.IsEmpty(batch.Send());
        var full = Truth(one.Netlink);
        Assert.IsGreaterThanOrEqualTo(start.Addresses.Count + Many, full.Addresses.Count);
        Assert.IsGreaterThanOrEqualTo(start.Routes.Count + Many, full.Routes.Count);
        await watch.WaitFor(s => s.Addresses.Count >= full.Addresses.Count && s.Routes.Count >= full.Routes.Count, deadline.Token);
        await AssertMirrors(watch, one.Netlink, deadline.Token);

        for (var i = 0; i < Many; i++) batch.RemoveRoute(Route(near.Index, i));
        Assert.IsEmpty(batch.Send());
        for (var i = 0; i < Many; i++)
        {
            if (i % 2 == 0) batch.RemoveAddress(near.Index, new IPAddress([10, 1, (byte)(i >> 8), (byte)i]), 32);
            else batch.RemoveAddress(near.Index, new IPAddress([0xFD, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, (byte)(i >> 8), (byte)i]), 128);
        }
        Assert.IsEmpty(batch.Send());
        await AssertMirrors(watch, one.Netlink, deadline.Token);
        TestContext.WriteLine($"{watch.Overruns} overruns, {consumer.Seen.Count} changes");
        Assert.AreEqual(overruns, watch.Overruns > 0);

        watch.Dispose();
        await watch.Completion.WaitAsync(deadline.Token);
        Assert.IsTrue(Same(consumer.State, watch.Snapshot), "the changes add up to the snapshot");
        if (!overruns)
        {
            // Without overruns each single one was announced.
            Assert.IsGreaterThanOrEqualTo(Many, consumer.Seen.Count(c => c is AddressChange { Kind: ChangeKind.Added }));
            Assert.IsGreaterThanOrEqualTo(Many, consumer.Seen.Count(c => c is AddressChange { Kind: ChangeKind.Removed }));
            Assert.IsGreaterThanOrEqualTo(Many, consumer.Seen.Count(c => c is RouteChange { Kind: ChangeKind.Added }));
            Assert.IsGreaterThanOrEqualTo(Many, consumer.Seen.Count(c => c is RouteChange { Kind: ChangeKind.Removed }));
        }
    }

    private static HostRoute Route(int link, int i) => new()
    {
        Destination = i % 2 == 0
            ? new IPNetwork(new IPAddress([172, 16, (byte)(i >> 8), (byte)i]), 32)
            : new IPNetwork(new IPAddress([0xFD, 1, 0, 0, 0, 0, (byte)(i >> 8), (byte)i, 0, 0, 0, 0, 0, 0, 0, 0]), 64),
        LinkIndex = link,
        Metric = 10,
    };

    /// <summary>Waits until the mirror is what a fresh reading gives; the reading is repeated because DAD goes on by itself.</summary>
    private static async Task AssertMirrors(HostWatch watch, RouteNetlink netlink, CancellationToken cancellation)
    {
        while (true)
        {
            var truth = Truth(netlink);
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            patience.CancelAfter(TimeSpan.FromSeconds(3));
            try
            {
                await watch.WaitFor(s => Same(s, truth), patience.Token);
                return;
            }
            catch (OperationCanceledException) when (!cancellation.IsCancellationRequested && !Same(truth, Truth(netlink)))
            {
                // The kernel moved on: the reading was outdated, not the mirror.
            }
        }
    }

    [TestMethod]
    public async Task SlowConsumer_OverrunsAndStillGetsTheLastWord()
    {
        using var test = new TestNamespace("slow");
        var index = test.Netlink.CreateVeth("a", "b").Index;
        using var gate = new ManualResetEventSlim();
        using var entered = new ManualResetEventSlim();
        var consumer = new ChangeConsumer();
        using var watch = HostWatch.Start(test.Namespace, changes =>
        {
            entered.Set();
            gate.Wait(TestContext.CancellationToken);
            consumer.Take(changes);
        }, receiveBufferBytes: 1);
        Assert.IsTrue(entered.Wait(TimeSpan.FromSeconds(10), TestContext.CancellationToken));
        // The consumer is held: these pile up beyond the buffer.
        var batch = test.Netlink.CreateBatch();
        for (var i = 0; i < 500; i++) batch.AddAddress(index, new IPAddress([10, 0, (byte)(i >> 8), (byte)i]), 32);
        for (var i = 0; i < 500; i++)
        {
            if (i % 3 != 0) batch.RemoveAddress(index, new IPAddress([10, 0, (byte)(i >> 8), (byte)i]), 32);
        }
        Assert.IsEmpty(batch.Send());
        gate.Set();
        using var deadline = Deadline(10);
        await AssertMirrors(watch, test.Netlink, deadline.Token);
        Assert.IsGreaterThan(0, watch.Overruns);
        watch.Dispose();
        Assert.IsTrue(Same(consumer.State, watch.Snapshot));
        Assert.AreEqual(167, consumer.State.Addresses.Keys.Count(a => a.LinkIndex == index));
    }

    [TestMethod]
    public async Task Consumer_ThatThrows_EndsTheWatchWithItsError()
    {
        using var test = new TestNamespace("fault");
        using var watch = HostWatch.Start(test.Namespace, _ => throw new InvalidDataException("consumer"));
        var error = await Assert.ThrowsExactlyAsync<InvalidDataException>(() => watch.Completion.WaitAsync(TimeSpan.FromSeconds(10), TestContext.CancellationToken));
        Assert.AreEqual("consumer", error.Message);
        await Assert.ThrowsExactlyAsync<InvalidOperationException>(() => watch.WaitFor(_ => false, TestContext.CancellationToken));
    }

    [TestMethod]
    public async Task Dispose_FromTheConsumer_EndsTheWatch()
    {
        using var test = new TestNamespace("self");
        var started = new TaskCompletionSource<HostWatch>();
        using var watch = HostWatch.Start(test.Namespace, _ => started.Task.GetAwaiter().GetResult().Dispose());
        started.SetResult(watch);
        await watch.Completion.WaitAsync(TimeSpan.FromSeconds(10), TestContext.CancellationToken);
    }

    [TestMethod]
    public async Task WaitFor_CancelledAndEnded_SaySo()
    {
        using var test = new TestNamespace("wait");
        using var watch = HostWatch.Start(test.Namespace);
        using var cancelled = new CancellationTokenSource();
        var wait = watch.WaitFor(_ => false, cancelled.Token);
        await cancelled.CancelAsync();
        await Assert.ThrowsAsync<OperationCanceledException>(() => wait);
        var pending = watch.WaitFor(_ => false, TestContext.CancellationToken);
        watch.Dispose();
        await Assert.ThrowsExactlyAsync<InvalidOperationException>(() => pending);
        Assert.AreEqual(TaskStatus.RanToCompletion, watch.Completion.Status);
    }
}
