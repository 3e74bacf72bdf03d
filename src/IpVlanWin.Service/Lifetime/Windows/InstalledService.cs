using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace IpVlanWin.Service.Lifetime.Windows;

/// <summary>The service as the service manager has it: install, remove, start, stop, ask. Every verb may be repeated.</summary>
[SupportedOSPlatform("windows")]
internal sealed unsafe class InstalledService(string name)
{
    private const string Description = "Keeps IpVlanWin's virtual network interfaces: many interfaces, each with its own addresses, that share the MAC address of one adapter.";

    // What the service needs of what LocalSystem has: to judge clients as themselves, and to load the drivers of its data paths.
    private static readonly string[] s_privileges = ["SeChangeNotifyPrivilege", "SeCreateGlobalPrivilege", "SeImpersonatePrivilege", "SeLoadDriverPrivilege"];

    private static readonly TimeSpan[] s_restarts = [TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(30)];
    private static readonly TimeSpan s_reset = TimeSpan.FromDays(1);

    // Ending is a matter of milliseconds; Windows' own default of 3 minutes would hold up a shutdown for a service that hangs.
    private static readonly TimeSpan s_preshutdown = TimeSpan.FromSeconds(10);

    private const string Program = ".exe";

    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_leastPatience = TimeSpan.FromSeconds(30);

    // Properties that were asked for and that this system does not know.
    private readonly List<string> _unknown = [];

    /// <summary>Creates the service, or sets it right where it is: own process, automatic start, LocalSystem, restarts after failures.</summary>
    /// <remarks>No dependencies: the reconciler converges whenever the network's own services come.</remarks>
    /// <returns>What of it this system has no notion of, in words: nothing on Windows 10 and later.</returns>
    /// <exception cref="WindowsErrorException">Refused.</exception>
    public IReadOnlyList<string> Install(string program, IReadOnlyList<string> arguments) => InstallAs(CommandLineText.Join(program, arguments));

    private List<string> InstallAs(string path)
    {
        _unknown.Clear();
        using (var manager = OpenManager(NativeMethods.SC_MANAGER_CONNECT | NativeMethods.SC_MANAGER_CREATE_SERVICE))
        {
            const uint Access = NativeMethods.SERVICE_CHANGE_CONFIG | NativeMethods.SERVICE_QUERY_CONFIG | NativeMethods.SERVICE_START;
            using var created = NativeMethods.CreateService(
                manager, name, name, Access, ScmStatus.OwnProcess, NativeMethods.SERVICE_AUTO_START, NativeMethods.SERVICE_ERROR_NORMAL, path, 0, 0, 0, 0, 0);
            if (!created.IsInvalid)
            {
                Configure(created);
            }
            else if (Marshal.GetLastPInvokeError() is var code and not WindowsError.ServiceExists)
            {
                throw WindowsError.Refusal(code, $"install service {name}");
            }
            else
            {
                using var present = Open(manager, Access);
                if (!NativeMethods.ChangeServiceConfig(
                    present, ScmStatus.OwnProcess, NativeMethods.SERVICE_AUTO_START, NativeMethods.SERVICE_ERROR_NORMAL, path, 0, 0, 0, 0, 0, name))
                {
                    throw Refusal("change");
                }
                Configure(present);
            }
        }
        EventSource.Register(name);
        return _unknown;
    }

    /// <summary>Stops and removes the service and its event source. False where there was none.</summary>
    /// <exception cref="WindowsErrorException">Refused.</exception>
    public bool Uninstall()
    {
        var wasThere = false;
        using (var manager = OpenManager(NativeMethods.SC_MANAGER_CONNECT))
        using (var service = NativeMethods.OpenService(manager, name, NativeMethods.SERVICE_STOP | NativeMethods.SERVICE_QUERY_STATUS | NativeMethods.DELETE))
        {
            if (!service.IsInvalid)
            {
                Stop(service);
                if (!NativeMethods.DeleteService(service) && Marshal.GetLastPInvokeError() is var code and not WindowsError.ServiceMarkedForDelete)
                    throw WindowsError.Refusal(code, $"remove service {name}");
                wasThere = true;
            }
            else if (Marshal.GetLastPInvokeError() is var refused and not WindowsError.ServiceDoesNotExist)
            {
                throw WindowsError.Refusal(refused, $"remove service {name}");
            }
        }
        EventSource.Remove(name);
        return wasThere;
    }

