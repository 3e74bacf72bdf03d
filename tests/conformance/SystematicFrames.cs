namespace IpVlanWin.Conformance;

/// <summary>Semantics 4 to 25, 35 to 40: single frames at their edges.</summary>
internal static class SystematicFrames
{
    private static readonly byte[] Payload = new byte[24];

    /// <summary>9 and 10: each header a byte too short, of wrong version, with lengths that do not fit; 11: by which address.</summary>
    public static void Headers(ScenarioBuilder bed, bool isSent)
    {
        void Try(byte[] packet, string comment, int type)
        {
            if (!isSent)
            {
                bed.FromWire(packet, comment, type);
                bed.Inject("wire", Forge.Tagged(Forge.Ethernet(Forge.Own, Forge.Station, type, packet), 0), comment + ", priority tag");
            }
            else
            {
                bed.Sent(packet, comment, type);
            }
        }
        var arp = Forge.Arp(1, Forge.Station, "10.0.0.99", "10.0.0.3");
        foreach (var length in (int[])[0, 27, 28])
            Try(arp[..length], $"ARP of {Systematic.Text(length)} bytes", 0x0806);
        Try([.. arp, .. new byte[18]], "ARP, padded", 0x0806);
        Try([9, 9, 9, 9, 9, 9, 0, 7, .. arp[8..]], "ARP of another hardware and operation", 0x0806);
        Try(Forge.Arp(2, Forge.Station, "10.0.0.3", "10.0.0.77"), "ARP from an interface's address", 0x0806);
        var four = Forge.Four("10.0.0.99", "10.0.0.3", payload: Payload);
        foreach (var length in (int[])[19, 20, 43, 44])
            Try(four[..length], $"IPv4 cut to {Systematic.Text(length)}", 0x0800);
        foreach (var first in (byte[])[0x44, 0x46, 0x4b, 0x4c, 0x35, 0x55, 0x65])
            Try([first, .. four[1..]], $"IPv4 with first byte {first:x2}", 0x0800);
        foreach (var total in (int[])[0, 19, 20, 43, 44, 45, 58, 59, 0xffff])
            Try([.. four[..2], (byte)(total >> 8), (byte)total, .. four[4..]], $"IPv4 with total length {Systematic.Text(total)}", 0x0800);
        Try([.. four[..10], 1, 2, .. four[12..]], "IPv4 with a wrong checksum", 0x0800);
        Try([.. four[..8], 0, .. four[9..]], "IPv4 with a time to live of 0", 0x0800);
        Try([.. four, .. new byte[7]], "IPv4, padded", 0x0800);
        Try(Forge.Four("10.0.0.3", "10.0.0.77"), "IPv4 from an interface, for nobody", 0x0800);
        var six = Forge.Six("fd00::99", "fd00::3", 17, Payload);
        foreach (var length in (int[])[39, 40, 63])
            Try(six[..length], $"IPv6 cut to {Systematic.Text(length)}", 0x86dd);
        foreach (var first in (byte[])[0x40, 0x50, 0x70, 0x6f])
            Try([first, .. six[1..]], $"IPv6 with first byte {first:x2}", 0x86dd);
        foreach (var next in (int[])[58, 59, 44])
            Try(Forge.Six("::", "fd00::3", next, Payload), $"IPv6 from ::, next header {Systematic.Text(next)}", 0x86dd);
        var ask = Forge.Discovery(135, "::", "fd00::77", "fd00::3");
        foreach (var length in (int[])[47, 48, 63, 64])
            Try(ask[..length], $"solicitation from :: cut to {Systematic.Text(length)}", 0x86dd);
        foreach (var type in (int[])[133, 134, 136, 143])
            Try(Forge.Discovery(type, "::", "fd00::3", "fd00::3"), $"ICMPv6 {Systematic.Text(type)} from :: to an interface", 0x86dd);
        Try(Forge.Discovery(135, "fd00::99", "fd00::77", "fd00::3", Forge.Station), "solicitation from an address", 0x86dd);
        Try(Forge.Discovery(135, "fd00::99", "fd00::3", "fd00::77", Forge.Station), "solicitation to an interface", 0x86dd);
        foreach (var type in (int[])[0x0801, 0x05ff, 0x0600, 0x88b5])
            Try(four, $"IPv4 with type {type:x4}", type);
        foreach (var to in (string[])["10.0.0.2", "10.0.0.5", "10.0.0.1"])
            Try(Forge.Four("10.0.0.99", to), $"IPv4 to {to}", 0x0800);
    }

