using IpVlanWin.Datapath.WinDivert;
using IpVlanWin.Engine.Wire;
using IpVlanWin.HostNetwork;
using IpVlanWin.HostNetwork.Linux;
using IpVlanWin.HostNetwork.Windows;
using IpVlanWin.Service.Reconcile;

namespace IpVlanWin.Service.Lifetime;

/// <summary>`ipvlansvc safety-net`: the process that keeps a private port closed when the service is gone. It touches no state.</summary>
internal static class SafetyNetProcess
{
    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(500);

    public static ExitStatus Run(CommandLine line, TextReader input, TextWriter output, TextWriter errors)
    {
        if (line.PortKey is not { } port)
        {
            errors.WriteLine("ipvlansvc: \"safety-net\" needs \"--port\": 1 to 80 letters, digits or '-'");
            return ExitStatus.BadSettings;
        }
        if (!DivertHost.IsPossible)
        {
            errors.WriteLine("ipvlansvc: \"safety-net\" is data path windivert's, for Windows");
            return ExitStatus.Refused;
        }
        DivertHost.UseLibrary();
        // Whoever stops the service from a prompt does not mean this process.
        Console.CancelKeyPress += static (_, pressed) => pressed.Cancel = true;
        using var network = Open();
        return SafetyNet.Run(port, input, output, addresses => IsOnHost(network, addresses), s_poll) == 0 ? ExitStatus.Ok : ExitStatus.Refused;
    }

    private static IHostNetwork Open()
    {
        if (OperatingSystem.IsWindows())
            return WindowsNetwork.Open();
        return OperatingSystem.IsLinux() ? RouteNetlink.Open() : throw new PlatformNotSupportedException();
    }

    /// <summary>The host's own, or routed to a container. What cannot be read is taken to be there.</summary>
    private static bool IsOnHost(IHostNetwork network, IReadOnlyCollection<L3Address> addresses)
    {
        try
        {
            var asked = addresses as IReadOnlySet<L3Address> ?? addresses.ToHashSet();
            return network.ListAddresses().Any(one => asked.Contains(L3Address.From(one.Address)))
                || network.ListRoutes().Any(route => route.Kind == RouteKind.Unicast && L3Address.From(route.Destination.BaseAddress) is var destination
                    && route.Destination.PrefixLength == destination.Bits && asked.Contains(destination));
        }
        catch (HostNetworkException)
        {
            return true;
        }
    }
}
