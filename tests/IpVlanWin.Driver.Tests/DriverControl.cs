using IpVlanWin.Datapath.Filter;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Driver.Tests;

/// <summary>The requests of ipvlan_ioctl.h to a bench's one port.</summary>
internal sealed class DriverControl(NativeBench bench)
{
    public const ulong Master = NativeBench.Host;

    private readonly FilterRequests _requests = new(new NativeFilterDevice(bench));

    public PortResult Port(uint function, uint? mode = null, uint? flag = null) => _requests.Port(function, Master, mode, flag, null);

    public AbiPortStatus Port() => _requests.FindPort(Master)!.Value;

    public PortResult AddInterface(ulong luid, uint? mode, uint? flag) => _requests.AddInterface(Master, luid, mode, flag);

    public PortResult RemoveInterface(ulong luid) => _requests.RemoveInterface(Master, luid);

    public PortResult SetUp(ulong luid, bool isUp) => _requests.SetUp(Master, luid, isUp);

    public PortResult SetMtu(ulong luid, int ipMtu) => _requests.SetMtu(Master, luid, ipMtu);

    public AbiInterfaceStatus Interface(ulong luid) => _requests.FindInterface(Master, luid)!.Value;

    public PortResult Address(ulong luid, L3Prefix prefix, bool isRemoved = false) => _requests.Change(
        Master, luid == Master ? FilterItems.MasterAddress(prefix, isRemoved) : FilterItems.Address(luid, prefix, isRemoved));

    public PortResult Route(L3Prefix prefix, L3Address? gateway) => _requests.Change(Master, FilterItems.Route(new MirroredRoute(prefix, gateway, 0, false)));

    public PortResult Neighbor(L3Address address, MacAddress mac) => _requests.Change(Master, FilterItems.Neighbor(address, mac));

    public List<(ulong Luid, L3Prefix Prefix)> Addresses() => _requests.Addresses(Master);
}
