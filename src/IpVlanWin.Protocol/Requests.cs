using System.Text.Json.Serialization;

namespace IpVlanWin.Protocol;

/// <summary>Asks for a part of a list.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record ListQuery
{
    /// <summary>Most items of one answer: 1 to 1000; null for 100. Fewer may come although more are there.</summary>
    public int? Limit { get; init; }

    /// <summary>The cursor of the answer before; null for the first.</summary>
    public string? Cursor { get; init; }

    /// <summary>Only what belongs to this master.</summary>
    public string? Master { get; init; }

    /// <summary>Only what belongs to this interface.</summary>
    public string? Interface { get; init; }
}

/// <summary>Names a port.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record PortName
{
    /// <summary>The master: its name or index.</summary>
    public string? Master { get; init; }
}

/// <summary>Changes a port; what is null stays.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record PortChange
{
    /// <summary>The master: its name or index.</summary>
    public string? Master { get; init; }

    /// <summary>l2, l3 or l3s.</summary>
    public string? Mode { get; init; }

    /// <summary>bridge, private or vepa.</summary>
    public string? Flag { get; init; }

    /// <summary>auto, filter, windivert, linux or memory.</summary>
    public string? Datapath { get; init; }

    /// <summary>Refuse unless the port is at this version.</summary>
    public long? Version { get; init; }
}

/// <summary>An interface to be made. The first one makes the port.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record InterfaceSpec
{
    /// <summary>The master: name or index of an adapter, or an interface of ours, which means that one's master.</summary>
    public string? Master { get; init; }

    /// <summary>Its name, unique in the service: 1 to 15 characters without '/', ':' and white space.</summary>
    public string? Name { get; init; }

    /// <summary>Where its stack lives; null for the host's.</summary>
    public string? Namespace { get; init; }

    /// <summary>MTU in bytes of IP packet, 68 to the master's; null follows the master.</summary>
    public int? Mtu { get; init; }

    /// <summary>up or down; null for down.</summary>
    public string? Admin { get; init; }

    /// <summary>Mode of the whole port; null keeps it.</summary>
    public string? Mode { get; init; }

    /// <summary>Flag of the whole port; null keeps it.</summary>
    public string? Flag { get; init; }

    /// <summary>Data path of a port that is made by this; null for auto.</summary>
    public string? Datapath { get; init; }

    /// <summary>Addresses with prefix lengths.</summary>
    public IReadOnlyList<string>? Addresses { get; init; }
}

/// <summary>Names an interface.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record InterfaceName
{
    /// <summary>The interface.</summary>
    public string? Name { get; init; }

    /// <summary>Refuse unless the interface is at this version. Not looked at where nothing changes.</summary>
    public long? Version { get; init; }
}

/// <summary>Changes an interface; what is null stays.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record InterfaceChange
{
    /// <summary>The interface.</summary>
    public string? Name { get; init; }

    /// <summary>Its new name.</summary>
    public string? NewName { get; init; }

    /// <summary>Its new namespace; empty for the host's.</summary>
    public string? Namespace { get; init; }

    /// <summary>MTU in bytes of IP packet, 68 to the master's.</summary>
    public int? Mtu { get; init; }

    /// <summary>up or down.</summary>
    public string? Admin { get; init; }

    /// <summary>Always refused (mac-not-settable): every interface has its master's.</summary>
    public string? Mac { get; init; }

    /// <summary>Refuse unless the interface is at this version.</summary>
    public long? Version { get; init; }
}

/// <summary>An address to be added or removed.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record AddressSpec
{
    /// <summary>The interface.</summary>
    public string? Interface { get; init; }

    /// <summary>Address and prefix length, such as 10.0.0.2/24; without a length the whole address is the prefix.</summary>
    public string? Prefix { get; init; }
}

/// <summary>A multicast membership to be added or removed.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record GroupSpec
{
    /// <summary>The interface.</summary>
    public string? Interface { get; init; }

    /// <summary>The group's MAC address, such as 01:00:5e:00:00:fb or 33:33:00:00:00:fb.</summary>
    public string? Group { get; init; }
}

/// <summary>Asks for the next piece of the state's document.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record ExportQuery
{
    /// <summary>The cursor of the piece before; null for the first.</summary>
    public string? Cursor { get; init; }
}

/// <summary>A piece of a state's document; all pieces are applied at once with the last.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record ImportPiece
{
    /// <summary>The text.</summary>
    public string? Text { get; init; }

    /// <summary>True for the first piece: what came before is forgotten.</summary>
    public bool IsFirst { get; init; }

    /// <summary>True for the last piece: the document replaces the state.</summary>
    public bool IsLast { get; init; }
}

/// <summary>Names nothing.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record NoArguments;

/// <summary>Names a request that is to be cancelled.</summary>
public sealed record CancelRequest
{
    /// <summary>The request's number.</summary>
    public long Id { get; init; }
}
