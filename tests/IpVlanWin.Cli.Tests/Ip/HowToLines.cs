namespace IpVlanWin.Cli.Tests.Ip;

/// <summary>A line of a manual with `ipvlan` in the place of `ip`.</summary>
/// <param name="Line">Without the program's name; $IPADDR and $ROUTER stand for <see cref="HowToLines.Address"/> and <see cref="HowToLines.Router"/>.</param>
internal sealed record HowToLine(string Line)
{
    /// <summary>The sentence with which Windows refuses it; null where it works.</summary>
    public string? Windows { get; init; }

    /// <summary>The namespace in which it is typed, in the HOWTO; null for the host's.</summary>
    public string? Inside { get; init; }
}

/// <summary>Lines that build on each other, what shows the outcome, and what that prints.</summary>
/// <param name="Source">The manual.</param>
/// <param name="Lines">In the order they are typed.</param>
/// <param name="Show">Shows the outcome.</param>
/// <param name="Text">What it prints; {mac} and {datapath} stand for the master's and the data path's.</param>
/// <param name="Json">What it prints with -j.</param>
internal sealed record HowToCase(string Source, HowToLine[] Lines, string Show, string Text, string Json)
{
    /// <summary>Namespaces have to be there.</summary>
    public bool HasNamespaces => Array.Exists(Lines, static line => line.Line.Contains("netns", StringComparison.Ordinal));

    public override string ToString() => $"{Source}: {Lines[0].Line}";
}

/// <summary>
/// Every command of the kernel's Documentation/networking/ipvlan.rst, and those of ip-link(8) and ip-address(8) that speak of things that
/// are here. Devices of the manuals that are of another kind are replaced by ipvlan's.
/// </summary>
internal static class HowToLines
{
    public const string Address = "10.77.0.2/24", OtherAddress = "10.77.0.3/24", Router = "10.77.0.1";

    public const string NoNamespaces = "on Windows a namespace is a network compartment: it comes and goes with its container";

    public const string NoExec = "on Windows a command cannot be moved into a compartment: run it in the container, for example docker exec NAME COMMAND";

    public const string NoLoopback = "\"lo\" is the system's own loopback: on Windows it is up and has its addresses in every compartment, there is nothing to set";

    public const string NoRoutes = "on Windows routes are changed with New-NetRoute and Remove-NetRoute, in a container with: route add";

    private const string HowTo = "ipvlan.rst";

    private static readonly HowToLine s_first = new("link add link eth0 name ipvl0 type ipvlan mode l2");

    public static IReadOnlyList<HowToCase> Cases { get; } =
    [
        Made("link add link eth0 name ipvl0 type ipvlan", "ipvl0", "l3", "bridge"),
        Made("link add link eth0 name ipvl0 type ipvlan mode l2 bridge", "ipvl0", "l2", "bridge"),
        Made("link add link eth0 name ipvlan type ipvlan mode l2 private", "ipvlan", "l2", "private"),
        Made("link add link eth0 name ipvlan type ipvlan mode l2 vepa", "ipvlan", "l2", "vepa"),
        new(
            HowTo,
            [
                new("netns add ns0") { Windows = NoNamespaces },
                new("netns add ns1") { Windows = NoNamespaces },
                new("link add link eth0 ipvl0 type ipvlan mode l2"),
                new("link add link eth0 ipvl1 type ipvlan mode l2"),
                new("link set dev ipvl0 netns ns0"),
                new("link set dev ipvl1 netns ns1"),
                new("netns exec ns0 bash") { Windows = NoExec },
                new("link set dev ipvl0 up") { Inside = "ns0" },
                new("link set dev lo up") { Inside = "ns0", Windows = NoLoopback },
                new("-4 addr add 127.0.0.1 dev lo") { Inside = "ns0", Windows = NoLoopback },
                new("-4 addr add $IPADDR dev ipvl0") { Inside = "ns0" },
                new("-4 route add default via $ROUTER dev ipvl0") { Inside = "ns0", Windows = NoRoutes },
                new("netns exec ns1 bash") { Windows = NoExec },
                new("link set dev ipvl1 up") { Inside = "ns1" },
                new("link set dev lo up") { Inside = "ns1", Windows = NoLoopback },
                new("-4 addr add 127.0.0.1 dev lo") { Inside = "ns1", Windows = NoLoopback },
                new($"-4 addr add {OtherAddress} dev ipvl1") { Inside = "ns1" },
                new("-4 route add default via $ROUTER dev ipvl1") { Inside = "ns1", Windows = NoRoutes },
            ],
            "address show",
            """
            1: ipvl0@eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 state UP group default
                link/ether {mac} brd ff:ff:ff:ff:ff:ff netns ns0
                inet 10.77.0.2/24 scope global ipvl0
                   valid_lft forever preferred_lft forever
            2: ipvl1@eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 state UP group default
                link/ether {mac} brd ff:ff:ff:ff:ff:ff netns ns1
                inet 10.77.0.3/24 scope global ipvl1
                   valid_lft forever preferred_lft forever

            """,
            "[" + Shown(1, "ipvl0", "UP", 1500, isAddress: true, Inet("10.77.0.2", 24, "ipvl0"), ",\"netns\":\"ns0\"") + ","
            + Shown(2, "ipvl1", "UP", 1500, isAddress: true, Inet("10.77.0.3", 24, "ipvl1"), ",\"netns\":\"ns1\"") + "]\n"),
        Link([s_first], "link show", "DOWN", 1500),
        Link([s_first], "link show type ipvlan", "DOWN", 1500),
        Link([s_first], "link show master eth0", "DOWN", 1500),
        Link([s_first], "link show dev ipvl0", "DOWN", 1500),
        Link([s_first, new("link set dev ipvl0 mtu 1400"), new("link set dev ipvl0 up")], "link show up", "UP", 1400),
        new("ip-link(8)", [s_first, new("link set dev ipvl0 up"), new("link set dev ipvl0 down")], "link show up", "", "[]\n"),
        new("ip-link(8)", [s_first, new("link delete dev ipvl0")], "link show", "", "[]\n"),
        new("ip-address(8)", [s_first], "address show up", "", "[]\n"),
        Addresses([s_first, new("address add 2001:0db8:85a3::0370:7334/64 dev ipvl0")], "address show", "2001:db8:85a3::370:7334"),
        Addresses([s_first, new("address add 2001:0db8:85a3::0370:7334/64 dev ipvl0")], "address show dev ipvl0", "2001:db8:85a3::370:7334"),
        Addresses([s_first, new("address add 2001:0db8:85a3::0370:7334/64 dev ipvl0"), new("address delete 2001:0db8:85a3::0370:7334/64 dev ipvl0")], "address show", null),
        Addresses(
            [s_first, new("address add 2001:0db8:85a3::0370:7334/64 dev ipvl0"), new("address add 10.77.0.2/24 dev ipvl0"), new("address flush dev ipvl0 scope global")],
            "address show", null),
    ];

