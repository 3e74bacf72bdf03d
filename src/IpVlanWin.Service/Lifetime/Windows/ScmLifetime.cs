using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace IpVlanWin.Service.Lifetime.Windows;

/// <summary>Started and ended by the Windows service manager.</summary>
[SupportedOSPlatform("windows")]
internal sealed unsafe class ScmLifetime : ILifetime
{
    // ServiceMain is given no argument of ours. One service a process, so one of these.
    private static ScmLifetime? s_only;

    private readonly TaskCompletionSource _stop = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly string _serviceName;
    private readonly Func<ILifetime, ExitStatus> _body;

    // Guards _status and _handle, and puts what is told in order.
    private readonly Lock _lock = new();
    private readonly ScmStatus _status = new();
    private nint _handle;
    private ExitStatus _exit = ExitStatus.Failed;

    private ScmLifetime(string serviceName, Func<ILifetime, ExitStatus> body) => (_serviceName, _body) = (serviceName, body);

    public Task StopAsked => _stop.Task;

    public TimeSpan? WatchdogPeriod => null;

    /// <summary>Runs the body as a service until it has ended.</summary>
    /// <param name="serviceName">The name it is installed under.</param>
    /// <param name="body">The service; called on a thread of the service manager's.</param>
    /// <returns>Null where the service manager did not start this process: nothing was run.</returns>
    /// <exception cref="WindowsErrorException">The service manager refuses.</exception>
    public static ExitStatus? TryRun(string serviceName, Func<ILifetime, ExitStatus> body)
    {
        s_only = new ScmLifetime(serviceName, body);
        fixed (char* name = serviceName)
        {
            var table = stackalloc ServiceTableEntry[2];
            (table[0], table[1]) = (new ServiceTableEntry { Name = name, Main = &ServiceMain }, default);
            if (!NativeMethods.StartServiceCtrlDispatcher(table))
            {
                var code = Marshal.GetLastPInvokeError();
                return code == WindowsError.FailedServiceControllerConnect ? null : throw WindowsError.Refusal(code, $"run as service {serviceName}");
            }
        }
        return s_only._exit;
    }

    public void Progress(TimeSpan patience)
    {
        lock (_lock)
        {
            if (_status.Progress(patience))
                Tell();
        }
    }

    public void Ready(string status)
    {
        lock (_lock)
        {
            if (_status.Run())
                Tell();
        }
    }

    public void Alive()
    {
    }

    public void Stopping()
    {
        lock (_lock)
        {
            if (_status.Stop())
                Tell();
        }
    }

    [UnmanagedCallersOnly]
    private static void ServiceMain(uint count, char** arguments) => s_only!.RunBody();

    [UnmanagedCallersOnly]
    private static uint Handle(uint control, uint eventType, nint eventData, nint context)
    {
        var answer = ScmStatus.Judge(control, out var isStop);
        if (isStop)
        {
            // Told at once, so that whoever asked sees it pending; the rest is done by the service's own thread.
            s_only!.Stopping();
            s_only._stop.TrySetResult();
        }
        return answer;
    }

    private void RunBody()
    {
        lock (_lock)
        {
            _handle = NativeMethods.RegisterServiceCtrlHandler(_serviceName, &Handle, 0);
            // Only a wrong name does that; nobody is there to be told.
            if (_handle == 0)
                return;
            Tell();
        }
        var exit = _body(this);
        lock (_lock)
        {
            _exit = exit;
            _status.End(exit);
            Tell();
        }
    }

    private void Tell()
    {
        var status = _status.Current;
        // It refuses what is malformed or comes after the end, and the states above are neither.
        if (!NativeMethods.SetServiceStatus(_handle, &status))
            throw WindowsError.Refusal(Marshal.GetLastPInvokeError(), $"report the state of service {_serviceName}");
    }
}
