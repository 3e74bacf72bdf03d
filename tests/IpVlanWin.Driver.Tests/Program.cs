using IpVlanWin.Cli.Replay;

namespace IpVlanWin.Driver.Tests;

/// <summary>driver/test/run --vectors FILE...: replays conformance vectors through native builds of the driver and the linked ipvlan.sys.</summary>
internal static class Program
{
    private static int Main(string[] arguments)
    {
        if (arguments is not ["--vectors", _, ..])
        {
            Console.Error.WriteLine("usage: driver/test/run --vectors FILE...");
            return 1;
        }
        var status = 0;
        foreach (var (target, options) in VectorTests.Benches)
        {
            Console.WriteLine($"{target}, {options}:");
            var library = NativeBuild.Library(target);
            status |= ReplayCommand.RunVectors(arguments[1..], scenario => new DriverPort(library, scenario, options), Console.Out, CancellationToken.None);
        }
        return status;
    }
}
