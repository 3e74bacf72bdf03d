using System.Runtime.Versioning;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.HostNetwork;

namespace IpVlanWin.Datapath.Filter;

/// <summary>What the driver can, and how much of it.</summary>
public sealed record FilterCapabilities
{
    internal FilterCapabilities(AbiCapabilities told) => Told = told;

    /// <summary>The driver's version.</summary>
    public Version DriverVersion => new((int)(Told.DriverVersion >> 16), (int)(Told.DriverVersion & 0xffff));

    /// <summary>Most ports.</summary>
    public int MaxPorts => (int)Told.MaxPorts;

    /// <summary>Most interfaces of a port.</summary>
    public int MaxInterfaces => (int)Told.MaxInterfaces;

    /// <summary>Most addresses of a port's interfaces.</summary>
    public int MaxAddresses => (int)Told.MaxAddresses;

    /// <summary>Most routes of a port.</summary>
    public int MaxRoutes => (int)Told.MaxRoutes;

    /// <summary>Most neighbors of a port.</summary>
    public int MaxNeighbors => (int)Told.MaxNeighbors;

    /// <summary>Most addresses of a master.</summary>
    public int MaxMasterAddresses => (int)Told.MaxMasterAddresses;

    private AbiCapabilities Told { get; }

    /// <summary>It has the mode.</summary>
    public bool Supports(PortMode mode) => (Told.Modes >> (int)mode & 1) != 0;

    /// <summary>It has the flag.</summary>
    public bool Supports(PortFlag flag) => (Told.Flags >> (int)flag & 1) != 0;
}

/// <summary>
/// The filter driver, opened once for all ports: whoever waits for events gets those of every port. Members may be called by any thread.
/// </summary>
public sealed class FilterDriver : IDisposable
{
    private readonly IFilterDevice _device;
    private readonly Thread _listener;
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // Guards _followers.
    private readonly Lock _lock = new();
    private Action<AbiEvent>[] _followers = [];
    private bool _isDisposed;

    internal FilterDriver(IFilterDevice device)
    {
        _device = device;
        Requests = new FilterRequests(device);
        try
        {
            Capabilities = new FilterCapabilities(Requests.Capabilities());
        }
        catch
        {
            device.Dispose();
            throw;
        }
        _listener = new Thread(Listen) { IsBackground = true, Name = "filter events" };
        _listener.Start();
    }

    /// <summary>What it can.</summary>
    public FilterCapabilities Capabilities { get; }

    /// <summary>Ends when the driver is closed; faulted where it went away.</summary>
    public Task Completion => _completion.Task;

    internal FilterRequests Requests { get; }

    /// <summary>Opens the driver of this host.</summary>
    /// <exception cref="IOException">It is not installed, does not run, or is of another version.</exception>
    /// <exception cref="UnauthorizedAccessException">Only the system and administrators may.</exception>
    [SupportedOSPlatform("windows")]
    public static FilterDriver Open() => new(WindowsFilterDevice.Open());

    /// <summary>On Linux, for the lab and for tests: a driver that somebody plays at a socket.</summary>
    /// <param name="path">Path of the socket.</param>
    /// <param name="bindings">To which links that driver is bound.</param>
    /// <exception cref="IOException">Nobody is there, or it speaks another version.</exception>
    [SupportedOSPlatform("linux")]
    public static FilterDriver OpenPlayed(string path, out IFilterBindings bindings)
    {
        var device = PlayedFilterDevice.Open(path);
        bindings = device;
        return new FilterDriver(device);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_lock)
        {
            if (_isDisposed)
                return;
            _isDisposed = true;
        }
        _device.Dispose();
        _listener.Join();
    }

    /// <summary>Has a port told of events, on the driver's thread, until what it returns is disposed.</summary>
    internal IDisposable Follow(Action<AbiEvent> onEvent)
    {
        lock (_lock)
            _followers = [.. _followers, onEvent];
        return new Following(this, onEvent);
    }

    private void Listen()
    {
        try
        {
            while (_device.WaitForEvent(out var happened))
            {
                foreach (var follower in Volatile.Read(ref _followers))
                    follower(happened);
            }
            _completion.TrySetResult();
        }
        catch (IOException fault)
        {
            _completion.TrySetException(fault);
        }
    }

    private sealed class Following(FilterDriver owner, Action<AbiEvent> onEvent) : IDisposable
    {
        public void Dispose()
        {
            lock (owner._lock)
                owner._followers = [.. owner._followers.Where(one => one != onEvent)];
        }
    }
}
