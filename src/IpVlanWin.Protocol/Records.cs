namespace IpVlanWin.Protocol;

/// <summary>A port as it is: what was asked for and what became of it.</summary>
public sealed record PortRecord
{
    /// <summary>The master's name.</summary>
    public string Master { get; init; } = "";

    /// <summary>l2, l3 or l3s.</summary>
    public string Mode { get; init; } = "l3";

    /// <summary>bridge, private or vepa.</summary>
    public string Flag { get; init; } = "bridge";

    /// <summary>The data path that was asked for: auto, filter, windivert, linux or memory.</summary>
    public string Datapath { get; init; } = "auto";

    /// <summary>The data path that auto came to.</summary>
    public string ResolvedDatapath { get; init; } = "";

    /// <summary>up, down, pending (not made yet) or error.</summary>
    public string State { get; init; } = "pending";

    /// <summary>Why the state is pending or error; else null.</summary>
    public string? Reason { get; init; }

    /// <summary>The MAC that all its interfaces share; null until the data path runs.</summary>
    public string? Mac { get; init; }

    /// <summary>The master's MTU in bytes of IP packet; null until the data path runs.</summary>
    public int? Mtu { get; init; }

    /// <summary>Number of its interfaces.</summary>
    public int InterfaceCount { get; init; }

    /// <summary>
    /// Packets that were lost before the data path saw them, because the system's queue for it was full, at most, since it was started. They
    /// are of all interfaces together; ipvlan.frames.dropped tells them with the reason device-queue-full.
    /// </summary>
    public long LostPackets { get; init; }

    /// <summary>Grows with every change of the port.</summary>
    public long Version { get; init; }
}

/// <summary>An interface as it is: what was asked for and what became of it.</summary>
public sealed record InterfaceRecord
{
    /// <summary>Its number: stays through a change of name and is never used again.</summary>
    public long Index { get; init; }

    /// <summary>Its name, unique in the service.</summary>
    public string Name { get; init; } = "";

    /// <summary>The port's master.</summary>
    public string Port { get; init; } = "";

    /// <summary>Where its stack lives; null for the host's.</summary>
    public string? Namespace { get; init; }

    /// <summary>MTU in bytes of IP packet; null where it is not known yet.</summary>
    public int? Mtu { get; init; }

    /// <summary>The MTU was set here; else it follows the master's.</summary>
    public bool HasOwnMtu { get; init; }

    /// <summary>up or down, as it was asked for.</summary>
    public string Admin { get; init; } = "down";

    /// <summary>up, down, pending or error.</summary>
    public string State { get; init; } = "pending";

    /// <summary>Why the state is pending or error; else null.</summary>
    public string? Reason { get; init; }

    /// <summary>The Windows adapter that stands for it, or null.</summary>
    public string? StandIn { get; init; }

    /// <summary>Its addresses, in the order they were added.</summary>
    public IReadOnlyList<AddressRecord> Addresses { get; init; } = [];

    /// <summary>The multicast groups it is a member of, as MAC addresses.</summary>
    public IReadOnlyList<string> Multicast { get; init; } = [];

    /// <summary>The multicast groups that it was told to join (multicast.add), beside those of its stack.</summary>
    public IReadOnlyList<string> StaticMulticast { get; init; } = [];

    /// <summary>Grows with every change of the interface.</summary>
    public long Version { get; init; }
}

/// <summary>An address of an interface.</summary>
public sealed record AddressRecord
{
    /// <summary>Address and prefix length, such as 10.0.0.2/24.</summary>
    public string Prefix { get; init; } = "";

    /// <summary>Its interface.</summary>
    public string Interface { get; init; } = "";

    /// <summary>tentative, preferred, duplicate or removed.</summary>
    public string State { get; init; } = "tentative";
}

/// <summary>Counters of an interface since they were last reset (or since it was made).</summary>
public sealed record StatisticsRecord
{
    /// <summary>The interface.</summary>
    public string Interface { get; init; } = "";

    /// <summary>Frames handed up.</summary>
    public long RxPackets { get; init; }

    /// <summary>Bytes handed up, Ethernet header included.</summary>
    public long RxBytes { get; init; }

    /// <summary>Frames handed up as copies of a flooded one.</summary>
    public long Multicast { get; init; }

    /// <summary>Frames too long to be handed up.</summary>
    public long RxErrors { get; init; }

    /// <summary>Frames sent.</summary>
    public long TxPackets { get; init; }

    /// <summary>Bytes sent, Ethernet header included.</summary>
    public long TxBytes { get; init; }

    /// <summary>Frames the port refused to carry.</summary>
    public long TxDropped { get; init; }

    /// <summary>Frames that went nowhere, by reason; reasons without any are left out.</summary>
    public IReadOnlyDictionary<string, long> Drops { get; init; } = new Dictionary<string, long>();
}

/// <summary>What the service is.</summary>
public sealed record ServiceRecord
{
    /// <summary>Its version.</summary>
    public string Version { get; init; } = "";

    /// <summary>Its process.</summary>
    public int ProcessId { get; init; }

    /// <summary>Version of the stored state's schema.</summary>
    public int Schema { get; init; }

    /// <summary>Version of the state: grows with every change.</summary>
    public long StateVersion { get; init; }

    /// <summary>Number of ports.</summary>
    public int Ports { get; init; }

    /// <summary>Number of interfaces.</summary>
    public int Interfaces { get; init; }

    /// <summary>Differences from the desired state that the last full check found and mended.</summary>
    public int Drift { get; init; }

    /// <summary>What happened to the stored state at start, in one sentence, or null if it was as it should be.</summary>
    public string? Recovery { get; init; }
}
