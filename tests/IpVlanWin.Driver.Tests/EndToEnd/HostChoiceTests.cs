using System.Runtime.Versioning;
using System.Text.Json;
using IpVlanWin.Datapath;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.HostNetwork;
using IpVlanWin.HostNetwork.Linux;
using IpVlanWin.HostNetwork.Tests.Linux;
using IpVlanWin.Protocol;
using IpVlanWin.Service.Reconcile;
using IpVlanWin.Service.State;

namespace IpVlanWin.Driver.Tests.EndToEnd;

/// <summary>Which data path auto comes to, and a port that changes from one to the other. The variables are this process's: one test at a time.</summary>
[TestClass]
[DoNotParallelize]
[SupportedOSPlatform("linux")]
public sealed class HostChoiceTests
{
    private static readonly DesiredPort s_port = new("m0", PortMode.L2, PortFlag.Bridge, "auto", 1, 1);

    [TestMethod]
    public void Auto_takes_the_filter_where_its_driver_is_usable_and_a_port_keeps_what_it_has()
    {
        using var site = new Site();
        using var host = new Host("auto") { Journal = new MemoryJournal() };
        site.Driver.SpeaksOtherVersion = true;
        Assert.AreEqual("memory", host.Resolve("m0", "auto"));
        var refused = Assert.ThrowsExactly<ControlException>(() => site.Run(() => host.FindMaster("m0", "filter")));
        Assert.AreEqual((ErrorCode.ModeNotSupported, true), (refused.Code, refused.Message.Contains("data path filter cannot do anything: the filter driver is of another version", StringComparison.Ordinal)), refused.Message);
        site.Driver.SpeaksOtherVersion = false;
        Assert.AreEqual(("filter", 1024), site.Run(() => host.FindMaster("m0", "auto")) is var info ? (info.Datapath, info.MaxInterfaces) : default);
        host.RequireSupport("m0", "auto", PortMode.L2, PortFlag.Vepa);
        using (var running = site.Run(() => host.Open(s_port)))
            Assert.AreEqual("filter", running.Kind);
        // Its driver goes: a port that there is stays the filter's, and is refused; another one would be made without.
        site.Driver.Disconnect();
        site.Driver.SpeaksOtherVersion = true;
        Assert.IsTrue(SpinWait.SpinUntil(() => host.Resolve("m1", "auto") == "memory", TimeSpan.FromSeconds(20)));
        Assert.AreEqual("filter", host.Resolve("m0", "auto"));
        Assert.ThrowsExactly<ControlException>(() => site.Run(() => host.Open(s_port)));
        host.Keep(static _ => false);
        Assert.AreEqual("memory", host.Resolve("m0", "auto"));
    }

    /// <summary>What one data path put on the host for a port goes before the other begins, and the port's master stays the same.</summary>
    [TestMethod]
    public void A_port_that_changes_its_data_path_leaves_nothing_of_the_other()
    {
        using var site = new Site();
        var journal = new MemoryJournal();
        using var host = new Host("auto") { Journal = journal };
        // As windivert leaves it: a stand-in, and an answer of the master.
        var (tag, id) = (Guid.NewGuid(), $"{site.Master}");
        journal.Write([new HostThing("m0", HostMarks.Master, id), new HostThing("m0", $"standin/{tag:N}", JsonSerializer.Serialize(new { Tag = tag, Kind = StandInKind.Loopback, Interface = "ipvl0" })),
            new HostThing("m0", $"proxy/{id}/10.9.1.1", JsonSerializer.Serialize(new { Link = id, Address = "10.9.1.1" }))]);
        site.Run(() =>
        {
            using var standIns = LinuxStandInHost.Open();
            standIns.Create(StandInKind.Loopback, tag, "ipvl0", null);
            standIns.AddProxy(site.Master, System.Net.IPAddress.Parse("10.9.1.1"), isForwarded: false);
            return 0;
        });
        var running = site.Run(() => host.Open(s_port with { Datapath = "filter" }));
        Assert.AreEqual(("", $"{HostMarks.Master} {id}"), (site.StandIns, string.Join(' ', journal.List().Where(static thing => !thing.Key.StartsWith("filter/", StringComparison.Ordinal) && !thing.Key.StartsWith("binding/", StringComparison.Ordinal))
            .Select(static thing => $"{thing.Key} {thing.Value}"))));
        Assert.AreEqual(Datapath.Filter.FilterMarks.AreThere(journal, "m0"), site.Driver.HasPort);
        site.Run(() => running.AddInterface(new Datapath.InterfaceSettings("ipvl1")));
        Assert.AreEqual("ipvl1", site.StandIns);
        running.Dispose();
        Assert.AreEqual(("ipvl1", false), (site.StandIns, site.Driver.HasPort));
        // And back: there is no WinDivert here, but what the filter had is gone before it is looked for.
        Environment.SetEnvironmentVariable("IPVLANWIN_WINDIVERT", "/nowhere/WinDivert.so");
        StringAssert.Contains(Assert.Throws<IOException>(() => site.Run(() => host.Open(s_port with { Datapath = "windivert", Mode = PortMode.L3 }))).Message, "WinDivert.dll could not be loaded");
        Assert.AreEqual(("", 0), (site.StandIns, site.Driver.BoundTo.Length));
        Assert.AreEqual(id, HostMarks.MasterOf(journal, "m0"));
    }

    private sealed class Site : IDisposable
    {
        private readonly TestNamespace _space;
        private readonly TestNamespace _wire;

        public Site()
        {
            TestNamespace.RequireRoot();
            (_space, _wire) = (new TestNamespace("choice"), new TestNamespace("wire"));
            var (m0, _) = _space.Join(_wire, "m0", "w0");
            Master = m0.Index;
            Driver = new PlayedDriver(_space, m0.Index, m0.Mac.GetAddressBytes());
            Environment.SetEnvironmentVariable("IPVLANWIN_FILTER", Driver.Path);
        }

        public int Master { get; }

        public PlayedDriver Driver { get; }

        public string StandIns => string.Join(' ', _space.Netlink.ListLinks().Select(static link => link.Name).Where(static name => name.StartsWith("ipvl", StringComparison.Ordinal)));

        public T Run<T>(Func<T> body) => _space.Namespace.Run(body);

        public void Dispose()
        {
            Environment.SetEnvironmentVariable("IPVLANWIN_FILTER", null);
            Environment.SetEnvironmentVariable("IPVLANWIN_WINDIVERT", null);
            Driver.Dispose();
            _wire.Dispose();
            _space.Dispose();
        }
    }
}
