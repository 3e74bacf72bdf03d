using System.Runtime.Versioning;
using HostProbe;

[assembly: SupportedOSPlatform("windows")]

if (!OperatingSystem.IsWindows())
{
    Console.Error.WriteLine("HostProbe: needs Windows or Wine");
    return 2;
}
var checks = new Checks();
switch (args)
{
    case ["wine"]:
        WineChecks.Run(checks);
        break;
    case ["read"]:
        WindowsChecks.Read(checks);
        break;
    case ["watch"]:
        WindowsChecks.Watch(checks);
        break;
    case ["loopback"]:
        StandInChecks.Loopback(checks);
        break;
    case ["vswitch"]:
        StandInChecks.VSwitch(checks);
        break;
    case ["limit", var text] when int.TryParse(text, out var count) && count > 0:
        StandInChecks.Limit(checks, count);
        break;
    case ["proxy", var master]:
        WindowsChecks.Proxy(checks, master);
        break;
    case ["bindings", var master]:
        WindowsChecks.Bindings(checks, master);
        break;
    case ["compartments"]:
        WindowsChecks.Compartments(checks);
        break;
    case ["keep", var name]:
        StandInChecks.Keep(checks, name);
        break;
    case ["clean"]:
        StandInChecks.Clean(checks);
        break;
    default:
        Console.Error.WriteLine("usage: HostProbe wine|read|watch|loopback|vswitch|limit COUNT|proxy MASTER|bindings MASTER|compartments|keep NAME|clean");
        return 2;
}
return checks.Failed == 0 ? 0 : 1;
