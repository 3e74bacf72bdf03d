namespace IpVlanWin.Conformance.Tests;

/// <summary>Fresh random walks, recorded from the real driver in this very run, against engine and driver.</summary>
[TestClass]
public class FreshWalkTests
{
    private const int LeastWalks = 40;

    // With what else there is to be done, what fits into a minute.
    private static readonly TimeSpan Within = TimeSpan.FromSeconds(60);

    private static Recorder? s_recorder;

    public TestContext TestContext { get; set; } = null!;

    // One boot for all: they run one after another.
    private static Recorder Recorder => s_recorder ??= new Recorder(Kernel.Required());

    [ClassCleanup]
    public static void End() => s_recorder?.Dispose();

    [TestMethod]
    public void Engine_and_driver_do_as_linux_does_in_fresh_walks()
    {
        var recorder = Recorder;
        using var output = new StringWriter();
        var status = Program.RunRandom(recorder, LeastWalks, Kernel.Seed, output, Within);
        TestContext.WriteLine(output.ToString());
        Console.WriteLine(output.ToString().TrimEnd().Split('\n')[^1]);
        Assert.AreEqual(0, status, output.ToString());
    }

    [TestMethod]
    public void A_walk_that_differs_is_shrunk_to_its_shortest()
    {
        var recorder = Recorder;
        using var output = new StringWriter();
        // Differs wherever a group address is asked for on the wire, which takes one frame to show.
        var faulty = new Candidate("faulty", scenario => new HidingPort(Candidate.Engine.Open(scenario), copy => copy.Place == "host" && copy.Frame[0] == 0xff));
        var found = Enumerable.Range(0, 20).Select(number => recorder.Record([Walk.Make(1, number)])[0]).First(transcript => faulty.Compare(transcript.ToScenario()).Count > 0);
        var shortest = Shrinker.Shrink(recorder, faulty, found, output);
        StringAssert.StartsWith(shortest, "{\"name\":\"shrunk/", output.ToString());
        var scenario = Cli.Replay.VectorFile.Parse(shortest, "shrunk");
        Assert.HasCount(1, scenario.Steps, shortest);
        Assert.IsEmpty(Candidate.Engine.Compare(scenario));
    }

    [TestMethod]
    public void The_recorder_gives_the_answers_of_the_shared_vectors()
    {
        var recorder = Recorder;
        // What the one who recorded those could not put back: see README.md.
        var chosen = Cli.Replay.VectorFile.Read(Mutants.Recordings[0])
            .Where(scenario => !scenario.Name.EndsWith("/state/mtu", StringComparison.Ordinal)).Where((_, i) => i % 16 == Kernel.Seed % 16).ToList();
        var transcripts = recorder.Record([.. chosen.Select(Check.ToDraft)]);
        var compared = 0;
        for (var i = 0; i < chosen.Count; i++)
        {
            var (steps, differences) = Check.Compare(chosen[i], transcripts[i]);
            compared += steps;
            Assert.IsEmpty(differences, string.Join('\n', differences));
        }
        Assert.IsGreaterThan(200, compared);
    }
}
