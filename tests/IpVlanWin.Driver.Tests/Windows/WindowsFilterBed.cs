using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using IpVlanWin.Cli.HostCare;
using IpVlanWin.Datapath;
using IpVlanWin.Datapath.Filter;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Wire;
using IpVlanWin.HostNetwork.Tests.Windows;
using IpVlanWin.HostNetwork.Windows;

namespace IpVlanWin.Driver.Tests.Windows;

/// <summary>
/// A Windows host in memory (strict IP Helper, CIM and device installer) whose adapters are those of a native driver: it has what it is bound
/// to, as NDIS would have it. The driver and the host outlive the process that uses them.
/// </summary>
internal sealed class WindowsFilterBed : IDisposable
{
    public const uint MasterIndex = 20;
    public const string Master = "Ethernet";

    private const uint Compartment = 3;

    public static readonly Guid Container = Guid.Parse("3f1c2b7e-0000-4000-8000-00000000abcd");

    private static readonly byte[] MasterMac = [2, 0, 0, 0, 0, 20];

    private readonly NativeBench _bench;
    private readonly StrictCim.Stored _master;
    private readonly HashSet<ulong> _attached = [NativeBench.Host];
    // Its lock is the bench's: a killed process' handle is closed before another one is opened.
    private NativeFilterDevice _device;
    private Mortal? _process;
    private FilterDriver? _driver;
    private (uint Index, Guid Guid) _end = (70, Guid.Empty);

    /// <param name="isBoundByItself">Windows binds the filter to each adapter that comes.</param>
    public WindowsFilterBed(bool isBoundByItself)
    {
        _bench = new NativeBench(NativeBuild.Library("filter"), MasterMac, 1500, BenchOptions.Served);
        _device = new NativeFilterDevice(_bench);
        // The bench begins with its master attached.
        Detach(NativeBench.Host);
        Bed.OnPlug = (adapter, isThere) =>
        {
            if (isThere)
                AddBinding(adapter, isBoundByItself);
            else
                Detach(LuidOf(adapter));
            if (AttachesEndpoints && ((string)adapter.Values["Name"]!).StartsWith("vEthernet", StringComparison.Ordinal))
            {
                if (isThere)
                    AttachEndpoint();
                else
                    DetachEndpoint();
            }
            else if (!isThere && _end.Guid != Guid.Empty && ((string)adapter.Values["PnPDeviceID"]!).StartsWith(@"ROOT\VMS_MP", StringComparison.Ordinal))
                DetachEndpoint();
        };
        foreach (var verb in (string[])["Enable", "Disable"])
            Bed.Cim.On("MSFT_NetAdapterBindingSettingData." + verb, (binding, _) => SetBinding(binding, verb == "Enable"));
        _master = Bed.Plug(@"PCI\VEN_8086", Master);
        Bed.Ip.Change(MasterIndex, static row => row with { InterfaceLuid = NativeBench.Host });
        if (isBoundByItself)
            Attach(NativeBench.Host);
        Bed.Network.AddAddress((int)MasterIndex, IPAddress.Parse("192.0.2.10"), 24);
        Bed.Ip.EndDetection();
    }

    /// <summary>One thread at a time is on the host.</summary>
    public object Turn { get; } = new();

    public StandInBed Bed { get; } = new();

    /// <summary>IP Helper in the container's compartment.</summary>
    public StrictIphlpapi Inside { get; } = new();

    /// <summary>A container runs in the namespace.</summary>
    public bool IsRunning { get; set; }

    /// <summary>The container service attaches an endpoint to each switch, as it comes.</summary>
    public bool AttachesEndpoints { get; set; }

    /// <summary>Windows lists the filter among the bindings of the container's adapter, and has it unbound.</summary>
    public bool ListsEndpoints { get; set; }

    /// <summary>LUID of the container's adapter.</summary>
    public ulong EndLuid => 0x6000000000000 | ((ulong)_end.Index << 24);

    /// <summary>The container's adapter with its MTU and addresses, or that there is none.</summary>
    public string EndState
    {
        get
        {
            lock (Turn)
            {
                var network = new WindowsNetwork(Inside);
                return string.Join('\n', network.ListLinks().Select(link => $"{link.Name} {link.IpMtu} {string.Join(' ', network.ListAddresses(link.Index).Select(static one => $"{one.Address}/{one.PrefixLength}"))}"));
            }
        }
    }

    public MemoryJournal Journal { get; } = new();

    public ConcurrentQueue<HostEvent> Events { get; } = [];

    public FilterDatapath Port { get; private set; } = null!;

    public Mortal Process => _process!;

