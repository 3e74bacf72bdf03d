using IpVlanWin.Cli.Ip;
using IpVlanWin.Cli.Ip.Output;
using IpVlanWin.Protocol;

namespace IpVlanWin.Cli.Tests.Ip;

/// <summary>States that a test cannot bring about at will.</summary>
[TestClass]
public sealed class LinkTextTests
{
    private static readonly PortRecord s_port = new() { Master = "eth0", Mode = "l2", Flag = "bridge", ResolvedDatapath = "linux", State = "up", Mac = "02:00:00:00:00:01", Mtu = 1500 };

    [TestMethod]
    [DataRow("down", "down", "up", "<BROADCAST,MULTICAST>", "DOWN")]
    [DataRow("up", "up", "up", "<BROADCAST,MULTICAST,UP,LOWER_UP>", "UP")]
    [DataRow("up", "up", "down", "<NO-CARRIER,BROADCAST,MULTICAST,UP,M-DOWN>", "LOWERLAYERDOWN")]
    [DataRow("down", "down", "down", "<BROADCAST,MULTICAST,M-DOWN>", "DOWN")]
    [DataRow("up", "down", "up", "<NO-CARRIER,BROADCAST,MULTICAST,UP>", "DOWN")]
    [DataRow("up", "pending", "pending", "<NO-CARRIER,BROADCAST,MULTICAST,UP>", "NOTPRESENT")]
    [DataRow("down", "error", "error", "<BROADCAST,MULTICAST>", "NOTPRESENT")]
    public void State_is_in_the_words_of_ip(string admin, string state, string port, string flags, string word)
    {
        var view = View(new InterfaceRecord { Admin = admin, State = state }, s_port with { State = port });
        Assert.AreEqual($"7: ipvl0@eth0: {flags} mtu 1400 state {word} mode DEFAULT group default\n    link/ether 02:00:00:00:00:01 brd ff:ff:ff:ff:ff:ff\n", Text(view, "-4"));
    }

    [TestMethod]
    public void What_is_not_as_it_should_be_says_why()
    {
        var view = View(new InterfaceRecord { Admin = "up", State = "error", Reason = "there is no namespace red", Namespace = "red" }, null);
        Assert.AreEqual(
            "7: ipvl0@eth0: <NO-CARRIER,BROADCAST,MULTICAST,UP> mtu 1400 state NOTPRESENT mode DEFAULT group default\\    link/ether netns red\\    error: there is no namespace red\n",
            Text(view, "-o"));
        StringAssert.Contains(Text(View(new InterfaceRecord(), s_port with { Mode = "l3", Mac = null, Mtu = null }), "-d"), "    link/ether minmtu 68 \n    ipvlan  mode l3 bridge datapath linux \n");
    }

    [TestMethod]
    public void Addresses_tell_their_state()
    {
        var view = View(new InterfaceRecord(), s_port);
        var text = new LinkText(new GlobalOptions());
        foreach (var (prefix, state) in (ReadOnlySpan<(string, string)>)[("10.0.0.2/24", "tentative"), ("127.0.0.2/8", "preferred"), ("fe80::1/64", "duplicate"), ("::1/128", "preferred")])
            text.AppendAddress(view, new AddressRecord { Interface = "ipvl0", Prefix = prefix, State = state }, isAlone: false);
        Assert.AreEqual(
            "    inet 10.0.0.2/24 scope global tentative ipvl0|    inet 127.0.0.2/8 scope host ipvl0|    inet6 fe80::1/64 scope link dadfailed tentative |    inet6 ::1/128 scope host ",
            string.Join('|', text.ToString().Split('\n').Where(static line => line.Contains("scope", StringComparison.Ordinal))));
    }

    [TestMethod]
    [DataRow("-s", "    RX:   bytes packets errors dropped  missed   mcast           |    12345678901 1234567      3       3       0      12 |    TX:   bytes packets errors dropped carrier collsns           |           1500       1      0       2       0       0 ")]
    [DataRow("-s -h", "    RX:  bytes packets errors dropped  missed   mcast           |         12.3G   1.23M      3       3       0      12 |    TX:  bytes packets errors dropped carrier collsns           |          1.5k       1      0       2       0       0 ")]
    public void Counters_stand_below_their_names(string options, string expected)
    {
        var view = View(new InterfaceRecord(), s_port) with
        {
            Statistics = new StatisticsRecord
            {
                RxBytes = 12345678901, RxPackets = 1234567, RxErrors = 3, Multicast = 12, TxBytes = 1500, TxPackets = 1, TxDropped = 2,
                Drops = new Dictionary<string, long> { ["no-route"] = 5 },
            },
        };
        var lines = Text(view, options).TrimEnd('\n').Split('\n');
        Assert.AreEqual(expected, string.Join('|', lines[2..6]));
        StringAssert.EndsWith(Text(view, options + " -d"), "\n    drops: no-route 5\n");
    }

    [TestMethod]
    public void Lost_IsTold_OfThePort()
    {
        var port = s_port with { LostPackets = 1234, ResolvedDatapath = "windivert" };
        StringAssert.EndsWith(Text(View(new InterfaceRecord { State = "up" }, port), "-s"), "\n    lost: at most 1234 packets of all interfaces of eth0, before data path windivert\n");
        Assert.DoesNotContain("lost", Text(View(new InterfaceRecord { State = "up" }, port), "-d"));
        Assert.DoesNotContain("lost", Text(View(new InterfaceRecord { State = "up" }, s_port), "-s"));
    }

    private static LinkView View(InterfaceRecord one, PortRecord? port) => new(one with { Name = "ipvl0", Port = "eth0", Index = 7, Mtu = 1400 }, port, null, []);

    private static string Text(LinkView view, string options)
    {
        var text = new LinkText(GlobalOptions.Read(options.Split(' '), out _));
        text.Append(view, isAddress: false);
        return text.ToString();
    }
}
