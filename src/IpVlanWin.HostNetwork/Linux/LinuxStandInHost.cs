using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.Versioning;

namespace IpVlanWin.HostNetwork.Linux;

/// <summary>
/// The arrangement of Windows in a network namespace, for the lab and for tests: bridges without ports are loopback stand-ins, veth pairs
/// are vSwitch stand-ins. Linux's host model is weak by nature, but for its reverse path filter.
/// </summary>
[SupportedOSPlatform("linux")]
public sealed class LinuxStandInHost : IStandInHost
{
    private const string TagPrefix = "IPVLANWIN-STANDIN-", NewPrefix = "ivw";
    private const int NewDigits = 12;

    private readonly NetworkNamespace _own;
    private readonly RouteNetlink _netlink;

    private LinuxStandInHost(NetworkNamespace own) => (_own, _netlink) = (own, RouteNetlink.Open(own));

    /// <inheritdoc/>
    public IHostNetwork Network => _netlink;

    /// <inheritdoc/>
    public int LoopbackIndex => 1;

    /// <inheritdoc/>
    public IpInterfaceChange ProxyNeeds { get; } = new() { Forwarding = true, WeakHostReceive = true };

    /// <inheritdoc/>
    public int ProbesAtOnce => 256;

    /// <summary>Opens the calling thread's namespace.</summary>
    public static LinuxStandInHost Open() => new(NetworkNamespace.OpenCurrent());

    /// <inheritdoc/>
    public IHostWatch Watch(Action<IReadOnlyList<HostChange>>? onChanges) => HostWatch.Start(_own, onChanges);

    /// <inheritdoc/>
    public string IdOf(HostLink link)
    {
        ArgumentNullException.ThrowIfNull(link);
        return link.Index.ToString(CultureInfo.InvariantCulture);
    }

    /// <inheritdoc/>
    public HostLink? FindLink(string id) => _netlink.FindLink(int.Parse(id, CultureInfo.InvariantCulture));

