using System.Diagnostics;
using System.Runtime.Versioning;
using IpVlanWin.Protocol;

namespace IpVlanWin.WinDivert.Tests.EndToEnd;

/// <summary>The real ipvlansvc with data path windivert, in the host's namespace of a bed, with a state folder of its own.</summary>
[SupportedOSPlatform("linux")]
internal sealed class RunningService(DivertBed bed, string folder, params string[] options)
    : ServiceProcess(arguments => Start(bed, arguments), folder, ["--datapath", "windivert", .. options])
{
    public static string NewFolder()
    {
        var folder = Path.Combine(Path.GetTempPath(), $"ipvlanwin-divert-{Environment.ProcessId}-{Guid.NewGuid():N}");
        Directory.CreateDirectory(folder);
        return folder;
    }

    /// <summary>Adds an interface that is up, and waits until its addresses are in use.</summary>
    public void Add(string name, string? space, string flag, params string[] addresses)
    {
        Client.AddInterfaceAsync(new InterfaceSpec { Master = "m0", Name = name, Namespace = space, Mode = "l3", Flag = flag, Admin = "up", Addresses = addresses }).Wait(Patience);
        WaitFor(() => IsInUse(name), $"{name} in use");
    }

    /// <summary>It is up, and its addresses are in use; one that is down has its addresses too, as on Linux.</summary>
    public bool IsInUse(string name) => Get(name) is { State: "up" } one && one.Addresses.All(static address => address.State == "preferred");

    public InterfaceRecord Get(string name) => Client.GetInterfaceAsync(name).Result;

    public void WaitForLog(string text) => WaitFor(() => Log.Contains(text, StringComparison.Ordinal), text);

    private static Process Start(DivertBed bed, string[] arguments)
    {
        var start = new ProcessStartInfo("nsenter", ["--net=" + bed.Host.Path, Programs.Dotnet, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["IPVLANWIN_WINDIVERT"] = Imitation.LibraryPath;
        start.Environment["DIVERT_BROKER"] = bed.Broker;
        return Process.Start(start)!;
    }
}

internal static class Names
{
    public static List<string> AllInterfaces(this ControlClient client) => client.ListInterfacesAsync(new ListQuery()).Result.Items.Select(static one => one.Name!).ToList();
}
