using System.Buffers.Binary;
using IpVlanWin.Cli.Replay;
using IpVlanWin.Datapath.Filter;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Driver.Tests;

/// <summary>The driver's port as a scenario sees it: its stacks' and its host's part is played here, as <see cref="EnginePort"/> does.</summary>
internal sealed unsafe class DriverPort : IReplayPort
{
    private const uint UnknownWord = 3;

    private readonly NativeBench _bench;
    private readonly DriverControl _control;
    private readonly string _masterName;
    private readonly BenchOptions _options;
    private readonly SortedDictionary<string, Member> _members = new(StringComparer.Ordinal);
    private readonly List<L3Address> _missing = [];
    private MacAddress _mac;
    private int _ipMtu;
    private bool _isUp = true;
    private ulong _nextLuid = NativeBench.Host + 1;

    public DriverPort(string library, Topology topology, BenchOptions options)
    {
        _masterName = topology.Master.Name;
        _options = options;
        _mac = MacAddress.Parse(topology.Master.Mac);
        _ipMtu = topology.Master.Mtu;
        _bench = new NativeBench(library, Bytes(_mac), _ipMtu, options);
        _control = new DriverControl(_bench);
        Must(_control.Port(FilterAbi.AddPort));
        foreach (var address in topology.Master.Addresses ?? [])
            Must(_control.Address(DriverControl.Master, L3Prefix.Parse(address)));
        foreach (var route in topology.Master.Routes ?? [])
        {
            var via = L3Address.Parse(route!.Via!);
            Must(_control.Route(route.Destination == "default" ? new L3Prefix(via.Masked(0), 0) : L3Prefix.Parse(route.Destination!), via));
        }
        foreach (var neighbor in topology.Master.Neighbors ?? [])
            Must(_control.Neighbor(L3Address.Parse(neighbor!.Address!), MacAddress.Parse(neighbor.Mac!)));
        foreach (var declared in topology.Interfaces)
        {
            Must(AddInterface(declared!.Name, topology.Mode, topology.Flag));
            var member = _members[declared.Name];
            Must(SetUp(member, declared.Up));
            foreach (var address in declared.Addresses ?? [])
                Must(AddAddress(member, L3Prefix.Parse(address!)));
            (member.IsPromiscuous, member.IsAllMulticast) = (declared.Promiscuous, declared.Allmulti);
            SetGroups(declared.Name, declared.Multicast!.Select(text => text!));
        }
    }

    public IReadOnlyList<ReplayInterface> Interfaces
    {
        get
        {
            var addresses = _control.Addresses().ToLookup(entry => entry.Luid, entry => entry.Prefix.ToString());
            return [.. _members.Select(entry =>
            {
                var status = _control.Interface(entry.Value.Luid);
                return new ReplayInterface(
                    entry.Key, status.IsUp != 0, (int)status.Mtu, status.IsPromiscuous != 0, status.IsAllMulticast != 0, [.. addresses[entry.Value.Luid]]);
            })];
        }
    }

    public IReadOnlyDictionary<string, long[]> Counters => _members.ToDictionary(
        entry => entry.Key,
        entry =>
        {
            var status = _control.Interface(entry.Value.Luid);
            return (long[])[(long)status.RxPackets, (long)status.RxBytes, (long)status.Multicast, (long)status.TxPackets, (long)status.TxBytes, (long)status.RxErrors, (long)status.TxDropped];
        },
        StringComparer.Ordinal);

    public PortAfter State
    {
        get
        {
            var status = _control.Port();
            return new PortAfter(((PortMode)status.Mode).Word(), ((PortFlag)status.Flag).Word(), status.IsUp != 0, (int)status.Mtu);
        }
    }

    public MacAddress Mac
    {
        get
        {
            var status = _control.Port();
            return MacAddress.Read(new ReadOnlySpan<byte>(status.Mac, 6));
        }
    }

    public IReadOnlyList<L3Address> MissingNeighbors => _missing;

    public SendError Inject(string place, byte[] frame) => Inject(place, frame, frame.Length);

