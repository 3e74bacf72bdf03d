namespace IpVlanWin.Cli.Tests;

/// <summary>Every fault of a topology file: one line with file, JSON path and legal values, exit status 2, no output directory.</summary>
[TestClass]
public sealed class ReplayTopologyTests
{
    private const string AnAddress = "ADDRESS/PREFIX such as 10.0.0.2/24 or fd00::2/64, PREFIX 0 to 32 or 128";
    private const string AName = "must be 1 to 15 of a-z, A-Z, 0-9, '.', '_' and '-', begin with a letter or digit, and not be wire, host, dropped";

    [TestMethod]
    [DataRow("\"l2\"", "\"l4\"", "mode: 'l4' must be l2, l3 or l3s")]
    [DataRow("\"l2\"", "2", "mode: 2 must be a string")]
    [DataRow("\"bridge\"", "\"vlan\"", "flag: 'vlan' must be bridge, private or vepa")]
    [DataRow("\"flag\": \"bridge\",", "", "key 'flag' is missing; required are mode, flag, master, interfaces")]
    [DataRow("\"flag\"", "\"flags\": 1, \"flag\"", "unknown key 'flags'; keys are mode, flag, master, interfaces")]
    [DataRow("\"name\": \"eth0\", ", "", "master: key 'name' is missing; required are name, mac, mtu")]
    [DataRow("\"name\": \"eth0\"", "\"name\": \"\"", "master.name: '' must be a name")]
    [DataRow("\"name\": \"eth0\"", "\"name\": \"eth0\", \"speed\": 1", "master: unknown key 'speed'; keys are name, mac, mtu, addresses, routes, neighbors")]
    [DataRow("02:00:00:00:00:01", "02:00:00:00:00", "master.mac: '02:00:00:00:00' must be a unicast MAC such as 02:00:00:00:00:01")]
    [DataRow("02:00:00:00:00:01", "03:00:00:00:00:01", "master.mac: '03:00:00:00:00:01' must be a unicast MAC such as 02:00:00:00:00:01")]
    [DataRow("1500", "67", "master.mtu: 67 must be 68 to 65535")]
    [DataRow("1500", "65536", "master.mtu: 65536 must be 68 to 65535")]
    [DataRow("1500", "1500.5", "master.mtu: 1500.5 must be an integer")]
    [DataRow("1500", "\"1500\"", "master.mtu: \"1500\" must be an integer")]
    [DataRow("[\"10.0.0.1/24\"]", "[\"10.0.0.1\"]", "master.addresses[0]: '10.0.0.1' must be " + AnAddress)]
    [DataRow("[\"10.0.0.1/24\"]", "[\"10.0.0.1/24\", \"10.0.0.1/24\"]", "master.addresses[1]: the master has 10.0.0.1/24 already")]
    [DataRow("[\"10.0.0.1/24\"]", "\"10.0.0.1/24\"", "master.addresses: \"10.0.0.1/24\" must be a list")]
    [DataRow("\"default\"", "\"everywhere\"", "master.routes[0].destination: 'everywhere' must be default, or ADDRESS/PREFIX such as 10.0.0.0/24 or fd00::/64")]
    [DataRow("\"default\"", "\"fd00::/64\"", "master.routes[0]: destination fd00::/64 and via 10.0.0.254 must both be IPv4 or both IPv6")]
    [DataRow("\"via\": \"10.0.0.254\"", "\"via\": \"10.0.0\"", "master.routes[0].via: '10.0.0' must be an IPv4 or IPv6 address such as 10.0.0.254 or fd00::fe")]
    [DataRow(", \"via\": \"10.0.0.254\"", "", "master.routes[0]: key 'via' is missing; required are destination, via")]
    [DataRow("\"mac\": \"02:00:00:00:00:fe\"", "\"mac\": null", "master.neighbors[0].mac: null must be a string")]
    [DataRow("\"02:00:00:00:00:fe\"", "\"gateway\"", "master.neighbors[0].mac: 'gateway' must be a unicast MAC such as 02:00:00:00:00:01")]
    [DataRow("{\"address\": \"10.0.0.254\"", "{\"address\": \"10.0.0.254/24\"", "master.neighbors[0].address: '10.0.0.254/24' must be an IPv4 or IPv6 address such as 10.0.0.254 or fd00::fe")]
    [DataRow("\"ipvl1\"", "\"ipvl0\"", "interfaces[1].name: 'ipvl0' names another interface already; names are unique, whatever their letter case")]
    [DataRow("\"ipvl1\"", "\"IPVL0\"", "interfaces[1].name: 'IPVL0' names another interface already; names are unique, whatever their letter case")]
    [DataRow("\"ipvl1\"", "\"host\"", "interfaces[1].name: 'host' " + AName)]
    [DataRow("\"ipvl1\"", "\"../x\"", "interfaces[1].name: '../x' " + AName)]
    [DataRow("\"ipvl1\"", "\"\"", "interfaces[1].name: '' " + AName)]
    [DataRow("\"ipvl1\"", "\"ipvl0123456789ab\"", "interfaces[1].name: 'ipvl0123456789ab' " + AName)]
    [DataRow("\"ipvl1\"", "\"eth0\"", "interfaces[1].name: 'eth0' must be a name other than the master's")]
    [DataRow("\"name\": \"ipvl1\", ", "", "interfaces[1]: key 'name' is missing; required are name")]
    [DataRow("\"name\": \"ipvl1\"", "\"name\": \"ipvl1\", \"mtu\": 1400", "interfaces[1]: unknown key 'mtu'; keys are name, up, addresses, multicast, promiscuous, allmulti")]
    [DataRow("\"name\": \"ipvl1\"", "\"name\": \"ipvl1\", \"up\": \"yes\"", "interfaces[1].up: \"yes\" must be true or false")]
    [DataRow("10.0.0.3/24", "10.0.0.2/16", "interfaces[1].addresses[0]: 10.0.0.2 belongs to interface 'ipvl0' already; an address has one owner")]
    [DataRow("10.0.0.3/24", "fd00::2/64", "interfaces[1].addresses[0]: fd00::2 belongs to interface 'ipvl0' already; an address has one owner")]
    [DataRow("10.0.0.3/24", "10.0.0.3/33", "interfaces[1].addresses[0]: '10.0.0.3/33' must be " + AnAddress)]
    [DataRow("10.0.0.3/24", "10.0.0.300/24", "interfaces[1].addresses[0]: '10.0.0.300/24' must be " + AnAddress)]
    [DataRow("fd00::2/64", "fd00::2/129", "interfaces[0].addresses[1]: 'fd00::2/129' must be " + AnAddress)]
    [DataRow("01:00:5e:00:00:01", "02:00:5e:00:00:01", "interfaces[0].multicast[0]: '02:00:5e:00:00:01' must be a multicast MAC such as 33:33:00:00:00:01")]
    public void Fault_is_told_with_its_path(string text, string replacement, string fault)
    {
        Assert.Contains(text, ReplayBed.Topology);
        using var bed = new ReplayBed();
        var at = ReplayBed.Topology.IndexOf(text, StringComparison.Ordinal);
        AssertRefused(bed, string.Concat(ReplayBed.Topology.AsSpan(0, at), replacement, ReplayBed.Topology.AsSpan(at + text.Length)), ": " + fault);
    }

