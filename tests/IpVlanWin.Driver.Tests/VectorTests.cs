using IpVlanWin.Cli.Replay;

namespace IpVlanWin.Driver.Tests;

/// <summary>The conformance vectors, recorded from Linux, through native builds of the driver and through the linked ipvlan.sys.</summary>
[TestClass]
public class VectorTests
{
    internal static readonly (string Target, BenchOptions Options)[] Benches =
    [
        ("core", BenchOptions.None),
        ("filter", BenchOptions.None),
        ("filter", BenchOptions.Translate),
        ("filter", BenchOptions.TagOutOfBand | BenchOptions.Split),
        ("filter", BenchOptions.Translate | BenchOptions.TagOutOfBand | BenchOptions.Split),
        ("loaded", BenchOptions.None),
        ("loaded", BenchOptions.Translate | BenchOptions.Split),
        ("loaded", BenchOptions.TagOutOfBand),
        ("loaded", BenchOptions.Translate | BenchOptions.TagOutOfBand | BenchOptions.Split),
    ];

    public static IEnumerable<object[]> Cases => Benches.Select(bench => new object[] { bench.Target, bench.Options.ToString() });

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void Every_judged_step_is_as_recorded(string target, string options)
    {
        var library = NativeBuild.Library(target);
        var parsed = Enum.Parse<BenchOptions>(options);
        var vectors = Path.Combine(NativeBuild.Driver, "..", "tests", "conformance", "vectors.jsonl.gz");
        using var output = new StringWriter();
        var status = ReplayCommand.RunVectors([vectors], scenario => new DriverPort(library, scenario, parsed), output, CancellationToken.None);
        var lines = output.ToString();
        Assert.AreEqual(0, status, lines[..Math.Min(lines.Length, 4000)]);
        StringAssert.EndsWith(lines.TrimEnd(), "7372 judged, 0 mismatched, 113 not judged");
    }
}