    public SendError Inject(string place, byte[] frame, int longestSegment)
    {
        _missing.Clear();
        var from = place switch
        {
            EnginePort.WirePlace => NativeBench.Wire,
            EnginePort.HostPlace => NativeBench.Host,
            _ => Required(place).Luid,
        };
        if (from > NativeBench.Host && _options.HasFlag(BenchOptions.Translate))
            frame = StandInMac.AsSent(frame, Bytes(_mac), _bench.MacOf(from));
        var error = (SendError)_bench.Inject(from, frame, longestSegment);
        while (_bench.TryTakeMissing(out var address))
            _missing.Add(address.Length == 4 ? L3Address.ReadFour(address) : L3Address.ReadSix(address));
        return error;
    }

    public List<(string Place, byte[] Frame)> TakeFrames()
    {
        List<(string, byte[])> frames = [];
        while (_bench.TryTake(out var place, out var frame))
        {
            if (place > NativeBench.Host && _options.HasFlag(BenchOptions.Translate))
                frame = StandInMac.AsDelivered(frame, Bytes(_mac), _bench.MacOf(place));
            frames.Add((NameOf(place), frame));
        }
        return frames;
    }

    public void SetGroups(string name, IEnumerable<string> groups)
    {
        var member = Required(name);
        member.Groups = [.. groups.Select(MacAddress.Parse)];
        Tell(member);
    }

    public string Act(string kind, ActionArguments arguments)
    {
        if (arguments.Interface == _masterName)
            return ActOnMaster(kind, arguments);
        switch (kind)
        {
            case "set-mode":
                return _control.Port(FilterAbi.SetPort, mode: Mode(arguments.Mode)).ErrnoName();
            case "set-flag":
                return _control.Port(FilterAbi.SetPort, flag: Flag(arguments.Flag)).ErrnoName();
            case "link-add":
                return AddInterface(arguments.Interface!, arguments.Mode, arguments.Flag).ErrnoName();
            case "neighbor-add":
                return _control.Neighbor(L3Address.Parse(arguments.Address!), MacAddress.Parse(arguments.Mac!)).ErrnoName();
        }
        if (!_members.TryGetValue(arguments.Interface ?? "", out var member))
            return PortResult.NoDevice.ErrnoName();
        return (kind switch
        {
            "address-add" => AddAddress(member, L3Prefix.Parse(arguments.Address!)),
            "address-del" => RemoveAddress(member, L3Prefix.Parse(arguments.Address!)),
            "link-up" => SetUp(member, true),
            "link-down" => TakeDown(member),
            "link-del" => Remove(arguments.Interface!, member),
            "promiscuous" => Told(member, member.IsPromiscuous = arguments.On!.Value),
            "allmulti" => Told(member, member.IsAllMulticast = arguments.On!.Value),
            "multicast-add" => Told(member, member.Groups.Add(MacAddress.Parse(arguments.Mac!))),
            "multicast-del" => member.Groups.Remove(MacAddress.Parse(arguments.Mac!)) ? Told(member, true) : PortResult.GroupAbsent,
            "set-mtu" => SetMtu(member, arguments.Mtu!.Value),
            "set-mac" => PortResult.NotSupported,
            _ => throw new FormatException($"unknown action '{kind}'"),
        }).ErrnoName();
    }

    /// <summary>Frames that the port dropped for a reason.</summary>
    public long DropsOf(DropReason reason)
    {
        var status = _control.Port();
        return (long)status.Drops[(int)reason];
    }

    /// <summary>Sets an interface's link or MTU; what its stack would do then is left out.</summary>
    public void SetMtuAlone(string name, int ipMtu) =>
        Must(_control.SetMtu(Required(name).Luid, ipMtu));

    /// <inheritdoc cref="SetMtuAlone"/>
    public void SetUpAlone(string name, bool isUp) => Must(SetUp(Required(name), isUp));

    public void Dispose() => _bench.Dispose();

    private static byte[] Bytes(MacAddress mac)
    {
        var bytes = new byte[6];
        mac.Write(bytes);
        return bytes;
    }

