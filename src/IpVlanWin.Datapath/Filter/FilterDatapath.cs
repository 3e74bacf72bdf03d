using System.Collections.Immutable;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Wire;
using IpVlanWin.HostNetwork;

namespace IpVlanWin.Datapath.Filter;

/// <summary>
/// A port in the filter driver: frames never leave the kernel. Here it is configured, the host's addresses, routes and neighbors are
/// mirrored into it, and neighbors that it wants are resolved. It ends with this object; after a crash the driver goes on, and the next
/// one takes its place.
/// </summary>
/// <remarks>Stand-ins stay when it ends, for the next start; without the driver's port nothing leaves or reaches them. Whoever wants them gone removes the interfaces first.</remarks>
public sealed partial class FilterDatapath : IDatapath
{
    private readonly FilterPortSettings _settings;
    private readonly FilterRequests _requests;
    private readonly IFilterHost _host;
    private readonly ulong _luid;
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly IDisposable _events;
    private readonly IDisposable _watch;

    // Guards _members and puts changes in order. Readers take what is there.
    private readonly Lock _lock = new();
    private volatile ImmutableDictionary<string, Member> _members = ImmutableDictionary.Create<string, Member>(StringComparer.Ordinal);
    private long _made;
    private bool _isDisposed;

    /// <summary>Makes the port, in the place of one that an earlier service left.</summary>
    /// <exception cref="IOException">The driver refuses: too many ports, or the adapter is another port's.</exception>
    /// <exception cref="HostNetworkException">The host cannot be read.</exception>
    public FilterDatapath(FilterPortSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        (_settings, _requests, _host, _luid) = (settings, settings.Driver.Requests, settings.Host, settings.MasterLuid);
        var result = AddPort();
        if (result == PortResult.Exists && _requests.Port(FilterAbi.RemovePort, _luid) == PortResult.Ok)
            result = AddPort();
        if (result != PortResult.Ok)
        {
            throw new IOException(result == PortResult.LimitReached
                ? $"limit-reached: the driver has room for {settings.Driver.Capabilities.MaxPorts} ports"
                : $"{settings.MasterName} cannot be a master ({result.ErrnoName()}): it is the adapter of an interface");
        }
        _events = settings.Driver.Follow(OnEvent);
        try
        {
            _watch = _host.Watch(OnHost);
        }
        catch
        {
            _events.Dispose();
            _requests.Port(FilterAbi.RemovePort, _luid);
            throw;
        }
        _keeper = new Thread(Keep) { IsBackground = true, Name = "filter host" };
        _keeper.Start();
        Wake();
        settings.Driver.Completion.ContinueWith(
            ended => _completion.TrySetException(ended.Exception?.GetBaseException() ?? new IOException("the filter driver was closed")),
            CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    /// <inheritdoc/>
    public string Kind => "filter";

    /// <inheritdoc/>
    public Task Completion => _completion.Task;

    /// <inheritdoc/>
    /// <exception cref="IOException">The driver does not have the port any more.</exception>
    public unsafe PortStatus Port
    {
        get
        {
            var status = _requests.FindPort(_luid) ?? throw new IOException($"the driver has no port over {_settings.MasterName} any more");
            return new PortStatus(
                _settings.MasterName, (PortMode)status.Mode, (PortFlag)status.Flag, MacAddress.Read(new ReadOnlySpan<byte>(status.Mac, MacAddress.Bytes)),
                (int)status.Mtu, status.IsUp != 0 && status.IsAttached != 0, MasterAddresses(), Drops(new ReadOnlySpan<ulong>(status.Drops, FilterAbi.DropReasons)));
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<InterfaceStatus> Interfaces => [.. _members.Values.OrderBy(static member => member.Order).Select(Status).OfType<InterfaceStatus>()];

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
            if (_members.Count >= _settings.Driver.Capabilities.MaxInterfaces)
                return PortResult.LimitReached;
            var standIn = _host.Create(settings.Name, settings.Namespace);
            try
            {
                var result = _requests.AddInterface(_luid, standIn.Luid, (uint?)settings.Mode, (uint?)settings.Flag);
                if (result != PortResult.Ok)
                {
                    _host.Remove(standIn);
                    return result;
                }
            }
            catch (IOException)
            {
                _host.Remove(standIn);
                throw;
            }
            _members = _members.Add(settings.Name, new Member(settings.Name, settings.Namespace, standIn, _made++));
            return PortResult.Ok;
        }
    }

    /// <inheritdoc/>
    public PortResult RemoveInterface(string name)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            if (!_members.TryGetValue(name, out var member))
            {
                Guard(() => _host.Abandon(name));
                return PortResult.NoDevice;
            }
            // Gone from the driver already where somebody else was at it.
            _requests.RemoveInterface(_luid, member.StandIn.Luid);
            _members = _members.Remove(name);
            // What the system does not remove stays written down for the next time.
            Guard(() => _host.Remove(member.StandIn));
            return PortResult.Ok;
        }
    }

    /// <inheritdoc/>
    public PortResult SetMode(PortMode mode) =>
        _settings.Driver.Capabilities.Supports(mode) ? _requests.Port(FilterAbi.SetPort, _luid, mode: mode) : PortResult.NotSupported;

    /// <inheritdoc/>
    public PortResult SetFlag(PortFlag flag) =>
        _settings.Driver.Capabilities.Supports(flag) ? _requests.Port(FilterAbi.SetPort, _luid, flag: flag) : PortResult.NotSupported;

