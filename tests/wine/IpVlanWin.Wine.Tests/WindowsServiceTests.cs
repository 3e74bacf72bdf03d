using System.Buffers.Binary;
using System.Diagnostics;

namespace IpVlanWin.Wine.Tests;

/// <summary>
/// The win-x64 build as a Windows service. Every test has a service, a pipe and a state folder of its own name. What Wine 8 cannot show is
/// not asserted: events arrive nowhere (ReportEvent is a stub), recovery actions and service SIDs are not kept, pipes are not guarded by
/// their descriptors nor by the first-instance flag, and no shutdown controls are sent.
/// </summary>
[TestClass]
public sealed class WindowsServiceTests
{
    private const string Services = @"HKLM\SYSTEM\CurrentControlSet\Services\";

    private readonly string _name = $"IpVlanWin-{Environment.ProcessId}-{Guid.NewGuid().ToString("N")[..8]}";

    public TestContext TestContext { get; set; } = null!;

    private string Folder => $@"C:\state of {_name}\";

    [ClassInitialize]
    public static Task PrepareAsync(TestContext context) => WineBed.PrepareAsync(context);

    [ClassCleanup]
    public static Task RemoveAsync() => WineBed.RemoveAsync();

    [TestMethod]
    public async Task Service_lives_from_install_to_uninstall()
    {
        // Twice: the second sets right what is there.
        for (var i = 0; i < 2; i++)
            Expect(0, await WineBed.RunAsync("ipvlan.exe", "service", "install", "--service-name", _name, "--pipe", _name, "--state", Folder), $"service {_name} is installed");
        StringAssert.Contains((await WineBed.RunAsync("reg", "query", Services + @"EventLog\Application\" + _name)).Output, @"%SystemRoot%\System32\EventCreate.exe");
        var status = await StatusAsync(0);
        Assert.AreEqual(("stopped", "automatic", "LocalSystem", "10 s", "registered"), (status["state"], status["start"], status["account"], status["preshutdown"], status["event source"]));
        StringAssert.StartsWith(status["program"], "\"", "a quoted path");
        StringAssert.EndsWith(status["program"], $"ipvlansvc.exe\" --service-name {_name} --state \"{Folder}\\\" --pipe {_name}");

        await ServiceAsync("start", "runs");
        status = await StatusAsync(0);
        Assert.AreEqual(("running", "stop shutdown preshutdown", "0"), (status["state"], status["accepts"], status["exit code"]));
        StringAssert.EndsWith((await ProbeAsync(0, "info")).Output.Trim(), $"process {status["process"]}");
        await ProbeAsync(0, "add", "ipvl0");
        Expect(2, await WineBed.RunAsync("probe.exe", "add", _name, "ipvl0"), "name-in-use");
        Assert.AreEqual("ipvl0 up 10.0.0.2/24\n", (await ProbeAsync(0, "list")).Output);
        Assert.AreEqual("D:P(D;;GA;;;NU)(A;;GA;;;SY)(A;;GA;;;BA)\n", (await ProbeAsync(0, "descriptor")).Output);
        Expect(2, await WineBed.RunAsync("ipvlansvc.exe", "--pipe", _name + "-other", "--state", Folder), "in use by another process");

        var clock = Stopwatch.StartNew();
        await ServiceAsync("stop", "has stopped");
        TestContext.WriteLine($"stopped in {clock.ElapsedMilliseconds} ms, start of both programs included");
        Assert.IsLessThan(TimeSpan.FromSeconds(5), clock.Elapsed);
        Assert.AreEqual(("stopped", "0"), ((await StatusAsync(0))["state"], (await StatusAsync(0))["exit code"]));
        await ServiceAsync("stop", "did not run");
        await ServiceAsync("start", "runs");
        await ServiceAsync("start", "runs");
        Assert.AreEqual("ipvl0 up 10.0.0.2/24\n", (await ProbeAsync(0, "list")).Output, "kept through a restart");

        await ServiceAsync("uninstall", "is removed");
        await ServiceAsync("uninstall", "was not installed");
        Assert.AreEqual(2, (await WineBed.RunAsync("ipvlan.exe", "service", "status", "--service-name", _name)).Status);
        Assert.AreEqual(1, (await WineBed.RunAsync("reg", "query", Services + _name)).Status, "its key is gone");
        Assert.AreEqual(1, (await WineBed.RunAsync("reg", "query", Services + @"EventLog\Application\" + _name)).Status, "its event source is gone");
        Expect(2, await WineBed.RunAsync("ipvlan.exe", "service", "start", "--service-name", _name), "ERROR_SERVICE_DOES_NOT_EXIST (1060); install it first");
    }

    [TestMethod]
    public async Task Service_that_cannot_start_says_why()
    {
        Expect(0, await WineBed.RunAsync("ipvlansvc.exe", "install", "--service-name", _name, "--pipe", _name, "--state", Folder), "is installed");
        try
        {
            await ServiceAsync("start", "runs");
            await ServiceAsync("stop", "has stopped");
            var state = Path.Combine(WineBed.DriveC, Folder[3..^1], "state.db");
            var bytes = await File.ReadAllBytesAsync(state, TestContext.CancellationToken);
            // user_version in SQLite's header: a schema that is not known yet.
            BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(60), 99);
            await File.WriteAllBytesAsync(state, bytes, TestContext.CancellationToken);
            Expect(2, await WineBed.RunAsync("ipvlansvc.exe", "start", "--service-name", _name), "its stored state cannot be used");
            Assert.AreEqual(("stopped", "2 (its stored state cannot be used)"), ((await StatusAsync(0))["state"], (await StatusAsync(0))["exit code"]));
            await File.WriteAllTextAsync(Path.Combine(Path.GetDirectoryName(state)!, "appsettings.json"), """{"colour":"red"}""", TestContext.CancellationToken);
            Expect(2, await WineBed.RunAsync("ipvlansvc.exe", "start", "--service-name", _name), "its command line or settings file is wrong");
        }
        finally
        {
            await WineBed.RunAsync("ipvlansvc.exe", "uninstall", "--service-name", _name);
        }
    }

    [TestMethod]
    public async Task Doctor_looks_at_the_installed_service()
    {
        // Settings of the default pipe cannot be given to doctor: it must find nothing there, and say what to do.
        var found = await WineBed.RunAsync("ipvlan.exe", "doctor", "--service-name", _name);
        Expect(1, found, "fail  service manager: the service is not installed; ipvlan service install");
        StringAssert.Contains(found.Output, "ok    system: Windows build ");
        StringAssert.Contains(found.Output, "ok    rights: this prompt is elevated");
    }

    [TestMethod]
    public async Task Unprivileged_client_is_refused()
    {
        Expect(0, await WineBed.RunAsync("ipvlansvc.exe", "install", "--service-name", _name, "--pipe", _name, "--state", Folder), "is installed");
        try
        {
            await ServiceAsync("start", "runs");
            var probe = await WineBed.RunAsync("probe.exe", "unprivileged", _name);
            if (probe.Output.StartsWith("let in: ", StringComparison.Ordinal) && !probe.Output.Contains("access-denied", StringComparison.Ordinal))
                Assert.Inconclusive("this Wine guards no pipe by its descriptor and tells the server nothing of a cut-down token");
            Assert.IsTrue(probe.Output.Contains("access-denied", StringComparison.Ordinal) || probe.Output == "refused\n", probe.All);
            Assert.AreEqual("", (await ProbeAsync(0, "list")).Output);
        }
        finally
        {
            await WineBed.RunAsync("ipvlansvc.exe", "uninstall", "--service-name", _name);
        }
    }

    private static void Expect(int status, Ended ended, string text)
    {
        Assert.AreEqual(status, ended.Status, ended.All);
        StringAssert.Contains(ended.Output + ended.Errors, text);
    }

    private async Task ServiceAsync(string verb, string text) => Expect(0, await WineBed.RunAsync("ipvlan.exe", "service", verb, "--service-name", _name), $"service {_name} {text}");

    private async Task<Ended> ProbeAsync(int status, string verb, params string[] arguments)
    {
        var ended = await WineBed.RunAsync("probe.exe", [verb, _name, .. arguments]);
        Assert.AreEqual(status, ended.Status, ended.All);
        return ended;
    }

    private async Task<Dictionary<string, string>> StatusAsync(int status)
    {
        var ended = await WineBed.RunAsync("ipvlansvc.exe", "status", "--service-name", _name);
        Assert.AreEqual(status, ended.Status, ended.All);
        return ended.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(static line => line.Split(": ", 2)).ToDictionary(static parts => parts[0], static parts => parts[1]);
    }
}
