using System.Globalization;
using IpVlanWin.Cli.Replay;

namespace IpVlanWin.Conformance;

/// <summary>A long random walk of frames and actions on a live port: the same for the same seed and number.</summary>
internal sealed class Walk
{
    private const int LeastSteps = 30;
    private const int MostSteps = 60;

    /// <summary>No mode and no flag.</summary>
    private const string Unknown = "7";

    private static readonly string[] Names = ["ipvl0", "ipvl1", "ipvl2", "ipvl3", "ipvl4"];

    private readonly Random _random;
    private readonly RandomFrames _frames;
    private readonly SortedSet<string> _interfaces = new(StringComparer.Ordinal);
    private readonly HashSet<string> _up = new(StringComparer.Ordinal);
    private readonly List<string> _hostExtras = [];
    private readonly HashSet<(string Name, string Group)> _joined = [];
    private readonly List<DraftStep> _steps = [];
    private readonly Dictionary<string, List<string>> _addresses = new(StringComparer.Ordinal);

    private Walk(int seed) => (_random, _frames) = (new Random(seed), new RandomFrames(seed + 1));

    public static Draft Make(int seed, int number)
    {
        var walk = new Walk(unchecked((seed * 1_000_003) + (number * 7_919)));
        var start = walk.Start();
        var count = walk._random.Next(LeastSteps, MostSteps);
        while (walk._steps.Count < count)
            walk.Next();
        return new Draft(string.Create(CultureInfo.InvariantCulture, $"walk/{seed}-{number:0000}-{start.Mode}-{start.Flag}"), "random", start, walk._steps);
    }

    /// <summary>No step names an interface that is not there, and none sends what Linux has no defined answer to.</summary>
    public static bool IsRunnable(Draft draft)
    {
        var there = draft.Start.Interfaces.Select(one => one.Name).ToHashSet(StringComparer.Ordinal);
        foreach (var step in draft.Steps)
        {
            if (step.Arguments is not { } arguments)
            {
                if (step.At is not ("wire" or "host") && !there.Contains(step.At))
                    return false;
                continue;
            }
            var name = arguments.Interface;
            if (step.Kind == "link-add")
            {
                if (arguments.Mode != Unknown && arguments.Flag != Unknown)
                    there.Add(name!);
            }
            else if (step.Kind is "set-mode" or "set-flag" && there.Count == 0)
                return false;
            else if (name is not null && name != draft.Start.Master.Name && !there.Contains(name))
                return false;
            if (step.Kind == "link-del")
                there.Remove(name!);
        }
        return true;
    }

    private T Pick<T>(IReadOnlyList<T> list) => list[_random.Next(list.Count)];

    private Topology Start()
    {
        var free = Pool.Four.Concat(Pool.Six).ToList();
        List<TopologyInterface> interfaces = [];
        for (var i = 0; i < 1 + _random.Next(4); i++)
        {
            var addresses = new List<string>();
            for (var many = _random.Next(5); many > 0 && free.Count > 0; many--)
            {
                var at = _random.Next(free.Count);
                addresses.Add(Pool.WithPrefix(free[at]));
                free.RemoveAt(at);
            }
            var isUp = _random.Next(8) != 0;
            var groups = Pool.Groups.Where(_ => _random.Next(4) == 0).ToList();
            _joined.UnionWith(groups.Select(group => (Names[i], group)));
            interfaces.Add(new TopologyInterface(Names[i], isUp, addresses, groups, _random.Next(16) == 0, _random.Next(16) == 0));
            _interfaces.Add(Names[i]);
            _addresses[Names[i]] = [.. addresses];
            if (isUp)
                _up.Add(Names[i]);
        }
        return new Topology(Pick(Pool.Modes), Pick(Pool.Flags), Pool.Master(_random.Next(6) == 0 ? 1400 : 1500, _random.Next(3) == 0), interfaces);
    }

    private void Next()
    {
        if (_interfaces.Count == 0)
        {
            AddInterface(Pick(Names));
            return;
        }
        if (_random.Next(100) < 72)
            Frame();
        else
            Action();
    }

    private void Frame()
    {
        var owned = _addresses.Values.SelectMany(list => list).ToList();
        if (_random.Next(5) < 2)
        {
            _steps.Add(DraftStep.Inject("wire", _frames.Next(owned, isSent: false)));
            return;
        }
        // A sender that is down is refused at once, and there is little to learn from many of these.
        var senders = _up.Count > 0 && _random.Next(12) != 0 ? [.. _up] : _interfaces.ToList();
        var frame = _frames.Next(owned, isSent: true);
        if (!new FrameView(frame).IsUndefinedWhenSent(isRouted: true))
            _steps.Add(DraftStep.Inject(Pick(senders), frame));
    }

