using System.IO.Compression;
using System.Text;

namespace IpVlanWin.Cli.Tests;

/// <summary>What `replay --vectors` says about files that are not vector sets. Judging itself is tested with the vectors.</summary>
[TestClass]
public sealed class ReplayVectorInputTests
{
    private const string Scenario =
        """
        {"name":"one","category":"c","mode":"l2","flag":"bridge","master":{"name":"eth0","mac":"02:00:00:00:00:01","mtu":1500},"interfaces":[{"name":"ipvl0","addresses":["10.0.0.2/24"]}],"steps":[{"action":{"link-up":{"interface":"ipvl0"}}},{"inject":{"at":"wire","frame":"0200000000010200000000990800"},"expect":[{"at":"host","frame":"0200000000010200000000990800"}],"types":["host"],"counters":{},"decision":"driver"}],"statistics":{"ipvl0":{"rxPackets":0}}}
        """;

    [TestMethod]
    [DataRow("\"name\":\"one\"", "\"name\":1", ": not a scenario: at $.name: a value of another type is needed")]
    [DataRow("\"category\":\"c\",", "", ": not a scenario: at $: missing keys: 'category'")]
    [DataRow("1500}", "\"1500\"}", ": not a scenario: at $.master.mtu: a value of another type is needed")]
    [DataRow("\"l2\"", "null", ": not a scenario: at $.mode: null is not allowed")]
    [DataRow("\"l2\"", "\"l9\"", ": scenario 'one': mode: 'l9' must be l2, l3 or l3s")]
    [DataRow("{\"name\":\"ipvl0\",\"addresses\":[\"10.0.0.2/24\"]}", "null", ": scenario 'one': interfaces[0]: null must be an object with name")]
    [DataRow("10.0.0.2/24", "10.0.0.2/99", ": scenario 'one': interfaces[0].addresses[0]: '10.0.0.2/99' must be ADDRESS/PREFIX such as 10.0.0.2/24 or fd00::2/64, PREFIX 0 to 32 or 128")]
    [DataRow("{\"action\":{\"link-up\":{\"interface\":\"ipvl0\"}}}", "null", ": scenario 'one', step 0: null is not a step")]
    [DataRow("{\"action\":{\"link-up\":{\"interface\":\"ipvl0\"}}}", "{}", ": scenario 'one', step 0: a step must have either inject or action")]
    [DataRow("{\"link-up\":{\"interface\":\"ipvl0\"}}", "{}", ": scenario 'one', step 0: action must have one key, the kind, with an object of arguments")]
    [DataRow("{\"link-up\":{\"interface\":\"ipvl0\"}}", "{\"link-up\":null}", ": scenario 'one', step 0: action must have one key, the kind, with an object of arguments")]
    [DataRow("link-up", "jump", ": scenario 'one', step 0: unknown action 'jump'")]
    [DataRow("link-up", "set-mtu", ": scenario 'one', step 0: argument 'mtu' is missing")]
    [DataRow("link-up", "allmulti", ": scenario 'one', step 0: argument 'on' is missing")]
    [DataRow("link-up", "address-add", ": scenario 'one', step 0: argument 'address' is missing")]
    [DataRow("\"at\":\"wire\"", "\"at\":\"ipvl7\"", ": scenario 'one', step 1: 'ipvl7' must be wire, host or an interface: ipvl0")]
    [DataRow("0200000000010200000000990800", "02000000000102000000009908zz", ": scenario 'one', step 1: frame '02000000000102000000009908zz' at wire must be pairs of hexadecimal digits")]
    [DataRow("\"driver\"", "\"drivers\"", ": scenario 'one', step 1: decision 'drivers' must be driver, routed, local-in, stack or host")]
    [DataRow("[\"host\"]", "[]", ": scenario 'one', step 1: expect and types must be lists of the same length")]
    [DataRow("[\"host\"]", "[null]", ": scenario 'one', step 1: expect and types must not hold null")]
    [DataRow("\"counters\":{}", "\"counters\":{\"ipvl0\":{\"rxpackets\":1}}", ": scenario 'one', step 1: counter 'rxpackets' must be rxPackets, rxBytes, multicast, txPackets, txBytes, rxErrors, txDropped")]
    [DataRow("\"counters\":{}", "\"counters\":{\"ipvl7\":{\"rxPackets\":1}}", ": scenario 'one', step 1: counters: 'ipvl7' must be an interface: ipvl0")]
    [DataRow("{\"rxPackets\":0}", "null", ": scenario 'one': statistics 'ipvl0' must be an object")]
    public void Fault_is_told_with_line_scenario_and_step(string text, string replacement, string fault)
    {
        Assert.Contains(text, Scenario);
        using var bed = new ReplayBed();
        var at = Scenario.IndexOf(text, StringComparison.Ordinal);
        var changed = string.Concat(Scenario.AsSpan(0, at), replacement, Scenario.AsSpan(at + text.Length));
        var file = bed.Write("v.jsonl", $"{Scenario}\n\n{changed}\n");
        ReplayBed.AssertRefused(2, $"{file}: line 3{fault}", ReplayBed.Run("--vectors", file));
    }

