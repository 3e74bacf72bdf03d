using System.Collections.Concurrent;
using System.Globalization;
using System.Runtime.Versioning;
using System.Security.Cryptography;
using System.Text;
using IpVlanWin.Datapath;
using IpVlanWin.Datapath.Linux;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Wire;
using IpVlanWin.HostNetwork;
using IpVlanWin.HostNetwork.Linux;
using IpVlanWin.Protocol;
using IpVlanWin.Service.State;

namespace IpVlanWin.Service.Reconcile;

/// <summary>This host: which masters it has, and the data paths over them.</summary>
internal sealed class Host : IHost, IDisposable
{
    private readonly string _auto;
    private readonly bool _announces;
    private readonly DivertHost _divert = new();
    private readonly FilterHost _filter;

    // What auto came to for a port, as long as it is there.
    private readonly ConcurrentDictionary<string, string> _resolved = new(StringComparer.Ordinal);

    /// <param name="auto">What auto comes to: a kind; or auto, for the first that is installed and usable when a port is made.</param>
    /// <param name="announces">Tell the wire which addresses have come.</param>
    public Host(string auto, bool announces = true)
    {
        (_auto, _announces) = (auto, announces);
        _filter = new FilterHost(_divert);
    }

    private const int MemoryMtu = 1500;

    /// <summary>What auto comes to on this system.</summary>
    public static string DefaultDatapath => OperatingSystem.IsLinux() ? "linux" : "auto";

    /// <summary>auto to a kind: of a port that runs what it was when that was made, else what it would be now.</summary>
    public string Resolve(string master, string datapath) => datapath != "auto" ? datapath
        : _auto != "auto" ? _auto
        : _resolved.TryGetValue(master, out var kind) ? kind
        : _filter.IsUsable ? "filter" : DivertHost.IsInstalled ? "windivert" : "memory";

    /// <summary>Forgets what auto came to for ports that are gone.</summary>
    public void Keep(Func<string, bool> isThere)
    {
        foreach (var gone in _resolved.Keys.Where(master => !isThere(master)))
            _resolved.TryRemove(gone, out _);
    }

    /// <inheritdoc/>
    public MasterInfo FindMaster(string master, string datapath)
    {
        if (master.StartsWith("luid:", StringComparison.OrdinalIgnoreCase) && Resolve(master, datapath) is not ("windivert" or "filter"))
            throw ErrorCode.BadArgument.With("master", MasterForms(master));
        switch (Resolve(master, datapath))
        {
            case "memory":
                return new MasterInfo(master, "memory", MemoryMtu);
            case "linux" when OperatingSystem.IsLinux():
                var link = FindLink(master);
                return new MasterInfo(link.Name, "linux", link.IpMtu);
            case "windivert" when DivertHost.IsPossible:
                return _divert.FindMaster(master);
            case "filter" when FilterHost.IsPossible:
                return _filter.FindMaster(master);
            default:
                throw ErrorCode.ModeNotSupported.With(datapath, "anything on this system", OperatingSystem.IsLinux() ? "linux or memory" : "filter, windivert or memory");
        }
    }

    /// <inheritdoc/>
    public void RequireSupport(string master, string datapath, PortMode mode, PortFlag flag)
    {
        var kind = Resolve(master, datapath);
        if (kind == "windivert")
            DivertHost.RequireSupport(mode, flag);
        else if (kind == "filter" && FilterHost.IsPossible)
            _filter.RequireSupport(mode, flag);
    }

    /// <summary>Where what ports put on the host is written down.</summary>
    public IHostJournal? Journal
    {
        get => _divert.Journal;
        set => _divert.Journal = value;
    }

    /// <summary>Undoes what is on the host for ports that are not kept; null where there is nothing to look for.</summary>
    /// <param name="isKept">Whether a port's things stay.</param>
    /// <param name="full">Look also for what nobody wrote down.</param>
    public (IReadOnlyList<string> Done, IReadOnlyList<string> Failures)? Sweep(Func<string, bool> isKept, bool full)
    {
        // The driver's ports first: nothing passes a stand-in that is about to go.
        var first = _filter.Sweep(isKept, full, isUsed: _auto is "filter" or "auto");
        var second = _divert.Sweep(isKept, full, isUsed: _auto is "windivert" or "filter" or "auto");
        return first is null || second is null ? first ?? second : ([.. first.Value.Done, .. second.Value.Done], [.. first.Value.Failures, .. second.Value.Failures]);
    }

    /// <summary>The legal forms, for one that is a LUID, which no data path of this build takes.</summary>
    private static string MasterForms(string master)
    {
        var digits = master.AsSpan("luid:".Length);
        var isLuid = digits.StartsWith("0x", StringComparison.OrdinalIgnoreCase)
            && ulong.TryParse(digits[2..], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out _);
        var why = isLuid
            ? OperatingSystem.IsWindows() ? "LUIDs are taken by the filter and windivert data paths" : "Linux adapters have no LUID"
            : "a LUID is written luid:0x0006008001000000";
        return $"the name or the index of an adapter; {why}";
    }

