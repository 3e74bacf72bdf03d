using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Routing;
using IpVlanWin.Engine.Wire;
using static IpVlanWin.Engine.Tests.WireNaive;

namespace IpVlanWin.Engine.Tests.Oracle;

/// <summary>Frames by hand, for tables. Addresses and MACs in their usual spelling.</summary>
public static class Frames
{
    public const string OwnMac = "02:00:00:00:00:01";
    public const string OtherMac = "02:00:00:00:00:99";
    public const string GatewayMac = "02:00:00:00:00:fe";
    public const string Broadcast = "ff:ff:ff:ff:ff:ff";
    public const string Group = "01:00:5e:00:00:fb";

    /// <summary>How long a payload makes an untagged IPv4 frame of that length.</summary>
    public static int Ipv4Payload(int frameLength) => frameLength - 34;

    public static byte[] Mac(string text)
    {
        var bytes = new byte[6];
        MacAddress.Parse(text).Write(bytes);
        return bytes;
    }

    public static byte[] Address(string text)
    {
        var address = L3Address.Parse(text);
        var bytes = new byte[address.Bits / 8];
        address.Write(bytes);
        return bytes;
    }

    public static byte[] Ethernet(string destination, string source, int type, byte[] packet) => [.. Mac(destination), .. Mac(source), .. Big16(type), .. packet];

    /// <summary>Puts a tag in.</summary>
    public static byte[] Tagged(this byte[] frame, int control = 0, int type = 0x8100) => [.. frame[..12], .. Big16(type), .. Big16(control), .. frame[12..]];

    /// <summary>An IPv4 or IPv6 frame (UDP protocol number, payload of a pattern).</summary>
    public static byte[] Ip(string destination, string source, string from, string to, int payload = 26, bool dontFragment = false, byte[]? options = null, byte protocol = 17) =>
        from.Contains(':', StringComparison.Ordinal)
            ? Ethernet(destination, source, 0x86dd, [0x60, 0, 0, 0, .. Big16(payload), protocol, 1, .. Address(from), .. Address(to), .. Pattern(payload)])
            : Ethernet(destination, source, 0x0800, Four(from, to, payload, dontFragment, options ?? [], protocol));

    public static byte[] Arp(string destination, string source, string sender, string target) => Ethernet(destination, source, 0x0806,
        [0, 1, 8, 0, 6, 4, 0, 1, .. Mac(source), .. Address(sender), .. new byte[6], .. Address(target)]);

    /// <summary>A neighbor solicitation or another ICMPv6 message with a target.</summary>
    public static byte[] Icmp6(string destination, string source, string from, string to, string target, byte type = 135) => Ethernet(destination, source, 0x86dd,
        [0x60, 0, 0, 0, 0, 24, 58, 255, .. Address(from), .. Address(to), type, 0, 0, 0, 0, 0, 0, 0, .. Address(target)]);

    public static byte[] Pause(string destination, string source) => Ethernet(destination, source, 0x8808, [0, 1, 0xff, 0xff, .. new byte[42]]);

    public static byte[] Pattern(int length)
    {
        var bytes = new byte[length];
        for (var i = 0; i < length; i++)
            bytes[i] = (byte)((i * 7) ^ (i >> 8));
        return bytes;
    }

    private static byte[] Four(string from, string to, int payload, bool dontFragment, byte[] options, byte protocol)
    {
        byte[] header =
        [
            (byte)(0x45 + (options.Length / 4)), 0, .. Big16(20 + options.Length + payload), 0x12, 0x34, (byte)(dontFragment ? 0x40 : 0), 0, 1, protocol, 0, 0,
            .. Address(from), .. Address(to), .. options,
        ];
        Big16(~Sum(header)).CopyTo(header, 10);
        return [.. header, .. Pattern(payload)];
    }
}

/// <summary>
/// The port most tables speak of: a (10.0.0.2, fd00::2), b (10.0.0.3, fd00::3) and c (10.0.0.4), c down; host 10.0.0.1/24 and fd00::1/64;
/// default routes over .254 and ::fe with known MACs. Copies are gathered as "place" or, with bytes, in <see cref="Last"/>.
/// </summary>
public sealed class TestPort
{
    private readonly EngineAlone _engine;
    private Dictionary<string, long[]> _before = [];

