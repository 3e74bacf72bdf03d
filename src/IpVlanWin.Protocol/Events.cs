using System.Text.Json.Serialization;

namespace IpVlanWin.Protocol;

/// <summary>What a subscriber wants to hear of. Nobody is told anything unasked.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record SubscribeSpec
{
    /// <summary>Interfaces that come, change and go.</summary>
    public bool Interfaces { get; init; }

    /// <summary>Ports that come, change and go.</summary>
    public bool Ports { get; init; }

    /// <summary>Statistics of all interfaces every so many seconds, 1 to 3600; null for none.</summary>
    public int? StatisticsSeconds { get; init; }
}

/// <summary>From now on the subscriber is told.</summary>
public sealed record SubscribeReply
{
    /// <summary>The state's version when it began: a list that is asked for after this misses nothing.</summary>
    public long Version { get; init; }
}

/// <summary>Something that a subscriber is told.</summary>
public abstract record ControlEvent
{
    /// <summary>Value of <see cref="InterfaceEvent.Change"/> and <see cref="PortEvent.Change"/>: it was not there before.</summary>
    public const string Added = "added";

    /// <summary>It was there before and is different now, perhaps by name.</summary>
    public const string Changed = "changed";

    /// <summary>It is gone; the record is the last one known.</summary>
    public const string Removed = "removed";
}

/// <summary>interface.changed: what should be or what is has changed.</summary>
public sealed record InterfaceEvent : ControlEvent
{
    /// <summary>added, changed or removed.</summary>
    public string Change { get; init; } = "";

    /// <summary>The interface as it is now; <see cref="InterfaceRecord.Index"/> tells which one it was before.</summary>
    public InterfaceRecord Interface { get; init; } = new();
}

/// <summary>port.changed: what should be or what is has changed.</summary>
public sealed record PortEvent : ControlEvent
{
    /// <summary>added, changed or removed.</summary>
    public string Change { get; init; } = "";

    /// <summary>The port as it is now.</summary>
    public PortRecord Port { get; init; } = new();
}

/// <summary>statistics: counters of all interfaces, in as many messages as they need.</summary>
public sealed record StatisticsEvent : ControlEvent
{
    /// <summary>Some of the interfaces, in order of their names.</summary>
    public IReadOnlyList<StatisticsRecord> Items { get; init; } = [];
}

/// <summary>events.lost: the subscriber reads too slowly, and events had to be left out. List again to know what is.</summary>
public sealed record LostEvent : ControlEvent
{
    /// <summary>How many were left out since the last event.</summary>
    public long Count { get; init; }
}
