using System.Globalization;
using System.Net;
using System.Runtime.Versioning;
using IpVlanWin.Datapath;
using IpVlanWin.Datapath.Linux;
using IpVlanWin.Devices;
using IpVlanWin.Devices.Decorators;
using IpVlanWin.Devices.Linux;
using IpVlanWin.Devices.Pcap;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Wire;
using IpVlanWin.HostNetwork;
using IpVlanWin.HostNetwork.Linux;

namespace IpVlanWin.Cli.Lab.Namespaces;

/// <summary>
/// The lab in network namespaces: a stack of the kernel's own at every station, our data path between them. The wire is a veth pair;
/// its near end is in a namespace where no stack has an address.
/// </summary>
[SupportedOSPlatform("linux")]
internal sealed class NamespaceBed : ILabBed
{
    private const string PortPlace = "port";
    private const string WireLink = "wire";
    private const int MostProbes = 24;
    private static readonly TimeSpan s_ready = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_spin = TimeSpan.FromMicroseconds(100);

    private readonly LabNamespaces _namespaces;
    private readonly Dictionary<string, CaptureSink> _captures = new(StringComparer.Ordinal);
    private readonly Dictionary<LabStation, RouteNetlink> _netlinks = [];
    private readonly Dictionary<LabStation, int> _links = [];
    private readonly Dictionary<LabStation, MulticastStation> _multicast = [];
    private readonly SemaphoreSlim _probes = new(MostProbes);
    private readonly LabOptions _options;
    private EngineDatapath? _datapath;
    private WireMacs? _macs;

    private NamespaceBed(LabOptions options, LabNamespaces namespaces)
    {
        (_options, _namespaces) = (options, namespaces);
        Stations = LabPlan.Stations(options.Interfaces);
    }

    /// <summary>Builds it all. Removes what it made where it fails or is cancelled.</summary>
    /// <exception cref="CommandException">The operating system refuses.</exception>
    public static async Task<ILabBed> OpenAsync(LabOptions options, CancellationToken cancellation)
    {
        NamespaceBed? bed = null;
        try
        {
            bed = new NamespaceBed(options, LabNamespaces.Begin());
            bed.Build();
            await bed.SetAsync(options.FirstMode, options.FirstFlag, cancellation).ConfigureAwait(false);
            return bed;
        }
        catch (Exception fault)
        {
            if (bed is not null)
                await bed.DisposeAsync().ConfigureAwait(false);
            if (fault is HostNetworkException or LinuxDeviceException)
                throw CommandException.Refused($"the lab cannot be built: {fault.Message}", fault);
            throw;
        }
    }

    public string Description => $"real network namespaces {_namespaces[PortPlace].Name![..^PortPlace.Length]}*, {_datapath!.Kind} data path";

    public bool IsSimulated => false;

    public IReadOnlyList<LabStation> Stations { get; }

    public MacAddress MasterMac => _datapath!.Port.Mac;

    public IReadOnlyCollection<MacAddress> WireSourceMacs => _macs!.Seen;

    public IReadOnlyList<string> CaptureFiles =>
        _options.CaptureDirectory is { } directory ? [.. _captures.Keys.Select(place => Lab.CaptureFiles.PathOf(directory, place)).Order(StringComparer.Ordinal)] : [];

    public IReadOnlyList<string> EnterCommands =>
        [.. Stations.Where(station => station.Kind != StationKind.OffLink).Select(station => $"ip netns exec {NamespaceOf(station).Name} bash")];

    public async Task SetAsync(PortMode mode, PortFlag flag, CancellationToken cancellation)
    {
        var before = _datapath!.Port.Mode;
        _datapath.SetMode(mode);
        _datapath.SetFlag(flag);
        if (before == PortMode.L2 != (mode == PortMode.L2) || _links.Count == 0)
            FollowMode(mode);
        var until = DateTime.UtcNow + s_ready;
        while (!IsReady())
        {
            if (DateTime.UtcNow > until)
                throw CommandException.Refused($"the lab's interfaces did not come up within {s_ready.TotalSeconds} s");
            await Task.Delay(1, cancellation).ConfigureAwait(false);
        }
    }

