namespace IpVlanWin.Devices.Linux;

/// <summary>How a <see cref="LinuxPacket"/> is opened.</summary>
public sealed record LinuxPacketOptions
{
    /// <summary>Frames for other MAC addresses are received too (PACKET_MR_PROMISC). Frames for all groups always are.</summary>
    public bool Promiscuous { get; init; }

    /// <summary>Most frames taken per <see cref="LinuxPacket.Receive"/>, so that one busy device does not starve others.</summary>
    public int BatchLimit { get; init; } = 64;

    /// <summary>Bytes of frames that may wait to be read; the kernel counts its own bookkeeping in, about twice the bytes of small frames.</summary>
    public int ReceiveBufferLength { get; init; } = 16 << 20;

    /// <summary>Bytes of frames that may wait in the interface's queue to be sent.</summary>
    public int SendBufferLength { get; init; } = 4 << 20;
}