    private void Action()
    {
        var name = Pick(_interfaces.ToList());
        switch (_random.Next(22))
        {
            case 0 or 1 or 2:
                var added = Pool.WithPrefix(Pick(Pool.All), _random);
                Act("address-add", new ActionArguments(name, Address: added));
                _addresses[name].Add(added);
                break;
            case 3 or 4:
                var removed = _random.Next(4) != 0 && _addresses[name].Count > 0 ? Pick(_addresses[name]) : Pool.WithPrefix(Pick(Pool.All), _random);
                Act("address-del", new ActionArguments(name, Address: removed));
                break;
            case 5 or 6:
                Act("link-up", new ActionArguments(name));
                _up.Add(name);
                break;
            case 7:
                Act("link-down", new ActionArguments(name));
                _up.Remove(name);
                break;
            case 8 or 9:
                Act("set-mode", new ActionArguments(_random.Next(2) == 0 ? name : null, Mode: _random.Next(10) == 0 ? "7" : Pick(Pool.Modes)));
                break;
            case 10 or 11:
                Act("set-flag", new ActionArguments(_random.Next(2) == 0 ? name : null, Flag: _random.Next(10) == 0 ? "private+vepa" : Pick(Pool.Flags)));
                break;
            case 12:
                AddInterface(Pick(Names));
                break;
            case 13 when _random.Next(2) == 0:
                Act("link-del", new ActionArguments(name));
                _interfaces.Remove(name);
                _up.Remove(name);
                _addresses.Remove(name);
                _joined.RemoveWhere(one => one.Name == name);
                break;
            case 13 or 14:
                Act(_random.Next(2) == 0 ? "promiscuous" : "allmulti", new ActionArguments(name, On: _random.Next(3) == 0));
                break;
            case 15 or 16:
                var group = Pick(Pool.Groups);
                Act("multicast-add", new ActionArguments(name, Mac: group));
                _joined.Add((name, group));
                break;
            case 17:
                Leave(name);
                break;
            case 18:
                // Below 1280 an interface has no IPv6, which is another part's affair; the systematic scenarios have that.
                Act("set-mtu", new ActionArguments(name, Mtu: Pick([1500, 1400, 1320, 1280, 1600, 67, 1450])));
                break;
            case 19:
                Act("set-mtu", new ActionArguments("eth0", Mtu: Pick([1500, 1400, 1300, 1280, 2000, 9000])));
                break;
            case 20:
                OfMaster();
                break;
            default:
                Act("neighbor-add", new ActionArguments(Address: Pick(Pool.Unresolved), Mac: Pick([Forge.Station, Forge.Foreign])));
                break;
        }
    }

    private void OfMaster()
    {
        switch (_random.Next(5))
        {
            case 0:
                Act("link-down", new ActionArguments("eth0"));
                Frame();
                Frame();
                Act("link-up", new ActionArguments("eth0"));
                break;
            case 1:
                Act("set-mac", new ActionArguments("eth0", Mac: Pick([Forge.Own, "02:00:00:00:00:0a"])));
                break;
            case 2 when _hostExtras.Count > 0:
                Act("address-del", new ActionArguments("eth0", Address: _hostExtras[^1]));
                _hostExtras.RemoveAt(_hostExtras.Count - 1);
                break;
            case 3:
                Act("set-mac", new ActionArguments(Pick(_interfaces.ToList()), Mac: Forge.Foreign));
                break;
            default:
                var extra = Pick(Pool.HostExtras);
                if (!_hostExtras.Contains(extra))
                {
                    _hostExtras.Add(extra);
                    Act("address-add", new ActionArguments("eth0", Address: extra));
                }
                break;
        }
    }

    /// <summary>Mostly a group that it is in, and then a frame to that group.</summary>
    private void Leave(string name)
    {
        var joined = _joined.Where(one => one.Name == name).Select(one => one.Group).ToList();
        var group = joined.Count > 0 && _random.Next(4) != 0 ? Pick(joined) : Pick(Pool.Groups);
        Act("multicast-del", new ActionArguments(name, Mac: group));
        _joined.Remove((name, group));
        if (_random.Next(2) == 0)
            _steps.Add(DraftStep.Inject("wire", Forge.Ethernet(group, Forge.Station, 0x0800, Forge.Four("10.0.0.99", "224.0.0.251"))));
    }

    private void AddInterface(string name)
    {
        var (mode, flag) = (_random.Next(2) == 0 ? null : Pick([.. Pool.Modes, Unknown]), _random.Next(2) == 0 ? null : Pick([.. Pool.Flags, Unknown]));
        Act("link-add", new ActionArguments(name, Mode: mode, Flag: flag));
        if (mode == Unknown || flag == Unknown || !_interfaces.Add(name))
            return;
        _addresses[name] = [];
        if (_random.Next(4) == 0)
            return;
        Act("link-up", new ActionArguments(name));
        _up.Add(name);
        var address = Pool.WithPrefix(Pick(Pool.All));
        Act("address-add", new ActionArguments(name, Address: address));
        _addresses[name].Add(address);
    }

    private void Act(string kind, ActionArguments arguments) => _steps.Add(DraftStep.Act(kind, arguments));
}
