namespace IpVlanWin.Devices.WinDivert;

/// <summary>WINDIVERT_LAYER: where in the host's stack a handle looks (WinDivert 2.2 documentation, 5.1).</summary>
public enum DivertLayer
{
    /// <summary>Packets to and from the host itself.</summary>
    Network = 0,

    /// <summary>Packets that the host forwards. The interface index is the one they leave by.</summary>
    Forward = 1,

    /// <summary>Flow events; no packets.</summary>
    Flow = 2,

    /// <summary>Socket events; no packets.</summary>
    Socket = 3,

    /// <summary>Events of WinDivert's own handles.</summary>
    Reflect = 4,
}

/// <summary>WINDIVERT_EVENT.</summary>
public enum DivertEvent
{
    /// <summary>A packet, at <see cref="DivertLayer.Network"/> and <see cref="DivertLayer.Forward"/>.</summary>
    NetworkPacket = 0,

    /// <summary>A flow begins.</summary>
    FlowEstablished = 1,

    /// <summary>A flow ends.</summary>
    FlowDeleted = 2,

    /// <summary>bind.</summary>
    SocketBind = 3,

    /// <summary>connect.</summary>
    SocketConnect = 4,

    /// <summary>listen.</summary>
    SocketListen = 5,

    /// <summary>accept.</summary>
    SocketAccept = 6,

    /// <summary>A socket is closed.</summary>
    SocketClose = 7,

    /// <summary>A WinDivert handle is opened.</summary>
    ReflectOpen = 8,

    /// <summary>A WinDivert handle is closed.</summary>
    ReflectClose = 9,
}

/// <summary>WINDIVERT_FLAG_*. Sniff with Drop, and ReceiveOnly with SendOnly, are refused (87).</summary>
[Flags]
public enum DivertOpenFlags : ulong
{
    /// <summary>Divert: packets wait until they are received, and go on only if they are sent again.</summary>
    None = 0,

    /// <summary>Copies; the packets go on by themselves.</summary>
    Sniff = 1,

    /// <summary>Drops what matches; nothing can be received.</summary>
    Drop = 2,

    /// <summary>Nothing can be sent.</summary>
    ReceiveOnly = 4,

    /// <summary>Nothing is diverted.</summary>
    SendOnly = 8,

    /// <summary>Does not install the driver where it is missing (1060).</summary>
    NoInstall = 0x10,

    /// <summary>Inbound fragments as they come instead of the reassembled packet.</summary>
    Fragments = 0x20,
}

/// <summary>WINDIVERT_PARAM.</summary>
public enum DivertParameter
{
    /// <summary>Most packets queued: 32 to 16384, 4096 by default.</summary>
    QueueLength = 0,

    /// <summary>Least time a packet is kept in the queue, in milliseconds: 100 to 16000, 2000 by default.</summary>
    QueueTime = 1,

    /// <summary>Most bytes queued: 65535 to 33554432, 4194304 by default.</summary>
    QueueSize = 2,

    /// <summary>Major version of the driver; read only.</summary>
    VersionMajor = 3,

    /// <summary>Minor version of the driver; read only.</summary>
    VersionMinor = 4,
}

/// <summary>WINDIVERT_SHUTDOWN.</summary>
public enum DivertShutdown
{
    /// <summary>Nothing more is diverted; what is queued can be received, then 232 comes.</summary>
    Receive = 1,

    /// <summary>Nothing more can be sent.</summary>
    Send = 2,

    /// <summary>Both.</summary>
    Both = 3,
}

/// <summary>Limits of WinDivert 2.2.</summary>
public static class DivertLimits
{
    /// <summary>WINDIVERT_MTU_MAX: most bytes of a packet; a shorter receive buffer may truncate.</summary>
    public const int MaxPacketLength = 65_575;

    /// <summary>WINDIVERT_BATCH_MAX: most packets of one call.</summary>
    public const int MaxBatch = 255;

    /// <summary>Bytes of WINDIVERT_ADDRESS.</summary>
    public const int AddressLength = 80;

    /// <summary>WINDIVERT_PRIORITY_HIGHEST and, negative, _LOWEST.</summary>
    public const short HighestPriority = 30_000;

    /// <summary>
    /// Most tests of a filter. The documented cap is 256, but the driver keeps the count in one byte, so a filter of exactly 256
    /// compiles to something else.
    /// </summary>
    public const int MaxFilterTests = 255;
}
