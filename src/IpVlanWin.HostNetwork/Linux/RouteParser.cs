using System.Net;
using System.Net.NetworkInformation;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace IpVlanWin.HostNetwork.Linux;

/// <summary>What became of a message.</summary>
internal enum ParseResult
{
    /// <summary>It was understood.</summary>
    Parsed,

    /// <summary>It is well formed and about something this room does not show.</summary>
    Foreign,

    /// <summary>It is too short or contradicts itself.</summary>
    Malformed,
}

/// <summary>Reads rtnetlink messages into the shared records. Total: every input gives one of <see cref="ParseResult"/>.</summary>
internal static class RouteParser
{
    /// <summary>RTM_NEWLINK and RTM_DELLINK (struct ifinfomsg).</summary>
    public static ParseResult Link(ReadOnlySpan<byte> payload, out HostLink? link)
    {
        link = null;
        if (!MemoryMarshal.TryRead(payload, out IfInfoMsg body)) return ParseResult.Malformed;
        // A bridge announces its ports under its own family, with half of the attributes.
        if (body.Family != Rtnl.AF_UNSPEC) return ParseResult.Foreign;
        string? name = null, kind = null, alias = null;
        var mac = PhysicalAddress.None;
        uint mtu = 0, master = 0, peer = 0;
        var attributes = new AttributeReader(payload[Unsafe.SizeOf<IfInfoMsg>()..]);
        while (attributes.Next())
        {
            switch (attributes.Type)
            {
                case Rtnl.IFLA_IFNAME: name = attributes.Text(); break;
                case Rtnl.IFLA_IFALIAS: alias = attributes.Text(); break;
                case Rtnl.IFLA_ADDRESS: mac = new PhysicalAddress(attributes.Value.ToArray()); break;
                case Rtnl.IFLA_MTU when !attributes.TryUInt32(out mtu): return ParseResult.Malformed;
                case Rtnl.IFLA_MASTER when !attributes.TryUInt32(out master): return ParseResult.Malformed;
                case Rtnl.IFLA_LINK when !attributes.TryUInt32(out peer): return ParseResult.Malformed;
                // A wireless event, not the link's state.
                case Rtnl.IFLA_WIRELESS: return ParseResult.Foreign;
                case Rtnl.IFLA_LINKINFO:
                    var info = new AttributeReader(attributes.Value);
                    while (info.Next())
                    {
                        if (info.Type == Rtnl.IFLA_INFO_KIND) kind = info.Text();
                    }
                    if (info.IsMalformed) return ParseResult.Malformed;
                    break;
                default: break;
            }
        }
        if (attributes.IsMalformed || body.Index <= 0 || string.IsNullOrEmpty(name)) return ParseResult.Malformed;
        link = new HostLink
        {
            Index = body.Index,
            Name = name,
            Kind = kind,
            Alias = alias,
            Mac = mac,
            IpMtu = (int)Math.Min(mtu, int.MaxValue),
            Flags = (LinkFlags)body.Flags & KnownFlags,
            MasterIndex = (int)master,
            PeerIndex = (int)peer,
        };
        return ParseResult.Parsed;
    }

    /// <summary>The counters of an RTM_NEWLINK: received without multicast, and sent. False where the message is malformed.</summary>
    public static bool TryCountUnicast(ReadOnlySpan<byte> payload, out long? count)
    {
        // struct rtnl_link_stats64: 64-bit counters, the first two and the ninth.
        const int Received = 0, Sent = 8, Multicast = 64;
        count = null;
        if (payload.Length < Unsafe.SizeOf<IfInfoMsg>()) return false;
        var attributes = new AttributeReader(payload[Unsafe.SizeOf<IfInfoMsg>()..]);
        while (attributes.Next())
        {
            if (attributes.Type != Rtnl.IFLA_STATS64) continue;
            if (attributes.Value.Length < Multicast + sizeof(long)) return false;
            count = MemoryMarshal.Read<long>(attributes.Value[Received..]) + MemoryMarshal.Read<long>(attributes.Value[Sent..]) - MemoryMarshal.Read<long>(attributes.Value[Multicast..]);
        }
        return !attributes.IsMalformed;
    }

    private const LinkFlags KnownFlags = LinkFlags.Up | LinkFlags.Broadcast | LinkFlags.Loopback | LinkFlags.PointToPoint | LinkFlags.Running
        | LinkFlags.NoArp | LinkFlags.Promiscuous | LinkFlags.AllMulticast | LinkFlags.Multicast | LinkFlags.LowerUp;

