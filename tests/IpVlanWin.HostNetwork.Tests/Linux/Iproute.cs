using System.ComponentModel;
using System.Diagnostics;

namespace IpVlanWin.HostNetwork.Tests.Linux;

/// <summary>The iproute2 tool, as an independent witness.</summary>
internal static class Iproute
{
    public static string Run(params string[] arguments)
    {
        var start = new ProcessStartInfo("ip", arguments) { RedirectStandardOutput = true };
        Process process;
        try
        {
            process = Process.Start(start)!;
        }
        catch (Win32Exception e)
        {
            Assert.Inconclusive($"needs iproute2's ip: {e.Message}");
            throw;
        }
        using (process)
        {
            var output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            Assert.AreEqual(0, process.ExitCode, $"ip {string.Join(' ', arguments)}");
            return output;
        }
    }
}
