using System.Management.Automation;
using IpVlanWin.PowerShell.Actions;
using IpVlanWin.PowerShell.Cmdlets;
using IpVlanWin.Protocol;
using IpVlanWin.Service.Control;
using IpVlanWin.Service.Tests;
using Microsoft.Data.Sqlite;

namespace IpVlanWin.PowerShell.Tests;

/// <summary>Every error of the contract, provoked through what the cmdlets call: code, errno name and sentence.</summary>
[TestClass]
public sealed class ErrorTests
{
    // Before each: "a" on eth0 with 10.0.0.2/24 and fd00::2/64, "b" on eth0.
    private static readonly Dictionary<string, Action<TestLink>> s_provoke = new()
    {
        ["master-not-found"] = user => user.Interfaces.New(new InterfaceSpec { Name = "c", Master = "nosuch0", Datapath = "linux" }),
        ["master-not-found by index"] = _ => Masters.NameOf(4_000_000_000),
        ["master-not-ethernet"] = user => user.Interfaces.New(new InterfaceSpec { Name = "c", Master = "lo", Datapath = "linux" }),
        ["name-in-use"] = user => user.Interfaces.New(new InterfaceSpec { Name = "a", Master = "eth1" }),
        ["name-in-use by rename"] = user => user.Interfaces.Change(new InterfaceChange { Name = "b", NewName = "a" }, false),
        ["address-in-use"] = user => user.Addresses.Add(new AddressSpec { Interface = "b", Prefix = "10.0.0.2/16" }, false),
        ["mode-not-supported"] = user => user.Ports.Change(new PortChange { Master = "eth0", Datapath = "filter" }, false),
        ["flag-conflict"] = user => user.Ports.Change(new PortChange { Master = "eth0", Flag = "private vepa" }, false),
        ["address-exists"] = user => user.Addresses.Add(new AddressSpec { Interface = "a", Prefix = "fd00::2/64" }, false),
        ["address-absent"] = user => user.Addresses.Remove(new AddressSpec { Interface = "a", Prefix = "10.0.0.2/25" }, false),
        ["group-absent"] = user => user.Interfaces.Change(new InterfaceChange { Name = "a" }, false, leaves: ["33:33:00:00:00:ab"]),
        ["mac-not-settable"] = user => user.Interfaces.Change(new InterfaceChange { Name = "a", Mac = "02:00:00:00:00:01" }, false),
        ["bad-argument of a group"] = user => user.Interfaces.Change(new InterfaceChange { Name = "a", Mtu = 1000 }, false, ["33:33:00:00:00:ab", "02:00:00:00:00:01"]),
        ["limit-reached"] = user => user.Interfaces.New(new InterfaceSpec { Name = "c", Master = "eth1", Addresses = [.. Enumerable.Range(1, 4097).Select(i => $"10.1.{i >> 8}.{i & 255}/8")] }),
        ["not-found"] = user => user.Interfaces.Find(new NameFilter("c"), null),
        ["not-found as a port"] = user => user.Interfaces.Find(null, new NameFilter("eth9")),
        ["not-found of its master"] = user => user.Statistics.Find(new NameFilter("c"), new NameFilter("eth0")),
        ["not-found as a capture"] = _ => CaptureActions.Find(-1),
        ["bad-argument"] = user => user.Interfaces.Change(new InterfaceChange { Name = "a", Mtu = 9000 }, false),
        ["bad-argument of lengths"] = _ => AddressActions.Prefix("10.0.0.2/24", 24),
        ["bad-argument of a length"] = _ => AddressActions.Prefix("10.0.0.2", 33),
        ["conflict"] = user => user.Interfaces.Change(new InterfaceChange { Name = "a", Admin = "up", Version = 1_000_000 }, false),
        ["conflict of a port"] = user => user.Ports.Change(new PortChange { Master = "eth0", Mode = "l2", Version = 1_000_000 }, false),
    };

    public static IEnumerable<object[]> Provoked => s_provoke.Keys.Select(name => new object[] { name });

