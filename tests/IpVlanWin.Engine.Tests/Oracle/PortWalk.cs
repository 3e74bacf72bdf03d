using System.Text;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Routing;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Engine.Tests.Oracle;

/// <summary>
/// Walks a port and the naive port through the same random frames and changes, and compares after each step where frames went,
/// their bytes, what the sender was told, the seven counters and the drop reasons.
/// </summary>
public sealed class PortWalk
{
    private const int MostInterfaces = 6;

    private readonly Random _random;
    private readonly FrameForge _forge;
    private readonly NaivePort _naive;
    private readonly IPortUnderTest _tested;
    private readonly Port _port;
    private readonly List<Func<string>> _history = [];
    private int _routes;
    private TimeSpan _now = TimeSpan.FromHours(1);

    public PortWalk(int seed, Func<Port, IPortUnderTest> tested)
    {
        _random = new Random(seed);
        _forge = new FrameForge(_random);
        _port = new Port("eth0", Mac(_forge.Mac), 1500, (ulong)_random.NextInt64());
        _naive = new NaivePort(_forge.Mac, 1500);
        _tested = tested(_port);
        _history.Add(() => $"seed {seed}");
        SetUp();
    }

    /// <summary>Frames that were compared.</summary>
    public long Judged { get; private set; }

    /// <summary>Frames by what was decided about them: shows what a walk has reached.</summary>
    public Dictionary<(bool FromWire, DecisionAction Action, DropReason Reason, bool Fragments), long> Reached { get; } = [];

    public void Step()
    {
        _now += TimeSpan.FromSeconds(1);
        switch (_random.Next(120))
        {
            case 0 when _tested.CanHoldSnapshot:
                InjectWhileMtuGrows();
                break;
            case < 10:
                Change();
                break;
            default:
                Inject();
                break;
        }
    }

    /// <summary>Only thus can an interface send more than the master's MTU as a snapshot has it (rules 34 and 56).</summary>
    private void InjectWhileMtuGrows()
    {
        var ipMtu = _naive.IpMtu + _random.Next(3000);
        if (ipMtu > Port.MaxIpMtu)
            return;
        Note($"master mtu grows to {ipMtu}");
        _tested.HoldsSnapshot = true;
        _naive.SetMasterMtuOfMembersOnly(ipMtu);
        _port.SetMasterMtu(ipMtu);
        for (var i = 0; i < 10; i++)
            Inject(_forge.Routable(_naive.IpMtu + _random.Next(-20, 1400)));
        _tested.HoldsSnapshot = false;
        Same(_naive.SetMasterMtu(ipMtu), _port.SetMasterMtu(ipMtu));
        CompareState();
    }

    private void SetUp()
    {
        _port.SetMasterUp(true);
        _naive.MasterUp = true;
        for (var i = 0; i < 3; i++)
            AddInterface((PortMode)_random.Next(3), (PortFlag)_random.Next(3));
        foreach (var (address, length) in (ReadOnlySpan<(string, int)>)[("0A000001", 24), (FrameForge.Six[3], 64), ("FE800000000000000000000000000001", 64)])
        {
            _naive.AddMasterAddress(address, length);
            _port.AddMasterAddress(Prefix(address, length));
        }
        AddRoute("00000000", 0, "0A0000FE", 0, false);
        AddRoute(FrameForge.Six[9], 0, FrameForge.Six[5], 0, false);
        for (var i = 0; i < 20; i++)
            Change();
    }

    private static MacAddress Mac(string hex) => new(Convert.ToUInt64(hex, 16));

    private static L3Address Address(string hex) =>
        hex.Length == 8 ? L3Address.ReadFour(Convert.FromHexString(hex)) : L3Address.ReadSix(Convert.FromHexString(hex));

    private static L3Prefix Prefix(string hex, int length) => new(Address(hex), length);

    private void AddInterface(PortMode? mode, PortFlag? flag)
    {
        var name = $"ipvl{_random.Next(MostInterfaces)}";
        Note($"add {name} {mode} {flag}");
        Same(_naive.AddInterface(name, mode, flag), _port.AddInterface(name, mode, flag, out var added));
        if (added is null)
            return;
        _tested.Attached(added);
        if (_random.Next(10) == 0)
            return;
        _naive.Find(name)!.Up = true;
        _port.SetUp(added, true);
    }

    private void AddRoute(string address, int length, string? gateway, uint metric, bool unreachable)
    {
        Note($"route {address}/{length} via {gateway} metric {metric} unreachable {unreachable}");
        _naive.Routes.Add(new NaivePort.NaiveRoute(address, length, gateway, metric, unreachable));
        _port.AddRoute(Prefix(address, length), new Route(gateway is null ? null : Address(gateway), metric, unreachable));
    }

