using IpVlanWin.Cli.Replay;

namespace IpVlanWin.Conformance.Tests;

/// <summary>The systematic scenarios, those of other projects and some walks as recorded once, against engine and driver. Needs no kernel.</summary>
[TestClass]
public class RecordedTests
{
    public TestContext TestContext { get; set; } = null!;

    [TestMethod]
    public void Engine_and_driver_do_as_recorded()
    {
        List<Candidate> candidates = [Candidate.Engine, .. Candidate.Driver()];
        List<string> faults = [];
        var judged = 0;
        foreach (var scenario in VectorFile.Read(Mutants.Recordings[1]))
        {
            foreach (var candidate in candidates)
            {
                var mismatches = candidate.Compare(scenario, [], out var totals);
                foreach (var fault in mismatches)
                    faults.Add($"{candidate.Name}: {fault.Scenario} step {fault.Step}: {fault.What}: expected {fault.Expected}, got {fault.Got} ({fault.Comment})");
                judged += totals.Judged;
            }
        }
        TestContext.WriteLine($"{candidates.Count} candidates, {judged} judged steps");
        Assert.IsEmpty(faults, string.Join('\n', faults.Take(20)));
        Assert.IsGreaterThan(10_000, judged);
    }
}
