using IpVlanWin.Devices.Decorators;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Tracing;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Datapath;

/// <summary>The engine without devices: everything can be configured and nothing is carried. For tests, and to try out a configuration.</summary>
public sealed class MemoryDatapath : IDatapath
{
    private readonly Port _port;
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // Guards _byName and _made, and puts changes in order.
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Member> _byName = new(StringComparer.Ordinal);
    private long _made;

    /// <summary>A port whose master is up.</summary>
    /// <param name="masterName">The master's name.</param>
    /// <param name="mac">The MAC that all share.</param>
    /// <param name="ipMtu">The master's MTU in bytes of IP packet.</param>
    public MemoryDatapath(string masterName, MacAddress mac, int ipMtu)
    {
        _port = new Port(masterName, mac, ipMtu);
        _port.SetMasterUp(true);
    }

    /// <inheritdoc/>
    public string Kind => "memory";

    /// <inheritdoc/>
    public Task Completion => _completion.Task;

    /// <inheritdoc/>
    public PortStatus Port => _port.ToStatus();

    /// <inheritdoc/>
    public IReadOnlyList<InterfaceStatus> Interfaces
    {
        get
        {
            lock (_lock)
                return [.. _byName.Values.OrderBy(static member => member.Order).Select(Status)];
        }
    }

    /// <inheritdoc/>
    public InterfaceStatus? Find(string name)
    {
        lock (_lock)
            return _byName.TryGetValue(name, out var member) ? Status(member) : null;
    }

    /// <inheritdoc/>
    public PortResult AddInterface(InterfaceSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        lock (_lock)
        {
            var result = _port.AddInterface(settings.Name, settings.Mode, settings.Flag, out var added);
            if (result == PortResult.Ok)
                _byName.Add(settings.Name, new Member(added!, settings.Namespace, _made++));
            return result;
        }
    }

    /// <inheritdoc/>
    public PortResult RemoveInterface(string name)
    {
        lock (_lock)
            return _byName.Remove(name, out var member) ? _port.RemoveInterface(member.Interface) : PortResult.NoDevice;
    }

    /// <inheritdoc/>
    public PortResult SetMode(PortMode mode) => _port.SetMode(mode);

    /// <inheritdoc/>
    public PortResult SetFlag(PortFlag flag) => _port.SetFlag(flag);

    /// <inheritdoc/>
    public PortResult SetUp(string name, bool isUp) => Change(name, found => _port.SetUp(found, isUp));

    /// <inheritdoc/>
    public PortResult SetMtu(string name, int ipMtu) => Change(name, found => _port.SetMtu(found, ipMtu));

    /// <inheritdoc/>
    public PortResult AddAddress(string name, L3Prefix prefix) => Change(name, found => _port.AddAddress(found, prefix));

    /// <inheritdoc/>
    public PortResult RemoveAddress(string name, L3Prefix prefix) => Change(name, found => _port.RemoveAddress(found, prefix));

    /// <inheritdoc/>
    public PortResult AddGroup(string name, MacAddress group) => Change(name, found => _port.AddGroup(found, group));

    /// <inheritdoc/>
    public PortResult RemoveGroup(string name, MacAddress group) => Change(name, found => _port.RemoveGroup(found, group));

    /// <inheritdoc/>
    public PortResult Rename(string name, string newName)
    {
        lock (_lock)
        {
            if (!_byName.TryGetValue(name, out var member))
                return PortResult.NoDevice;
            var result = _port.Rename(member.Interface, newName);
            if (result == PortResult.Ok)
            {
                _byName.Remove(name);
                _byName.Add(newName, member);
            }
            return result;
        }
    }

    /// <inheritdoc/>
    public PortResult Move(string name, string? namespaceName)
    {
        lock (_lock)
        {
            if (!_byName.TryGetValue(name, out var member))
                return PortResult.NoDevice;
            if (member.Namespace == namespaceName)
                return PortResult.Ok;
            _port.SetUp(member.Interface, false);
            foreach (var prefix in _port.AddressesOf(member.Interface))
                _port.RemoveAddress(member.Interface, prefix);
            _byName[name] = member with { Namespace = namespaceName };
            return PortResult.Ok;
        }
    }

    /// <inheritdoc/>
    /// <remarks>It describes what is there; frames there are none.</remarks>
    public IDisposable? StartCapture(CaptureSink sink, string? name)
    {
        lock (_lock)
        {
            Member? only = null;
            if (name is not null && !_byName.TryGetValue(name, out only))
                return null;
            _ = new PortCapture(sink, _port.MasterName, _byName.Values.OrderBy(static member => member.Order).Select(static member => member.Interface), only?.Interface);
            return new NothingToEnd();
        }
    }

    /// <inheritdoc/>
    public FrameTrace? Trace(string? sender, ReadOnlySpan<byte> frame)
    {
        if (sender is null)
            return FrameTrace.OfReceived(_port, frame);
        Member? from;
        lock (_lock)
            _byName.TryGetValue(sender, out from);
        return from is null ? null : FrameTrace.OfSent(_port, from.Interface, frame, TimeSpan.Zero);
    }

    /// <inheritdoc/>
    public void Dispose() => _completion.TrySetResult();

    private InterfaceStatus Status(Member member) => new(
        member.Interface.Name, member.Namespace, member.Interface.IsUp, member.Interface.IpMtu, _port.AddressesOf(member.Interface), [],
        member.Interface.Counters.ToValues(), member.Interface.Drops.ToValues()) { Groups = member.Interface.Groups };

    private PortResult Change(string name, Func<VirtualInterface, PortResult> change)
    {
        lock (_lock)
            return _byName.TryGetValue(name, out var member) ? change(member.Interface) : PortResult.NoDevice;
    }

    private sealed class NothingToEnd : IDisposable
    {
        public void Dispose()
        {
        }
    }

    private sealed record Member(VirtualInterface Interface, string? Namespace, long Order);
}
