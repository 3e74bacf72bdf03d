using IpVlanWin.HostNetwork.Windows;

namespace IpVlanWin.HostNetwork.Tests.Windows;

/// <summary>A host with devices, adapters, bindings and Hyper-V, behind the strict repository and the strict IP Helper.</summary>
internal sealed class StandInBed : IDisposable
{
    private uint _nextIndex = 20;

    public StandInBed()
    {
        Devices = new DeviceStore(this);
        Cim.Add(SwitchAdapters.Namespace, "Msvm_ComputerSystem", new() { ["CreationClassName"] = "Msvm_ComputerSystem", ["Name"] = Environment.MachineName, ["ElementName"] = Environment.MachineName });
        // A virtual machine that somebody gave the host's name.
        Cim.Add(SwitchAdapters.Namespace, "Msvm_ComputerSystem", new() { ["CreationClassName"] = "Msvm_ComputerSystem", ["Name"] = "6F1D3B54-1111-4222-8333-444455556666", ["ElementName"] = Environment.MachineName });
        Cim.Add(SwitchAdapters.Namespace, "Msvm_VirtualEthernetSwitchManagementService", new()
        {
            ["CreationClassName"] = "Msvm_VirtualEthernetSwitchManagementService",
            ["Name"] = "nvspwmi",
            ["SystemCreationClassName"] = "Msvm_ComputerSystem",
            ["SystemName"] = Environment.MachineName,
        });
        Cim.On("MSFT_NetAdapter.Rename", (adapter, input) =>
        {
            if (!RenameLies)
            {
                adapter.Values["Name"] = input["NewName"];
                Ip.Change((uint)adapter.Values["InterfaceIndex"]!, row =>
                {
                    StrictIphlpapi.Put(ref row.Alias, (string)input["NewName"]!);
                    return row;
                });
            }
            return StrictCim.Reply(0);
        });
        Cim.On("MSFT_NetAdapter.Disable", (adapter, _) => SetState(adapter, 3));
        Cim.On("MSFT_NetAdapter.Enable", (adapter, _) => SetState(adapter, 2));
        Cim.On("MSFT_NetAdapter.Restart", (adapter, _) => SetState(adapter, 2));
        Cim.On("MSFT_NetAdapterBindingSettingData.Enable", (binding, _) => SetBinding(binding, true));
        Cim.On("MSFT_NetAdapterBindingSettingData.Disable", (binding, _) => SetBinding(binding, false));
        Cim.On("Win32_NetworkAdapterConfiguration.SetDynamicDNSRegistration", (configuration, input) =>
        {
            foreach (var (name, value) in input) configuration.Values[name] = value;
            return StrictCim.Reply(0);
        });
        Cim.On("Win32_NetworkAdapterConfiguration.SetTcpipNetbios", (configuration, input) =>
        {
            if (input["TcpipNetbiosOptions"] is not (0u or 1u or 2u)) return StrictCim.Reply(68);
            configuration.Values["TcpipNetbiosOptions"] = input["TcpipNetbiosOptions"];
            return StrictCim.Reply(0);
        });
        Cim.On("Msvm_VirtualEthernetSwitchManagementService.DefineSystem", (_, input) => DefineSwitch(input));
        Cim.On("Msvm_VirtualEthernetSwitchManagementService.DestroySystem", (_, input) => DestroySwitch((CimObject)input["AffectedSystem"]!));
        Network = new WindowsNetwork(Ip);
        var adapters = new NetAdapters(Cim);
        var poll = TimeSpan.FromMilliseconds(1);
        StandIns = new StandIns([Devices, new SwitchAdapters(Cim, adapters, Patience, poll)], Cim, Network, Registry, Patience, poll);
    }

    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    public StrictCim Cim { get; } = new();
    public StrictIphlpapi Ip { get; } = new();
    public MemoryRegistry Registry { get; } = new();
    public DeviceStore Devices { get; }
    public WindowsNetwork Network { get; }
    public StandIns StandIns { get; }
    public bool RenameLies { get; set; }
    public bool BindingLies { get; set; }

    /// <summary>The job that Hyper-V's next method starts: states one after the other, the last one staying.</summary>
    public Queue<(ushort State, ushort Error, string? Text)>? Job { get; set; }

    /// <summary>False: the internal port's GUID is not the adapter's, only the MAC address agrees.</summary>
    public bool PortHasAdapterGuid { get; set; } = true;

    /// <summary>Told of each adapter that has come, and of each before it goes.</summary>
    public Action<StrictCim.Stored, bool>? OnPlug { get; set; }