    /// <summary>Starts a process with the data path; it may be killed before any of its calls to the host or the journal.</summary>
    public FilterDatapath Start(PortMode mode = PortMode.L2, PortFlag flag = PortFlag.Bridge, int killAt = 0, TimeSpan? period = null)
    {
        _driver?.Dispose();
        _process = new Mortal(Turn) { KillAt = killAt };
        _device = new NativeFilterDevice(_bench);
        _driver = new FilterDriver(_device);
        var host = OpenHost();
        var id = HostMarks.MasterOf(Journal, Master) ?? host.IdOf(host.FindMaster(Master)!);
        var portHost = new FilterPortHost(new FilterPortHostSettings
        {
            PortName = Master, Host = _process.Give<HostNetwork.IStandInHost>(host), Bindings = _process.Give<HostNetwork.IFilterBindings>(host), MasterId = id,
            Journal = _process.Give<IHostJournal>(Journal), OnEvent = Events.Enqueue,
        });
        return Port = new FilterDatapath(new FilterPortSettings
        {
            Driver = _driver, Host = portHost, MasterName = Master, MasterLuid = portHost.MasterLuid, Mode = mode, Flag = flag, OnEvent = Events.Enqueue, Period = period ?? TimeSpan.FromSeconds(30), ProbeTime = TimeSpan.FromMilliseconds(1),
        });
    }

    /// <summary>An interface that is up.</summary>
    public void Add(string name, params string[] addresses) => Add(name, null, addresses);

    /// <inheritdoc cref="Add(string, string[])"/>
    public void Add(string name, Guid? container, string[] addresses)
    {
        Assert.AreEqual(PortResult.Ok, Port.AddInterface(new InterfaceSettings(name, container?.ToString(), Port.Port.Mode)));
        Furnish(name, container, addresses);
    }

    /// <summary>The rest of <see cref="Add(string, Guid?, string[])"/>, for an interface that is there.</summary>
    public void Furnish(string name, Guid? container, string[] addresses)
    {
        Assert.AreEqual(PortResult.Ok, Port.SetUp(name, true));
        foreach (var address in addresses)
            Assert.AreEqual(PortResult.Ok, Port.AddAddress(name, L3Prefix.Parse(address)));
        if (addresses.Length == 0)
            return;
        Port.Commit();
        // The wire is asked first.
        Until(() => Process.IsDead || addresses.All(address => (container is null ? State : EndState).Contains(address, StringComparison.Ordinal)), $"{name} has its addresses");
        if (Process.IsDead)
            throw new KilledException();
    }

    /// <summary>The process is gone, whatever it was at.</summary>
    public void Kill()
    {
        _process?.Kill();
        _driver?.Dispose();
        _driver = null;
    }

    /// <summary>What clean-host does.</summary>
    public (List<string> Done, List<string> Failures) Clean(bool isThorough = false)
    {
        lock (Turn)
        {
            using var device = new NativeFilterDevice(_bench);
            using var driver = new FilterDriver(device);
            using var host = OpenHost();
            var first = FilterMarks.Sweep(driver, host, host, Journal, static _ => false, isThorough);
            var second = HostMarks.Sweep(host, Journal, static _ => false);
            return ([.. first.Done, .. second.Done], [.. first.Failures, .. second.Failures]);
        }
    }

    /// <summary>What doctor reads of the master.</summary>
    public FilterMasterFacts Look()
    {
        lock (Turn)
        {
            using var host = OpenHost();
            return FilterFacts.Read([Master], host, () => (new FilterLook(new NativeFilterDevice(_bench)), host)).Masters.Single();
        }
    }

    /// <summary>Does something to the host.</summary>
    public T Do<T>(Func<StandInBed, T> act)
    {
        lock (Turn)
            return act(Bed);
    }

    /// <inheritdoc cref="Do{T}"/>
    public void Do(Action<StandInBed> act) => Do(bed =>
    {
        act(bed);
        return 0;
    });

    /// <summary>Adapters with their MTU and addresses, which of them the driver has, and whether it is bound to them.</summary>
    public string State => Do(bed => string.Join('\n', bed.Network.ListLinks().OrderBy(static link => link.Name, StringComparer.Ordinal).Select(link =>
    {
        var adapter = bed.Network.ListAdapters().Single(one => one.Index == link.Index);
        var addresses = bed.Network.ListAddresses(link.Index).Select(static one => $"{one.Address}/{one.PrefixLength}").Order(StringComparer.Ordinal);
        return $"{link.Name} {link.IpMtu} {string.Join(' ', addresses)} {(_attached.Contains(adapter.Luid) ? "attached" : "")}{(IsBound(adapter.Guid) ? " bound" : "")}";
    })));

