using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace IpVlanWin.Devices.Linux;

/// <summary>
/// System calls of this room. None records the error: callers ask <see cref="Marshal.GetLastSystemError"/> directly after the call.
/// None suppresses the GC transition: each may block or copy 64 KiB.
/// </summary>
[SupportedOSPlatform("linux")]
internal static unsafe partial class NativeMethods
{
    private const string C = "libc";

    /// <summary>fcntl.h: O_RDWR, O_NONBLOCK, O_CLOEXEC.</summary>
    public const int OpenReadWrite = 2, OpenNonBlocking = 0x800, OpenCloseOnExec = 0x80000;

    /// <summary>sched.h: CLONE_NEWNET.</summary>
    public const int NetworkNamespace = 0x4000_0000;

    /// <summary>sys/ioctl.h, linux/sockios.h: SIOCGIFNAME, SIOCSIFHWADDR, SIOCGIFHWADDR, SIOCGIFINDEX.</summary>
    public const nuint GetInterfaceName = 0x8910, SetHardwareAddress = 0x8924, GetHardwareAddress = 0x8927, GetInterfaceIndex = 0x8933;

    /// <summary>linux/if_tun.h: TUNSETIFF, TUNSETOFFLOAD, TUNSETVNETHDRSZ.</summary>
    public const nuint TunSetInterface = 0x4004_54CA, TunSetOffload = 0x4004_54D0, TunSetHeaderSize = 0x4004_54D8;

    /// <summary>linux/if_tun.h: IFF_TAP, IFF_NO_PI, IFF_VNET_HDR, IFF_TUN_EXCL.</summary>
    public const short TunTap = 0x0002, TunNoPacketInformation = 0x1000, TunOffloadHeader = 0x4000, TunExclusive = unchecked((short)0x8000);

    /// <summary>linux/if_tun.h: TUN_F_CSUM | TSO4 | TSO6 | TSO_ECN, and with USO4 | USO6 (Linux 6.2).</summary>
    public const int TunOffloadTcp = 0x0F, TunOffloadTcpAndUdp = 0x6F;

    /// <summary>linux/if_arp.h: ARPHRD_ETHER.</summary>
    public const ushort LinkTypeEthernet = 1;

    /// <summary>bits/socket.h: AF_UNIX, SOCK_DGRAM: the plainest socket, for interface requests.</summary>
    public const int FamilyUnix = 1, SocketDatagram = 2;

    /// <summary>bits/socket.h: AF_PACKET; SOCK_RAW, SOCK_NONBLOCK, SOCK_CLOEXEC; linux/if_ether.h: ETH_P_ALL.</summary>
    public const int FamilyPacket = 17, SocketRaw = 3, SocketNonBlocking = 0x800, SocketCloseOnExec = 0x80000, AllProtocols = 3;

    /// <summary>asm-generic/socket.h: SOL_SOCKET, SO_SNDBUF, SO_RCVBUF, SO_SNDBUFFORCE, SO_RCVBUFFORCE; linux/socket.h: SOL_PACKET.</summary>
    public const int LevelSocket = 1, SendBuffer = 7, ReceiveBuffer = 8, SendBufferForce = 32, ReceiveBufferForce = 33, LevelPacket = 263;

    /// <summary>linux/if_packet.h: PACKET_ADD_MEMBERSHIP, PACKET_STATISTICS, PACKET_AUXDATA, PACKET_VNET_HDR, PACKET_IGNORE_OUTGOING.</summary>
    public const int PacketAddMembership = 1, PacketStatistics = 6, PacketAuxiliaryData = 8, PacketOffloadHeader = 15, PacketIgnoreOutgoing = 23;

    /// <summary>linux/if_packet.h: PACKET_MR_PROMISC, PACKET_MR_ALLMULTI.</summary>
    public const ushort MembershipPromiscuous = 1, MembershipAllMulticast = 2;

    /// <summary>bits/socket.h: MSG_TRUNC.</summary>
    public const int MessageTruncated = 0x20;

    /// <summary>linux/if_packet.h: TP_STATUS_VLAN_VALID, TP_STATUS_VLAN_TPID_VALID.</summary>
    public const uint StatusVlanValid = 0x10, StatusVlanProtocolValid = 0x40;

    /// <summary>sys/epoll.h: EPOLL_CLOEXEC, EPOLL_CTL_ADD, EPOLL_CTL_DEL; sys/eventfd.h: EFD_NONBLOCK | EFD_CLOEXEC.</summary>
    public const int EpollCloseOnExec = 0x80000, EpollAdd = 1, EpollRemove = 2, EventFlags = 0x80800;

    [LibraryImport(C, EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Open(string path, int flags);

    [LibraryImport(C, EntryPoint = "close")]
    public static partial int Close(int descriptor);

    [LibraryImport(C, EntryPoint = "read")]
    public static partial nint Read(int descriptor, void* buffer, nuint count);

    [LibraryImport(C, EntryPoint = "write")]
    public static partial nint Write(int descriptor, void* buffer, nuint count);

    [LibraryImport(C, EntryPoint = "ioctl")]
    public static partial int IoControl(int descriptor, nuint request, void* argument);

    [LibraryImport(C, EntryPoint = "ioctl")]
    public static partial int IoControl(int descriptor, nuint request, nint argument);

    [LibraryImport(C, EntryPoint = "setns")]
    public static partial int SetNamespace(SafeHandle descriptor, int type);

    [LibraryImport(C, EntryPoint = "socket")]
    public static partial int Socket(int family, int type, int protocol);

    [LibraryImport(C, EntryPoint = "bind")]
    public static partial int Bind(int descriptor, LinkLayerAddress* address, int length);

    [LibraryImport(C, EntryPoint = "getsockname")]
    public static partial int GetSocketName(int descriptor, LinkLayerAddress* address, int* length);

    [LibraryImport(C, EntryPoint = "setsockopt")]
    public static partial int SetSocketOption(int descriptor, int level, int option, void* value, int length);

    [LibraryImport(C, EntryPoint = "getsockopt")]
    public static partial int GetSocketOption(int descriptor, int level, int option, void* value, int* length);

    [LibraryImport(C, EntryPoint = "recvmsg")]
    public static partial nint ReceiveMessage(int descriptor, MessageHeader* message, int flags);

    [LibraryImport(C, EntryPoint = "epoll_create1")]
    public static partial int EpollCreate(int flags);

    [LibraryImport(C, EntryPoint = "epoll_ctl")]
    public static partial int EpollControl(SafeHandle epoll, int operation, int descriptor, void* settings);

    [LibraryImport(C, EntryPoint = "epoll_wait")]
    public static partial int EpollWait(int epoll, void* events, int count, int milliseconds);

    [LibraryImport(C, EntryPoint = "eventfd")]
    public static partial int EventDescriptor(uint initial, int flags);
}
