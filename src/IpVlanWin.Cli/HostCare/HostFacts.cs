using IpVlanWin.Protocol;

namespace IpVlanWin.Cli.HostCare;

/// <summary>What `ipvlan doctor` looks at; null where this system has no such thing.</summary>
internal sealed record HostFacts
{
    /// <summary>Linux or Windows.</summary>
    public required bool IsLinux { get; init; }

    /// <summary>Version of the kernel, or of Windows.</summary>
    public required Version SystemVersion { get; init; }

    /// <summary>Processor architecture of the system, such as X64.</summary>
    public required string Architecture { get; init; }

    /// <summary>Version of this program.</summary>
    public required string OwnVersion { get; init; }

    /// <summary>Rights that the service needs and this user lacks.</summary>
    public IReadOnlyList<string> MissingRights { get; init; } = [];

    /// <summary>Why no TAP device can be made; null where one can.</summary>
    public string? TunFault { get; init; }

    /// <summary>What the service says of itself; null where it does not answer.</summary>
    public ServiceRecord? Service { get; init; }

    /// <summary>Why it does not answer.</summary>
    public string? ServiceFault { get; init; }

    /// <summary>What the Windows service manager says of it, in a word.</summary>
    public string? ServiceManagerState { get; init; }

    /// <summary>The service's pipe; null where it is not there.</summary>
    public ClosedThing? Pipe { get; init; }

    /// <summary>The service's state folder; null where it is not there.</summary>
    public ClosedThing? StateFolder { get; init; }

    /// <summary>Namespaces of labs that are no more.</summary>
    public IReadOnlyList<string> LeftoverNamespaces { get; init; } = [];

    /// <summary>Masters of the ports that data path filter is to carry.</summary>
    public IReadOnlyList<string> FilterMasters { get; init; } = [];

    /// <summary>The filter driver; null where this system can have none.</summary>
    public FilterFacts? Filter { get; init; }

    /// <summary>Ethernet adapters; null where this program cannot judge them.</summary>
    public IReadOnlyList<AdapterFacts>? Adapters { get; init; }
}

/// <summary>Something that only the service and administrators may touch.</summary>
/// <param name="Path">Where it is.</param>
/// <param name="Access">Who may, as the system writes it: 0700, or a descriptor.</param>
/// <param name="IsClosed">Nobody else may.</param>
internal sealed record ClosedThing(string Path, string Access, bool IsClosed);

/// <summary>An Ethernet adapter.</summary>
/// <param name="Name">Its name.</param>
/// <param name="IsUp">Administratively up.</param>
/// <param name="HasCarrier">Something is at the other end.</param>
/// <param name="IpMtu">MTU in bytes of IP packet.</param>
/// <param name="Addresses">Its addresses but link-local ones of IPv6.</param>
/// <param name="IsWireless">It is Wi-Fi.</param>
/// <param name="IsMember">It belongs to a bridge or a bond.</param>
/// <param name="IsInUse">It is the master of a port already.</param>
internal sealed record AdapterFacts(
    string Name, bool IsUp, bool HasCarrier, int IpMtu, IReadOnlyList<string> Addresses, bool IsWireless = false, bool IsMember = false, bool IsInUse = false);
