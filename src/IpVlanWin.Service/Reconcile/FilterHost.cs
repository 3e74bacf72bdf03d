using IpVlanWin.Datapath;
using IpVlanWin.Datapath.Filter;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.HostNetwork;
using IpVlanWin.HostNetwork.Windows;
using IpVlanWin.Protocol;
using IpVlanWin.Service.State;

namespace IpVlanWin.Service.Reconcile;

/// <summary>
/// Data path filter on this host: on Windows the filter driver; on Linux, for the lab and for tests, one that somebody plays at the socket
/// that <see cref="SocketVariable"/> names. The driver is opened once for all ports, and anew where it went.
/// </summary>
internal sealed class FilterHost(DivertHost standIns) : IDisposable
{
    /// <summary>Environment variable: path of a socket at which a filter driver is played. Not heeded on Windows.</summary>
    public const string SocketVariable = "IPVLANWIN_FILTER";

    private readonly Lock _lock = new();
    private FilterDriver? _driver;
    private IFilterBindings? _played;
    private bool _hasSwept;

    /// <summary>Where what is put on the host is written down.</summary>
    private IHostJournal? Journal => standIns.Journal;

    /// <summary>The data path can be asked for on this system.</summary>
    public static bool IsPossible => OperatingSystem.IsWindows() || (OperatingSystem.IsLinux() && Environment.GetEnvironmentVariable(SocketVariable) is { Length: > 0 });

    /// <summary>The driver is there and speaks this version, so that auto may come to it. Asked anew each time.</summary>
    public bool IsUsable => IsPossible && Refusal(out _) is null;

    /// <exception cref="ControlException">mode-not-supported: with the reason, and the command that puts the driver in.</exception>
    public void RequireSupport(PortMode mode, PortFlag flag)
    {
        var can = Driver().Capabilities;
        if (can.Supports(mode) && can.Supports(flag))
            return;
        throw ErrorCode.ModeNotSupported.With("filter", $"{(can.Supports(mode) ? $"flag {flag.Word()}" : $"mode {mode.Word()}")} with driver {can.DriverVersion}",
            "the driver of this package (ipvlansvc install-driver)");
    }

    /// <exception cref="ControlException">master-not-found, master-not-ethernet, mode-not-supported, bad-argument.</exception>
    public MasterInfo FindMaster(string master)
    {
        var can = Driver().Capabilities;
        var info = standIns.FindMaster(master);
        return info with { Datapath = "filter", MaxInterfaces = Math.Min(info.MaxInterfaces, can.MaxInterfaces) };
    }

    /// <summary>Starts the data path of a port.</summary>
    public FilterDatapath Open(DesiredPort port, Action<HostEvent>? onEvent)
    {
        FindMaster(port.Master);
        RequireSupport(port.Mode, port.Flag);
        var driver = Driver();
        var host = DivertHost.OpenHost();
        FilterPortHost? portHost = null;
        try
        {
            var id = HostMarks.MasterOf(Journal!, port.Master) ?? host.IdOf(host.FindMaster(port.Master) ?? throw ErrorCode.MasterNotFound.With(port.Master));
            portHost = new FilterPortHost(new FilterPortHostSettings
            {
                PortName = port.Master, Host = host, Bindings = BindingsOf(host), MasterId = id, Journal = Journal!, OnEvent = onEvent,
            });
            return new FilterDatapath(new FilterPortSettings
            {
                Driver = driver, Host = portHost, MasterName = port.Master, MasterLuid = portHost.MasterLuid, Mode = port.Mode, Flag = port.Flag, OnEvent = onEvent,
            });
        }
        catch
        {
            host.Dispose();
            throw;
        }
    }

    /// <summary>The things that a port has on the host are this data path's.</summary>
    /// <param name="port">The port.</param>
    public bool Has(string port) => Journal is { } journal && FilterMarks.AreThere(journal, port);

    /// <summary>Undoes what the filter alone puts on the host; stand-ins are for <see cref="DivertHost.Sweep"/>. Null where there is nothing to look for.</summary>
    /// <param name="isKept">Whether a port's things stay.</param>
    /// <param name="full">Look also for what nobody wrote down, once in a run.</param>
    /// <param name="isUsed">It is what this service uses.</param>
    public (IReadOnlyList<string> Done, IReadOnlyList<string> Failures)? Sweep(Func<string, bool> isKept, bool full, bool isUsed)
    {
        if (Journal is not { } journal || !IsPossible)
            return null;
        var looksAtAll = full && isUsed && !_hasSwept;
        if (!looksAtAll && !FilterMarks.HasLeft(journal, isKept))
            return null;
        var (done, failures) = Clean(journal, isKept, looksAtAll);
        _hasSwept |= looksAtAll && failures.Count == 0;
        return (done, failures);
    }

    /// <summary>The same at once, of any journal.</summary>
    public (IReadOnlyList<string> Done, IReadOnlyList<string> Failures) Clean(IHostJournal journal, Func<string, bool> isKept, bool isThorough)
    {
        try
        {
            // Without a driver there is no port in it; its binding may be there still.
            Refusal(out var driver);
            using var host = DivertHost.OpenHost();
            return FilterMarks.Sweep(driver, host, BindingsOf(host), journal, isKept, isThorough);
        }
        catch (Exception refused) when (refused is HostNetworkException or IOException)
        {
            return ([], [refused.Message]);
        }
    }

    public void Dispose()
    {
        lock (_lock)
            _driver?.Dispose();
    }

    private FilterDriver Driver()
    {
        if (Refusal(out var driver) is not { } why)
            return driver!;
        throw ErrorCode.ModeNotSupported.With("filter", $"anything: {why}", OperatingSystem.IsWindows() ? "windivert" : "linux");
    }

    /// <summary>Null where the driver is open now; else why it is not.</summary>
    private string? Refusal(out FilterDriver? driver)
    {
        lock (_lock)
        {
            if (_driver is { Completion.IsCompleted: true })
            {
                _driver.Dispose();
                _driver = null;
            }
            try
            {
                _driver ??= OpenDriver();
                driver = _driver;
                return null;
            }
            catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
            {
                driver = null;
                return refused.Message;
            }
        }
    }

    private FilterDriver OpenDriver()
    {
        if (OperatingSystem.IsWindows())
            return FilterDriver.Open();
        return OperatingSystem.IsLinux() ? FilterDriver.OpenPlayed(Environment.GetEnvironmentVariable(SocketVariable)!, out _played) : throw new IOException("this system has no filter driver");
    }

    private IFilterBindings BindingsOf(IStandInHost host) =>
        host as WindowsStandInHost ?? _played ?? throw new IOException("the filter driver is not there, so it cannot be told to what it is bound");
}
