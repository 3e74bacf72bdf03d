using System.Diagnostics;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace IpVlanWin.Cli.Tests.Ip;

/// <summary>The manuals' lines as Windows has them, and the output held against that of `ip`. With real namespaces they are typed in the lab's tests.</summary>
[TestClass]
public sealed class HowToTests
{
    public static IEnumerable<object[]> Cases => HowToLines.Cases.Select(static (_, i) => new object[] { i });

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public async Task On_Windows_a_line_works_or_is_refused_with_a_sentence(int number)
    {
        var one = HowToLines.Cases[number];
        await using var bed = new IpBed();
        foreach (var line in one.Lines)
        {
            var result = bed.Run(line.Filled(), isLinux: false);
            var expected = line.Windows is null ? (0, "", "") : (2, "", $"Error: {line.Windows}\n");
            Assert.AreEqual(expected, (result.Status, result.Output, result.Errors), line.Line);
        }
        var words = one.Show.StartsWith("-d ", StringComparison.Ordinal) ? one.Show[3..] : one.Show;
        var details = words.Length == one.Show.Length ? "" : "-d ";
        var text = bed.Do($"{details}{words}");
        Assert.AreEqual(Filled(one.Text, bed), text);
        Assert.AreEqual(Filled(one.Json, bed), bed.Do($"-j {details}{words}"));
    }

    [TestMethod]
    public async Task Text_and_keys_are_those_of_ip_for_a_macvlan()
    {
        if (!OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess)
            Assert.Inconclusive("needs root on Linux: a macvlan in a namespace of its own");
        var space = $"ipvlancli{Environment.ProcessId}-{Guid.NewGuid().ToString("N")[..6]}";
        Ip($"netns add {space}");
        try
        {
            Ip($"-n {space} link add eth0 type veth peer name far0");
            if (Try($"-n {space} link add link eth0 name ipvl0 type macvlan mode bridge").Status != 0)
                Assert.Inconclusive("needs the kernel's macvlan module");
            foreach (var line in (string[])["link set eth0 up", "link set far0 up", "link set ipvl0 up", "address add 10.77.0.2/24 dev ipvl0", "address add fd00::2/64 dev ipvl0 nodad"])
                Ip($"-n {space} {line}");
            await using var bed = new IpBed();
            bed.Do("-b -", "link add link eth0 name ipvl0 up type ipvlan mode l2\naddress add 10.77.0.2/24 dev ipvl0\naddress add fd00::2/64 dev ipvl0\n");
            var mac = MacOf(bed);
            foreach (var line in (string[])["link show ipvl0", "-o link show ipvl0", "-br link show ipvl0", "address show ipvl0 scope global", "-o address show ipvl0 scope global", "-br address show ipvl0 scope global", "-4 address show ipvl0", "-s link show ipvl0"])
                Assert.AreEqual(Unknown(Ip($"-n {space} {line}"), mac), Unknown(bed.Do(line), mac), line);
            foreach (var line in (string[])["-j link show ipvl0", "-j -br link show ipvl0", "-j address show ipvl0 scope global", "-j -br address show ipvl0 scope global", "-j -s -d link show ipvl0"])
                AssertSubset(JsonDocument.Parse(bed.Do(line)).RootElement, JsonDocument.Parse(Ip($"-n {space} {line}")).RootElement, line);
        }
        finally
        {
            Ip($"netns delete {space}");
        }
    }

    /// <summary>What differs between two kinds of links, and what is known to one side only.</summary>
    private static string Unknown(string text, string mac)
    {
        text = Regex.Replace(text, " qdisc [^ ]+| qlen [0-9]+|(?<=global )nodad ", "");
        text = Regex.Replace(text, "(?<=ether |UP {13})([0-9a-f]{2}:){5}[0-9a-f]{2}", mac);
        text = Regex.Replace(text, "^[0-9]+: ", "N: ", RegexOptions.Multiline);
        // The kernel's link has sent something.
        return Regex.Replace(text, "^( {4,}[0-9]+)( +[0-9]+)+ $", "COUNTERS", RegexOptions.Multiline);
    }

    /// <summary>Ours has keys of the real one only, in its order, with its values; but for the few that are ours or of the kind.</summary>
    private static void AssertSubset(JsonElement ours, JsonElement real, string where)
    {
        if (ours.ValueKind == JsonValueKind.Array)
        {
            // ip leaves an empty object where it shows nothing.
            var shown = real.EnumerateArray().Where(static one => one.ValueKind != JsonValueKind.Object || one.EnumerateObject().Any()).ToArray();
            Assert.HasCount(shown.Length, ours.EnumerateArray().ToArray(), where);
            for (var i = 0; i < shown.Length; i++)
                AssertSubset(ours[i], shown[i], $"{where}[{i}]");
            return;
        }
        if (ours.ValueKind != JsonValueKind.Object)
        {
            if (!Regex.IsMatch(where, "(ifindex|address|max_mtu|info_kind|info_data.mode|stats64.+)$"))
                Assert.AreEqual(real.GetRawText(), ours.GetRawText(), where);
            return;
        }
        var keys = real.EnumerateObject().Select(static one => one.Name).ToList();
        var last = -1;
        foreach (var one in ours.EnumerateObject().Where(one => one.Name is not ("netns" or "datapath" or "version" or "bridge")))
        {
            var at = keys.IndexOf(one.Name);
            Assert.IsGreaterThan(last, at, $"{where}.{one.Name} among {string.Join(' ', keys)}");
            last = at;
            AssertSubset(one.Value, real.GetProperty(one.Name), $"{where}.{one.Name}");
        }
    }

    private static string MacOf(IpBed bed) => bed.Do("-br link show").Split(' ', StringSplitOptions.RemoveEmptyEntries) is { Length: > 2 } words ? words[2] : "";

    private static string Filled(string text, IpBed bed) =>
        text.ReplaceLineEndings("\n").Replace("{mac}", MacOf(bed), StringComparison.Ordinal).Replace("{datapath}", "memory", StringComparison.Ordinal);

    private static string Ip(string line)
    {
        var (status, output, errors) = Try(line);
        Assert.AreEqual(0, status, $"ip {line}: {errors}");
        return output;
    }

    private static (int Status, string Output, string Errors) Try(string line)
    {
        using var process = Process.Start(new ProcessStartInfo("ip", line.Split(' ')) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, errors.GetAwaiter().GetResult());
    }
}
