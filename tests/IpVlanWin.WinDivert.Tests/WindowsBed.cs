using System.Collections.Concurrent;
using System.Net;
using IpVlanWin.Datapath;
using IpVlanWin.Datapath.WinDivert;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Wire;
using IpVlanWin.HostNetwork.Tests.Windows;
using IpVlanWin.HostNetwork.Windows;

namespace IpVlanWin.WinDivert.Tests;

/// <summary>A Windows host in memory (strict IP Helper, CIM and device installer), the imitation in this process, and a port over "Ethernet".</summary>
internal sealed class WindowsBed : IDisposable
{
    public static readonly Guid Container = Guid.Parse("3f1c2b7e-0000-4000-8000-00000000abcd");

    private readonly StrictCim.Stored _masterAdapter;
    private DivertDatapath? _port;

    public WindowsBed()
    {
        Imitation.Require();
        _masterAdapter = Bed.Plug(@"PCI\VEN_8086", "Ethernet");
        Inside.Plug(3, "vEthernet (Container)");
        foreach (var (address, length) in ((string, int)[])[("192.0.2.10", 24), ("2001:db8::10", 64)])
            Bed.Network.AddAddress((int)MasterIndex, IPAddress.Parse(address), length);
        Bed.Ip.EndDetection();
    }

    public StandInBed Bed { get; } = new();

    /// <summary>IP Helper in the container's compartment.</summary>
    public StrictIphlpapi Inside { get; } = new();

    public MemoryJournal Journal { get; } = new();

    public ConcurrentQueue<HostEvent> Events { get; } = [];

    public uint MasterIndex { get; private set; } = 20;

    public DivertDatapath Port => _port!;

    public StrictIphlpapi Ip => Bed.Ip;

    public DivertDatapath Start(PortFlag flag = PortFlag.Bridge)
    {
        using var host = OpenHost();
        var id = HostMarks.MasterOf(Journal, "Ethernet") ?? host.IdOf(host.FindMaster("Ethernet")!);
        return _port = new DivertDatapath(new DivertPortSettings
        {
            PortName = "Ethernet", Host = OpenHost(), MasterId = id, Journal = Journal, Flag = flag,
            OnEvent = Events.Enqueue, ProbeTime = TimeSpan.FromMilliseconds(100), Period = TimeSpan.FromMilliseconds(500),
        });
    }

    public WindowsStandInHost OpenHost() => new(new WindowsNetwork(Ip), new KeptStandIns(Bed).Open(), new ComputeNamespaces(new OneContainer()),
        onChanges => WindowsWatch.Start(Ip, null, onChanges, TimeSpan.FromMilliseconds(100)),
        (compartment, body) =>
        {
            Assert.AreEqual(3u, compartment);
            using var network = new WindowsNetwork(Inside);
            body(network);
        });

    /// <summary>An interface that is up, with addresses, once they are in use.</summary>
    public void Add(string name, Guid? container = null, params string[] addresses)
    {
        Assert.AreEqual(PortResult.Ok, Port.AddInterface(new InterfaceSettings(name, container?.ToString())));
        foreach (var address in addresses)
            Assert.AreEqual(PortResult.Ok, Port.AddAddress(name, L3Prefix.Parse(address)));
        Assert.AreEqual(PortResult.Ok, Port.SetUp(name, true));
        Port.Commit();
        Until(() => Port.Find(name)!.Pending.Count == 0, $"{name} has its addresses");
    }

    public bool HasAddress(string name, string address) => Bed.Network.FindLink(name) is { } link && Bed.Network.ListAddresses(link.Index).Any(one => one.Address.Equals(IPAddress.Parse(address)));

    /// <summary>Waits for an event, and returns what it says of before and after.</summary>
    public (string Before, string After) WaitFor(string name)
    {
        HostEvent? found = null;
        Until(() => (found = Events.FirstOrDefault(one => one.Name == name)) is not null, name);
        return (found!.Before, found.After);
    }

    public void Until(Func<bool> condition, string what)
    {
        var deadline = Environment.TickCount64 + 10_000;
        while (!condition())
        {
            Assert.IsFalse(Port.Completion.IsFaulted, Port.Completion.Exception?.ToString());
            Assert.IsLessThan(deadline, Environment.TickCount64, $"{what}: {string.Join("; ", Events)}");
            Thread.Sleep(5);
        }
    }

    public void RenameMaster(string name) => Ip.Change(MasterIndex, row =>
    {
        StrictIphlpapi.Put(ref row.Alias, name);
        return row;
    });

    /// <summary>Out, and in again under another index.</summary>
    public void Replug(Action between)
    {
        Ip.Unplug(MasterIndex);
        between();
        var luid = 0x6000000000000 | ((ulong)MasterIndex << 24);
        MasterIndex += 50;
        Ip.Plug(MasterIndex, "Ethernet", change: row => row with { InterfaceLuid = luid, InterfaceGuid = Guid.Parse((string)_masterAdapter.Values["DeviceID"]!) });
    }

    /// <summary>Hyper-V binds its switch to the adapter and takes TCP/IP off it.</summary>
    public void PutSwitchOverMaster()
    {
        Bed.Cim.Add(NetAdapters.Namespace, "MSFT_NetAdapterBindingSettingData", new()
        {
            ["InstanceID"] = $"{_masterAdapter.Values["DeviceID"]}::vms_pp", ["Name"] = "Ethernet", ["ComponentID"] = "vms_pp", ["DisplayName"] = "Hyper-V", ["Enabled"] = true,
        });
        Ip.Unbind(MasterIndex);
    }

    public void Dispose()
    {
        _port?.Dispose();
        Bed.Dispose();
    }

    /// <summary>Stand-ins over the bed that may be closed: the bed keeps its own session.</summary>
    private sealed class KeptStandIns(StandInBed bed)
    {
        public StandIns Open() => new([bed.Devices, new SwitchAdapters(bed.Cim, new NetAdapters(bed.Cim), StandInBed.Patience, TimeSpan.FromMilliseconds(1))], bed.Cim,
            new WindowsNetwork(bed.Ip), bed.Registry, StandInBed.Patience, TimeSpan.FromMilliseconds(1));
    }

    private sealed class OneContainer : IComputeNetwork
    {
        public uint EnumerateNamespaces(string query, out string? ids, out string? error)
        {
            (ids, error) = ($"[\"{Container}\"]", null);
            return 0;
        }

        public uint QueryNamespace(Guid id, string query, out string? properties, out string? error)
        {
            error = null;
            properties = id == Container ? """{"NamespaceId":3,"Type":"Guest"}""" : null;
            return properties is null ? 0x80070490 : 0u;
        }
    }
}
