using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Protocol;
using IpVlanWin.Service.State;

namespace IpVlanWin.Service.Tests;

/// <summary>What is accepted, what is refused with which code, and that all of it outlives a restart.</summary>
[TestClass]
public sealed class DesiredStateTests
{
    [TestMethod]
    public void Everything_is_there_after_a_restart()
    {
        using var folder = new TestFolder();
        StateDocument before;
        using (var state = folder.Open())
        {
            state.Change(change =>
            {
                change.AddInterface(new InterfaceSpec { Master = "2", Name = "ipvl0", Mode = "l2", Flag = "vepa", Admin = "up", Mtu = 1400, Namespace = "red", Addresses = ["10.0.0.2/24", "fd00::2/64"] });
                change.AddInterface(new InterfaceSpec { Master = "ipvl0", Name = "ipvl1" });
                change.AddInterface(new InterfaceSpec { Master = "eth1", Name = "ipvl2", Datapath = "memory" });
            });
            state.Change(change => change.SetInterface(new InterfaceChange { Name = "ipvl1", NewName = "blue", Admin = "up" }));
            state.Change(change => change.AddAddress(new AddressSpec { Interface = "blue", Prefix = "10.0.0.3/24" }));
            state.Change(change => change.SetPort(new PortChange { Master = "2", Mode = "l3s" }));
            Assert.AreSame(state.Current.Ports["eth0"], state.FindPort(state.Current, "2"), "by its index");
            Assert.AreSame(state.Current.Ports["eth0"], state.FindPort(state.Current, "blue"), "by an interface");
            Assert.IsNull(state.FindPort(state.Current, "3"));
            state.Change(change => change.RemoveInterface(new InterfaceName { Name = "ipvl2" }));
            before = state.Export();
        }
        using (var state = folder.Open())
        {
            Assert.IsNull(state.Recovery);
            Assert.AreEqual(Text(before), Text(state.Export()));
            Assert.AreEqual(5, state.Current.Version);
            var port = state.Current.Ports["eth0"];
            Assert.AreEqual((PortMode.L3S, PortFlag.Vepa, 2), (port.Mode, port.Flag, port.Count));
            Assert.AreEqual("blue", state.Current.Owners[new AddressKey("eth0", Engine.Wire.L3Address.Parse("10.0.0.3"))]);
            Assert.IsFalse(state.Current.Ports.ContainsKey("eth1"), "the last interface takes the port away");
        }
    }

    [TestMethod]
    public void Names_may_change_places_in_one_transaction()
    {
        using var folder = new TestFolder();
        using (var state = folder.Open())
        {
            state.Change(change =>
            {
                change.AddInterface(new InterfaceSpec { Master = "eth0", Name = "a", Addresses = ["10.0.0.1/24"] });
                change.AddInterface(new InterfaceSpec { Master = "eth0", Name = "b", Addresses = ["10.0.0.2/24"] });
            });
            state.Change(change =>
            {
                change.SetInterface(new InterfaceChange { Name = "a", NewName = "t" });
                change.SetInterface(new InterfaceChange { Name = "b", NewName = "a" });
                change.SetInterface(new InterfaceChange { Name = "t", NewName = "b" });
            });
            state.Change(change =>
            {
                change.RemoveInterface(new InterfaceName { Name = "a" });
                change.AddInterface(new InterfaceSpec { Master = "eth0", Name = "a", Addresses = ["10.0.0.9/24"] });
            });
        }
        using (var state = folder.Open())
        {
            Assert.AreEqual("10.0.0.9/24", state.Current.Interfaces["a"].Addresses.Single().ToString());
            Assert.AreEqual("10.0.0.1/24", state.Current.Interfaces["b"].Addresses.Single().ToString());
        }
    }

