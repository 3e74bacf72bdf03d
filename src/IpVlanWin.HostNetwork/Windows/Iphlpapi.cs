using System.Runtime.Versioning;

namespace IpVlanWin.HostNetwork.Windows;

/// <summary>IP Helper of this Windows.</summary>
[SupportedOSPlatform("windows")]
internal sealed unsafe class Iphlpapi : IIphlpapi
{
    public uint GetInterfaces(out MibIfRow2[] rows)
    {
        var code = NativeMethods.GetIfTable2(out var table);
        rows = table.TakeRows<MibIfRow2>();
        return code;
    }

    public uint GetInterface(ref MibIfRow2 row) => NativeMethods.GetIfEntry2(ref row);

    public uint GetIpInterfaces(ushort family, out MibIpInterfaceRow[] rows)
    {
        var code = NativeMethods.GetIpInterfaceTable(family, out var table);
        rows = table.TakeRows<MibIpInterfaceRow>();
        return code;
    }

    public uint GetIpInterface(ref MibIpInterfaceRow row) => NativeMethods.GetIpInterfaceEntry(ref row);

    public uint SetIpInterface(ref MibIpInterfaceRow row) => NativeMethods.SetIpInterfaceEntry(ref row);

    public uint GetAddresses(ushort family, out MibUnicastIpAddressRow[] rows)
    {
        var code = NativeMethods.GetUnicastIpAddressTable(family, out var table);
        rows = table.TakeRows<MibUnicastIpAddressRow>();
        return code;
    }

    public void InitializeAddress(out MibUnicastIpAddressRow row) => NativeMethods.InitializeUnicastIpAddressEntry(out row);

    public uint CreateAddress(in MibUnicastIpAddressRow row) => NativeMethods.CreateUnicastIpAddressEntry(row);

    public uint DeleteAddress(in MibUnicastIpAddressRow row) => NativeMethods.DeleteUnicastIpAddressEntry(row);

    public uint GetRoutes(ushort family, out MibIpForwardRow2[] rows)
    {
        var code = NativeMethods.GetIpForwardTable2(family, out var table);
        rows = table.TakeRows<MibIpForwardRow2>();
        return code;
    }

    public void InitializeRoute(out MibIpForwardRow2 row) => NativeMethods.InitializeIpForwardEntry(out row);

    public uint CreateRoute(in MibIpForwardRow2 row) => NativeMethods.CreateIpForwardEntry2(row);

    public uint SetRoute(in MibIpForwardRow2 row) => NativeMethods.SetIpForwardEntry2(row);

    public uint DeleteRoute(in MibIpForwardRow2 row) => NativeMethods.DeleteIpForwardEntry2(row);

    public uint GetBestRoute(uint interfaceIndex, in SockAddrInet source, in SockAddrInet destination, out MibIpForwardRow2 route, out SockAddrInet bestSource)
    {
        route = default;
        bestSource = default;
        fixed (SockAddrInet* from = &source, to = &destination, best = &bestSource)
        fixed (MibIpForwardRow2* row = &route)
        {
            return NativeMethods.GetBestRoute2(null, interfaceIndex, source.Family == SockAddrInet.Unspecified ? null : from, to, 0, row, best);
        }
    }

    public uint GetNeighbors(ushort family, out MibIpNetRow2[] rows)
    {
        var code = NativeMethods.GetIpNetTable2(family, out var table);
        rows = table.TakeRows<MibIpNetRow2>();
        return code;
    }

    public uint CreateNeighbor(in MibIpNetRow2 row) => NativeMethods.CreateIpNetEntry2(row);

    public uint SetNeighbor(ref MibIpNetRow2 row) => NativeMethods.SetIpNetEntry2(ref row);

    public uint DeleteNeighbor(in MibIpNetRow2 row) => NativeMethods.DeleteIpNetEntry2(row);

    public uint ResolveNeighbor(ref MibIpNetRow2 row) => NativeMethods.ResolveIpNetEntry2(ref row, null);

    public uint CreateProxyArp(uint address, uint mask, uint interfaceIndex) => NativeMethods.CreateProxyArpEntry(address, mask, interfaceIndex);

    public uint DeleteProxyArp(uint address, uint mask, uint interfaceIndex) => NativeMethods.DeleteProxyArpEntry(address, mask, interfaceIndex);

    public uint CreateAnycast(in MibAnycastIpAddressRow row) => NativeMethods.CreateAnycastIpAddressEntry(row);

    public uint DeleteAnycast(in MibAnycastIpAddressRow row) => NativeMethods.DeleteAnycastIpAddressEntry(row);

    public uint Notify(NotificationKind kind, Action changed, out IDisposable? registration)
    {
        var code = ChangeNotification.Register(kind, changed, out var notification);
        registration = notification;
        return code;
    }

    public uint GetThreadCompartment() => NativeMethods.GetCurrentThreadCompartmentId();

    public uint SetThreadCompartment(uint compartment) => NativeMethods.SetCurrentThreadCompartmentId(compartment);
}
