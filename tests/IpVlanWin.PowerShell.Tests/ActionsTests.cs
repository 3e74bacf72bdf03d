using IpVlanWin.PowerShell.Actions;
using IpVlanWin.Protocol;
using IpVlanWin.Service.Tests;

namespace IpVlanWin.PowerShell.Tests;

/// <summary>What the cmdlets do, against a running service.</summary>
[TestClass]
public sealed class ActionsTests
{
    [TestMethod]
    public async Task Interface_lives_from_new_to_remove()
    {
        await using var service = new TestService();
        using var user = new TestLink(service.Connect());
        var made = user.Interfaces.New(new InterfaceSpec { Name = "ipvl0", Master = "eth0", Mode = "l2", Admin = "up", Addresses = AddressActions.Split(["10.0.0.2/24; fd00::2/64"]) });
        Assert.AreEqual(("ipvl0", "eth0", "up", "up", 2), (made!.Name, made.Port, made.Admin, made.State, made.Addresses.Count), made.Reason);
        Assert.IsNull(user.Interfaces.Change(new InterfaceChange { Name = "ipvl0", Mtu = 1400 }, isWanted: false));
        var changed = user.Interfaces.Change(new InterfaceChange { Name = "ipvl0", Admin = "down", Namespace = "red" }, isWanted: true);
        Assert.AreEqual((1400, "down", "red"), (changed!.Mtu, changed.Admin, changed.Namespace));
        Assert.AreEqual("blue", user.Interfaces.Change(new InterfaceChange { Name = "ipvl0", NewName = "blue" }, isWanted: true)!.Name);
        Assert.AreEqual("blue", user.Interfaces.Remove("blue", isWanted: true)!.Name);
        Assert.IsEmpty(user.Interfaces.Find(null, null));
        Assert.AreEqual(
            "make: interface ipvl0 on eth0 | set mtu 1400: interface ipvl0 | set namespace red, down: interface ipvl0 | set name blue: interface ipvl0 | remove: interface blue",
            string.Join(" | ", user.Asked));
    }

    [TestMethod]
    public async Task Nothing_changes_where_the_user_says_no()
    {
        await using var service = new TestService();
        using var user = new TestLink(service.Connect());
        user.Interfaces.New(new InterfaceSpec { Name = "a", Master = "eth0", Addresses = ["10.0.0.2/24"] });
        var file = Path.Combine(service.Folder, "c.json");
        Assert.IsTrue(user.Configuration.Export(file, replaces: false));
        var before = (await service.Connect().GetServiceAsync()).StateVersion;
        using var wary = new TestLink(service.Connect(), answer: false);
        Assert.IsNull(wary.Interfaces.New(new InterfaceSpec { Name = "b", Master = "eth0" }));
        Assert.IsNull(wary.Interfaces.Change(new InterfaceChange { Name = "a", Mtu = 1300 }, isWanted: true));
        Assert.IsNull(wary.Interfaces.Remove("a", isWanted: true));
        Assert.IsNull(wary.Ports.Change(new PortChange { Master = "eth0", Mode = "l2" }, isWanted: true));
        Assert.IsNull(wary.Addresses.Add(new AddressSpec { Interface = "a", Prefix = "10.0.0.3/24" }, isWanted: true));
        Assert.IsNull(wary.Addresses.Remove(new AddressSpec { Interface = "a", Prefix = "10.0.0.2/24" }, isWanted: true));
        wary.Statistics.Reset("a");
        Assert.IsNull(wary.Configuration.Import(file));
        Assert.IsFalse(wary.Configuration.Export(Path.Combine(service.Folder, "d.json"), replaces: false));
        Assert.IsNull(new CaptureActions(wary.Link, service.Connect).Start(new CaptureSpec { Interface = "a" }, Path.Combine(service.Folder, "e.pcapng"), replaces: false));
        Assert.HasCount(10, wary.Asked);
        Assert.AreEqual(before, (await service.Connect().GetServiceAsync()).StateVersion);
        Assert.IsFalse(File.Exists(Path.Combine(service.Folder, "d.json")) || File.Exists(Path.Combine(service.Folder, "e.pcapng")));
    }

