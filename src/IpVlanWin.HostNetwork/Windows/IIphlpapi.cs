namespace IpVlanWin.HostNetwork.Windows;

/// <summary>
/// IP Helper, one member for each native entry point and nothing else: rows and Win32 codes as they are. What is built on
/// it can be tested where these entry points do not exist (Linux; Wine has few of them).
/// </summary>
internal interface IIphlpapi
{
    /// <summary>GetIfTable2.</summary>
    uint GetInterfaces(out MibIfRow2[] rows);

    /// <summary>GetIfEntry2, by index.</summary>
    uint GetInterface(ref MibIfRow2 row);

    /// <summary>GetIpInterfaceTable.</summary>
    uint GetIpInterfaces(ushort family, out MibIpInterfaceRow[] rows);

    /// <summary>GetIpInterfaceEntry, by family and index.</summary>
    uint GetIpInterface(ref MibIpInterfaceRow row);

    /// <summary>SetIpInterfaceEntry.</summary>
    uint SetIpInterface(ref MibIpInterfaceRow row);

    /// <summary>GetUnicastIpAddressTable.</summary>
    uint GetAddresses(ushort family, out MibUnicastIpAddressRow[] rows);

    /// <summary>InitializeUnicastIpAddressEntry.</summary>
    void InitializeAddress(out MibUnicastIpAddressRow row);

    /// <summary>CreateUnicastIpAddressEntry.</summary>
    uint CreateAddress(in MibUnicastIpAddressRow row);

    /// <summary>DeleteUnicastIpAddressEntry.</summary>
    uint DeleteAddress(in MibUnicastIpAddressRow row);

    /// <summary>GetIpForwardTable2.</summary>
    uint GetRoutes(ushort family, out MibIpForwardRow2[] rows);

    /// <summary>InitializeIpForwardEntry.</summary>
    void InitializeRoute(out MibIpForwardRow2 row);

    /// <summary>CreateIpForwardEntry2.</summary>
    uint CreateRoute(in MibIpForwardRow2 row);

    /// <summary>SetIpForwardEntry2.</summary>
    uint SetRoute(in MibIpForwardRow2 row);

    /// <summary>DeleteIpForwardEntry2.</summary>
    uint DeleteRoute(in MibIpForwardRow2 row);

    /// <summary>GetBestRoute2. A source of AF_UNSPEC and an index of 0 leave the choice to the system.</summary>
    uint GetBestRoute(uint interfaceIndex, in SockAddrInet source, in SockAddrInet destination, out MibIpForwardRow2 route, out SockAddrInet bestSource);

    /// <summary>GetIpNetTable2.</summary>
    uint GetNeighbors(ushort family, out MibIpNetRow2[] rows);

    /// <summary>CreateIpNetEntry2.</summary>
    uint CreateNeighbor(in MibIpNetRow2 row);

    /// <summary>SetIpNetEntry2.</summary>
    uint SetNeighbor(ref MibIpNetRow2 row);

    /// <summary>DeleteIpNetEntry2.</summary>
    uint DeleteNeighbor(in MibIpNetRow2 row);

    /// <summary>ResolveIpNetEntry2. Blocks until it is answered or given up.</summary>
    uint ResolveNeighbor(ref MibIpNetRow2 row);

    /// <summary>CreateProxyArpEntry; address and mask in network order.</summary>
    uint CreateProxyArp(uint address, uint mask, uint interfaceIndex);

    /// <summary>DeleteProxyArpEntry.</summary>
    uint DeleteProxyArp(uint address, uint mask, uint interfaceIndex);

    /// <summary>CreateAnycastIpAddressEntry.</summary>
    uint CreateAnycast(in MibAnycastIpAddressRow row);

    /// <summary>DeleteAnycastIpAddressEntry.</summary>
    uint DeleteAnycast(in MibAnycastIpAddressRow row);

    /// <summary>NotifyIpInterfaceChange, NotifyUnicastIpAddressChange or NotifyRouteChange2; disposing waits for running calls.</summary>
    uint Notify(NotificationKind kind, Action changed, out IDisposable? registration);

    /// <summary>GetCurrentThreadCompartmentId.</summary>
    uint GetThreadCompartment();

    /// <summary>SetCurrentThreadCompartmentId.</summary>
    uint SetThreadCompartment(uint compartment);
}
