using IpVlanWin.Cli.Replay;

namespace IpVlanWin.Conformance;

/// <summary>Semantics 41 to 52 and 59: what actions change.</summary>
internal static class SystematicState
{
    /// <summary>50, 51, D7: an own MTU is kept, clamped, and does not grow back.</summary>
    public static void OwnMtu(ScenarioBuilder bed)
    {
        foreach (var mtu in (int[])[67, 68, 1400, 1500, 1501, 9000, 65_535, 65_536, 0])
            bed.Act("set-mtu", "ipvl2", mtu: mtu);
        bed.Act("set-mtu", "ipvl0", mtu: 1400);
        bed.Act("set-mtu", "ipvl1", mtu: 1500);
        foreach (var mtu in (int[])[1450, 1500, 9000, 1300, 1500, 65_536, 2000])
        {
            bed.Act("set-mtu", "eth0", mtu: mtu);
            foreach (var length in (int[])[1314, 1319, 1419])
                bed.Sent(Forge.Four("10.0.1.4", "10.0.0.2", payload: new byte[length - 34]), $"{Systematic.Text(length)} bytes after {Systematic.Text(mtu)}", by: "ipvl2");
        }
        bed.Act("link-add", "ipvl4");
        bed.Act("set-mtu", "eth0", mtu: 1700);
        bed.Act("set-mtu", "ipvl4", mtu: 1600);
        bed.Act("set-mtu", "eth0", mtu: 1800);
        bed.Act("link-del", "ipvl4");
        bed.Act("link-add", "ipvl4");
        bed.Act("set-mtu", "eth0", mtu: 1500);
    }

    /// <summary>44: MTUs that IPv6 cannot have, of an interface and of the master.</summary>
    public static void SmallMtu(ScenarioBuilder bed)
    {
        bed.Act("set-mtu", "ipvl0", mtu: 1279);
        bed.Probe("ipvl0 at 1279");
        bed.FromWire(Forge.Six("fd00::99", "fd00::2"), "for an address that is gone", 0x86dd);
        bed.Act("set-mtu", "ipvl0", mtu: 1280);
        bed.Act("address-add", "ipvl0", "fd00::2/64");
        bed.FromWire(Forge.Six("fd00::99", "fd00::2"), "for an address that is back", 0x86dd);
        bed.Act("set-mtu", "ipvl1", mtu: 576);
        bed.Act("set-mtu", "eth0", mtu: 1000);
        bed.FromWire(Forge.Six("fd00::99", "fd00::2"), "the master at 1000 takes none away", 0x86dd);
        foreach (var length in (int[])[594, 595, 1018, 1019])
        {
            bed.FromWire(Forge.Four("10.0.0.99", "10.0.0.2", payload: new byte[length - 34]), $"{Systematic.Text(length)} bytes from the wire");
            bed.Sent(Forge.Four("10.0.1.4", "10.0.0.3", payload: new byte[length - 34]), $"{Systematic.Text(length)} bytes to ipvl1", by: "ipvl2");
        }
        bed.Act("set-mtu", "eth0", mtu: 68);
        bed.Sent(Forge.Four("10.0.1.4", "10.0.0.3", payload: new byte[40]), "at 68", by: "ipvl2");
    }

    /// <summary>3, 43, 44: any prefix length owns one address; with a prefix's first address go the others.</summary>
    public static void Prefixes(ScenarioBuilder bed)
    {
        bed.Interfaces = [new TopologyInterface("ipvl0", true, ["10.0.0.2/32", "10.0.8.1/31", "fd00::2/128"], []), new TopologyInterface("ipvl1", true, ["10.0.0.3/24", "10.0.0.4/24", "10.0.0.6/25", "10.0.0.7/24"], [])];
        void Ask(string comment)
        {
            foreach (var to in (string[])["10.0.0.2", "10.0.8.0", "10.0.8.1", "10.0.0.3", "10.0.0.4", "10.0.0.6", "10.0.0.7", "10.0.0.255"])
            {
                bed.FromWire(Forge.Four("10.0.0.99", to), $"{comment}: for {to}");
                bed.Sent(Forge.Four("10.0.8.1", to), $"{comment}: to {to}");
            }
            bed.FromWire(Forge.Six("fd00::99", "fd00::2"), comment + ": for fd00::2", 0x86dd);
        }
        Ask("at first");
        foreach (var address in (string[])["10.0.0.2/24", "10.0.8.1/32", "fd00::2/64", "10.0.0.9/24"])
            bed.Act("address-del", "ipvl0", address);
        bed.Act("address-del", "ipvl1", "10.0.0.3/24");
        Ask("the first of 10.0.0.0/24 is gone");
        bed.Act("address-del", "ipvl0", "10.0.0.2/32");
        bed.Act("address-add", "ipvl1", "10.0.0.2/8");
        bed.Act("address-del", "ipvl0", "10.0.8.1/31");
        Ask("moved");
    }

