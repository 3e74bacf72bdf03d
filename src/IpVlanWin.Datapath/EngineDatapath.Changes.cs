using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Wire;
using IpVlanWin.HostNetwork;
using IpVlanWin.HostNetwork.Linux;

namespace IpVlanWin.Datapath;

// What the control plane changes on an interface: in its stack, which the port mirrors, and in the port at once.
public sealed partial class EngineDatapath
{
    /// <inheritdoc/>
    public InterfaceStatus? Find(string name)
    {
        lock (_lock)
            return _sides.TryGetValue(name, out var side) ? Status(side) : null;
    }

    /// <inheritdoc/>
    public PortResult SetUp(string name, bool isUp)
    {
        lock (_lock)
        {
            if (!_sides.TryGetValue(name, out var side))
                return PortResult.NoDevice;
            side.SetUp(isUp);
            return _port.SetUp(side.Interface, isUp);
        }
    }

    /// <inheritdoc/>
    public PortResult SetMtu(string name, int ipMtu)
    {
        lock (_lock)
        {
            if (!_sides.TryGetValue(name, out var side))
                return PortResult.NoDevice;
            var result = _port.SetMtu(side.Interface, ipMtu);
            if (result == PortResult.Ok)
                side.SetMtu(ipMtu);
            return result;
        }
    }

    /// <inheritdoc/>
    public PortResult AddAddress(string name, L3Prefix prefix)
    {
        lock (_lock)
        {
            if (!_sides.TryGetValue(name, out var side))
                return PortResult.NoDevice;
            var result = _port.AddAddress(side.Interface, prefix);
            if (result != PortResult.Ok)
                return result;
            try
            {
                side.AddAddress(prefix);
            }
            catch (HostNetworkException)
            {
                _port.RemoveAddress(side.Interface, prefix);
                throw;
            }
            return PortResult.Ok;
        }
    }

    /// <inheritdoc/>
    public PortResult RemoveAddress(string name, L3Prefix prefix)
    {
        lock (_lock)
        {
            if (!_sides.TryGetValue(name, out var side))
                return PortResult.NoDevice;
            side.RemoveAddress(prefix);
            return _port.RemoveAddress(side.Interface, prefix);
        }
    }

    /// <inheritdoc/>
    public PortResult AddGroup(string name, MacAddress group)
    {
        lock (_lock)
        {
            if (!_sides.TryGetValue(name, out var side))
                return PortResult.NoDevice;
            side.AddGroup(group);
            return PortResult.Ok;
        }
    }

    /// <inheritdoc/>
    public PortResult RemoveGroup(string name, MacAddress group)
    {
        lock (_lock)
        {
            if (!_sides.TryGetValue(name, out var side))
                return PortResult.NoDevice;
            return side.RemoveGroup(group) ? PortResult.Ok : PortResult.GroupAbsent;
        }
    }

    /// <inheritdoc/>
    public PortResult Rename(string name, string newName)
    {
        lock (_lock)
        {
            if (!_sides.TryGetValue(name, out var side))
                return PortResult.NoDevice;
            var result = _port.Rename(side.Interface, newName);
            if (result != PortResult.Ok || name == newName)
                return result;
            try
            {
                side.Rename(newName);
            }
            catch (HostNetworkException)
            {
                _port.Rename(side.Interface, name);
                throw;
            }
            _sides.Remove(name);
            _sides.Add(newName, side);
            return PortResult.Ok;
        }
    }

    /// <inheritdoc/>
    public PortResult Move(string name, string? namespaceName)
    {
        lock (_lock)
        {
            if (!_sides.TryGetValue(name, out var side))
                return PortResult.NoDevice;
            if (side.NamespaceName != namespaceName)
                side.MoveTo(namespaceName is null ? null : NetworkNamespace.Open(namespaceName));
            return PortResult.Ok;
        }
    }
}