    [TestMethod]
    [DataRow(null, null, "a1 a2 b1")]
    [DataRow("a1", null, "a1")]
    [DataRow("a*", null, "a1 a2")]
    [DataRow("c*", null, "")]
    [DataRow(null, "eth0", "a1 b1")]
    [DataRow(null, "a2", "a2", DisplayName = "an interface stands for its master")]
    [DataRow("a*", "eth0", "a1")]
    [DataRow("*1", "eth*", "a1 b1")]
    [DataRow(null, "eth1*", "a2")]
    public async Task Filters_find_by_name_and_master(string? name, string? master, string expected)
    {
        await using var service = new TestService();
        using var user = new TestLink(service.Connect());
        foreach (var (one, its) in ((string, string)[])[("a1", "eth0"), ("a2", "eth1"), ("b1", "eth0")])
            user.Interfaces.New(new InterfaceSpec { Name = one, Master = its, Addresses = [$"10.0.{one[0] - 'a'}.{one[1]}/24"] });
        Assert.AreEqual(expected, string.Join(' ', user.Interfaces.Find(Filter(name), Filter(master)).Select(one => one.Name)));
        Assert.AreEqual(expected, string.Join(' ', user.Addresses.Find(Filter(name), Filter(master), null).Select(one => one.Interface)));
        Assert.AreEqual(expected, string.Join(' ', user.Statistics.Find(Filter(name), Filter(master)).Select(one => one.Interface)));
    }

    [TestMethod]
    public async Task Ports_are_found_and_changed()
    {
        await using var service = new TestService();
        using var user = new TestLink(service.Connect());
        user.Interfaces.New(new InterfaceSpec { Name = "a", Master = "eth0" });
        user.Interfaces.New(new InterfaceSpec { Name = "b", Master = "wlan0" });
        Assert.AreEqual("eth0 wlan0", string.Join(' ', user.Ports.Find(null).Select(one => one.Master)));
        Assert.AreEqual("wlan0", user.Ports.Find(Filter("w*")).Single().Master);
        Assert.AreEqual(("l3s", "vepa"), user.Ports.Change(new PortChange { Master = "eth0", Mode = "l3s", Flag = "vepa" }, isWanted: true) is { } port ? (port.Mode, port.Flag) : default);
        Assert.AreEqual("set l3s, vepa: port eth0 and all its interfaces", user.Asked[^1]);
    }

    [TestMethod]
    public async Task Addresses_come_and_go()
    {
        await using var service = new TestService();
        using var user = new TestLink(service.Connect());
        user.Interfaces.New(new InterfaceSpec { Name = "a", Master = "eth0" });
        Assert.AreEqual("10.0.0.2/24", user.Addresses.Add(new AddressSpec { Interface = "a", Prefix = AddressActions.Prefix("10.0.0.2", 24) }, isWanted: true)!.Prefix);
        Assert.AreEqual("fd00::2/64", user.Addresses.Add(new AddressSpec { Interface = "a", Prefix = "FD00:0:0::2/64" }, isWanted: true)!.Prefix);
        Assert.AreEqual("10.0.0.2/24", user.Addresses.Find(null, null, Filter("10.0.0.2")).Single().Prefix);
        Assert.AreEqual("fd00::2/64", user.Addresses.Find(null, null, Filter("fd*")).Single().Prefix);
        Assert.AreEqual("removed", user.Addresses.Remove(new AddressSpec { Interface = "a", Prefix = "10.0.0.2/24" }, isWanted: true)!.State);
        Assert.HasCount(1, user.Addresses.Find(null, null, null));
    }

    [TestMethod]
    public async Task Configuration_goes_to_a_file_and_back()
    {
        await using var service = new TestService();
        using var user = new TestLink(service.Connect());
        for (var i = 0; i < 1200; i++)
            user.Interfaces.New(new InterfaceSpec { Name = $"i{i}", Master = "eth0", Addresses = [$"10.0.{i / 250}.{1 + (i % 250)}/16", $"fd00:1234:5678:9abc:def0::{i + 1:x}/64"] });
        var path = Path.Combine(service.Folder, "c.json");
        Assert.IsTrue(user.Configuration.Export(path, replaces: false));
        Assert.Contains("\n", File.ReadAllText(path));
        foreach (var one in user.Interfaces.Find(null, null).Skip(3))
            user.Interfaces.Remove(one.Name, isWanted: false);
        var before = (await service.Connect().GetServiceAsync()).StateVersion;
        Assert.IsEmpty(user.Configuration.Test(path), "it would be taken, and nothing changed");
        Assert.AreEqual(before, (await service.Connect().GetServiceAsync()).StateVersion);
        Assert.HasCount(3, user.Interfaces.Find(null, null));
        Assert.AreEqual(1200, user.Configuration.Import(path)!.Interfaces);
        Assert.IsEmpty(user.Configuration.Test());
        Assert.HasCount(1, Directory.GetFiles(service.Folder, "c.json*"), "nothing half is left");
    }

