using IpVlanWin.Protocol;
using IpVlanWin.Service.Control;

namespace IpVlanWin.Cli.Tests.Ip;

/// <summary>Each refusal of the contract, provoked by a command line: its sentence on one line, status 2 (3 where nobody answers).</summary>
[TestClass]
public sealed class ErrorCodeLineTests
{
    private const string Setup =
        """
        link add link eth0 ipvl0 type ipvlan
        link add link eth0 ipvl1 type ipvlan
        address add 10.0.0.2/24 dev ipvl0
        address add fd00::2/64 dev ipvl0
        """;

    // Codes that no line can bring about.
    private static readonly Dictionary<string, string> s_without = new()
    {
        ["link-down"] = "see A_port_that_does_not_run_is_down",
        ["batch-refused"] = "the client tells the refusal of the request that brought it about",
        ["not-stored"] = "needs a disk that is full or a state that is locked: tests of the service",
        ["timed-out"] = "needs a service that hangs: tests of the protocol",
        ["cancelled"] = "no line cancels",
        ["parse-error"] = "the client writes well-formed messages",
        ["invalid-request"] = "the client writes well-formed requests",
        ["unknown-method"] = "the client calls methods of its own version",
        ["internal-error"] = "a fault of the service",
        ["master-not-found"] = "the memory data path takes any name: see Masters_are_looked_for",
        ["master-not-ethernet"] = "the same",
        ["access-denied"] = "see Who_may_only_read_is_refused",
        ["limit-reached"] = "see Limits_are_told",
        ["service-unreachable"] = "see WrongLineTests",
    };

    public static IEnumerable<object[]> Lines =>
    [
        ["name-in-use", "EEXIST", "link add link eth0 ipvl0 type ipvlan", "the name \"ipvl0\" is in use; choose another"],
        ["name-in-use", "EEXIST", "link set ipvl0 name ipvl1", "the name \"ipvl1\" is in use; choose another"],
        ["address-in-use", "EADDRINUSE", "address add 10.0.0.2/16 dev ipvl1", "address 10.0.0.2 belongs to interface \"ipvl0\"; remove it there first"],
        ["address-exists", "EEXIST", "address add 10.0.0.2/24 dev ipvl0", "interface \"ipvl0\" has address 10.0.0.2/24 already"],
        ["address-exists", "EEXIST", "address add fd00::2/48 dev ipvl0", "interface \"ipvl0\" has address fd00::2/48 already"],
        ["address-absent", "EADDRNOTAVAIL", "address delete 10.0.0.2/25 dev ipvl0",
            "interface \"ipvl0\" has no address 10.0.0.2/25; address and prefix length must both be as they were added"],
        ["mode-not-supported", "ENOTSUP", "link add link eth1 ipvl2 type ipvlan datapath windivert", null!],
        ["mode-not-supported", "ENOTSUP", "link set ipvl0 type ipvlan datapath windivert", null!],
        ["flag-conflict", "EINVAL", "link set ipvl0 type ipvlan private vepa", "private and vepa exclude each other; give one of bridge, private or vepa"],
        ["flag-conflict", "EINVAL", "link add link eth0 ipvl2 type ipvlan vepa private", "private and vepa exclude each other; give one of bridge, private or vepa"],
        ["mac-not-settable", "ENOTSUP", "link set ipvl0 address 02:00:00:00:00:01", "interface \"ipvl0\" has the MAC of its master and no other; set it on the master"],
        ["mac-not-settable", "ENOTSUP", "link add link eth0 ipvl2 address 02:00:00:00:00:01 type ipvlan", "interface \"ipvl2\" has the MAC of its master and no other; set it on the master"],
        ["group-absent", "ENOENT", "maddress del 33:33:00:00:00:ab dev ipvl0", "interface \"ipvl0\" is not a member of group 33:33:00:00:00:ab"],
        ["conflict", null!, "link set ipvl0 up version 77", "\"ipvl0\" is at version 1 and not 77; read it again and repeat the change"],
        ["conflict", null!, "link set ipvl0 version 77 type ipvlan mode l2", "\"ipvl0\" is at version 1 and not 77; read it again and repeat the change"],
        ["conflict", null!, "link delete ipvl0 version 77", "\"ipvl0\" is at version 1 and not 77; read it again and repeat the change"],
        ["bad-argument", null!, "maddress add 02:00:00:00:00:01 dev ipvl0",
            "argument of \"group\" must be the MAC address of a multicast group such as 01:00:5e:00:00:fb or 33:33:00:00:00:fb"],
        ["not-found", null!, "maddress add 33:33:00:00:00:ab dev nosuch", "there is no interface \"nosuch\""],
        ["not-found", null!, "link set nosuch up", "there is no interface \"nosuch\""],
        ["not-found", null!, "link delete nosuch", "there is no interface \"nosuch\""],
        ["not-found", null!, "link show nosuch", "there is no interface \"nosuch\""],
        ["not-found", null!, "address add 10.0.0.9/24 dev nosuch", "there is no interface \"nosuch\""],
        ["not-found", null!, "address flush nosuch", "there is no interface \"nosuch\""],
        ["not-found", null!, "link show master eth9", "there is no port \"eth9\""],
        ["bad-argument", null!, "link set ipvl0 mtu 67", "argument of \"mtu\" must be 68 to 1500, the master's, in bytes of IP packet"],
        ["bad-argument", null!, "link set ipvl0 mtu 1501", "argument of \"mtu\" must be 68 to 1500, the master's, in bytes of IP packet"],
        ["bad-argument", null!, "link set ipvl0 name a/b",
            "argument of \"newName\" must be 1 to 15 letters, digits or other visible characters but '/', ':' and '%', and neither \".\" nor \"..\""],
        ["bad-argument", null!, "address add 224.0.0.1/24 dev ipvl0", "argument of \"prefix\" must be a unicast address; this is a multicast group or no address at all"],
        ["bad-argument", null!, "link set ipvl0 type ipvlan bridge private", "argument of \"flag\" must be bridge, private or vepa"],
    ];