    /// <summary>A new adapter with its bindings and IP interfaces.</summary>
    public StrictCim.Stored Plug(string pnpId, string alias, bool isVirtual = false, string mac = "020000000001", Guid? guid = null)
    {
        var index = _nextIndex++;
        var id = (guid ?? Guid.NewGuid()).ToString("B").ToUpperInvariant();
        var adapter = Cim.Add(NetAdapters.Namespace, "MSFT_NetAdapter", new()
        {
            ["DeviceID"] = id, ["InterfaceGuid"] = id, ["Name"] = alias, ["PnPDeviceID"] = pnpId, ["InterfaceIndex"] = index, ["PermanentAddress"] = mac, ["Virtual"] = isVirtual, ["State"] = 2u,
        });
        foreach (var (component, enabled, hidden) in new[] { ("ms_tcpip", true, false), ("ms_tcpip6", true, false), ("ms_server", true, false), ("ms_msclient", true, false), ("ms_wfplwf_lower", true, true) })
        {
            Cim.Add(NetAdapters.Namespace, "MSFT_NetAdapterBindingSettingData", new()
            {
                ["InstanceID"] = $"{id}::{component}", ["Name"] = alias, ["ComponentID"] = component, ["DisplayName"] = component, ["Enabled"] = enabled,
            }, hidden);
        }
        Cim.Add(NameRegistration.Namespace, "Win32_NetworkAdapterConfiguration", new()
        {
            ["Index"] = index, ["SettingID"] = id, ["IPEnabled"] = true, ["FullDNSRegistrationEnabled"] = true, ["DomainDNSRegistrationEnabled"] = false, ["TcpipNetbiosOptions"] = 0u,
        });
        Registry.Keys.Add($@"SYSTEM\CurrentControlSet\Services\Tcpip\Parameters\Interfaces\{id.ToLowerInvariant()}");
        Ip.Plug(index, alias, change: row =>
        {
            row.InterfaceGuid = Guid.Parse(id);
            return row;
        });
        OnPlug?.Invoke(adapter, true);
        return adapter;
    }

    public void Unplug(StrictCim.Stored adapter)
    {
        var id = (string)adapter.Values["DeviceID"]!;
        OnPlug?.Invoke(adapter, false);
        Cim.Delete(adapter);
        foreach (var binding in Cim.All("MSFT_NetAdapterBindingSettingData").Where(binding => ((string)binding.Values["InstanceID"]!).StartsWith(id, StringComparison.Ordinal)).ToList()) Cim.Delete(binding);
        foreach (var configuration in Cim.All("Win32_NetworkAdapterConfiguration").Where(one => (string)one.Values["SettingID"]! == id).ToList()) Cim.Delete(configuration);
        Ip.Unplug((uint)adapter.Values["InterfaceIndex"]!);
    }

    public StrictCim.Stored Adapter(StandIn standIn) => One("MSFT_NetAdapter", "DeviceID", Braced(standIn));

    public bool IsBound(StandIn standIn, string component) =>
        (bool)One("MSFT_NetAdapterBindingSettingData", "InstanceID", $"{Braced(standIn)}::{component}").Values["Enabled"]!;

    public StrictCim.Stored Names(StandIn standIn) => One("Win32_NetworkAdapterConfiguration", "SettingID", Braced(standIn));

    public void Dispose() => StandIns.Dispose();

    private static string Braced(StandIn standIn) => standIn.Adapter.ToString("B").ToUpperInvariant();

    private StrictCim.Stored One(string className, string property, string value) => Cim.All(className).Single(one => (string)one.Values[property]! == value);

    private static CimReply SetState(StrictCim.Stored adapter, uint state)
    {
        adapter.Values["State"] = state;
        return StrictCim.Reply(0);
    }

    private CimReply SetBinding(StrictCim.Stored binding, bool enabled)
    {
        if (!BindingLies) binding.Values["Enabled"] = enabled;
        return StrictCim.Reply(0);
    }

    private CimReply DefineSwitch(IReadOnlyDictionary<string, object?> input)
    {
        var settings = StrictCim.Embedded(SwitchAdapters.Namespace, "Msvm_VirtualEthernetSwitchSettingData", (string)input["SystemSettings"]!);
        var port = StrictCim.Embedded(SwitchAdapters.Namespace, "Msvm_EthernetPortAllocationSettingData", ((string[])input["ResourceSettings"]!).Single());
        var host = ((string[])port["HostResource"]!).Single();
        if (host != $@"\\HOST\root\virtualization\v2:Msvm_ComputerSystem.CreationClassName=""Msvm_ComputerSystem"",Name=""{Environment.MachineName}""") return StrictCim.Reply(32773);
        if ((ushort)port["ResourceType"]! != 33 || (string)port["ResourceSubType"]! != "Microsoft:Hyper-V:Ethernet Connection") return StrictCim.Reply(32773);
        if (Job is not null && Job.Peek().State >= 8) return StartJob();
        var id = Guid.NewGuid().ToString().ToUpperInvariant();
        var name = (string)settings["ElementName"]!;
        Cim.Add(SwitchAdapters.Namespace, "Msvm_VirtualEthernetSwitch", new() { ["CreationClassName"] = "Msvm_VirtualEthernetSwitch", ["Name"] = id, ["ElementName"] = name });
        Cim.Add(SwitchAdapters.Namespace, "Msvm_VirtualEthernetSwitchSettingData", new() { ["InstanceID"] = $"Microsoft:{id}", ["VirtualSystemIdentifier"] = id, ["ElementName"] = name, ["Notes"] = settings["Notes"] });
        var guid = Guid.NewGuid();
        var mac = Convert.ToHexString(guid.ToByteArray().AsSpan(0, 6));
        Plug($@"ROOT\VMS_MP\{Cim.All("Msvm_VirtualEthernetSwitch").Count():D4}", $"vEthernet ({port["ElementName"]})", isVirtual: true, mac, guid);
        Cim.Add(SwitchAdapters.Namespace, "Msvm_InternalEthernetPort", new()
        {
            ["CreationClassName"] = "Msvm_InternalEthernetPort", ["DeviceID"] = $"Microsoft:{(PortHasAdapterGuid ? guid : Guid.NewGuid())}", ["SystemCreationClassName"] = "Msvm_ComputerSystem",
            ["SystemName"] = Environment.MachineName, ["ElementName"] = port["ElementName"], ["PermanentAddress"] = mac,
        });
        return Job is null ? StrictCim.Reply(0) : StartJob();
    }