    /// <summary>41, 42: an address belongs to one interface of the port, and may be the master's as well.</summary>
    public static void Duplicates(ScenarioBuilder bed)
    {
        foreach (var (name, address) in ((string, string)[])[
            ("ipvl1", "10.0.0.2/24"), ("ipvl1", "10.0.0.2/32"), ("ipvl0", "10.0.0.2/24"), ("ipvl0", "10.0.0.2/16"), ("ipvl1", "fd00::2/64"), ("ipvl1", "fd00::2/128"),
            ("ipvl0", "fd00::2/64"), ("ipvl0", "fd00::2/128"), ("ipvl0", "10.0.0.5/24"), ("ipvl3", "10.0.0.2/24"), ("ipvl3", "fd00::2/64"), ("ipvl0", "10.0.0.1/24"), ("ipvl1", "fd00::1/64")])
        {
            bed.Act("address-add", name, address);
        }
        bed.FromWire(Forge.Four("10.0.0.99", "10.0.0.1"), "an interface has the master's address");
        bed.Sent(Forge.Four("10.0.1.4", "10.0.0.1"), "to it", by: "ipvl2");
        bed.Act("link-down", "ipvl0");
        bed.FromWire(Forge.Four("10.0.0.99", "10.0.0.1"), "and is down");
        bed.Act("address-add", "ipvl1", "10.0.0.2/24");
        bed.Act("address-add", "ipvl1", "fd00::2/64");
        bed.Act("link-up", "ipvl0");
        bed.Act("address-add", "ipvl0", "fd00::2/64");
        bed.Act("link-del", "ipvl0");
        bed.Act("address-add", "ipvl1", "10.0.0.2/24");
        bed.FromWire(Forge.Four("10.0.0.99", "10.0.0.2"), "it went over to ipvl1");
    }

    /// <summary>46, 59: a port emptied and filled again begins anew.</summary>
    public static void Emptied(ScenarioBuilder bed)
    {
        foreach (var name in (string[])["ipvl0", "ipvl1", "ipvl2", "ipvl3"])
            bed.Act("link-del", name);
        bed.FromWire(Forge.Four("10.0.0.99", "10.0.0.2"), "nobody is there");
        bed.FromWire(Forge.Arp(1, Forge.Station, "10.0.0.99", "10.0.0.2"), "nobody is there, to all", 0x0806, Forge.Broadcast);
        bed.Act("link-add", "ipvl0");
        bed.Act("link-up", "ipvl0");
        bed.Act("address-add", "ipvl0", "10.0.0.2/24");
        bed.Probe("begun anew");
        bed.Act("link-del", "ipvl0");
        bed.Act("link-add", "ipvl0", mode: "l2");
        bed.Act("link-up", "ipvl0");
        bed.Act("address-add", "ipvl0", "10.0.0.2/24");
        bed.Probe("begun anew in l2");
        bed.Act("link-del", "ipvl0");
        bed.Act("link-add", "ipvl0", flag: "private");
    }

    /// <summary>46, 59, D6: modes and flags given, not given and wrong; a name in use.</summary>
    public static void LinkAdd(ScenarioBuilder bed)
    {
        bed.Act("link-add", "ipvl0");
        bed.Act("link-add", "ipvl0", mode: "l2", flag: "vepa");
        bed.Act("link-add", "ipvl0", mode: "7");
        bed.Act("link-add", "ipvl0", flag: "private+vepa");
        bed.Act("link-add", "ipvl0", mode: "l2", flag: "9");
        bed.Act("link-add", "ipvl4");
        bed.Probe("without mode and flag");
        bed.Act("link-add", "ipvl5", flag: "private");
        bed.Act("link-add", "ipvl6", mode: "l3s");
        bed.Probe("private l3s");
        bed.Act("link-add", "ipvl7", mode: "7");
        bed.Act("link-add", "ipvl7", flag: "private+vepa");
        bed.Act("link-add", "ipvl7", flag: "9");
        bed.Act("link-add", "ipvl7", mode: "l2", flag: "bridge");
        bed.Probe("l2 bridge");
    }