    public Task<PingResult> PingAsync(LabStation from, LabStation to, bool isSix, CancellationToken cancellation) =>
        BoundedAsync(() => PingProbe.RunAsync(NamespaceOf(from), to.Address(isSix), cancellation), cancellation);

    public Task<IReadOnlyCollection<LabStation>> ProbeMulticastAsync(LabStation from, bool isSix, CancellationToken cancellation) =>
        BoundedAsync(() => MulticastStation.ProbeAsync(_multicast, from, isSix, cancellation), cancellation);

    public async Task<TransferResult?> TransferAsync(Transport transport, LabStation from, LabStation to, TimeSpan duration, CancellationToken cancellation) =>
        await TransferProbe.RunAsync(transport, NamespaceOf(from), NamespaceOf(to), to.Four, duration, cancellation).ConfigureAwait(false);

    public LabStatistics ReadStatistics()
    {
        var counted = _datapath!.Interfaces.Select(member => new InterfaceStatistics(
            member.Name, member.Counters.RxPackets, member.Counters.RxBytes, member.Counters.Multicast, member.Counters.TxPackets,
            member.Counters.TxBytes, member.Counters.RxErrors, member.Counters.TxDropped));
        var damaged = _links.Keys.Sum(station => DamagedPackets.Read(NamespaceOf(station)));
        return new LabStatistics([.. counted], [.. _datapath.Port.Drops], damaged);
    }

    public ValueTask DisposeAsync()
    {
        foreach (var station in _multicast.Values)
            station.Dispose();
        _macs?.Dispose();
        _datapath?.Dispose();
        foreach (var netlink in _netlinks.Values)
            netlink.Dispose();
        _namespaces.Dispose();
        _probes.Dispose();
        foreach (var capture in _captures.Values)
            capture.Dispose();
        return ValueTask.CompletedTask;
    }

    private void Build()
    {
        var port = _namespaces.Create(PortPlace);
        foreach (var station in Stations.Where(station => station.Kind != StationKind.OffLink))
            _netlinks.Add(station, RouteNetlink.Open(_namespaces.Create(station.Name)));
        var wire = Stations.First(station => station.Kind == StationKind.Wire);
        using (var netlink = RouteNetlink.Open(port))
        {
            port.WriteSysctl("net/ipv6/conf/default/disable_ipv6", "1");
            var near = netlink.CreateVeth(WireLink, wire.Device, NamespaceOf(wire));
            netlink.SetUp(near.Index, true);
        }
        var host = Stations.First(station => station.Kind == StationKind.Host);
        _macs = new WireMacs(NamespaceOf(wire));
        _datapath = new EngineDatapath(new LinuxPortSettings
        {
            MasterName = host.Device,
            HostNamespace = NamespaceOf(host),
            WireNamespace = port,
            WireLink = WireLink,
            Spin = _options.Spin ? s_spin : TimeSpan.Zero,
            Decorate = Decorate,
        });
        SetUp(host, _datapath.HostLinkIndex);
        SetUp(wire, _netlinks[wire].GetLink(wire.Device).Index);
        foreach (var station in Stations.Where(station => station.Kind == StationKind.Interface))
        {
            _datapath.AddInterface(new InterfaceSettings(station.Device, NamespaceOf(station).Name, _options.FirstMode, _options.FirstFlag));
            SetUp(station, _datapath.LinkIndexOf(station.Device));
        }
        FollowMode(_options.FirstMode);
        foreach (var (station, link) in _links)
            _multicast.Add(station, new MulticastStation(NamespaceOf(station), link));
    }

    private NetworkNamespace NamespaceOf(LabStation station) =>
        _namespaces[station.Kind == StationKind.OffLink ? Stations.First(other => other.Kind == StationKind.Wire).Name : station.Name];

