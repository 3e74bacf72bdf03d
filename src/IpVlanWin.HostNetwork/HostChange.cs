namespace IpVlanWin.HostNetwork;

/// <summary>What happened to a thing.</summary>
public enum ChangeKind
{
    /// <summary>It is new.</summary>
    Added,

    /// <summary>It has the same identity and other contents.</summary>
    Changed,

    /// <summary>It is gone; the change carries what was known last.</summary>
    Removed,
}

/// <summary>One change of the host's network.</summary>
/// <param name="Kind">What happened.</param>
public abstract record HostChange(ChangeKind Kind);

/// <summary>A link came, changed or went.</summary>
/// <param name="Kind">What happened.</param>
/// <param name="Link">The link as it is now, or as it was when removed.</param>
public sealed record LinkChange(ChangeKind Kind, HostLink Link) : HostChange(Kind);

/// <summary>An address came, changed or went.</summary>
/// <param name="Kind">What happened.</param>
/// <param name="Address">The address as it is now, or as it was when removed.</param>
public sealed record AddressChange(ChangeKind Kind, HostAddress Address) : HostChange(Kind);

/// <summary>A route of the main table came or went.</summary>
/// <param name="Kind">What happened.</param>
/// <param name="Route">The route.</param>
public sealed record RouteChange(ChangeKind Kind, HostRoute Route) : HostChange(Kind);

/// <summary>A neighbor came, changed or went.</summary>
/// <param name="Kind">What happened.</param>
/// <param name="Neighbor">The neighbor as it is now, or as it was when removed.</param>
public sealed record NeighborChange(ChangeKind Kind, HostNeighbor Neighbor) : HostChange(Kind);
