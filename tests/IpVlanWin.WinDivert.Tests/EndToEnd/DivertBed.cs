using System.Diagnostics;
using System.Globalization;
using System.Runtime.Versioning;
using System.Security.Cryptography;
using IpVlanWin.Datapath.WinDivert;
using IpVlanWin.Devices.Tests;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.WinDivert.Tests.EndToEnd;

/// <summary>
/// A host whose stack moves the packets as Windows' does, a station on its wire, and containers behind it, all in namespaces of this
/// test's own; the host's packets pass the imitation's broker. m0 is the master, std0 a loopback stand-in (weak host model, as Linux has
/// it by nature), s0 and up the host's vNICs of vSwitch stand-ins (forwarding, proxy ARP).
/// </summary>
[SupportedOSPlatform("linux")]
internal sealed class DivertBed : IDisposable
{
    public const string WireFour = "10.9.0.254", WireSix = "fd09::fe", HostFour = "10.9.0.1", HostSix = "fd09::1";

    private readonly string _socket = Path.Combine(Path.GetTempPath(), $"divert-{Environment.ProcessId}-{RandomNumberGenerator.GetHexString(8, lowercase: true)}");
    // The imitation asks this bed's broker on this thread alone.
    private readonly int _thread = Environment.CurrentManagedThreadId;
    private readonly Process _broker;
    private readonly List<LinuxTestNamespace> _containers = [];
    private readonly List<L3Address> _local = [];
    private readonly List<L3Address> _forwarded = [];
    private readonly List<uint> _switches = [];

    /// <param name="switches">DIVERT_SWITCHES of the broker.</param>
    public DivertBed(string switches = "")
    {
        Require();
        // NFQUEUE shows no more than 65531 bytes of a packet.
        Host.Ip("link set lo mtu 60000", $"link add m0 type veth peer name w0 netns {Wire.Path}", "tuntap add dev std0 mode tap",
            $"addr add {HostFour}/16 dev m0", $"addr add {HostSix}/64 dev m0 nodad", "link set m0 up", "link set std0 up");
        Wire.Ip($"addr add {WireFour}/16 dev w0", $"addr add {WireSix}/64 dev w0 nodad", "link set w0 up",
            $"route add fd0a::/64 via {HostSix}", $"route add fd0b::/64 via {HostSix}");
        Host.Run(() =>
        {
            foreach (var setting in (string[])["ipv4/ip_forward", "ipv6/conf/all/forwarding"])
                File.WriteAllText($"/proc/sys/net/{setting}", "1");
            foreach (var setting in (string[])["all", "default", "m0", "std0"])
                File.WriteAllText($"/proc/sys/net/ipv4/conf/{setting}/rp_filter", "0");
            return 0;
        });
        Host.WaitForLink("m0");
        Wire.WaitForLink("w0");
        var start = new ProcessStartInfo(Imitation.BrokerPath, ["unix:" + _socket, Host.Path]) { RedirectStandardInput = true, RedirectStandardOutput = true };
        start.Environment["DIVERT_SWITCHES"] = switches.Replace("STANDIN", Index(Host, "std0").ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);
        _broker = Process.Start(start)!;
        Assert.AreEqual("ready", _broker.StandardOutput.ReadLine(), "the imitation's broker");
        Imitation.UseHere(Broker);
    }

    public LinuxTestNamespace Host { get; } = new();

    public LinuxTestNamespace Wire { get; } = new();

    public IReadOnlyList<LinuxTestNamespace> Containers => _containers;

    public string Broker => "unix:" + _socket;

    public DivertArrangement Arrangement => new()
    {
        MasterIndex = Index(Host, "m0"),
        LoopbackIndex = 1,
        LoopbackStandIns = [Index(Host, "std0")],
        SwitchStandIns = [.. _switches],
        LocalAddresses = [.. _local],
        ForwardedAddresses = [.. _forwarded],
        HostAddresses = [L3Prefix.Parse(HostFour + "/16"), L3Prefix.Parse(HostSix + "/64"), L3Prefix.Parse("10.8.0.1/32"), L3Prefix.Parse("fd08::1/128")],
    };