    /// <inheritdoc/>
    public PortResult SetUp(string name, bool isUp) => Change(name, member =>
    {
        var luid = member.StandIn.Luid;
        var result = _requests.SetUp(_luid, luid, isUp);
        if (result != PortResult.Ok)
            return result;
        var now = member with { IsUp = isUp };
        try
        {
            now = Place(now);
        }
        catch (Exception refused) when (refused is HostNetworkException or IOException)
        {
            _requests.SetUp(_luid, luid, member.IsUp);
            throw;
        }
        Replace(member, now);
        WakeFor(now);
        return PortResult.Ok;
    });

    /// <inheritdoc/>
    public PortResult SetMtu(string name, int ipMtu) => Change(name, member =>
    {
        var result = _requests.SetMtu(_luid, member.StandIn.Luid, ipMtu);
        if (result != PortResult.Ok)
            return result;
        Replace(member, member with { OwnMtu = ipMtu });
        _host.SetMtu(member.StandIn, ipMtu);
        return PortResult.Ok;
    });

    /// <inheritdoc/>
    public PortResult AddGroup(string name, MacAddress group) => Change(name, member =>
    {
        var result = _requests.Change(_luid, FilterItems.Group(member.StandIn.Luid, group));
        if (result == PortResult.Ok && !member.Groups.Contains(group))
            Replace(member, member with { Groups = member.Groups.Add(group) });
        return result;
    });

    /// <inheritdoc/>
    public PortResult RemoveGroup(string name, MacAddress group) => Change(name, member =>
    {
        var result = _requests.Change(_luid, FilterItems.Group(member.StandIn.Luid, group, isRemoved: true));
        if (result == PortResult.Ok)
            Replace(member, member with { Groups = member.Groups.Remove(group) });
        return result;
    });

    /// <inheritdoc/>
    public void Commit()
    {
        lock (_lock)
        {
            // What an earlier run left on the stand-ins is looked at once all is said.
            if (_isCommitted)
                return;
            _isCommitted = true;
        }
        Wake();
    }

    /// <inheritdoc/>
    public PortResult Rename(string name, string newName) => Change(name, member =>
    {
        if (name == newName)
            return PortResult.Ok;
        if (_members.ContainsKey(newName))
            return PortResult.Exists;
        _host.Rename(member.StandIn, newName);
        _members = _members.Remove(name).Add(newName, member with { Name = newName });
        return PortResult.Ok;
    });

    /// <inheritdoc/>
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
        _events.Dispose();
        // Not under the lock: it waits for a call that may take it.
        _watch.Dispose();
        try
        {
            _requests.Port(FilterAbi.RemovePort, _luid);
        }
        catch (IOException)
        {
            // The driver is gone, and the port with it.
        }
        _host.Dispose();
        _wake.Dispose();
        _ending.Dispose();
        _completion.TrySetResult();
    }

    private PortResult AddPort() => _requests.Port(FilterAbi.AddPort, _luid, _settings.Mode, _settings.Flag, FilterAbi.AnswerResolution);

    private PortResult Change(string name, Func<Member, PortResult> change)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            return _members.TryGetValue(name, out var member) ? change(member) : PortResult.NoDevice;
        }
    }

    private void Replace(Member old, Member now) => _members = _members.SetItem(old.Name, now);

    /// <summary>Null where the driver does not have it any more.</summary>
    private unsafe InterfaceStatus? Status(Member member)
    {
        if (_requests.FindInterface(_luid, member.StandIn.Luid) is not { } status)
            return null;
        var counters = new CounterValues(
            (long)status.RxPackets, (long)status.RxBytes, (long)status.Multicast, (long)status.TxPackets, (long)status.TxBytes, (long)status.RxErrors, (long)status.TxDropped);
        var (taken, unused) = (member.Taken, member.Withheld.Union(member.Asked).Union(member.Taken));
        var pending = status.IsUp == 0 || unused.IsEmpty ? [] : member.Addresses.FindAll(prefix => unused.Contains(prefix.Address));
        return new InterfaceStatus(
            member.Name, member.Namespace, status.IsUp != 0, (int)status.Mtu, member.Addresses.RemoveRange(pending), pending.FindAll(prefix => taken.Contains(prefix.Address)), counters,
            Drops(new ReadOnlySpan<ulong>(status.Drops, FilterAbi.DropReasons)))
        {
            Pending = pending,
            Groups = _requests.Groups(_luid, member.StandIn.Luid),
            Fault = member.Fault ?? (status.IsAttached == 0 ? "the filter is not on its stand-in yet" : null),
        };
    }

    private static SortedDictionary<DropReason, long> Drops(ReadOnlySpan<ulong> told)
    {
        var drops = new SortedDictionary<DropReason, long>();
        for (var i = 1; i < told.Length; i++)
        {
            if (told[i] != 0)
                drops.Add((DropReason)i, (long)told[i]);
        }
        return drops;
    }

    private sealed record Member(string Name, string? Namespace, FilterStandIn StandIn, long Order)
    {
        public ImmutableList<L3Prefix> Addresses { get; init; } = [];

        /// <summary>Those that it was given; its stack has others.</summary>
        public ImmutableList<MacAddress> Groups { get; init; } = [];

        public bool IsUp { get; init; }

        /// <summary>Addresses that its stack is not given (yet): of an interface that is down, not asked for on the wire, or taken there.</summary>
        public ImmutableHashSet<L3Address> Withheld { get; init; } = [];

        /// <summary>Addresses that its stack asks the wire for.</summary>
        public ImmutableHashSet<L3Address> Asked { get; init; } = [];

        /// <summary>Addresses that somebody on the wire has.</summary>
        public ImmutableHashSet<L3Address> Taken { get; init; } = [];

        public int? OwnMtu { get; init; }

        public string? Fault { get; init; }
    }
}