    /// <summary>45: set through any interface, for all of them, at once.</summary>
    public static void ModeAndFlag(ScenarioBuilder bed)
    {
        foreach (var mode in Pool.Modes)
        {
            foreach (var flag in Pool.Flags)
            {
                bed.Act("set-mode", "ipvl3", mode: mode);
                bed.Act("set-flag", flag: flag);
                bed.Probe($"{mode} {flag}");
            }
        }
        foreach (var wrong in (string[])["7", "3"])
            bed.Act("set-mode", "ipvl0", mode: wrong);
        foreach (var wrong in (string[])["private+vepa", "9"])
            bed.Act("set-flag", "ipvl0", flag: wrong);
    }

    /// <summary>44, 47, 48: interfaces and the master down and up.</summary>
    public static void UpAndDown(ScenarioBuilder bed)
    {
        bed.Act("link-down", "ipvl1");
        bed.Probe("ipvl1 down");
        bed.Sent(Forge.Four("10.0.0.3", "10.0.0.2"), "sent by it", by: "ipvl1");
        bed.Act("address-add", "ipvl1", "10.0.0.6/24");
        bed.FromWire(Forge.Four("10.0.0.99", "10.0.0.6"), "for an address added while down");
        bed.Act("link-up", "ipvl1");
        bed.FromWire(Forge.Four("10.0.0.99", "10.0.0.6"), "and up");
        bed.FromWire(Forge.Six("fd00::99", "fd00::3"), "its IPv6 address went", 0x86dd);
        bed.Act("link-up", "ipvl3");
        bed.Probe("all up");
        bed.Act("link-down", "eth0");
        bed.Probe("the master down");
        bed.Sent(Forge.Four("10.0.0.2", "10.0.0.77"), "to itself, the master down");
        bed.Sent(Forge.Four("10.0.0.2", "10.0.0.77"), "to a group, the master down", to: "01:00:5e:00:00:fb");
        bed.Act("link-up", "eth0");
        bed.Probe("the master up again");
    }

    /// <summary>49: the master's MAC is everybody's.</summary>
    public static void Mac(ScenarioBuilder bed)
    {
        const string New = "02:00:00:00:00:0a";
        bed.Act("set-mac", "ipvl0", mac: New);
        bed.Act("set-mac", "eth0", mac: New);
        foreach (var mac in (string[])[New, Forge.Own])
        {
            bed.FromWire(Forge.Four("10.0.0.99", "10.0.0.3"), $"to {mac}", to: mac);
            bed.FromWire(Forge.Arp(1, mac, "10.0.0.2", "10.0.0.77"), $"from {mac} to all", 0x0806, Forge.Broadcast, mac);
            bed.Sent(Forge.Four("10.0.0.2", "10.0.0.3"), $"from {mac} to {mac}", to: mac, from: mac);
            bed.Sent(Forge.Four("10.0.0.2", "10.0.0.99"), $"from {mac}", to: Forge.Station, from: mac);
            bed.Sent(Forge.Four("10.0.0.2", "10.0.0.77"), $"from {mac} to {mac}, for nobody", to: mac, from: mac);
        }
    }

    /// <summary>15, D3: a left group ends at once, also one that the stack left.</summary>
    public static void LeftGroups(ScenarioBuilder bed)
    {
        const string Group = "01:00:5e:09:09:09";
        void Ask(string group, string comment)
        {
            bed.FromWire(Forge.Four("10.0.0.99", "239.9.9.9"), comment + ", from the wire", to: group);
            bed.Sent(Forge.Four("10.0.1.4", "239.9.9.9"), comment + ", from ipvl2", to: group, by: "ipvl2");
            bed.Inject("ipvl2", Forge.Ethernet(group, group, 0x0800, Forge.Four("10.0.1.4", "10.0.0.77")), comment + ", from ipvl2 to itself");
        }
        bed.Act("multicast-add", "ipvl0", mac: Group);
        bed.Act("multicast-add", "ipvl1", mac: Group);
        Ask(Group, "both in");
        bed.Act("multicast-del", "ipvl0", mac: Group);
        Ask(Group, "ipvl0 left");
        bed.Act("multicast-del", "ipvl1", mac: Group);
        Ask(Group, "both left");
        bed.Act("address-del", "ipvl0", "fd00::2/64");
        bed.Act("address-del", "ipvl0", "fe80::2/64");
        Ask("33:33:ff:00:00:02", "the solicited-node group of an address that went");
        bed.Act("allmulti", "ipvl0", isOn: true);
        Ask(Group, "ipvl0 takes all");
        bed.Act("allmulti", "ipvl0", isOn: false);
        Ask(Group, "and no longer");
    }
}