    [TestMethod]
    [DynamicData(nameof(Lines))]
    public async Task A_refusal_is_one_sentence(string code, string? errno, string line, string? sentence)
    {
        await using var bed = new IpBed();
        bed.Do("-b -", Setup);
        var before = bed.Do("-j address show");
        var result = bed.Run(line);
        if (sentence is not null)
            Assert.AreEqual($"Error: {sentence}\n", result.Errors);
        Assert.AreEqual((2, ""), (result.Status, result.Output));
        var known = ErrorCode.Find(code)!;
        Assert.AreEqual(errno, known.Errno);
        StringAssert.StartsWith(result.Errors, "Error: " + known.Sentence[..known.Sentence.IndexOf('{', StringComparison.Ordinal).Pad(known.Sentence.Length)]);
        Assert.AreEqual(before, bed.Do("-j address show"), "nothing was changed");
    }

    [TestMethod]
    [DataRow("nosuch0", "there is no adapter \"nosuch0\"; give the name or index of an adapter of this host")]
    [DataRow("lo", "adapter \"lo\" is not Ethernet; a master must be an Ethernet adapter")]
    public async Task Masters_are_looked_for(string master, string sentence)
    {
        if (!OperatingSystem.IsLinux())
            Assert.Inconclusive("needs Linux: its loopback as a master");
        await using var bed = new IpBed("linux");
        var result = bed.Run($"link add link {master} ipvl0 type ipvlan");
        Assert.AreEqual((2, "", $"Error: {sentence}\n"), (result.Status, result.Output, result.Errors));
    }

    [TestMethod]
    [DataRow("trace dev ipvl0 arp 10.0.0.2 10.0.0.3")]
    [DataRow("capture -i ipvl0 -w -")]
    public async Task A_port_that_does_not_run_is_down(string line)
    {
        await using var bed = new IpBed();
        bed.Do("-b -", Setup);
        // Its master is not there when the service comes back.
        await bed.RestartAsync("linux");
        var result = bed.Run(line);
        Assert.AreEqual((2, "", "ipvlan: \"eth0\" is down; set it up first\n"), (result.Status, result.Output, result.Errors));
        Assert.AreEqual("ENETDOWN", ErrorCode.LinkDown.Errno);
    }

    [TestMethod]
    public async Task Who_may_only_read_is_refused()
    {
        await using var bed = new IpBed(authorize: static _ => Access.Read);
        Assert.AreEqual("", bed.Do("link show"));
        var result = bed.Run("link add link eth0 ipvl0 type ipvlan");
        Assert.AreEqual((2, "Error: interface.add needs administrator rights\n"), (result.Status, result.Errors));
    }

    [TestMethod]
    public async Task Limits_are_told()
    {
        await using var bed = new IpBed();
        bed.Do("link add link eth0 ipvl0 type ipvlan");
        bed.Do("-b -", string.Join('\n', Enumerable.Range(0, 4096).Select(static i => $"address add 10.0.{i >> 8}.{i & 255}/32 dev ipvl0")));
        var result = bed.Run("address add 10.9.9.9/32 dev ipvl0");
        Assert.AreEqual((2, "Error: the limit of 4096 addresses of an interface is reached\n"), (result.Status, result.Errors));
    }

    [TestMethod]
    public void Every_code_is_provoked_or_said_why_not()
    {
        var provoked = Lines.Select(static line => (string)line[0]).ToHashSet();
        foreach (var code in ErrorCode.All)
            Assert.AreNotEqual(provoked.Contains(code.Name), s_without.ContainsKey(code.Name), code.Name);
    }
}

file static class Numbers
{
    /// <summary>A place that was not found is the end.</summary>
    public static int Pad(this int index, int end) => index < 0 ? end : index;
}
