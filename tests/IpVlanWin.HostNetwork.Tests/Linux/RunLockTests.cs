using System.Diagnostics;
using System.Runtime.Versioning;
using IpVlanWin.HostNetwork.Linux;

namespace IpVlanWin.HostNetwork.Tests.Linux;

[TestClass]
[SupportedOSPlatform("linux")]
public sealed class RunLockTests
{
    private static string Folder => Environment.IsPrivilegedProcess
        ? "/run/ipvlanwin"
        : Path.Combine(Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR")!, "ipvlanwin");

    private static void RequireFolder()
    {
        if (!OperatingSystem.IsLinux()) Assert.Inconclusive("needs Linux");
        if (!Environment.IsPrivilegedProcess && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR")))
        {
            Assert.Inconclusive("needs root or XDG_RUNTIME_DIR");
        }
    }

    [TestMethod]
    public void Lock_IsHeldListedAndReleased()
    {
        RequireFolder();
        var name = TestNamespace.UniqueName("lock");
        Assert.IsFalse(RunLock.IsHeld(name));
        using (var held = RunLock.TryAcquire(name))
        {
            Assert.IsNotNull(held);
            Assert.AreEqual(name, held.Name);
            Assert.IsTrue(RunLock.IsHeld(name));
            Assert.IsNull(RunLock.TryAcquire(name));
            Assert.Contains(name, RunLock.List());
        }
        Assert.IsFalse(RunLock.IsHeld(name));
        Assert.DoesNotContain(name, RunLock.List());
        using var again = RunLock.TryAcquire(name);
        Assert.IsNotNull(again);
    }

    [TestMethod]
    public void Lock_LeftByADeadRun_IsFreeAndListed()
    {
        RequireFolder();
        var name = TestNamespace.UniqueName("dead");
        Directory.CreateDirectory(Folder);
        File.WriteAllText(Path.Combine(Folder, name + ".lock"), "");
        Assert.Contains(name, RunLock.List());
        Assert.IsFalse(RunLock.IsHeld(name));
        RunLock.TryAcquire(name)!.Dispose();
        Assert.DoesNotContain(name, RunLock.List());
    }

    [TestMethod]
    public void Lock_IsNotInheritedByChildren()
    {
        RequireFolder();
        var name = TestNamespace.UniqueName("child");
        var held = RunLock.TryAcquire(name)!;
        using var child = Process.Start(new ProcessStartInfo("sleep", ["60"]))!;
        try
        {
            held.Dispose();
            Assert.IsFalse(RunLock.IsHeld(name));
            using var again = RunLock.TryAcquire(name);
            Assert.IsNotNull(again);
        }
        finally
        {
            child.Kill();
            child.WaitForExit();
        }
    }

    [TestMethod]
    public void TryAcquire_FromManyThreads_HasOneHolderAtATime()
    {
        RequireFolder();
        var name = TestNamespace.UniqueName("race");
        var holders = 0;
        var acquired = 0;
        var collisions = 0;
        var threads = Enumerable.Range(0, 4).Select(_ => new Thread(() =>
        {
            for (var i = 0; i < 500; i++)
            {
                using var held = RunLock.TryAcquire(name);
                if (held is null) continue;
                Interlocked.Increment(ref acquired);
                if (Interlocked.Increment(ref holders) != 1) Interlocked.Increment(ref collisions);
                Interlocked.Decrement(ref holders);
            }
        })).ToList();
        threads.ForEach(t => t.Start());
        threads.ForEach(t => t.Join());
        Assert.AreEqual(0, collisions, "two holders of one lock");
        Assert.IsGreaterThan(0, acquired);
        Assert.IsFalse(RunLock.IsHeld(name));
    }

    [TestMethod]
    [DataRow("")]
    [DataRow(".hidden")]
    [DataRow("a/b")]
    [DataRow("a b")]
    public void Name_Wrong_IsRefused(string name)
    {
        RequireFolder();
        Assert.ThrowsExactly<ArgumentException>(() => RunLock.TryAcquire(name));
        Assert.ThrowsExactly<ArgumentException>(() => RunLock.IsHeld(name));
    }
}