    private void Note(string text) => Note(() => text);

    private void Note(Func<string> text)
    {
        if (_history.Count > 400)
            _history.RemoveRange(1, 200);
        _history.Add(text);
    }

    private void Same(PortResult expected, PortResult got)
    {
        if (expected != got)
            Fail($"result: expected {expected}, got {got}");
    }

    private void Change()
    {
        if (_naive.Interfaces.Count == 0)
        {
            AddInterface(null, null);
            return;
        }
        var naive = _forge.Pick(_naive.Interfaces);
        var member = _port.Find(naive.Name)!;
        var on = _random.Next(2) == 0;
        var address = _forge.Pick(FrameForge.Owned);
        var length = address.Length == 8 ? _forge.Pick([0, 8, 23, 24, 30, 31, 32, 24, 24]) : _forge.Pick([0, 10, 48, 64, 127, 128, 64]);
        var mac = _forge.Pick(FrameForge.Stations[1..]);
        switch (_random.Next(26))
        {
            case 0:
                AddInterface(on ? null : (PortMode)_random.Next(4), _random.Next(2) == 0 ? null : (PortFlag)_random.Next(4));
                break;
            case 1 when _random.Next(3) == 0:
                Note($"remove {naive.Name}");
                _tested.Detached(member);
                _naive.RemoveInterface(naive);
                Same(PortResult.Ok, _port.RemoveInterface(member));
                Same(PortResult.NoDevice, _port.SetUp(member, true));
                break;
            case 2:
                var mode = (PortMode)_random.Next(4);
                Note($"mode {mode}");
                Same(_naive.SetMode(mode), _port.SetMode(mode));
                break;
            case 3:
                var flag = (PortFlag)_random.Next(4);
                Note($"flag {flag}");
                Same(_naive.SetFlag(flag), _port.SetFlag(flag));
                break;
            case 4 or 5:
                on = _random.Next(8) != 0;
                Note($"{naive.Name} up {on}");
                naive.Up = on;
                Same(PortResult.Ok, _port.SetUp(member, on));
                break;
            case 6:
                on = _random.Next(8) != 0;
                Note($"master up {on}");
                _naive.MasterUp = on;
                _port.SetMasterUp(on);
                break;
            case 7:
                on = _random.Next(4) == 0;
                Note($"{naive.Name} promiscuous {on}");
                naive.Promiscuous = on;
                Same(PortResult.Ok, _port.SetPromiscuous(member, on));
                break;
            case 8:
                on = _random.Next(4) == 0;
                Note($"{naive.Name} allmulti {on}");
                naive.AllMulticast = on;
                Same(PortResult.Ok, _port.SetAllMulticast(member, on));
                break;
            case 9:
                var joined = _forge.Pick(FrameForge.Groups);
                Note($"{naive.Name} joins {joined}");
                naive.Groups.Add(joined);
                Same(PortResult.Ok, _port.AddGroup(member, Mac(joined)));
                break;
            case 10:
                var left = _forge.Pick(FrameForge.Groups);
                Note($"{naive.Name} leaves {left}");
                Same(NaivePort.RemoveGroup(naive, left), _port.RemoveGroup(member, Mac(left)));
                break;
            case 11:
                var groups = FrameForge.Groups.Where(_ => _random.Next(2) == 0).ToArray();
                Note($"{naive.Name} groups {string.Join(' ', groups)}");
                naive.Groups.Clear();
                naive.Groups.UnionWith(groups);
                Same(PortResult.Ok, _port.SetGroups(member, [.. groups.Select(Mac)]));
                break;
            case 12:
                var ipMtu = _forge.Pick([67, 68, 576, 1280, 1400, 1500, 1500, 1500, 9000, 65535, 65535, 65536]);
                Note($"{naive.Name} mtu {ipMtu}");
                Same(_naive.SetMtu(naive, ipMtu), _port.SetMtu(member, ipMtu));
                break;
            case 13:
                ipMtu = _forge.Pick([67, 68, 576, 1280, 1500, 1500, 1500, 1500, 9000, 65535, 65536]);
                Note($"master mtu {ipMtu}");
                Same(_naive.SetMasterMtu(ipMtu), _port.SetMasterMtu(ipMtu));
                break;
            case 14 when _random.Next(4) == 0:
                Note($"master mac {mac}");
                _naive.Mac = _forge.Mac = mac;
                _port.SetMasterMac(Mac(mac));
                break;
            case 15:
                if (on)
                {
                    Note($"master address {address}/{length}");
                    Same(_naive.AddMasterAddress(address, length), _port.AddMasterAddress(Prefix(address, length)));
                    break;
                }
                if (_naive.MasterAddresses.Count > 0 && _random.Next(3) > 0)
                    (address, length) = _forge.Pick(_naive.MasterAddresses);
                Note($"master loses {address}/{length}");
                Same(_naive.RemoveMasterAddress(address, length), _port.RemoveMasterAddress(Prefix(address, length)));
                break;
            case 16:
                // Routes of one prefix have metrics of their own, as with Linux: which of two equal ones goes when one is taken out is open.
                AddRoute(address, length, on ? null : GatewayFor(address), (uint)((_random.Next(3) * 100_000) + ++_routes), _random.Next(8) == 0);
                break;
            case 17:
                RemoveRoute();
                break;
            case 18 or 19:
                var until = on ? TimeSpan.MaxValue : _now + TimeSpan.FromSeconds(_random.Next(50));
                Note($"neighbor {address} {mac} until {until}");
                _naive.Neighbors[address] = (mac, until);
                _port.Neighbors.Set(Address(address), Mac(mac), until);
                break;
            case 20:
                Note($"neighbor {address} gone");
                if (_naive.Neighbors.Remove(address) != _port.Neighbors.Remove(Address(address)))
                    Fail("neighbor removed");
                _port.Neighbors.RemoveStale(_now);
                foreach (var stale in _naive.Neighbors.Where(entry => entry.Value.Until < _now).ToArray())
                    _naive.Neighbors.Remove(stale.Key);
                if (_naive.Neighbors.Count != _port.Neighbors.Count)
                    Fail("neighbors left");
                break;
            case 21:
                if (naive.Addresses.Count > 0 && on)
                    (address, length) = _forge.Pick([.. naive.Addresses.Select(entry => (entry.Key, entry.Value))]);
                Note($"{naive.Name} loses {address}/{length}");
                Same(NaivePort.RemoveAddress(naive, address, length), _port.RemoveAddress(member, Prefix(address, length)));
                break;
            default:
                Note($"{naive.Name} address {address}/{length}");
                Same(_naive.AddAddress(naive, address, length), _port.AddAddress(member, Prefix(address, length)));
                break;
        }
        CompareState();
    }

