using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Routing;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Benchmarks.Engine;

/// <summary>The addresses of the benchmark, by number, and the port that has them: a hundred on each interface.</summary>
internal static class Plan
{
    public const int AddressesPerInterface = 100;

    private const ulong SixPrefix = 0xfd00_0000_0000_0000;

    /// <summary>An address of an interface: spread over 10.0.0.0/8, or 256 subnets of fd00::/16.</summary>
    public static L3Address Address(bool isSix, int number) => isSix
        ? new L3Address(SixPrefix | ((ulong)(uint)number & 255), 0x0200_00ff_fe00_0000 + (ulong)number)
        : new L3Address(0x0a00_0000u + (uint)number);

    /// <summary>The station on the wire.</summary>
    public static L3Address Station(bool isSix) => isSix ? new L3Address(SixPrefix | 0x8000, 0x99) : new L3Address(0xc0a8_0063);

    /// <summary>Somewhere behind the gateway.</summary>
    public static L3Address Remote(bool isSix, int number) => isSix
        ? new L3Address(0x2001_0db8_0000_0000 | ((ulong)(uint)number & 255), (ulong)number + 1)
        : new L3Address(0x5000_0000u + (uint)number);

    /// <summary>A port that is up, with its interfaces up, the host's address, a default route and the gateway's MAC.</summary>
    public static Port Build(PortMode mode, bool isSix, int addresses, out VirtualInterface sender)
    {
        var port = new Port("master", Traffic.PortMac, 1500, seed: 0x1234_5678_9abc_def0);
        port.SetMasterUp(true);
        sender = Interface(port, "sender", mode);
        VirtualInterface? current = null;
        for (var number = 0; number < addresses; number++)
        {
            if (number % AddressesPerInterface == 0)
                current = Interface(port, $"ipvl{number / AddressesPerInterface}", mode);
            Check(port.AddAddress(current!, new L3Prefix(Address(isSix, number), isSix ? 64 : 24)));
        }
        var gateway = Station(isSix);
        Check(port.AddMasterAddress(new L3Prefix(isSix ? new L3Address(gateway.High, 1) : new L3Address(0xc0a8_0001), isSix ? 64 : 24)));
        port.AddRoute(new L3Prefix(isSix ? new L3Address(0, 0) : new L3Address(0), 0), new Route(gateway));
        port.Neighbors.Set(gateway, Traffic.StationMac, TimeSpan.MaxValue);
        return port;
    }

    public static void Check(PortResult result)
    {
        if (result != PortResult.Ok)
            throw new InvalidOperationException($"the port said {result.ErrnoName()}");
    }

    private static VirtualInterface Interface(Port port, string name, PortMode mode)
    {
        Check(port.AddInterface(name, mode, PortFlag.Bridge, out var added));
        Check(port.SetUp(added!, true));
        return added!;
    }
}