    /// <summary>Captures go next to the device; what counts MACs comes after.</summary>
    private IFrameDevice Decorate(string place, IFrameDevice device)
    {
        if (_options.CaptureDirectory is { } directory)
        {
            var name = Stations.FirstOrDefault(station => station.Device == place)?.Name ?? place;
            var sink = new CaptureSink(Lab.CaptureFiles.Create(directory, name));
            _captures.Add(name, sink);
            device = new PcapTap(device, sink, place == WireLink ? FrameDirection.Inbound : FrameDirection.Outbound);
        }
        return place == WireLink ? _macs!.Watch(device) : device;
    }

    private void SetUp(LabStation station, int link)
    {
        var netlink = _netlinks[station];
        _links.Add(station, link);
        foreach (var owner in Stations.Where(other => other == station || (station.Kind == StationKind.Wire && other.Kind == StationKind.OffLink)))
        {
            foreach (var isSix in new[] { false, true })
            {
                var prefix = LabPlan.Prefix(owner, isSix);
                netlink.AddAddress(link, prefix.Address.ToIPAddress(), prefix.Length, isSix ? AddressFlags.NoDad : AddressFlags.None);
            }
        }
        netlink.SetUp(link, true);
    }

    /// <summary>
    /// In l3 and l3s an interface's stack sends everything to the interface, and nobody answers for the interfaces on the link: there the
    /// wire is told.
    /// </summary>
    private void FollowMode(PortMode mode)
    {
        var isRouted = mode != PortMode.L2;
        var wire = Stations.First(station => station.Kind == StationKind.Wire);
        foreach (var station in Stations.Where(station => station.Kind == StationKind.Interface))
        {
            foreach (var isSix in new[] { false, true })
            {
                var everything = new HostRoute { Destination = new IPNetwork(isSix ? IPAddress.IPv6Any : IPAddress.Any, 0), LinkIndex = _links[station] };
                var address = station.Address(isSix).ToIPAddress();
                if (isRouted)
                {
                    _netlinks[station].ReplaceRoute(everything);
                    _netlinks[wire].SetNeighbor(_links[wire], address, Physical(MasterMac));
                }
                else
                {
                    IgnoreAbsent(() => _netlinks[station].RemoveRoute(everything));
                    IgnoreAbsent(() => _netlinks[wire].RemoveNeighbor(_links[wire], address));
                }
            }
        }
    }

    private static System.Net.NetworkInformation.PhysicalAddress Physical(MacAddress mac)
    {
        var bytes = new byte[MacAddress.Bytes];
        mac.Write(bytes);
        return new System.Net.NetworkInformation.PhysicalAddress(bytes);
    }

    private static void IgnoreAbsent(Action remove)
    {
        try
        {
            remove();
        }
        catch (HostNetworkException fault) when (fault.NativeName is "ESRCH" or "ENOENT")
        {
            // It was never set.
        }
    }

    /// <summary>The port knows all that was configured, and no stack still checks an address.</summary>
    private bool IsReady()
    {
        var port = _datapath!.Port;
        var host = Stations.First(station => station.Kind == StationKind.Host);
        var members = _datapath.Interfaces;
        bool Has(IReadOnlyList<L3Prefix> known, LabStation station) =>
            known.Contains(LabPlan.Prefix(station, false)) && known.Contains(LabPlan.Prefix(station, true));
        if (_datapath.Completion.IsCompleted)
            throw CommandException.Refused(string.Create(CultureInfo.InvariantCulture, $"the data path ended: {_datapath.Completion.Exception?.InnerException?.Message}"));
        return port.IsUp && Has(port.Addresses, host) && Stations.Where(station => station.Kind == StationKind.Interface)
            .All(station => members.Any(member => member.Name == station.Device && member.IsUp && Has(member.Addresses, station)));
    }

    private async Task<T> BoundedAsync<T>(Func<Task<T>> probe, CancellationToken cancellation)
    {
        await _probes.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            return await probe().ConfigureAwait(false);
        }
        finally
        {
            _probes.Release();
        }
    }
}
