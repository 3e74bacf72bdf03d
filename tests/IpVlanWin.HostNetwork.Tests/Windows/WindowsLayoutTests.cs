using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using IpVlanWin.HostNetwork.Windows;

namespace IpVlanWin.HostNetwork.Tests.Windows;

/// <summary>Layouts of netioapi.h on 64-bit Windows, measured from the public headers.</summary>
[TestClass]
public sealed class WindowsLayoutTests
{
    [TestMethod]
    public void Sizes_AreThoseOfTheHeaders()
    {
        Assert.AreEqual(28, Unsafe.SizeOf<SockAddrInet>());
        Assert.AreEqual(32, Unsafe.SizeOf<IpAddressPrefix>());
        Assert.AreEqual(80, Unsafe.SizeOf<MibUnicastIpAddressRow>());
        Assert.AreEqual(48, Unsafe.SizeOf<MibAnycastIpAddressRow>());
        Assert.AreEqual(104, Unsafe.SizeOf<MibIpForwardRow2>());
        Assert.AreEqual(88, Unsafe.SizeOf<MibIpNetRow2>());
        Assert.AreEqual(168, Unsafe.SizeOf<MibIpInterfaceRow>());
        Assert.AreEqual(1352, Unsafe.SizeOf<MibIfRow2>());
        Assert.AreEqual(514, Unsafe.SizeOf<Name257>());
        Assert.AreEqual(32, Unsafe.SizeOf<DeviceInfoData>());
        Assert.AreEqual(16, Unsafe.SizeOf<RemoveDeviceParameters>());
    }

