using System.Runtime.Versioning;

namespace IpVlanWin.Lab.Tests;

/// <summary>`ipvlan lab` as a user runs it.</summary>
[TestClass]
[SupportedOSPlatform("linux")]
public sealed class LabCommandTests
{
    [TestMethod]
    public void Labs_run_side_by_side_and_clean_up_after_the_dead_only()
    {
        LabTest.RequireSystem();
        var folder = Directory.CreateTempSubdirectory("ipvlan-lab-");
        try
        {
            using var machine = new PrivateRun();
            using var dead = machine.Start("--interfaces", "1", "--mode", "l2", "--flag", "bridge");
            var deadRun = dead.ReadRun();
            dead.Signal("KILL");
            dead.Wait();
            CollectionAssert.IsSubsetOf(Places(deadRun), machine.Namespaces, "what a killed lab leaves");
            CollectionAssert.AreEqual(new[] { LockOf(deadRun) }, machine.Locks);

            using var kept = machine.Start("--keep", "--interfaces", "1", "--mode", "l2", "--flag", "private", "--capture", folder.FullName);
            var keptRun = kept.ReadRun();
            using var other = machine.Start("--spin", "--interfaces", "1", "--mode", "l3", "--flag", "bridge");
            var otherRun = other.ReadRun();
            Assert.AreNotEqual(keptRun, otherRun);
            CollectionAssert.AreEquivalent(Places(keptRun).Concat(Places(otherRun)).ToArray(), machine.Namespaces, "the dead one's are gone, the live ones' are there");
            CollectionAssert.AreEquivalent(new[] { LockOf(keptRun), LockOf(otherRun) }, machine.Locks);

            Assert.AreEqual(0, other.Wait(), other.Output + other.Errors);
            Assert.Contains("PASS:", other.Output);
            Assert.Contains("source MACs on the wire:", other.Output);
            CollectionAssert.AreEquivalent(Places(keptRun), machine.Namespaces);

            kept.ReadTo("kept running until Ctrl-C");
            var enter = kept.ReadTo($"  ip netns exec {keptRun}-red");
            var inside = machine.Try([.. enter.Trim().Split(' ')[..^1], "ip", "address"]);
            Assert.AreEqual(0, inside.Status, inside.ToString());
            Assert.Contains("ipvl0", inside.Output);
            Assert.IsFalse(kept.HasExited);
            kept.Signal("INT");
            Assert.AreEqual(0, kept.Wait(), kept.Output + kept.Errors);
            Assert.IsEmpty(machine.Namespaces);
            Assert.IsEmpty(machine.Locks);
            AssertCaptures(folder.FullName, kept.Output);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [TestMethod]
    [DataRow("while it is built", "INT")]
    [DataRow("while it pings", "INT")]
    [DataRow("while it pings", "TERM")]
    [DataRow("while it moves data", "INT")]
    public void Interrupted_it_leaves_nothing(string phase, string signal)
    {
        LabTest.RequireSystem();
        using var machine = new PrivateRun();
        using var lab = machine.Start("--interfaces", "2", "--seconds", "30", "--mode", phase == "while it moves data" ? "l3" : "l2", "--flag", "bridge");
        if (phase == "while it is built")
            Eventually.Holds(() => machine.Namespaces.Length > 0);
        else
        {
            var run = lab.ReadRun();
            if (phase == "while it moves data")
                Eventually.Holds(() => ReceivedBytes(machine, $"{run}-green") > 10_000_000, "data arrives at green");
        }
        lab.Signal(signal);
        Assert.AreEqual(130, lab.Wait(), lab.Output + lab.Errors);
        Assert.Contains("nothing is left of it", lab.Errors);
        Assert.IsEmpty(machine.Namespaces);
        Assert.IsEmpty(machine.Locks);
    }

    [TestMethod]
    [DataRow(1, "--mode l4", "must be l2, l3 or l3s")]
    [DataRow(1, "--flag open", "must be bridge, private or vepa")]
    [DataRow(1, "--interfaces 0", "1")]
    [DataRow(1, "--frobnicate", "--frobnicate")]
    [DataRow(2, "--keep --simulate", "--keep")]
    public void Bad_options_are_one_line_and_a_status(int status, string options, string told)
    {
        if (!OperatingSystem.IsLinux())
            Assert.Inconclusive("starts a process by Linux's means");
        var result = Tool.Try(LabProcess.Command[0], [.. LabProcess.Command[1..], "lab", .. options.Split(' ')]);
        Assert.AreEqual(status, result.Status, result.ToString());
        Assert.AreEqual("", result.Output);
        Assert.HasCount(1, result.Errors.TrimEnd('\n').Split('\n'));
        Assert.Contains(told, result.Errors);
    }

    [TestMethod]
    public void A_capture_folder_that_cannot_be_made_is_refused_and_nothing_is_left()
    {
        LabTest.RequireSystem();
        using var machine = new PrivateRun();
        using var lab = machine.Start("--capture", "/proc/no-such-folder");
        Assert.AreEqual(2, lab.Wait(), lab.Output + lab.Errors);
        Assert.Contains("/proc/no-such-folder", lab.Errors);
        Assert.IsEmpty(machine.Namespaces);
        Assert.IsEmpty(machine.Locks);
    }

    [TestMethod]
    public void Without_root_the_lab_is_simulated_and_says_so()
    {
        LabTest.RequireSystem();
        Tool.Require("setpriv", "util-linux");
        string[] asNobody = ["setpriv", "--reuid", "65534", "--clear-groups"];
        if (Tool.Try(asNobody[0], [.. asNobody[1..], "test", "-r", LabProcess.Command[^1]]).Status != 0)
            Assert.Inconclusive("needs a build that other users may read");
        using var machine = new PrivateRun();
        using var lab = machine.Start(asNobody, ["--mode", "l3", "--interfaces", "2"]);
        Assert.AreEqual(0, lab.Wait(), lab.Output + lab.Errors);
        Assert.Contains("simulated", lab.Output);
        Assert.Contains("PASS:", lab.Output);
        Assert.IsEmpty(machine.Namespaces);

        using var kept = machine.Start(asNobody, ["--keep"]);
        Assert.AreEqual(2, kept.Wait(), kept.Output + kept.Errors);
        Assert.Contains("run as root", kept.Errors);
    }

    private static string[] Places(string run) => [$"{run}-host", $"{run}-port", $"{run}-red", $"{run}-wire"];

    private static string LockOf(string run) => $"lab-{run["ipvlan-".Length..]}.lock";

    private static long ReceivedBytes(PrivateRun machine, string name)
    {
        var shown = machine.Try("ip", "netns", "exec", name, "cat", "/sys/class/net/ipvl1/statistics/rx_bytes");
        return shown.Status == 0 ? long.Parse(shown.Output, System.Globalization.CultureInfo.InvariantCulture) : 0;
    }

    private static void AssertCaptures(string folder, string told)
    {
        foreach (var place in new[] { "host", "red", "wire" })
        {
            var path = Path.Combine(folder, place + ".pcapng");
            Assert.Contains($"capture: {path}", told);
            Assert.IsGreaterThan(1000, new FileInfo(path).Length);
        }
        Tool.Require("tshark", "tshark");
        Tool.Require("capinfos", "wireshark-common");
        foreach (var path in Directory.EnumerateFiles(folder))
        {
            Assert.Contains("pcapng", Tool.Run("capinfos", "-t", path));
            // No packet that Wireshark finds cut off or malformed.
            Assert.AreEqual("", Tool.Run("tshark", "-r", path, "-Y", "_ws.malformed || _ws.short", "-c", "20000"));
        }
        Assert.AreNotEqual("", Tool.Run("tshark", "-r", Path.Combine(folder, "red.pcapng"), "-Y", "icmp.type == 0", "-c", "2000"));
    }
}
