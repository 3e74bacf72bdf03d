using System.Runtime.Versioning;

namespace IpVlanWin.Benchmarks.Lab;

/// <summary>
/// Open vSwitch with its userspace (netdev) datapath, with a database, daemon and sockets of its own. See ovs-vswitchd(8), ovs-vsctl(8) and
/// "Userspace Datapath - TSO" of its documentation.
/// </summary>
/// <param name="withTso">Ports are packet sockets on veths and segmentation offload passes; else taps, and a packet socket towards the wire.</param>
[SupportedOSPlatform("linux")]
internal sealed class OpenVSwitchVariant(bool withTso) : Variant(withTso ? "ovs+tso" : "ovs")
{
    private const string Schema = "/usr/share/openvswitch/vswitch.ovsschema";
    private static readonly string[] Folders = ["OVS_RUNDIR", "OVS_LOGDIR", "OVS_DBDIR", "OVS_SYSCONFDIR"];

    public override IReadOnlyList<string> Needs => ["ovs-vswitchd", "ovsdb-server", "ovsdb-tool", "ovs-vsctl", "ethtool"];

    protected override void Build()
    {
        AddPlace("port");
        var database = $"unix:{Folder}/db.sock";
        var environment = Folders.ToDictionary(static name => name, _ => Folder);
        Programs.Run($"ovsdb-tool create {Folder}/conf.db {Schema}");
        var server = Keep(["ovsdb-server", $"{Folder}/conf.db", $"--remote=p{database}", $"--unixctl={Folder}/db.ctl", "-vconsole:err"], environment);
        Await("ovsdb-server did not listen", () => File.Exists($"{Folder}/db.sock"), server);
        Control("--no-wait init");
        if (withTso)
            Control("--no-wait set Open_vSwitch . other_config:userspace-tso-enable=true");
        Keep(["ip", "netns", "exec", this["port"].Name!, "ovs-vswitchd", database, $"--unixctl={Folder}/switch.ctl", "-vconsole:err"], environment);
        Control("add-br br0 -- set bridge br0 datapath_type=netdev");
        foreach (var place in (ReadOnlySpan<string>)["a", "b", "w"])
        {
            AddPlace(place);
            if (withTso || place == "w")
            {
                Plug(place, "port");
                Control($"add-port br0 {place}");
            }
            else
            {
                Control($"add-port br0 {place} -- set interface {place} type=tap");
                Move(place, "port", place);
            }
        }
        if (!withTso)
            Exec("w", "ethtool -K eth0 tx off");
        void Control(string arguments) => Programs.Run($"ovs-vsctl --db={database} --timeout=10 {arguments}");
    }
}

/// <summary>vde_switch with a TAP to each; it has no other way to a wire.</summary>
[SupportedOSPlatform("linux")]
internal sealed class VdeVariant() : Variant("vde")
{
    public override IReadOnlyList<string> Needs => ["vde_switch"];

    protected override void Build()
    {
        var port = AddPlace("port");
        var program = Keep(["ip", "netns", "exec", port.Name!, "vde_switch", "-s", $"{Folder}/switch", "-tap", "ta", "-tap", "tb", "-tap", "tw"]);
        foreach (var place in (ReadOnlySpan<string>)["a", "b", "w"])
        {
            AddPlace(place);
            Await("vde_switch did not open its taps", () => port.ReadProc("dev").Contains($"t{place}:", StringComparison.Ordinal), program);
            Move($"t{place}", "port", place);
        }
    }
}

/// <summary>
/// pasta: not a switch. It gives a namespace the connections of another, so there is no b; a reaches w, and w reaches the ports of a
/// that are forwarded.
/// </summary>
[SupportedOSPlatform("linux")]
internal sealed class PastaVariant() : Variant("pasta")
{
    public override IReadOnlyList<string> Needs => ["pasta"];

    public override bool Carries(string from, string to) => from != "b" && to != "b";

    /// <summary>Its ping needs sockets that it is not always allowed; TCP and UDP show in the tests whether they pass.</summary>
    protected override void Reach(string from, string to)
    {
    }

    protected override void Build()
    {
        AddPlace("w");
        AddPlace("port");
        var inner = AddPlace("a");
        Ip("w", $"link add eth0 type veth peer name eth0 netns {this["port"].Name}");
        SetUp("w");
        // The namespace that pasta takes the connections to has the address that a gets as well.
        Ip("port", $"addr add {AddressOf("a")}/24 dev eth0");
        Ip("port", "link set eth0 up");
        Ip("port", $"route add default via {AddressOf("w")}");
        // It takes an ignored SIGPIPE, which this process's children inherit, for an error.
        var program = Keep(
        [
            "env", "--default-signal=PIPE", "ip", "netns", "exec", this["port"].Name!, "pasta", "--foreground", "--config-net", "--ipv4-only", "--no-map-gw", "--runas", "0", "-t", $"{TcpTest.Port}", "-u", "none",
            "-T", "none", "-U", "none", "--netns", $"/run/netns/{inner.Name}",
        ]);
        Await("pasta did not configure its namespace", () => inner.ReadProc("route").Split('\n').Length > 2, program);
    }
}
