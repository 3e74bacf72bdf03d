using System.Collections.Immutable;
using IpVlanWin.Devices.Decorators;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Tracing;
using IpVlanWin.Engine.Wire;
using IpVlanWin.HostNetwork;

namespace IpVlanWin.Datapath.WinDivert;

/// <summary>
/// A port over WinDivert: a stand-in for each interface, its addresses on the host so that the host's stack moves the packets, and handles
/// in their way. A change of interfaces holds when its call returns, but addresses come onto the host after <see cref="Commit"/>, once
/// nobody on the wire has them: till then they are pending. What leaves, leaves at once and before the decisions about it end.
/// </summary>
public sealed partial class DivertDatapath : IDatapath
{
    private readonly DivertPortSettings _settings;
    private readonly IStandInHost _host;
    private readonly PortOnHost _onHost;
    private readonly Port _port;
    private readonly DivertedTraffic _traffic;
    private readonly IHostWatch _watch;
    private readonly Thread _keeper;
    private readonly AutoResetEvent _wake = new(initialState: false);
    private readonly ManualResetEvent _ending = new(initialState: false);
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // Guards members, what is on the host, and the fields of the other parts.
    private readonly Lock _lock = new();
    private volatile ImmutableDictionary<string, DivertMember> _members = ImmutableDictionary.Create<string, DivertMember>(StringComparer.Ordinal);
    private long _made;
    private bool _isCommitted;
    private bool _isDisposed;

    /// <summary>A port without interfaces. Nothing is on the host yet.</summary>
    /// <exception cref="HostNetworkException">The host cannot be read.</exception>
    /// <exception cref="IOException">WinDivert.dll or the master is missing, or the master can be none.</exception>
    /// <exception cref="NotSupportedException">The mode or flag is none of this data path's.</exception>
    public DivertDatapath(DivertPortSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        (_settings, _host) = (settings, settings.Host);
        _onHost = new PortOnHost(_host, settings.Journal, settings.PortName, settings.OnEvent);
        var link = _onHost.FindMaster(settings.MasterId);
        if (!link.Mac.TryToMac(out var mac))
            throw new IOException($"{link.Name} is not Ethernet");
        _port = new Port(settings.PortName, mac, link.IpMtu);
        _port.SetMode(settings.Mode);
        _port.SetFlag(settings.Flag);
        _port.SetMasterUp(link.IsRunning);
        _master = link;
        _traffic = new DivertedTraffic(_port, settings.Traffic with { IpMtuOf = MtuOf, OnSafetyNetGone = Wake });
        settings.Journal.Write([new HostThing(settings.PortName, HostMarks.Master, settings.MasterId)]);
        // Neighbors come and go all the time, and nothing here depends on them.
        _watch = _host.Watch(changes =>
        {
            if (changes.Any(static change => change is not NeighborChange))
                Wake();
        });
        _traffic.Completion.ContinueWith(ended => Fail(ended.Exception!.GetBaseException()), CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
        _losses = new DivertLossWatch(CountMaster, () => _traffic.Statistics);
        _keeper = new Thread(Keep) { IsBackground = true, Name = "divert host" };
        _keeper.Start();
    }

    /// <inheritdoc/>
    public string Kind => "windivert";

    /// <inheritdoc/>
    public Task Completion => _completion.Task;

    /// <summary>What became of diverted packets.</summary>
    public DivertStatistics Statistics => _traffic.Statistics;

    /// <inheritdoc/>
    public PortStatus Port => WithLosses(_port.ToStatus());

    /// <inheritdoc/>
    public IReadOnlyList<InterfaceStatus> Interfaces => [.. _members.Values.OrderBy(static member => member.Order).Select(Status)];

    /// <inheritdoc/>
    public InterfaceStatus? Find(string name) => _members.TryGetValue(name, out var member) ? Status(member) : null;

    /// <inheritdoc/>
    public PortResult AddInterface(InterfaceSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            if (_members.ContainsKey(settings.Name))
                return PortResult.Exists;
            if (_members.Count == DivertPortSettings.MaxInterfaces)
                return PortResult.LimitReached;
            var (mode, flag) = (settings.Mode ?? _port.Snapshot.Mode, settings.Flag ?? _port.Snapshot.Flag);
            if (DivertSupport.Refusal(mode, flag) is not null)
                return PortResult.NotSupported;
            if (settings.Namespace is { } space && _host.NamespaceLack(space) is { } lack)
                throw new NamespacePendingException(lack);
            // With private goes the safety net.
            if (flag != _port.Snapshot.Flag && _traffic.SetFlag(flag) is not PortResult.Ok and var refused)
                return refused;
            if (_port.AddInterface(settings.Name, mode, flag, out var added) is not PortResult.Ok and var result)
                return result;
            try
            {
                var (mark, standIn) = FindStandIn(settings) ?? MakeStandIn(settings.Name, settings.Namespace);
                _members = _members.Add(settings.Name, new DivertMember(added!, settings.Namespace, mark, standIn, _made++));
                return PortResult.Ok;
            }
            catch
            {
                _port.RemoveInterface(added!);
                throw;
            }
        }
    }

    /// <inheritdoc/>
    public PortResult RemoveInterface(string name) => Change(name, member =>
    {
        TakeOff(member, [.. member.OnHost]);
        _port.RemoveInterface(member.Interface);
        _members = _members.Remove(name);
        _onHost.UndoOrKeep(member.Mark.On(_settings.PortName));
        return PortResult.Ok;
    });