    /// <summary>
    /// Gives a service that an installer made what its tables cannot say: restarts after a failure, also where it ended by itself with an
    /// error; time at shutdown, SID, privileges; a quoted path.
    /// </summary>
    /// <returns>As <see cref="Install"/>.</returns>
    /// <exception cref="WindowsErrorException">Refused.</exception>
    public IReadOnlyList<string> SetRecovery()
    {
        _unknown.Clear();
        using var manager = OpenManager(NativeMethods.SC_MANAGER_CONNECT);
        // Whoever asks for restarts must be able to start it.
        using var service = Open(manager, NativeMethods.SERVICE_CHANGE_CONFIG | NativeMethods.SERVICE_QUERY_CONFIG | NativeMethods.SERVICE_START);
        Quote(service);
        Configure(service);
        return _unknown;
    }

    /// <summary>
    /// Makes it what an installation made it, whatever became of that: registered with this program, restarted after failures, running. The
    /// options that it was installed with stay.
    /// </summary>
    /// <returns>As <see cref="Install"/>.</returns>
    /// <exception cref="WindowsErrorException">Refused.</exception>
    public IReadOnlyList<string> Repair(string program)
    {
        var unknown = InstallAs(CommandLineText.Join(program, []) + KnownOptions());
        Start();
        return unknown;
    }

    /// <summary>Starts it and waits until it runs.</summary>
    /// <exception cref="WindowsErrorException">Refused, or it ended.</exception>
    public void Start()
    {
        using var manager = OpenManager(NativeMethods.SC_MANAGER_CONNECT);
        using var service = Open(manager, NativeMethods.SERVICE_START | NativeMethods.SERVICE_QUERY_STATUS);
        if (!NativeMethods.StartService(service, 0, 0) && Marshal.GetLastPInvokeError() is var code and not WindowsError.ServiceAlreadyRunning)
            throw WindowsError.Refusal(code, $"start service {name}");
        var status = Wait(service, ScmStatus.StartPending).Status;
        if (status.CurrentState == ScmStatus.Running)
            return;
        throw status.Win32ExitCode == WindowsError.ServiceSpecific
            ? new WindowsErrorException(
                $"service {name} did not start: {Explain((ExitStatus)status.ServiceSpecificExitCode)}; the Application event log says more",
                WindowsError.ServiceSpecific, WindowsError.Name(WindowsError.ServiceSpecific))
            : WindowsError.Refusal((int)status.Win32ExitCode, $"start service {name}");
    }

    /// <summary>Stops it and waits until its process reports the end. False where it did not run.</summary>
    /// <exception cref="WindowsErrorException">Refused.</exception>
    public bool Stop()
    {
        using var manager = OpenManager(NativeMethods.SC_MANAGER_CONNECT);
        using var service = Open(manager, NativeMethods.SERVICE_STOP | NativeMethods.SERVICE_QUERY_STATUS);
        return Stop(service);
    }

    /// <summary>All that the service manager knows of it, a line each.</summary>
    /// <exception cref="WindowsErrorException">Refused, or there is none.</exception>
    public IReadOnlyList<(string Key, string Value)> Describe()
    {
        using var manager = OpenManager(NativeMethods.SC_MANAGER_CONNECT);
        using var service = Open(manager, NativeMethods.SERVICE_QUERY_CONFIG | NativeMethods.SERVICE_QUERY_STATUS);
        var process = Query(service);
        var status = process.Status;
        var lines = new List<(string, string)>
        {
            ("service", name),
            ("state", status.CurrentState switch
            {
                ScmStatus.Stopped => "stopped", ScmStatus.StartPending => "start pending", ScmStatus.StopPending => "stop pending", ScmStatus.Running => "running",
                var other => $"state {other}",
            }),
            ("process", process.ProcessId.ToString(CultureInfo.InvariantCulture)),
            ("accepts", Accepted(status.ControlsAccepted)),
            ("exit code", status.Win32ExitCode == WindowsError.ServiceSpecific
                ? $"{status.ServiceSpecificExitCode} ({Explain((ExitStatus)status.ServiceSpecificExitCode)})"
                : status.Win32ExitCode == 0 ? "0" : $"{WindowsError.Name((int)status.Win32ExitCode)} ({status.Win32ExitCode})"),
        };
        DescribeConfiguration(service, lines);
        lines.Add(("event source", EventSource.IsRegistered(name) ? "registered" : "absent"));
        return lines;
    }

    internal static string Explain(ExitStatus status) => status switch
    {
        ExitStatus.Ok => "it ended as asked",
        ExitStatus.BadSettings => "its command line or settings file is wrong",
        ExitStatus.Refused => "its stored state cannot be used",
        ExitStatus.AddressTaken => "its pipe or metrics port is taken by another process",
        _ => "it failed",
    };

    private static string Accepted(uint controls) => string.Join(' ', new (uint Bit, string Word)[]
    {
        (ScmStatus.AcceptStop, "stop"), (ScmStatus.AcceptShutdown, "shutdown"), (ScmStatus.AcceptPreshutdown, "preshutdown"),
    }.Where(one => (controls & one.Bit) != 0).Select(static one => one.Word).DefaultIfEmpty("nothing"));