    [TestMethod]
    [DynamicData(nameof(Provoked))]
    public async Task Refusal_has_its_code(string name)
    {
        if (!OperatingSystem.IsLinux() && name.StartsWith("master-not", StringComparison.Ordinal) && !name.EndsWith("index", StringComparison.Ordinal))
            Assert.Inconclusive("data path linux needs Linux");
        await using var service = new TestService();
        using var user = await PreparedAsync(service);
        var before = (await service.Connect().GetServiceAsync()).StateVersion;
        var expected = name.Split(' ')[0];
        Judge(Assert.ThrowsExactly<ControlException>(() => s_provoke[name](user)), expected);
        Assert.AreEqual(before, (await service.Connect().GetServiceAsync()).StateVersion, "nothing changed");
    }

    [TestMethod]
    public async Task Reader_is_denied_changes()
    {
        await using var service = new TestService(authorize: static _ => Access.Read);
        using var user = new TestLink(service.Connect());
        Assert.IsEmpty(user.Interfaces.Find(null, null));
        Judge(Assert.ThrowsExactly<ControlException>(() => user.Interfaces.New(new InterfaceSpec { Name = "a", Master = "eth0" })), "access-denied");
        var path = Path.Combine(service.Folder, "c.json");
        Assert.IsTrue(user.Configuration.Export(path, replaces: false));
        Judge(Assert.ThrowsExactly<ControlException>(() => user.Configuration.Test(path)), "access-denied");
    }

    [TestMethod]
    public async Task Port_that_does_not_run_is_down()
    {
        await using var service = new TestService();
        using var user = await PreparedAsync(service);
        service.Datapath = "linux";
        await service.RestartAsync();
        var spec = new TraceSpec { Interface = "a", Protocol = "tcp", Source = "10.0.0.2", Destination = "10.0.0.3" };
        Judge(Assert.ThrowsExactly<ControlException>(() => new TraceActions(user.Link).Trace(spec)), "link-down");
        var path = Path.Combine(service.Folder, "c.pcapng");
        Judge(Assert.ThrowsExactly<ControlException>(() => new CaptureActions(user.Link, service.Connect).Start(new CaptureSpec { Interface = "a" }, path, replaces: false)), "link-down");
        Assert.IsFalse(File.Exists(path));
    }

