using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace IpVlanWin.Cli.Tests.Ip;

[TestClass]
public sealed class BatchTests
{
    public TestContext TestContext { get; set; } = null!;

    [TestMethod]
    public async Task Stops_at_the_first_error_and_keeps_what_came_before()
    {
        await using var bed = new IpBed();
        var file = Path.Combine(bed.Folder, "lines");
        await File.WriteAllTextAsync(file, "# interfaces\nlink add link eth0 va type ipvlan\n\nlink add link eth0 vb type ipvlan\nlink add link eth0 va type ipvlan\nlink add link eth0 vc type ipvlan\n");
        var result = bed.Run($"-b {file}");
        Assert.AreEqual((2, "", $"Error: the name \"va\" is in use; choose another\nCommand failed {file}:5\n"), (result.Status, result.Output, result.Errors));
        Assert.AreEqual("va vb", Names(bed));
    }

    [TestMethod]
    public async Task Goes_on_when_forced()
    {
        await using var bed = new IpBed();
        var result = bed.Run("-force -batch -", "link add link eth0 va type ipvlan\nlink set x up\nlink add link eth0 vb type ipvlan\nlink frob\nlink set y up\nlink add link eth0 vc type ipvlan\n");
        Assert.AreEqual(
            "Error: there is no interface \"x\"\nCommand failed -:2\n"
            + "Error: unknown verb \"frob\" of \"link\": must be add, set, delete, show or help\nCommand failed -:4\n"
            + "Error: there is no interface \"y\"\nCommand failed -:5\n", result.Errors);
        Assert.AreEqual(2, result.Status);
        Assert.AreEqual("va vb vc", Names(bed));
    }

    [TestMethod]
    [DataRow("link frob", 1)]
    [DataRow("link show x", 2)]
    [DataRow("link help", 1)]
    [DataRow("netns exec ns0 true", 2)]
    public async Task What_is_no_change_counts_as_a_line_too(string line, int status)
    {
        if (!OperatingSystem.IsLinux() && line.StartsWith("netns", StringComparison.Ordinal))
            Assert.Inconclusive("needs Linux: namespaces");
        await using var bed = new IpBed();
        var result = bed.Run("-b -", $"link add link eth0 va type ipvlan\n{line}\nlink add link eth0 vb type ipvlan\n");
        Assert.AreEqual(status, result.Status);
        StringAssert.EndsWith(result.Errors, "Command failed -:2\n");
        Assert.AreEqual("va", Names(bed));
    }

    [TestMethod]
    public async Task A_line_is_made_whole_or_not_at_all()
    {
        await using var bed = new IpBed();
        var result = bed.Run("-b -", "link add link eth0 va type ipvlan\nlink set va mtu 1400 up name vb type ipvlan mode l2 private vepa\n");
        StringAssert.EndsWith(result.Errors, "Command failed -:2\n");
        StringAssert.Contains(bed.Do("-d link show"), "va@eth0: <BROADCAST,MULTICAST,NOARP> mtu 1500 ");
        bed.Do("link set va mtu 1400 up name vb type ipvlan mode l2 private");
        StringAssert.Contains(bed.Do("-d link show"), "vb@eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1400 ");
        StringAssert.Contains(bed.Do("-d link show"), "ipvlan  mode l2 private ");
    }

    [TestMethod]
    public async Task Lines_see_what_the_lines_before_did()
    {
        await using var bed = new IpBed();
        var output = bed.Do("-br -b -", "link add link eth0 'va' type ipvlan   # the first\nlink set va up\naddress add 10.0.0.2/24 \\\n  dev \"va\"\naddress\naddress flush va\naddress\n");
        Assert.AreEqual("va@eth0          UP             10.0.0.2/24 \nva@eth0          UP             \n", output);
    }

    [TestMethod]
    public async Task A_file_that_is_not_there_is_refused()
    {
        await using var bed = new IpBed();
        var result = bed.Run($"-b {bed.Folder}/nosuch");
        Assert.AreEqual(2, result.Status);
        StringAssert.StartsWith(result.Errors, $"Error: cannot read \"{bed.Folder}/nosuch\": ");
    }

    [TestMethod]
    public async Task Ten_thousand_interfaces_are_made_and_shown()
    {
        const int Interfaces = 10_000;
        await using var bed = new IpBed();
        var lines = new StringBuilder();
        for (var i = 0; i < Interfaces; i++)
        {
            lines.AppendLine(CultureInfo.InvariantCulture, $"link add link eth{i / 1000} v{i} type ipvlan");
            lines.AppendLine(CultureInfo.InvariantCulture, $"address add 10.{i >> 8}.{i & 255}.1/24 dev v{i}");
            lines.AppendLine(CultureInfo.InvariantCulture, $"address add 10.{i >> 8}.{i & 255}.2/24 dev v{i}");
            lines.AppendLine(CultureInfo.InvariantCulture, $"address add fd00::{i:x}/64 dev v{i}");
        }
        var clock = Stopwatch.StartNew();
        bed.Do("-b -", lines.ToString());
        TestContext.WriteLine($"made in {clock.Elapsed.TotalSeconds:f2} s");
        clock.Restart();
        var text = bed.Do("address show");
        TestContext.WriteLine($"shown in {clock.Elapsed.TotalSeconds:f2} s");
        clock.Restart();
        var json = bed.Do("-j -s -d address show");
        TestContext.WriteLine($"shown as JSON with statistics in {clock.Elapsed.TotalSeconds:f2} s");
        Assert.AreEqual(Interfaces * 3, text.Split("valid_lft forever").Length - 1);
        Assert.AreEqual(Interfaces, json.Split("\"stats64\"").Length - 1);
    }

    private static string Names(IpBed bed) => string.Join(' ', bed.Do("-br link show").Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(static line => line.Split('@')[0]));
}
