using System.Runtime.Versioning;
using System.Security.Cryptography;
using IpVlanWin.HostNetwork;
using IpVlanWin.HostNetwork.Linux;

namespace IpVlanWin.Cli.Lab.Namespaces;

/// <summary>
/// The namespaces of one run, named ipvlan-RUN-PLACE. A lock of the run's name, which ends with the process however that ends, tells live
/// runs from dead ones; whoever starts removes what dead ones left.
/// </summary>
[SupportedOSPlatform("linux")]
internal sealed class LabNamespaces : IDisposable
{
    private const string Prefix = "ipvlan-";
    private const string LockPrefix = "lab-";

    private readonly RunLock _lock;
    private readonly Dictionary<string, NetworkNamespace> _byPlace = new(StringComparer.Ordinal);

    private LabNamespaces(RunLock runLock, string run) => (_lock, Run) = (runLock, run);

    /// <summary>The run's own part of the names.</summary>
    public string Run { get; }

    /// <summary>Takes a run's lock under a fresh name. No namespace is made yet.</summary>
    public static LabNamespaces Begin()
    {
        RemoveDead();
        for (; ; )
        {
            var run = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(3));
            if (RunLock.TryAcquire(LockPrefix + run) is { } taken)
                return new LabNamespaces(taken, run);
        }
    }

    /// <summary>Names of namespaces whose run is dead.</summary>
    public static IReadOnlyList<string> Leftover() => [.. NetworkNamespace.List().Where(IsOurs).Where(static name => !RunLock.IsHeld(LockPrefix + RunOf(name)))];

    /// <summary>Makes a place's namespace: a host that forwards nothing and checks no source address.</summary>
    public NetworkNamespace Create(string place)
    {
        var made = NetworkNamespace.Create($"{Prefix}{Run}-{place}");
        _byPlace.Add(place, made);
        foreach (var (name, value) in Settings)
            made.WriteSysctl(name, value);
        return made;
    }

    /// <summary>A place's namespace.</summary>
    public NetworkNamespace this[string place] => _byPlace[place];

    /// <summary>Removes all that was made, then lets go of the lock.</summary>
    public void Dispose()
    {
        foreach (var made in _byPlace.Values)
        {
            made.Dispose();
            NetworkNamespace.Delete(made.Name!);
        }
        _byPlace.Clear();
        _lock.Dispose();
    }

    private static (string Name, string Value)[] Settings =>
    [
        ("net/ipv4/conf/all/forwarding", "0"),
        ("net/ipv6/conf/all/forwarding", "0"),
        ("net/ipv4/conf/all/rp_filter", "0"),
        ("net/ipv4/conf/default/rp_filter", "0"),
        ("net/ipv6/conf/default/accept_dad", "0"),
        ("net/ipv6/conf/default/accept_ra", "0"),
    ];

    /// <summary>A run whose lock can be taken belongs to nobody alive; the lock's file goes when it is let go.</summary>
    private static void RemoveDead()
    {
        var names = NetworkNamespace.List().Where(IsOurs).ToLookup(RunOf);
        var locked = RunLock.List().Where(name => name.StartsWith(LockPrefix, StringComparison.Ordinal)).Select(name => name[LockPrefix.Length..]);
        foreach (var run in names.Select(byRun => byRun.Key).Union(locked))
        {
            using var dead = RunLock.TryAcquire(LockPrefix + run);
            if (dead is null)
                continue;
            foreach (var name in names[run])
            {
                try
                {
                    NetworkNamespace.Delete(name);
                }
                catch (HostNetworkException fault) when (fault.NativeName == "ENOENT")
                {
                    // Somebody removed it by hand in between.
                }
            }
        }
    }

    private static bool IsOurs(string name) =>
        name.StartsWith(Prefix, StringComparison.Ordinal) && name.IndexOf('-', Prefix.Length) is var end && end > Prefix.Length &&
        name[Prefix.Length..end].All(char.IsAsciiHexDigitLower);

    private static string RunOf(string name) => name[Prefix.Length..name.IndexOf('-', Prefix.Length)];
}