    [TestMethod]
    [DataRow(typeof(SockAddrInet), nameof(SockAddrInet.Family), 0)]
    [DataRow(typeof(SockAddrInet), nameof(SockAddrInet.Port), 2)]
    [DataRow(typeof(SockAddrInet), nameof(SockAddrInet.V4AddressOrFlow), 4)]
    [DataRow(typeof(SockAddrInet), nameof(SockAddrInet.V6Address), 8)]
    [DataRow(typeof(SockAddrInet), nameof(SockAddrInet.ScopeId), 24)]
    [DataRow(typeof(IpAddressPrefix), nameof(IpAddressPrefix.Prefix), 0)]
    [DataRow(typeof(IpAddressPrefix), nameof(IpAddressPrefix.PrefixLength), 28)]
    [DataRow(typeof(MibUnicastIpAddressRow), nameof(MibUnicastIpAddressRow.Address), 0)]
    [DataRow(typeof(MibUnicastIpAddressRow), nameof(MibUnicastIpAddressRow.InterfaceLuid), 32)]
    [DataRow(typeof(MibUnicastIpAddressRow), nameof(MibUnicastIpAddressRow.InterfaceIndex), 40)]
    [DataRow(typeof(MibUnicastIpAddressRow), nameof(MibUnicastIpAddressRow.PrefixOrigin), 44)]
    [DataRow(typeof(MibUnicastIpAddressRow), nameof(MibUnicastIpAddressRow.SuffixOrigin), 48)]
    [DataRow(typeof(MibUnicastIpAddressRow), nameof(MibUnicastIpAddressRow.ValidLifetime), 52)]
    [DataRow(typeof(MibUnicastIpAddressRow), nameof(MibUnicastIpAddressRow.PreferredLifetime), 56)]
    [DataRow(typeof(MibUnicastIpAddressRow), nameof(MibUnicastIpAddressRow.OnLinkPrefixLength), 60)]
    [DataRow(typeof(MibUnicastIpAddressRow), nameof(MibUnicastIpAddressRow.SkipAsSource), 61)]
    [DataRow(typeof(MibUnicastIpAddressRow), nameof(MibUnicastIpAddressRow.DadState), 64)]
    [DataRow(typeof(MibUnicastIpAddressRow), nameof(MibUnicastIpAddressRow.ScopeId), 68)]
    [DataRow(typeof(MibUnicastIpAddressRow), nameof(MibUnicastIpAddressRow.CreationTimeStamp), 72)]
    [DataRow(typeof(MibIpForwardRow2), nameof(MibIpForwardRow2.InterfaceLuid), 0)]
    [DataRow(typeof(MibIpForwardRow2), nameof(MibIpForwardRow2.InterfaceIndex), 8)]
    [DataRow(typeof(MibIpForwardRow2), nameof(MibIpForwardRow2.DestinationPrefix), 12)]
    [DataRow(typeof(MibIpForwardRow2), nameof(MibIpForwardRow2.NextHop), 44)]
    [DataRow(typeof(MibIpForwardRow2), nameof(MibIpForwardRow2.SitePrefixLength), 72)]
    [DataRow(typeof(MibIpForwardRow2), nameof(MibIpForwardRow2.ValidLifetime), 76)]
    [DataRow(typeof(MibIpForwardRow2), nameof(MibIpForwardRow2.PreferredLifetime), 80)]
    [DataRow(typeof(MibIpForwardRow2), nameof(MibIpForwardRow2.Metric), 84)]
    [DataRow(typeof(MibIpForwardRow2), nameof(MibIpForwardRow2.Protocol), 88)]
    [DataRow(typeof(MibIpForwardRow2), nameof(MibIpForwardRow2.Loopback), 92)]
    [DataRow(typeof(MibIpForwardRow2), nameof(MibIpForwardRow2.AutoconfigureAddress), 93)]
    [DataRow(typeof(MibIpForwardRow2), nameof(MibIpForwardRow2.Publish), 94)]
    [DataRow(typeof(MibIpForwardRow2), nameof(MibIpForwardRow2.Immortal), 95)]
    [DataRow(typeof(MibIpForwardRow2), nameof(MibIpForwardRow2.Age), 96)]
    [DataRow(typeof(MibIpForwardRow2), nameof(MibIpForwardRow2.Origin), 100)]
    [DataRow(typeof(MibAnycastIpAddressRow), nameof(MibAnycastIpAddressRow.Address), 0)]
    [DataRow(typeof(MibAnycastIpAddressRow), nameof(MibAnycastIpAddressRow.InterfaceLuid), 32)]
    [DataRow(typeof(MibAnycastIpAddressRow), nameof(MibAnycastIpAddressRow.InterfaceIndex), 40)]
    [DataRow(typeof(MibAnycastIpAddressRow), nameof(MibAnycastIpAddressRow.ScopeId), 44)]
    [DataRow(typeof(MibIpNetRow2), nameof(MibIpNetRow2.Address), 0)]
    [DataRow(typeof(MibIpNetRow2), nameof(MibIpNetRow2.InterfaceIndex), 28)]
    [DataRow(typeof(MibIpNetRow2), nameof(MibIpNetRow2.InterfaceLuid), 32)]
    [DataRow(typeof(MibIpNetRow2), nameof(MibIpNetRow2.PhysicalAddress), 40)]
    [DataRow(typeof(MibIpNetRow2), nameof(MibIpNetRow2.PhysicalAddressLength), 72)]
    [DataRow(typeof(MibIpNetRow2), nameof(MibIpNetRow2.State), 76)]
    [DataRow(typeof(MibIpNetRow2), nameof(MibIpNetRow2.Flags), 80)]
    [DataRow(typeof(MibIpNetRow2), nameof(MibIpNetRow2.ReachabilityTime), 84)]
    [DataRow(typeof(MibIpInterfaceRow), nameof(MibIpInterfaceRow.Family), 0)]
    [DataRow(typeof(MibIpInterfaceRow), nameof(MibIpInterfaceRow.InterfaceLuid), 8)]
    [DataRow(typeof(MibIpInterfaceRow), nameof(MibIpInterfaceRow.InterfaceIndex), 16)]
    [DataRow(typeof(MibIpInterfaceRow), nameof(MibIpInterfaceRow.MaxReassemblySize), 20)]
    [DataRow(typeof(MibIpInterfaceRow), nameof(MibIpInterfaceRow.InterfaceIdentifier), 24)]
    [DataRow(typeof(MibIpInterfaceRow), nameof(MibIpInterfaceRow.MinRouterAdvertisementInterval), 32)]
    [DataRow(typeof(MibIpInterfaceRow), nameof(MibIpInterfaceRow.MaxRouterAdvertisementInterval), 36)]
    [DataRow(typeof(MibIpInterfaceRow), nameof(MibIpInterfaceRow.AdvertisingEnabled), 40)]
    [DataRow(typeof(MibIpInterfaceRow), nameof(MibIpInterfaceRow.ForwardingEnabled), 41)]
    [DataRow(typeof(MibIpInterfaceRow), nameof(MibIpInterfaceRow.WeakHostSend), 42)]
    [DataRow(typeof(MibIpInterfaceRow), nameof(MibIpInterfaceRow.WeakHostReceive), 43)]
    [DataRow(typeof(MibIpInterfaceRow), nameof(MibIpInterfaceRow.UseAutomaticMetric), 44)]
    [DataRow(typeof(MibIpInterfaceRow), nameof(MibIpInterfaceRow.UseNeighborUnreachabilityDetection), 45)]
    [DataRow(typeof(MibIpInterfaceRow), nameof(MibIpInterfaceRow.ManagedAddressConfigurationSupported), 46)]
    [DataRow(typeof(MibIpInterfaceRow), nameof(MibIpInterfaceRow.OtherStatefulConfigurationSupported), 47)]
    [DataRow(typeof(MibIpInterfaceRow), nameof(MibIpInterfaceRow.AdvertiseDefaultRoute), 48)]
    [DataRow(typeof(MibIpInterfaceRow), nameof(MibIpInterfaceRow.RouterDiscoveryBehavior), 52)]
    [DataRow(typeof(MibIpInterfaceRow), nameof(MibIpInterfaceRow.DadTransmits), 56)]
    [DataRow(typeof(MibIpInterfaceRow), nameof(MibIpInterfaceRow.BaseReachableTime), 60)]
    [DataRow(typeof(MibIpInterfaceRow), nameof(MibIpInterfaceRow.RetransmitTime), 64)]
    [DataRow(typeof(MibIpInterfaceRow), nameof(MibIpInterfaceRow.PathMtuDiscoveryTimeout), 68)]
    [DataRow(typeof(MibIpInterfaceRow), nameof(MibIpInterfaceRow.LinkLocalAddressBehavior), 72)]
    [DataRow(typeof(MibIpInterfaceRow), nameof(MibIpInterfaceRow.LinkLocalAddressTimeout), 76)]
    [DataRow(typeof(MibIpInterfaceRow), nameof(MibIpInterfaceRow.ZoneIndices), 80)]
    [DataRow(typeof(MibIpInterfaceRow), nameof(MibIpInterfaceRow.SitePrefixLength), 144)]
    [DataRow(typeof(MibIpInterfaceRow), nameof(MibIpInterfaceRow.Metric), 148)]
    [DataRow(typeof(MibIpInterfaceRow), nameof(MibIpInterfaceRow.NlMtu), 152)]
    [DataRow(typeof(MibIpInterfaceRow), nameof(MibIpInterfaceRow.Connected), 156)]
    [DataRow(typeof(MibIpInterfaceRow), nameof(MibIpInterfaceRow.SupportsWakeUpPatterns), 157)]
    [DataRow(typeof(MibIpInterfaceRow), nameof(MibIpInterfaceRow.SupportsNeighborDiscovery), 158)]
    [DataRow(typeof(MibIpInterfaceRow), nameof(MibIpInterfaceRow.SupportsRouterDiscovery), 159)]
    [DataRow(typeof(MibIpInterfaceRow), nameof(MibIpInterfaceRow.ReachableTime), 160)]
    [DataRow(typeof(MibIpInterfaceRow), nameof(MibIpInterfaceRow.TransmitOffload), 164)]
    [DataRow(typeof(MibIpInterfaceRow), nameof(MibIpInterfaceRow.ReceiveOffload), 165)]
    [DataRow(typeof(MibIpInterfaceRow), nameof(MibIpInterfaceRow.DisableDefaultRoutes), 166)]
    [DataRow(typeof(MibIfRow2), nameof(MibIfRow2.InterfaceLuid), 0)]
    [DataRow(typeof(MibIfRow2), nameof(MibIfRow2.InterfaceIndex), 8)]
    [DataRow(typeof(MibIfRow2), nameof(MibIfRow2.InterfaceGuid), 12)]
    [DataRow(typeof(MibIfRow2), nameof(MibIfRow2.Alias), 28)]
    [DataRow(typeof(MibIfRow2), nameof(MibIfRow2.Description), 542)]
    [DataRow(typeof(MibIfRow2), nameof(MibIfRow2.PhysicalAddressLength), 1056)]
    [DataRow(typeof(MibIfRow2), nameof(MibIfRow2.PhysicalAddress), 1060)]
    [DataRow(typeof(MibIfRow2), nameof(MibIfRow2.PermanentPhysicalAddress), 1092)]
    [DataRow(typeof(MibIfRow2), nameof(MibIfRow2.Mtu), 1124)]
    [DataRow(typeof(MibIfRow2), nameof(MibIfRow2.Type), 1128)]
    [DataRow(typeof(MibIfRow2), nameof(MibIfRow2.TunnelType), 1132)]
    [DataRow(typeof(MibIfRow2), nameof(MibIfRow2.MediaType), 1136)]
    [DataRow(typeof(MibIfRow2), nameof(MibIfRow2.PhysicalMediumType), 1140)]
    [DataRow(typeof(MibIfRow2), nameof(MibIfRow2.AccessType), 1144)]
    [DataRow(typeof(MibIfRow2), nameof(MibIfRow2.DirectionType), 1148)]
    [DataRow(typeof(MibIfRow2), nameof(MibIfRow2.Flags), 1152)]
    [DataRow(typeof(MibIfRow2), nameof(MibIfRow2.OperStatus), 1156)]
    [DataRow(typeof(MibIfRow2), nameof(MibIfRow2.AdminStatus), 1160)]
    [DataRow(typeof(MibIfRow2), nameof(MibIfRow2.MediaConnectState), 1164)]
    [DataRow(typeof(MibIfRow2), nameof(MibIfRow2.NetworkGuid), 1168)]
    [DataRow(typeof(MibIfRow2), nameof(MibIfRow2.ConnectionType), 1184)]
    [DataRow(typeof(MibIfRow2), nameof(MibIfRow2.TransmitLinkSpeed), 1192)]
    [DataRow(typeof(MibIfRow2), nameof(MibIfRow2.ReceiveLinkSpeed), 1200)]
    [DataRow(typeof(MibIfRow2), nameof(MibIfRow2.InOctets), 1208)]
    [DataRow(typeof(MibIfRow2), nameof(MibIfRow2.InUcastPkts), 1216)]
    [DataRow(typeof(MibIfRow2), nameof(MibIfRow2.InNUcastPkts), 1224)]
    [DataRow(typeof(MibIfRow2), nameof(MibIfRow2.InDiscards), 1232)]
    [DataRow(typeof(MibIfRow2), nameof(MibIfRow2.InErrors), 1240)]
    [DataRow(typeof(MibIfRow2), nameof(MibIfRow2.InUnknownProtos), 1248)]
    [DataRow(typeof(MibIfRow2), nameof(MibIfRow2.InUcastOctets), 1256)]
    [DataRow(typeof(MibIfRow2), nameof(MibIfRow2.InMulticastOctets), 1264)]
    [DataRow(typeof(MibIfRow2), nameof(MibIfRow2.InBroadcastOctets), 1272)]
    [DataRow(typeof(MibIfRow2), nameof(MibIfRow2.OutOctets), 1280)]
    [DataRow(typeof(MibIfRow2), nameof(MibIfRow2.OutUcastPkts), 1288)]
    [DataRow(typeof(MibIfRow2), nameof(MibIfRow2.OutNUcastPkts), 1296)]
    [DataRow(typeof(MibIfRow2), nameof(MibIfRow2.OutDiscards), 1304)]
    [DataRow(typeof(MibIfRow2), nameof(MibIfRow2.OutErrors), 1312)]
    [DataRow(typeof(MibIfRow2), nameof(MibIfRow2.OutUcastOctets), 1320)]
    [DataRow(typeof(MibIfRow2), nameof(MibIfRow2.OutMulticastOctets), 1328)]
    [DataRow(typeof(MibIfRow2), nameof(MibIfRow2.OutBroadcastOctets), 1336)]
    [DataRow(typeof(MibIfRow2), nameof(MibIfRow2.OutQLen), 1344)]
    [DataRow(typeof(DeviceInfoData), nameof(DeviceInfoData.Bytes), 0)]
    [DataRow(typeof(DeviceInfoData), nameof(DeviceInfoData.DeviceClass), 4)]
    [DataRow(typeof(DeviceInfoData), nameof(DeviceInfoData.DevInst), 20)]
    [DataRow(typeof(DeviceInfoData), nameof(DeviceInfoData.Reserved), 24)]
    [DataRow(typeof(RemoveDeviceParameters), nameof(RemoveDeviceParameters.HeaderBytes), 0)]
    [DataRow(typeof(RemoveDeviceParameters), nameof(RemoveDeviceParameters.InstallFunction), 4)]
    [DataRow(typeof(RemoveDeviceParameters), nameof(RemoveDeviceParameters.Scope), 8)]
    [DataRow(typeof(RemoveDeviceParameters), nameof(RemoveDeviceParameters.HardwareProfile), 12)]
    public void Offsets_AreThoseOfTheHeaders(Type type, string field, int offset) =>
        Assert.AreEqual(offset, (int)Marshal.OffsetOf(type, field));