    /// <summary>The line with its variables in place.</summary>
    public static string Filled(this HowToLine line) => line.Line.Replace("$IPADDR", Address, StringComparison.Ordinal).Replace("$ROUTER", Router, StringComparison.Ordinal);

    private static HowToCase Made(string line, string name, string mode, string flag)
    {
        var noArp = mode == "l2" ? "" : ",NOARP";
        return new(
            HowTo, [new(line)], $"-d link show {name}",
            $$"""
            1: {{name}}@eth0: <BROADCAST,MULTICAST{{noArp}}> mtu 1500 state DOWN mode DEFAULT group default
                link/ether {mac} brd ff:ff:ff:ff:ff:ff minmtu 68 maxmtu 1500 
                ipvlan  mode {{mode}} {{flag}} datapath {datapath} 

            """,
            $$$"""
            [{"ifindex":1,"link":"eth0","ifname":"{{{name}}}","flags":["BROADCAST","MULTICAST"{{{(noArp.Length > 0 ? ",\"NOARP\"" : "")}}}],"mtu":1500,"operstate":"DOWN","linkmode":"DEFAULT","group":"default","link_type":"ether","address":"{mac}","broadcast":"ff:ff:ff:ff:ff:ff","min_mtu":68,"max_mtu":1500,"linkinfo":{"info_kind":"ipvlan","info_data":{"mode":"{{{mode}}}","{{{flag}}}":true}},"datapath":"{datapath}","version":1}]

            """);
    }

    private static HowToCase Link(HowToLine[] lines, string show, string state, int mtu) => new(
        "ip-link(8)", lines, show,
        $$"""
        1: ipvl0@eth0: <BROADCAST,MULTICAST{{(state == "UP" ? ",UP,LOWER_UP" : "")}}> mtu {{mtu}} state {{state}} mode DEFAULT group default
            link/ether {mac} brd ff:ff:ff:ff:ff:ff

        """,
        "[" + Shown(1, "ipvl0", state, mtu, isAddress: false, "", "") + "]\n");

    private static HowToCase Addresses(HowToLine[] lines, string show, string? address) => new(
        "ip-address(8)", lines, show,
        "1: ipvl0@eth0: <BROADCAST,MULTICAST> mtu 1500 state DOWN group default\n    link/ether {mac} brd ff:ff:ff:ff:ff:ff\n"
        + (address is null ? "" : $"    inet6 {address}/64 scope global \n       valid_lft forever preferred_lft forever\n"),
        "[" + Shown(1, "ipvl0", "DOWN", 1500, isAddress: true, address is null ? "" : Inet6(address, 64), "") + "]\n");

    private static string Shown(int index, string name, string state, int mtu, bool isAddress, string addresses, string own) =>
        $"{{\"ifindex\":{index},\"link\":\"eth0\",\"ifname\":\"{name}\",\"flags\":[\"BROADCAST\",\"MULTICAST\"{(state == "UP" ? ",\"UP\",\"LOWER_UP\"" : "")}],\"mtu\":{mtu},\"operstate\":\"{state}\","
        + (isAddress ? "" : "\"linkmode\":\"DEFAULT\",")
        + "\"group\":\"default\",\"link_type\":\"ether\",\"address\":\"{mac}\",\"broadcast\":\"ff:ff:ff:ff:ff:ff\""
        + (isAddress ? $",\"addr_info\":[{addresses}]" : "") + own + "}";

    private static string Inet(string address, int length, string label) =>
        $"{{\"family\":\"inet\",\"local\":\"{address}\",\"prefixlen\":{length},\"scope\":\"global\",\"label\":\"{label}\",\"valid_life_time\":4294967295,\"preferred_life_time\":4294967295}}";

    private static string Inet6(string address, int length) =>
        $"{{\"family\":\"inet6\",\"local\":\"{address}\",\"prefixlen\":{length},\"scope\":\"global\",\"valid_life_time\":4294967295,\"preferred_life_time\":4294967295}}";
}
