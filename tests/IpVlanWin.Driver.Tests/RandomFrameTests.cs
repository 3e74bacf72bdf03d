using System.Globalization;
using IpVlanWin.Cli.Replay;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Tests.Oracle;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Driver.Tests;

/// <summary>The C# engine and the driver decide alike, frame by frame, on random frames in random ports.</summary>
[TestClass]
public class RandomFrameTests
{
    private const int FramesPerPort = 2000;

    public TestContext TestContext { get; set; } = null!;

    // IPVLANWIN_RANDOM_FRAMES=1000000 is the long run; IPVLANWIN_SEED repeats one.
    [TestMethod]
    [DataRow("core", "None", 16_000)]
    [DataRow("filter", "Split", 6_000)]
    [DataRow("filter", "TagOutOfBand, Translate", 4_000)]
    [DataRow("loaded", "Split, Translate", 4_000)]
    [DataRow("loaded", "TagOutOfBand, Split, Translate", 4_000)]
    public void Engine_and_driver_agree(string target, string options, int frames)
    {
        var library = NativeBuild.Library(target);
        if (int.TryParse(Environment.GetEnvironmentVariable("IPVLANWIN_RANDOM_FRAMES"), CultureInfo.InvariantCulture, out var asked))
            frames = asked;
        var seed = int.TryParse(Environment.GetEnvironmentVariable("IPVLANWIN_SEED"), CultureInfo.InvariantCulture, out var given) ? given : Random.Shared.Next();
        TestContext.WriteLine($"seed {seed}, {frames} frames");
        var random = new Random(seed);
        var parsed = Enum.Parse<BenchOptions>(options);
        for (var done = 0; done < frames; done += FramesPerPort)
            RunPort(library, parsed, random, seed, Math.Min(FramesPerPort, frames - done));
    }

    private static void RunPort(string library, BenchOptions options, Random random, int seed, int frames)
    {
        var forge = new FrameForge(random);
        var topology = RandomTopology(random, forge);
        var engine = Build(topology);
        var alone = new EngineAlone(engine);
        using var driver = new DriverPort(library, topology, options);
        for (var i = 0; i < frames; i++)
        {
            if (random.Next(200) == 0)
                Change(random, engine, driver);
            var frame = forge.Next();
            // The filter works lengths of segments out for itself, from what NDIS tells: another test's concern.
            if (!library.EndsWith("core.so", StringComparison.Ordinal) && !frame.Offload.IsFinished)
                continue;
            var member = random.Next(3) == 0 ? null : forge.Pick(engine.Interfaces);
            var (decision, copies) = alone.Inject(member, frame, TimeSpan.Zero);
            var error = driver.Inject(member?.Name ?? EnginePort.WirePlace, frame.Bytes, frame.LongestSegment);
            var got = driver.TakeFrames();
            var place = $"seed {seed}, frame {i} at {member?.Name ?? "wire"}, {engine.Snapshot.Mode} {engine.Snapshot.Flag}, {decision.Action} {decision.Reason}: {Convert.ToHexString(frame.Bytes)}";
            // What a host tells about packets too long is the data path's part; the bench of the core alone has none.
            if (decision is { Reason: DropReason.MtuExceeded, TargetId: < 0 })
                got.RemoveAll(entry => entry.Place == member!.Name);
            Assert.AreEqual(decision.SendError, error, place);
            Compare(copies, got, driver.MissingNeighbors, place);
            if (i % 50 == 0)
                CompareCounters(engine, driver, place);
        }
        CompareCounters(engine, driver, $"seed {seed}, at the end");
    }

    private static void Compare(List<NaiveCopy> expected, List<(string Place, byte[] Frame)> got, IReadOnlyList<L3Address> missing, string place)
    {
        foreach (var group in expected.Where(copy => !copy.Place.StartsWith("missing", StringComparison.Ordinal)).GroupBy(copy => copy.Place))
        {
            var there = got.Where(entry => entry.Place == group.Key).Select(entry => Text(group.Key, entry.Frame)).ToList();
            CollectionAssert.AreEqual(group.Select(copy => Text(group.Key, copy.Bytes)).ToList(), there, $"{group.Key}: {place}");
            got.RemoveAll(entry => entry.Place == group.Key);
        }
        Assert.IsEmpty(got, place);
        var wanted = expected.Where(copy => copy.Place.StartsWith("missing", StringComparison.Ordinal)).Select(copy => copy.Place).ToList();
        var asked = missing.Select(address =>
        {
            var bytes = new byte[address.Bits / 8];
            address.Write(bytes);
            return "missing " + Convert.ToHexString(bytes);
        }).ToList();
        CollectionAssert.AreEqual(wanted, asked, place);
    }