    /// <summary>RTM_NEWADDR and RTM_DELADDR (struct ifaddrmsg).</summary>
    public static ParseResult Address(ReadOnlySpan<byte> payload, out HostAddress? address)
    {
        address = null;
        if (!MemoryMarshal.TryRead(payload, out IfAddrMsg body)) return ParseResult.Malformed;
        var bytes = AddressBytes(body.Family);
        if (bytes == 0) return ParseResult.Foreign;
        IPAddress? local = null, remote = null;
        uint flags = body.Flags;
        var attributes = new AttributeReader(payload[Unsafe.SizeOf<IfAddrMsg>()..]);
        while (attributes.Next())
        {
            switch (attributes.Type)
            {
                // On a point-to-point link IFA_ADDRESS is the far end and IFA_LOCAL the near one; elsewhere they are equal.
                case Rtnl.IFA_LOCAL when !TryAddress(attributes.Value, bytes, out local): return ParseResult.Malformed;
                case Rtnl.IFA_ADDRESS when !TryAddress(attributes.Value, bytes, out remote): return ParseResult.Malformed;
                case Rtnl.IFA_FLAGS when !attributes.TryUInt32(out flags): return ParseResult.Malformed;
                default: break;
            }
        }
        local ??= remote;
        if (attributes.IsMalformed || local is null || body.Index <= 0 || body.PrefixLength > bytes * 8) return ParseResult.Malformed;
        address = new HostAddress(body.Index, local, body.PrefixLength, (AddressScope)body.Scope, (AddressFlags)flags & KnownAddressFlags);
        return ParseResult.Parsed;
    }

    private const AddressFlags KnownAddressFlags = AddressFlags.Secondary | AddressFlags.NoDad | AddressFlags.Optimistic | AddressFlags.DadFailed
        | AddressFlags.Deprecated | AddressFlags.Tentative | AddressFlags.Permanent | AddressFlags.NoPrefixRoute;

    /// <summary>RTM_NEWNEIGH and RTM_DELNEIGH (struct ndmsg).</summary>
    public static ParseResult Neighbor(ReadOnlySpan<byte> payload, out HostNeighbor? neighbor)
    {
        neighbor = null;
        if (!MemoryMarshal.TryRead(payload, out NdMsg body)) return ParseResult.Malformed;
        var bytes = AddressBytes(body.Family);
        if (bytes == 0 || (body.Flags & Rtnl.NTF_PROXY) != 0) return ParseResult.Foreign;
        IPAddress? address = null;
        PhysicalAddress? mac = null;
        var attributes = new AttributeReader(payload[Unsafe.SizeOf<NdMsg>()..]);
        while (attributes.Next())
        {
            switch (attributes.Type)
            {
                case Rtnl.NDA_DST when !TryAddress(attributes.Value, bytes, out address): return ParseResult.Malformed;
                case Rtnl.NDA_LLADDR when attributes.Value.Length > 0: mac = new PhysicalAddress(attributes.Value.ToArray()); break;
                default: break;
            }
        }
        if (attributes.IsMalformed || address is null || body.Index <= 0) return ParseResult.Malformed;
        neighbor = new HostNeighbor(body.Index, address, mac, (NeighborState)body.State);
        return ParseResult.Parsed;
    }

    /// <summary>
    /// True for the neighbors that are shown: the kernel creates those without resolution (multicast) unannounced, so a
    /// mirror of them could not be kept.
    /// </summary>
    public static bool IsShown(HostNeighbor neighbor) => (neighbor.State & ~NeighborState.NoArp) != NeighborState.None;

