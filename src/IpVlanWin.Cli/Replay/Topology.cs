namespace IpVlanWin.Cli.Replay;

/// <summary>What a port begins with (conformance format, section 2): a scenario's start, or a topology file.</summary>
internal record Topology(string Mode, string Flag, TopologyMaster Master, IReadOnlyList<TopologyInterface> Interfaces);

/// <summary>The lower adapter and the host's configuration on it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Mac">Its MAC, and so every interface's.</param>
/// <param name="Mtu">Its MTU in bytes of IP packet.</param>
/// <param name="Addresses">The host's, ADDRESS/PREFIX.</param>
/// <param name="Routes">The host's, beside the on-link ones of its addresses.</param>
/// <param name="Neighbors">Permanent entries.</param>
internal sealed record TopologyMaster(
    string Name,
    string Mac,
    int Mtu,
    IReadOnlyList<string>? Addresses = null,
    IReadOnlyList<TopologyRoute>? Routes = null,
    IReadOnlyList<TopologyNeighbor>? Neighbors = null);

/// <summary>A route of the host: <c>default</c> or a prefix, and its gateway.</summary>
internal sealed record TopologyRoute(string Destination, string Via);

/// <summary>A station of the master's link.</summary>
internal sealed record TopologyNeighbor(string Address, string Mac);

/// <summary>One interface at the start.</summary>
/// <param name="Name">Unique in the port.</param>
/// <param name="Up">Its link state.</param>
/// <param name="Addresses">ADDRESS/PREFIX, unique in the port.</param>
/// <param name="Multicast">All link-layer groups it is a member of, those that its IP stack joins included.</param>
/// <param name="Promiscuous">All multicast (semantics 16).</param>
/// <param name="Allmulti">All multicast.</param>
internal sealed record TopologyInterface(
    string Name,
    bool Up = true,
    IReadOnlyList<string>? Addresses = null,
    IReadOnlyList<string>? Multicast = null,
    bool Promiscuous = false,
    bool Allmulti = false);
