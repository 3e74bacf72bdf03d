namespace IpVlanWin.Cli.Ip.Output;

/// <summary>An interface's state in the words of ip-link(8).</summary>
internal static class LinkState
{
    /// <summary>Any interface has the same: there are no groups and no other link mode.</summary>
    public const string Group = "default", LinkMode = "DEFAULT", Broadcast = "ff:ff:ff:ff:ff:ff", Kind = "ipvlan";

    /// <summary>The kernel's ETH_MIN_MTU.</summary>
    public const int LeastMtu = 68;

    /// <summary>RFC 2863's operational status. What is not made yet, or cannot be, is not present.</summary>
    public static string Operational(LinkView view) => view.Interface switch
    {
        { State: "pending" or "error" } => "NOTPRESENT",
        { Admin: "down" } or { State: "down" } => "DOWN",
        _ => view.Port?.State == "up" ? "UP" : "LOWERLAYERDOWN",
    };

    /// <summary>In the order ip-link(8) has them. In l3 and l3s nobody resolves neighbors on the interface.</summary>
    public static IReadOnlyList<string> Flags(LinkView view)
    {
        var isUp = view.Interface.Admin == "up";
        var hasCarrier = Operational(view) == "UP";
        var flags = new List<string>(6);
        if (isUp && !hasCarrier)
            flags.Add("NO-CARRIER");
        flags.Add("BROADCAST");
        flags.Add("MULTICAST");
        if (view.Port is not null && view.Port.Mode != "l2")
            flags.Add("NOARP");
        if (isUp)
            flags.Add("UP");
        if (hasCarrier)
            flags.Add("LOWER_UP");
        if (view.Port?.State == "down")
            flags.Add("M-DOWN");
        return flags;
    }
}