    /// <inheritdoc/>
    public string NameOf(string master)
    {
        if (OperatingSystem.IsWindows())
            return DivertHost.NameOf(master);
        if (!OperatingSystem.IsLinux() || !int.TryParse(master, NumberStyles.None, CultureInfo.InvariantCulture, out var index))
            return master;
        using var netlink = RouteNetlink.Open();
        return netlink.FindLink(index)?.Name ?? master;
    }

    /// <summary>Starts the data path of a port.</summary>
    /// <exception cref="ControlException">The master is not there (any more).</exception>
    /// <exception cref="HostNetworkException">The operating system refuses.</exception>
    /// <exception cref="IOException">A device cannot be opened.</exception>
    public IDatapath Open(DesiredPort port, Action<HostEvent>? onEvent = null)
    {
        var kind = Resolve(port.Master, port.Datapath);
        var (isDiverted, isFiltered) = (kind == "windivert" && DivertHost.IsPossible, kind == "filter" && FilterHost.IsPossible);
        if (isDiverted || isFiltered)
        {
            LeaveOther(port.Master, isFiltered);
            IDatapath opened = isFiltered ? _filter.Open(port, onEvent) : _divert.Open(port, onEvent);
            if (port.Datapath == "auto" && _auto == "auto")
                _resolved[port.Master] = kind;
            return opened;
        }
        var info = FindMaster(port.Master, port.Datapath);
        if (info.Datapath == "memory" || !OperatingSystem.IsLinux())
            return new MemoryDatapath(port.Master, MemoryMac(port.Master), MemoryMtu);
        return OpenLinux(port);
    }

    public void Dispose() => _filter.Dispose();

    /// <summary>A port that had the other of the two data paths before: what that put on the host goes, but it keeps its master.</summary>
    private void LeaveOther(string master, bool isFiltered)
    {
        if (Journal is not { } journal || _filter.Has(master) == isFiltered)
            return;
        var id = HostMarks.MasterOf(journal, master);
        if (!journal.List().Any(thing => thing.Port == master && thing.Key != HostMarks.Master))
            return;
        var failures = (_filter.Sweep(port => port != master, full: false, isUsed: true)?.Failures ?? []).Concat(_divert.Sweep(port => port != master, full: false, isUsed: true)?.Failures ?? []).ToList();
        if (id is not null)
            journal.Write([new HostThing(master, HostMarks.Master, id)]);
        if (failures.Count > 0)
            throw new IOException(string.Join("; ", failures));
    }

    [SupportedOSPlatform("linux")]
    private EngineDatapath OpenLinux(DesiredPort port)
    {
        var link = FindLink(port.Master);
        var running = new EngineDatapath(new LinuxPortSettings
        {
            // The host's own stack moves to this TAP; the index keeps the name unique and short.
            MasterName = "ipvlm" + link.Index.ToString(CultureInfo.InvariantCulture),
            HostNamespace = NetworkNamespace.OpenCurrent(),
            WireNamespace = NetworkNamespace.OpenCurrent(),
            WireLink = port.Master,
            Mode = port.Mode,
            Flag = port.Flag,
            Announces = _announces,
        });
        try
        {
            // The master is up when its wire is and the host's TAP, which nobody else sets up.
            using var netlink = RouteNetlink.Open();
            netlink.SetUp(running.HostLinkIndex, true);
            return running;
        }
        catch
        {
            running.Dispose();
            throw;
        }
    }

    [SupportedOSPlatform("linux")]
    private static HostLink FindLink(string master)
    {
        using var netlink = RouteNetlink.Open();
        var link = int.TryParse(master, NumberStyles.None, CultureInfo.InvariantCulture, out var index)
            ? netlink.FindLink(index)
            : netlink.ListLinks().FirstOrDefault(one => one.Name == master);
        if (link is null)
            throw ErrorCode.MasterNotFound.With(master);
        if ((link.Flags & (LinkFlags.Loopback | LinkFlags.PointToPoint)) != 0 || link.Mac.GetAddressBytes().Length != MacAddress.Bytes)
            throw ErrorCode.MasterNotEthernet.With(master);
        foreach (var address in netlink.ListAddresses(link.Index))
        {
            // Every link that is up has a link-local address; nobody is served by it.
            if (!address.Address.IsIPv6LinkLocal)
                throw ErrorCode.BadArgument.With("master", $"an adapter without addresses; {link.Name} has {address.Address}, for which the host's own stack would answer beside us");
        }
        return link;
    }

    /// <summary>Locally administered, and the same for the same master.</summary>
    private static MacAddress MemoryMac(string master)
    {
        var mac = SHA256.HashData(Encoding.UTF8.GetBytes(master)).AsSpan(0, MacAddress.Bytes);
        mac[0] = 2;
        return MacAddress.Read(mac);
    }
}
