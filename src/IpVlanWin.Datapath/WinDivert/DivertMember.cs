using System.Collections.Immutable;
using System.Net;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Wire;
using IpVlanWin.HostNetwork;

namespace IpVlanWin.Datapath.WinDivert;

/// <summary>An interface and its stand-in. Changed under the data path's lock; the sets are read by any thread.</summary>
internal sealed class DivertMember(VirtualInterface inPort, string? namespaceName, StandInMark mark, StandInLink standIn, long order)
{
    private volatile ImmutableHashSet<L3Address> _placed = [];
    private volatile ImmutableHashSet<L3Address> _duplicates = [];
    private volatile string? _fault;

    public VirtualInterface Interface { get; } = inPort;

    public string? Namespace { get; } = namespaceName;

    public long Order { get; } = order;

    public StandInMark Mark { get; set; } = mark;

    public StandInLink StandIn { get; set; } = standIn;

    public bool IsForwarded => Mark.Kind == StandInKind.VSwitch;

    /// <summary>In use: on the host, and the master answers for them.</summary>
    public ImmutableHashSet<L3Address> Placed
    {
        get => _placed;
        set => _placed = value;
    }

    /// <summary>Somebody on the wire has them.</summary>
    public ImmutableHashSet<L3Address> Duplicates
    {
        get => _duplicates;
        set => _duplicates = value;
    }

    /// <summary>On the host, perhaps in part: what must come off it.</summary>
    public HashSet<L3Address> OnHost { get; } = [];

    /// <summary>Nobody on the wire has them.</summary>
    public HashSet<L3Address> Confirmed { get; } = [];

    /// <summary>Its stand-in's settings were made as they should be.</summary>
    public bool IsSet { get; set; }

    /// <summary>The firewall's profile of its stand-in, once it is known.</summary>
    public string? FirewallProfile { get; set; }

    /// <summary>Why it is not as it should be, or null.</summary>
    public string? Fault
    {
        get => _fault;
        set => _fault = value;
    }

    /// <summary>The host's end of a vSwitch stand-in: link-local, one for each.</summary>
    public IPAddress GatewayFour => new([169, 254, (byte)(1 + (Interface.Id / 250 % 250)), (byte)(1 + (Interface.Id % 250))]);

    /// <summary>The same for IPv6: link-local addresses need not differ between links.</summary>
    public static IPAddress GatewaySix { get; } = IPAddress.Parse("fe80::1");
}
