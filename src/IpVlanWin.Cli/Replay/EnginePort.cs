using IpVlanWin.Devices;
using IpVlanWin.Devices.Memory;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Cli.Replay;

/// <summary>The engine's port and its pump, with memory devices at every place of a scenario.</summary>
internal sealed class EnginePort : IReplayPort
{
    public const string WirePlace = "wire";
    public const string HostPlace = "host";

    private readonly Port _port;
    private readonly string _masterName;
    private readonly MemoryDevice _wire = NewDevice(WirePlace);
    private readonly MemoryDevice _host = NewDevice(HostPlace);
    private readonly SortedDictionary<string, MemoryDevice> _devices = new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<L3Prefix>> _ipv4Order = [];
    private readonly List<L3Address> _missing = [];
    private readonly FramePump _pump;

    public EnginePort(Scenario scenario)
    {
        _masterName = scenario.Master.Name;
        _port = PortSetup.Build(scenario, scenario.Place);
        _pump = new FramePump(_port, _wire, _host, _missing.Add);
        foreach (var declared in scenario.Interfaces)
        {
            Attach(_port.Find(declared.Name)!);
            _ipv4Order[declared.Name].AddRange((declared.Addresses ?? []).Select(L3Prefix.Parse).Where(prefix => !prefix.Address.IsSix));
        }
        _pump.TakeSnapshot();
    }

    /// <summary>Told of each frame from the wire (null) or an interface before it is decided on; what it returns, of the decision. For tests.</summary>
    public Func<Port, VirtualInterface?, byte[], Action<Decision>>? Witness { get; init; }

    /// <inheritdoc/>
    public IReadOnlyList<ReplayInterface> Interfaces =>
        [.. Members.Select(member => new ReplayInterface(
            member.Name, member.IsUp, member.IpMtu, member.IsPromiscuous, member.IsAllMulticast, [.. _port.AddressesOf(member).Select(prefix => prefix.ToString())]))];

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, long[]> Counters => Members.ToDictionary(member => member.Name, VectorReplay.CountersOf, StringComparer.Ordinal);

    private IEnumerable<VirtualInterface> Members => _devices.Keys.Select(name => _port.Find(name)!);

    /// <summary>The port as it is after an action.</summary>
    public PortAfter State => new(_port.Snapshot.Mode.Word(), _port.Snapshot.Flag.Word(), _port.Snapshot.IsUp, _port.Snapshot.IpMtu);

    /// <summary>The MAC that all share.</summary>
    public MacAddress Mac => _port.Snapshot.Mac;

    /// <summary>Injects a frame and floods what comes of it.</summary>
    /// <exception cref="FormatException">There is no such place.</exception>
    public SendError Inject(string place, byte[] frame)
    {
        _missing.Clear();
        var buffer = new byte[FrameBatch.Headroom + frame.Length];
        frame.CopyTo(buffer, FrameBatch.Headroom);
        _pump.TakeSnapshot();
        var told = place == HostPlace ? null : Witness?.Invoke(_port, place == WirePlace ? null : Required(place), frame);
        Decision? decision = place switch
        {
            WirePlace => _pump.Receive(buffer, default, TimeSpan.Zero),
            HostPlace => SendFromHost(buffer),
            _ => _pump.Transmit(Required(place), buffer, default, TimeSpan.Zero),
        };
        told?.Invoke(decision!.Value);
        while (_pump.Flood(int.MaxValue))
        {
        }
        // Each step asks anew for a missing neighbor.
        _pump.DropExpired(TimeSpan.MaxValue);
        return decision?.SendError ?? SendError.None;
    }

    /// <summary>What came out since the last call, sorted by place: wire, host, interfaces by name.</summary>
    public List<(string Place, byte[] Frame)> TakeFrames()
    {
        var frames = new List<(string, byte[])>();
        Take(_wire);
        Take(_host);
        foreach (var device in _devices.Values)
            Take(device);
        return frames;

        void Take(MemoryDevice device)
        {
            while (device.TryTake(out var frame))
                frames.Add((device.Name, frame.ToArray()));
        }
    }

    /// <summary>Next hops that the last injection found without a MAC.</summary>
    public IReadOnlyList<L3Address> MissingNeighbors => _missing;

    /// <summary>Carries an action out (section 3) and names its result.</summary>
    /// <exception cref="FormatException">There is no such action, or an argument is missing or wrong.</exception>
    public string Act(string kind, ActionArguments arguments)
    {
        if (arguments.Interface == _masterName)
            return ActOnMaster(kind, arguments);
        switch (kind)
        {
            case "set-mode":
                return _port.SetMode(Mode(arguments.Mode)).ErrnoName();
            case "set-flag":
                return _port.SetFlag(Flag(arguments.Flag)).ErrnoName();
            case "link-add":
                return AddInterface(arguments);
            case "neighbor-add":
                _port.Neighbors.Set(L3Address.Parse(Needed(arguments.Address, "address")), MacAddress.Parse(Needed(arguments.Mac, "mac")), TimeSpan.MaxValue);
                return PortResult.Ok.ErrnoName();
        }
        if (_port.Find(arguments.Interface ?? "") is not { } changed)
            return PortResult.NoDevice.ErrnoName();
        var result = kind switch
        {
            "address-add" => AddAddress(changed, L3Prefix.Parse(Needed(arguments.Address, "address"))),
            "address-del" => RemoveAddress(changed, L3Prefix.Parse(Needed(arguments.Address, "address"))),
            "link-up" => _port.SetUp(changed, true),
            "link-down" => TakeDown(changed),
            "link-del" => Remove(changed),
            "promiscuous" => _port.SetPromiscuous(changed, Needed(arguments.On, "on")),
            "allmulti" => _port.SetAllMulticast(changed, Needed(arguments.On, "on")),
            "multicast-add" => _port.AddGroup(changed, MacAddress.Parse(Needed(arguments.Mac, "mac"))),
            "multicast-del" => _port.RemoveGroup(changed, MacAddress.Parse(Needed(arguments.Mac, "mac"))),
            "set-mtu" => SetMtu(changed, Needed(arguments.Mtu, "mtu")),
            "set-mac" => PortResult.NotSupported,
            _ => throw new FormatException($"unknown action '{kind}'"),
        };
        return result.ErrnoName();
    }