    /// <summary>Frames that come out for one that enters.</summary>
    public ulong[] Inject(ulong place, byte[] frame) => _device.Use(bench => bench.PlacesOf(place, frame));

    public void Use(Action<NativeBench> act) => _device.Use(act);

    public ulong LuidOf(string alias) => Do(bed => bed.Network.ListAdapters().Single(one => one.Alias == alias).Luid);

    /// <summary>Windows' own switch of a binding, by hand.</summary>
    public void Bind(string alias, bool isBound) => Do(bed =>
    {
        var guid = bed.Network.ListAdapters().Single(one => one.Alias == alias).Guid;
        SetBinding(Binding(guid), isBound);
    });

    public (string Before, string After) WaitFor(string name)
    {
        HostEvent? found = null;
        Until(() => (found = Events.FirstOrDefault(one => one.Name == name)) is not null, name);
        return (found!.Before, found.After);
    }

    public void Until(Func<bool> condition, string what)
    {
        if (!SpinWait.SpinUntil(condition, TimeSpan.FromSeconds(20)))
            Assert.Fail($"{what}: {string.Join("; ", Events)}; {Port.Completion.Exception?.InnerException?.Message}\n{State}");
    }

    /// <summary>The keeper looks at everything.</summary>
    public void Wake()
    {
        // That it tells the second time, it is done with the first. Its very first look tells nothing: then it is shown the other state, and again.
        foreach (var isUp in (bool[])[false, true])
        {
            Events.Clear();
            Until(
                () =>
                {
                    if (Tells(isUp))
                        return true;
                    Tells(!isUp);
                    return false;
                },
                isUp ? "master-up" : "master-down");
        }

        bool Tells(bool isUp)
        {
            Use(bench => bench.SetMaster(MasterMac, 1500, isUp));
            return SpinWait.SpinUntil(() => Events.Any(one => one.Name == (isUp ? "master-up" : "master-down")), TimeSpan.FromSeconds(1));
        }
    }

    /// <summary>The master out, and in again under another index.</summary>
    public void Replug(Action between)
    {
        Do(bed =>
        {
            Detach(NativeBench.Host);
            bed.Ip.Unplug(MasterIndex);
        });
        between();
        Do(bed =>
        {
            bed.Ip.Plug(MasterIndex + 60, Master, change: row => row with { InterfaceLuid = NativeBench.Host, InterfaceGuid = Guid.Parse((string)_master.Values["DeviceID"]!) });
            Attach(NativeBench.Host);
        });
    }

    /// <summary>Hyper-V binds its switch to the master.</summary>
    public void PutSwitchOverMaster() => Do(bed =>
    {
        bed.Cim.Add(NetAdapters.Namespace, "MSFT_NetAdapterBindingSettingData", new()
        {
            ["InstanceID"] = $"{_master.Values["DeviceID"]}::vms_pp", ["Name"] = Master, ["ComponentID"] = "vms_pp", ["DisplayName"] = "Hyper-V", ["Enabled"] = true,
        });
        bed.Ip.Change(MasterIndex, static row => row with { MediaConnectState = 2 });
    });

    /// <summary>The driver's package was taken out.</summary>
    public void RemoveBindings() => Do(bed =>
    {
        foreach (var binding in bed.Cim.All("MSFT_NetAdapterBindingSettingData").Where(static one => (string)one.Values["ComponentID"]! == FilterPortHostSettings.Component).ToList())
            bed.Cim.Delete(binding);
    });

    public void Dispose()
    {
        if (_process is { IsDead: false })
            Port?.Dispose();
        Kill();
        _bench.Dispose();
        Bed.Dispose();
    }

    /// <summary>The container service puts an adapter into the container's compartment, to which Windows binds the filter.</summary>
    public void AttachEndpoint()
    {
        lock (Turn)
        {
            _end = (_end.Index + 1, Guid.NewGuid());
            Inside.Plug(_end.Index, "vEthernet (box)", change: row => row with { InterfaceGuid = _end.Guid });
            if (!ListsEndpoints)
                Attach(EndLuid);
            else
            {
                Bed.Cim.Add(NetAdapters.Namespace, "MSFT_NetAdapterBindingSettingData", new()
                {
                    ["InstanceID"] = $"{EndId}::{FilterPortHostSettings.Component}", ["Name"] = "vEthernet (box)", ["ComponentID"] = FilterPortHostSettings.Component,
                    ["DisplayName"] = "IpVlanWin filter", ["Enabled"] = false,
                });
            }
        }
    }