    private static uint Mode(string? word) => PortWords.TryParse(word, out PortMode mode) ? (uint)mode : UnknownWord;

    private static uint Flag(string? word) => PortWords.TryParse(word, out PortFlag flag) ? (uint)flag : UnknownWord;

    private static void Must(PortResult result)
    {
        if (result != PortResult.Ok)
            throw new FormatException($"the driver refuses the starting state: {result}");
    }

    private Member Required(string name) => _members.GetValueOrDefault(name) ?? throw new FormatException($"no place '{name}'");

    private string NameOf(ulong place) => place switch
    {
        NativeBench.Wire => EnginePort.WirePlace,
        NativeBench.Host => EnginePort.HostPlace,
        _ => _members.FirstOrDefault(entry => entry.Value.Luid == place).Key ?? $"nobody ({place})",
    };

    private PortResult Told(Member member, bool _)
    {
        Tell(member);
        return PortResult.Ok;
    }

    private void Tell(Member member) =>
        _bench.SetGroups(member.Luid, [.. member.Groups.SelectMany(Bytes)], member.IsPromiscuous, member.IsAllMulticast);

    private PortResult AddInterface(string name, string? mode, string? flag)
    {
        var known = _members.GetValueOrDefault(name);
        var luid = known?.Luid ?? _nextLuid++;
        var result = _control.AddInterface(luid, mode is null ? null : Mode(mode), flag is null ? null : Flag(flag));
        if (result != PortResult.Ok)
            return result;
        _bench.Attach(luid);
        _members.Add(name, new Member(luid));
        return result;
    }

    private PortResult Remove(string name, Member member)
    {
        _members.Remove(name);
        var result = _control.RemoveInterface(member.Luid);
        _bench.Detach(member.Luid);
        return result;
    }

    private PortResult SetUp(Member member, bool isUp) => _control.SetUp(member.Luid, isUp);

    private PortResult TakeDown(Member member)
    {
        if (_control.Interface(member.Luid).IsUp != 0)
            RemoveIpv6Addresses(member);
        return SetUp(member, false);
    }

    private PortResult SetMtu(Member member, int ipMtu)
    {
        const int LeastIpv6Mtu = 1280;
        var result = _control.SetMtu(member.Luid, ipMtu);
        if (result == PortResult.Ok && ipMtu < LeastIpv6Mtu)
            RemoveIpv6Addresses(member);
        return result;
    }

    private void RemoveIpv6Addresses(Member member)
    {
        foreach (var (luid, prefix) in _control.Addresses())
        {
            if (luid == member.Luid && prefix.Address.IsSix)
                Must(_control.Address(luid, prefix, isRemoved: true));
        }
    }

    private PortResult AddAddress(Member member, L3Prefix added)
    {
        var result = _control.Address(member.Luid, added);
        if (result == PortResult.Ok && !added.Address.IsSix)
            member.Ipv4Order.Add(added);
        return result;
    }

    private PortResult RemoveAddress(Member member, L3Prefix removed)
    {
        var result = _control.Address(member.Luid, removed, isRemoved: true);
        if (result != PortResult.Ok || removed.Address.IsSix)
            return result;
        var order = member.Ipv4Order;
        bool IsSibling(L3Prefix other) => other.Length == removed.Length && other.Network == removed.Network;
        var wasFirst = order.Find(IsSibling) == removed;
        order.Remove(removed);
        foreach (var sibling in wasFirst ? order.FindAll(IsSibling) : [])
        {
            order.Remove(sibling);
            Must(_control.Address(member.Luid, sibling, isRemoved: true));
        }
        return result;
    }

    private string ActOnMaster(string kind, ActionArguments arguments)
    {
        switch (kind)
        {
            case "link-up" or "link-down":
                _isUp = kind == "link-up";
                break;
            case "set-mtu" when arguments.Mtu is < Port.MinIpMtu or > Port.MaxIpMtu:
                return PortResult.Invalid.ErrnoName();
            case "set-mtu":
                _ipMtu = arguments.Mtu!.Value;
                break;
            case "set-mac":
                _mac = MacAddress.Parse(arguments.Mac!);
                break;
            case "address-add" or "address-del":
                return _control.Address(DriverControl.Master, L3Prefix.Parse(arguments.Address!), kind == "address-del").ErrnoName();
            default:
                throw new FormatException($"unknown action '{kind}' on the master");
        }
        _bench.SetMaster(Bytes(_mac), _ipMtu, _isUp);
        return PortResult.Ok.ErrnoName();
    }

