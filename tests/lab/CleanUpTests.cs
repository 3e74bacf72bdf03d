using System.Runtime.Versioning;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.HostNetwork.Linux;

namespace IpVlanWin.Lab.Tests;

/// <summary>What is left of a port in this process, and in the system. Alone: it counts what is the whole process's.</summary>
[TestClass]
[DoNotParallelize]
[SupportedOSPlatform("linux")]
public sealed class CleanUpTests : LabTest
{
    private static readonly string[] s_threads = ["frame pump", "host watch", "netns"];

    [TestMethod]
    public void Nothing_is_left_of_a_port_that_ended()
    {
        var warm = Use();
        AssertGone(warm);
        Eventually.Holds(() => Threads() == 0);
        var before = Descriptors();
        for (var i = 0; i < 3; i++)
            AssertGone(Use());
        Eventually.Holds(() => Threads() == 0, "no thread of a port is left");
        Eventually.Holds(() => Left(before) == "", "no descriptor is left", () => Left(before));
    }

    /// <summary>The run's part of the namespaces' names.</summary>
    private static string Use()
    {
        using var bed = new Bed(PortMode.L2, PortFlag.Bridge);
        Bed.MustReach(bed.Red, bed.Wire);
        Assert.IsGreaterThan(0, Threads());
        var name = bed.Red.Namespace.Name!;
        Assert.IsTrue(NetworkNamespace.Exists(name));
        return name[..name.LastIndexOf('-')];
    }

    private static void AssertGone(string run)
    {
        Assert.DoesNotContain(run, string.Join(' ', NetworkNamespace.List()));
        Assert.IsFalse(RunLock.List().Any(name => run.EndsWith(name[(name.LastIndexOf('-') + 1)..], StringComparison.Ordinal)), "the run's lock");
    }

    private static int Threads()
    {
        var count = 0;
        foreach (var thread in Directory.EnumerateDirectories("/proc/self/task"))
        {
            try
            {
                count += s_threads.Contains(File.ReadAllText(Path.Combine(thread, "comm")).TrimEnd('\n')) ? 1 : 0;
            }
            catch (IOException)
            {
                // It has just ended.
            }
        }
        return count;
    }

    /// <summary>Open descriptors by what they are, such as "socket" or "/dev/net/tun".</summary>
    private static Dictionary<string, int> Descriptors()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        var kinds = new Dictionary<string, int>();
        foreach (var path in Directory.EnumerateFiles("/proc/self/fd").Concat(Directory.EnumerateDirectories("/proc/self/fd")))
        {
            try
            {
                var kind = (File.ResolveLinkTarget(path, returnFinalTarget: false)?.Name ?? "").Split(':')[0];
                // The runtime keeps a library open from its first use on, whenever that is.
                if (!kind.EndsWith(".dll", StringComparison.Ordinal) && !kind.EndsWith(".so", StringComparison.Ordinal))
                    kinds[kind] = kinds.GetValueOrDefault(kind) + 1;
            }
            catch (IOException)
            {
                // It has just been closed.
            }
        }
        return kinds;
    }

    private static string Left(Dictionary<string, int> before) => string.Join(
        ' ', Descriptors().Where(kind => kind.Value > before.GetValueOrDefault(kind.Key)).Select(kind => $"{kind.Key}: {kind.Value} after {before.GetValueOrDefault(kind.Key)}"));
}
