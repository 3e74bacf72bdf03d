using System.Diagnostics;
using System.Net.Sockets;
using System.Runtime.Versioning;

namespace IpVlanWin.HostNetwork.Windows;

/// <summary>A stand-in: a device of ours and its adapter.</summary>
/// <param name="Device">The device.</param>
/// <param name="Adapter">The adapter's GUID (NetCfgInstanceId).</param>
/// <param name="LinkIndex">The adapter's index now; it may change when the system restarts.</param>
/// <param name="Name">The adapter's alias.</param>
public sealed record StandIn(StandInDevice Device, Guid Adapter, int LinkIndex, string Name);

/// <summary>
/// Makes, profiles, finds and removes stand-ins, the Windows adapters that represent interfaces. All members may be called from any
/// thread. What fails half way is undone before it is told.
/// </summary>
public sealed class StandIns : IDisposable
{
    /// <summary>
    /// Added to the metric of a stand-in's routes: high, so that nothing of the host prefers a stand-in, and far from what people choose.
    /// </summary>
    public const uint Metric = 9000;

    /// <summary>What is unbound from a stand-in: file and printer sharing, and the client for it.</summary>
    internal static readonly string[] Unbound = ["ms_server", "ms_msclient"];

    private readonly IReadOnlyList<IStandInSource> _sources;
    private readonly ICimSession _cim;
    private readonly NetAdapters _adapters;
    private readonly NameRegistration _names;
    private readonly WindowsNetwork _network;
    private readonly IRegistryValues _registry;
    private readonly TimeSpan _patience;
    private readonly TimeSpan _poll;

    internal StandIns(IReadOnlyList<IStandInSource> sources, ICimSession cim, WindowsNetwork network, IRegistryValues registry, TimeSpan patience, TimeSpan poll)
    {
        _sources = sources;
        _cim = cim;
        _adapters = new NetAdapters(cim);
        _names = new NameRegistration(cim);
        _network = network;
        _registry = registry;
        _patience = patience;
        _poll = poll;
    }

    internal NetAdapters Adapters => _adapters;

    /// <summary>Opens the device installer, CIM and IP Helper of this host.</summary>
    [SupportedOSPlatform("windows")]
    public static StandIns Open()
    {
        var cim = CimSessions.Open();
        var adapters = new NetAdapters(cim);
        var (patience, poll) = (TimeSpan.FromSeconds(60), TimeSpan.FromMilliseconds(100));
        return new StandIns([new LoopbackAdapters(adapters), new SwitchAdapters(cim, adapters, patience, poll)], cim, WindowsNetwork.Open(), new MachineRegistry(), patience, poll);
    }