    // What the port routes to the host itself has no MACs of its own: it is compared without (format 3.2).
    private static string Text(string place, byte[] frame) =>
        Convert.ToHexString(place == EnginePort.HostPlace && frame.Length > 12 ? frame.AsSpan(12) : frame);

    private static void CompareCounters(Port engine, DriverPort driver, string place)
    {
        var counters = driver.Counters;
        foreach (var member in engine.Interfaces)
            CollectionAssert.AreEqual(VectorReplay.CountersOf(member), counters[member.Name], $"{member.Name}: {place}");
        for (var reason = DropReason.Private; reason <= DropReason.DeviceQueueFull; reason++)
        {
            // A packet that waited in vain for its neighbor counts as one without a route: by the data path, not by the engine.
            if (reason != DropReason.NoRoute)
                Assert.AreEqual(engine.Drops[reason], driver.DropsOf(reason), $"{reason.Word()}: {place}");
        }
    }

    private static void Change(Random random, Port engine, DriverPort driver)
    {
        var member = engine.Interfaces[random.Next(engine.Interfaces.Count)];
        switch (random.Next(5))
        {
            case 0:
                var isUp = random.Next(4) != 0;
                engine.SetUp(member, isUp);
                driver.SetUpAlone(member.Name, isUp);
                break;
            case 1:
                var mode = (PortMode)random.Next(3);
                engine.SetMode(mode);
                driver.Act("set-mode", new ActionArguments(Mode: mode.Word()));
                break;
            case 2:
                var flag = (PortFlag)random.Next(3);
                engine.SetFlag(flag);
                driver.Act("set-flag", new ActionArguments(Flag: flag.Word()));
                break;
            case 3:
                var ipMtu = random.Next(2) == 0 ? engine.Snapshot.IpMtu : random.Next(68, engine.Snapshot.IpMtu + 1);
                engine.SetMtu(member, ipMtu);
                driver.SetMtuAlone(member.Name, ipMtu);
                break;
            default:
                var on = random.Next(2) == 0;
                engine.SetAllMulticast(member, on);
                driver.Act("allmulti", new ActionArguments(member.Name, On: on));
                break;
        }
    }

    private static Topology RandomTopology(Random random, FrameForge forge)
    {
        var free = new List<string>(FrameForge.Owned.Distinct());
        List<string> Take(int count)
        {
            List<string> taken = [];
            for (; count > 0 && free.Count > 0; count--)
            {
                var at = random.Next(free.Count);
                taken.Add(AddressOf(free[at]));
                free.RemoveAt(at);
            }
            return taken;
        }

        var interfaces = Enumerable.Range(0, 1 + random.Next(4)).Select(i => new TopologyInterface(
            $"ipvl{i}",
            Addresses: [.. Take(1 + random.Next(4)).Select(address => address + (address.Contains(':', StringComparison.Ordinal) ? "/64" : "/24"))],
            Multicast: [.. FrameForge.Groups.Where(_ => random.Next(2) == 0).Select(MacOf)],
            Allmulti: random.Next(10) == 0)).ToList();
        var host = Take(3).Select(address => address + (address.Contains(':', StringComparison.Ordinal) ? "/64" : "/24")).ToList();
        var neighbors = FrameForge.Four.Concat(FrameForge.Six).Where(_ => random.Next(3) == 0).Select(address => new TopologyNeighbor(AddressOf(address), MacOf(FrameForge.Stations[2]))).ToList();
        return new Topology(
            ((PortMode)random.Next(3)).Word(),
            ((PortFlag)random.Next(3)).Word(),
            new TopologyMaster("eth0", MacOf(forge.Mac), forge.Pick([1500, 1500, 1500, 1280, 9000]), host, [new TopologyRoute("default", "10.0.0.254"), new TopologyRoute("default", "fd00::fe")], neighbors),
            interfaces);
    }

    private static string MacOf(string hex) => new MacAddress(Convert.ToUInt64(hex, 16)).ToString();

    private static string AddressOf(string hex) =>
        (hex.Length == 8 ? L3Address.ReadFour(Convert.FromHexString(hex)) : L3Address.ReadSix(Convert.FromHexString(hex))).ToString();

    private static Port Build(Topology topology) => PortSetup.Build(topology, "random topology");
}
