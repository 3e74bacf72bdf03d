using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Tracing;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Datapath.Filter;

// Frames stay in the kernel, so they are not recorded here. What would become of one is told by the engine, which decides as the driver
// does (the two are held against each other frame by frame), on what the driver says that it has.
public sealed partial class FilterDatapath
{
    /// <inheritdoc/>
    public string? CaptureRefusal => "captures, because frames stay in the kernel (pktmon, or any capture driver, shows them on the master and on the stand-ins)";

    /// <inheritdoc/>
    /// <remarks>
    /// What the driver does besides is not in it: in l3 it answers the stack's own ARP requests and neighbor solicitations, and neighbors
    /// that it has learnt from the wire are told as missing.
    /// </remarks>
    public FrameTrace? Trace(string? sender, ReadOnlySpan<byte> frame)
    {
        var (port, members) = Model();
        if (sender is null)
            return FrameTrace.OfReceived(port, frame);
        return members.TryGetValue(sender, out var from) ? FrameTrace.OfSent(port, from, frame, TimeSpan.Zero) : null;
    }

    private unsafe (Port Port, Dictionary<string, VirtualInterface> Members) Model()
    {
        var status = _requests.FindPort(_luid) ?? throw new IOException($"the driver has no port over {_settings.MasterName} any more");
        var (mode, flag) = ((PortMode)status.Mode, (PortFlag)status.Flag);
        var port = new Port(_settings.MasterName, MacAddress.Read(new ReadOnlySpan<byte>(status.Mac, MacAddress.Bytes)), (int)status.Mtu);
        port.SetMode(mode);
        port.SetFlag(flag);
        port.SetMasterUp(status.IsUp != 0);
        Dictionary<string, VirtualInterface> members = new(StringComparer.Ordinal);
        Dictionary<ulong, VirtualInterface> byLuid = [];
        foreach (var member in _members.Values.OrderBy(static member => member.Order))
        {
            if (_requests.FindInterface(_luid, member.StandIn.Luid) is not { } told || port.AddInterface(member.Name, mode, flag, out var added) != PortResult.Ok)
                continue;
            port.SetUp(added!, told.IsUp != 0);
            port.SetMtu(added!, (int)told.Mtu);
            port.SetPromiscuous(added!, told.IsPromiscuous != 0);
            port.SetAllMulticast(added!, told.IsAllMulticast != 0);
            port.SetGroups(added!, _requests.Groups(_luid, member.StandIn.Luid));
            members.Add(member.Name, added!);
            byLuid.Add(member.StandIn.Luid, added!);
        }
        foreach (var (standIn, prefix) in _requests.Addresses(_luid))
        {
            if (byLuid.TryGetValue(standIn, out var owner))
                port.AddAddress(owner, prefix);
        }
        lock (_mirrorLock)
            _mirror.Copy(port);
        return (port, members);
    }
}
