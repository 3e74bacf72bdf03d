using System.Globalization;
using System.Runtime.Versioning;
using System.Security.Cryptography;
using IpVlanWin.Datapath.Linux;
using IpVlanWin.HostNetwork.Linux;

namespace IpVlanWin.Datapath.Tests;

/// <summary>A wire link with its far end, a host's namespace, and a data path over them, all of this test's own.</summary>
[SupportedOSPlatform("linux")]
internal sealed class TestPort : IDisposable
{
    public const string WireLink = "wire";
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(25);
    private const string Prefix = "datapath-";

    // Held while this object lives: namespaces whose run's lock is free are a killed test's.
    private readonly RunLock _lock = null!;
    private readonly List<NetworkNamespace> _made = [];

    public TestPort(bool open = true)
    {
        Require();
        RemoveDead();
        var run = string.Create(CultureInfo.InvariantCulture, $"{Prefix}{Environment.ProcessId}.{RandomNumberGenerator.GetHexString(6, lowercase: true)}");
        _lock = RunLock.TryAcquire(run) ?? throw new InvalidOperationException($"{run} is taken");
        try
        {
            Wire = Create("wire");
            Host = Create("host");
            WireNetlink = RouteNetlink.Open(Wire);
            HostNetlink = RouteNetlink.Open(Host);
            var near = WireNetlink.CreateVeth(WireLink, "peer");
            WireNetlink.SetUp(near.Index, true);
            WireNetlink.SetUp(near.PeerIndex, true);
            if (open)
                Datapath = new EngineDatapath(Settings);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public NetworkNamespace Wire { get; } = null!;

    public NetworkNamespace Host { get; } = null!;

    public RouteNetlink WireNetlink { get; } = null!;

    public RouteNetlink HostNetlink { get; } = null!;

    public EngineDatapath Datapath { get; private set; } = null!;

    public LinuxPortSettings Settings => new() { MasterName = "master", HostNamespace = Host, WireNamespace = Wire, WireLink = WireLink };

    /// <summary>Skips the test, with the reason, where it cannot run.</summary>
    public static void Require()
    {
        if (!OperatingSystem.IsLinux())
            Assert.Inconclusive("needs Linux");
        if (!Environment.IsPrivilegedProcess)
            Assert.Inconclusive("needs root: network namespaces and TAP interfaces");
        if (!File.Exists("/dev/net/tun"))
            Assert.Inconclusive("needs /dev/net/tun (the kernel's tun module)");
    }

    public static void Eventually(Func<bool> condition, string what)
    {
        for (var until = DateTime.UtcNow + s_patience; !condition(); Thread.Sleep(5))
            Assert.IsLessThan(until, DateTime.UtcNow, what);
    }

    /// <summary>A namespace that goes with this object.</summary>
    public NetworkNamespace Create(string role)
    {
        var made = NetworkNamespace.Create($"{_lock.Name}-{role}");
        _made.Add(made);
        return made;
    }

    /// <summary>Links of a namespace but loopback.</summary>
    public static string[] LinksOf(NetworkNamespace asked)
    {
        using var netlink = RouteNetlink.Open(asked);
        return [.. netlink.ListLinks().Select(link => link.Name).Where(name => name != "lo").Order(StringComparer.Ordinal)];
    }

    public void Dispose()
    {
        Datapath?.Dispose();
        WireNetlink?.Dispose();
        HostNetlink?.Dispose();
        foreach (var made in _made)
        {
            made.Dispose();
            if (NetworkNamespace.Exists(made.Name!))
                NetworkNamespace.Delete(made.Name!);
        }
        _lock.Dispose();
    }

    private static void RemoveDead()
    {
        var runs = NetworkNamespace.List().Where(name => name.StartsWith(Prefix, StringComparison.Ordinal)).Select(name => name[..name.LastIndexOf('-')]);
        foreach (var run in runs.Union(RunLock.List().Where(name => name.StartsWith(Prefix, StringComparison.Ordinal))).Where(run => run.Length > Prefix.Length))
        {
            using var dead = RunLock.TryAcquire(run);
            foreach (var name in dead is null ? [] : NetworkNamespace.List().Where(name => name.StartsWith(run + "-", StringComparison.Ordinal)))
                NetworkNamespace.Delete(name);
        }
    }
}
