using System.Collections.Concurrent;
using System.Net;
using IpVlanWin.HostNetwork.Windows;

namespace IpVlanWin.HostNetwork.Tests.Windows;

[TestClass]
public sealed class WindowsWatchTests
{
    private static readonly TimeSpan s_never = TimeSpan.FromHours(1);

    private readonly StrictIphlpapi _ip = new();
    private readonly ConcurrentQueue<HostChange> _seen = new();

    public required TestContext TestContext { get; init; }

    private CancellationTokenSource Deadline(int seconds)
    {
        var source = CancellationTokenSource.CreateLinkedTokenSource(TestContext.CancellationToken);
        source.CancelAfter(TimeSpan.FromSeconds(seconds));
        return source;
    }

    private WindowsWatch Start(TimeSpan poll) => WindowsWatch.Start(_ip, null, changes =>
    {
        foreach (var change in changes) _seen.Enqueue(change);
    }, poll);

    [TestMethod]
    public async Task Start_IsComplete_AndChangesFollow()
    {
        _ip.Plug(7, "Ethernet");
        using var network = new WindowsNetwork(_ip);
        network.AddAddress(7, IPAddress.Parse("10.0.0.1"), 24);
        using var watch = Start(s_never);
        Assert.AreEqual(7, watch.Snapshot.FindLink("Ethernet")!.Index);
        Assert.HasCount(1, watch.Snapshot.Addresses);
        using var deadline = Deadline(10);
        network.SetMtu(7, 1400);
        await watch.WaitFor(s => s.Links[7].IpMtu == 1400, deadline.Token);
        _ip.EndDetection();
        await watch.WaitFor(s => s.Addresses.Values.All(a => !a.IsTentative), deadline.Token);
        network.AddRoute(new HostRoute { Destination = IPNetwork.Parse("192.0.2.0/24"), LinkIndex = 7 });
        await watch.WaitFor(s => s.Routes.Count == 1, deadline.Token);
        _ip.Unplug(7);
        await watch.WaitFor(s => s.Links.IsEmpty && s.Addresses.IsEmpty && s.Routes.IsEmpty, deadline.Token);
        watch.Dispose();
        await watch.Completion.WaitAsync(deadline.Token);
        Assert.AreEqual(0, _ip.Registrations);
        // What depends on the link came after it and went before it.
        var kinds = _seen.Select(c => (c.Kind, c.GetType().Name)).ToList();
        Assert.IsLessThan(kinds.IndexOf((ChangeKind.Added, nameof(AddressChange))), kinds.IndexOf((ChangeKind.Added, nameof(LinkChange))));
        Assert.IsLessThan(kinds.IndexOf((ChangeKind.Removed, nameof(LinkChange))), kinds.IndexOf((ChangeKind.Removed, nameof(RouteChange))));
        Assert.IsLessThan(kinds.IndexOf((ChangeKind.Removed, nameof(LinkChange))), kinds.IndexOf((ChangeKind.Removed, nameof(AddressChange))));
        Assert.Contains((ChangeKind.Changed, nameof(AddressChange)), kinds);
    }

    [TestMethod]
    public async Task Poll_FindsWhatIsNotNotified()
    {
        _ip.Plug(7, "Ethernet");
        using var network = new WindowsNetwork(_ip);
        using var watch = Start(TimeSpan.FromMilliseconds(20));
        using var deadline = Deadline(10);
        network.SetNeighbor(7, IPAddress.Parse("10.0.0.9"), System.Net.NetworkInformation.PhysicalAddress.Parse("02-00-00-00-00-09"));
        await watch.WaitFor(s => s.Neighbors.Count == 1, deadline.Token);
    }

    [TestMethod]
    public async Task Storm_ConvergesAndQueuesNothing()
    {
        const int Changes = 10_000;
        _ip.Plug(7, "Ethernet");
        using var network = new WindowsNetwork(_ip);
        using var watch = Start(s_never);
        using var deadline = Deadline(60);
        for (var i = 0; i < Changes; i++)
        {
            var address = new IPAddress([10, 9, (byte)(i % 1000 >> 8), (byte)(i % 1000)]);
            // Each of a thousand addresses comes and goes five times, and every third stays in the end.
            if (i / 1000 % 2 == 0) network.AddAddress(7, address, 32);
            else network.RemoveAddress(7, address, 32);
        }
        for (var i = 0; i < 1000; i += 3) network.AddAddress(7, new IPAddress([10, 9, (byte)(i >> 8), (byte)i]), 32);
        var truth = network.ListAddresses().ToHashSet();
        Assert.HasCount(334, truth);
        await watch.WaitFor(s => truth.SetEquals(s.Addresses.Values), deadline.Token);
        TestContext.WriteLine($"{watch.Readings} readings, {_seen.Count} changes shown");
        Assert.IsLessThan(Changes, (int)watch.Readings);
    }

    [TestMethod]
    public async Task Consumer_ThatThrows_EndsTheWatchWithItsError()
    {
        _ip.Plug(7, "Ethernet");
        using var watch = WindowsWatch.Start(_ip, null, _ => throw new InvalidDataException("consumer"), s_never);
        Assert.AreEqual("consumer", (await Assert.ThrowsExactlyAsync<InvalidDataException>(() => watch.Completion.WaitAsync(TimeSpan.FromSeconds(10), TestContext.CancellationToken))).Message);
        await Assert.ThrowsExactlyAsync<InvalidOperationException>(() => watch.WaitFor(_ => false, TestContext.CancellationToken));
        Assert.AreEqual(0, _ip.Registrations);
    }

    [TestMethod]
    public async Task Dispose_FromTheConsumer_EndsTheWatch()
    {
        _ip.Plug(7, "Ethernet");
        var started = new TaskCompletionSource<WindowsWatch>();
        using var watch = WindowsWatch.Start(_ip, null, _ => started.Task.GetAwaiter().GetResult().Dispose(), s_never);
        started.SetResult(watch);
        await watch.Completion.WaitAsync(TimeSpan.FromSeconds(10), TestContext.CancellationToken);
        Assert.AreEqual(0, _ip.Registrations);
    }

    [TestMethod]
    public void Start_ThatIsRefused_SaysWhy()
    {
        _ip.Notifies = false;
        var error = Assert.ThrowsExactly<HostNetworkException>(() => Start(s_never));
        Assert.AreEqual(50, error.NativeCode);
        StringAssert.Contains(error.Message, "be told of changes of adapters");
        _ip.Notifies = true;
        _ip.TableCode = 8;
        Assert.AreEqual(8, Assert.ThrowsExactly<HostNetworkException>(() => Start(s_never)).NativeCode);
        Assert.AreEqual(0, _ip.Registrations);
    }

    [TestMethod]
    public void Start_InACompartment_ReadsThere()
    {
        _ip.Compartments.Add(3);
        _ip.Plug(7, "Ethernet");
        using var watch = WindowsWatch.Start(_ip, new Compartment(_ip, 3), null, s_never);
        Assert.HasCount(1, watch.Snapshot.Links);
        Assert.AreEqual(1u, _ip.GetThreadCompartment());
        Assert.AreEqual(1168, Assert.ThrowsExactly<HostNetworkException>(() => WindowsWatch.Start(_ip, new Compartment(_ip, 4), null, s_never)).NativeCode);
    }
}
