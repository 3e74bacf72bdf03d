using System.Net.Sockets;
using IpVlanWin.HostNetwork.Windows;

namespace IpVlanWin.HostNetwork;

/// <summary>What the IP layer of one family holds about an adapter (MIB_IPINTERFACE_ROW).</summary>
/// <param name="LinkIndex">The adapter.</param>
/// <param name="Family">IPv4 or IPv6.</param>
/// <param name="Forwarding">Packets for others that arrive here are routed on.</param>
/// <param name="WeakHostSend">Packets with a source address of another adapter may leave here.</param>
/// <param name="WeakHostReceive">Packets for an address of another adapter are taken here.</param>
/// <param name="Metric">What is added to the metric of its routes; null when the system chooses it by the speed.</param>
/// <param name="IpMtu">The largest IP packet in bytes.</param>
/// <param name="DadTransmits">Probes for duplicate addresses; 0 makes an address usable at once (RFC 4862 section 5.1).</param>
/// <param name="IgnoreDefaultRoutes">Default routes over it are not used.</param>
public sealed record IpInterfaceSettings(int LinkIndex, AddressFamily Family, bool Forwarding, bool WeakHostSend, bool WeakHostReceive, uint? Metric, int IpMtu,
    int DadTransmits, bool IgnoreDefaultRoutes)
{
    internal static IpInterfaceSettings From(in MibIpInterfaceRow row) => new(
        (int)row.InterfaceIndex,
        row.Family == SockAddrInet.V4 ? AddressFamily.InterNetwork : AddressFamily.InterNetworkV6,
        row.ForwardingEnabled != 0,
        row.WeakHostSend != 0,
        row.WeakHostReceive != 0,
        row.UseAutomaticMetric != 0 ? null : row.Metric,
        Rows.Clamp(row.NlMtu),
        Rows.Clamp(row.DadTransmits),
        row.DisableDefaultRoutes != 0);
}

/// <summary>A change of <see cref="IpInterfaceSettings"/>; what is null stays as it is.</summary>
public sealed record IpInterfaceChange
{
    /// <summary><see cref="IpInterfaceSettings.Forwarding"/>.</summary>
    public bool? Forwarding { get; init; }

    /// <summary><see cref="IpInterfaceSettings.WeakHostSend"/>.</summary>
    public bool? WeakHostSend { get; init; }

    /// <summary><see cref="IpInterfaceSettings.WeakHostReceive"/>.</summary>
    public bool? WeakHostReceive { get; init; }

    /// <summary><see cref="IpInterfaceSettings.Metric"/>: 1 or more; 0 lets the system choose.</summary>
    public uint? Metric { get; init; }

    /// <summary><see cref="IpInterfaceSettings.IpMtu"/>.</summary>
    public int? IpMtu { get; init; }

    /// <summary><see cref="IpInterfaceSettings.DadTransmits"/>.</summary>
    public int? DadTransmits { get; init; }

    /// <summary><see cref="IpInterfaceSettings.IgnoreDefaultRoutes"/>.</summary>
    public bool? IgnoreDefaultRoutes { get; init; }

    /// <summary>The change that undoes this one.</summary>
    /// <param name="before">The settings before it.</param>
    public IpInterfaceChange Reverse(IpInterfaceSettings before)
    {
        ArgumentNullException.ThrowIfNull(before);
        return new IpInterfaceChange
        {
            Forwarding = Forwarding is null ? null : before.Forwarding,
            WeakHostSend = WeakHostSend is null ? null : before.WeakHostSend,
            WeakHostReceive = WeakHostReceive is null ? null : before.WeakHostReceive,
            Metric = Metric is null ? null : before.Metric ?? 0,
            IpMtu = IpMtu is null ? null : before.IpMtu,
            DadTransmits = DadTransmits is null ? null : before.DadTransmits,
            IgnoreDefaultRoutes = IgnoreDefaultRoutes is null ? null : before.IgnoreDefaultRoutes,
        };
    }

    /// <summary>Both changes; where they differ, the other's.</summary>
    /// <param name="other">The other.</param>
    public IpInterfaceChange With(IpInterfaceChange other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return new IpInterfaceChange
        {
            Forwarding = other.Forwarding ?? Forwarding,
            WeakHostSend = other.WeakHostSend ?? WeakHostSend,
            WeakHostReceive = other.WeakHostReceive ?? WeakHostReceive,
            Metric = other.Metric ?? Metric,
            IpMtu = other.IpMtu ?? IpMtu,
            DadTransmits = other.DadTransmits ?? DadTransmits,
            IgnoreDefaultRoutes = other.IgnoreDefaultRoutes ?? IgnoreDefaultRoutes,
        };
    }

    internal void ApplyTo(ref MibIpInterfaceRow row)
    {
        // Reading gives an IPv4 entry a site prefix length that writing then refuses.
        if (row.Family == SockAddrInet.V4) row.SitePrefixLength = 0;
        if (Forwarding is { } forwarding) row.ForwardingEnabled = Byte(forwarding);
        if (WeakHostSend is { } send) row.WeakHostSend = Byte(send);
        if (WeakHostReceive is { } receive) row.WeakHostReceive = Byte(receive);
        if (Metric is { } metric)
        {
            row.UseAutomaticMetric = Byte(metric == 0);
            if (metric != 0) row.Metric = metric;
        }
        if (IpMtu is { } mtu) row.NlMtu = (uint)mtu;
        if (DadTransmits is { } transmits) row.DadTransmits = (uint)transmits;
        if (IgnoreDefaultRoutes is { } ignore) row.DisableDefaultRoutes = Byte(ignore);
    }

    /// <summary>The first setting that is not as this change wants it, or null.</summary>
    /// <param name="now">The settings now.</param>
    public string? FirstDifference(IpInterfaceSettings now)
    {
        ArgumentNullException.ThrowIfNull(now);
        if (Forwarding is { } forwarding && now.Forwarding != forwarding) return nameof(Forwarding);
        if (WeakHostSend is { } send && now.WeakHostSend != send) return nameof(WeakHostSend);
        if (WeakHostReceive is { } receive && now.WeakHostReceive != receive) return nameof(WeakHostReceive);
        if (Metric is { } metric && (now.Metric ?? 0) != metric) return nameof(Metric);
        if (IpMtu is { } mtu && now.IpMtu != mtu) return nameof(IpMtu);
        if (DadTransmits is { } transmits && now.DadTransmits != transmits) return nameof(DadTransmits);
        return IgnoreDefaultRoutes is { } ignore && now.IgnoreDefaultRoutes != ignore ? nameof(IgnoreDefaultRoutes) : null;
    }

    private static byte Byte(bool value) => value ? (byte)1 : (byte)0;
}
