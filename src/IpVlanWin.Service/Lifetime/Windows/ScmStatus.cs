namespace IpVlanWin.Service.Lifetime.Windows;

/// <summary>
/// What the service manager is told, step by step: SERVICE_START_PENDING, SERVICE_RUNNING, SERVICE_STOP_PENDING, SERVICE_STOPPED, each at
/// most once and never back; check points grow while one of the pending ones lasts. Pure; guarded by its owner.
/// </summary>
internal sealed class ScmStatus
{
    // winsvc.h
    public const uint OwnProcess = 0x10;
    public const uint Stopped = 1, StartPending = 2, StopPending = 3, Running = 4;
    public const uint AcceptStop = 1, AcceptShutdown = 4, AcceptPreshutdown = 0x100;
    public const uint ControlStop = 1, ControlInterrogate = 4, ControlShutdown = 5, ControlPreshutdown = 15;

    private const uint FirstHintMilliseconds = 20_000;

    private ServiceStatus _status = new() { ServiceType = OwnProcess, CurrentState = StartPending, CheckPoint = 1, WaitHint = FirstHintMilliseconds };

    /// <summary>What to tell.</summary>
    public ServiceStatus Current => _status;

    /// <summary>Starting or stopping goes on. False where neither is under way: there is nothing to tell.</summary>
    public bool Progress(TimeSpan patience)
    {
        if (_status.CurrentState is not (StartPending or StopPending))
            return false;
        _status.CheckPoint++;
        _status.WaitHint = (uint)patience.TotalMilliseconds;
        return true;
    }

    /// <summary>Started. False where it was asked to stop in the meantime.</summary>
    public bool Run()
    {
        if (_status.CurrentState != StartPending)
            return false;
        // Both shutdowns: preshutdown gives the time to end well, and where it is not sent the other one comes.
        _status = new ServiceStatus { ServiceType = OwnProcess, CurrentState = Running, ControlsAccepted = AcceptStop | AcceptShutdown | AcceptPreshutdown };
        return true;
    }

    /// <summary>Stopping has begun. False where it had already.</summary>
    public bool Stop()
    {
        if (_status.CurrentState is StopPending or Stopped)
            return false;
        _status = new ServiceStatus { ServiceType = OwnProcess, CurrentState = StopPending, CheckPoint = 1, WaitHint = FirstHintMilliseconds };
        return true;
    }

    /// <summary>The end. After it nothing may be told any more: the process may be gone.</summary>
    public void End(ExitStatus exit) => _status = new ServiceStatus
    {
        ServiceType = OwnProcess, CurrentState = Stopped,
        Win32ExitCode = exit == ExitStatus.Ok ? 0 : (uint)WindowsError.ServiceSpecific,
        ServiceSpecificExitCode = (uint)exit,
    };

    /// <summary>What a control code asks for and what is answered (HandlerEx).</summary>
    /// <param name="control">The code.</param>
    /// <param name="isStop">It asks to stop.</param>
    /// <returns>NO_ERROR or ERROR_CALL_NOT_IMPLEMENTED.</returns>
    public static uint Judge(uint control, out bool isStop)
    {
        isStop = control is ControlStop or ControlShutdown or ControlPreshutdown;
        return isStop || control == ControlInterrogate ? 0 : (uint)WindowsError.CallNotImplemented;
    }
}
