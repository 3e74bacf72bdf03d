using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace IpVlanWin.HostNetwork.Windows;

/// <summary>IP Helper (iphlpapi.dll, netioapi.h and iphlpapi.h). Each returns a Win32 code, 0 for success.</summary>
[SupportedOSPlatform("windows")]
internal static unsafe partial class NativeMethods
{
    private const string IpHlpApi = "iphlpapi.dll";

    [LibraryImport(IpHlpApi)]
    public static partial void FreeMibTable(nint memory);

    [LibraryImport(IpHlpApi)]
    public static partial uint GetIfTable2(out MibTable table);

    [LibraryImport(IpHlpApi)]
    public static partial uint GetIfEntry2(ref MibIfRow2 row);

    [LibraryImport(IpHlpApi)]
    public static partial uint GetIpInterfaceTable(ushort family, out MibTable table);

    [LibraryImport(IpHlpApi)]
    public static partial uint GetIpInterfaceEntry(ref MibIpInterfaceRow row);

    [LibraryImport(IpHlpApi)]
    public static partial uint SetIpInterfaceEntry(ref MibIpInterfaceRow row);

    [LibraryImport(IpHlpApi)]
    public static partial uint GetUnicastIpAddressTable(ushort family, out MibTable table);

    [LibraryImport(IpHlpApi)]
    public static partial void InitializeUnicastIpAddressEntry(out MibUnicastIpAddressRow row);

    [LibraryImport(IpHlpApi)]
    public static partial uint CreateUnicastIpAddressEntry(in MibUnicastIpAddressRow row);

    [LibraryImport(IpHlpApi)]
    public static partial uint DeleteUnicastIpAddressEntry(in MibUnicastIpAddressRow row);

    [LibraryImport(IpHlpApi)]
    public static partial uint GetIpForwardTable2(ushort family, out MibTable table);

    [LibraryImport(IpHlpApi)]
    public static partial void InitializeIpForwardEntry(out MibIpForwardRow2 row);

    [LibraryImport(IpHlpApi)]
    public static partial uint CreateIpForwardEntry2(in MibIpForwardRow2 row);

    [LibraryImport(IpHlpApi)]
    public static partial uint SetIpForwardEntry2(in MibIpForwardRow2 row);

    [LibraryImport(IpHlpApi)]
    public static partial uint DeleteIpForwardEntry2(in MibIpForwardRow2 row);

    [LibraryImport(IpHlpApi)]
    public static partial uint GetBestRoute2(ulong* interfaceLuid, uint interfaceIndex, SockAddrInet* source, SockAddrInet* destination, uint sortOptions,
        MibIpForwardRow2* bestRoute, SockAddrInet* bestSource);

    [LibraryImport(IpHlpApi)]
    public static partial uint GetIpNetTable2(ushort family, out MibTable table);

    [LibraryImport(IpHlpApi)]
    public static partial uint CreateIpNetEntry2(in MibIpNetRow2 row);

    [LibraryImport(IpHlpApi)]
    public static partial uint SetIpNetEntry2(ref MibIpNetRow2 row);

    [LibraryImport(IpHlpApi)]
    public static partial uint DeleteIpNetEntry2(in MibIpNetRow2 row);

    [LibraryImport(IpHlpApi)]
    public static partial uint ResolveIpNetEntry2(ref MibIpNetRow2 row, SockAddrInet* source);

    [LibraryImport(IpHlpApi)]
    public static partial uint CreateProxyArpEntry(uint address, uint mask, uint interfaceIndex);

    [LibraryImport(IpHlpApi)]
    public static partial uint DeleteProxyArpEntry(uint address, uint mask, uint interfaceIndex);

    [LibraryImport(IpHlpApi)]
    public static partial uint CreateAnycastIpAddressEntry(in MibAnycastIpAddressRow row);

    [LibraryImport(IpHlpApi)]
    public static partial uint DeleteAnycastIpAddressEntry(in MibAnycastIpAddressRow row);

    [LibraryImport(IpHlpApi)]
    public static partial uint NotifyIpInterfaceChange(ushort family, delegate* unmanaged<nint, nint, int, void> callback, nint context, byte initial, out nint registration);

    [LibraryImport(IpHlpApi)]
    public static partial uint NotifyUnicastIpAddressChange(ushort family, delegate* unmanaged<nint, nint, int, void> callback, nint context, byte initial, out nint registration);

    [LibraryImport(IpHlpApi)]
    public static partial uint NotifyRouteChange2(ushort family, delegate* unmanaged<nint, nint, int, void> callback, nint context, byte initial, out nint registration);

    [LibraryImport(IpHlpApi)]
    public static partial uint CancelMibChangeNotify2(nint registration);

    [LibraryImport(IpHlpApi)]
    public static partial uint GetCurrentThreadCompartmentId();

    [LibraryImport(IpHlpApi)]
    public static partial uint SetCurrentThreadCompartmentId(uint compartment);
}