    /// <summary>7: tags of both types, of any length, twice, with any VID.</summary>
    public static void ShortTags(ScenarioBuilder bed)
    {
        foreach (var type in (int[])[0x8100, 0x88a8])
        {
            var whole = Forge.Tagged(Forge.Ethernet(Forge.Own, Forge.Own, 0x0800, Forge.Four("10.0.0.99", "10.0.0.3")), 0, type);
            foreach (var length in (int[])[14, 15, 16, 17, 18, 19, 20, 21, 37, 38])
            {
                bed.Inject("wire", whole[..length], $"{type:x4}, {Systematic.Text(length)} bytes from the wire");
                bed.Inject("ipvl0", whole[..length], $"{type:x4}, {Systematic.Text(length)} bytes to itself");
                bed.Inject("ipvl0", [.. Forge.Mac(Forge.Broadcast), .. whole[6..length]], $"{type:x4}, {Systematic.Text(length)} bytes to all");
            }
            foreach (var vid in (int[])[0, 1, 5, 0xfff, 0xe000, 0xe005])
            {
                bed.Inject("wire", Forge.Tagged(Forge.Ethernet(Forge.Own, Forge.Station, 0x0800, Forge.Four("10.0.0.99", "10.0.0.3")), vid, type), $"{type:x4} {vid:x4} from the wire");
                bed.Inject("wire", Forge.Tagged(Forge.Ethernet(Forge.Broadcast, Forge.Station, 0x0806, Forge.Arp(1, Forge.Station, "10.0.0.99", "10.0.0.3")), vid, type), $"{type:x4} {vid:x4} to all");
            }
            bed.Inject("wire", Forge.Tagged(Forge.Tagged(whole[..12].Concat(whole[16..]).ToArray(), 5), 0, type), $"{type:x4} before another tag");
            bed.Inject("ipvl0", Forge.Tagged(Forge.Tagged(whole[..12].Concat(whole[16..]).ToArray(), 5), 0, type), $"{type:x4} before another tag, to itself");
        }
    }

    /// <summary>7 and 18a: several tags, of which the host takes more off than the driver.</summary>
    public static void ManyTags(ScenarioBuilder bed)
    {
        static byte[] Behind(byte[] frame, int[] vids)
        {
            for (var i = vids.Length - 1; i >= 0; i--)
                frame = Forge.Tagged(frame, vids[i], i % 2 == 0 ? 0x8100 : 0x88a8);
            return frame;
        }
        int[][] tags = [[0, 0], [0xe000, 0x2000], [0, 5], [5, 0], [0, 0, 0], [0, 0, 5], [0, 5, 0], [.. new int[13]], [.. new int[12], 5]];
        foreach (var vids in tags)
        {
            var comment = "tags " + string.Join(' ', vids.Select(vid => vid.ToString("x4", System.Globalization.CultureInfo.InvariantCulture)));
            foreach (var to in (string[])[Forge.Own, Forge.Foreign, Forge.Broadcast])
            {
                bed.Inject("wire", Behind(Forge.Ethernet(to, Forge.Station, 0x0800, Forge.Four("10.0.0.99", "10.0.0.3")), vids), $"{comment}, IPv4 to {to}");
                bed.Inject("wire", Behind(Forge.Ethernet(to, Forge.Station, 0x86dd, Forge.Six("fd00::99", "fd00::3")), vids), $"{comment}, IPv6 to {to}");
                bed.Inject("wire", Behind(Forge.Ethernet(to, Forge.Station, 0x0806, Forge.Arp(1, Forge.Station, "10.0.0.99", "10.0.0.3")), vids), $"{comment}, ARP to {to}");
                bed.Inject("ipvl0", Behind(Forge.Ethernet(to, to, 0x0800, Forge.Four("10.0.0.2", "10.0.0.3")), vids), $"{comment}, from {to} to itself");
            }
            bed.Inject("wire", Behind(Forge.Ethernet(Forge.Own, Forge.Station, 0x0800, [.. Forge.Four("10.0.0.99", "10.0.0.3"), .. new byte[9]]), vids), comment + ", padded");
            bed.Inject("wire", Behind(Forge.Ethernet(Forge.Own, Forge.Station, 0x0800, Forge.Four("10.0.0.99", "10.0.0.3", fragment: 0x2000, number: vids.Length)), vids), comment + ", a fragment");
            bed.Inject("wire", Behind(Forge.Ethernet(Forge.Own, Forge.Station, 0x88b5, new byte[46]), vids), comment + ", something else");
        }
        var two = Behind(Forge.Ethernet(Forge.Own, Forge.Station, 0x0800, Forge.Four("10.0.0.99", "10.0.0.3")), [0, 0]);
        foreach (var length in (int[])[22, 23, 24, 25, 41, 42])
            bed.Inject("wire", two[..length], $"two tags, {Systematic.Text(length)} bytes");
    }

