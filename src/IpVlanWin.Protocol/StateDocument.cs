using System.Text.Json.Serialization;

namespace IpVlanWin.Protocol;

/// <summary>The desired state as one document: what state.export gives and state.import takes. A list that is left out is empty.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record StateDocument
{
    /// <summary>The schema this build writes and reads.</summary>
    public const int CurrentSchema = 1;

    /// <summary>Its schema.</summary>
    public int Schema { get; init; }

    /// <summary>The ports.</summary>
    public IReadOnlyList<PortEntry> Ports { get; init => field = value ?? []; } = [];
}

/// <summary>A port of a <see cref="StateDocument"/>.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record PortEntry
{
    /// <summary>The master's name.</summary>
    public string? Master { get; init; }

    /// <summary>l2, l3 or l3s.</summary>
    public string? Mode { get; init; }

    /// <summary>bridge, private or vepa.</summary>
    public string? Flag { get; init; }

    /// <summary>auto, filter, windivert, linux or memory.</summary>
    public string? Datapath { get; init; }

    /// <summary>Its interfaces.</summary>
    public IReadOnlyList<InterfaceEntry> Interfaces { get; init => field = value ?? []; } = [];
}

/// <summary>An interface of a <see cref="StateDocument"/>.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record InterfaceEntry
{
    /// <summary>Its name.</summary>
    public string? Name { get; init; }

    /// <summary>Where its stack lives; null for the host's.</summary>
    public string? Namespace { get; init; }

    /// <summary>MTU in bytes of IP packet; null follows the master.</summary>
    public int? Mtu { get; init; }

    /// <summary>up or down.</summary>
    public string? Admin { get; init; }

    /// <summary>Addresses with prefix lengths.</summary>
    public IReadOnlyList<string> Addresses { get; init => field = value ?? []; } = [];

    /// <summary>Multicast groups it joins beside those of its stack, as MAC addresses; null for none.</summary>
    public IReadOnlyList<string>? Multicast { get; init; }
}
