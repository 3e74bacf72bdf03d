using System.Net;
using System.Runtime.Versioning;
using IpVlanWin.Cli.Lab.Namespaces;
using IpVlanWin.Datapath;
using IpVlanWin.Datapath.Linux;
using IpVlanWin.Devices;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Wire;
using IpVlanWin.HostNetwork;
using IpVlanWin.HostNetwork.Linux;

namespace IpVlanWin.Lab.Tests;

/// <summary>
/// A port with stations around it: interfaces red, green ..., the host's own stack, and a peer on the wire that also has an address off
/// the link. Interfaces in l3 and l3s send everything to the interface, and the wire is told of them there.
/// </summary>
[SupportedOSPlatform("linux")]
internal sealed class Bed : IDisposable
{
    public const string WireLink = "wire";
    public static readonly IPAddress OffLinkFour = IPAddress.Parse("203.0.113.9");
    public static readonly IPAddress OffLinkSix = IPAddress.Parse("2001:db8::9");
    private static readonly string[] s_colors = ["red", "green", "blue", "yellow"];

    private readonly LabNamespaces _namespaces;
    private readonly WireMacs _macs;
    private readonly List<Station> _members = [];

    public Bed(PortMode mode, PortFlag flag, int interfaces = 2, Func<string, IFrameDevice, IFrameDevice>? decorate = null, bool announces = false)
    {
        _namespaces = LabNamespaces.Begin();
        try
        {
            var port = _namespaces.Create("port");
            PortSide = new Station(port, "port", WireLink, 254);
            Host = new Station(_namespaces.Create("host"), "host", "master", 1);
            Wire = new Station(_namespaces.Create("wire"), "wire", "peer", 2);
            port.WriteSysctl("net/ipv6/conf/default/disable_ipv6", "1");
            var near = PortSide.Netlink.CreateVeth(WireLink, Wire.Device, Wire.Namespace);
            PortSide.Netlink.SetUp(near.Index, true);
            // Before the peer sends anything itself: the listener takes out the peer's own frames from now on.
            _macs = new WireMacs(Wire.Namespace);
            Wire.SetUp();
            Wire.Netlink.AddAddress(Wire.Link, OffLinkFour, 32);
            Wire.Netlink.AddAddress(Wire.Link, OffLinkSix, 128, AddressFlags.NoDad);
            Datapath = new EngineDatapath(new LinuxPortSettings
            {
                MasterName = Host.Device,
                HostNamespace = Host.Namespace,
                WireNamespace = port,
                WireLink = WireLink,
                Mode = mode,
                Flag = flag,
                Announces = announces,
                Decorate = (name, device) =>
                {
                    var decorated = decorate?.Invoke(name, device) ?? device;
                    return name == WireLink ? _macs.Watch(decorated) : decorated;
                },
            });
            Host.SetUp();
            MasterMacs.Add(Datapath.Port.Mac);
            for (var i = 0; i < interfaces; i++)
                Add(mode, flag);
            Follow(mode);
            WaitUntilReady();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public EngineDatapath Datapath { get; }

    public Station PortSide { get; }

    public Station Host { get; }

    public Station Wire { get; }

    public Station Red => _members[0];

    public Station Green => _members[1];

    public IReadOnlyList<Station> Members => _members;

    /// <summary>MACs that the master has had.</summary>
    public HashSet<MacAddress> MasterMacs { get; } = [];

    /// <summary>Source MACs that came out on the wire.</summary>
    public IReadOnlyCollection<MacAddress> WireSourceMacs => _macs.Seen;

    public InterfaceStatus Status(Station member) => Datapath.Interfaces.Single(known => known.Name == member.Device);

    public long Drops(Station member, DropReason reason) => Status(member).Drops.GetValueOrDefault(reason);

    /// <summary>A namespace of the bed's without anything in it.</summary>
    public NetworkNamespace CreateNamespace(string role) => _namespaces.Create(role);

    /// <summary>One more interface, with the next color and number.</summary>
    public Station Add(PortMode? mode = null, PortFlag? flag = null)
    {
        var index = _members.Count;
        var member = new Station(_namespaces.Create(s_colors[index]), s_colors[index], $"ipvl{index}", 10 + index);
        Assert.AreEqual(PortResult.Ok, Datapath.AddInterface(new InterfaceSettings(member.Device, member.Namespace.Name, mode, flag)));
        _members.Add(member);
        member.SetUp();
        return member;
    }

    public void SetMode(PortMode mode)
    {
        Assert.AreEqual(PortResult.Ok, Datapath.SetMode(mode));
        Follow(mode);
    }

    /// <summary>Routes and neighbors that a mode calls for.</summary>
    public void Follow(PortMode mode)
    {
        foreach (var member in _members)
        {
            foreach (var isSix in new[] { false, true })
            {
                var everything = new HostRoute { Destination = new IPNetwork(isSix ? IPAddress.IPv6Any : IPAddress.Any, 0), LinkIndex = member.Link };
                if (mode != PortMode.L2)
                {
                    member.Netlink.ReplaceRoute(everything);
                    Wire.Netlink.SetNeighbor(Wire.Link, member.Address(isSix), PortSide.Netlink.GetLink(WireLink).Mac);
                    continue;
                }
                IgnoreAbsent(() => member.Netlink.RemoveRoute(everything));
                IgnoreAbsent(() => Wire.Netlink.RemoveNeighbor(Wire.Link, member.Address(isSix)));
            }
        }
    }

    /// <summary>One ping with its repetitions (a second and a half where nothing comes).</summary>
    public static Task<bool> ReachesAsync(Station from, IPAddress to) => Task.Run(async () =>
        (await PingProbe.RunAsync(from.Namespace, L3Address.From(to), CancellationToken.None).ConfigureAwait(false)).IsReached);

    /// <summary>Pings until it is answered.</summary>
    public static void MustReach(Station from, IPAddress to) =>
        Eventually.Holds(() => ReachesAsync(from, to).GetAwaiter().GetResult(), $"{from} reaches {to}");

    public static void MustReach(Station from, Station to, bool isSix = false) => MustReach(from, to.Address(isSix));

    public static void MustNotReach(Station from, IPAddress to) =>
        Assert.IsFalse(ReachesAsync(from, to).GetAwaiter().GetResult(), $"{from} reaches {to}");

    public void WaitUntilReady()
    {
        Eventually.Holds(() => Datapath.Port is { IsUp: true, Addresses.Count: >= 2 });
        foreach (var member in _members)
            Eventually.Holds(() => Status(member) is { IsUp: true, Addresses: var known } && known.Any(one => one.Address == L3Address.From(member.Four)) && known.Any(one => one.Address == L3Address.From(member.Six)));
        foreach (var station in _members.Concat([Host, Wire, PortSide]))
            Eventually.Holds(() => station.Netlink.GetLink(station.Device).IsRunning);
    }

    public void Dispose()
    {
        _macs?.Dispose();
        Datapath?.Dispose();
        foreach (var station in _members.Concat([Host, Wire, PortSide]))
            station?.Dispose();
        _namespaces.Dispose();
    }

    private static void IgnoreAbsent(Action remove)
    {
        try
        {
            remove();
        }
        catch (HostNetworkException fault) when (fault.NativeName is "ESRCH" or "ENOENT")
        {
            // It was never set.
        }
    }
}
