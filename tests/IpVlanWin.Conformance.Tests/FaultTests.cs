using System.Globalization;

namespace IpVlanWin.Conformance.Tests;

/// <summary>Faults planted in copies of the engine are found by the recordings.</summary>
[TestClass]
public class FaultTests
{
    private const int PlantedOfRun = 5;
    private const int LastRule = 59;

    public TestContext TestContext { get; set; } = null!;

    [TestMethod]
    public void Every_rule_has_a_fault_or_is_a_named_exception()
    {
        var named = Faults.All.Select(fault => fault.Rule).Concat(Faults.Exceptions.Select(exception => exception.Rule)).SelectMany(Numbers).ToHashSet();
        CollectionAssert.AreEqual(Array.Empty<int>(), Enumerable.Range(1, LastRule).Where(rule => !named.Contains(rule)).ToArray());
        Assert.HasCount(Faults.All.Count, Faults.All.Select(fault => fault.Rule).Distinct());
    }

    [TestMethod]
    public void Every_fault_has_its_row()
    {
        var known = Mutants.Found();
        CollectionAssert.AreEqual(Array.Empty<string>(), Faults.All.Where(fault => !known.ContainsKey(fault.Rule)).Select(fault => fault.Rule).ToArray());
    }

    [TestMethod]
    public void Every_fault_has_its_place_in_the_engine()
    {
        var lost = new Mutants().Lost().ToList();
        Assert.IsEmpty(lost, string.Join('\n', lost));
    }

    [TestMethod]
    public void Five_planted_faults_are_found()
    {
        var seed = Kernel.Seed;
        TestContext.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var mutants = new Mutants();
        var known = Mutants.Found();
        for (var i = 0; i < PlantedOfRun; i++)
        {
            var fault = Faults.All[random.Next(Faults.All.Count)];
            var found = mutants.Find(fault, ScenarioOf(known[fault.Rule]));
            TestContext.WriteLine($"{fault.Rule}: {fault.What}: {found ?? "not found"}");
            Assert.AreEqual(known[fault.Rule], found, $"seed {seed}: rule {fault.Rule}: {fault.What}; FAULTS.md is made by tests/conformance/run --faults");
        }
    }

    [TestMethod]
    public void The_engine_without_a_fault_passes() => Assert.IsNull(new Mutants().Find(new Fault("0", "none")));

    // "vectors: l2-bridge/rx/vlan step 6: counters"
    private static string ScenarioOf(string found) => found.Split(": ")[1].Split(' ')[0];

    // "21a", "54 to 58", "24 (fragmentation)".
    private static IEnumerable<int> Numbers(string rule)
    {
        var parts = rule.Split(" to ");
        var first = Leading(parts[0]);
        return Enumerable.Range(first, parts.Length == 2 ? Leading(parts[1]) - first + 1 : 1);

        static int Leading(string text) => int.Parse(text.AsSpan(0, text.TakeWhile(char.IsAsciiDigit).Count()), CultureInfo.InvariantCulture);
    }
}
