using System.Globalization;
using IpVlanWin.Datapath;
using IpVlanWin.Datapath.WinDivert;
using IpVlanWin.Devices.WinDivert;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Wire;
using IpVlanWin.HostNetwork;
using IpVlanWin.HostNetwork.Linux;
using IpVlanWin.HostNetwork.Windows;
using IpVlanWin.Protocol;
using IpVlanWin.Service.State;

namespace IpVlanWin.Service.Reconcile;

/// <summary>
/// Data path windivert on this host. On Windows it needs WinDivert's files beside the program; on Linux, for the lab and for tests, an
/// imitation of the library, which <see cref="LibraryVariable"/> names.
/// </summary>
internal sealed class DivertHost
{
    /// <summary>Environment variable: path of an imitation of WinDivert. Not heeded on Windows.</summary>
    public const string LibraryVariable = "IPVLANWIN_WINDIVERT";

    private const string LibraryFile = "WinDivert.dll";

    private bool _hasSwept;

    /// <summary>Where what is put on the host is written down.</summary>
    public IHostJournal? Journal { get; set; }

    /// <summary>The data path can be asked for on this system.</summary>
    public static bool IsPossible => OperatingSystem.IsWindows() || (OperatingSystem.IsLinux() && Environment.GetEnvironmentVariable(LibraryVariable) is { Length: > 0 });

    /// <summary>Its files are there, so that auto may come to it.</summary>
    public static bool IsInstalled => OperatingSystem.IsWindows() && File.Exists(Path.Combine(AppContext.BaseDirectory, LibraryFile));

    /// <summary>Opens this host's network.</summary>
    public static IStandInHost OpenHost()
    {
        if (OperatingSystem.IsWindows())
            return WindowsStandInHost.Open();
        if (!OperatingSystem.IsLinux())
            throw new PlatformNotSupportedException();
        UseLibrary();
        return LinuxStandInHost.Open();
    }

    /// <summary>Makes the imitation the library that is loaded.</summary>
    public static void UseLibrary()
    {
        if (!OperatingSystem.IsWindows())
            DivertLibrary.OverridePath = Environment.GetEnvironmentVariable(LibraryVariable);
    }

    /// <exception cref="ControlException">mode-not-supported.</exception>
    public static void RequireSupport(PortMode mode, PortFlag flag)
    {
        if (DivertSupport.Refusal(mode, flag) is null)
            return;
        throw mode == PortMode.L2
            ? ErrorCode.ModeNotSupported.With("windivert", "mode l2, because WinDivert sees IP packets and no frames", Others)
            : ErrorCode.ModeNotSupported.With("windivert", "flag vepa, because the host's stack moves packets between its own addresses itself", Others);
    }

    /// <exception cref="ControlException">master-not-found, master-not-ethernet, bad-argument.</exception>
    public MasterInfo FindMaster(string master)
    {
        using var host = OpenHost();
        var known = Journal is { } journal ? HostMarks.MasterOf(journal, master) : null;
        // Once a port is made, its master is known by its identity, whatever it is called now.
        var link = (known is null ? host.FindMaster(master) : host.FindLink(known)) ?? throw ErrorCode.MasterNotFound.With(master);
        if ((link.Flags & (LinkFlags.Loopback | LinkFlags.PointToPoint)) != 0 || link.Mac.GetAddressBytes().Length != MacAddress.Bytes)
            throw ErrorCode.MasterNotEthernet.With(master);
        if (host.MasterRefusal(link) is { } refusal)
            throw ErrorCode.BadArgument.With("master", $"an adapter of the host's own: {refusal}");
        return new MasterInfo(known is null ? link.Name : master, "windivert", link.IpMtu, DivertPortSettings.MaxInterfaces);
    }

    /// <summary>The name of an adapter that is told by its index or LUID; anything else, and that of an adapter that is not there, as it is.</summary>
    public static string NameOf(string master)
    {
        // Names of adapters seldom are numbers; a port that has it for a name is found before anybody asks here.
        if (!OperatingSystem.IsWindows() || !(char.IsAsciiDigit(master[0]) || master.StartsWith("luid:", StringComparison.OrdinalIgnoreCase)))
            return master;
        using var host = WindowsNetwork.Open();
        return host.FindAdapter(master.StartsWith("luid:", StringComparison.OrdinalIgnoreCase) ? master["luid:".Length..] : master)?.Alias ?? master;
    }

    /// <summary>Starts the data path of a port.</summary>
    public DivertDatapath Open(DesiredPort port, Action<HostEvent>? onEvent)
    {
        FindMaster(port.Master);
        var host = OpenHost();
        try
        {
            var id = HostMarks.MasterOf(Journal!, port.Master) ?? host.IdOf(host.FindMaster(port.Master) ?? throw ErrorCode.MasterNotFound.With(port.Master));
            return new DivertDatapath(new DivertPortSettings
            {
                PortName = port.Master,
                Host = host,
                MasterId = id,
                Journal = Journal!,
                Mode = port.Mode,
                Flag = port.Flag,
                OnEvent = onEvent,
                Traffic = new DivertSettings { StartSafetyNet = () => StartSafetyNet(id) },
            });
        }
        catch
        {
            host.Dispose();
            throw;
        }
    }

    /// <summary>Null where this data path has never been used here.</summary>
    /// <param name="isKept">Whether a port's things stay.</param>
    /// <param name="full">Look also for what nobody wrote down, once in a run.</param>
    /// <param name="isUsed">It is what this service uses.</param>
    public (IReadOnlyList<string> Done, IReadOnlyList<string> Failures)? Sweep(Func<string, bool> isKept, bool full, bool isUsed)
    {
        if (Journal is not { } journal || !(IsPossible || FilterHost.IsPossible))
            return null;
        var looksAtAll = full && isUsed && !_hasSwept;
        if (!looksAtAll && journal.List().All(thing => isKept(thing.Port)))
            return null;
        try
        {
            using var host = OpenHost();
            var swept = HostMarks.Sweep(host, journal, isKept);
            _hasSwept |= looksAtAll && swept.Failures.Count == 0;
            return swept;
        }
        catch (HostNetworkException refused)
        {
            return ([], [refused.Message]);
        }
    }

    private static string Others => OperatingSystem.IsLinux() ? "linux" : "filter";

    /// <summary>This program again, as the process that keeps a private port closed.</summary>
    private static SafetyNetLink StartSafetyNet(string masterId)
    {
        var program = Environment.ProcessPath!;
        string[] verb = ["safety-net", "--port", string.Create(CultureInfo.InvariantCulture, $"{Key(masterId)}")];
        var isHosted = Path.GetFileNameWithoutExtension(program).Equals("dotnet", StringComparison.OrdinalIgnoreCase);
        return isHosted ? SafetyNetLink.Start(program, ["exec", typeof(DivertHost).Assembly.Location, .. verb]) : SafetyNetLink.Start(program, verb);
    }

    /// <summary>On Linux an index is one namespace's own.</summary>
    private static string Key(string masterId) =>
        OperatingSystem.IsLinux() ? $"{File.ResolveLinkTarget("/proc/self/ns/net", returnFinalTarget: false)?.Name.Trim(['n', 'e', 't', ':', '[', ']'])}-{masterId}" : masterId;
}
