using System.Runtime.Versioning;
using System.Security.Cryptography;
using IpVlanWin.HostNetwork;
using IpVlanWin.HostNetwork.Linux;

namespace IpVlanWin.Benchmarks.Lab;

/// <summary>
/// The network namespaces and files of one run, ipvbench-RUN-VARIANT-PLACE. A lock tells a live run from a dead one, so that two run side
/// by side and what a killed one left is removed by the next.
/// </summary>
[SupportedOSPlatform("linux")]
internal sealed class Places : IDisposable
{
    private const string Prefix = "ipvbench-";

    private readonly RunLock _lock;
    private readonly string _run;
    private readonly List<NetworkNamespace> _made = [];

    private Places(RunLock taken, string run)
    {
        (_lock, _run) = (taken, run);
        Folder = FolderOf(run);
        Directory.CreateDirectory(Folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    /// <summary>For sockets and databases of the switches; short, as a socket's path must be.</summary>
    public string Folder { get; }

    public static Places Begin()
    {
        foreach (var dead in NetworkNamespace.List().Where(static name => name.StartsWith(Prefix, StringComparison.Ordinal))
            .Select(static name => name.Split('-')[1]).Concat(RunLock.List().Where(static name => name.StartsWith(Prefix, StringComparison.Ordinal)).Select(static name => name[Prefix.Length..])).Distinct())
        {
            using var taken = RunLock.TryAcquire(Prefix + dead);
            if (taken is not null)
                Remove(dead);
        }
        for (; ; )
        {
            var run = RandomNumberGenerator.GetHexString(6, lowercase: true);
            if (RunLock.TryAcquire(Prefix + run) is { } taken)
                return new Places(taken, run);
        }
    }

    /// <summary>Makes a namespace for a place of a variant.</summary>
    public NetworkNamespace Create(string variant, string place)
    {
        var made = NetworkNamespace.Create($"{Prefix}{_run}-{variant}-{place}");
        _made.Add(made);
        foreach (var name in (ReadOnlySpan<string>)["all", "default"])
        {
            made.WriteSysctl($"net/ipv4/conf/{name}/rp_filter", "0");
            made.WriteSysctl($"net/ipv6/conf/{name}/accept_dad", "0");
        }
        return made;
    }

    public void Dispose()
    {
        foreach (var made in _made)
            made.Dispose();
        Remove(_run);
        _lock.Dispose();
    }

    private static void Remove(string run)
    {
        foreach (var name in NetworkNamespace.List().Where(name => name.StartsWith($"{Prefix}{run}-", StringComparison.Ordinal)))
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
        if (Directory.Exists(FolderOf(run)))
            Directory.Delete(FolderOf(run), recursive: true);
    }

    private static string FolderOf(string run) => $"/run/{Prefix}{run}";
}
