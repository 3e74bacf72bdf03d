using System.Text.Json.Nodes;
using IpVlanWin.Cli.Replay;

namespace IpVlanWin.Conformance.Tests;

/// <summary>The transform and the plan, without a kernel.</summary>
[TestClass]
public class DeviationTests
{
    private const string Group = "01:00:5e:00:00:fb";
    private static readonly byte[] ToGroup = Forge.Ethernet(Group, Forge.Own, 0x0800, Forge.Four("10.0.0.2", "224.0.0.251"));
    private static readonly Topology Start = new("l2", "bridge", Pool.Master(), [new TopologyInterface("ipvl0", true, ["10.0.0.2/24"], [Group])]);

    [TestMethod]
    public void A_header_counted_twice_is_counted_once()
    {
        var frame = Forge.Ethernet(Forge.Own, Forge.Own, 0x0800, Forge.Four("10.0.0.3", "10.0.0.2"));
        var (expected, applied) = Deviations.Apply(DraftStep.Inject("ipvl1", frame), Model([]), Received(frame, frame.Length + 14, isFlooded: false), null, frame);
        CollectionAssert.AreEqual((string[])["D5"], applied);
        Assert.AreEqual(frame.Length, expected.Counter("ipvl0", "rxBytes"));
    }

    [TestMethod]
    public void A_member_keeps_its_copy_and_others_lose_it()
    {
        var step = DraftStep.Inject("wire", ToGroup);
        var (kept, none) = Deviations.Apply(step, Model([Group]), Received(ToGroup, ToGroup.Length, isFlooded: true), null, ToGroup);
        Assert.IsEmpty(none);
        Assert.HasCount(1, kept.Copies);
        var (lost, applied) = Deviations.Apply(step, Model([]), Received(ToGroup, ToGroup.Length, isFlooded: true), null, ToGroup);
        CollectionAssert.AreEqual((string[])["D2"], applied);
        Assert.IsEmpty(lost.Copies);
        Assert.IsEmpty(lost.Counters);
        var left = Model([Group]);
        left.Take(State([]));
        CollectionAssert.AreEqual((string[])["D3"], Deviations.Apply(step, left, Received(ToGroup, ToGroup.Length, isFlooded: true), null, ToGroup).Applied);
    }

    [TestMethod]
    public void The_twin_of_a_fragment_is_whole_and_its_checksum_right()
    {
        var plan = new Plan(Start with { Mode = "l3s" });
        var fragment = Forge.Ethernet(Forge.Own, Forge.Station, 0x0800, Forge.Four("10.0.0.99", "10.0.0.2", fragment: 0x2003, number: 7));
        var prepared = plan.Prepare(DraftStep.Inject("wire", fragment));
        var whole = Forge.Ethernet(Forge.Own, Forge.Station, 0x0800, Forge.Four("10.0.0.99", "10.0.0.2", number: 7));
        Assert.AreEqual(Convert.ToHexStringLower(whole), (string?)prepared["twin"]);
        Assert.IsNull(plan.Prepare(DraftStep.Inject("wire", whole))["twin"]);
    }

    [TestMethod]
    public void Linux_is_led_back_where_the_port_goes_on_otherwise()
    {
        var plan = new Plan(Start);
        Assert.AreEqual("""[["set-mode",{"mode":"l2"}]]""", plan.Prepare(DraftStep.Act("link-add", new ActionArguments("ipvl1")))["then"]!.ToJsonString());
        Assert.AreEqual("""[["set-mtu",{"interface":"ipvl0","mtu":1500}]]""", plan.Prepare(DraftStep.Act("set-mtu", new ActionArguments("ipvl0", Mtu: 9000)))["then"]!.ToJsonString());
        Assert.IsNull(plan.Prepare(DraftStep.Act("set-mtu", new ActionArguments("ipvl0", Mtu: 1400)))["then"]);
        Assert.AreEqual("""[["set-mtu",{"interface":"ipvl0","mtu":1400}]]""", plan.Prepare(DraftStep.Act("set-mtu", new ActionArguments("eth0", Mtu: 1450)))["then"]!.ToJsonString());
    }

    [TestMethod]
    public void The_same_seed_gives_the_same_walk()
    {
        var one = Walk.Make(5, 9);
        Assert.AreEqual(one.ToJob().ToJsonString(), Walk.Make(5, 9).ToJob().ToJsonString());
        Assert.AreNotEqual(one.ToJob().ToJsonString(), Walk.Make(5, 10).ToJob().ToJsonString());
        Assert.IsTrue(Walk.IsRunnable(one));
    }

    private static Outcome Received(byte[] frame, int bytes, bool isFlooded)
    {
        var outcome = new Outcome { Copies = [new Copy("ipvl0", "multicast", frame)] };
        outcome.Counters["ipvl0"] = new SortedDictionary<string, long>(StringComparer.Ordinal) { ["rxPackets"] = 1, ["rxBytes"] = bytes };
        if (isFlooded)
            outcome.Counters["ipvl0"]["multicast"] = 1;
        return outcome;
    }

    private static PortModel Model(string[] groups) => new(Start, State(groups));

    private static JsonObject State(string[] groups) => new()
    {
        ["port"] = new JsonObject { ["mode"] = "l2", ["flag"] = "bridge", ["up"] = true, ["mtu"] = 1500 },
        ["after"] = new JsonObject
        {
            ["ipvl0"] = new JsonObject
            {
                ["up"] = true,
                ["mtu"] = 1500,
                ["addresses"] = new JsonArray("10.0.0.2/24"),
                ["multicast"] = new JsonArray([.. groups.Select(group => (JsonNode)group)]),
                ["promiscuous"] = false,
                ["allmulti"] = false,
            },
        },
    };
}