    private CimReply DestroySwitch(CimObject reference)
    {
        var one = (StrictCim.Stored)reference.Native!;
        var name = (string)one.Values["ElementName"]!;
        Cim.Delete(one);
        Cim.Delete(Cim.All("Msvm_VirtualEthernetSwitchSettingData").Single(settings => (string)settings.Values["VirtualSystemIdentifier"]! == (string)one.Values["Name"]!));
        var port = Cim.All("Msvm_InternalEthernetPort").Single(port => (string)port.Values["ElementName"]! == name);
        Unplug(Cim.All("MSFT_NetAdapter").Single(adapter => (string)adapter.Values["PermanentAddress"]! == (string)port.Values["PermanentAddress"]!));
        Cim.Delete(port);
        return StrictCim.Reply(0);
    }

    private CimReply StartJob()
    {
        var states = Job!;
        var job = Cim.Add(SwitchAdapters.Namespace, "Msvm_ConcreteJob", new() { ["InstanceID"] = Guid.NewGuid().ToString(), ["JobState"] = (ushort)4, ["ErrorCode"] = (ushort)0 });
        _ = Task.Run(() =>
        {
            while (states.TryDequeue(out var state))
            {
                job.Values["ErrorCode"] = state.Error;
                job.Values["ErrorDescription"] = state.Text;
                job.Values["JobState"] = state.State;
            }
        });
        return StrictCim.Reply(4096, ("Job", StrictCim.ToObject(job)));
    }

    /// <summary>The device installer.</summary>
    public sealed class DeviceStore(StandInBed bed) : IStandInSource
    {
        private readonly Dictionary<StandInDevice, StrictCim.Stored?> _devices = [];

        public StandInKind Kind => StandInKind.Loopback;

        /// <summary>False: devices get no adapter, as when the driver does not start.</summary>
        public bool Starts { get; set; } = true;

        /// <summary>A removal fails with 3010: something holds the driver.</summary>
        public bool Holds { get; set; }

        public StandInDevice Create(Guid tag, string name)
        {
            var device = new StandInDevice(Kind, tag, $@"ROOT\NET\{_devices.Count:D4}", "");
            _devices[device] = Starts ? bed.Plug(device.Id.ToLowerInvariant(), $"Ethernet {_devices.Count + 2}") : null;
            return device with { Name = name };
        }

        public IReadOnlyList<StandInDevice> List() => [.. _devices.Keys];

        public CimObject? FindAdapter(StandInDevice device) => new NetAdapters(bed.Cim).FindByPnpId(device.Id);

        public void Remove(StandInDevice device)
        {
            if (Holds) WindowsError.Throw(WindowsError.SuccessRebootRequired, $"remove loopback adapter {device.Id}");
            var key = _devices.Keys.FirstOrDefault(one => one.Tag == device.Tag);
            if (key is null || !_devices.Remove(key, out var adapter)) return;
            if (adapter is not null) bed.Unplug(adapter);
        }

        /// <summary>A Windows feature update deletes all KM-TEST adapters.</summary>
        public void FeatureUpdate()
        {
            foreach (var device in List()) Remove(device);
        }
    }

    public sealed class MemoryRegistry : IRegistryValues
    {
        private readonly Dictionary<string, int> _values = [];

        public HashSet<string> Keys { get; } = new(StringComparer.OrdinalIgnoreCase);

        public bool Denies { get; set; }

        public int? Read(string key, string name) => _values.TryGetValue($@"{key}\{name}", out var value) ? value : null;

        public void Write(string key, string name, int? value)
        {
            if (Denies) WindowsError.Throw(WindowsError.AccessDenied, $"write {key}");
            if (!Keys.Contains(key)) WindowsError.Throw(WindowsError.FileNotFound, $"write {key}");
            if (value is { } number) _values[$@"{key}\{name}"] = number;
            else _values.Remove($@"{key}\{name}");
        }
    }
}
