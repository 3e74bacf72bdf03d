using IpVlanWin.Cli.Replay;

namespace IpVlanWin.Driver.Tests;

/// <summary>
/// driver/test/run --vectors FILE...: replays conformance vectors through native builds of the driver and the linked ipvlan.sys;
/// --bench: what a decision costs; --coverage: the lines that vectors and scenarios reach.
/// </summary>
internal static class Program
{
    private static int Main(string[] arguments)
    {
        switch (arguments)
        {
            case ["--vectors", _, ..]:
                return Replay(arguments[1..]);
            case ["--bench"]:
                CostBench.Run(Console.Out, 200, 10_000, 1_000_000);
                return 0;
            case ["--coverage"]:
                var (_, report, unreached) = Coverage.Measure();
                Console.WriteLine($"{report}\nnot reached:\n{unreached}");
                return 0;
            default:
                Console.Error.WriteLine("usage: driver/test/run --vectors FILE... | --bench | --coverage");
                return 1;
        }
    }

    private static int Replay(string[] files)
    {
        var status = 0;
        foreach (var (target, options) in VectorTests.Benches)
        {
            Console.WriteLine($"{target}, {options}:");
            var library = NativeBuild.Library(target);
            status |= ReplayCommand.RunVectors(files, scenario => new DriverPort(library, scenario, options), Console.Out, CancellationToken.None);
        }
        return status;
    }
}
