using System.Globalization;

namespace IpVlanWin.Driver.Tests;

/// <summary>Vectors and scenarios reach nearly every line of core and filter.</summary>
[TestClass]
public class CoverageTests
{
    // What is reached today. Raised as more is, never lowered.
    private const double Floor = 97.0;

    public TestContext TestContext { get; set; } = null!;

    [TestMethod]
    public void Vectors_and_scenarios_reach_the_lines_of_core_and_filter()
    {
        var (lines, report, unreached) = Coverage.Measure();
        TestContext.WriteLine(report + unreached);
        Assert.IsGreaterThanOrEqualTo(Floor, lines, string.Create(CultureInfo.InvariantCulture, $"{lines} %\n{report}"));
    }
}
