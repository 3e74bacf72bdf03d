using System.Text.Json;
using IpVlanWin.Cli.HostCare;
using IpVlanWin.Protocol;

namespace IpVlanWin.Cli.Tests;

[TestClass]
public sealed class HostCareTests
{
    private static readonly FilterMasterFacts s_master = new("Ethernet") { IsThere = true, IsBound = true, HasPort = true, IsAttached = true };

    private static readonly HostFacts s_linux = new()
    {
        IsLinux = true, SystemVersion = new Version(6, 18, 1), Architecture = "X64", OwnVersion = "0.1.0",
        Service = new ServiceRecord { Version = "0.1.0", ProcessId = 7, Ports = 1, Interfaces = 2 },
        Pipe = new ClosedThing("/run/ipvlanwin/control.sock", "0600", true),
        StateFolder = new ClosedThing("/var/lib/ipvlanwin", "0700", true),
        Adapters = [new AdapterFacts("eth1", true, true, 1500, [])],
    };

    private static readonly HostFacts s_windows = new()
    {
        IsLinux = false, SystemVersion = new Version(10, 0, 20348), Architecture = "X64", OwnVersion = "0.1.0",
        Service = s_linux.Service, ServiceManagerState = "running", Pipe = new ClosedThing(@"\\.\pipe\ipvlanwin", "D:P(D;;FA;;;NU)", true),
        Filter = new FilterFacts([s_master]) { DriverVersion = new Version(1, 0) },
    };

    [TestMethod]
    public void Host_as_it_should_be_has_nothing_to_do()
    {
        foreach (var facts in new[] { s_linux, s_windows })
        {
            var findings = Diagnosis.Judge(facts);
            Assert.IsTrue(findings.All(static finding => finding is { Level: FindingLevel.Ok, Remedy: null }), string.Join('\n', findings));
            Assert.AreEqual(0, DoctorCommand.Write(findings, isJson: false, TextWriter.Null));
        }
    }

