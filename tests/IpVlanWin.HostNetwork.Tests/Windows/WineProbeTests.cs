using System.Diagnostics;
using System.Net;
using System.Net.NetworkInformation;
using System.Runtime.Versioning;
using IpVlanWin.HostNetwork.Tests.Linux;

namespace IpVlanWin.HostNetwork.Tests.Windows;

/// <summary>
/// Runs tests/wine/HostProbe, a Windows program with the real native declarations, under Wine inside a namespace whose adapters,
/// addresses, routes and neighbors are known, and compares. What Wine only pretends to do is a note there and is not counted.
/// </summary>
[TestClass]
[SupportedOSPlatform("linux")]
public sealed class WineProbeTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(6);

    public required TestContext TestContext { get; init; }

    [TestMethod]
    [Timeout(8 * 60 * 1000, CooperativeCancellation = true)]
    public void Probe_UnderWine_SeesWhatIsThere()
    {
        TestNamespace.RequireRoot();
        if (!IsInstalled("wine")) Assert.Inconclusive("needs wine (Debian packages wine, wine64)");
        if (!IsInstalled("ip")) Assert.Inconclusive("needs ip (Debian package iproute2)");
        var folder = Directory.CreateTempSubdirectory("hostprobe-").FullName;
        using var one = new TestNamespace("wine1");
        using var two = new TestNamespace("wine2");
        try
        {
            var probe = Publish(folder);
            var (near, far) = one.Join(two, "wine0", "wire0");
            one.Netlink.SetUp(1, true);
            one.Netlink.SetMtu(near.Index, 1400);
            one.Netlink.AddAddress(near.Index, IPAddress.Parse("10.77.0.1"), 20);
            one.Netlink.AddAddress(near.Index, IPAddress.Parse("fd77::1"), 60, AddressFlags.NoDad);
            one.Netlink.AddRoute(new HostRoute { Destination = IPNetwork.Parse("198.51.100.0/22"), LinkIndex = near.Index, Gateway = IPAddress.Parse("10.77.0.9") });
            one.Netlink.SetNeighbor(near.Index, IPAddress.Parse("10.77.0.9"), PhysicalAddress.Parse("02-00-00-00-00-09"));
            var prefix = Path.Combine(folder, "prefix");
            var (status, lines) = Run(folder, prefix, "ip", ["netns", "exec", one.Name, "wine", probe, "wine"]);
            foreach (var line in lines) TestContext.WriteLine(line);

            var fields = lines.Select(line => line.TrimEnd('\r').Split('\t')).ToList();
            Assert.IsEmpty(fields.Where(line => line[0] == "FAIL").Select(line => string.Join(' ', line)));
            Assert.AreEqual(0, status);
            Assert.HasCount(13, fields.Where(line => line[0] == "ok"));

            var adapter = fields.Single(line => line[0] == "adapter" && line[2] == "wine0");
            var mac = one.Netlink.GetLink(near.Index).Mac;
            Assert.AreEqual((mac.ToString(), "1400", "6"), (adapter[3], adapter[4], adapter[6]));
            Assert.AreEqual("Up, Broadcast, Running, Multicast, LowerUp", adapter[5]);
            StringAssert.Contains(fields.Single(line => line[0] == "adapter" && line[2] == "lo")[5], "Loopback");
            var index = adapter[1];
            Assert.AreEqual(index, fields.Single(line => line[0] == "address" && line[2] == "10.77.0.1")[1]);
            Assert.AreEqual("20", fields.Single(line => line[0] == "address" && line[2] == "10.77.0.1")[3]);
            Assert.AreEqual("60", fields.Single(line => line[0] == "address" && line[2] == "fd77::1")[3]);
            Assert.AreEqual("10.77.0.9", fields.Single(line => line[0] == "route" && line[1] == index && line[2] == "198.51.100.0/22")[3]);
            Assert.Contains(line => line[0] == "route" && line[1] == index && line[2] == "10.77.0.0/20", fields);
            Assert.AreEqual("020000000009", fields.Single(line => line[0] == "neighbor" && line[2] == "10.77.0.9")[3]);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Builds the probe apart from everything else, so that two runs do not meet.</summary>
    private static string Publish(string folder)
    {
        var project = Path.Combine(Root(), "tests", "wine", "HostProbe", "HostProbe.csproj");
        var (status, lines) = Run(folder, null, "dotnet",
            ["publish", project, "-c", "Release", "-r", "win-x64", "--self-contained", "-v", "quiet", "-nologo", "--artifacts-path", Path.Combine(folder, "build"), "-o", Path.Combine(folder, "probe"),
                "-p:RunAnalyzers=false", "-p:GenerateDocumentationFile=false"]);
        if (status != 0 && lines.Any(line => line.Contains("NU1101", StringComparison.Ordinal) || line.Contains("NU1301", StringComparison.Ordinal) || line.Contains("NU1102", StringComparison.Ordinal)))
            Assert.Inconclusive("needs the win-x64 runtime pack, which does not restore here");
        Assert.AreEqual(0, status, string.Join('\n', lines));
        return Path.Combine(folder, "probe", "HostProbe.exe");
    }

    private static string Root()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "IpVlanWin.sln"))) return folder.FullName;
        }
        Assert.Inconclusive("needs the source beside the tests: builds a Windows program");
        throw new InvalidOperationException();
    }

    private static bool IsInstalled(string command) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(folder => folder.Length > 0 && File.Exists(Path.Combine(folder, command)));

    private static (int Status, List<string> Lines) Run(string folder, string? prefix, string command, string[] arguments)
    {
        var start = new ProcessStartInfo(command, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = folder };
        if (prefix is not null)
        {
            start.Environment["WINEPREFIX"] = prefix;
            start.Environment["WINEDEBUG"] = "-all";
            // No menu entries. mscoree must stay: Wine's loader wants it for every managed file.
            start.Environment["WINEDLLOVERRIDES"] = "winemenubuilder.exe=d";
            start.Environment["DOTNET_EnableWriteXorExecute"] = "0";
            start.Environment.Remove("DISPLAY");
        }
        // MSBuild nodes that outlive the command would keep its output open.
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        start.Environment["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1";
        start.Environment["DOTNET_NOLOGO"] = "1";
        start.Environment["UseSharedCompilation"] = "false";
        using var process = Process.Start(start)!;
        var lines = new List<string>();
        process.OutputDataReceived += (_, line) => Add(line.Data);
        process.ErrorDataReceived += (_, line) => Add(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        if (!process.WaitForExit(s_patience))
        {
            process.Kill(entireProcessTree: true);
            lock (lines) Assert.Fail($"{command} has not ended after {s_patience}: {string.Join('\n', lines)}");
        }
        if (prefix is not null) EndServer(start);
        lock (lines) return (process.ExitCode, [.. lines]);

        void Add(string? line)
        {
            if (line is null) return;
            lock (lines) lines.Add(line);
        }
    }

    /// <summary>Wine's server of this prefix stays a while: it would write into a folder that is being deleted.</summary>
    private static void EndServer(ProcessStartInfo like)
    {
        if (!IsInstalled("wineserver")) return;
        // The first ends it, the second waits until it has ended.
        foreach (var argument in new[] { "-k", "-w" })
        {
            var start = new ProcessStartInfo("wineserver", [argument]) { WorkingDirectory = like.WorkingDirectory };
            foreach (var (name, value) in like.Environment) start.Environment[name] = value;
            using var process = Process.Start(start)!;
            process.WaitForExit(TimeSpan.FromSeconds(30));
        }
    }
}