    public static void Require()
    {
        LinuxTestNamespace.Require();
        Imitation.RequireBuilt();
        if (!File.Exists("/usr/sbin/iptables-legacy") && !File.Exists("/usr/sbin/iptables") && !File.Exists("/sbin/iptables"))
            Assert.Inconclusive("needs iptables and ip6tables (package iptables)");
    }

    public static uint Index(LinuxTestNamespace space, string name)
    {
        var line = space.AskIp($"-o link show dev {name}");
        return uint.Parse(line[..line.IndexOf(':', StringComparison.Ordinal)], CultureInfo.InvariantCulture);
    }

    /// <summary>The port of this bed: a master that is up, and an interface for each list of addresses.</summary>
    public static Port MakePort(PortFlag flag, params IReadOnlyList<string>[] interfaces)
    {
        var port = new Port("m0", MacAddress.Read([2, 0, 0, 0, 0, 1]), 1500);
        port.SetMasterUp(true);
        for (var i = 0; i < interfaces.Length; i++)
        {
            Assert.AreEqual(PortResult.Ok, port.AddInterface($"ipvl{i}", PortMode.L3, flag, out var added));
            port.SetUp(added!, true);
            foreach (var address in interfaces[i])
                Assert.AreEqual(PortResult.Ok, port.AddAddress(added!, L3Prefix.Parse(address)));
        }
        return port;
    }

    /// <summary>Puts addresses on the loopback stand-in.</summary>
    public void AddLocal(params IReadOnlyList<string> addresses)
    {
        _local.AddRange(addresses.Select(L3Address.Parse));
        Host.Ip([.. addresses.Select(static address => $"addr add {address} dev std0{(address.Contains(':', StringComparison.Ordinal) ? " nodad" : "")}")]);
    }

    public void RemoveLocal(params IReadOnlyList<string> addresses)
    {
        _local.RemoveAll(address => addresses.Contains(address.ToString()));
        Host.Ip([.. addresses.Select(static address => $"addr del {address}/{(address.Contains(':', StringComparison.Ordinal) ? 128 : 32)} dev std0")]);
    }

    /// <summary>A container with addresses of its own, behind a vNIC of its own.</summary>
    public LinuxTestNamespace AddContainer(params IReadOnlyList<string> addresses)
    {
        var container = new LinuxTestNamespace();
        _containers.Add(container);
        var near = $"s{_containers.Count - 1}";
        Host.Ip($"link add {near} type veth peer name c0 netns {container.Path}", $"addr add 10.8.0.1/32 dev {near}", $"addr add fd08::1/128 dev {near} nodad", $"link set {near} up");
        container.Ip("link set c0 up");
        container.Ip([.. addresses.Select(static address => $"addr add {address} dev c0{(address.Contains(':', StringComparison.Ordinal) ? " nodad" : "")}")]);
        container.Ip("route add 10.8.0.1 dev c0", "route add default via 10.8.0.1", "route add fd08::1 dev c0", "route add default via fd08::1");
        Host.Ip([.. addresses.Select(address => $"route add {address} dev {near}"),
            .. addresses.Where(static address => !address.Contains(':', StringComparison.Ordinal)).Select(static address => $"neigh add proxy {address} dev m0")]);
        Host.WaitForLink(near);
        container.WaitForLink("c0");
        _switches.Add(Index(Host, near));
        _forwarded.AddRange(addresses.Select(L3Address.Parse));
        return container;
    }

    /// <summary>Packets that the master has received and sent.</summary>
    public long MasterPackets => Host.Run(static () =>
    {
        foreach (var line in File.ReadLines("/proc/thread-self/net/dev"))
        {
            var words = line.Split([' ', ':'], StringSplitOptions.RemoveEmptyEntries);
            if (words[0] == "m0")
                return long.Parse(words[2], CultureInfo.InvariantCulture) + long.Parse(words[10], CultureInfo.InvariantCulture);
        }
        throw new InvalidOperationException("no m0");
    });

    public void Dispose()
    {
        Assert.AreEqual(_thread, Environment.CurrentManagedThreadId, "a bed ends on the thread that made it: no await meanwhile");
        Imitation.UseHere("");
        _broker.StandardInput.Close();
        if (!_broker.WaitForExit(10_000))
            _broker.Kill();
        _broker.Dispose();
        File.Delete(_socket);
        foreach (var container in _containers)
            container.Dispose();
        Wire.Dispose();
        Host.Dispose();
    }
}
