using IpVlanWin.Cli.Lab.Simulation;

namespace IpVlanWin.Cli.Lab;

/// <summary>Chooses where a lab takes place.</summary>
internal static class LabBeds
{
    /// <summary>Real namespaces where they can be made, else simulated hosts.</summary>
    /// <exception cref="CommandException">Something asked for needs namespaces, or a capture file cannot be made.</exception>
    public static async Task<ILabBed> OpenAsync(LabOptions options, CancellationToken cancellation)
    {
        if (!options.Simulate && OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess &&
            await OpenNamespaces(options, cancellation).ConfigureAwait(false) is { } bed)
        {
            return bed;
        }
        if (options.Keep)
            throw NeedsNamespaces("--keep", options);
        if (options.Spin)
            throw NeedsNamespaces("--spin", options);
        return new SimulatedBed(options);
    }

    /// <summary>A bed of network namespaces. Removes what it made where it fails or is cancelled.</summary>
    /// <returns>Null where this build has none.</returns>
    private static Task<ILabBed?> OpenNamespaces(LabOptions options, CancellationToken cancellation)
    {
        _ = options;
        cancellation.ThrowIfCancellationRequested();
        return Task.FromResult<ILabBed?>(null);
    }

    private static CommandException NeedsNamespaces(string option, LabOptions options) => options.Simulate
        ? CommandException.Refused($"\"{option}\" needs network namespaces: leave \"--simulate\" out and run as root on Linux")
        : CommandException.Refused($"\"{option}\" needs network namespaces: run as root on Linux");
}