    [TestMethod]
    public void Right_scenario_is_judged_and_ends_in_the_totals()
    {
        using var bed = new ReplayBed();
        var got = ReplayBed.Run("--vectors", bed.Write("v.jsonl", Scenario), bed.Write("w.jsonl", Scenario.Replace("\"driver\"", "\"stack\"", StringComparison.Ordinal)));
        Assert.AreEqual("", got.Errors);
        Assert.AreEqual(0, got.Status);
        StringAssert.EndsWith(got.Output, $"{Environment.NewLine}3 judged, 0 mismatched, 1 not judged{Environment.NewLine}");
    }

    [TestMethod]
    public void Mismatch_is_listed_and_fails()
    {
        using var bed = new ReplayBed();
        var got = ReplayBed.Run("--vectors", bed.Write("v.jsonl", Scenario.Replace("\"expect\":[{\"at\":\"host\"", "\"expect\":[{\"at\":\"ipvl0\"", StringComparison.Ordinal)));
        Assert.AreEqual(1, got.Status);
        StringAssert.Contains(got.Output, $"one step 1: frames at host: expected none, got 0200000000010200000000990800{Environment.NewLine}");
        StringAssert.EndsWith(got.Output, $"{Environment.NewLine}2 judged, 1 mismatched, 0 not judged{Environment.NewLine}");
    }

    [TestMethod]
    public void File_that_cannot_be_read_is_told()
    {
        using var bed = new ReplayBed();
        ReplayBed.AssertRefused(2, $"{bed["none.jsonl"]}: cannot be read: no such file or directory", ReplayBed.Run("--vectors", bed["none.jsonl"]));
        ReplayBed.AssertRefused(2, $"{bed.Directory}: cannot be read: it is a directory", ReplayBed.Run("--vectors", bed.Directory));
        ReplayBed.AssertRefused(2, $"{bed["empty.jsonl"]}: holds no scenario", ReplayBed.Run("--vectors", bed.Write("empty.jsonl", "\n")));
        ReplayBed.AssertRefused(2, $"{bed["null.jsonl"]}: line 1: null is not a scenario", ReplayBed.Run("--vectors", bed.Write("null.jsonl", "null")));
        var open = bed.Write("open.jsonl", Scenario[..100]);
        var got = ReplayBed.Run("--vectors", open);
        Assert.AreEqual(2, got.Status);
        StringAssert.StartsWith(got.Errors, $"ipvlan: {open}: line 1: not a scenario: at $");
    }

    [TestMethod]
    public void Gzip_is_read_and_damage_told()
    {
        using var bed = new ReplayBed();
        var file = bed["v.jsonl.gz"];
        using (var compressed = new GZipStream(File.Create(file), CompressionLevel.Optimal))
            compressed.Write(Encoding.UTF8.GetBytes(Scenario + "\n"));
        var whole = File.ReadAllBytes(file);
        Assert.AreEqual(0, ReplayBed.Run("--vectors", file).Status);
        File.WriteAllBytes(file, whole[..^30]);
        AssertDamaged("cut short");
        var damaged = (byte[])whole.Clone();
        damaged[^6] ^= 0xff;
        File.WriteAllBytes(file, damaged);
        AssertDamaged("wrong checksum");

        void AssertDamaged(string what)
        {
            var got = ReplayBed.Run("--vectors", file);
            Assert.AreEqual(2, got.Status, what);
            StringAssert.Matches(got.Errors, new("^ipvlan: .*v.jsonl.gz: line [12]: damaged gzip data: .*\r?\n$"), what);
        }
    }
}
