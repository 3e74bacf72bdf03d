using System.Runtime.InteropServices;

namespace IpVlanWin.HostNetwork.Linux;

// Layouts as in the kernel's uapi headers for 64-bit Linux; numbers are in the host's byte order. Sizes and offsets are
// asserted by NativeLayoutTests.

/// <summary>linux/netlink.h struct nlmsghdr.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct NlMsgHdr
{
    public uint Length;
    public ushort Type;
    public ushort Flags;
    public uint Sequence;
    public uint PortId;
}

/// <summary>linux/netlink.h struct nlattr.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct NlAttr
{
    public ushort Length;
    public ushort Type;
}

/// <summary>linux/netlink.h struct sockaddr_nl.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct SockAddrNl
{
    public ushort Family;
    public ushort Pad;
    public uint PortId;
    public uint Groups;
}

/// <summary>linux/netlink.h struct nlmsgerr.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct NlMsgErr
{
    /// <summary>0 for success or a negative errno.</summary>
    public int Error;
    public NlMsgHdr Request;
}

/// <summary>linux/rtnetlink.h struct ifinfomsg.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct IfInfoMsg
{
    public byte Family;
    public byte Pad;
    public ushort Type;
    public int Index;
    public uint Flags;
    public uint Change;
}

/// <summary>linux/if_addr.h struct ifaddrmsg.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct IfAddrMsg
{
    public byte Family;
    public byte PrefixLength;
    public byte Flags;
    public byte Scope;
    public int Index;
}

/// <summary>linux/rtnetlink.h struct rtmsg.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct RtMsg
{
    public byte Family;
    public byte DestinationLength;
    public byte SourceLength;
    public byte Tos;
    public byte Table;
    public byte Protocol;
    public byte Scope;
    public byte Type;
    public uint Flags;
}

/// <summary>linux/rtnetlink.h struct rtnexthop.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct RtNextHop
{
    public ushort Length;
    public byte Flags;
    public byte Hops;
    public int Index;
}

/// <summary>linux/neighbour.h struct ndmsg.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct NdMsg
{
    public byte Family;
    public byte Pad1;
    public ushort Pad2;
    public int Index;
    public ushort State;
    public byte Flags;
    public byte Type;
}

/// <summary>linux/if.h struct ifreq with its pointer member, for SIOCETHTOOL.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct IfReq
{
    public fixed byte Name[16];
    public void* Data;
    private fixed byte _rest[16];
}

/// <summary>linux/if.h struct ifreq with its address member, for SIOCADDMULTI and SIOCDELMULTI (netdevice(7)).</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct IfReqAddress
{
    public fixed byte Name[16];
    public ushort Family;
    public fixed byte Address[14];
    private fixed byte _rest[8];
}

/// <summary>linux/ethtool.h struct ethtool_value.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct EthtoolValue
{
    public uint Command;
    public uint Data;
}

/// <summary>poll(2) struct pollfd.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct PollFd
{
    public int Descriptor;
    public short Events;
    public short Returned;
}

/// <summary>fcntl(2) struct flock, 64-bit.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct FileLock
{
    public short Type;
    public short Whence;
    public long Start;
    public long Length;
    public int ProcessId;
}

/// <summary>statx(2) struct statx, as far as it is used.</summary>
[StructLayout(LayoutKind.Explicit, Size = 256)]
internal struct FileStatus
{
    [FieldOffset(16)] public uint LinkCount;
    [FieldOffset(32)] public ulong Inode;
}

/// <summary>socket(7) struct timeval, 64-bit.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct TimeValue
{
    public long Seconds;
    public long Microseconds;
}