    public TestPort(PortMode mode, PortFlag flag, int ipMtu = 1500)
    {
        Port = new Port("eth0", MacAddress.Parse(Frames.OwnMac), ipMtu, 12345);
        _engine = new EngineAlone(Port);
        Port.SetMasterUp(true);
        A = Add("a", "10.0.0.2/24", "fd00::2/64");
        B = Add("b", "10.0.0.3/24", "fd00::3/64");
        C = Add("c", "10.0.0.4/24");
        Port.SetUp(C, false);
        Port.AddGroup(B, MacAddress.Parse(Frames.Group));
        Port.SetMode(mode);
        Port.SetFlag(flag);
        Port.AddMasterAddress(L3Prefix.Parse("10.0.0.1/24"));
        Port.AddMasterAddress(L3Prefix.Parse("fd00::1/64"));
        Port.AddRoute(L3Prefix.Parse("0.0.0.0/0"), new Route(L3Address.Parse("10.0.0.254")));
        Port.AddRoute(L3Prefix.Parse("::/0"), new Route(L3Address.Parse("fd00::fe")));
        foreach (var gateway in (ReadOnlySpan<string>)["10.0.0.254", "fd00::fe"])
            Port.Neighbors.Set(L3Address.Parse(gateway), MacAddress.Parse(Frames.GatewayMac), TimeSpan.MaxValue);
    }

    public Port Port { get; }

    public VirtualInterface A { get; }

    public VirtualInterface B { get; }

    public VirtualInterface C { get; }

    public Decision Decision { get; private set; }

    /// <summary>What came out of the last injection.</summary>
    public List<NaiveCopy> Last { get; private set; } = [];

    /// <summary>Places of the last injection's copies, sorted, with commas.</summary>
    public string Places => string.Join(',', Last.Select(copy => copy.Place).Order(StringComparer.Ordinal));

    public VirtualInterface Add(string name, params string[] addresses)
    {
        Assert.AreEqual(PortResult.Ok, Port.AddInterface(name, null, null, out var added));
        foreach (var address in addresses)
            Assert.AreEqual(PortResult.Ok, Port.AddAddress(added!, L3Prefix.Parse(address)));
        Port.SetUp(added!, true);
        return added!;
    }

    public VirtualInterface this[string name] => Port.Find(name)!;

    public string FromWire(byte[] frame, FrameOffload offload = default) => Inject(null, frame, offload);

    public string From(VirtualInterface sender, byte[] frame, FrameOffload offload = default) => Inject(sender, frame, offload);

    /// <summary>What the last injection added to an interface's counters, those that moved: "rxPackets+1 rxBytes+60".</summary>
    public string Moved(VirtualInterface member)
    {
        var before = _before[member.Name];
        var now = Counters(member);
        return string.Join(' ', now.Select((value, i) => (Moved: value - before[i], Name: Names[i])).Where(entry => entry.Moved != 0).Select(entry => $"{entry.Name}+{entry.Moved}"));
    }

    /// <summary>All that the last injection counted but the seven: "port:private+1 a:private+1".</summary>
    public string Reasons()
    {
        List<string> moved = [];
        AddMoved("port", Port.Drops);
        foreach (var member in Port.Interfaces)
            AddMoved(member.Name, member.Drops);
        return string.Join(' ', moved);

        void AddMoved(string place, DropCounters counts)
        {
            for (var reason = DropReason.None; reason <= DropReason.DeviceQueueFull; reason++)
            {
                var more = counts[reason] - _before[place][7 + (int)reason];
                if (more != 0)
                    moved.Add($"{place}:{reason.Word()}+{more}");
            }
        }
    }

    /// <summary>No counter of the seven moved at any interface but these.</summary>
    public void AssertStill(params VirtualInterface[] except)
    {
        foreach (var member in Port.Interfaces.Except(except))
            Assert.AreEqual("", Moved(member), member.Name);
    }

    private static readonly string[] Names = ["rxPackets", "rxBytes", "multicast", "txPackets", "txBytes", "rxErrors", "txDropped"];

    private static long[] Counters(VirtualInterface member)
    {
        var counters = member.Counters;
        return [counters.RxPackets, counters.RxBytes, counters.Multicast, counters.TxPackets, counters.TxBytes, counters.RxErrors, counters.TxDropped];
    }

    private static IEnumerable<long> Drops(DropCounters counters) => Enumerable.Range(0, DropReasons.Count).Select(reason => counters[(DropReason)reason]);

    private string Inject(VirtualInterface? sender, byte[] frame, FrameOffload offload)
    {
        _before = Port.Interfaces.ToDictionary(member => member.Name, member => (long[])[.. Counters(member), .. Drops(member.Drops)]);
        _before["port"] = [.. new long[7], .. Drops(Port.Drops)];
        (Decision, Last) = _engine.Inject(sender, new ForgedFrame(frame, offload, Segmenter.SegmentFrameLength(frame, offload)), TimeSpan.Zero);
        return Places;
    }
}