    [TestMethod]
    [DataRow("{]", "bad-argument", "line 1")]
    [DataRow("null", "bad-argument", "Export-IpVlanConfiguration")]
    [DataRow("""{"schema":9}""", "bad-argument", "argument of \"schema\" must be 1")]
    [DataRow("""{"schema":1,"ports":[{"master":"eth0"}]}""", "bad-argument", "a port without interfaces does not exist")]
    [DataRow("""{"schema":1,"frob":1}""", "bad-argument", "$.frob")]
    [DataRow("""{"schema":1,"ports":[{"master":"eth0","mode":"l4","interfaces":[{"name":"a"}]}]}""", "bad-argument", "argument of \"mode\" must be l2, l3 or l3s")]
    [DataRow("""{"schema":1,"ports":[{"master":"eth0","interfaces":[{"name":"a","addresses":["10.0.0.2/24"]},{"name":"b","addresses":["10.0.0.2/8"]}]}]}""", "address-in-use", "belongs to interface \"a\"")]
    [DataRow("""{"schema":1,"ports":[{"master":"eth0","interfaces":[{"name":"a"},{"name":"a"}]}]}""", "name-in-use", "\"a\"")]
    public async Task Bad_configuration_is_found_by_test_and_refused_by_import(string text, string code, string words)
    {
        await using var service = new TestService();
        using var user = new TestLink(service.Connect());
        user.Interfaces.New(new InterfaceSpec { Name = "kept", Master = "eth0" });
        var path = Path.Combine(service.Folder, "c.json");
        await File.WriteAllTextAsync(path, text);
        var finding = user.Configuration.Test(path).Single();
        Assert.AreEqual((path, code), (finding.Subject, finding.Problem), finding.Message);
        Assert.Contains(words, finding.Message);
        var fault = Assert.ThrowsExactly<ControlException>(() => user.Configuration.Import(path));
        Assert.AreEqual((code, finding.Message), (fault.Code.Name, fault.Message));
        Assert.AreEqual("kept", user.Interfaces.Find(null, null).Single().Name);
    }

    [TestMethod]
    public async Task File_that_is_there_is_kept_unless_forced()
    {
        await using var service = new TestService();
        using var user = new TestLink(service.Connect());
        var path = Path.Combine(service.Folder, "c.json");
        await File.WriteAllTextAsync(path, "old");
        foreach (var attempt in (Action[])[() => user.Configuration.Export(path, replaces: false), () => ConfigurationFile.Create(path, replaces: false)])
            Assert.Contains("-Force", Assert.ThrowsExactly<ControlException>(attempt).Message);
        Assert.AreEqual("old", await File.ReadAllTextAsync(path));
        Assert.IsTrue(user.Configuration.Export(path, replaces: true));
        Assert.IsEmpty(user.Configuration.Test(path));
        var nowhere = Path.Combine(service.Folder, "no", "c.json");
        foreach (var attempt in (Action[])[() => user.Configuration.Export(nowhere, replaces: true), () => user.Configuration.Import(nowhere), () => ConfigurationFile.Create(nowhere, replaces: true)])
            Assert.AreSame(ErrorCode.BadArgument, Assert.ThrowsExactly<ControlException>(attempt).Code);
    }

    [TestMethod]
    public async Task Completion_offers_what_begins_so_and_does_not_wait_for_long()
    {
        await using var service = new TestService();
        using var user = new TestLink(service.Connect());
        foreach (var name in (string[])["red", "Ross", "blue"])
            user.Interfaces.New(new InterfaceSpec { Name = name, Master = "eth0" });
        Assert.AreEqual("Ross red", string.Join(' ', Completion.Interfaces(service.Connect(), "r")));
        Assert.AreEqual("eth0", string.Join(' ', Completion.Ports(service.Connect(), "E")));
        Assert.IsNotNull(Completion.Adapters(""));
        await using var silent = new ScriptedServer(null);
        using var client = new ControlClient(silent.PipeName);
        Assert.AreSame(ErrorCode.TimedOut, Assert.ThrowsExactly<ControlException>(() => Completion.Interfaces(client, "")).Code);
        Assert.IsLessThanOrEqualTo(Completion.Patience, client.Timeout);
    }

    private static NameFilter? Filter(string? text)
    {
        if (text is null)
            return null;
        var pattern = "^" + System.Text.RegularExpressions.Regex.Escape(text).Replace("\\*", ".*", StringComparison.Ordinal) + "$";
        return text.Contains('*', StringComparison.Ordinal) ? new NameFilter(text, name => System.Text.RegularExpressions.Regex.IsMatch(name, pattern)) : new NameFilter(text);
    }
}
