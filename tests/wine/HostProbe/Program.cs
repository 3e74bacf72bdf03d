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
    case ["proxy-add", var master, var address]:
        WindowsChecks.Proxy(checks, master, address, add: true);
        break;
    case ["proxy-remove", var master, var address]:
        WindowsChecks.Proxy(checks, master, address, add: false);
        break;
    case ["anycast", var master]:
        WindowsChecks.Anycast(checks, master);
        break;
    case ["anycast-add", var master, var address]:
        WindowsChecks.Anycast(checks, master, address, add: true);
        break;
    case ["anycast-remove", var master, var address]:
        WindowsChecks.Anycast(checks, master, address, add: false);
        break;
    case ["free", var master, var address]:
        WindowsChecks.Free(checks, master, address);
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
        Console.Error.WriteLine("usage: HostProbe wine|read|watch|loopback|vswitch|limit COUNT|proxy MASTER|proxy-add MASTER ADDRESS|proxy-remove MASTER ADDRESS|anycast MASTER|anycast-add MASTER ADDRESS|anycast-remove MASTER ADDRESS|free MASTER ADDRESS|bindings MASTER|compartments|keep NAME|clean");
        return 2;
}
return checks.Failed == 0 ? 0 : 1;