    public static IEnumerable<object[]> Faults =>
    [
        [s_linux with { SystemVersion = new Version(5, 10) }, "warn  system: Linux 5.10 has no UDP segmentation"],
        [s_linux with { MissingRights = ["CAP_NET_RAW"] }, "fail  rights: this user lacks CAP_NET_RAW; use sudo"],
        [s_linux with { TunFault = "Could not find file" }, "fail  tun: no interface can be made: Could not find file; modprobe tun"],
        [s_linux with { Service = null, ServiceFault = "nobody listens" }, "fail  service: nobody listens; ipvlan service install prints"],
        [s_linux with { OwnVersion = "0.2.0" }, "warn  service: version 0.1.0 answers, and this program is 0.2.0; restart the service"],
        [s_linux with { Service = s_linux.Service! with { Drift = 3 } }, "warn  drift: 3 differences"],
        [s_linux with { Service = s_linux.Service! with { Recovery = "the stored state was damaged" } }, "warn  state: the stored state was damaged; "],
        [s_linux with { Pipe = new ClosedThing("/s", "0666", false) }, "fail  pipe: /s is open to others (0666); restart"],
        [s_linux with { StateFolder = new ClosedThing("/d", "0755", false) }, "fail  state folder: /d is open to others (0755); chmod 700 /d"],
        [s_linux with { LeftoverNamespaces = ["ipvlan-1-red"] }, "warn  namespaces: left by labs that were killed: ipvlan-1-red; the next ipvlan lab"],
        [s_linux with { Adapters = [] }, "warn  masters: no adapter can be a master"],
        [Only(new AdapterFacts("eth1", true, true, 1500, ["10.0.0.1/24"])), "warn  adapter eth1: has 10.0.0.1/24: the host's own stack would answer beside ours; "],
        [Only(new AdapterFacts("eth1", true, true, 1500, [], IsMember: true)), "warn  adapter eth1: belongs to a bridge or a bond; "],
        [Only(new AdapterFacts("eth1", false, false, 1500, [])), "warn  adapter eth1: can be a master, but is down; ip link set dev eth1 up"],
        [Only(new AdapterFacts("eth1", true, false, 1500, [])), "warn  adapter eth1: can be a master, but has no carrier; "],
        [Only(new AdapterFacts("eth1", true, true, 1200, [])), "warn  adapter eth1: can be a master, but its MTU of 1200 carries no IPv6; "],
        [Only(new AdapterFacts("wlan0", true, true, 1500, [], IsWireless: true)), "ok    adapter wlan0: can be a master, MTU 1500; it is Wi-Fi"],
        [Only(new AdapterFacts("eth1", true, true, 1500, [], IsInUse: true)), "ok    adapter eth1: is a master"],
        [s_windows with { SystemVersion = new Version(10, 0, 17134) }, "fail  system: Windows build 17134 is too old; use Windows 10 1809"],
        [s_windows with { Architecture = "Arm64" }, "fail  system: Windows on Arm64 is not supported; "],
        [s_windows with { MissingRights = ["administrator rights"] }, "fail  rights: this user lacks administrator rights; use an elevated prompt"],
        [s_windows with { ServiceManagerState = "not installed" }, "fail  service manager: the service is not installed; ipvlan service install"],
        [s_windows with { ServiceManagerState = "stopped" }, "fail  service manager: the service is stopped; ipvlan service start"],
        [s_windows with { Filter = null, Adapters = [] }, "warn  masters: no adapter can be a master"],
        [s_windows, "ok    filter: driver 1.0 answers and speaks version 2 of its interface"],
        [s_windows, "ok    filter on Ethernet: it is bound, and the driver has its port"],
        [s_windows with { Filter = new FilterFacts([]) { IsInstalled = false } }, "ok    filter: the filter driver is not installed, and no port asks for it"],
        [s_windows with { Filter = new FilterFacts([s_master]) { IsInstalled = false } }, "fail  filter: the filter driver is not installed, and ports ask for it: Ethernet; ipvlansvc install-driver"],
        [s_windows with { Filter = new FilterFacts([]) { IsRunning = false } }, "warn  filter: the filter driver is installed and does not run; sc start ipvlan; where Windows refuses its signature, "],
        [s_windows with { Filter = new FilterFacts([s_master]) { IsRunning = false } }, "fail  filter: the filter driver is installed and does not run; "],
        [s_windows with { Filter = new FilterFacts([s_master]) { Fault = "the filter driver is of another version" } }, "fail  filter: the filter driver is of another version"],
        [s_windows with { Filter = new FilterFacts([]) { Fault = "run it elevated" } }, "warn  filter: run it elevated"],
        [Filtered(s_master with { IsThere = false }), "warn  filter on Ethernet: there is no adapter of that name now; plug it in"],
        [Filtered(s_master with { Refusal = "Ethernet carries a virtual switch" }), "fail  filter on Ethernet: Ethernet carries a virtual switch"],
        [Filtered(s_master with { IsBound = null }), "fail  filter on Ethernet: Windows does not list the filter among its bindings; ipvlansvc install-driver"],
        [Filtered(s_master with { IsBound = false }), "fail  filter on Ethernet: the filter is not bound to it; Enable-NetAdapterBinding -Name 'Ethernet' -ComponentID ipvlanwin; "],
        [Filtered(s_master with { HasPort = false }), "fail  filter on Ethernet: it is bound, and the driver has no port over it; ipvlan service stop, ipvlan service start"],
        [Filtered(s_master with { IsAttached = false }), "warn  filter on Ethernet: it is bound, and the driver does not have the adapter; Restart-NetAdapter -Name 'Ethernet'"],
    ];

    [TestMethod]
    [DynamicData(nameof(Faults))]
    public void Fault_is_told_with_what_to_do(object facts, string line)
    {
        var findings = Diagnosis.Judge((HostFacts)facts);
        var text = new StringWriter();
        var status = DoctorCommand.Write(findings, isJson: false, text);
        var written = text.ToString().Split(Environment.NewLine);
        Assert.AreEqual(1, written.Count(one => one.StartsWith(line, StringComparison.Ordinal)), text.ToString());
        Assert.AreEqual(line.StartsWith("fail", StringComparison.Ordinal) ? 1 : 0, status);
        var json = new StringWriter();
        DoctorCommand.Write(findings, isJson: true, json);
        using var document = JsonDocument.Parse(json.ToString());
        Assert.AreEqual(findings.Count, document.RootElement.GetArrayLength());
        var (first, one) = (findings[^1], document.RootElement[findings.Count - 1]);
        Assert.AreEqual((first.Check, first.Text, first.Remedy), (one.GetProperty("check").GetString(), one.GetProperty("text").GetString(), one.TryGetProperty("remedy", out var remedy) ? remedy.GetString() : null));
        Assert.Contains(one.GetProperty("level").GetString(), new[] { "ok", "warn", "fail" });
    }

    [TestMethod]
    [OSCondition(OperatingSystems.Linux)]
    [System.Runtime.Versioning.SupportedOSPlatform("linux")]
    public void This_host_is_read()
    {
        var (output, errors) = (new StringWriter(), new StringWriter());
        var status = Program.Run(["doctor"], errors, output);
        Assert.AreEqual("", errors.ToString());
        Assert.AreEqual(output.ToString().Contains("fail  ", StringComparison.Ordinal) ? 1 : 0, status, output.ToString());
        StringAssert.Contains(output.ToString(), $"system: Linux {Environment.OSVersion.Version.ToString(2)}");
        StringAssert.Contains(output.ToString(), "tun: ");
    }