    /// <summary>RTM_NEWROUTE and RTM_DELROUTE (struct rtmsg): adds one route for each next hop.</summary>
    public static ParseResult Routes(ReadOnlySpan<byte> payload, List<HostRoute> routes)
    {
        if (!MemoryMarshal.TryRead(payload, out RtMsg body)) return ParseResult.Malformed;
        var bytes = AddressBytes(body.Family);
        if (bytes == 0) return ParseResult.Foreign;
        IPAddress? destination = null, gateway = null, source = null;
        uint link = 0, metric = 0, table = body.Table;
        ReadOnlySpan<byte> hops = default;
        var attributes = new AttributeReader(payload[Unsafe.SizeOf<RtMsg>()..]);
        while (attributes.Next())
        {
            switch (attributes.Type)
            {
                case Rtnl.RTA_DST when !TryAddress(attributes.Value, bytes, out destination): return ParseResult.Malformed;
                case Rtnl.RTA_GATEWAY when !TryAddress(attributes.Value, bytes, out gateway): return ParseResult.Malformed;
                case Rtnl.RTA_VIA when !TryVia(attributes.Value, out gateway): return ParseResult.Malformed;
                case Rtnl.RTA_PREFSRC when !TryAddress(attributes.Value, bytes, out source): return ParseResult.Malformed;
                case Rtnl.RTA_OIF when !attributes.TryUInt32(out link): return ParseResult.Malformed;
                case Rtnl.RTA_PRIORITY when !attributes.TryUInt32(out metric): return ParseResult.Malformed;
                case Rtnl.RTA_TABLE when !attributes.TryUInt32(out table): return ParseResult.Malformed;
                case Rtnl.RTA_MULTIPATH: hops = attributes.Value; break;
                default: break;
            }
        }
        if (attributes.IsMalformed || body.DestinationLength > bytes * 8) return ParseResult.Malformed;
        if (table != Rtnl.RT_TABLE_MAIN || (body.Flags & Rtnl.RTM_F_CLONED) != 0 || body.Tos != 0 || body.SourceLength != 0) return ParseResult.Foreign;

        destination ??= body.Family == Rtnl.AF_INET ? IPAddress.Any : IPAddress.IPv6Any;
        var kind = (RouteKind)body.Type;
        // The kernel shows IPv6 routes that lead nowhere as if through the loopback.
        if (kind is RouteKind.Blackhole or RouteKind.Unreachable or RouteKind.Prohibit or RouteKind.Throw) (link, gateway) = (0, null);
        var route = new HostRoute
        {
            Destination = Prefix(destination, body.DestinationLength),
            Kind = kind,
            LinkIndex = (int)link,
            Gateway = gateway,
            Metric = metric,
            Protocol = body.Protocol,
            PreferredSource = source,
            OnLink = (body.Flags & Rtnl.RTNH_F_ONLINK) != 0,
        };
        if (!hops.IsEmpty) return NextHops(hops, bytes, route, routes);
        routes.Add(route);
        return ParseResult.Parsed;
    }

    private static ParseResult NextHops(ReadOnlySpan<byte> hops, int bytes, HostRoute route, List<HostRoute> routes)
    {
        while (!hops.IsEmpty)
        {
            if (!MemoryMarshal.TryRead(hops, out RtNextHop hop) || hop.Length < Unsafe.SizeOf<RtNextHop>() || hop.Length > hops.Length) return ParseResult.Malformed;
            IPAddress? gateway = null;
            var attributes = new AttributeReader(hops[Unsafe.SizeOf<RtNextHop>()..hop.Length]);
            while (attributes.Next())
            {
                switch (attributes.Type)
                {
                    case Rtnl.RTA_GATEWAY when !TryAddress(attributes.Value, bytes, out gateway): return ParseResult.Malformed;
                    case Rtnl.RTA_VIA when !TryVia(attributes.Value, out gateway): return ParseResult.Malformed;
                    default: break;
                }
            }
            if (attributes.IsMalformed) return ParseResult.Malformed;
            routes.Add(route with { LinkIndex = hop.Index, Gateway = gateway, OnLink = (hop.Flags & Rtnl.RTNH_F_ONLINK) != 0 });
            hops = hops[Math.Min(Rtnl.Align(hop.Length), hops.Length)..];
        }
        return ParseResult.Parsed;
    }

    /// <summary>The prefix of an address: bits beyond the length are cleared.</summary>
    public static IPNetwork Prefix(IPAddress address, int length)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out var count);
        for (var i = 0; i < count; i++)
        {
            var keep = Math.Clamp(length - i * 8, 0, 8);
            bytes[i] &= (byte)(0xFF00 >> keep);
        }
        return new IPNetwork(new IPAddress(bytes[..count]), length);
    }

    private static int AddressBytes(byte family) => family switch
    {
        Rtnl.AF_INET => 4,
        Rtnl.AF_INET6 => 16,
        _ => 0,
    };

    private static bool TryAddress(ReadOnlySpan<byte> value, int bytes, out IPAddress? address)
    {
        address = value.Length == bytes ? new IPAddress(value) : null;
        return address is not null;
    }

    private static bool TryVia(ReadOnlySpan<byte> value, out IPAddress? address)
    {
        address = null;
        return MemoryMarshal.TryRead(value, out ushort family)
            && AddressBytes((byte)Math.Min(family, byte.MaxValue)) is var bytes and not 0
            && TryAddress(value[2..], bytes, out address);
    }
}