    /// <summary>The stack of an interface says what groups it is in.</summary>
    public void SetGroups(string name, IEnumerable<string> groups) =>
        _port.SetGroups(Required(name), [.. groups.Select(MacAddress.Parse)]);

    public void Dispose()
    {
        _pump.Dispose();
        _wire.Dispose();
        _host.Dispose();
        foreach (var device in _devices.Values)
            device.Dispose();
    }

    private static MemoryDevice NewDevice(string name) => new(name, queueFrames: 64);

    private VirtualInterface Required(string name) =>
        _port.Find(name) ?? throw new FormatException(
            $"'{name}' must be {WirePlace}, {HostPlace} or an interface: {string.Join(", ", _devices.Keys)}");

    private static T Needed<T>(T? argument, string name)
        where T : struct => argument ?? throw new FormatException($"argument '{name}' is missing");

    private static string Needed(string? argument, string name) => argument ?? throw new FormatException($"argument '{name}' is missing");

    private Decision? SendFromHost(byte[] buffer)
    {
        _pump.SendFromHost(buffer, default);
        return null;
    }

    private string AddInterface(ActionArguments arguments)
    {
        var name = Needed(arguments.Interface, "interface");
        var result = _port.AddInterface(name, arguments.Mode is null ? null : Mode(arguments.Mode), arguments.Flag is null ? null : Flag(arguments.Flag), out var added);
        if (result == PortResult.Ok)
            Attach(added!);
        return result.ErrnoName();
    }

    // What is no word of the port's it refuses itself, and in its order.
    private static PortMode Mode(string? word) => PortWords.TryParse(word, out PortMode mode) ? mode : (PortMode)byte.MaxValue;

    private static PortFlag Flag(string? word) => PortWords.TryParse(word, out PortFlag flag) ? flag : (PortFlag)byte.MaxValue;

    private void Attach(VirtualInterface added)
    {
        var device = NewDevice(added.Name);
        _devices.Add(added.Name, device);
        _pump.Attach(added, device);
        _ipv4Order[added.Name] = [];
    }

    private PortResult AddAddress(VirtualInterface changed, L3Prefix added)
    {
        var result = _port.AddAddress(changed, added);
        if (result == PortResult.Ok && !added.Address.IsSix)
            _ipv4Order[changed.Name].Add(added);
        return result;
    }

    private PortResult Remove(VirtualInterface removed)
    {
        _pump.Detach(removed);
        _devices.Remove(removed.Name);
        return _port.RemoveInterface(removed);
    }

    /// <summary>As the interface's stack does (section 3): it loses its IPv6 addresses.</summary>
    private PortResult TakeDown(VirtualInterface changed)
    {
        if (changed.IsUp)
            RemoveIpv6Addresses(changed);
        return _port.SetUp(changed, false);
    }

    private PortResult SetMtu(VirtualInterface changed, int ipMtu)
    {
        const int LeastIpv6Mtu = 1280;
        var result = _port.SetMtu(changed, ipMtu);
        if (result == PortResult.Ok && ipMtu < LeastIpv6Mtu)
            RemoveIpv6Addresses(changed);
        return result;
    }

    private void RemoveIpv6Addresses(VirtualInterface changed)
    {
        foreach (var prefix in _port.AddressesOf(changed).Where(prefix => prefix.Address.IsSix))
            _port.RemoveAddress(changed, prefix);
    }

    /// <summary>As the interface's stack does (section 3): with the first IPv4 address of a prefix go the others of that prefix.</summary>
    private PortResult RemoveAddress(VirtualInterface changed, L3Prefix removed)
    {
        var result = _port.RemoveAddress(changed, removed);
        if (result != PortResult.Ok || removed.Address.IsSix)
            return result;
        var order = _ipv4Order[changed.Name];
        bool IsSibling(L3Prefix other) => other.Length == removed.Length && other.Network == removed.Network;
        var wasFirst = order.Find(IsSibling) == removed;
        order.Remove(removed);
        foreach (var sibling in wasFirst ? order.FindAll(IsSibling) : [])
        {
            order.Remove(sibling);
            _port.RemoveAddress(changed, sibling);
        }
        return result;
    }

    private string ActOnMaster(string kind, ActionArguments arguments)
    {
        switch (kind)
        {
            case "link-up" or "link-down":
                _port.SetMasterUp(kind == "link-up");
                return PortResult.Ok.ErrnoName();
            case "set-mtu":
                return _port.SetMasterMtu(Needed(arguments.Mtu, "mtu")).ErrnoName();
            case "set-mac":
                _port.SetMasterMac(MacAddress.Parse(Needed(arguments.Mac, "mac")));
                return PortResult.Ok.ErrnoName();
            case "address-add":
                return _port.AddMasterAddress(L3Prefix.Parse(Needed(arguments.Address, "address"))).ErrnoName();
            case "address-del":
                return _port.RemoveMasterAddress(L3Prefix.Parse(Needed(arguments.Address, "address"))).ErrnoName();
            default:
                throw new FormatException($"unknown action '{kind}' on the master");
        }
    }
}
