using System.Runtime.Versioning;
using System.Security.Cryptography;
using IpVlanWin.Datapath.Linux;
using IpVlanWin.Devices;
using IpVlanWin.Devices.Linux;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Wire;
using IpVlanWin.HostNetwork;
using IpVlanWin.HostNetwork.Linux;

namespace IpVlanWin.Datapath;

/// <summary>
/// The engine over devices in user mode: a packet socket on the wire link, a TAP for the host's stack, a TAP for each interface, one
/// thread that pumps between them. All of it ends with this object.
/// </summary>
[SupportedOSPlatform("linux")]
public sealed partial class EngineDatapath : IDatapath
{
    /// <summary>tun.c's MAX_MTU for TAPs: a master that carries more is cut to it.</summary>
    private const int MaxTapIpMtu = 65_521;

    private static readonly TimeSpan s_polled = TimeSpan.FromSeconds(1);

    private readonly Port _port;
    private readonly LinuxPortSettings _settings;
    private readonly LinuxPacket _wire;
    private readonly HostSide _host;
    private readonly FramePump _framePump;
    private readonly PumpThread _pump;
    private readonly HostWatch _wireWatch;
    private readonly Timer _polling;
    private readonly Announcer? _announcer;
    private readonly int _wireIndex;

    // Guards _sides, and puts changes in order.
    private readonly Lock _lock = new();
    private readonly Dictionary<string, InterfaceSide> _sides = new(StringComparer.Ordinal);
    private bool _isDisposed;

    // Guards _wireIsUp: the master's state is told by two threads, and the last word must be the right one.
    private readonly Lock _masterLock = new();
    private bool _wireIsUp;

    /// <summary>Opens the devices and starts the pump. The master is up once the wire link and the host's TAP are.</summary>
    /// <exception cref="HostNetworkException">The wire link is not there, or the operating system refuses.</exception>
    /// <exception cref="LinuxDeviceException">A device cannot be opened: no permission, not Ethernet, the name is in use.</exception>
    public EngineDatapath(LinuxPortSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        _settings = settings;
        using var netlink = RouteNetlink.Open(settings.WireNamespace);
        var link = netlink.GetLink(settings.WireLink);
        if (!link.Mac.TryToMac(out var mac) || (link.Flags & (LinkFlags.Loopback | LinkFlags.PointToPoint)) != 0)
            throw new LinuxDeviceException($"{settings.WireLink}: a master must be an Ethernet adapter");
        _wireIndex = link.Index;
        _port = new Port(settings.MasterName, mac, IpMtuOf(link), BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(sizeof(ulong))));
        _port.SetMode(settings.Mode);
        _port.SetFlag(settings.Flag);
        _announcer = settings.Announces ? new Announcer(_port, SendOnMaster) : null;
        var opened = new Stack<IDisposable>();
        try
        {
            opened.Push(_wire = LinuxPacket.Open(link.Index, settings.WireNamespace.Handle));
            opened.Push(_host = new HostSide(_port, settings.MasterName, settings.HostNamespace, OnNeighbor, OnMasterLink));
            var wireDevice = settings.Decorate("wire", _wire);
            var hostDevice = settings.Decorate("host", _host.Tap);
            opened.Push(_framePump = new FramePump(_port, wireDevice, hostDevice, _host.Resolve));
            opened.Push(_pump = new PumpThread(_framePump, wireDevice, hostDevice, OnGone, settings.Spin));
            _host.Start();
            opened.Push(_wireWatch = HostWatch.Start(settings.WireNamespace, OnWireChanges));
            if (_wireWatch.Snapshot.Links.TryGetValue(_wireIndex, out var now))
                ApplyWire(now, ChangeKind.Added);
            _polling = new Timer(_ => Poll(), null, s_polled, s_polled);
        }
        catch
        {
            foreach (var part in opened)
                part.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public string Kind => "linux";

    /// <inheritdoc/>
    public Task Completion => _pump.Completion;

    /// <summary>Index of the master's TAP in the host's namespace.</summary>
    public int HostLinkIndex => _host.Tap.InterfaceIndex;

    /// <inheritdoc/>
    public PortStatus Port => _port.ToStatus();

    /// <inheritdoc/>
    public IReadOnlyList<InterfaceStatus> Interfaces
    {
        get
        {
            lock (_lock)
                return [.. _sides.Values.OrderBy(static side => side.Interface.Id).Select(Status)];
        }
    }

    /// <summary>Index of an interface's TAP in its namespace. ENODEV.</summary>
    /// <exception cref="KeyNotFoundException">There is no such interface.</exception>
    public int LinkIndexOf(string name)
    {
        lock (_lock)
            return _sides[name].LinkIndex;
    }

    /// <inheritdoc/>
    public PortResult AddInterface(InterfaceSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            var before = _port.Snapshot;
            var result = _port.AddInterface(settings.Name, settings.Mode, settings.Flag, out var added);
            if (result != PortResult.Ok)
                return result;
            try
            {
                Open(added!, settings.Namespace);
            }
            catch
            {
                _port.RemoveInterface(added!);
                _port.SetMode(before.Mode);
                _port.SetFlag(before.Flag);
                throw;
            }
            FollowPort();
            return PortResult.Ok;
        }
    }

