using System.Runtime.Versioning;
using IpVlanWin.HostNetwork;

namespace IpVlanWin.Datapath.Filter;

/// <summary>A port as the driver has it.</summary>
/// <param name="IsAttached">The driver has the master's adapter.</param>
/// <param name="Interfaces">How many interfaces it has.</param>
public sealed record FilterPortLook(bool IsAttached, int Interfaces);

/// <summary>Looks at the filter driver and changes nothing: unlike <see cref="FilterDriver"/>, it takes no events from whoever serves ports.</summary>
public sealed class FilterLook : IDisposable
{
    private readonly IFilterDevice _device;
    private readonly FilterRequests _requests;

    internal FilterLook(IFilterDevice device)
    {
        (_device, _requests) = (device, new FilterRequests(device));
        try
        {
            Capabilities = new FilterCapabilities(_requests.Capabilities());
        }
        catch
        {
            device.Dispose();
            throw;
        }
    }

    /// <summary>What the driver can.</summary>
    public FilterCapabilities Capabilities { get; }

    /// <summary>The version of its interface, which is this program's.</summary>
    public static int InterfaceVersion => FilterAbi.Version;

    /// <summary>Opens the driver of this host.</summary>
    /// <exception cref="FileNotFoundException">It is not installed or does not run.</exception>
    /// <exception cref="IOException">It is of another version.</exception>
    /// <exception cref="UnauthorizedAccessException">Only the system and administrators may.</exception>
    [SupportedOSPlatform("windows")]
    public static FilterLook Open() => new(WindowsFilterDevice.Open());

    /// <inheritdoc cref="FilterDriver.OpenPlayed"/>
    [SupportedOSPlatform("linux")]
    public static FilterLook OpenPlayed(string path, out IFilterBindings bindings)
    {
        var device = PlayedFilterDevice.Open(path);
        bindings = device;
        return new FilterLook(device);
    }

    /// <summary>The port over a master, or null.</summary>
    /// <param name="masterLuid">The master's NET_LUID.</param>
    /// <exception cref="IOException">The driver is gone.</exception>
    public FilterPortLook? FindPort(ulong masterLuid) =>
        _requests.FindPort(masterLuid) is { } status ? new FilterPortLook(status.IsAttached != 0, (int)status.InterfaceCount) : null;

    /// <inheritdoc/>
    public void Dispose() => _device.Dispose();
}
