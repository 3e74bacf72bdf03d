using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace IpVlanWin.HostNetwork.Windows;

// Layouts of netioapi.h for 64-bit Windows. Sizes and offsets are asserted by WindowsLayoutTests. Text is held in 16-bit
// units, because a char in a structure would be measured as one byte.

/// <summary>Sixteen bytes in network order.</summary>
[InlineArray(16)]
internal struct Bytes16
{
    private byte _first;
}

/// <summary>A physical address with room (IF_MAX_PHYS_ADDRESS_LENGTH).</summary>
[InlineArray(32)]
internal struct Bytes32
{
    private byte _first;
}

/// <summary>A terminated name (IF_MAX_STRING_SIZE + 1).</summary>
[InlineArray(257)]
internal struct Name257
{
    private ushort _first;

    public readonly string Text
    {
        get
        {
            var units = MemoryMarshal.Cast<ushort, char>((ReadOnlySpan<ushort>)this);
            var end = units.IndexOf('\0');
            return new string(end < 0 ? units : units[..end]);
        }
    }
}

/// <summary>Zone indices by scope level (ScopeLevelCount).</summary>
[InlineArray(16)]
internal struct Zones16
{
    private uint _first;
}

/// <summary>SOCKADDR_INET: an IPv4 or IPv6 socket address, or neither (AF_UNSPEC).</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct SockAddrInet
{
    public const ushort Unspecified = 0, V4 = 2, V6 = 23;

    public ushort Family;
    public ushort Port;

    /// <summary>IPv4: the address in network order. IPv6: flow information.</summary>
    public uint V4AddressOrFlow;
    public Bytes16 V6Address;
    public uint ScopeId;

    public static ushort FamilyOf(IPAddress address) => address.AddressFamily == AddressFamily.InterNetwork ? V4 : V6;

    public static SockAddrInet From(IPAddress address)
    {
        var result = new SockAddrInet { Family = FamilyOf(address) };
        if (result.Family == V4) address.TryWriteBytes(MemoryMarshal.AsBytes(new Span<uint>(ref result.V4AddressOrFlow)), out _);
        else address.TryWriteBytes(result.V6Address, out _);
        return result;
    }

    /// <summary>The address without a scope identifier; null for AF_UNSPEC.</summary>
    public readonly IPAddress? ToAddress() => Family switch
    {
        V4 => new IPAddress(V4AddressOrFlow),
        V6 => new IPAddress((ReadOnlySpan<byte>)V6Address),
        _ => null,
    };
}

/// <summary>IP_ADDRESS_PREFIX.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct IpAddressPrefix
{
    public SockAddrInet Prefix;
    public byte PrefixLength;
}

/// <summary>MIB_IF_ROW2.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct MibIfRow2
{
    public ulong InterfaceLuid;
    public uint InterfaceIndex;
    public Guid InterfaceGuid;
    public Name257 Alias;
    public Name257 Description;
    public uint PhysicalAddressLength;
    public Bytes32 PhysicalAddress;
    public Bytes32 PermanentPhysicalAddress;
    public uint Mtu;
    public uint Type;
    public int TunnelType;
    public int MediaType;
    public int PhysicalMediumType;
    public int AccessType;
    public int DirectionType;
    public byte Flags;
    public int OperStatus;
    public int AdminStatus;
    public int MediaConnectState;
    public Guid NetworkGuid;
    public int ConnectionType;
    public ulong TransmitLinkSpeed;
    public ulong ReceiveLinkSpeed;
    public ulong InOctets;
    public ulong InUcastPkts;
    public ulong InNUcastPkts;
    public ulong InDiscards;
    public ulong InErrors;
    public ulong InUnknownProtos;
    public ulong InUcastOctets;
    public ulong InMulticastOctets;
    public ulong InBroadcastOctets;
    public ulong OutOctets;
    public ulong OutUcastPkts;
    public ulong OutNUcastPkts;
    public ulong OutDiscards;
    public ulong OutErrors;
    public ulong OutUcastOctets;
    public ulong OutMulticastOctets;
    public ulong OutBroadcastOctets;
    public ulong OutQLen;
}

/// <summary>MIB_IPINTERFACE_ROW. BOOLEAN members are bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct MibIpInterfaceRow
{
    public ushort Family;
    public ulong InterfaceLuid;
    public uint InterfaceIndex;
    public uint MaxReassemblySize;
    public ulong InterfaceIdentifier;
    public uint MinRouterAdvertisementInterval;
    public uint MaxRouterAdvertisementInterval;
    public byte AdvertisingEnabled;
    public byte ForwardingEnabled;
    public byte WeakHostSend;
    public byte WeakHostReceive;
    public byte UseAutomaticMetric;
    public byte UseNeighborUnreachabilityDetection;
    public byte ManagedAddressConfigurationSupported;
    public byte OtherStatefulConfigurationSupported;
    public byte AdvertiseDefaultRoute;
    public int RouterDiscoveryBehavior;
    public uint DadTransmits;
    public uint BaseReachableTime;
    public uint RetransmitTime;
    public uint PathMtuDiscoveryTimeout;
    public int LinkLocalAddressBehavior;
    public uint LinkLocalAddressTimeout;
    public Zones16 ZoneIndices;
    public uint SitePrefixLength;
    public uint Metric;
    public uint NlMtu;
    public byte Connected;
    public byte SupportsWakeUpPatterns;
    public byte SupportsNeighborDiscovery;
    public byte SupportsRouterDiscovery;
    public uint ReachableTime;
    public byte TransmitOffload;
    public byte ReceiveOffload;
    public byte DisableDefaultRoutes;
}

/// <summary>MIB_UNICASTIPADDRESS_ROW.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct MibUnicastIpAddressRow
{
    public SockAddrInet Address;
    public ulong InterfaceLuid;
    public uint InterfaceIndex;
    public int PrefixOrigin;
    public int SuffixOrigin;
    public uint ValidLifetime;
    public uint PreferredLifetime;
    public byte OnLinkPrefixLength;
    public byte SkipAsSource;
    public int DadState;
    public uint ScopeId;
    public long CreationTimeStamp;
}

/// <summary>MIB_ANYCASTIPADDRESS_ROW.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct MibAnycastIpAddressRow
{
    public SockAddrInet Address;
    public ulong InterfaceLuid;
    public uint InterfaceIndex;
    public uint ScopeId;
}

/// <summary>MIB_IPFORWARD_ROW2.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct MibIpForwardRow2
{
    public ulong InterfaceLuid;
    public uint InterfaceIndex;
    public IpAddressPrefix DestinationPrefix;
    public SockAddrInet NextHop;
    public byte SitePrefixLength;
    public uint ValidLifetime;
    public uint PreferredLifetime;
    public uint Metric;
    public int Protocol;
    public byte Loopback;
    public byte AutoconfigureAddress;
    public byte Publish;
    public byte Immortal;
    public uint Age;
    public int Origin;
}

/// <summary>MIB_IPNET_ROW2.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct MibIpNetRow2
{
    public SockAddrInet Address;
    public uint InterfaceIndex;
    public ulong InterfaceLuid;
    public Bytes32 PhysicalAddress;
    public uint PhysicalAddressLength;
    public int State;
    public byte Flags;
    public uint ReachabilityTime;
}
