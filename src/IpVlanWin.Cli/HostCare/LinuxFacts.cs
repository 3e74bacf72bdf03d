using System.Globalization;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using IpVlanWin.Cli.Lab.Namespaces;
using IpVlanWin.Datapath.Filter;
using IpVlanWin.HostNetwork;
using IpVlanWin.HostNetwork.Linux;

namespace IpVlanWin.Cli.HostCare;

/// <summary>Reads a Linux host, changing nothing.</summary>
[SupportedOSPlatform("linux")]
internal static class LinuxFacts
{
    private const string TunDevice = "/dev/net/tun";

    // The service's own TAPs, behind which it moves a master's host stack.
    private const string HostTapPrefix = "ipvlm";

    // capability(7), in the order of their numbers.
    private static readonly (int Number, string Name)[] s_needed = [(12, "CAP_NET_ADMIN"), (13, "CAP_NET_RAW"), (21, "CAP_SYS_ADMIN")];

    /// <param name="about">What is known already.</param>
    /// <param name="pipe">The service's socket.</param>
    /// <param name="stateFolder">The service's state folder.</param>
    public static HostFacts Read(HostFacts about, string pipe, string stateFolder) => about with
    {
        SystemVersion = Environment.OSVersion.Version,
        Architecture = RuntimeInformation.OSArchitecture.ToString(),
        MissingRights = MissingCapabilities(File.ReadAllText("/proc/self/status")),
        TunFault = TunFault(),
        Pipe = File.Exists(pipe) ? Closed(pipe) : null,
        StateFolder = Directory.Exists(stateFolder) ? Closed(stateFolder) : null,
        LeftoverNamespaces = LabNamespaces.Leftover(),
        Adapters = Adapters(),
        Filter = Environment.GetEnvironmentVariable("IPVLANWIN_FILTER") is { Length: > 0 } path ? ReadFilter(path, about.FilterMasters) : null,
    };

    /// <summary>A filter driver that somebody plays at a socket, in the network namespace of the calling thread.</summary>
    internal static FilterFacts ReadFilter(string path, IReadOnlyList<string> masters)
    {
        using var host = LinuxStandInHost.Open();
        return FilterFacts.Read(masters, host, () => (FilterLook.OpenPlayed(path, out var bindings), bindings));
    }

    /// <summary>/var/lib/ipvlanwin where systemd made it, else the XDG folder of this user.</summary>
    public static string StateFolder()
    {
        const string OfUnit = "/var/lib/ipvlanwin";
        if (Environment.UserName == "root" && Directory.Exists(OfUnit))
            return OfUnit;
        var state = Environment.GetEnvironmentVariable("XDG_STATE_HOME");
        if (string.IsNullOrEmpty(state) || !Path.IsPathRooted(state))
            state = Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".local", "state");
        return Path.Combine(state, "ipvlanwin");
    }

    /// <summary>What the line CapEff of /proc/PID/status lacks (proc(5)).</summary>
    internal static IReadOnlyList<string> MissingCapabilities(string status)
    {
        const string Key = "CapEff:";
        var line = status.Split('\n').FirstOrDefault(static line => line.StartsWith(Key, StringComparison.Ordinal));
        var held = line is null ? 0 : ulong.Parse(line.AsSpan(Key.Length).Trim(), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
        return [.. s_needed.Where(one => (held >> one.Number & 1) == 0).Select(static one => one.Name)];
    }

    private static string? TunFault()
    {
        try
        {
            using var opened = File.OpenHandle(TunDevice, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
            return null;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return fault.Message;
        }
    }

    private static ClosedThing Closed(string path)
    {
        const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute |
            UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;
        var mode = File.GetUnixFileMode(path);
        return new ClosedThing(path, Convert.ToString((int)mode, 8).PadLeft(4, '0'), (mode & Others) == 0);
    }

    private static List<AdapterFacts> Adapters()
    {
        const int EthernetAddressBytes = 6;
        using var netlink = RouteNetlink.Open();
        var links = netlink.ListLinks();
        var byName = links.ToLookup(static link => link.Name, StringComparer.Ordinal);
        var adapters = new List<AdapterFacts>();
        foreach (var link in links)
        {
            if ((link.Flags & (LinkFlags.Loopback | LinkFlags.PointToPoint)) != 0 || link.Mac.GetAddressBytes().Length != EthernetAddressBytes ||
                link.Name.StartsWith(HostTapPrefix, StringComparison.Ordinal))
            {
                continue;
            }
            var addresses = netlink.ListAddresses(link.Index).Where(static one => !one.Address.IsIPv6LinkLocal)
                .Select(static one => $"{one.Address}/{one.PrefixLength}");
            adapters.Add(new AdapterFacts(
                link.Name, link.IsUp, (link.Flags & LinkFlags.LowerUp) != 0, link.IpMtu, [.. addresses],
                IsWireless: Directory.Exists($"/sys/class/net/{link.Name}/phy80211"),
                IsMember: link.MasterIndex != 0,
                IsInUse: byName.Contains(HostTapPrefix + link.Index.ToString(CultureInfo.InvariantCulture))));
        }
        return adapters;
    }
}
