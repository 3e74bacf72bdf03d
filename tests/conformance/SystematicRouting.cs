namespace IpVlanWin.Conformance;

/// <summary>Semantics 26 to 34 and 59: what l3 and l3s route as the host's own.</summary>
internal static class SystematicRouting
{
    private const string Far = "198.51.100.7";

    /// <summary>33, 34: several prefixes and routes, their longest match, /31 and /32, broadcast addresses.</summary>
    public static void Routes(ScenarioBuilder bed)
    {
        if (bed.Mode == "l2")
            return;
        var usual = Pool.Master();
        bed.Master = usual with
        {
            Addresses = ["10.0.0.1/24", "10.5.0.1/16", "172.16.0.0/31", "192.0.2.9/32", "fd00::1/64", "fe80::1/64", "fd00:5::1/48", "2001:db8:9::9/128"],
            Routes = [.. usual.Routes!, new("203.0.113.0/24", "10.0.0.99"), new("203.0.113.128/25", "10.5.0.7"), new("203.0.113.200/32", "172.16.0.1"),
                new("2001:db8:5::/48", "fd00::99"), new("2001:db8:5:1::/64", "fd00:5::7"), new("10.5.7.0/24", "10.0.0.99")],
            Neighbors = [.. usual.Neighbors!, new("10.5.0.7", "02:00:00:00:05:07"), new("172.16.0.1", "02:00:00:00:05:08"), new("fd00:5::7", "02:00:00:00:05:09")],
        };
        foreach (var to in (string[])[Far, "203.0.113.9", "203.0.113.129", "203.0.113.200", "10.5.0.7", "10.5.7.9", "10.5.9.9", "172.16.0.1", "172.16.0.0", "172.16.0.2", "192.0.2.9", "192.0.2.10",
            "10.0.0.255", "10.5.255.255", "10.0.0.0", "10.5.0.0", "192.0.2.255", "10.0.0.77"])
            bed.Sent(Forge.Four("10.0.0.2", to), to, to: Forge.Station);
        foreach (var to in (string[])["2001:db8::7", "2001:db8:5::9", "2001:db8:5:1::9", "2001:db8:5:2::9", "fd00:5::7", "fd00:5:0:9::9", "fd00:6::1", "2001:db8:9::9", "2001:db8:9::a", "fe80::99", "fd00::77"])
            bed.Sent(Forge.Six("fd00::2", to), to, 0x86dd, Forge.Station);
        bed.Act("neighbor-add", address: "10.0.0.77", mac: "02:00:00:00:05:77");
        bed.Sent(Forge.Four("10.0.0.2", "10.0.0.77"), "its neighbor is known now", to: Forge.Station);
        bed.Act("neighbor-add", address: "10.0.0.99", mac: "02:00:00:00:05:78");
        bed.Sent(Forge.Four("10.0.0.2", "203.0.113.9"), "its gateway has another MAC now", to: Forge.Station);
    }

    /// <summary>31: IPv6 groups of every scope, IPv4 groups, broadcasts.</summary>
    public static void Scopes(ScenarioBuilder bed)
    {
        if (bed.Mode == "l2")
            return;
        for (var scope = 0; scope < 16; scope++)
        {
            var group = $"ff0{scope:x}::12:3456";
            bed.Sent(Forge.Six("fd00::2", group), group, 0x86dd, Forge.Station);
        }
        foreach (var group in (string[])["ff10::1", "ff11::1", "ff12::1", "ff3e::8000:1"])
            bed.Sent(Forge.Six("fd00::2", group), group, 0x86dd, Forge.Station);
        bed.Sent(Forge.Six("fd00::2", "ff02::1"), "with a multicast MAC", 0x86dd, "33:33:00:00:00:01");
        foreach (var group in (string[])["224.0.0.1", "239.255.255.255", "255.255.255.255"])
            bed.Sent(Forge.Four("10.0.0.2", group), group, to: Forge.Station);
    }