    /// <inheritdoc/>
    public HostLink? FindMaster(string text)
    {
        foreach (var link in _netlink.ListLinks())
        {
            if (link.Name == text || (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var index) && link.Index == index))
                return link;
        }
        return null;
    }

    /// <inheritdoc/>
    public string? MasterRefusal(HostLink link)
    {
        ArgumentNullException.ThrowIfNull(link);
        return link.MasterIndex == 0 ? null
            : $"{link.Name} is a port of {_netlink.FindLink(link.MasterIndex)?.Name ?? "a bridge"}, which has the host's addresses: take that as the master";
    }

    /// <inheritdoc/>
    public long CountUnicast(int linkIndex) => _netlink.CountUnicast(linkIndex);

    /// <inheritdoc/>
    public IReadOnlyDictionary<int, string> ListFirewallProfiles() => System.Collections.Immutable.ImmutableDictionary<int, string>.Empty;

    /// <inheritdoc/>
    public string? NamespaceLack(string namespaceName) => NetworkNamespace.Exists(namespaceName) ? null : $"there is no namespace {namespaceName} yet";

    /// <inheritdoc/>
    public StandInLink Create(StandInKind kind, Guid tag, string name, string? namespaceName)
    {
        // Until the tag is on it, the name tells whose it is.
        var first = NewPrefix + tag.ToString("N")[..NewDigits];
        HostLink made;
        if (kind == StandInKind.Loopback)
        {
            made = _netlink.CreateBridge(first);
        }
        else
        {
            using var container = NetworkNamespace.Open(namespaceName ?? throw new ArgumentNullException(nameof(namespaceName)));
            made = _netlink.CreateVeth(first, name, container);
            using var inside = RouteNetlink.Open(container);
            inside.SetUp(made.PeerIndex, true);
        }
        try
        {
            _netlink.SetAlias(made.Index, TagPrefix + tag.ToString("N"));
            _netlink.Rename(made.Index, name);
            _netlink.SetAddressGeneration(made.Index, AddressGeneration.None);
            _netlink.SetUp(made.Index, true);
            return new StandInLink(DeviceOf(kind, tag, made.Index, name), made.Index, name);
        }
        catch (HostNetworkException e)
        {
            e.Cleanup(() => _netlink.DeleteLink(made.Index));
            throw;
        }
    }

    /// <inheritdoc/>
    public StandInLink? FindStandIn(Guid tag)
    {
        foreach (var link in _netlink.ListLinks())
        {
            if (TagOf(link) == tag)
                return new StandInLink(DeviceOf(KindOf(link), tag, link.Index, link.Name), link.Index, link.Name);
        }
        return null;
    }

    /// <inheritdoc/>
    public IReadOnlyList<StandInDevice> ListStandIns() =>
        [.. _netlink.ListLinks().Where(static link => TagOf(link) is not null).Select(static link => DeviceOf(KindOf(link), TagOf(link)!.Value, link.Index, link.Name))];

    /// <inheritdoc/>
    public string? Quieten(StandInLink standIn) => null;

    /// <inheritdoc/>
    public void Restore(StandInLink standIn, string before)
    {
    }

    /// <inheritdoc/>
    public StandInLink Rename(StandInLink standIn, string name)
    {
        ArgumentNullException.ThrowIfNull(standIn);
        _netlink.Rename(standIn.LinkIndex, name);
        return standIn with { Name = name };
    }

    /// <inheritdoc/>
    public void Remove(Guid tag)
    {
        foreach (var link in _netlink.ListLinks().Where(link => TagOf(link) == tag))
            _netlink.DeleteLink(link.Index);
    }

    /// <remarks>
    /// <see cref="IpInterfaceSettings.WeakHostReceive"/> is, for IPv4, a reverse path filter that is not strict; for IPv6, whose model is
    /// weak, that the link answers for others' addresses (proxy_ndp).
    /// </remarks>
    /// <inheritdoc/>
    public IpInterfaceSettings? FindIpInterface(int linkIndex, AddressFamily family)
    {
        var link = _netlink.GetLink(linkIndex);
        var forwards = Read(family, link.Name, "forwarding") == "1";
        var isWeak = family == AddressFamily.InterNetwork ? Read(family, link.Name, "rp_filter") != "1" : Read(family, link.Name, "proxy_ndp") == "1";
        var probes = family == AddressFamily.InterNetwork ? 0 : int.Parse(Read(family, link.Name, "dad_transmits"), CultureInfo.InvariantCulture);
        return new IpInterfaceSettings(linkIndex, family, forwards, WeakHostSend: true, isWeak, Metric: null, link.IpMtu, probes, IgnoreDefaultRoutes: false);
    }

    /// <inheritdoc/>
    /// <remarks>Metrics, default routes and <see cref="IpInterfaceChange.WeakHostSend"/> have no counterpart here.</remarks>
    public void SetIpInterface(int linkIndex, AddressFamily family, IpInterfaceChange change)
    {
        ArgumentNullException.ThrowIfNull(change);
        var name = _netlink.GetLink(linkIndex).Name;
        if (change.Forwarding is { } forwards)
            Write(family, name, "forwarding", forwards ? "1" : "0");
        if (change.WeakHostReceive is { } isWeak)
        {
            if (family == AddressFamily.InterNetworkV6)
                Write(family, name, "proxy_ndp", isWeak ? "1" : "0");
            else if (isWeak == (Read(family, name, "rp_filter") == "1"))
                Write(family, name, "rp_filter", isWeak ? "0" : "1");
        }
        if (change.DadTransmits is { } probes && family == AddressFamily.InterNetworkV6)
            Write(family, name, "dad_transmits", probes.ToString(CultureInfo.InvariantCulture));
        if (change.IpMtu is { } ipMtu && _netlink.GetLink(linkIndex).IpMtu != ipMtu)
            _netlink.SetMtu(linkIndex, ipMtu);
    }

    /// <inheritdoc/>
    public bool AddProxy(int linkIndex, IPAddress address, bool isForwarded)
    {
        _netlink.AddProxy(linkIndex, address);
        return true;
    }

    /// <inheritdoc/>
    public void RemoveProxy(int linkIndex, IPAddress address)
    {
        try
        {
            _netlink.RemoveProxy(linkIndex, address);
        }
        catch (HostNetworkException e) when (e.NativeCode is LinuxError.ENOENT or LinuxError.ENODEV)
        {
            // There is none, or no link that had it.
        }
    }

    /// <inheritdoc/>
    public void Furnish(string namespaceName, StandInLink standIn, ContainerSide side)
    {
        ArgumentNullException.ThrowIfNull(standIn);
        Inside(namespaceName, inside => ContainerFurniture.Place(inside, _netlink.GetLink(standIn.LinkIndex).PeerIndex, side));
    }

    /// <inheritdoc/>
    public HostLink? FindEnd(string namespaceName, StandInLink standIn)
    {
        ArgumentNullException.ThrowIfNull(standIn);
        HostLink? end = null;
        if (_netlink.FindLink(standIn.LinkIndex) is { PeerIndex: > 0 and var peer })
            Inside(namespaceName, inside => end = inside.FindLink(peer));
        return end;
    }

    /// <inheritdoc/>
    public void Inside(string namespaceName, Action<IHostNetwork> body)
    {
        ArgumentNullException.ThrowIfNull(body);
        using var container = NetworkNamespace.Open(namespaceName);
        using var inside = RouteNetlink.Open(container);
        body(inside);
    }

    /// <summary>Nothing is behind a bridge without ports, nor behind a veth whose other end nobody reads.</summary>
    /// <inheritdoc/>
    public bool SetAsking(string? namespaceName, int linkIndex, AddressFamily family, bool asks) => false;

    /// <inheritdoc/>
    public void Dispose()
    {
        _netlink.Dispose();
        _own.Dispose();
    }

    private static StandInDevice DeviceOf(StandInKind kind, Guid tag, int index, string name) => new(kind, tag, index.ToString(CultureInfo.InvariantCulture), name);

    private static StandInKind KindOf(HostLink link) => link.Kind == "bridge" ? StandInKind.Loopback : StandInKind.VSwitch;

    private static Guid? TagOf(HostLink link)
    {
        if (link.Alias is { } alias && alias.StartsWith(TagPrefix, StringComparison.Ordinal) && Guid.TryParseExact(alias[TagPrefix.Length..], "N", out var tag))
            return tag;
        // Killed before its tag was on it: nobody remembers such a tag, so it is an orphan.
        return link.Name.StartsWith(NewPrefix, StringComparison.Ordinal) && Guid.TryParseExact(link.Name[NewPrefix.Length..].PadRight(32, '0'), "N", out var part) && link.Name.Length == NewPrefix.Length + NewDigits
            ? part : null;
    }

    private string Read(AddressFamily family, string link, string name) => _own.ReadSysctl(PathOf(family, link, name));

    private void Write(AddressFamily family, string link, string name, string value) => _own.WriteSysctl(PathOf(family, link, name), value);

    private static string PathOf(AddressFamily family, string link, string name) =>
        $"net/{(family == AddressFamily.InterNetwork ? "ipv4" : "ipv6")}/conf/{link}/{name}";
}
