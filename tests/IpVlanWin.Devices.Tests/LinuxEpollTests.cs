using System.Diagnostics;
using System.Runtime.Versioning;
using IpVlanWin.Devices.Linux;

namespace IpVlanWin.Devices.Tests;

[TestClass]
[SupportedOSPlatform("linux")]
public sealed class LinuxEpollTests
{
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(10);

    [TestInitialize]
    public void Require()
    {
        if (!OperatingSystem.IsLinux())
            Assert.Inconclusive("needs Linux");
    }

    [TestMethod]
    public void Tags_of_all_ready_descriptors_come_back_whole()
    {
        using var epoll = new Epoll();
        var descriptors = Enumerable.Range(0, 5).Select(_ => new FileDescriptor(NativeMethods.EventDescriptor(1, NativeMethods.EventFlags))).ToArray();
        for (var i = 0; i < descriptors.Length; i++)
            epoll.Add(descriptors[i].Number, 0xFEDC_BA98_7654_3210 + (ulong)i, EpollEvents.Readable | EpollEvents.Writable);
        var ready = new EpollReady[8];
        Assert.AreEqual(5, epoll.Wait(ready, s_deadline));
        for (var i = 0; i < descriptors.Length; i++)
            Assert.Contains(new EpollReady(0xFEDC_BA98_7654_3210 + (ulong)i, EpollEvents.Readable | EpollEvents.Writable), ready[..5]);

        epoll.Remove(descriptors[2].Number);
        Assert.AreEqual(4, epoll.Wait(ready, TimeSpan.Zero));
        Assert.AreEqual(2, epoll.Wait(ready.AsSpan(0, 2), TimeSpan.Zero), "no more than the span holds");
        foreach (var descriptor in descriptors)
            descriptor.Dispose();
    }

    [TestMethod]
    public void Wake_from_another_thread_ends_the_wait()
    {
        using var epoll = new Epoll();
        var ready = new EpollReady[1];
        var clock = Stopwatch.StartNew();
        var waker = new Thread(epoll.Wake);
        waker.Start();
        Assert.AreEqual(0, epoll.Wait(ready, TimeSpan.FromMinutes(1)));
        Assert.IsLessThan(s_deadline, clock.Elapsed);
        waker.Join();
        epoll.Wake();
        epoll.Wake();
        Assert.AreEqual(0, epoll.Wait(ready, Timeout.InfiniteTimeSpan), "woken before the wait");
    }

    [TestMethod]
    public void Wait_ends_when_its_time_is_over()
    {
        using var epoll = new Epoll();
        Assert.AreEqual(0, epoll.Wait(new EpollReady[1], TimeSpan.FromTicks(1)));
        Assert.AreEqual(0, epoll.Wait(new EpollReady[1], TimeSpan.Zero));
    }

    [TestMethod]
    public void Misuse_is_told()
    {
        using var epoll = new Epoll();
        using var descriptor = new FileDescriptor(NativeMethods.EventDescriptor(0, NativeMethods.EventFlags));
        Assert.AreEqual(2, Assert.ThrowsExactly<LinuxDeviceException>(() => epoll.Remove(descriptor.Number)).Errno);
        epoll.Add(descriptor.Number, 1);
        Assert.AreEqual(17, Assert.ThrowsExactly<LinuxDeviceException>(() => epoll.Add(descriptor.Number, 2)).Errno);
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => epoll.Add(descriptor.Number, ulong.MaxValue));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => epoll.Wait([], TimeSpan.Zero));
    }

    [TestMethod]
    public void Waiting_allocates_nothing()
    {
        using var epoll = new Epoll();
        using var descriptor = new FileDescriptor(NativeMethods.EventDescriptor(1, NativeMethods.EventFlags));
        epoll.Add(descriptor.Number, 1);
        var ready = new EpollReady[1];
        epoll.Wait(ready, TimeSpan.Zero);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++)
            epoll.Wait(ready, TimeSpan.Zero);
        Assert.AreEqual(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}