    /// <summary>21 and 23: destination and source MAC the same, of every sort; the table of section 5.</summary>
    public static void ToItself(ScenarioBuilder bed)
    {
        foreach (var mac in (string[])[Forge.Own, Forge.Foreign, "00:00:00:00:00:00", "01:00:5e:00:00:fb", Forge.Broadcast])
        {
            foreach (var to in (string[])["10.0.0.3", "10.0.0.2", "10.0.0.5", "10.0.0.77", "10.0.0.1"])
            {
                var frame = Forge.Ethernet(mac, mac, 0x0800, Forge.Four("10.0.0.2", to));
                bed.Inject("ipvl0", frame, $"{mac} to {to}");
                bed.Inject("ipvl0", Forge.Tagged(frame, 5), $"{mac} to {to}, tagged");
                bed.Inject("ipvl0", Forge.Tagged(frame, 0, 0x88a8), $"{mac} to {to}, service tag");
            }
            bed.Inject("ipvl0", Forge.Ethernet(mac, mac, 0x0806, Forge.Arp(1, Forge.Own, "10.0.0.2", "10.0.0.3")), $"{mac}, who has a sibling");
            bed.Inject("ipvl0", Forge.Tagged(Forge.Ethernet(mac, mac, 0x0806, Forge.Arp(1, Forge.Own, "10.0.0.2", "10.0.0.3")), 5), $"{mac}, who has a sibling, tagged");
            bed.Inject("ipvl0", Forge.Ethernet(mac, mac, 0x86dd, Forge.Discovery(135, "::", "ff02::1:ff00:3", "fd00::3")), $"{mac}, is a sibling's address free");
            bed.Inject("ipvl0", Forge.Ethernet(mac, mac, 0x8808, new byte[46]), $"{mac}, PAUSE");
            bed.Inject("ipvl0", Forge.Tagged(Forge.Ethernet(mac, mac, 0x8808, new byte[46]), 0), $"{mac}, PAUSE, tagged");
            bed.Inject("ipvl0", Forge.Ethernet(mac, mac, 0x88b5, new byte[46]), $"{mac}, something else");
        }
        foreach (var to in (string[])[Forge.Station, Forge.Foreign, Forge.Own])
        {
            foreach (var address in (string[])["10.0.0.3", "10.0.0.1", "10.0.0.77"])
                bed.Sent(Forge.Four("10.0.0.77", address), $"to {to}, {address}, from a foreign MAC and address", to: to, from: "02:00:00:00:00:44");
        }
    }