    private static ServiceHandle OpenManager(uint access)
    {
        var manager = NativeMethods.OpenServiceManager(0, 0, access);
        if (!manager.IsInvalid)
            return manager;
        var refusal = WindowsError.Refusal(Marshal.GetLastPInvokeError(), "open the service manager");
        manager.Dispose();
        throw refusal;
    }

    private ServiceHandle Open(ServiceHandle manager, uint access)
    {
        var service = NativeMethods.OpenService(manager, name, access);
        if (!service.IsInvalid)
            return service;
        var refusal = Refusal("open");
        service.Dispose();
        throw refusal;
    }

    private void Configure(ServiceHandle service)
    {
        fixed (char* text = Description)
        {
            var description = new ServiceText { Text = text };
            Set(service, NativeMethods.SERVICE_CONFIG_DESCRIPTION, "description", &description);
        }
        SetRecovery(service);
        var preshutdown = (uint)s_preshutdown.TotalMilliseconds;
        Set(service, NativeMethods.SERVICE_CONFIG_PRESHUTDOWN_INFO, "preshutdown time", &preshutdown);
        // So that a file or a firewall rule can name this service.
        var sid = NativeMethods.SERVICE_SID_TYPE_UNRESTRICTED;
        Set(service, NativeMethods.SERVICE_CONFIG_SERVICE_SID_INFO, "service SID", &sid);
        // A multi-string: each ends in a zero, and an empty one ends all.
        fixed (char* text = string.Join('\0', s_privileges) + "\0")
        {
            var privileges = new ServiceText { Text = text };
            Set(service, NativeMethods.SERVICE_CONFIG_REQUIRED_PRIVILEGES_INFO, "required privileges", &privileges);
        }
    }

    /// <summary>A blank in an unquoted path makes other programs of its first parts.</summary>
    private void Quote(ServiceHandle service)
    {
        var path = ProgramOf(service);
        var end = path.IndexOf(Program, StringComparison.OrdinalIgnoreCase);
        if (path.StartsWith('"') || end < 0 || !path[..end].Contains(' ', StringComparison.Ordinal))
            return;
        end += Program.Length;
        if (!NativeMethods.ChangeServiceConfig(
            service, NativeMethods.SERVICE_NO_CHANGE, NativeMethods.SERVICE_NO_CHANGE, NativeMethods.SERVICE_NO_CHANGE, $"\"{path[..end]}\"{path[end..]}", 0, 0, 0, 0, 0, name))
        {
            throw Refusal("change");
        }
    }

    private string ProgramOf(ServiceHandle service)
    {
        // The answer is at most 8 KiB long by its documentation.
        var buffer = stackalloc byte[8192];
        uint needed;
        return NativeMethods.QueryServiceConfig(service, (QueryServiceConfig*)buffer, 8192, &needed)
            ? new string(((QueryServiceConfig*)buffer)->BinaryPathName) : throw Refusal("ask for the configuration of");
    }

    /// <summary>What follows the program in a service that is there; empty where there is none.</summary>
    private string KnownOptions()
    {
        using var manager = OpenManager(NativeMethods.SC_MANAGER_CONNECT);
        using var service = NativeMethods.OpenService(manager, name, NativeMethods.SERVICE_QUERY_CONFIG);
        if (service.IsInvalid)
            return Marshal.GetLastPInvokeError() is var code and not WindowsError.ServiceDoesNotExist ? throw WindowsError.Refusal(code, $"ask for service {name}") : "";
        var path = ProgramOf(service);
        var end = path.IndexOf(Program, StringComparison.OrdinalIgnoreCase);
        return end < 0 ? "" : path[(end + Program.Length)..].TrimStart('"');
    }

    private void SetRecovery(ServiceHandle service)
    {
        var actions = stackalloc ServiceAction[s_restarts.Length];
        for (var i = 0; i < s_restarts.Length; i++)
            actions[i] = new ServiceAction { Type = NativeMethods.SC_ACTION_RESTART, DelayMilliseconds = (uint)s_restarts[i].TotalMilliseconds };
        var failure = new ServiceFailureActions { ResetPeriodSeconds = (uint)s_reset.TotalSeconds, Count = (uint)s_restarts.Length, Actions = actions };
        Set(service, NativeMethods.SERVICE_CONFIG_FAILURE_ACTIONS, "recovery", &failure);
        // Also where it stops by itself with an exit code, not only where its process dies.
        var alsoNonCrash = 1u;
        Set(service, NativeMethods.SERVICE_CONFIG_FAILURE_ACTIONS_FLAG, "recovery without a crash", &alsoNonCrash);
    }