    /// <inheritdoc/>
    public PortResult RemoveInterface(string name)
    {
        InterfaceSide? side;
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            if (!_sides.Remove(name, out side))
                return PortResult.NoDevice;
            _pump.Detach(side.Interface);
        }
        Close(side);
        return PortResult.Ok;
    }

    /// <inheritdoc/>
    public PortResult SetMode(PortMode mode)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            var result = _port.SetMode(mode);
            FollowPort();
            AnnounceAll();
            return result;
        }
    }

    /// <inheritdoc/>
    public PortResult SetFlag(PortFlag flag) => _port.SetFlag(flag);

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_lock)
        {
            if (_isDisposed)
                return;
            _isDisposed = true;
        }
        _polling.Dispose();
        _announcer?.Stop();
        _wireWatch.Dispose();
        _host.Stop();
        _pump.Dispose();
        foreach (var side in _sides.Values)
            Close(side);
        _framePump.Dispose();
        _host.Dispose();
        _wire.Dispose();
    }

    private InterfaceStatus Status(InterfaceSide side) => new(
        side.Interface.Name, side.NamespaceName, side.Interface.IsUp, side.Interface.IpMtu, _port.AddressesOf(side.Interface), side.Refused,
        side.Interface.Counters.ToValues(), side.Interface.Drops.ToValues()) { Groups = side.Interface.Groups };

    private void Open(VirtualInterface added, string? namespaceName)
    {
        var own = namespaceName is null ? null : NetworkNamespace.Open(namespaceName);
        InterfaceSide side;
        try
        {
            // Asked for from within a callback that closing the side waits for: so never on that thread.
            side = new InterfaceSide(
                _port, added, own, _settings.HostNamespace, _settings.Decorate, () => ThreadPool.QueueUserWorkItem(_ => RetryRefused()),
                address => _announcer?.Announce(added, address, PumpThread.Now));
        }
        catch
        {
            own?.Dispose();
            throw;
        }
        try
        {
            _pump.Attach(added, side.Device);
            side.Start();
        }
        catch
        {
            _pump.Detach(added);
            side.Dispose();
            throw;
        }
        _sides.Add(added.Name, side);
    }

    /// <summary>Not under the lock: waits for a callback of the side's that runs.</summary>
    private void Close(InterfaceSide side)
    {
        _port.RemoveInterface(side.Interface);
        side.Dispose();
        RetryRefused();
    }

    private void ForEachSide(Action<InterfaceSide> action)
    {
        lock (_lock)
        {
            foreach (var side in _isDisposed ? [] : _sides.Values.ToArray())
                action(side);
        }
    }

    private void Poll()
    {
        ForEachSide(side =>
        {
            side.ReadGroups();
            // We hold the namespace ourselves, by the TAP already: it ends for us when its name does.
            if (!side.IsNamespaceThere())
                Remove(side.Interface);
        });
        _announcer?.Tick(PumpThread.Now);
    }

    /// <summary>Later, on another thread: who calls may hold a lock that is taken within ours elsewhere.</summary>
    private void AnnounceAll()
    {
        if (_announcer is not null)
            ThreadPool.QueueUserWorkItem(_ => ForEachSide(static side => side.AnnounceAll()));
    }

    /// <summary>As the host itself sends. Not after the pump has ended.</summary>
    private void SendOnMaster(byte[] frame)
    {
        byte[] buffer = [.. new byte[FrameBatch.Headroom], .. frame];
        _pump.Post(pump =>
        {
            pump.TakeSnapshot();
            pump.SendFromHost(buffer, default);
            pump.Flush();
        });
    }

    private void RetryRefused() => ForEachSide(static side => side.RetryRefused());

    private void FollowPort()
    {
        var snapshot = _port.Snapshot;
        foreach (var side in _sides.Values)
        {
            try
            {
                side.Follow(snapshot);
            }
            catch (HostNetworkException fault) when (fault.NativeName == "ENODEV")
            {
                // Its namespace has just gone, and the TAP with it: the pump finds out and removes it.
            }
        }
    }

    /// <summary>Between batches, on the pump's thread: no packet may pass those that wait for the neighbor.</summary>
    private void OnNeighbor(L3Address address, MacAddress? found) => _pump?.Post(pump =>
    {
        if (found is not { } mac)
        {
            _port.Neighbors.Remove(address);
            return;
        }
        _port.Neighbors.Set(address, mac, TimeSpan.MaxValue);
        pump.NeighborFound(address, mac);
    });

    private void OnMasterLink()
    {
        bool cameUp;
        lock (_masterLock)
        {
            var isUp = _wireIsUp && _host.IsUp;
            cameUp = isUp && !_port.IsMasterUp;
            _port.SetMasterUp(isUp);
        }
        if (cameUp)
            AnnounceAll();
    }

    private void OnWireChanges(IReadOnlyList<HostChange> changes)
    {
        foreach (var change in changes)
        {
            if (change is LinkChange { Link: var link } && link.Index == _wireIndex)
                ApplyWire(link, change.Kind);
        }
    }

    private void ApplyWire(HostLink link, ChangeKind kind)
    {
        lock (_masterLock)
            _wireIsUp = link.IsUp && kind != ChangeKind.Removed;
        OnMasterLink();
        if (kind == ChangeKind.Removed || !link.Mac.TryToMac(out var mac))
            return;
        var before = _port.Snapshot;
        var ipMtu = IpMtuOf(link);
        if (before.Mac == mac && before.IpMtu == ipMtu)
            return;
        lock (_lock)
        {
            _port.SetMasterMac(mac);
            _port.SetMasterMtu(ipMtu);
            _host.Follow(mac, ipMtu);
            FollowPort();
        }
        if (before.Mac != mac)
            AnnounceAll();
    }

    private static int IpMtuOf(HostLink link) => Math.Min(link.IpMtu, MaxTapIpMtu);

    /// <summary>Somebody deleted an interface's TAP. On the pump's thread: the rest is left to another.</summary>
    private void OnGone(VirtualInterface gone) => Remove(gone);

    /// <summary>Later, on another thread.</summary>
    private void Remove(VirtualInterface gone) => ThreadPool.QueueUserWorkItem(_ =>
    {
        InterfaceSide? side;
        lock (_lock)
        {
            // Another of that name may have come in between.
            if (_isDisposed || !_sides.TryGetValue(gone.Name, out side) || side.Interface != gone)
                return;
            _sides.Remove(gone.Name);
            _pump.Detach(gone);
        }
        Close(side);
    });
}
