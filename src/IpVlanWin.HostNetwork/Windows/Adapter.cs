using System.Net.NetworkInformation;

namespace IpVlanWin.HostNetwork.Windows;

/// <summary>A network adapter as Windows knows it (MIB_IF_ROW2).</summary>
/// <param name="Index">The index; it may change when the system restarts.</param>
/// <param name="Luid">The locally unique identifier; it outlives restarts.</param>
/// <param name="Guid">The NetCfgInstanceId.</param>
/// <param name="Alias">The name people give it ("Ethernet").</param>
/// <param name="Description">The driver's name for it; localized and numbered, so never an identity.</param>
/// <param name="Mac">The MAC address in use; empty when it has none.</param>
/// <param name="PermanentMac">The MAC address of the hardware; empty when it has none.</param>
/// <param name="LinkMtu">The adapter's own limit in bytes of IP packet.</param>
public sealed record Adapter(int Index, ulong Luid, Guid Guid, string Alias, string Description, PhysicalAddress Mac, PhysicalAddress PermanentMac, int LinkMtu)
{
    /// <summary>The IANA ifType: 6 Ethernet, 24 loopback, 71 Wi-Fi, 131 tunnel.</summary>
    public int Type { get; init; }

    /// <summary>NDIS_PHYSICAL_MEDIUM: 0 unspecified, 9 native Wi-Fi, 14 Ethernet.</summary>
    public int PhysicalMedium { get; init; }

    /// <summary>State and kind.</summary>
    public LinkFlags Flags { get; init; }

    /// <summary>True for hardware (also for a virtual machine's), false for what software makes.</summary>
    public bool IsHardware { get; init; }

    /// <summary>True for the pseudo adapter of a filter driver, which is no link.</summary>
    public bool IsFilter { get; init; }

    /// <summary>Transmit speed in bits per second; 0 when unknown.</summary>
    public long TransmitSpeed { get; init; }

    internal static Adapter From(in MibIfRow2 row) => new(
        (int)row.InterfaceIndex,
        row.InterfaceLuid,
        row.InterfaceGuid,
        row.Alias.Text,
        row.Description.Text,
        Rows.Mac(row.PhysicalAddress, row.PhysicalAddressLength),
        Rows.Mac(row.PermanentPhysicalAddress, row.PhysicalAddressLength),
        Rows.Clamp(row.Mtu))
    {
        Type = (int)row.Type,
        PhysicalMedium = row.PhysicalMediumType,
        Flags = FlagsOf(row),
        IsHardware = (row.Flags & HardwareInterface) != 0,
        IsFilter = (row.Flags & FilterInterface) != 0,
        // All ones: unknown.
        TransmitSpeed = row.TransmitLinkSpeed > long.MaxValue ? 0 : (long)row.TransmitLinkSpeed,
    };

    /// <summary>The same as a link of the neutral kind.</summary>
    /// <param name="ipMtu">The IP layer's MTU in bytes, or null for the adapter's own.</param>
    internal HostLink ToLink(int? ipMtu) => new() { Index = Index, Name = Alias, Mac = Mac, IpMtu = ipMtu ?? LinkMtu, Flags = Flags };

    // netioapi.h InterfaceAndOperStatusFlags; ifdef.h IF_OPER_STATUS, NET_IF_ADMIN_STATUS, NET_IF_MEDIA_CONNECT_STATE, NET_IF_ACCESS_TYPE.
    private const byte HardwareInterface = 1, FilterInterface = 2;
    private const int OperUp = 1, AdminUp = 1, MediaConnected = 1, AccessBroadcast = 2, AccessPointToPoint = 3, SoftwareLoopback = 24;

    private static LinkFlags FlagsOf(in MibIfRow2 row)
    {
        var flags = LinkFlags.None;
        if (row.AdminStatus == AdminUp) flags |= LinkFlags.Up;
        if (row.OperStatus == OperUp) flags |= LinkFlags.Running;
        if (row.MediaConnectState == MediaConnected) flags |= LinkFlags.LowerUp;
        if (row.Type == SoftwareLoopback) flags |= LinkFlags.Loopback;
        else if (row.AccessType == AccessBroadcast) flags |= LinkFlags.Broadcast | LinkFlags.Multicast;
        else if (row.AccessType == AccessPointToPoint) flags |= LinkFlags.PointToPoint;
        return flags;
    }
}