    /// <summary>27 to 30: lengths, versions, header lengths, checksums, time to live.</summary>
    public static void Headers(ScenarioBuilder bed)
    {
        if (bed.Mode == "l2")
            return;
        var four = Forge.Four("10.0.0.2", Far);
        var six = Forge.Six("fd00::2", "2001:db8::7");
        foreach (var type in (int[])[0x0806, 0x88b5, 0x8808, 0x0100])
            bed.Sent(four, $"type {type:x4}", type, Forge.Station);
        bed.Inject("ipvl0", Forge.Tagged(Forge.Ethernet(Forge.Station, Forge.Own, 0x0800, four), 0), "tagged");
        foreach (var ttl in (int[])[0, 1, 255])
            bed.Sent(Forge.Four("10.0.0.2", Far, ttl: ttl), $"time to live {Systematic.Text(ttl)}", to: Forge.Station);
        foreach (var hopLimit in (int[])[0, 1, 255])
            bed.Sent(Forge.Six("fd00::2", "2001:db8::7", hopLimit: hopLimit), $"hop limit {Systematic.Text(hopLimit)}", 0x86dd, Forge.Station);
        foreach (var first in (byte[])[0x44, 0x43, 0x40, 0x46, 0x55, 0x65, 0x05, 0x4f])
            bed.Sent([first, .. four[1..], .. new byte[40]], $"first byte {first:x2}", to: Forge.Station);
        foreach (var first in (byte[])[0x40, 0x00, 0x6f, 0x50])
            bed.Sent([first, .. six[1..]], $"first byte {first:x2}", 0x86dd, Forge.Station);
        bed.Sent([.. four[..10], 0xde, 0xad, .. four[12..]], "a wrong checksum", to: Forge.Station);
        bed.Sent([.. four[..2], 0, 20, .. four[4..]], "a total length too small", to: Forge.Station);
        bed.Sent([.. four[..2], 0x40, 0, .. four[4..]], "a total length far too large", to: Forge.Station);
        bed.Sent([.. four, .. new byte[9]], "padded", to: Forge.Station);
        bed.Sent([.. six[..4], 0, 1, .. six[6..]], "a payload length too small", 0x86dd, Forge.Station);
        bed.Sent([.. six[..4], 9, 1, .. six[6..]], "a payload length too large", 0x86dd, Forge.Station);
        foreach (var length in (int[])[0, 4, 5, 20, 21])
            bed.Sent(four[..length], $"{Systematic.Text(length)} bytes of IPv4", to: Forge.Station);
        foreach (var length in (int[])[0, 25, 40, 41])
            bed.Sent(six[..length], $"{Systematic.Text(length)} bytes of IPv6", 0x86dd, Forge.Station);
        bed.Sent(Forge.Four("10.0.0.2", Far, options: [1, 1, 1, 1]), "options", to: Forge.Station);
    }

    /// <summary>25, 31, 32: to siblings that are up or down, to the master, from where no packet comes.</summary>
    public static void Addresses(ScenarioBuilder bed)
    {
        if (bed.Mode == "l2")
            return;
        foreach (var to in (string[])["10.0.0.2", "10.0.0.3", "10.0.0.5", "10.0.0.1", "10.0.0.99"])
        {
            bed.Sent(Forge.Four("10.0.0.2", to), to, to: Forge.Foreign);
            bed.Sent(Forge.Four("10.0.0.2", to), $"{to}, broadcast MAC", to: Forge.Broadcast);
            bed.Sent(Forge.Arp(1, Forge.Own, "10.0.0.2", to), $"who has {to}", 0x0806, Forge.Broadcast);
            bed.Sent(Forge.Arp(2, Forge.Own, "10.0.0.2", to, Forge.Station), $"answers {to}", 0x0806, Forge.Station);
        }
        foreach (var to in (string[])["fd00::2", "fd00::3", "fd00::1", "fe80::1", "fd00::99"])
        {
            bed.Sent(Forge.Six("fd00::2", to), to, 0x86dd);
            bed.Sent(Forge.Discovery(135, "::", "ff02::1:ff00:3", to), $"is {to} free", 0x86dd, "33:33:ff:00:00:03");
            bed.Sent(Forge.Discovery(135, "fd00::2", "ff02::1:ff00:3", to, Forge.Own), $"who has {to}", 0x86dd, "33:33:ff:00:00:03");
        }
        foreach (var from in (string[])["127.0.0.1", "127.9.9.9", "10.0.0.3", "10.0.0.1", "192.0.2.77", "10.0.0.255"])
            bed.Sent(Forge.Four(from, Far), $"from {from}", to: Forge.Station);
        bed.Sent(Forge.Four("127.0.0.1", "10.0.0.3"), "from 127.0.0.1 to a sibling");
        bed.Sent(Forge.Four("127.0.0.1", "10.0.0.1"), "from 127.0.0.1 to the master");
        bed.Sent(Forge.Four("10.0.0.2", "10.0.0.1", payload: new byte[1480]), "to the master, as long as may be");
        bed.Sent(Forge.Six("fd00::3", "2001:db8::7"), "from a sibling's address", 0x86dd, Forge.Station);
    }

    /// <summary>59: addresses of the master come and go, and with them what is on-link and what is broadcast.</summary>
    public static void MasterAddresses(ScenarioBuilder bed)
    {
        if (bed.Mode == "l2")
            return;
        void Ask(string comment)
        {
            foreach (var to in (string[])["10.5.0.1", "10.5.0.7", "10.5.255.255", "172.16.0.1", "10.0.0.3", "10.0.0.1"])
                bed.Sent(Forge.Four("10.0.0.2", to), $"{comment}: {to}", to: Forge.Station);
            foreach (var to in (string[])["fd00:5::1", "fd00:5::7", "2001:db8:9::9"])
                bed.Sent(Forge.Six("fd00::2", to), $"{comment}: {to}", 0x86dd, Forge.Station);
        }
        Ask("before");
        foreach (var address in (string[])["10.5.0.1/16", "172.16.0.0/31", "fd00:5::1/48", "2001:db8:9::9/128", "10.0.0.3/32"])
            bed.Act("address-add", "eth0", address);
        Ask("added");
        bed.Act("address-add", "ipvl1", "10.5.0.1/24");
        Ask("an interface has one of them too");
        bed.Act("address-del", "ipvl1", "10.5.0.1/24");
        foreach (var address in (string[])["10.5.0.1/16", "fd00:5::1/48", "10.0.0.3/32"])
            bed.Act("address-del", "eth0", address);
        Ask("removed");
    }
}
