namespace IpVlanWin.Cli.Tests.Ip;

[TestClass]
public sealed class StateTests
{
    private const string Setup = "link add link eth0 ipvl0 mtu 1400 netns red type ipvlan mode l2 private\naddress add 10.0.0.2/24 dev ipvl0\naddress add fd00::2/64 dev ipvl0\naddress add fe80::5/64 dev ipvl0\nlink add link eth1 ipvl1 type ipvlan\n";

    [TestMethod]
    public async Task A_document_goes_out_and_comes_back()
    {
        await using var bed = new IpBed();
        bed.Do("-b -", Setup);
        var before = bed.Do("-d address show");
        var file = Path.Combine(bed.Folder, "state.json");
        var text = bed.Do("state export");
        Assert.AreEqual("", bed.Do($"state export {file}"));
        Assert.AreEqual(text.ReplaceLineEndings("\n"), (await File.ReadAllTextAsync(file)).ReplaceLineEndings("\n"));
        StringAssert.Contains(text, "\"schema\": 1");
        bed.Do("-b -", "link delete ipvl0\nlink delete ipvl1\n");
        Assert.AreEqual("", bed.Do("link show"));
        bed.Do($"state import {file}");
        Assert.AreEqual(Numberless(before), Numberless(bed.Do("-d address show")));
        bed.Do("state import", text);
        Assert.AreEqual(text, bed.Do("s e -"));
    }

    [TestMethod]
    [DataRow("", "-: not a document of \"state export\": see $ in line 1")]
    [DataRow("{\n\"schema\": 1,\n\"ports\": 5 }", "-: not a document of \"state export\": see $.ports in line 3")]
    [DataRow("{ \"frob\": 1 }", "-: not a document of \"state export\": see $.frob in line 1")]
    [DataRow("{ \"schema\": 7 }", "argument of \"schema\" must be 1; this document has 7")]
    public async Task A_wrong_document_changes_nothing(string document, string sentence)
    {
        await using var bed = new IpBed();
        bed.Do("-b -", Setup);
        var before = bed.Do("address show");
        var result = bed.Run("state import", document);
        Assert.AreEqual((2, "", $"Error: {sentence}\n"), (result.Status, result.Output, result.Errors));
        Assert.AreEqual(before, bed.Do("address show"));
    }

    [TestMethod]
    public async Task A_file_that_cannot_be_is_refused()
    {
        await using var bed = new IpBed();
        StringAssert.StartsWith(bed.Run($"state import {bed.Folder}/nosuch").Errors, $"Error: cannot read \"{bed.Folder}/nosuch\": ");
        StringAssert.StartsWith(bed.Run($"state export {bed.Folder}").Errors, $"Error: cannot write \"{bed.Folder}\": ");
    }

    [TestMethod]
    public async Task A_namespace_selects()
    {
        await using var bed = new IpBed();
        bed.Do("-b -", Setup);
        StringAssert.StartsWith(bed.Do("-n red -br link"), "ipvl0@eth0 ");
        Assert.AreEqual("", bed.Do("-n blue link"));
        var result = bed.Run("-n red link set ipvl1 up");
        Assert.AreEqual((2, "Error: there is no interface \"ipvl1\" in namespace \"red\"; it is in the host's\n"), (result.Status, result.Errors));
        Assert.AreEqual(2, bed.Run("-n blue address add 10.0.0.9/24 dev ipvl0").Status);
        bed.Do("-n red link set ipvl0 up netns 1");
        bed.Do("-n blue link add link eth0 ipvl2 type ipvlan");
        Assert.AreEqual("ipvl2@eth0", bed.Do("-n blue -br link").Split(' ')[0]);
        StringAssert.Contains(bed.Do("-j link show ipvl0"), "\"UP\"");
        Assert.IsFalse(bed.Do("-j link show ipvl0").Contains("netns", StringComparison.Ordinal));
    }

    [TestMethod]
    [DataRow("address flush ipvl0", "")]
    [DataRow("-4 address flush ipvl0", "fd00::2/64 fe80::5/64 ")]
    [DataRow("-6 address flush dev ipvl0", "10.0.0.2/24 ")]
    [DataRow("address flush dev ipvl0 scope link", "10.0.0.2/24 fd00::2/64 ")]
    [DataRow("address flush dev ipvl0 scope global", "fe80::5/64 ")]
    public async Task Flush_takes_what_it_names(string line, string left)
    {
        await using var bed = new IpBed();
        bed.Do("-b -", Setup);
        bed.Do(line);
        Assert.AreEqual($"ipvl0@eth0       DOWN           {left}\n", bed.Do("-br address show ipvl0"));
    }

    [TestMethod]
    [DataRow("-4 -br address", "ipvl0@eth0       DOWN           10.0.0.2/24 \n")]
    [DataRow("-6 -br address show scope link", "ipvl0@eth0       DOWN           fe80::5/64 \n")]
    [DataRow("-br address show master eth1", "ipvl1@eth1       DOWN           \n")]
    [DataRow("-br address show master ipvl1 type ipvlan", "ipvl1@eth1       DOWN           \n")]
    [DataRow("-4 -o address", "1: ipvl0    inet 10.0.0.2/24 scope global ipvl0\\       valid_lft forever preferred_lft forever\n")]
    public async Task Show_selects(string line, string expected)
    {
        await using var bed = new IpBed();
        bed.Do("-b -", Setup);
        Assert.AreEqual(expected, bed.Do(line));
    }

    private static string Numberless(string text) => System.Text.RegularExpressions.Regex.Replace(text, "^[0-9]+: ", "", System.Text.RegularExpressions.RegexOptions.Multiline);
}