    /// <summary>12 to 14: what of the own MAC came back, and what only looks like it.</summary>
    public static void Ours(ScenarioBuilder bed)
    {
        foreach (var from in (string[])[Forge.Own, Forge.Foreign])
        {
            foreach (var source in (string[])["10.0.0.2", "10.0.0.5", "10.0.0.77", "10.0.0.1", "0.0.0.0"])
            {
                bed.FromWire(Forge.Arp(1, from, source, "10.0.0.77"), $"{from}, ARP from {source}", 0x0806, Forge.Broadcast, from);
                bed.FromWire(Forge.Four(source, "224.0.0.251"), $"{from}, IPv4 from {source}", 0x0800, "01:00:5e:00:00:fb", from);
                bed.FromWire(Forge.Four(source, "10.0.0.3"), $"{from}, IPv4 from {source} to an interface", 0x0800, Forge.Own, from);
                bed.Inject("wire", Forge.Tagged(Forge.Ethernet(Forge.Broadcast, from, 0x0806, Forge.Arp(1, from, source, "10.0.0.3")), 5), $"{from}, tagged ARP from {source}");
            }
            foreach (var source in (string[])["fd00::2", "fd00::77", "fd00::1", "::"])
            {
                bed.FromWire(Forge.Six(source, "ff02::fb"), $"{from}, IPv6 from {source}", 0x86dd, "33:33:00:00:00:fb", from);
                bed.FromWire(Forge.Discovery(135, source, "ff02::1:ff00:3", "fd00::3"), $"{from}, solicitation from {source} for an interface", 0x86dd, "33:33:ff:00:00:03", from);
                bed.FromWire(Forge.Discovery(135, source, "ff02::1:ff00:77", "fd00::77"), $"{from}, solicitation from {source} for nobody", 0x86dd, "33:33:ff:00:00:77", from);
                bed.FromWire(Forge.Discovery(136, source, "ff02::1", "fd00::2"), $"{from}, advertisement from {source}", 0x86dd, "33:33:00:00:00:01", from);
            }
            bed.FromWire([.. Forge.Four("10.0.0.2", "224.0.0.251")[..19]], $"{from}, cut short", 0x0800, Forge.Broadcast, from);
            bed.FromWire(new byte[46], $"{from}, unknown type", 0x88b5, Forge.Broadcast, from);
        }
    }

    /// <summary>15, 16, 22, 39: who gets which group, from the wire and from a sibling.</summary>
    public static void Groups(ScenarioBuilder bed)
    {
        void Ask(string comment)
        {
            foreach (var group in (string[])["01:00:5e:00:00:fb", "33:33:00:00:00:fb", "01:00:5e:00:00:01", "33:33:00:00:00:01", "33:33:ff:00:00:03", "01:80:c2:00:00:0e", "33:33:5e:00:00:fb", Forge.Broadcast])
            {
                bed.FromWire(Forge.Four("10.0.0.99", "10.0.0.77"), $"{comment}: {group} from the wire", 0x0800, group);
                bed.Sent(Forge.Four("10.0.0.2", "10.0.0.77"), $"{comment}: {group} from ipvl0", 0x0800, group);
                bed.Sent(Forge.Four("10.0.0.2", "10.0.0.77"), $"{comment}: {group} from ipvl0, from itself", 0x0800, group, group);
                bed.Inject("ipvl1", Forge.Tagged(Forge.Ethernet(group, Forge.Own, 0x88b5, new byte[30]), 5), $"{comment}: {group} from ipvl1, tagged");
            }
            bed.FromWire(Forge.Four("10.0.0.99", "10.0.0.77"), comment + ": unicast to a foreign MAC", 0x0800, Forge.Foreign);
        }
        Ask("at first");
        bed.Act("promiscuous", "ipvl2", isOn: true);
        Ask("ipvl2 is promiscuous");
        bed.Act("promiscuous", "ipvl2", isOn: false);
        bed.Act("allmulti", "ipvl0", isOn: true);
        bed.Act("multicast-add", "ipvl2", mac: "01:80:c2:00:00:0e");
        bed.Act("multicast-add", "ipvl2", mac: "01:80:c2:00:00:0e");
        Ask("ipvl0 takes all multicast, ipvl2 joined");
        bed.Act("multicast-del", "ipvl2", mac: "01:80:c2:00:00:0e");
        bed.Act("multicast-del", "ipvl2", mac: "01:80:c2:00:00:0e");
        Ask("ipvl2 left");
    }