    private void Set(ServiceHandle service, uint level, string what, void* info)
    {
        if (NativeMethods.ChangeServiceConfig2(service, level, info))
            return;
        var code = Marshal.GetLastPInvokeError();
        if (code != WindowsError.InvalidLevel)
            throw WindowsError.Refusal(code, $"set the {what} of service {name}");
        _unknown.Add(what);
    }

    private bool Stop(ServiceHandle service)
    {
        var status = default(ServiceStatus);
        if (!NativeMethods.ControlService(service, ScmStatus.ControlStop, &status))
        {
            var code = Marshal.GetLastPInvokeError();
            if (code == WindowsError.ServiceNotActive)
                return false;
            // Somebody else has asked already.
            if (Query(service).Status.CurrentState != ScmStatus.StopPending)
                throw WindowsError.Refusal(code, $"stop service {name}");
        }
        var after = Wait(service, ScmStatus.StopPending, ScmStatus.Running).Status;
        return after.CurrentState == ScmStatus.Stopped ? true : throw new WindowsErrorException(
            $"service {name} did not stop within its own time; end process {Query(service).ProcessId}", 1053, WindowsError.Name(1053));
    }

    /// <summary>Waits while it is in one of the states, as long as its check point grows in the time it says it needs.</summary>
    private ServiceStatusProcess Wait(ServiceHandle service, params ReadOnlySpan<uint> pending)
    {
        var since = Stopwatch.GetTimestamp();
        var checkPoint = uint.MaxValue;
        for (; ; )
        {
            var process = Query(service);
            var status = process.Status;
            if (!pending.Contains(status.CurrentState))
                return process;
            if (status.CheckPoint != checkPoint)
                (checkPoint, since) = (status.CheckPoint, Stopwatch.GetTimestamp());
            var hint = TimeSpan.FromMilliseconds(status.WaitHint);
            if (Stopwatch.GetElapsedTime(since) > (hint > s_leastPatience ? hint : s_leastPatience))
                return process;
            Thread.Sleep(s_poll);
        }
    }

    private ServiceStatusProcess Query(ServiceHandle service)
    {
        ServiceStatusProcess status;
        uint needed;
        return NativeMethods.QueryServiceStatus(service, NativeMethods.SC_STATUS_PROCESS_INFO, &status, (uint)sizeof(ServiceStatusProcess), &needed)
            ? status : throw Refusal("ask for the state of");
    }

    private void DescribeConfiguration(ServiceHandle service, List<(string, string)> lines)
    {
        // Both answers are at most 8 KiB long by their documentation.
        var buffer = stackalloc byte[8192];
        uint needed;
        if (!NativeMethods.QueryServiceConfig(service, (QueryServiceConfig*)buffer, 8192, &needed))
            throw Refusal("ask for the configuration of");
        var configuration = (QueryServiceConfig*)buffer;
        lines.Add(("start", configuration->StartType switch { 2 => "automatic", 3 => "manual", 4 => "disabled", var other => $"start type {other}" }));
        lines.Add(("account", new string(configuration->ServiceStartName)));
        lines.Add(("program", new string(configuration->BinaryPathName)));
        if (NativeMethods.QueryServiceConfig2(service, NativeMethods.SERVICE_CONFIG_FAILURE_ACTIONS, buffer, 8192, &needed))
        {
            var failure = (ServiceFailureActions*)buffer;
            lines.Add(("recovery", failure->Count == 0 ? "none" : string.Join(", ", Enumerable.Range(0, (int)failure->Count).Select(i => Word(failure->Actions[i]))) +
                string.Create(CultureInfo.InvariantCulture, $"; forgotten after {failure->ResetPeriodSeconds} s")));
        }
        else if (Marshal.GetLastPInvokeError() == WindowsError.InvalidLevel)
        {
            lines.Add(("recovery", "not known to this system"));
        }
        else
        {
            throw Refusal("ask for the recovery of");
        }
        if (!NativeMethods.QueryServiceConfig2(service, NativeMethods.SERVICE_CONFIG_PRESHUTDOWN_INFO, buffer, 8192, &needed))
            throw Refusal("ask for the preshutdown time of");
        lines.Add(("preshutdown", string.Create(CultureInfo.InvariantCulture, $"{TimeSpan.FromMilliseconds(*(uint*)buffer).TotalSeconds} s")));
    }

    private static string Word(ServiceAction action) => string.Create(
        CultureInfo.InvariantCulture, $"{(action.Type == NativeMethods.SC_ACTION_RESTART ? "restart" : $"action {action.Type}")} after {action.DelayMilliseconds / 1000.0} s");

    private WindowsErrorException Refusal(string verb) => WindowsError.Refusal(Marshal.GetLastPInvokeError(), $"{verb} service {name}");
}
