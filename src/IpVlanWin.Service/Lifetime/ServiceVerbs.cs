using System.Runtime.Versioning;
using IpVlanWin.Service.Lifetime.Windows;
using IpVlanWin.Service.State;

namespace IpVlanWin.Service.Lifetime;

/// <summary>The verbs that do something to the installed service. `ipvlan service` and the installer call them.</summary>
internal static class ServiceVerbs
{
    /// <summary>Does one, says what was done or in one line why not.</summary>
    public static ExitStatus Run(CommandLine line, TextWriter output, TextWriter errors)
    {
        if (line.Verb == "clean-host")
            return HostCleaning.Run(line, output, errors) is var cleaned && Clean(line, output, errors) is var removed && cleaned != ExitStatus.Ok ? cleaned : removed;
        if (line.Verb == "safety-net")
            return SafetyNetProcess.Run(line, Console.In, output, errors);
        if (!OperatingSystem.IsWindows() && line.Verb is ("install-driver" or "remove-driver"))
        {
            errors.WriteLine($"ipvlansvc: \"{line.Verb}\" is for Windows; on Linux the data path linux needs no driver");
            return ExitStatus.Refused;
        }
        if (!OperatingSystem.IsWindows())
        {
            errors.WriteLine($"ipvlansvc: \"{line.Verb}\" is for the Windows service manager; on Linux \"ipvlan service {line.Verb}\" prints the systemd commands");
            return ExitStatus.Refused;
        }
        try
        {
            RunWindows(line, output);
            return ExitStatus.Ok;
        }
        catch (WindowsErrorException fault)
        {
            errors.WriteLine($"ipvlansvc: {fault.Message}");
        }
        catch (Exception fault) when (fault is UnauthorizedAccessException or System.Security.SecurityException)
        {
            errors.WriteLine($"ipvlansvc: cannot change the event source of {line.ServiceName}: {WindowsError.Name(WindowsError.AccessDenied)}; use an elevated prompt (Run as administrator)");
        }
        return ExitStatus.Refused;
    }

    /// <summary>What the removal of the product leaves behind on request: settings and state.</summary>
    private static ExitStatus Clean(CommandLine line, TextWriter output, TextWriter errors)
    {
        if (!line.RemovesData)
        {
            output.WriteLine($"settings and state are kept in {line.Folder}; remove them with: ipvlansvc clean-host --data remove");
            return ExitStatus.Ok;
        }
        try
        {
            if (StateFolder.Remove(line.Folder))
                output.WriteLine($"settings and state in {line.Folder} are removed");
            else
                output.WriteLine($"there is no {line.Folder}");
            return ExitStatus.Ok;
        }
        catch (StateException fault)
        {
            errors.WriteLine($"ipvlansvc: {fault.Message}");
            return ExitStatus.Refused;
        }
    }

    [SupportedOSPlatform("windows")]
    private static void RunWindows(CommandLine line, TextWriter output)
    {
        var name = line.ServiceName;
        var service = new InstalledService(name);
        switch (line.Verb)
        {
            case "install":
                TellUnknown(service.Install(Published(), line.RunArguments), output);
                output.WriteLine($"service {name} is installed; start it with: ipvlan service start");
                return;
            case "uninstall":
                output.WriteLine(service.Uninstall() ? $"service {name} is removed; its state is kept" : $"service {name} was not installed");
                return;
            case "start":
                service.Start();
                output.WriteLine($"service {name} runs");
                return;
            case "stop":
                output.WriteLine(service.Stop() ? $"service {name} has stopped" : $"service {name} did not run");
                return;
            case "repair":
                TellUnknown(service.Repair(Published()), output);
                output.WriteLine($"service {name} is as it should be, and runs");
                return;
            case "install-driver":
                output.WriteLine(new DriverPackage(new WindowsDriverSystem()).Install(line.DriverFolder)
                    ? "the filter driver is in, and works after the next restart" : "the filter driver is in");
                return;
            case "remove-driver":
                output.WriteLine(new DriverPackage(new WindowsDriverSystem()).Remove() switch
                {
                    null => "the filter driver was not in",
                    true => "the filter driver is out; its file goes with the next restart",
                    false => "the filter driver is out",
                });
                return;
            case "set-recovery":
                TellUnknown(service.SetRecovery(), output);
                output.WriteLine($"service {name} is restarted after failures");
                return;
            default:
                foreach (var (key, value) in service.Describe())
                    output.WriteLine($"{key}: {value}");
                return;
        }
    }

    /// <summary>This program, if it is one that the service manager can start.</summary>
    private static string Published()
    {
        var program = Environment.ProcessPath!;
        // "dotnet ipvlansvc.dll": the service manager would start dotnet without it.
        return Path.GetFileName(program).Equals("ipvlansvc.exe", StringComparison.OrdinalIgnoreCase)
            ? program : throw new WindowsErrorException($"cannot install {program}: it must be the published ipvlansvc.exe", 0, "");
    }

    private static void TellUnknown(IReadOnlyList<string> properties, TextWriter output)
    {
        if (properties.Count > 0)
            output.WriteLine($"warning: this system does not know: {string.Join(", ", properties)}");
    }
}
