using IpVlanWin.Datapath.Filter;
using IpVlanWin.HostNetwork;

namespace IpVlanWin.Cli.HostCare;

/// <summary>The filter driver.</summary>
/// <param name="Masters">Masters of the ports that it is to carry.</param>
internal sealed record FilterFacts(IReadOnlyList<FilterMasterFacts> Masters)
{
    /// <summary>The system has its service.</summary>
    public bool IsInstalled { get; init; } = true;

    /// <summary>Its device is there.</summary>
    public bool IsRunning { get; init; } = true;

    /// <summary>Why it cannot be used, although it runs, with what to do.</summary>
    public string? Fault { get; init; }

    /// <summary>Its version; null where it cannot be asked.</summary>
    public Version? DriverVersion { get; init; }

    /// <summary>Reads it, changing nothing.</summary>
    /// <param name="masters">Masters of the ports that it is to carry.</param>
    /// <param name="host">The host; stays the caller's.</param>
    /// <param name="open">Opens the driver, and says to what it is bound.</param>
    /// <exception cref="HostNetworkException">The host cannot be read.</exception>
    public static FilterFacts Read(IReadOnlyList<string> masters, IStandInHost host, Func<(FilterLook Driver, IFilterBindings Bindings)> open)
    {
        var about = new FilterFacts([.. masters.Select(static name => new FilterMasterFacts(name))]);
        try
        {
            var (driver, bindings) = open();
            using (driver)
                return about with { DriverVersion = driver.Capabilities.DriverVersion, Masters = [.. masters.Select(name => Read(name, host, driver, bindings))] };
        }
        catch (FileNotFoundException)
        {
            return about with { IsRunning = false };
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return about with { Fault = fault.Message };
        }
    }

    private static FilterMasterFacts Read(string name, IStandInHost host, FilterLook driver, IFilterBindings bindings)
    {
        var about = new FilterMasterFacts(name);
        if (host.FindMaster(name) is not { } link)
            return about;
        var port = driver.FindPort(bindings.LuidOf(link));
        return about with
        {
            IsThere = true,
            Refusal = host.MasterRefusal(link),
            IsBound = bindings.FindBinding(link, FilterPortHostSettings.Component),
            HasPort = port is not null,
            IsAttached = port is { IsAttached: true },
        };
    }
}

/// <summary>A master of a port that the filter driver is to carry.</summary>
/// <param name="Name">Its name.</param>
internal sealed record FilterMasterFacts(string Name)
{
    /// <summary>There is an adapter of that name.</summary>
    public bool IsThere { get; init; }

    /// <summary>Why it can be no master any more, with what to take instead.</summary>
    public string? Refusal { get; init; }

    /// <summary>The filter is bound to it; null where the system does not list it.</summary>
    public bool? IsBound { get; init; }

    /// <summary>The driver has the port.</summary>
    public bool HasPort { get; init; }

    /// <summary>The driver has the adapter.</summary>
    public bool IsAttached { get; init; }
}
