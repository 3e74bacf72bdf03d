using System.Diagnostics;
using System.Runtime.Versioning;
using IpVlanWin.Datapath.WinDivert;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Wire;
using IpVlanWin.WinDivert.Tests.EndToEnd;

namespace IpVlanWin.WinDivert.Tests;

/// <summary>An engine in a process of its own, to be killed: loopback stand-ins, an interface an address.</summary>
[SupportedOSPlatform("linux")]
internal static class EngineProcess
{
    /// <summary>Returns once it diverts.</summary>
    public static Process Start(DivertBed bed, PortFlag flag)
    {
        var arrangement = bed.Arrangement;
        var process = Programs.Start("engine", bed.Broker, flag.Word(), $"{arrangement.MasterIndex}", $"{arrangement.LoopbackStandIns.First()}",
            string.Join(' ', arrangement.HostAddresses), string.Join(' ', arrangement.LocalAddresses), SafetyNetProcess.Marker(bed));
        Assert.AreEqual("ready", process.StandardOutput.ReadLine());
        return process;
    }

    public static int Run(string[] args)
    {
        if (args is not [var broker, var flagWord, var master, var standIn, var hostAddresses, var addresses, var marker] || !PortWords.TryParse(flagWord, out PortFlag flag))
            return 1;
        Imitation.Use(broker);
        var local = addresses.Split(' ');
        var port = DivertBed.MakePort(flag, [.. local.Select(static address => new[] { address })]);
        using var traffic = new DivertedTraffic(port, new DivertSettings { StartSafetyNet = () => SafetyNetProcess.Start(broker, marker) });
        traffic.Apply(new DivertArrangement
        {
            MasterIndex = uint.Parse(master),
            LoopbackStandIns = [uint.Parse(standIn)],
            HostAddresses = Array.ConvertAll(hostAddresses.Split(' '), L3Prefix.Parse),
            LocalAddresses = Array.ConvertAll(local, L3Address.Parse),
        });
        Console.WriteLine("ready");
        Console.In.ReadToEnd();
        return 0;
    }
}

/// <summary>The safety net's process. The addresses are "on the host" as long as a marker file is there.</summary>
[SupportedOSPlatform("linux")]
internal static class SafetyNetProcess
{
    public static string Marker(DivertBed bed) => bed.Broker["unix:".Length..] + ".marker";

    public static SafetyNetLink Start(DivertBed bed) => Start(bed.Broker, Marker(bed));

    public static SafetyNetLink Start(string broker, string marker) => SafetyNetLink.Start(Programs.Dotnet, Programs.Arguments("safety-net", broker, marker));

    public static int Run(string[] args)
    {
        if (args is not [var broker, var marker])
            return 1;
        Imitation.Use(broker);
        return SafetyNet.Run(Path.GetFileName(broker), Console.In, Console.Out, _ => File.Exists(marker), TimeSpan.FromMilliseconds(20));
    }
}

/// <summary>This assembly as a program.</summary>
internal static class Programs
{
    public static string Dotnet => Environment.ProcessPath!.EndsWith("dotnet", StringComparison.Ordinal) ? Environment.ProcessPath : "dotnet";

    public static IEnumerable<string> Arguments(params string[] arguments) => ["exec", typeof(Programs).Assembly.Location, .. arguments];

    public static Process Start(params string[] arguments) => Process.Start(new ProcessStartInfo(Dotnet, Arguments(arguments))
    {
        RedirectStandardInput = true,
        RedirectStandardOutput = true,
    })!;
}