    /// <summary>12, 14, 21c, 22a: PAUSE, bare and behind a tag, to every sort of MAC.</summary>
    public static void Pause(ScenarioBuilder bed)
    {
        foreach (var to in (string[])["01:80:c2:00:00:01", Forge.Broadcast, Forge.Own, Forge.Foreign])
        {
            var frame = Forge.Ethernet(to, Forge.Station, 0x8808, new byte[46]);
            foreach (var (shape, comment) in ((byte[], string)[])[(frame, "bare"), (Forge.Tagged(frame, 0), "tagged"), (Forge.Tagged(frame, 5, 0x88a8), "service tag")])
            {
                bed.Inject("wire", shape, $"{to}, {comment}, from the wire");
                bed.Inject("ipvl0", [.. shape[..6], .. Forge.Mac(Forge.Own), .. shape[12..]], $"{to}, {comment}, sent");
                bed.Inject("ipvl0", [.. shape[..6], .. shape[..6], .. shape[12..]], $"{to}, {comment}, sent to itself");
            }
        }
    }

    /// <summary>18: which sources, destinations, MACs and tags go to an interface's IP layer.</summary>
    public static void Sources(ScenarioBuilder bed)
    {
        foreach (var source in (string[])["127.0.0.1", "224.0.0.1", "239.1.1.1", "0.0.0.0", "255.255.255.255", "10.0.0.3", "10.0.0.2", "10.0.0.5", "10.0.0.1", "240.0.0.1", "0.1.2.3", "10.0.0.255", "192.0.2.1"])
            bed.FromWire(Forge.Four(source, "10.0.0.3"), $"from {source}");
        foreach (var source in (string[])["::1", "ff02::1", "::", "fd00::3", "fd00::2", "fd00::1", "::ffff:10.0.0.2", "2001:db8::1"])
            bed.FromWire(Forge.Six(source, "fd00::3"), $"from {source}", 0x86dd);
        foreach (var to in (string[])[Forge.Own, Forge.Foreign, Forge.Broadcast, "01:00:5e:00:00:fb", "33:33:00:00:00:09", "00:00:00:00:00:00"])
        {
            var frame = Forge.Ethernet(to, Forge.Station, 0x0800, Forge.Four("10.0.0.99", "10.0.0.3"));
            bed.Inject("wire", frame, $"to {to}");
            foreach (var vid in (int[])[0, 0xe000, 5])
                bed.Inject("wire", Forge.Tagged(frame, vid), $"to {to}, tag {vid:x4}");
            bed.Inject("wire", Forge.Tagged(Forge.Tagged(frame, 0), 0), $"to {to}, two tags");
            bed.Inject("wire", Forge.Ethernet(to, Forge.Station, 0x86dd, Forge.Six("fd00::99", "fd00::3")), $"IPv6 to {to}");
        }
        foreach (var to in (string[])["10.0.0.2", "10.0.0.5", "10.0.0.77", "224.0.0.251", "10.0.0.255"])
            bed.FromWire(Forge.Four("10.0.0.99", to), $"for {to}");
        bed.FromWire(Forge.Arp(1, Forge.Station, "10.0.0.99", "10.0.0.3"), "ARP for an interface", 0x0806);
        foreach (var type in (int[])[128, 134, 136, 143])
            bed.FromWire(Forge.Discovery(type, "::", "fd00::3", "fd00::3"), $"ICMPv6 {Systematic.Text(type)} from ::", 0x86dd);
    }

    /// <summary>18d and 42: addresses that an interface and the host have, with sources of either.</summary>
    public static void OfBoth(ScenarioBuilder bed)
    {
        if (bed.Mode != "l3s")
            return;
        bed.Interfaces =
        [
            new("ipvl0", true, ["10.0.0.2/24", "10.0.0.1/24", "10.0.0.255/32", "fd00::2/64", "fd00::1/64"], []),
            new("ipvl1", true, ["10.0.0.3/24", "10.5.0.1/16"], []),
            new("ipvl2", false, ["10.0.1.4/24"], []),
        ];
        void Ask(string comment)
        {
            foreach (var from in (string[])["10.0.0.2", "10.0.0.1", "10.0.0.255", "10.0.0.3", "10.5.0.1", "10.0.1.4", "10.0.0.99", "127.0.0.1"])
            {
                foreach (var to in (string[])["10.0.0.2", "10.0.0.1", "10.0.0.255", "10.0.0.3", "10.5.0.1"])
                    bed.FromWire(Forge.Four(from, to), $"{comment}: from {from} to {to}");
            }
            foreach (var from in (string[])["fd00::2", "fd00::1", "fd00::3"])
                bed.FromWire(Forge.Six(from, "fd00::1"), $"{comment}: from {from} to fd00::1", 0x86dd);
        }
        Ask("at first");
        bed.Act("address-add", "eth0", "10.5.0.1/16");
        Ask("the master has 10.5.0.1 too");
        bed.Act("address-del", "eth0", "10.5.0.1/16");
        bed.Act("address-del", "ipvl0", "10.0.0.1/24");
        Ask("10.0.0.1 is the master's alone");
        bed.Act("address-add", "ipvl2", "10.0.0.1/24");
        bed.Act("link-up", "ipvl2");
        Ask("it is another interface's");
    }

