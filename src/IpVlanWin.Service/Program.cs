using System.Runtime.InteropServices;
using IpVlanWin.Protocol;
using IpVlanWin.Service;
using IpVlanWin.Service.Control;
using IpVlanWin.Service.Reconcile;
using IpVlanWin.Service.State;

const string Usage = "usage: ipvlansvc [--state FOLDER] [--pipe NAME] [--datapath linux|memory] [--reader-group GROUP]";

string? folder = null, pipeName = null, readerGroup = null;
var datapath = Host.DefaultDatapath;
for (var i = 0; i < args.Length; i += 2)
{
    if (args[i] is "--help" or "-h")
    {
        Console.WriteLine(Usage);
        return 0;
    }
    var value = i + 1 < args.Length ? args[i + 1] : null;
    switch (args[i])
    {
        case "--state" when value is { Length: > 0 }:
            folder = Path.GetFullPath(value);
            break;
        case "--pipe" when value is { Length: > 0 }:
            pipeName = value;
            break;
        case "--reader-group" when value is { Length: > 0 } && OperatingSystem.IsWindows():
            readerGroup = value;
            break;
        case "--datapath" when value == "memory" || (value == "linux" && OperatingSystem.IsLinux()):
            datapath = value;
            break;
        default:
            Console.Error.WriteLine($"ipvlansvc: \"{string.Join(' ', args[i..])}\" is not understood; {Usage}");
            return 1;
    }
}

var log = new ServiceLog(Console.Out);
var stop = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
try
{
    await using var service = ControlService.Start(folder ?? StateFolder.Default(), datapath, new ServerSettings { PipeName = pipeName ?? ControlEndpoint.Default, ReaderGroup = readerGroup }, log);
    await stop.Task.ConfigureAwait(false);
    log.Info("stopping", "asked to end");
    return 0;
}
catch (Exception fault) when (fault is StateException or ControlException or IOException or UnauthorizedAccessException)
{
    log.Error("not-started", fault.Message);
    Console.Error.WriteLine($"ipvlansvc: {fault.Message}");
    return 2;
}

void Stop(PosixSignalContext signal)
{
    signal.Cancel = true;
    stop.TrySetResult();
}