    [TestMethod]
    public async Task Change_that_cannot_be_stored_is_refused()
    {
        await using var service = new TestService();
        using var user = await PreparedAsync(service);
        await service.Running.DisposeAsync();
        await using (var file = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = Path.Combine(service.Folder, "state.db"), Pooling = false }.ToString()))
        {
            await file.OpenAsync();
            await using var command = file.CreateCommand();
            command.CommandText = "CREATE TRIGGER refuse BEFORE DELETE ON interfaces BEGIN SELECT RAISE(ABORT, 'the disk is on fire'); END";
            await command.ExecuteNonQueryAsync();
        }
        service.StartAgain();
        Judge(Assert.ThrowsExactly<ControlException>(() => user.Interfaces.Remove("a", false)), "not-stored");
        Assert.HasCount(2, user.Interfaces.Find(null, null));
    }

    [TestMethod]
    public void Absent_service_is_unreachable()
    {
        using var user = new TestLink(new ControlClient(Path.Combine(Path.GetTempPath(), "ipvlanwin-" + Guid.NewGuid().ToString("N"))) { ConnectTimeout = TimeSpan.FromMilliseconds(50) });
        Judge(Assert.ThrowsExactly<ControlException>(() => user.Interfaces.Find(null, null)), "service-unreachable");
    }

    // A service of this version never says these to a cmdlet of this version: each cmdlet asks for one thing it knows, in a legal message.
    [TestMethod]
    [DataRow("parse-error", "\"result\":{\"name\":5}")]
    [DataRow("parse-error", "\"error\":{\"code\":-32700,\"message\":\"the message is not understood: x\",\"data\":{\"code\":\"parse-error\"}}")]
    [DataRow("invalid-request", "\"error\":{\"code\":-32600,\"message\":\"this is not a JSON-RPC 2.0 request: x\",\"data\":{\"code\":\"invalid-request\"}}")]
    [DataRow("unknown-method", "\"error\":{\"code\":-32601,\"message\":\"there is no method \\\"x\\\"; legal are y\",\"data\":{\"code\":\"unknown-method\"}}")]
    [DataRow("internal-error", "\"error\":{\"code\":-32603,\"message\":\"the service failed (x); its log says more\",\"data\":{\"code\":\"internal-error\"}}")]
    [DataRow("batch-refused", "\"error\":{\"code\":-32016,\"message\":\"nothing of this batch was done, because request 1 was refused (x)\",\"data\":{\"code\":\"batch-refused\"}}")]
    [DataRow("cancelled", "\"error\":{\"code\":-32800,\"message\":\"the request was cancelled before it was done\",\"data\":{\"code\":\"cancelled\"}}")]
    public async Task Other_service_is_understood(string code, string answer)
    {
        await using var server = new ScriptedServer(answer);
        using var user = new TestLink(new ControlClient(server.PipeName));
        Judge(Assert.ThrowsExactly<ControlException>(() => user.Interfaces.Get("a")), code);
    }

    [TestMethod]
    public async Task Silent_service_times_out()
    {
        await using var server = new ScriptedServer(null);
        using var user = new TestLink(new ControlClient(server.PipeName) { Timeout = TimeSpan.FromMilliseconds(50) });
        Judge(Assert.ThrowsExactly<ControlException>(() => user.Interfaces.Get("a")), "timed-out");
    }

    [TestMethod]
    public async Task Stopping_ends_the_wait()
    {
        await using var server = new ScriptedServer(null);
        using var stopping = new CancellationTokenSource();
        using var user = new TestLink(new ControlClient(server.PipeName), cancellation: stopping.Token);
        var waiting = Task.Run(() => user.Interfaces.Get("a"));
        await stopping.CancelAsync();
        await Assert.ThrowsAsync<OperationCanceledException>(() => waiting);
    }

    /// <summary>Whoever adds a code provokes it here, or says why it cannot come.</summary>
    [TestMethod]
    public void Every_code_is_provoked_or_cannot_come()
    {
        string[] elsewhere = ["access-denied", "not-stored", "service-unreachable", "timed-out", "parse-error", "invalid-request", "unknown-method", "internal-error", "batch-refused", "cancelled", "link-down"];
        CollectionAssert.AreEquivalent(
            ErrorCode.All.Select(code => code.Name).ToArray(),
            s_provoke.Keys.Select(name => name.Split(' ')[0]).Distinct().Concat(elsewhere).ToArray());
    }

    [TestMethod]
    public void Every_code_has_its_category_and_what_helps()
    {
        foreach (var code in ErrorCode.All)
        {
            Assert.EndsWith(".", ErrorRecords.ActionOf(code), code.Name);
            Assert.AreEqual(code == ErrorCode.InternalError, ErrorRecords.CategoryOf(code) == ErrorCategory.NotSpecified, code.Name);
        }
        Assert.AreEqual(
            (ErrorCategory.ResourceExists, ErrorCategory.ObjectNotFound, ErrorCategory.InvalidArgument, ErrorCategory.PermissionDenied),
            (ErrorRecords.CategoryOf(ErrorCode.AddressInUse), ErrorRecords.CategoryOf(ErrorCode.NotFound), ErrorRecords.CategoryOf(ErrorCode.BadArgument), ErrorRecords.CategoryOf(ErrorCode.AccessDenied)));
    }

    private static async Task<TestLink> PreparedAsync(TestService service)
    {
        using var client = service.Connect();
        await client.AddInterfaceAsync(new InterfaceSpec { Name = "a", Master = "eth0", Addresses = ["10.0.0.2/24", "fd00::2/64"] });
        await client.AddInterfaceAsync(new InterfaceSpec { Name = "b", Master = "eth0" });
        return new TestLink(service.Connect());
    }

    /// <summary>The errno is the contract's, and the sentence the table's with its places filled.</summary>
    private static void Judge(ControlException fault, string code)
    {
        var expected = ErrorCode.Find(code);
        Assert.IsNotNull(expected, code);
        Assert.AreEqual((expected.Name, expected.Errno), (fault.Code.Name, fault.Code.Errno), fault.Message);
        var pattern = "^" + System.Text.RegularExpressions.Regex.Replace(System.Text.RegularExpressions.Regex.Escape(expected.Sentence), @"\\\{\d}", "(.+)") + "$";
        Assert.MatchesRegex(new System.Text.RegularExpressions.Regex(pattern), fault.Message);
    }
}
