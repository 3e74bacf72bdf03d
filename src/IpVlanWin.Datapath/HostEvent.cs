namespace IpVlanWin.Datapath;

/// <summary>Something happened on the host that a port had to follow, or to mend.</summary>
/// <param name="Name">A word that never changes, such as master-mtu or address-lost.</param>
/// <param name="Text">What it means, in one sentence.</param>
/// <param name="Subject">The link or interface.</param>
/// <param name="Before">What was.</param>
/// <param name="After">What is.</param>
public sealed record HostEvent(string Name, string Text, string Subject, string Before, string After);
