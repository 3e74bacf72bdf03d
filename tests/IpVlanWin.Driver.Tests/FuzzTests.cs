using System.Globalization;

namespace IpVlanWin.Driver.Tests;

/// <summary>libFuzzer targets, for a few seconds: frames through the core, lists and requests through the filter.</summary>
[TestClass]
public class FuzzTests
{
    public TestContext TestContext { get; set; } = null!;

    // IPVLANWIN_FUZZ_SECONDS=600 is the long run (tests/run --long).
    [TestMethod]
    [DataRow("fuzz-frames")]
    [DataRow("fuzz-filter")]
    public void Nothing_is_found(string target)
    {
        var seconds = int.TryParse(Environment.GetEnvironmentVariable("IPVLANWIN_FUZZ_SECONDS"), CultureInfo.InvariantCulture, out var asked) ? asked : 4;
        var program = NativeBuild.Program(target, "-O1");
        var seed = Random.Shared.Next(1, int.MaxValue);
        TestContext.WriteLine($"seed {seed}");
        // The fake counts leaks itself.
        var (status, output) = NativeBuild.Run(
            program, $"-seed={seed}", $"-max_total_time={seconds}", "-max_len=3000", "-detect_leaks=0", $"-artifact_prefix={Path.GetDirectoryName(program)}/");
        Assert.AreEqual(0, status, output.Length > 6000 ? output[^6000..] : output);
        StringAssert.Contains(output, "Done ");
    }
}