    [TestMethod]
    public void Every_refusal_has_its_code_and_changes_nothing()
    {
        using var folder = new TestFolder();
        using var state = folder.Open();
        state.Change(change =>
        {
            change.AddInterface(new InterfaceSpec { Master = "eth0", Name = "a", Addresses = ["10.0.0.1/24"] });
            change.AddInterface(new InterfaceSpec { Master = "eth0", Name = "b" });
        });
        var before = state.Current;
        (string Code, string Part, Action<StateChange> Change)[] cases =
        [
            ("master-not-found", "eth9", c => c.AddInterface(new InterfaceSpec { Master = "eth9", Name = "c" })),
            ("master-not-ethernet", "tun0", c => c.AddInterface(new InterfaceSpec { Master = "tun0", Name = "c" })),
            ("name-in-use", "\"a\"", c => c.AddInterface(new InterfaceSpec { Master = "eth0", Name = "a" })),
            ("bad-argument", "l2, l3 or l3s", c => c.AddInterface(new InterfaceSpec { Master = "eth0", Name = "a", Mode = "l7" })),
            ("bad-argument", "bridge, private or vepa", c => c.AddInterface(new InterfaceSpec { Master = "eth0", Name = "a", Flag = "none" })),
            ("name-in-use", "\"b\"", c => c.SetInterface(new InterfaceChange { Name = "a", NewName = "b" })),
            ("name-in-use", "eth0", c => c.SetInterface(new InterfaceChange { Name = "a", NewName = "eth0" })),
            ("address-in-use", "\"a\"", c => c.AddAddress(new AddressSpec { Interface = "b", Prefix = "10.0.0.1/32" })),
            ("address-in-use", "\"a\"", c => c.AddAddress(new AddressSpec { Interface = "a", Prefix = "10.0.0.1/25" })),
            ("address-exists", "10.0.0.1/24", c => c.AddAddress(new AddressSpec { Interface = "a", Prefix = "10.0.0.1/24" })),
            ("address-exists", "fd00::1", c => c.AddInterface(new InterfaceSpec { Master = "eth0", Name = "c", Addresses = ["fd00::1/64", "fd00::1/96"] })),
            ("address-absent", "10.0.0.1/25", c => c.RemoveAddress(new AddressSpec { Interface = "a", Prefix = "10.0.0.1/25" })),
            ("not-found", "interface", c => c.RemoveInterface(new InterfaceName { Name = "c" })),
            ("not-found", "port", c => c.SetPort(new PortChange { Master = "eth1", Mode = "l2" })),
            ("flag-conflict", "vepa", c => c.SetPort(new PortChange { Master = "eth0", Flag = "private vepa" })),
            ("bad-argument", "l2, l3 or l3s", c => c.SetPort(new PortChange { Master = "eth0", Mode = "L2" })),
            ("bad-argument", "bridge, private or vepa", c => c.SetPort(new PortChange { Master = "eth0", Flag = "" })),
            ("bad-argument", "auto, filter", c => c.SetPort(new PortChange { Master = "eth0", Datapath = "x" })),
            ("bad-argument", "up or down", c => c.SetInterface(new InterfaceChange { Name = "a", Admin = "UP" })),
            ("bad-argument", "68 to 1500", c => c.SetInterface(new InterfaceChange { Name = "a", Mtu = 1501 })),
            ("bad-argument", "68 to 1500", c => c.AddInterface(new InterfaceSpec { Master = "eth0", Name = "c", Mtu = 67 })),
            ("bad-argument", "1 to 15", c => c.AddInterface(new InterfaceSpec { Master = "eth0", Name = "sixteen-letters-" })),
            ("bad-argument", "1 to 15", c => c.AddInterface(new InterfaceSpec { Master = "eth0", Name = ".." })),
            ("bad-argument", "1 to 15", c => c.AddInterface(new InterfaceSpec { Master = "eth0" })),
            ("bad-argument", "namespace", c => c.SetInterface(new InterfaceChange { Name = "a", Namespace = "../x" })),
            ("bad-argument", "unicast", c => c.AddAddress(new AddressSpec { Interface = "a", Prefix = "224.0.0.1/32" })),
            ("bad-argument", "prefix length", c => c.AddAddress(new AddressSpec { Interface = "a", Prefix = "10.0.0.1/33" })),
            ("conflict", "version 1 and not 7", c => c.SetInterface(new InterfaceChange { Name = "a", Admin = "up", Version = 7 })),
            ("conflict", "eth0", c => c.SetPort(new PortChange { Master = "eth0", Mode = "l2", Version = 7 })),
            ("limit-reached", "4096", c => c.AddInterface(new InterfaceSpec { Master = "eth0", Name = "c", Addresses = [.. Enumerable.Range(0, 4097).Select(i => $"10.9.{i / 256}.{i % 256}/8")] })),
        ];
        foreach (var (code, part, change) in cases)
        {
            var fault = Assert.ThrowsExactly<ControlException>(() => state.Change(transaction =>
            {
                transaction.SetInterface(new InterfaceChange { Name = "b", Mtu = 1000 });
                change(transaction);
            }), code);
            Assert.AreEqual(code, fault.Code.Name, fault.Message);
            StringAssert.Contains(fault.Message, part);
            Assert.AreSame(before, state.Current, "all or nothing");
        }
    }

    [TestMethod]
    public void Import_replaces_all_or_nothing()
    {
        using var folder = new TestFolder();
        using var state = folder.Open();
        state.Change(change => change.AddInterface(new InterfaceSpec { Master = "eth0", Name = "old", Addresses = ["10.0.0.1/24"] }));
        var document = new StateDocument
        {
            Schema = 1,
            Ports =
            [
                new PortEntry { Master = "eth0", Mode = "l2", Interfaces = [new InterfaceEntry { Name = "new", Addresses = ["10.0.0.1/24"] }, new InterfaceEntry { Name = "two" }] },
            ],
        };
        state.Change(change => change.Replace(document));
        Assert.AreEqual("new two", string.Join(' ', state.Current.InterfaceNames));
        var again = state.Export();
        state.Change(change => change.Replace(again));
        Assert.AreEqual(Text(again), Text(state.Export()));
        StateDocument[] bad =
        [
            document with { Schema = 2 },
            document with { Ports = [.. document.Ports, .. document.Ports] },
            document with { Ports = [new PortEntry { Master = "eth0" }] },
            document with { Ports = [new PortEntry { Master = "eth0", Interfaces = [new InterfaceEntry { Name = "x", Mtu = 5 }] }] },
        ];
        foreach (var one in bad)
            Assert.AreSame(ErrorCode.BadArgument, Assert.ThrowsExactly<ControlException>(() => state.Change(change => change.Replace(one))).Code);
        Assert.AreEqual(Text(again), Text(state.Export()));
    }

    internal static string Text(StateDocument document) => System.Text.Json.JsonSerializer.Serialize(document, ProtocolJson.Plain.StateDocument);
}
