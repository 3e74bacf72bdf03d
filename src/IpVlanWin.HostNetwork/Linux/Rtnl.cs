namespace IpVlanWin.HostNetwork.Linux;

/// <summary>Numbers of netlink(7) and rtnetlink(7), from the kernel's uapi headers; named as there.</summary>
internal static class Rtnl
{
    // Address families.
    public const byte AF_UNSPEC = 0, AF_INET = 2, AF_INET6 = 10;

    // Message types.
    public const ushort NLMSG_NOOP = 1, NLMSG_ERROR = 2, NLMSG_DONE = 3, NLMSG_OVERRUN = 4;
    public const ushort RTM_NEWLINK = 16, RTM_DELLINK = 17, RTM_GETLINK = 18;
    public const ushort RTM_NEWADDR = 20, RTM_DELADDR = 21, RTM_GETADDR = 22;
    public const ushort RTM_NEWROUTE = 24, RTM_DELROUTE = 25, RTM_GETROUTE = 26;
    public const ushort RTM_NEWNEIGH = 28, RTM_DELNEIGH = 29, RTM_GETNEIGH = 30;
    public const ushort RTM_NEWNEXTHOP = 104, RTM_DELNEXTHOP = 105;

    // Message flags; some numbers mean different things in requests, dumps and acknowledgements.
    public const ushort NLM_F_REQUEST = 0x01, NLM_F_MULTI = 0x02, NLM_F_ACK = 0x04, NLM_F_DUMP_INTR = 0x10;
    public const ushort NLM_F_REPLACE = 0x100, NLM_F_EXCL = 0x200, NLM_F_CREATE = 0x400, NLM_F_APPEND = 0x800, NLM_F_DUMP = 0x300;
    public const ushort NLM_F_CAPPED = 0x100, NLM_F_ACK_TLVS = 0x200;
    public const ushort NLMSGERR_ATTR_MSG = 1;
    public const ushort NLA_F_NESTED = 0x8000, NLA_TYPE_MASK = 0x3FFF;

    // Multicast groups.
    public const int RTNLGRP_LINK = 1, RTNLGRP_NEIGH = 3, RTNLGRP_IPV4_IFADDR = 5, RTNLGRP_IPV4_ROUTE = 7,
        RTNLGRP_IPV6_IFADDR = 9, RTNLGRP_IPV6_ROUTE = 11, RTNLGRP_NEXTHOP = 32;

    // Links.
    public const ushort IFLA_ADDRESS = 1, IFLA_IFNAME = 3, IFLA_MTU = 4, IFLA_LINK = 5, IFLA_MASTER = 10, IFLA_WIRELESS = 11,
        IFLA_LINKINFO = 18, IFLA_IFALIAS = 20, IFLA_STATS64 = 23, IFLA_AF_SPEC = 26, IFLA_NET_NS_FD = 28;
    public const ushort IFLA_INFO_KIND = 1, IFLA_INFO_DATA = 2, IFLA_INET6_ADDR_GEN_MODE = 8, VETH_INFO_PEER = 1;

    // Addresses.
    public const ushort IFA_ADDRESS = 1, IFA_LOCAL = 2, IFA_FLAGS = 8;

    // Routes.
    public const ushort RTA_DST = 1, RTA_OIF = 4, RTA_GATEWAY = 5, RTA_PRIORITY = 6, RTA_PREFSRC = 7, RTA_MULTIPATH = 9,
        RTA_TABLE = 15, RTA_VIA = 18;
    public const byte RT_TABLE_MAIN = 254;
    public const uint RTM_F_CLONED = 0x200;
    public const byte RTNH_F_ONLINK = 4;

    // Neighbors.
    public const ushort NDA_DST = 1, NDA_LLADDR = 2;
    public const byte NTF_USE = 1, NTF_PROXY = 8;

    /// <summary>Rounds up to the boundary of 4 on which messages and attributes start.</summary>
    public static int Align(int length) => (length + 3) & ~3;
}