    /// <inheritdoc/>
    public PortResult SetMode(PortMode mode) => _traffic.SetMode(mode);

    /// <inheritdoc/>
    public PortResult SetFlag(PortFlag flag) => _traffic.SetFlag(flag);

    /// <inheritdoc/>
    public PortResult SetUp(string name, bool isUp) => Change(name, member =>
    {
        var result = _port.SetUp(member.Interface, isUp);
        if (!isUp)
            TakeOff(member, [.. member.OnHost]);
        return result;
    });

    /// <inheritdoc/>
    public PortResult SetMtu(string name, int ipMtu) => Change(name, member => _port.SetMtu(member.Interface, ipMtu));

    /// <inheritdoc/>
    public PortResult AddAddress(string name, L3Prefix prefix) => Change(name, member => _port.AddAddress(member.Interface, prefix));

    /// <inheritdoc/>
    public PortResult RemoveAddress(string name, L3Prefix prefix) => Change(name, member =>
    {
        if (!_port.AddressesOf(member.Interface).Contains(prefix))
            return PortResult.AddressAbsent;
        TakeOff(member, [prefix.Address]);
        member.Duplicates = member.Duplicates.Remove(prefix.Address);
        return _port.RemoveAddress(member.Interface, prefix);
    });

    /// <inheritdoc/>
    /// <remarks>Kept and shown; l3 carries no multicast.</remarks>
    public PortResult AddGroup(string name, MacAddress group) => Change(name, member => _port.AddGroup(member.Interface, group));

    /// <inheritdoc/>
    public PortResult RemoveGroup(string name, MacAddress group) => Change(name, member => _port.RemoveGroup(member.Interface, group));

    /// <inheritdoc/>
    public PortResult Rename(string name, string newName) => Change(name, member =>
    {
        if (name == newName)
            return PortResult.Ok;
        if (_members.ContainsKey(newName))
            return PortResult.Exists;
        member.StandIn = _host.Rename(member.StandIn, newName);
        member.Mark = member.Mark with { Interface = newName };
        _settings.Journal.Write([member.Mark.On(_settings.PortName)]);
        _members = _members.Remove(name).Add(newName, member);
        return _port.Rename(member.Interface, newName);
    });

    /// <inheritdoc/>
    public void Commit()
    {
        lock (_lock)
            _isCommitted = true;
        Wake();
    }

    /// <inheritdoc/>
    /// <remarks>WinDivert shows packets: the Ethernet headers are made up, the master's MAC on our side and zeros on the other.</remarks>
    public IDisposable? StartCapture(CaptureSink sink, string? name)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            DivertMember? only = null;
            if (name is not null && !_members.TryGetValue(name, out only))
                return null;
            var members = _members.Values.OrderBy(static member => member.Order).Select(static member => member.Interface);
            return _traffic.Watch(new PortCapture(sink, _port.MasterName, members, only?.Interface));
        }
    }

    /// <inheritdoc/>
    /// <remarks>Of the packet in it: whose it is, its addresses say. By which adapter and next hop a packet leaves, the host's routes say.</remarks>
    public FrameTrace? Trace(string? sender, ReadOnlySpan<byte> frame)
    {
        if (sender is null)
            return FrameTrace.OfReceivedPacket(_port, frame);
        return _members.TryGetValue(sender, out var member) ? FrameTrace.OfSentPacket(_port, member.Interface, frame) : null;
    }

    /// <summary>Addresses off the host, then the handles, then the master's settings; stand-ins stay for the next start, as the journal has them.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            if (_isDisposed)
                return;
            _isDisposed = true;
        }
        _ending.Set();
        _keeper.Join();
        _watch.Dispose();
        lock (_lock)
        {
            foreach (var member in _members.Values)
                _onHost.Guard(() => TakeOff(member, [.. member.OnHost]));
            _traffic.Dispose();
            foreach (var thing in _onHost.Things(HostMarks.Setting))
                _onHost.UndoOrKeep(thing);
        }
        _host.Dispose();
        _wake.Dispose();
        _ending.Dispose();
        _completion.TrySetResult();
    }

    private PortResult Change(string name, Func<DivertMember, PortResult> change)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            return _members.TryGetValue(name, out var member) ? change(member) : PortResult.NoDevice;
        }
    }

    private InterfaceStatus Status(DivertMember member)
    {
        var own = member.Interface;
        var (all, placed, duplicates) = (_port.AddressesOf(own), member.Placed, member.Duplicates);
        var pending = own.IsUp ? all.Where(prefix => !placed.Contains(prefix.Address)).ToList() : [];
        return new InterfaceStatus(own.Name, member.Namespace, own.IsUp, own.IpMtu, [.. all.Except(pending)],
            [.. pending.Where(prefix => duplicates.Contains(prefix.Address))], own.Counters.ToValues(), own.Drops.ToValues())
        {
            Groups = own.Groups,
            Pending = pending,
            Fault = member.Fault,
        };
    }

    private void Wake()
    {
        try
        {
            _wake.Set();
        }
        catch (ObjectDisposedException)
        {
            // It has ended meanwhile.
        }
    }

    private void Fail(Exception fault) => _completion.TrySetException(fault);
}