    [TestMethod]
    [System.Runtime.Versioning.SupportedOSPlatform("windows")]
    public void Constants_AreThoseOfTheHeaders()
    {
        // ws2def.h, nldef.h, winerror.h, setupapi.h.
        Assert.AreEqual((2, 23, 0), (SockAddrInet.V4, SockAddrInet.V6, SockAddrInet.Unspecified));
        Assert.AreEqual((0, 1, 2, 3, 4, 5, 6), (Rows.NeighborUnreachable, Rows.NeighborIncomplete, Rows.NeighborProbe, Rows.NeighborDelay, Rows.NeighborStale, Rows.NeighborReachable, Rows.NeighborPermanent));
        Assert.AreEqual((1, 2, 3, 4), (Rows.DadTentative, Rows.DadDuplicate, Rows.DadDeprecated, Rows.DadPreferred));
        Assert.AreEqual((1, 2, 3, uint.MaxValue), (Rows.OriginManual, Rows.RouteDhcp, Rows.RouteAdvertised, Rows.Infinite));
        Assert.AreEqual((0u, 122u), (WindowsError.Success, NativeMethods.ERROR_INSUFFICIENT_BUFFER));
        Assert.AreEqual((1, 2, 3), (Rows.ProtocolOther, Rows.ProtocolLocal, Rows.ProtocolNetMgmt));
        Assert.AreEqual((2u, 5u, 50u, 67u, 87u, 122u, 259u, 433u, 1168u, 3010u, 5010u), (WindowsError.FileNotFound, WindowsError.AccessDenied, WindowsError.NotSupported, WindowsError.BadNetName,
            WindowsError.InvalidParameter, WindowsError.InsufficientBuffer, WindowsError.NoMoreItems, WindowsError.NoSuchDevice, WindowsError.NotFound, WindowsError.SuccessRebootRequired, WindowsError.ObjectAlreadyExists));
        Assert.AreEqual((1u, 5u, 0x19u, 1u, 1u), (NativeMethods.DICD_GENERATE_ID, NativeMethods.DIF_REMOVE, NativeMethods.DIF_REGISTERDEVICE, NativeMethods.DI_REMOVEDEVICE_GLOBAL, NativeMethods.SPDRP_HARDWAREID));
        Assert.AreEqual("4d36e972-e325-11ce-bfc1-08002be10318", LoopbackAdapters.NetClass.ToString());
        Assert.AreEqual((0xE000020Bu, 0xE0000248u), (WindowsError.NoSuchDeviceInstance, WindowsError.DeviceInstallBlocked));
    }
}
