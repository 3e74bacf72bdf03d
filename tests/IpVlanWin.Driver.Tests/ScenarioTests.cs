using System.Globalization;

namespace IpVlanWin.Driver.Tests;

/// <summary>The scenarios of driver/test, over the strict fake NDIS: under sanitizers, and on the linked ipvlan.sys.</summary>
[TestClass]
public class ScenarioTests
{
    public TestContext TestContext { get; set; } = null!;

    [TestMethod]
    public void Scenarios_pass_under_address_and_undefined_behavior_sanitizers()
    {
        // A fault that a negative test provokes leaves by longjmp and leaks what it held; the fake counts leaks itself.
        var (status, output) = NativeBuild.Run(NativeBuild.Program("scenarios", "-O1 -fsanitize=address,undefined -fno-sanitize-recover=all"), [], ("ASAN_OPTIONS", "detect_leaks=0"));
        TestContext.WriteLine(output);
        Assert.AreEqual(0, status, output);
        StringAssert.EndsWith(output.TrimEnd(), " passed, 0 failed");
    }

    [TestMethod]
    public void Scenarios_pass_on_the_linked_image()
    {
        var (status, output) = NativeBuild.Run(NativeBuild.Program("loaded-scenarios"));
        TestContext.WriteLine(output);
        Assert.AreEqual(0, status, output);
        StringAssert.Contains(output, "a byte beyond a block");
        StringAssert.EndsWith(output.TrimEnd(), " passed, 0 failed");
    }

    // IPVLANWIN_STRESS_SECONDS=60 is the long run.
    [TestMethod]
    public void Stress_from_several_threads_passes_under_the_thread_sanitizer()
    {
        var seconds = int.TryParse(Environment.GetEnvironmentVariable("IPVLANWIN_STRESS_SECONDS"), CultureInfo.InvariantCulture, out var asked) ? asked : 10;
        var program = NativeBuild.Program("stress", "-O1 -fsanitize=thread");
        var (status, output) = NativeBuild.Run(program, [seconds.ToString(CultureInfo.InvariantCulture)]);
        TestContext.WriteLine(output);
        Assert.AreEqual(0, status, output);
        StringAssert.EndsWith(output.TrimEnd(), "1 passed, 0 failed");
    }
}