    /// <summary>Makes a stand-in and names its adapter. Needs elevation; a vSwitch needs Hyper-V.</summary>
    /// <param name="kind">What it is made of.</param>
    /// <param name="tag">Its identity, new for each; remember it before calling.</param>
    /// <param name="name">The adapter's alias.</param>
    /// <exception cref="HostNetworkException">It cannot be made; nothing of it is left.</exception>
    public StandIn Create(StandInKind kind, Guid tag, string name)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        var source = Source(kind);
        var device = source.Create(tag, name) with { Name = name };
        try
        {
            var adapter = NetAdapters.GuidOf(Await(source, device));
            _adapters.Rename(adapter, name);
            return Find(source, device) ?? throw CimError.Create(CimFailure.NotFound, (int)CimFailure.NotFound, $"make stand-in \"{name}\"", "its adapter went away");
        }
        catch (HostNetworkException e)
        {
            e.Cleanup(() => source.Remove(device));
            throw;
        }
    }

    /// <summary>The stand-in of a tag, or null when it has no device or no adapter (any more).</summary>
    /// <param name="tag">Its identity.</param>
    public StandIn? Find(Guid tag)
    {
        foreach (var source in Available())
        {
            foreach (var device in source.List())
            {
                if (device.Tag == tag) return Find(source, device);
            }
        }
        return null;
    }

    /// <summary>All devices of ours on this host.</summary>
    public IReadOnlyList<StandInDevice> List() => [.. Available().SelectMany(source => source.List())];

    /// <summary>Devices of ours that nobody knows: left behind by a crash between making and remembering.</summary>
    /// <param name="known">The tags of the desired state.</param>
    public IReadOnlyList<StandInDevice> FindOrphans(IReadOnlySet<Guid> known)
    {
        ArgumentNullException.ThrowIfNull(known);
        return [.. List().Where(device => !known.Contains(device.Tag))];
    }

    /// <summary>
    /// Makes the adapter a quiet stand-in: a high metric, no default route, no duplicate detection (<see cref="IStandInHost.SetAsking"/> turns
    /// it on), no name registration, NetBIOS or LLMNR, no file sharing.
    /// </summary>
    /// <param name="standIn">The stand-in.</param>
    /// <returns>What was before, to remember and to give to <see cref="Restore"/>.</returns>
    /// <exception cref="HostNetworkException">Something is refused; what was changed is put back.</exception>
    public StandInProfile Apply(StandIn standIn)
    {
        ArgumentNullException.ThrowIfNull(standIn);
        var before = new StandInProfile();
        try
        {
            var change = new IpInterfaceChange { Metric = Metric, DadTransmits = 0, IgnoreDefaultRoutes = true };
            before = before with { V4 = _network.SetIpInterface(standIn.LinkIndex, AddressFamily.InterNetwork, change) };
            before = before with { V6 = _network.SetIpInterface(standIn.LinkIndex, AddressFamily.InterNetworkV6, change) };
            foreach (var component in Unbound)
            {
                if (_adapters.SetBinding(standIn.Adapter, component, enabled: false) is true)
                    before = before with { Bindings = new Dictionary<string, bool>(before.Bindings) { [component] = true } };
            }
            var names = _names.Read(standIn.Adapter);
            if (names is not { Full: false, Domain: false })
            {
                var restart = _names.SetDns(standIn.Adapter, full: false, domain: false);
                before = before with { FullDnsRegistration = names.Full ?? true, DomainDnsRegistration = names.Domain ?? false, NeedsRestart = before.NeedsRestart || restart };
            }
            if (names.Netbios != NameRegistration.NetbiosDisabled)
            {
                var restart = _names.SetNetbios(standIn.Adapter, NameRegistration.NetbiosDisabled);
                before = before with { Netbios = names.Netbios ?? NameRegistration.NetbiosByDhcp, NeedsRestart = before.NeedsRestart || restart };
            }
            var llmnr = _registry.Read(LlmnrKey(standIn.Adapter), LlmnrValue);
            if (llmnr != 0)
            {
                _registry.Write(LlmnrKey(standIn.Adapter), LlmnrValue, 0);
                before = before with { LlmnrChanged = true, Llmnr = llmnr };
            }
            return before;
        }
        catch (HostNetworkException e)
        {
            e.Cleanup(() => Restore(standIn, before));
            throw;
        }
    }

    /// <summary>Puts the settings back, all that can be, and tells the first refusal at the end.</summary>
    /// <param name="standIn">The stand-in.</param>
    /// <param name="before">What <see cref="Apply"/> returned.</param>
    public void Restore(StandIn standIn, StandInProfile before)
    {
        ArgumentNullException.ThrowIfNull(standIn);
        ArgumentNullException.ThrowIfNull(before);
        HostNetworkException? first = null;
        Try(() =>
        {
            if (before.LlmnrChanged) _registry.Write(LlmnrKey(standIn.Adapter), LlmnrValue, before.Llmnr);
        });
        Try(() =>
        {
            if (before.Netbios is { } option) _names.SetNetbios(standIn.Adapter, option);
        });
        Try(() =>
        {
            if (before.FullDnsRegistration is { } full) _names.SetDns(standIn.Adapter, full, before.DomainDnsRegistration ?? false);
        });
        foreach (var (component, enabled) in before.Bindings) Try(() => _adapters.SetBinding(standIn.Adapter, component, enabled));
        Try(() =>
        {
            if (before.V6 is { } v6) _network.SetIpInterface(standIn.LinkIndex, AddressFamily.InterNetworkV6, v6);
        });
        Try(() =>
        {
            if (before.V4 is { } v4) _network.SetIpInterface(standIn.LinkIndex, AddressFamily.InterNetwork, v4);
        });
        if (first is not null) throw first;

        void Try(Action step)
        {
            try
            {
                step();
            }
            catch (HostNetworkException e)
            {
                first ??= e;
            }
        }
    }

    /// <summary>Renames the adapter.</summary>
    /// <param name="standIn">The stand-in.</param>
    /// <param name="name">The new alias.</param>
    /// <returns>The stand-in with its new name.</returns>
    public StandIn Rename(StandIn standIn, string name)
    {
        ArgumentNullException.ThrowIfNull(standIn);
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        _adapters.Rename(standIn.Adapter, name);
        return standIn with { Name = name };
    }

    /// <summary>Removes the device, which takes addresses and routes with it; nothing when it is gone already.</summary>
    /// <param name="tag">Its identity.</param>
    /// <exception cref="HostNetworkException">Code 3010: it goes when the system restarts.</exception>
    public void Remove(Guid tag)
    {
        foreach (var source in Available())
        {
            foreach (var device in source.List())
            {
                if (device.Tag == tag) source.Remove(device);
            }
        }
    }

    /// <summary>Closes the session; stand-ins stay.</summary>
    public void Dispose()
    {
        _network.Dispose();
        _cim.Dispose();
    }

    private const string LlmnrValue = "EnableMulticast";

    private static string LlmnrKey(Guid adapter) => $@"SYSTEM\CurrentControlSet\Services\Tcpip\Parameters\Interfaces\{adapter:B}";

    /// <summary>The sources whose Windows feature is there: without Hyper-V there are no switches to list.</summary>
    private IEnumerable<IStandInSource> Available()
    {
        foreach (var source in _sources)
        {
            if (source.Kind != StandInKind.VSwitch || HasHyperV()) yield return source;
        }
    }

    private bool HasHyperV()
    {
        try
        {
            return _cim.Query(SwitchAdapters.Namespace, "SELECT * FROM Msvm_VirtualEthernetSwitchManagementService").Count > 0;
        }
        catch (HostNetworkException e) when (e.NativeName is "CIM_ERR_INVALID_NAMESPACE" or "CIM_ERR_INVALID_CLASS")
        {
            return false;
        }
    }

    private IStandInSource Source(StandInKind kind) => _sources.FirstOrDefault(source => source.Kind == kind)
        ?? throw new ArgumentException($"stand-in kind {kind} must be one of {string.Join(", ", _sources.Select(source => source.Kind))}", nameof(kind));

    private static StandIn? Find(IStandInSource source, StandInDevice device) => source.FindAdapter(device) is { } adapter
        ? new StandIn(device, NetAdapters.GuidOf(adapter), (int)adapter.Number("InterfaceIndex"), adapter.Text("Name"))
        : null;

    /// <summary>Waits until the system has made the device's adapter and bound both IP versions to it.</summary>
    private CimObject Await(IStandInSource source, StandInDevice device)
    {
        var start = Stopwatch.GetTimestamp();
        while (true)
        {
            if (source.FindAdapter(device) is { } adapter && IsBound((int)adapter.Number("InterfaceIndex"))) return adapter;
            if (Stopwatch.GetElapsedTime(start) > _patience)
                throw CimError.Create(CimFailure.Timeout, (int)CimFailure.Timeout, $"make stand-in \"{device.Name}\"", $"device {device.Id} has no adapter with IPv4 and IPv6 after {_patience.TotalSeconds} s");
            Thread.Sleep(_poll);
        }
    }

    private bool IsBound(int index)
    {
        if (index == 0) return false;
        foreach (var family in (ReadOnlySpan<AddressFamily>)[AddressFamily.InterNetwork, AddressFamily.InterNetworkV6])
        {
            try
            {
                _network.GetIpInterface(index, family);
            }
            catch (HostNetworkException e) when (e.NativeCode is (int)WindowsError.NotFound or (int)WindowsError.FileNotFound)
            {
                return false;
            }
        }
        return true;
    }
}