    [TestMethod]
    [OSCondition(OperatingSystems.Linux)]
    [System.Runtime.Versioning.SupportedOSPlatform("linux")]
    public void Capabilities_are_read_by_their_bits()
    {
        Assert.IsEmpty(LinuxFacts.MissingCapabilities("Name:\tx\nCapEff:\t000001ffffffffff\n"));
        Assert.IsEmpty(LinuxFacts.MissingCapabilities($"CapEff:\t{(1UL << 12) | (1UL << 13) | (1UL << 21):x16}\n"));
        Assert.AreEqual("CAP_NET_RAW", LinuxFacts.MissingCapabilities($"CapEff:\t{(1UL << 12) | (1UL << 21):x16}\n").Single());
        Assert.HasCount(3, LinuxFacts.MissingCapabilities("CapEff:\t0000000000000000\n"));
    }

    [TestMethod]
    [DataRow(0, "service: S\r\nstate: running\r\n", "", "running")]
    [DataRow(2, "", "ipvlansvc: cannot open service S: ERROR_SERVICE_DOES_NOT_EXIST (1060); install it first", "not installed")]
    [DataRow(2, "", "ipvlansvc: cannot open the service manager: ERROR_ACCESS_DENIED (5)", "not to be asked: ipvlansvc: cannot open the service manager: ERROR_ACCESS_DENIED (5)")]
    [System.Runtime.Versioning.SupportedOSPlatform("windows")]
    public void State_is_read_from_what_the_service_program_writes(int status, string output, string errors, string state) =>
        Assert.AreEqual(state, WindowsFacts.StateOf(status, output, errors));

    [TestMethod]
    [OSCondition(OperatingSystems.Linux)]
    public void Service_verbs_print_systemd_commands()
    {
        foreach (var (verb, line) in new[]
        {
            ("start", "systemctl start ipvlanwin.service"), ("stop", "systemctl stop ipvlanwin.service"), ("status", "systemctl status ipvlanwin.service"),
            ("uninstall", "systemctl disable --now ipvlanwin.service && rm /etc/systemd/system/ipvlanwin.service && systemctl daemon-reload"),
        })
        {
            var output = new StringWriter();
            Assert.AreEqual(0, Program.Run(["service", verb], TextWriter.Null, output));
            Assert.AreEqual(line + Environment.NewLine, output.ToString());
        }
        var unit = new StringWriter();
        Assert.AreEqual(0, Program.Run(["service", "install"], TextWriter.Null, unit));
        StringAssert.Contains(unit.ToString(), "\n[Service]\n");
        StringAssert.Contains(unit.ToString(), "ExecStart=/");
        StringAssert.Contains(ServiceCommand.LinuxText("install", "/opt/x y/ipvlansvc"), "\nExecStart=\"/opt/x y/ipvlansvc\" run\n");
        var errors = new StringWriter();
        Assert.AreEqual(1, Program.Run(["service", "frob"], errors, TextWriter.Null));
        StringAssert.Contains(errors.ToString(), "must be install, start, status, stop or uninstall");
    }

    [TestMethod]
    [OSCondition(OperatingSystems.Linux)]
    [System.Runtime.Versioning.SupportedOSPlatform("linux")]
    public void Program_beside_this_one_is_run_with_its_words_and_status()
    {
        var folder = Directory.CreateTempSubdirectory("ipvlanwin-test-");
        try
        {
            Assert.IsNull(SiblingProgram.Find(folder.FullName));
            var path = Path.Combine(folder.FullName, "ipvlansvc");
            File.WriteAllText(path, "#!/bin/sh\necho \"did $1 [$2] [$3]\"\necho no >&2\nexit 7\n");
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            var (output, errors) = (new StringWriter(), new StringWriter());
            Assert.AreEqual(7, SiblingProgram.Run(SiblingProgram.Find(folder.FullName)!, ["install", "--state", "a b"], output, errors));
            Assert.AreEqual(("did install [--state] [a b]\n", "no\n"), (output.ToString(), errors.ToString()));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static HostFacts Filtered(FilterMasterFacts master) => s_windows with { Filter = new FilterFacts([master]) { DriverVersion = new Version(1, 0) } };

    private static HostFacts Only(AdapterFacts adapter) => s_linux with { Adapters = [adapter] };
}