    /// <summary>It goes, with its switch or with the container.</summary>
    public void DetachEndpoint()
    {
        lock (Turn)
        {
            if (_end.Guid == Guid.Empty)
                return;
            Inside.Unplug(_end.Index);
            foreach (var binding in Bed.Cim.All("MSFT_NetAdapterBindingSettingData").Where(one => ((string)one.Values["InstanceID"]!).StartsWith(EndId, StringComparison.Ordinal)).ToList())
                Bed.Cim.Delete(binding);
            Detach(EndLuid);
            _end.Guid = Guid.Empty;
        }
    }

    private string EndId => _end.Guid.ToString("B", CultureInfo.InvariantCulture).ToUpperInvariant();

    private WindowsStandInHost OpenHost() => new(new WindowsNetwork(Bed.Ip),
        new StandIns([Bed.Devices, new SwitchAdapters(Bed.Cim, new NetAdapters(Bed.Cim), StandInBed.Patience, TimeSpan.FromMilliseconds(1))], Bed.Cim, new WindowsNetwork(Bed.Ip), Bed.Registry,
            StandInBed.Patience, TimeSpan.FromMilliseconds(1)),
        new ComputeNamespaces(new OneContainer(this)), onChanges => WindowsWatch.Start(Bed.Ip, null, onChanges, TimeSpan.FromMilliseconds(100)),
        (compartment, body) =>
        {
            Assert.AreEqual((Compartment, true), (compartment, IsRunning));
            using var network = new WindowsNetwork(Inside);
            body(network);
        });

    private void AddBinding(StrictCim.Stored adapter, bool isEnabled)
    {
        Bed.Cim.Add(NetAdapters.Namespace, "MSFT_NetAdapterBindingSettingData", new()
        {
            ["InstanceID"] = $"{adapter.Values["DeviceID"]}::{FilterPortHostSettings.Component}", ["Name"] = adapter.Values["Name"], ["ComponentID"] = FilterPortHostSettings.Component,
            ["DisplayName"] = "IpVlanWin filter", ["Enabled"] = isEnabled,
        });
        if (isEnabled && (uint)adapter.Values["InterfaceIndex"]! != MasterIndex)
            Attach(LuidOf(adapter));
    }

    private CimReply SetBinding(StrictCim.Stored binding, bool isEnabled)
    {
        binding.Values["Enabled"] = isEnabled;
        if ((string)binding.Values["ComponentID"]! == FilterPortHostSettings.Component)
        {
            var guid = ((string)binding.Values["InstanceID"]!).Split("::")[0];
            var luid = guid == EndId ? EndLuid : LuidOf(Bed.Cim.All("MSFT_NetAdapter").Single(adapter => (string)adapter.Values["DeviceID"]! == guid));
            if (isEnabled)
                Attach(luid);
            else
                Detach(luid);
        }
        return StrictCim.Reply(0);
    }

    private StrictCim.Stored Binding(Guid adapter) =>
        Bed.Cim.All("MSFT_NetAdapterBindingSettingData").Single(one => (string)one.Values["InstanceID"]! == $"{adapter.ToString("B", CultureInfo.InvariantCulture).ToUpperInvariant()}::{FilterPortHostSettings.Component}");

    private bool IsBound(Guid adapter) => (bool)Binding(adapter).Values["Enabled"]!;

    // Stand-ins' as StrictIphlpapi.Plug makes them.
    private static ulong LuidOf(StrictCim.Stored adapter) => (uint)adapter.Values["InterfaceIndex"]! is var index && index == MasterIndex ? NativeBench.Host : 0x6000000000000 | ((ulong)index << 24);

    private void Attach(ulong luid)
    {
        if (_attached.Add(luid))
            _device.Use(bench => bench.Attach(luid));
    }

    private void Detach(ulong luid)
    {
        if (_attached.Remove(luid))
            _device.Use(bench => bench.Detach(luid));
    }

    private sealed class OneContainer(WindowsFilterBed bed) : IComputeNetwork
    {
        public uint EnumerateNamespaces(string query, out string? ids, out string? error)
        {
            (ids, error) = ($"[\"{Container}\"]", null);
            return 0;
        }

        public uint QueryNamespace(Guid id, string query, out string? properties, out string? error)
        {
            error = null;
            properties = id != Container ? null : bed.IsRunning ? $$"""{"NamespaceId":{{Compartment}},"Type":"Host"}""" : """{"NamespaceId":0,"Type":"Host"}""";
            return properties is null ? 0x80070490 : 0u;
        }
    }
}
