using IpVlanWin.Cli.Lab;
using IpVlanWin.Engine.Ipvlan;

namespace IpVlanWin.Cli.Tests;

[TestClass]
public sealed class LabExpectationsTests
{
    private const StationKind Interface = StationKind.Interface;
    private const StationKind Host = StationKind.Host;
    private const StationKind Wire = StationKind.Wire;
    private const StationKind OffLink = StationKind.OffLink;

    [TestMethod]
    [DataRow(PortFlag.Bridge, true, "bridge siblings reach each other")]
    [DataRow(PortFlag.Private, false, "private siblings do not reach each other")]
    [DataRow(PortFlag.Vepa, false, "vepa leaves siblings to the wire, and this wire sends nothing back")]
    public void Siblings_depend_on_the_flag_alone(PortFlag flag, bool isReached, string reason)
    {
        foreach (var mode in Enum.GetValues<PortMode>())
            Assert.AreEqual(new Expectation(isReached, reason), Expectations.Ping(mode, flag, Interface, Interface), $"{mode}");
    }

    // Everything but siblings: by mode, whatever the flag.
    [TestMethod]
    [DataRow(PortMode.L2, "interface-wire wire-interface host-wire wire-host")]
    [DataRow(PortMode.L3, "interface-wire wire-interface host-wire wire-host")]
    [DataRow(PortMode.L3S, "interface-wire wire-interface host-wire wire-host")]
    public void The_wire_is_reached_and_the_host_is_not(object mode, string reached)
    {
        (StationKind From, StationKind To)[] pairs =
        [
            (Interface, Host), (Host, Interface), (Interface, Wire), (Wire, Interface), (Host, Wire), (Wire, Host), (Interface, OffLink), (Host, OffLink),
        ];
        foreach (var flag in Enum.GetValues<PortFlag>())
        {
            var actual = pairs.Where(pair => Expectations.Ping((PortMode)mode, flag, pair.From, pair.To).IsReached)
                .Select(pair => $"{pair.From}-{pair.To}".ToLowerInvariant());
            CollectionAssert.AreEquivalent(reached.Split(' '), actual.ToArray(), $"{flag}");
        }
    }

    [TestMethod]
    [DataRow(PortMode.L2, "interface-interface interface-wire wire-interface host-wire wire-host")]
    [DataRow(PortMode.L3, "host-wire wire-host")]
    [DataRow(PortMode.L3S, "host-wire wire-host")]
    public void Multicast_reaches_interfaces_in_l2_alone(object mode, string reached)
    {
        (StationKind From, StationKind To)[] pairs =
            [(Interface, Interface), (Interface, Host), (Host, Interface), (Interface, Wire), (Wire, Interface), (Host, Wire), (Wire, Host)];
        var actual = pairs.Where(pair => Expectations.Multicast((PortMode)mode, pair.From, pair.To).IsReached)
            .Select(pair => $"{pair.From}-{pair.To}".ToLowerInvariant());
        CollectionAssert.AreEquivalent(reached.Split(' '), actual.ToArray());
    }

    [TestMethod]
    public void Reasons_say_what_the_mode_has_to_do_with_it()
    {
        Assert.AreEqual("multicast does not exist in l3s", Expectations.Multicast(PortMode.L3S, Wire, Interface).Reason);
        Assert.AreEqual("no route of the host leads off the link", Expectations.Ping(PortMode.L3, PortFlag.Bridge, Interface, OffLink).Reason);
        Assert.AreEqual("no route of the interface leads off the link", Expectations.Ping(PortMode.L2, PortFlag.Bridge, Interface, OffLink).Reason);
        Assert.AreEqual(
            "the host and its ipvlan interfaces do not reach each other, as on Linux", Expectations.Ping(PortMode.L2, PortFlag.Vepa, Host, Interface).Reason);
    }

    [TestMethod]
    [DataRow(StationKind.Wire, StationKind.Wire)]
    [DataRow(StationKind.Host, StationKind.Host)]
    [DataRow(StationKind.OffLink, StationKind.Interface)]
    public void A_pair_that_the_lab_does_not_have_is_refused(object from, object to)
    {
        Assert.ThrowsExactly<ArgumentException>(() => Expectations.Ping(PortMode.L2, PortFlag.Bridge, (StationKind)from, (StationKind)to));
        Assert.ThrowsExactly<ArgumentException>(() => Expectations.Multicast(PortMode.L2, (StationKind)from, (StationKind)to));
    }

    [TestMethod]
    public void The_plan_gives_everybody_an_own_name_and_addresses_of_the_lab()
    {
        var stations = LabPlan.Stations(LabPlan.MaxInterfaces);
        CollectionAssert.AreEqual(new[] { "red", "green", "blue", "yellow" }, stations.Take(4).Select(station => station.Name).ToArray());
        Assert.AreEqual(stations.Count, stations.DistinctBy(station => station.Name).Count());
        Assert.AreEqual(stations.Count, stations.DistinctBy(station => station.Four).Count());
        Assert.AreEqual(stations.Count, stations.DistinctBy(station => station.Six).Count());
        var host = stations.Single(station => station.Kind == Host);
        foreach (var station in stations)
        {
            Assert.AreEqual(station.Kind != OffLink, LabPlan.Prefix(host, isSix: false).Contains(station.Four), station.Name);
            Assert.AreEqual(station.Kind != OffLink, LabPlan.Prefix(host, isSix: true).Contains(station.Six), station.Name);
        }
    }
}