    [TestMethod]
    [DataRow("", ": line 1, byte 1: not JSON: The input does not contain any JSON tokens. Expected the input to start with a valid JSON token, when isFinalBlock is true")]
    [DataRow("[]", ": [] must be an object")]
    [DataRow("{\n \"mode\": l2}", ": line 2, byte 10: not JSON: 'l' is an invalid start of a value")]
    [DataRow("{\"mode\": \"l2\", \"mode\": \"l3\"}", ": not JSON: Duplicate property 'mode' encountered during deserialization")]
    [DataRow("{\"mode\": \"l2\", \"flag\": \"vepa\", \"master\": {\"name\": \"eth0\", \"mac\": \"02:00:00:00:00:01\", \"mtu\": 1500}, \"interfaces\": []}",
        ": interfaces: at least one interface is needed")]
    [DataRow("{\"mode\": \"l2\", \"flag\": \"vepa\", \"master\": \"eth0\", \"interfaces\": []}", ": master: \"eth0\" must be an object")]
    public void Text_that_is_no_topology_is_told(string text, string fault)
    {
        using var bed = new ReplayBed();
        AssertRefused(bed, text, fault);
    }

    [TestMethod]
    public void Least_topology_is_enough()
    {
        using var bed = new ReplayBed();
        var config = bed.Write("topology.json",
            """{"interfaces": [{"name": "a"}], "master": {"mtu": 68, "mac": "02:00:00:00:00:01", "name": "eth0"}, "flag": "private", "mode": "l3s"}""");
        var got = ReplayBed.Run("--in", bed.Write("in.pcapng", Raw.Section(), Raw.PlainInterface()), "--config", config, "--out", bed.Out);
        Assert.AreEqual("", got.Errors);
        Assert.AreEqual(0, got.Status);
        StringAssert.Contains(got.Output, "received on eth0, l3s private");
        CollectionAssert.AreEquivalent(
            (string[])["a.pcapng", "dropped.pcapng", "host.pcapng", "wire.pcapng"], Directory.GetFiles(bed.Out).Select(Path.GetFileName).ToArray());
    }

    private static void AssertRefused(ReplayBed bed, string topology, string fault)
    {
        var config = bed.Write("bad.json", topology);
        var capture = bed.Write("in.pcapng", Raw.Section(), Raw.PlainInterface());
        ReplayBed.AssertRefused(2, config + fault, ReplayBed.Run("--in", capture, "--config", config, "--out", bed.Out));
        Assert.IsFalse(Directory.Exists(bed.Out));
    }
}
