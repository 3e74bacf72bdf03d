using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.Versioning;
using System.Text.Json;

namespace IpVlanWin.HostNetwork.Windows;

/// <summary>A Windows host for stand-ins: IP Helper, the device installer, CIM and compartments together.</summary>
public sealed class WindowsStandInHost : IStandInHost, IFilterBindings
{
    private static readonly (string Component, string Text)[] s_claims =
    [
        ("vms_pp", "carries a virtual switch, which has taken its addresses: take the host's adapter on that switch (vEthernet) as the master"),
        ("ms_implat", "is a member of a team: take the team's adapter as the master"),
    ];

    private readonly WindowsNetwork _network;
    private readonly StandIns _standIns;
    private readonly ComputeNamespaces _namespaces;
    private readonly Func<Action<IReadOnlyList<HostChange>>?, IHostWatch> _watch;
    private readonly Action<uint, Action<WindowsNetwork>> _inside;

    internal WindowsStandInHost(WindowsNetwork network, StandIns standIns, ComputeNamespaces namespaces, Func<Action<IReadOnlyList<HostChange>>?, IHostWatch> watch,
        Action<uint, Action<WindowsNetwork>> inside) =>
        (_network, _standIns, _namespaces, _watch, _inside) = (network, standIns, namespaces, watch, inside);

    /// <inheritdoc/>
    public IHostNetwork Network => _network;

    /// <inheritdoc/>
    public int LoopbackIndex => 1;

    /// <inheritdoc/>
    public IpInterfaceChange ProxyNeeds { get; } = new();

    /// <summary>Each occupies a thread of <see cref="NeighborResolver"/> for about three seconds.</summary>
    public int ProbesAtOnce => NeighborResolver.MaxThreads / 4;

    /// <summary>Opens this host.</summary>
    [SupportedOSPlatform("windows")]
    public static WindowsStandInHost Open() => new(WindowsNetwork.Open(), StandIns.Open(), ComputeNamespaces.Open(), static onChanges => WindowsWatch.Start(null, onChanges),
        static (compartment, body) => Compartment.Open(compartment).Run(() =>
        {
            using var network = WindowsNetwork.Open();
            body(network);
        }));

    /// <inheritdoc/>
    public IHostWatch Watch(Action<IReadOnlyList<HostChange>>? onChanges) => _watch(onChanges);

    /// <summary>The LUID.</summary>
    /// <inheritdoc/>
    public string IdOf(HostLink link)
    {
        ArgumentNullException.ThrowIfNull(link);
        var adapter = _network.ListAdapters().FirstOrDefault(one => one.Index == link.Index);
        if (adapter is null) WindowsError.Throw(WindowsError.NoSuchDevice, $"identify adapter {link.Name}");
        return string.Create(CultureInfo.InvariantCulture, $"0x{adapter!.Luid:x16}");
    }