    private string GatewayFor(string address) =>
        _forge.Pick([.. (address.Length == 8 ^ _random.Next(10) == 0 ? FrameForge.Four : FrameForge.Six).Where(other => other.Any(digit => digit != '0'))]);

    private void RemoveRoute()
    {
        var removable = _naive.Routes.Where(route => route.Gateway is not null || route.Metric > 0).ToList();
        if (removable.Count <= 2)
            return;
        var gone = _forge.Pick(removable);
        Note($"route gone {gone}");
        _naive.Routes.Remove(gone);
        var route = new Route(gone.Gateway is null ? null : Address(gone.Gateway), gone.Metric, gone.Unreachable);
        if (!_port.RemoveRoute(Prefix(gone.Address, gone.Length), route))
            Fail("route was there");
    }

    private void Inject() => Inject(_forge.Next());

    private void Inject(ForgedFrame frame)
    {
        var naive = _naive.Interfaces.Count == 0 || _random.Next(3) == 0 ? null : _forge.Pick(_naive.Interfaces);
        Note(() => $"inject at {naive?.Name ?? "wire"}: {Convert.ToHexString(frame.Bytes)} longest {frame.LongestSegment}");
        if (naive is null)
            _naive.Receive(frame.Naive);
        else
            _naive.Transmit(naive, frame.Naive, _now);
        var (decision, copies) = _tested.Inject(naive is null ? null : _port.Find(naive.Name), frame, _now);
        if (_naive.NotJudged)
        {
            TakeOver();
            return;
        }
        Judged++;
        var key = (naive is null, decision.Action, decision.Reason, decision.NeedsFragmenting);
        Reached[key] = Reached.GetValueOrDefault(key) + 1;
        if (decision.SendError != _naive.SendError)
            Fail($"send error: expected {_naive.SendError}, got {decision.SendError}");
        if (_naive.RepliesTooBig != (decision is { Reason: DropReason.MtuExceeded, TargetId: < 0 }))
            Fail($"too big: expected {_naive.RepliesTooBig}");
        var expected = Sorted(_naive.Copies);
        var got = Sorted(copies);
        if (expected.Count != got.Count || expected.Where((copy, i) => copy.Place != got[i].Place || !copy.Bytes.AsSpan().SequenceEqual(got[i].Bytes)).Any())
            Fail($"copies ({decision.Action} {decision.Reason}): expected\n{Text(expected)}\ngot\n{Text(got)}");
        CompareCounters();
    }

