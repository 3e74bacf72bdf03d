using IpVlanWin.Protocol;

namespace IpVlanWin.Cli.Tests.Ip;

/// <summary>What is not understood: one line that names what is legal, status 1, and nobody is asked.</summary>
[TestClass]
public sealed class WrongLineTests
{
    private const string ModeError = "argument of \"mode\" must be l2, l3 or l3s";
    private const string MtuError = "argument of \"mtu\" must be a number from 0 to 65535, in bytes of IP packet";
    private const string PrefixError = "argument of \"local\" must be an address with a prefix length such as 10.0.0.2/24 or fd00::2/64";
    private const string NetnsError = "argument of \"netns\" must be the name of a namespace, or 1 for the host's";
    private const string InterfaceError = "must be the name of an interface";
    private const string TypeWords = "mode, private, vepa, bridge or datapath";
    private const string SetWords = "up, down, name, address, mtu, netns, type, version or dev";
    private const string SelectionWords = "scope, up, master, type or dev";
    private const string RouteWords = "src, via, metric, onlink, protocol, dev, netns, unicast, blackhole, unreachable, prohibit or to";

    [TestMethod]
    [DataRow("-x", "unknown option \"-x\": must be -family, -4, -6, -human-readable, -statistics, -details, -oneline, -timestamp, -tshort, -Version, -force, -batch, -brief, -json, -pretty, -color, -help or -netns")]
    [DataRow("-", "unknown option \"-\": must be -family, -4, -6, -human-readable, -statistics, -details, -oneline, -timestamp, -tshort, -Version, -force, -batch, -brief, -json, -pretty, -color, -help or -netns")]
    [DataRow("-n", "argument of \"-netns\" must be NETNS")]
    [DataRow("-b", "argument of \"-batch\" must be FILE")]
    [DataRow("-f", "argument of \"-family\" must be { inet | inet6 }")]
    [DataRow("-f inet5 link", "argument of \"-family\" must be inet or inet6")]
    [DataRow("-c=maybe link", "argument of \"-color\" must be always, auto or never")]
    [DataRow("-s=2 link", "unknown option \"-s=2\": must be -family, -4, -6, -human-readable, -statistics, -details, -oneline, -timestamp, -tshort, -Version, -force, -batch, -brief, -json, -pretty, -color, -help or -netns")]
    [DataRow("link x", "unknown verb \"x\" of \"link\": must be add, set, delete, show or help")]
    [DataRow("address x", "unknown verb \"x\" of \"address\": must be add, delete, show, flush or help")]
    [DataRow("route x", "unknown verb \"x\" of \"route\": must be add, replace, delete, show or help")]
    [DataRow("netns x", "unknown verb \"x\" of \"netns\": must be list, add, delete, exec or help")]
    [DataRow("state", "verb of \"state\" missing: must be export, import or help")]
    [DataRow("link add", $"\"name\" is missing: \"link add\" needs the name of an interface")]
    [DataRow("link add ipvl0", "\"link\" is missing: \"link add\" needs the name or index of an adapter, or an interface of the same port")]
    [DataRow("link add ipvl0 link eth0", "\"type\" is missing: \"link add\" needs ipvlan")]
    [DataRow("link add ipvl0 link eth0 type", "argument of \"type\" must be ipvlan")]
    [DataRow("link add ipvl0 link eth0 type macvlan", "argument of \"type\" must be ipvlan")]
    [DataRow("link add ipvl0 link", "argument of \"link\" must be the name or index of an adapter, or an interface of the same port")]
    [DataRow("link add ipvl0 link eth0 type ipvlan mode", ModeError)]
    [DataRow("link add ipvl0 link eth0 type ipvlan mode l4", ModeError)]
    [DataRow("link add ipvl0 link eth0 type ipvlan mode L2", ModeError)]
    [DataRow("link add ipvl0 link eth0 type ipvlan mode l2 mode l3", "\"mode\" must be given once")]
    [DataRow("link add ipvl0 link eth0 type ipvlan bridge bridge", "\"bridge\" must be given once")]
    [DataRow("link add ipvl0 link eth0 type ipvlan both", $"\"both\" is not an argument of \"type ipvlan\", or one too many: must be {TypeWords}")]
    [DataRow("link add ipvl0 link eth0 type ipvlan mode l2 up", $"\"up\" is not an argument of \"type ipvlan\", or one too many: must be {TypeWords}")]
    [DataRow("link add ipvl0 link eth0 type ipvlan datapath wire", "argument of \"datapath\" must be auto, filter, windivert, linux or memory")]
    [DataRow("link add ipvl0 name ipvl1 link eth0 type ipvlan", "\"name\" must be given once")]
    [DataRow("link add ipvl0 link eth0 link eth1 type ipvlan", "\"link\" must be given once")]
    [DataRow("link add ipvl0 link eth0 mtu big type ipvlan", MtuError)]
    [DataRow("link add ipvl0 link eth0 mtu -1 type ipvlan", MtuError)]
    [DataRow("link add ipvl0 link eth0 mtu 65536 type ipvlan", MtuError)]
    [DataRow("link add ipvl0 link eth0 mtu 1500.0 type ipvlan", MtuError)]
    [DataRow("link add ipvl0 link eth0 up down type ipvlan", "\"up\" and \"down\" exclude each other: must be one of up or down")]
    [DataRow("link add ipvl0 link eth0 netns 4711 type ipvlan", NetnsError)]
    [DataRow("link add ipvl0 link eth0 netns a/b type ipvlan", NetnsError)]
    [DataRow("link set", $"\"dev\" is missing: \"link set\" needs the name of an interface")]
    [DataRow("link set ipvl0", "\"link set\" needs what to set: must be up, down, name, address, mtu, netns or type")]
    [DataRow("link set ipvl0 ipvl1", $"\"ipvl1\" is not an argument of \"link set\", or one too many: must be {SetWords}")]
    [DataRow("link set dev", $"argument of \"dev\" {InterfaceError}")]
    [DataRow("link set dev ipvl0 mt 1400", $"\"mt\" is not an argument of \"link set\", or one too many: must be {SetWords}")]
    [DataRow("link set ipvl0 mtu", MtuError)]
    [DataRow("link set ipvl0 address 02:00:00:00:00", "argument of \"address\" must be a MAC address such as 02:00:00:00:00:01")]
    [DataRow("link set ipvl0 up down", "\"up\" and \"down\" exclude each other: must be one of up or down")]
    [DataRow("link set ipvl0 netns", NetnsError)]
    [DataRow("link delete", $"\"dev\" is missing: \"link delete\" needs the name of an interface")]
    [DataRow("link show ipvl0 ipvl1", $"\"ipvl1\" is not an argument of \"link show\", or one too many: must be {SelectionWords}")]
    [DataRow("link show type bridge", "argument of \"type\" must be ipvlan")]
    [DataRow("address add", "\"dev\" is missing: \"address add\" needs the name of an interface")]
    [DataRow("address add 10.0.0.2/24", "\"dev\" is missing: \"address add\" needs the name of an interface")]
    [DataRow("address add dev ipvl0", "\"local\" is missing: \"address add\" needs an address with a prefix length such as 10.0.0.2/24 or fd00::2/64")]
    [DataRow("address add 10.0.0/24 dev ipvl0", PrefixError)]
    [DataRow("address add 10.0.0.256 dev ipvl0", PrefixError)]
    [DataRow("address add 010.0.0.1 dev ipvl0", PrefixError)]
    [DataRow("address add 10.0.0.2/33 dev ipvl0", PrefixError)]
    [DataRow("address add 10.0.0.2/ dev ipvl0", PrefixError)]
    [DataRow("address add fd00::2/129 dev ipvl0", PrefixError)]
    [DataRow("address add fd00:::2 dev ipvl0", PrefixError)]
    [DataRow("address add fe80::1%eth0/64 dev ipvl0", PrefixError)]
    [DataRow("address add 10.0.0.2/24 10.0.0.3/24 dev ipvl0", "\"10.0.0.3/24\" is not an argument of \"address add\", or one too many: must be dev or local")]
    [DataRow("-6 address add 10.0.0.2/24 dev ipvl0", "argument of \"local\" must be an IPv6 address after -6")]
    [DataRow("-4 address delete fd00::2/64 dev ipvl0", "argument of \"local\" must be an IPv4 address after -4")]
    [DataRow("address flush", "\"dev\" is missing: \"address flush\" needs the name of an interface")]
    [DataRow("address flush ipvl0 scope site", "argument of \"scope\" must be global, link, host or all")]
    [DataRow("route add", "\"to\" is missing: \"route add\" needs default or a prefix such as 10.0.0.0/8 or fd00::/16")]
    [DataRow("route add everywhere via 10.0.0.1", "argument of \"to\" must be default or a prefix such as 10.0.0.0/8 or fd00::/16")]
    [DataRow("route add default via here", "argument of \"via\" must be an address such as 10.0.0.1 or fd00::1")]
    [DataRow("route add default via 10.0.0.1/24", "argument of \"via\" must be an address such as 10.0.0.1 or fd00::1")]
    [DataRow("route add default", "a route needs where to: must have via ADDRESS, dev DEV or both")]
    [DataRow("route add default dev a/b", "argument of \"dev\" must be the name of a device: 1 to 15 characters without blanks, '/' and ':'")]
    [DataRow("route add 10.0.0.1/24 dev ipvl0", "argument of \"to\" must be a prefix without further bits: 10.0.0.0/24")]
    [DataRow("route add default via 10.0.0.1 metric low", "argument of \"metric\" must be a number from 0 to 4294967295")]
    [DataRow("route add fd00::/64 via 10.0.0.1", "argument of \"via\" must be an IPv6 address, as the destination")]
    [DataRow("route add default via 10.0.0.1 table 5", $"\"table\" is not an argument of \"route add\", or one too many: must be {RouteWords}")]
    [DataRow("netns add", "\"name\" is missing: \"netns add\" needs 1 to 255 letters, digits, '-', '_' or '.', and neither \".\" nor \"..\"")]
    [DataRow("netns add a/b", "argument of \"name\" must be 1 to 255 letters, digits, '-', '_' or '.', and neither \".\" nor \"..\"")]
    [DataRow("netns list x", "\"x\" is too much: \"netns list\" takes no arguments")]
    [DataRow("netns exec ns0", "\"netns exec\" needs a program and its arguments")]
    [DataRow("completion", "\"shell\" is missing: \"completion\" needs bash or powershell")]
    [DataRow("completion zsh", "argument of \"shell\" must be bash or powershell")]
    [DataRow("monitor x", "\"x\" is not an argument of \"monitor\", or one too many: must be label, link, address or all")]
    public void Is_one_line_that_names_what_is_legal(string line, string message)
    {
        var nobody = Path.Combine(Path.GetTempPath(), $"ipvlanwin-nobody-{Guid.NewGuid():N}");
        var result = IpBed.RunAt(nobody, line);
        Assert.AreEqual($"Error: {message}\n", result.Errors);
        Assert.AreEqual((1, ""), (result.Status, result.Output));
    }