    /// <summary>18b and 19: lengths, checksum, padding.</summary>
    public static void InspectedLengths(ScenarioBuilder bed)
    {
        var four = Forge.Four("10.0.0.99", "10.0.0.3", payload: Payload);
        foreach (var total in (int[])[0, 19, 20, 21, 43, 44, 45, 58, 60])
        {
            byte[] packet = [.. four[..2], (byte)(total >> 8), (byte)total, .. four[4..]];
            Forge.SetChecksum(packet);
            bed.FromWire(packet, $"total length {Systematic.Text(total)} of 44");
        }
        foreach (var first in (byte[])[0x44, 0x35, 0x55, 0x65])
        {
            byte[] packet = [first, .. four[1..]];
            Forge.SetChecksum(packet);
            bed.FromWire(packet, $"first byte {first:x2}");
        }
        bed.FromWire([.. four[..10], 1, 2, .. four[12..]], "a wrong checksum");
        foreach (var ttl in (int[])[0, 1])
            bed.FromWire(Forge.Four("10.0.0.99", "10.0.0.3", ttl: ttl), $"time to live {Systematic.Text(ttl)}");
        foreach (var padding in (int[])[1, 6, 40])
            bed.FromWire([.. four, .. new byte[padding]], $"{Systematic.Text(padding)} bytes of padding");
        foreach (var length in (int[])[0, 19, 20])
            bed.FromWire(four[..length], $"cut to {Systematic.Text(length)}");
        var six = Forge.Six("fd00::99", "fd00::3", 17, Payload);
        foreach (var payload in (int[])[0, 1, 23, 24, 25, 100])
            bed.FromWire([.. six[..4], 0, (byte)payload, .. six[6..]], $"payload length {Systematic.Text(payload)} of 24", 0x86dd);
        foreach (var first in (byte[])[0x40, 0x50, 0x6f])
            bed.FromWire([first, .. six[1..]], $"IPv6 with first byte {first:x2}", 0x86dd);
        bed.FromWire([.. six, .. new byte[9]], "IPv6 with padding", 0x86dd);
        foreach (var length in (int[])[39, 40])
            bed.FromWire(six[..length], $"IPv6 cut to {Systematic.Text(length)}", 0x86dd);
        foreach (var next in (int[])[6, 44, 50, 51, 59, 58, 135, 255])
            bed.FromWire(Forge.Six("fd00::99", "fd00::3", next, Payload), $"next header {Systematic.Text(next)}", 0x86dd);
    }

    /// <summary>20, D8: fragments go up one by one.</summary>
    public static void Fragments(ScenarioBuilder bed)
    {
        foreach (var (fragment, number) in ((int, int)[])[(0x2000, 1), (0x0003, 1), (0x2000, 2), (0x0003, 3), (0x4000, 4), (0x8000, 5), (0x6000, 6), (0x2001, 7)])
        {
            var packet = Forge.Four("10.0.0.99", "10.0.0.3", payload: Payload, fragment: fragment, number: 0x7700 + number);
            bed.FromWire(packet, $"fragment field {fragment:x4} of packet {Systematic.Text(number)}");
            bed.FromWire([.. packet, 0, 0, 0], $"fragment field {fragment:x4}, padded");
            bed.Sent(packet, $"fragment field {fragment:x4} to a sibling");
            bed.FromWire(Forge.Four("127.0.0.1", "10.0.0.3", payload: Payload, fragment: fragment, number: 0x7800 + number), $"fragment field {fragment:x4} from 127.0.0.1");
            bed.FromWire([.. packet[..10], 3, 3, .. packet[12..]], $"fragment field {fragment:x4}, a wrong checksum");
        }
        foreach (var offset in (int[])[0x0001, 0x0008, 0x0009])
            bed.FromWire(Forge.Six("fd00::99", "fd00::3", 44, [17, 0, 0, (byte)offset, 0, 0, 0, 9, .. Payload[..16]]), $"IPv6 fragment, offset field {offset:x4}", 0x86dd);
    }