    // Between places there is no order; within one it is kept (format 3.1).
    private static List<NaiveCopy> Sorted(List<NaiveCopy> copies) =>
        copies.Count < 2 ? copies : [.. copies.OrderBy(copy => copy.Place, StringComparer.Ordinal)];

    private static string Text(List<NaiveCopy> copies) => string.Join('\n', copies.Select(copy => $"{copy.Place}: {Convert.ToHexString(copy.Bytes)}"));

    private static void Read(VirtualInterface member, Span<long> into)
    {
        var counters = member.Counters;
        ReadOnlySpan<long> read =
            [counters.RxPackets, counters.RxBytes, counters.Multicast, counters.TxPackets, counters.TxBytes, counters.RxErrors, counters.TxDropped];
        read.CopyTo(into);
    }

    private void CompareCounters()
    {
        CompareDrops("port", _naive.Drops, _port.Drops);
        Span<long> got = stackalloc long[7];
        foreach (var naive in _naive.Interfaces)
        {
            var member = _port.Find(naive.Name)!;
            Read(member, got);
            for (var i = 0; i < got.Length; i++)
            {
                if (naive.Counters[i] != got[i])
                    Fail($"{(NaiveCounter)i} of {naive.Name}: expected {naive.Counters[i]}, got {got[i]}");
            }
            CompareDrops(naive.Name, naive.Drops, member.Drops);
        }
    }

    private void CompareDrops(string place, long[] expected, DropCounters got)
    {
        for (var i = 0; i < expected.Length; i++)
        {
            if (expected[i] != got[(DropReason)i])
                Fail($"{((DropReason)i).Word()} of {place}: expected {expected[i]}, got {got[(DropReason)i]}");
        }
    }

    private void CompareState()
    {
        if (_port.Snapshot.Mode != _naive.Mode || _port.Snapshot.Flag != _naive.Flag || _port.Snapshot.IpMtu != _naive.IpMtu)
            Fail($"port: expected {_naive.Mode} {_naive.Flag} {_naive.IpMtu}, got {_port.Snapshot.Mode} {_port.Snapshot.Flag} {_port.Snapshot.IpMtu}");
        if (_port.Interfaces.Count != _naive.Interfaces.Count || _port.Map.Count != _naive.Interfaces.Sum(member => member.Addresses.Count))
            Fail("number of interfaces or addresses");
        foreach (var naive in _naive.Interfaces)
        {
            var member = _port.Find(naive.Name)!;
            var expected = naive.Addresses.Select(entry => Prefix(entry.Key, entry.Value)).Order().ToArray();
            if (member.IpMtu != naive.IpMtu || member.IsUp != naive.Up || !expected.SequenceEqual(_port.AddressesOf(member)))
                Fail($"{naive.Name}: MTU, link or addresses");
            if (!member.Groups.Select(group => group.Value).SequenceEqual(naive.Groups.Select(group => Convert.ToUInt64(group, 16)).Order()))
                Fail($"{naive.Name}: groups");
        }
    }

    /// <summary>After a step that is not judged the naive port believes the other's counters.</summary>
    private void TakeOver()
    {
        for (var i = 0; i < DropReasons.Count; i++)
            _naive.Drops[i] = _port.Drops[(DropReason)i];
        foreach (var naive in _naive.Interfaces)
        {
            var member = _port.Find(naive.Name)!;
            Read(member, naive.Counters);
            for (var i = 0; i < DropReasons.Count; i++)
                naive.Drops[i] = member.Drops[(DropReason)i];
        }
    }

    private void Fail(string what)
    {
        var text = new StringBuilder().AppendLine(what);
        text.AppendLine($"port {_naive.Mode} {_naive.Flag} up {_naive.MasterUp} mtu {_naive.IpMtu} mac {_naive.Mac}; master {string.Join(' ', _naive.MasterAddresses)}");
        text.AppendLine("routes " + string.Join(' ', _naive.Routes));
        foreach (var naive in _naive.Interfaces)
            text.AppendLine($"{naive.Name} up {naive.Up} mtu {naive.IpMtu}: {string.Join(' ', naive.Addresses.Keys)} groups {string.Join(' ', naive.Groups)} {naive.Promiscuous} {naive.AllMulticast}");
        text.AppendLine(_history[0]());
        foreach (var line in _history.TakeLast(3))
            text.AppendLine(line());
        Assert.Fail(text.ToString());
    }
}