    private sealed class Member(ulong luid)
    {
        public ulong Luid { get; } = luid;

        public List<L3Prefix> Ipv4Order { get; } = [];

        public HashSet<MacAddress> Groups { get; set; } = [];

        public bool IsPromiscuous { get; set; }

        public bool IsAllMulticast { get; set; }
    }
}

/// <summary>Frames as a stack with a MAC of its own sends and gets them, written down apart from the driver's own translation.</summary>
internal static class StandInMac
{
    /// <summary>What the stack would have sent for a frame with the shared MAC as its source.</summary>
    public static byte[] AsSent(byte[] frame, byte[] shared, byte[] own)
    {
        var sent = (byte[])frame.Clone();
        Replace(sent, 6, shared, own);
        var (offset, type) = Packet(sent);
        if (type == 0x0806 && IsArp(sent, offset))
        {
            Replace(sent, offset + 8, shared, own);
        }
        else if (type == 0x86dd && DiscoveryOptions(sent, offset) is { } options)
        {
            foreach (var at in options)
            {
                if (!sent.AsSpan(at, 6).SequenceEqual(shared))
                    continue;
                var field = sent.AsSpan(offset + 42, 2);
                BinaryPrimitives.WriteUInt16BigEndian(field, Checksum.Update(BinaryPrimitives.ReadUInt16BigEndian(field), shared, own));
                own.CopyTo(sent, at);
            }
        }
        return sent;
    }

    /// <summary>The frame with the shared MAC that the stack was handed with its own.</summary>
    public static byte[] AsDelivered(byte[] frame, byte[] shared, byte[] own)
    {
        var delivered = (byte[])frame.Clone();
        Replace(delivered, 0, own, shared);
        var (offset, type) = Packet(delivered);
        if (type == 0x0806 && IsArp(delivered, offset))
            Replace(delivered, offset + 18, own, shared);
        return delivered;
    }

    private static (int Offset, int Type) Packet(byte[] frame)
    {
        if (frame.Length < 14)
            return (frame.Length, 0);
        var type = BinaryPrimitives.ReadUInt16BigEndian(frame.AsSpan(12));
        if (type is not (0x8100 or 0x88a8))
            return (14, type);
        return frame.Length < 18 ? (frame.Length, 0) : (18, BinaryPrimitives.ReadUInt16BigEndian(frame.AsSpan(16)));
    }

    private static bool IsArp(byte[] frame, int offset) =>
        frame.Length >= offset + 28 && frame.AsSpan(offset, 6).SequenceEqual((ReadOnlySpan<byte>)[0, 1, 8, 0, 6, 4]);

    private static List<int>? DiscoveryOptions(byte[] frame, int offset)
    {
        if (frame.Length < offset + 48 || frame[offset] >> 4 != 6 || frame[offset + 6] != 58)
            return null;
        var length = BinaryPrimitives.ReadUInt16BigEndian(frame.AsSpan(offset + 4));
        var end = offset + 40 + length;
        if (length < 8 || end > frame.Length)
            return null;
        var at = offset + 40 + frame[offset + 40] switch { 133 => 8, 134 => 16, 135 or 136 => 24, 137 => 40, _ => 65_536 };
        List<int> found = [];
        for (; at + 8 <= end && frame[at + 1] > 0 && at + (frame[at + 1] * 8) <= end; at += frame[at + 1] * 8)
        {
            if (frame[at] is 1 or 2)
                found.Add(at + 2);
        }
        return found;
    }

    private static void Replace(byte[] frame, int at, byte[] before, byte[] after)
    {
        if (frame.Length >= at + 6 && frame.AsSpan(at, 6).SequenceEqual(before))
            after.CopyTo(frame, at);
    }
}