    /// <summary>9, D1: total lengths beyond the packet, by one to fifteen.</summary>
    public static void SentLengths(ScenarioBuilder bed)
    {
        foreach (var to in (string[])["10.0.0.3", "10.0.0.2", "10.0.0.77", "10.0.0.99"])
        {
            var packet = Forge.Four("10.0.0.2", to, payload: Payload);
            foreach (var beyond in (int[])[0, 1, 7, 14, 15])
            {
                byte[] longer = [.. packet[..2], 0, (byte)(packet.Length + beyond), .. packet[4..]];
                bed.Sent(longer, $"{to}: total length {Systematic.Text(beyond)} beyond the packet");
                bed.Sent(longer, $"{to}: total length {Systematic.Text(beyond)} beyond the packet, to a station", to: Forge.Station);
            }
        }
    }

    /// <summary>17, 24, 36, 38, 40: lengths against the MTUs of sender, receiver and master.</summary>
    public static void Lengths(ScenarioBuilder bed)
    {
        byte[] Frame(string to, string address, int length) => [.. Forge.Ethernet(to, Forge.Own, 0x0800, Forge.Four("10.0.0.2", address, payload: new byte[length - 34]))];
        bed.Act("set-mtu", "ipvl1", mtu: 1300);
        foreach (var length in (int[])[1314, 1318, 1319, 1500])
        {
            bed.Inject("ipvl0", Frame(Forge.Own, "10.0.0.3", length), $"{Systematic.Text(length)} bytes to a sibling of MTU 1300");
            bed.Inject("ipvl0", Frame(Forge.Broadcast, "10.0.0.77", length), $"{Systematic.Text(length)} bytes to all");
            bed.Inject("wire", Frame(Forge.Own, "10.0.0.3", length), $"{Systematic.Text(length)} bytes from the wire");
            bed.Inject("ipvl1", Frame(Forge.Own, "10.0.0.2", length), $"{Systematic.Text(length)} bytes from it");
        }
        foreach (var length in (int[])[1514, 1515, 1518, 1519])
        {
            bed.Inject("wire", Frame(Forge.Own, "10.0.0.2", length), $"{Systematic.Text(length)} bytes from the wire");
            bed.Inject("wire", Forge.Tagged(Frame(Forge.Own, "10.0.0.2", length - 4), 0), $"{Systematic.Text(length)} bytes with a tag from the wire");
            bed.Inject("ipvl0", Frame(Forge.Own, "10.0.0.77", length), $"{Systematic.Text(length)} bytes to itself");
            bed.Inject("ipvl0", Forge.Tagged(Frame(Forge.Own, "10.0.0.77", length - 4), 5), $"{Systematic.Text(length)} bytes with a tag to itself");
            bed.Inject("ipvl0", Forge.Tagged(Frame(Forge.Station, "10.0.0.77", length - 4), 5, 0x88a8), $"{Systematic.Text(length)} bytes with a service tag");
        }
        foreach (var length in (int[])[1, 6, 12, 13, 14, 15, 20])
        {
            bed.Inject("ipvl0", Frame(Forge.Own, "10.0.0.3", 60)[..length], $"{Systematic.Text(length)} bytes sent");
            bed.Inject("ipvl0", Frame(Forge.Broadcast, "10.0.0.3", 60)[..length], $"{Systematic.Text(length)} bytes sent to all");
            bed.Inject("wire", Frame(Forge.Own, "10.0.0.3", 60)[..length], $"{Systematic.Text(length)} bytes from the wire");
            bed.Inject("wire", Frame(Forge.Broadcast, "10.0.0.3", 60)[..length], $"{Systematic.Text(length)} bytes to all from the wire");
        }
    }
}