    /// <inheritdoc/>
    public HostLink? FindLink(string id)
    {
        ArgumentNullException.ThrowIfNull(id);
        var luid = ulong.Parse(id.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
        return _network.ListAdapters().FirstOrDefault(one => one.Luid == luid) is { } adapter ? _network.FindLink(adapter.Index) : null;
    }

    /// <inheritdoc/>
    public HostLink? FindMaster(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var plain = text.StartsWith("luid:", StringComparison.OrdinalIgnoreCase) ? text["luid:".Length..] : text;
        return _network.FindAdapter(plain) is { } adapter ? _network.FindLink(adapter.Index) : null;
    }

    /// <inheritdoc/>
    public string? MasterRefusal(HostLink link)
    {
        ArgumentNullException.ThrowIfNull(link);
        if (_network.ListAdapters().FirstOrDefault(one => one.Index == link.Index) is not { } adapter) return null;
        var bindings = _standIns.Adapters.ListBindings(adapter.Guid);
        foreach (var (component, text) in s_claims)
        {
            if (bindings.Any(one => one.IsEnabled && string.Equals(one.Component, component, StringComparison.OrdinalIgnoreCase))) return $"{link.Name} {text}";
        }
        return AdapterAbove(adapter) is not { } above ? null
            : $"{link.Name} is an SR-IOV virtual function, whose packets the host's stack has on \"{above.Alias}\" alone: take {above.Alias} as the master";
    }

    /// <summary>
    /// The adapter that speaks for a virtual function: Hyper-V gives a guest both with one MAC address, and binds IP to the synthetic one
    /// alone, whose driver takes the function for its own. A function that has IP is an adapter like any other.
    /// </summary>
    private Adapter? AdapterAbove(Adapter adapter) => HasIp(adapter) || adapter.Mac.GetAddressBytes().Length == 0 ? null
        : _network.ListAdapters().FirstOrDefault(one => one.Index != adapter.Index && one.Mac.Equals(adapter.Mac) && HasIp(one));

    private bool HasIp(Adapter adapter) => FindIpInterface(adapter.Index, AddressFamily.InterNetwork) is not null || FindIpInterface(adapter.Index, AddressFamily.InterNetworkV6) is not null;

    /// <inheritdoc/>
    public long CountUnicast(int linkIndex) => _network.CountUnicast(linkIndex);

    /// <inheritdoc/>
    /// <exception cref="HostNetworkException">It is no namespace's GUID, or the container service cannot be asked.</exception>
    public string? NamespaceLack(string namespaceName) => FindCompartment(namespaceName) is null ? $"container namespace {namespaceName} has no compartment yet, since no container runs in it" : null;

    /// <inheritdoc/>
    /// <remarks>A vSwitch's other end is put into a container by the container service: <paramref name="namespaceName"/> only has to be there.</remarks>
    public StandInLink Create(StandInKind kind, Guid tag, string name, string? namespaceName)
    {
        if (kind == StandInKind.VSwitch) CompartmentOf(namespaceName ?? throw new ArgumentNullException(nameof(namespaceName)));
        return ToLink(_standIns.Create(kind, tag, name));
    }

    /// <inheritdoc/>
    public StandInLink? FindStandIn(Guid tag) => _standIns.Find(tag) is { } found ? ToLink(found) : null;

    /// <inheritdoc/>
    public IReadOnlyList<StandInDevice> ListStandIns() => _standIns.List();

    /// <inheritdoc/>
    public string? Quieten(StandInLink standIn)
    {
        ArgumentNullException.ThrowIfNull(standIn);
        return JsonSerializer.Serialize(_standIns.Apply(Find(standIn)));
    }

    /// <inheritdoc/>
    public IReadOnlyDictionary<int, string> ListFirewallProfiles() => _standIns.Adapters.ListNetworkCategories().ToDictionary(static pair => pair.Key, static pair => pair.Value.ToString());

    /// <inheritdoc/>
    public void Restore(StandInLink standIn, string before)
    {
        ArgumentNullException.ThrowIfNull(standIn);
        _standIns.Restore(Find(standIn), JsonSerializer.Deserialize<StandInProfile>(before) ?? new StandInProfile());
    }

    /// <inheritdoc/>
    public StandInLink Rename(StandInLink standIn, string name)
    {
        ArgumentNullException.ThrowIfNull(standIn);
        return ToLink(_standIns.Rename(Find(standIn), name));
    }

    /// <inheritdoc/>
    public void Remove(Guid tag) => _standIns.Remove(tag);

    /// <inheritdoc/>
    public IpInterfaceSettings? FindIpInterface(int linkIndex, AddressFamily family)
    {
        try
        {
            return _network.GetIpInterface(linkIndex, family);
        }
        catch (HostNetworkException e) when (e.NativeCode is (int)WindowsError.NotFound or (int)WindowsError.FileNotFound)
        {
            return null;
        }
    }

    /// <inheritdoc/>
    public void SetIpInterface(int linkIndex, AddressFamily family, IpInterfaceChange change) => _network.SetIpInterface(linkIndex, family, change);

    /// <summary>IPv4: a proxy ARP entry. IPv6: an anycast address, for the host's own addresses alone, since it takes the packets in.</summary>
    /// <inheritdoc/>
    public bool AddProxy(int linkIndex, IPAddress address, bool isForwarded)
    {
        ArgumentNullException.ThrowIfNull(address);
        if (address.AddressFamily == AddressFamily.InterNetwork) _network.AddProxyArp(linkIndex, address);
        else if (isForwarded) return false;
        else _network.AddAnycast(linkIndex, address);
        return true;
    }

    /// <inheritdoc/>
    public void RemoveProxy(int linkIndex, IPAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        // An adapter that went took its entries with it.
        if (_network.FindLink(linkIndex) is null) return;
        if (address.AddressFamily == AddressFamily.InterNetwork) _network.RemoveProxyArp(linkIndex, address);
        else _network.RemoveAnycast(linkIndex, address);
    }

    /// <inheritdoc/>
    public void Furnish(string namespaceName, StandInLink standIn, ContainerSide side)
    {
        ArgumentNullException.ThrowIfNull(standIn);
        _inside(CompartmentOf(namespaceName), network =>
        {
            // Its addresses are added there, and nothing is taken away: so the only adapter will do, whatever its name.
            if ((FindNamed(network, standIn, namespaceName) ?? FindOnly(network, standIn, namespaceName)) is not { } end)
            {
                WindowsError.Throw(WindowsError.NotFound, $"give container {namespaceName} its addresses",
                    $"its compartment has no adapter that is on the switch \"{standIn.Name}\": attach one endpoint of the container service to it");
                return;
            }
            foreach (var family in (ReadOnlySpan<AddressFamily>)[AddressFamily.InterNetwork, AddressFamily.InterNetworkV6])
                network.SetIpInterface(end.Index, family, new IpInterfaceChange { DadTransmits = 0 });
            ContainerFurniture.Place(network, end.Index, side);
        });
    }

    /// <summary>The adapter whose name has the stand-in's name in it. No other: whoever asks makes it his own, with what addresses it has.</summary>
    /// <inheritdoc/>
    public HostLink? FindEnd(string namespaceName, StandInLink standIn)
    {
        ArgumentNullException.ThrowIfNull(standIn);
        HostLink? end = null;
        _inside(CompartmentOf(namespaceName), network => end = FindNamed(network, standIn, namespaceName) is { } found ? network.FindLink(found.Index) : null);
        return end;
    }

    /// <inheritdoc/>
    public void Inside(string namespaceName, Action<IHostNetwork> body)
    {
        ArgumentNullException.ThrowIfNull(body);
        _inside(CompartmentOf(namespaceName), body);
    }

    /// <summary>As often as Windows does by itself: RFC 5227 section 1.1 (PROBE_NUM), RFC 4862 section 5.1 (DupAddrDetectTransmits).</summary>
    /// <inheritdoc/>
    public bool SetAsking(string? namespaceName, int linkIndex, AddressFamily family, bool asks)
    {
        var transmits = !asks ? 0 : family == AddressFamily.InterNetwork ? 3 : 1;
        if (namespaceName is null) Set(_network);
        else _inside(CompartmentOf(namespaceName), Set);
        return asks;

        void Set(WindowsNetwork network)
        {
            if (network.GetIpInterface(linkIndex, family).DadTransmits != transmits) network.SetIpInterface(linkIndex, family, new IpInterfaceChange { DadTransmits = transmits });
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _standIns.Dispose();
        _network.Dispose();
    }

    /// <inheritdoc/>
    public ulong LuidOf(HostLink link, string? namespaceName = null) => AdapterOf(link, namespaceName).Luid;

    /// <inheritdoc/>
    public bool? FindBinding(HostLink link, string component, string? namespaceName = null) =>
        _standIns.Adapters.ListBindings(AdapterOf(link, namespaceName).Guid).FirstOrDefault(one => string.Equals(one.Component, component, StringComparison.OrdinalIgnoreCase))?.IsEnabled;

    /// <inheritdoc/>
    public void SetBinding(HostLink link, string component, bool isBound, string? namespaceName = null)
    {
        if (_standIns.Adapters.SetBinding(AdapterOf(link, namespaceName).Guid, component, isBound) is null)
            WindowsError.Throw(WindowsError.NotFound, $"{(isBound ? "bind" : "unbind")} {component} {(isBound ? "to" : "from")} {link.Name}", "the adapter does not list it");
    }

    private Adapter AdapterOf(HostLink link, string? namespaceName)
    {
        ArgumentNullException.ThrowIfNull(link);
        Adapter? adapter = null;
        if (namespaceName is null) Find(_network);
        else _inside(CompartmentOf(namespaceName), Find);
        if (adapter is null) WindowsError.Throw(WindowsError.NoSuchDevice, $"find adapter {link.Name}");
        return adapter!;

        void Find(WindowsNetwork network) => adapter = network.ListAdapters().FirstOrDefault(one => one.Index == link.Index);
    }

    private static Adapter? FindNamed(WindowsNetwork network, StandInLink standIn, string namespaceName) =>
        OneOf(Ends(network).Where(one => one.Alias.Contains(standIn.Name, StringComparison.OrdinalIgnoreCase)), standIn, namespaceName);

    private static Adapter? FindOnly(WindowsNetwork network, StandInLink standIn, string namespaceName) => OneOf(Ends(network), standIn, namespaceName);

    private static IEnumerable<Adapter> Ends(WindowsNetwork network) => network.ListAdapters().Where(static one => (one.Flags & LinkFlags.Loopback) == 0);

    private static Adapter? OneOf(IEnumerable<Adapter> ends, StandInLink standIn, string namespaceName)
    {
        var adapters = ends.ToList();
        if (adapters.Count > 1)
        {
            WindowsError.Throw(WindowsError.NotFound, $"find the end of switch \"{standIn.Name}\" in container {namespaceName}",
                $"its compartment has {adapters.Count} adapters that may be on the switch: name its endpoint of the container service as the switch");
        }
        return adapters.Count == 0 ? null : adapters[0];
    }

    private static StandInLink ToLink(StandIn found) => new(found.Device, found.LinkIndex, found.Name);

    private StandIn Find(StandInLink standIn)
    {
        var found = _standIns.Find(standIn.Device.Tag);
        if (found is null) WindowsError.Throw(WindowsError.NoSuchDevice, $"find stand-in \"{standIn.Name}\"");
        return found!;
    }

    private uint? FindCompartment(string namespaceName)
    {
        if (!Guid.TryParse(namespaceName, out var id))
            WindowsError.Throw(WindowsError.InvalidParameter, $"find container namespace {namespaceName}", "a namespace is given by the GUID that the container service gave it");
        return _namespaces.FindCompartment(id);
    }

    private uint CompartmentOf(string namespaceName)
    {
        var compartment = FindCompartment(namespaceName);
        if (compartment is null) WindowsError.Throw(WindowsError.NotFound, $"find container namespace {namespaceName}", "it has no compartment, since no container runs in it");
        return compartment!.Value;
    }
}
