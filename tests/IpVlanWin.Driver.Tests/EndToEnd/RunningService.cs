using System.Diagnostics;
using System.Runtime.Versioning;
using IpVlanWin.HostNetwork.Tests.Linux;
using IpVlanWin.WinDivert.Tests.EndToEnd;

namespace IpVlanWin.Driver.Tests.EndToEnd;

/// <summary>The real ipvlansvc with data path filter, in a namespace, over a driver that is played.</summary>
[SupportedOSPlatform("linux")]
internal sealed class RunningService(TestNamespace space, string folder, string socket)
    : ServiceProcess(arguments => Start(space, socket, arguments), folder, "--datapath", "filter")
{
    /// <summary>`ipvlan` with a line's words: its exit status and what it wrote.</summary>
    public (int Status, string Text) Ipvlan(string line)
    {
        using var output = new StringWriter();
        using var errors = new StringWriter();
        var status = Cli.Program.Run(line.Split(' '), errors, output, pipeName: Pipe);
        return (status, output.ToString() + errors);
    }

    /// <summary>The same, and it is done.</summary>
    public string Do(string line)
    {
        var (status, text) = Ipvlan(line);
        Assert.AreEqual(0, status, $"{line}: {text}{Log}");
        return text;
    }

    private static Process Start(TestNamespace space, string socket, string[] arguments)
    {
        var dotnet = Environment.ProcessPath!.EndsWith("dotnet", StringComparison.Ordinal) ? Environment.ProcessPath : "dotnet";
        var start = new ProcessStartInfo(dotnet, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["IPVLANWIN_FILTER"] = socket;
        return space.Namespace.Run(() => Process.Start(start)!);
    }
}
