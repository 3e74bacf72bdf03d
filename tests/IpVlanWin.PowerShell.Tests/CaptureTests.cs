using IpVlanWin.PowerShell.Actions;
using IpVlanWin.Protocol;
using IpVlanWin.Service.Tests;

namespace IpVlanWin.PowerShell.Tests;

/// <summary>Captures to files, and traces, against a running service.</summary>
[TestClass]
public sealed class CaptureTests
{
    // A section header of pcapng, as its first four bytes.
    private const uint SectionHeader = 0x0A0D0D0A;

    [TestMethod]
    [DataRow("a", null)]
    [DataRow(null, "eth0")]
    public async Task Capture_writes_until_it_is_stopped(string? name, string? master)
    {
        await using var service = new TestService();
        using var user = await PreparedAsync(service);
        var captures = new CaptureActions(user.Link, service.Connect);
        var path = Path.Combine(service.Folder, "c.pcapng");
        var session = captures.Start(new CaptureSpec { Interface = name, Master = master }, path, replaces: false)!;
        Assert.AreEqual(("running", path, name, master), (session.State, session.Path, session.Interface, session.InterfaceAlias));
        Assert.AreSame(session, CaptureActions.Find(session.Id).Single(one => one == session));
        Assert.AreSame(session, captures.Stop(session));
        Assert.AreEqual(("stopped", 0, 0, null), (session.State, session.Recorded, session.Dropped, session.Reason));
        Assert.AreEqual(SectionHeader, BitConverter.ToUInt32(await File.ReadAllBytesAsync(path), 0));
        Assert.DoesNotContain(session, CaptureActions.Find(null));
    }

    [TestMethod]
    public async Task Refused_capture_leaves_files_alone()
    {
        await using var service = new TestService();
        using var user = await PreparedAsync(service);
        var captures = new CaptureActions(user.Link, service.Connect);
        var path = Path.Combine(service.Folder, "c.pcapng");
        await File.WriteAllTextAsync(path, "old");
        Assert.AreSame(ErrorCode.NotFound, Assert.ThrowsExactly<ControlException>(() => captures.Start(new CaptureSpec { Interface = "z" }, path, replaces: true)).Code);
        Assert.AreSame(ErrorCode.BadArgument, Assert.ThrowsExactly<ControlException>(() => captures.Start(new CaptureSpec { Interface = "a" }, path, replaces: false)).Code);
        Assert.AreEqual("old", await File.ReadAllTextAsync(path));
    }

    [TestMethod]
    public async Task Capture_ends_with_the_service_and_keeps_its_file()
    {
        await using var service = new TestService();
        using var user = await PreparedAsync(service);
        var captures = new CaptureActions(user.Link, service.Connect);
        var session = captures.Start(new CaptureSpec { Interface = "a" }, Path.Combine(service.Folder, "c.pcapng"), replaces: false)!;
        Assert.IsTrue(SpinWait.SpinUntil(() => session.Length > 0, TimeSpan.FromSeconds(20)), "no header arrived");
        await service.Running.DisposeAsync();
        Assert.IsTrue(SpinWait.SpinUntil(() => session.State != "running", TimeSpan.FromSeconds(20)));
        captures.Stop(session);
        Assert.IsNull(session.Recorded);
        Assert.IsGreaterThan(0, session.Length);
        service.StartAgain();
    }

    [TestMethod]
    [DataRow("a", null, "from-interface")]
    [DataRow(null, "eth0", "from-wire")]
    public async Task Trace_has_the_direction_that_is_meant(string? name, string? master, string direction)
    {
        await using var service = new TestService();
        using var user = await PreparedAsync(service);
        var spec = new TraceSpec { Interface = name, Master = master, Protocol = "tcp", Source = name is null ? "10.0.0.9" : "10.0.0.2", Destination = "10.0.0.3" };
        var traces = new TraceActions(user.Link);
        var implied = traces.Trace(spec);
        var said = traces.Trace(spec with { Direction = direction });
        Assert.AreEqual((said.Decision, said.Frame), (implied.Decision, implied.Frame));
        Assert.IsNotEmpty(implied.Steps);
        Assert.AreSame(ErrorCode.BadArgument, Assert.ThrowsExactly<ControlException>(() => traces.Trace(spec with { Protocol = "sctp" })).Code);
    }

    private static async Task<TestLink> PreparedAsync(TestService service)
    {
        using var client = service.Connect();
        await client.AddInterfaceAsync(new InterfaceSpec { Name = "a", Master = "eth0", Mode = "l2", Admin = "up", Addresses = ["10.0.0.2/24"] });
        await client.AddInterfaceAsync(new InterfaceSpec { Name = "b", Master = "eth0", Admin = "up", Addresses = ["10.0.0.3/24"] });
        return new TestLink(service.Connect());
    }
}
