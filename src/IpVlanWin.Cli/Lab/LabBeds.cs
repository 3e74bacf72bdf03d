using IpVlanWin.Cli.Lab.Namespaces;
using IpVlanWin.Cli.Lab.Simulation;

namespace IpVlanWin.Cli.Lab;

/// <summary>Chooses where a lab takes place.</summary>
internal static class LabBeds
{
    /// <summary>Real namespaces where they can be made, else simulated hosts.</summary>
    /// <exception cref="CommandException">Something asked for needs namespaces, or a capture file cannot be made.</exception>
    public static async Task<ILabBed> OpenAsync(LabOptions options, CancellationToken cancellation)
    {
        if (!options.Simulate && OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess)
            return await NamespaceBed.OpenAsync(options, cancellation).ConfigureAwait(false);
        if (options.Keep)
            throw NeedsNamespaces("--keep", options);
        if (options.Spin)
            throw NeedsNamespaces("--spin", options);
        return new SimulatedBed(options);
    }

    private static CommandException NeedsNamespaces(string option, LabOptions options) => options.Simulate
        ? CommandException.Refused($"\"{option}\" needs network namespaces: leave \"--simulate\" out and run as root on Linux")
        : CommandException.Refused($"\"{option}\" needs network namespaces: run as root on Linux");
}