    [TestMethod]
    [DataRow("x")]
    [DataRow("@x")]
    [DataRow("x lab")]
    public void An_unknown_verb_is_told_all_there_are(string line)
    {
        var result = IpBed.RunAt("nobody", line);
        StringAssert.Matches(result.Errors, new($"^Error: unknown verb \"{line.Split(' ')[0]}\": must be address, .*completion, .*help, .*lab, link, maddress, monitor, netns, replay, route.*state.*\n$"));
        Assert.AreEqual((1, ""), (result.Status, result.Output));
    }

    [TestMethod]
    [DataRow("")]
    [DataRow("help")]
    [DataRow("h")]
    [DataRow("-help")]
    [DataRow("link help", "Usage: ipvlan link add", "type ipvlan [ mode { l2 | l3 | l3s } ] [ private ] [ vepa ] [ bridge ]", "ipvlan link show")]
    [DataRow("link add h", "Usage: ipvlan link add")]
    [DataRow("link add link eth0 name x type ipvlan help", "Usage: ipvlan link add")]
    [DataRow("addr help", "Usage: ipvlan address add dev NAME [ local ] PREFIX", "ipvlan address flush [ dev ] NAME")]
    [DataRow("route help", "via ADDRESS", "Linux only")]
    [DataRow("netns help", "ipvlan netns exec NETNS COMMAND ...")]
    [DataRow("monitor help", "Usage: ipvlan monitor [ label ]")]
    [DataRow("completion help", "Usage: ipvlan completion { bash | powershell }")]
    public void Help_goes_to_errors_with_the_status_of_ip(string line, params string[] parts)
    {
        var result = IpBed.RunAt("nobody", line);
        Assert.AreEqual((255, ""), (result.Status, result.Output));
        StringAssert.StartsWith(result.Errors, "Usage: ipvlan ");
        foreach (var part in parts)
            StringAssert.Contains(result.Errors, part);
    }

    [TestMethod]
    public void The_version_is_told() => StringAssert.StartsWith(IpBed.RunAt("nobody", "-V").Output, "ipvlan utility, IpVlanWin ");

    [TestMethod]
    public void Nobody_listening_is_status_3()
    {
        var nobody = Path.Combine(Path.GetTempPath(), $"ipvlanwin-nobody-{Guid.NewGuid():N}");
        foreach (var line in (string[])["link", "link set x up", "addr add 10.0.0.1/24 dev x", "state export", "monitor"])
        {
            var result = IpBed.RunAt(nobody, line);
            Assert.AreEqual($"Error: {ErrorCode.ServiceUnreachable.With(nobody, "nobody listens").Message}\n", result.Errors, line);
            Assert.AreEqual((3, ""), (result.Status, result.Output), line);
        }
    }
}
