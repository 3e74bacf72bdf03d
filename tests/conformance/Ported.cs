using IpVlanWin.Cli.Replay;

namespace IpVlanWin.Conformance;

/// <summary>What other projects test of ipvlan's data path and addresses, as scenarios of ours (PORTED.md says which and where from).</summary>
internal static class Ported
{
    public static IEnumerable<Draft> All()
    {
        foreach (var mode in Pool.Modes)
        {
            yield return Write("kernel-ip-set", mode, "bridge", IpSet);
            yield return Write("kernel-bond-reach", mode, "bridge", StationReach);
            yield return Write("moby-two-subnets", mode, "bridge", TwoSubnets);
        }
        yield return Write("cni-add-del", "l2", "bridge", AddAndDel);
        yield return Write("moby-siblings", "l2", "bridge", Siblings);
    }

    private static Draft Write(string name, string mode, string flag, Action<ScenarioBuilder> write)
    {
        var bed = new ScenarioBuilder(mode, flag);
        write(bed);
        return Systematic.Draft(bed, $"{mode}-{flag}/ported/{name}", "ported/" + name);
    }

    /// <summary>Interfaces add and delete addresses out of few, so that they collide; none may be had twice.</summary>
    private static void IpSet(ScenarioBuilder bed)
    {
        const int Changes = 120;
        var random = new Random(32);
        bed.Interfaces = [.. Enumerable.Range(0, 4).Select(i => new TopologyInterface("ipvl" + Systematic.Text(i), true, [], []))];
        for (var i = 0; i < Changes; i++)
        {
            var name = "ipvl" + Systematic.Text(random.Next(4));
            var number = Systematic.Text(random.Next(16, 24));
            bed.Act("address-add", name, $"172.25.0.{number}/24");
            bed.Act("address-add", name, $"fc00::{number}/64");
            number = Systematic.Text(random.Next(16, 24));
            bed.Act("address-del", name, $"172.25.0.{number}/24");
            bed.Act("address-del", name, $"fc00::{number}/64");
        }
        for (var number = 16; number < 24; number++)
        {
            bed.FromWire(Forge.Four("172.25.0.1", $"172.25.0.{Systematic.Text(number)}"), "who has it at the end");
            bed.FromWire(Forge.Six("fc00::1", $"fc00::{Systematic.Text(number)}"), "who has it at the end", 0x86dd);
        }
    }

    /// <summary>An interface and a station ask and answer each other, IPv4 and IPv6; so do the master's host and two interfaces.</summary>
    private static void StationReach(ScenarioBuilder bed)
    {
        foreach (var (name, four, six) in ((string, string, string)[])[("ipvl0", "10.0.0.2", "fd00::2"), ("ipvl1", "10.0.0.3", "fd00::3")])
        {
            bed.Sent(Forge.Arp(1, Forge.Own, four, "10.0.0.99"), $"{name} asks who the station is", 0x0806, Forge.Broadcast, by: name);
            bed.FromWire(Forge.Arp(2, Forge.Station, "10.0.0.99", four, Forge.Own), $"the station answers {name}", 0x0806);
            bed.FromWire(Forge.Arp(1, Forge.Station, "10.0.0.99", four), $"the station asks who {name} is", 0x0806, Forge.Broadcast);
            bed.Sent(Forge.Arp(2, Forge.Own, four, "10.0.0.99", Forge.Station), $"{name} answers the station", 0x0806, Forge.Station, by: name);
            bed.Sent(Forge.Four(four, "10.0.0.99", 1), $"{name} pings the station", to: Forge.Station, by: name);
            bed.FromWire(Forge.Four("10.0.0.99", four, 1), $"the station answers {name}");
            bed.Sent(Forge.Discovery(135, six, "ff02::1:ff00:99", "fd00::99", Forge.Own), $"{name} asks who the station is, IPv6", 0x86dd, "33:33:ff:00:00:99", by: name);
            bed.FromWire(Forge.Discovery(136, "fd00::99", six, "fd00::99", Forge.Station), $"the station answers {name}, IPv6", 0x86dd);
            bed.Sent(Forge.Six(six, "fd00::99", 58, [128, 0, 0, 0, 0, 1, 0, 1]), $"{name} pings the station, IPv6", 0x86dd, Forge.Station, by: name);
            bed.FromWire(Forge.Six("fd00::99", six, 58, [129, 0, 0, 0, 0, 1, 0, 1]), $"the station answers {name}, IPv6", 0x86dd);
            bed.Sent(Forge.Four(four, "10.0.0.1", 1), $"{name} pings the host", by: name);
        }
    }

