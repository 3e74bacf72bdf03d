using System.Runtime.InteropServices;

namespace IpVlanWin.Datapath.Filter;

// Mirrors driver/include/ipvlan_ioctl.h: the same names without the prefix, the same layout. A test holds both against each other.
internal static class FilterAbi
{
    public const ushort Version = 2;
    public const int DropReasons = 21;
    public const int MaxChanges = 4096;
    public const int MaxGroups = 256;

    public const uint QueryCapabilities = 0x800;
    public const uint AddPort = 0x801;
    public const uint RemovePort = 0x802;
    public const uint SetPort = 0x803;
    public const uint QueryPort = 0x804;
    public const uint AddInterface = 0x805;
    public const uint RemoveInterface = 0x806;
    public const uint SetInterface = 0x807;
    public const uint QueryInterface = 0x808;
    public const uint Change = 0x809;
    public const uint QueryAddresses = 0x80a;
    public const uint NextEvent = 0x80b;
    public const uint QueryGroups = 0x80c;

    public const uint SetModeField = 1;
    public const uint SetFlagField = 2;
    public const uint SetOptionsField = 4;
    public const uint SetUpField = 8;
    public const uint SetMtuField = 16;

    public const uint AnswerResolution = 1;

    public const byte ItemAddress = 1;
    public const byte ItemMasterAddress = 2;
    public const byte ItemRoute = 3;
    public const byte ItemNeighbor = 4;
    public const byte ItemGroup = 5;
    public const byte ItemRemove = 1;
    public const byte ItemUnreachable = 2;

    public const uint ResultNoMemory = 9;

    public const uint EventNeighborWanted = 1;
    public const uint EventAttached = 2;
    public const uint EventDetached = 3;
    public const uint EventLost = 4;
    public const uint EventMasterChanged = 5;

    /// <summary>CTL_CODE(FILE_DEVICE_NETWORK, function, METHOD_BUFFERED, read and write).</summary>
    public static uint Code(uint function) => (0x12u << 16) | (3u << 14) | (function << 2);
}

[StructLayout(LayoutKind.Sequential)]
internal struct AbiHeader
{
    public uint Size;
    public ushort Version;
    public ushort Reserved;

    public static unsafe AbiHeader Of<T>()
        where T : unmanaged => new() { Size = (uint)sizeof(T), Version = FilterAbi.Version };
}

[StructLayout(LayoutKind.Sequential)]
internal struct AbiCapabilities
{
    public AbiHeader Header;
    public uint DriverVersion;
    public uint Modes;
    public uint Flags;
    public uint MaxPorts;
    public uint MaxInterfaces;
    public uint MaxAddresses;
    public uint MaxRoutes;
    public uint MaxNeighbors;
    public uint MaxMasterAddresses;
    public uint MaxGroups;
    public uint MaxChanges;
    public uint MaxEvents;
}

[StructLayout(LayoutKind.Sequential)]
internal struct AbiPort
{
    public AbiHeader Header;
    public ulong MasterLuid;
    public uint Fields;
    public uint Options;
    public uint Mode;
    public uint Flag;
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct AbiPortStatus
{
    public AbiHeader Header;
    public ulong MasterLuid;
    public uint Mode;
    public uint Flag;
    public uint Options;
    public uint Mtu;
    public fixed byte Mac[6];
    public byte IsUp;
    public byte IsAttached;
    public uint InterfaceCount;
    public uint AddressCount;
    public uint RouteCount;
    public uint NeighborCount;
    public uint Reserved;
    public fixed ulong Drops[FilterAbi.DropReasons];
}

[StructLayout(LayoutKind.Sequential)]
internal struct AbiInterface
{
    public AbiHeader Header;
    public ulong MasterLuid;
    public ulong StandInLuid;
    public uint Fields;
    public uint Mtu;
    public uint Mode;
    public uint Flag;
    public uint IsUp;
    public uint Reserved;
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct AbiInterfaceStatus
{
    public AbiHeader Header;
    public ulong StandInLuid;
    public uint Mtu;
    public byte IsUp;
    public byte IsAttached;
    public byte HasOwnMtu;
    public byte IsPromiscuous;
    public byte IsAllMulticast;
    public fixed byte Reserved[3];
    public uint GroupCount;
    public ulong RxPackets;
    public ulong RxBytes;
    public ulong Multicast;
    public ulong TxPackets;
    public ulong TxBytes;
    public ulong RxErrors;
    public ulong TxDropped;
    public fixed ulong Drops[FilterAbi.DropReasons];
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct AbiGroups
{
    public AbiHeader Header;
    public ulong StandInLuid;
    public uint Count;
    public uint Reserved;
    public fixed byte Macs[2 * FilterAbi.MaxGroups * 6];
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct AbiItem
{
    public byte Kind;
    public byte Flags;
    public byte Family;
    public byte PrefixLength;
    public uint Metric;
    public ulong StandInLuid;
    public fixed byte Address[16];
    public fixed byte Gateway[16];
    public byte GatewayFamily;
    public byte Reserved;
    public fixed byte Mac[6];
    public ulong HoldsFor;
    public uint Result;
    public uint Reserved2;
}

[StructLayout(LayoutKind.Sequential)]
internal struct AbiChanges
{
    public AbiHeader Header;
    public ulong MasterLuid;
    public uint Count;
    public uint Cursor;
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct AbiEvent
{
    public AbiHeader Header;
    public uint Kind;
    public uint Count;
    public ulong MasterLuid;
    public ulong Luid;
    public fixed byte Address[16];
    public byte Family;
    public fixed byte Reserved[7];
}
