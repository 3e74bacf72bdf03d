using IpVlanWin.Datapath;
using IpVlanWin.Service.State;
using Microsoft.Data.Sqlite;

namespace IpVlanWin.Service.Tests;

/// <summary>What is on the host, beside the desired state.</summary>
[TestClass]
public sealed class HostThingsTests
{
    private static readonly HostThing s_standIn = new("eth0", "standin/1", "{\"a\":1}"), s_proxy = new("eth0", "proxy/2/10.0.0.2", "{}"), s_other = new("eth1", "standin/1", "{}");

    [TestMethod]
    public void Things_AreDurable_AndReplaced_AndCrossedOut()
    {
        using var folder = new TestFolder();
        using (var state = folder.Open())
        {
            state.Write([s_standIn, s_proxy, s_other]);
            state.Write([s_standIn with { Value = "{\"a\":2}" }]);
            state.CrossOut([s_proxy, new HostThing("eth0", "never", "")]);
            // No part of the desired state: neither its version nor its document changes.
            Assert.AreEqual((0L, 0), (state.Current.Version, state.Export().Ports.Count));
        }
        using (var state = folder.Open())
        {
            CollectionAssert.AreEqual(new[] { s_standIn with { Value = "{\"a\":2}" }, s_other }, state.List().OrderBy(static thing => thing.Port).ToArray());
            Assert.ThrowsExactly<ObjectDisposedException>(() =>
            {
                state.Dispose();
                state.Write([s_proxy]);
            });
        }
    }

    [TestMethod]
    public void Things_ThatCannotBeStored_AreRefused()
    {
        using var folder = new TestFolder();
        using var store = Store.Open(folder.File, [.. Schema.Migrations, "CREATE TRIGGER full BEFORE INSERT ON host_things BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"]);
        StringAssert.Contains(Assert.ThrowsExactly<IOException>(() => store.CommitHostThings([s_proxy], [])).Message, "so it is not put there");
        Assert.IsEmpty(store.LoadHostThings());
    }

    /// <summary>A store of the version before has nothing on the host; it loses nothing of its own.</summary>
    [TestMethod]
    public void OlderStore_IsBroughtForward()
    {
        using var folder = new TestFolder();
        using (var state = folder.Open(Schema.Migrations[..^1]))
        {
            state.Change(static change => change.AddInterface(new Protocol.InterfaceSpec { Master = "eth0", Name = "ipvl0" }));
            Assert.AreEqual(Schema.Migrations.Length - 1, state.Schema);
        }
        using (var state = folder.Open())
        {
            Assert.AreEqual((Schema.Migrations.Length, 1, 0), (state.Schema, state.Current.Interfaces.Count, state.List().Count));
            state.Write([s_standIn]);
        }
        // And the version before refuses it with a sentence.
        var refused = Assert.ThrowsExactly<StateException>(() => folder.Open(Schema.Migrations[..^1]));
        StringAssert.Contains(refused.Message, $"schema {Schema.Migrations.Length}; this one knows up to {Schema.Migrations.Length - 1}");
        SqliteConnection.ClearAllPools();
    }
}