    /// <summary>Two subnets on one master, of which the second alone has a gateway; every interface reaches its own subnet's.</summary>
    private static void TwoSubnets(ScenarioBuilder bed)
    {
        (string Name, string Four, string Six)[] members =
            [("ipvl0", "172.28.200.20", "2001:db8:abc8::20"), ("ipvl1", "172.28.200.21", "2001:db8:abc8::21"), ("ipvl2", "172.28.202.20", "2001:db8:abc6::20"), ("ipvl3", "172.28.202.21", "2001:db8:abc6::21")];
        bed.Interfaces = [.. members.Select(one => new TopologyInterface(one.Name, true, [one.Four + "/24", one.Six + "/64"], []))];
        foreach (var from in members)
        {
            foreach (var to in members)
            {
                bed.Sent(Forge.Arp(1, Forge.Own, from.Four, to.Four), $"{from.Name} asks who {to.Name} is", 0x0806, Forge.Broadcast, by: from.Name);
                bed.Sent(Forge.Four(from.Four, to.Four, 1), $"{from.Name} pings {to.Name}", by: from.Name);
                bed.Sent(Forge.Six(from.Six, to.Six, 58, [128, 0, 0, 0, 0, 1, 0, 1]), $"{from.Name} pings {to.Name}, IPv6", 0x86dd, by: from.Name);
            }
            bed.Sent(Forge.Four(from.Four, "8.8.8.8", 1), $"{from.Name} pings beyond", to: Forge.Gateway, by: from.Name);
        }
    }

    /// <summary>An interface in l2 with the master's MAC and one address comes and goes; what is gone cannot be changed.</summary>
    private static void AddAndDel(ScenarioBuilder bed)
    {
        bed.Interfaces = [new TopologyInterface("ipvl9", true, [], [])];
        for (var i = 0; i < 2; i++)
        {
            bed.Act("link-add", "ipvl0", mode: "l2");
            bed.Act("set-mtu", "ipvl0", mtu: 1500);
            bed.Act("link-up", "ipvl0");
            bed.Act("address-add", "ipvl0", "10.1.2.2/24");
            bed.FromWire(Forge.Four("10.1.2.1", "10.1.2.2", 1), "for the new interface");
            bed.Act("link-del", "ipvl0");
            bed.FromWire(Forge.Four("10.1.2.1", "10.1.2.2", 1), "for the one that is gone");
        }
    }

    /// <summary>Two interfaces of one subnet find and reach each other, with nobody on the wire.</summary>
    private static void Siblings(ScenarioBuilder bed)
    {
        bed.Sent(Forge.Arp(1, Forge.Own, "10.0.0.2", "10.0.0.3"), "ipvl0 asks", 0x0806, Forge.Broadcast);
        bed.Sent(Forge.Arp(2, Forge.Own, "10.0.0.3", "10.0.0.2", Forge.Own), "ipvl1 answers", 0x0806, by: "ipvl1");
        bed.Sent(Forge.Four("10.0.0.2", "10.0.0.3", 1), "ipvl0 pings");
        bed.Sent(Forge.Four("10.0.0.3", "10.0.0.2", 1), "ipvl1 answers", by: "ipvl1");
        bed.Sent(Forge.Four("10.0.0.2", "8.8.8.8", 1), "ipvl0 pings beyond", to: Forge.Gateway);
    }
}
