using System.Runtime.Versioning;
using IpVlanWin.Datapath;
using IpVlanWin.Datapath.Linux;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.HostNetwork.Linux;

namespace IpVlanWin.Benchmarks.Lab;

/// <summary>Ours: the data path in a process of its own, as a user would run it, l2 and bridge; the wire is a veth.</summary>
/// <param name="withSpin">Spins before it blocks.</param>
[SupportedOSPlatform("linux")]
internal sealed class IpVlanWinVariant(bool withSpin) : Variant(withSpin ? "ipvlanwin+spin" : "ipvlanwin")
{
    /// <summary>The benchmark's own verb that runs the data path.</summary>
    public const string Verb = "lab-datapath";

    private const string WireLink = "wire";
    private const string HostLink = "eth0";
    private static readonly TimeSpan Spin = TimeSpan.FromMicroseconds(100);

    protected override void Build()
    {
        foreach (var place in (ReadOnlySpan<string>)["port", "host", "a", "b", "w"])
            AddPlace(place);
        Programs.Run($"ip netns exec {this["port"].Name} sysctl -q -w net.ipv6.conf.default.disable_ipv6=1");
        Ip("port", $"link add {WireLink} type veth peer name eth0 netns {this["w"].Name}");
        Ip("port", $"link set {WireLink} up");
        SetUp("w");
        var program = Keep([.. OwnProgram(), Verb, this["port"].Name!, this["host"].Name!, this["a"].Name!, this["b"].Name!, withSpin ? "spin" : "block"]);
        Await("the data path did not start", () => program.IsReady, program);
        SetUp("host", HostLink);
        SetUp("a", "ipvl-a");
        SetUp("b", "ipvl-b");
    }

    /// <summary>What runs in the other process: until its input ends.</summary>
    public static int Serve(string port, string host, string a, string b, bool withSpin)
    {
        using var wireNamespace = NetworkNamespace.Open(port);
        using var hostNamespace = NetworkNamespace.Open(host);
        using var datapath = new EngineDatapath(new LinuxPortSettings
        {
            MasterName = HostLink,
            HostNamespace = hostNamespace,
            WireNamespace = wireNamespace,
            WireLink = WireLink,
            Spin = withSpin ? Spin : TimeSpan.Zero,
        });
        foreach (var (name, networkNamespace) in (ReadOnlySpan<(string, string)>)[("ipvl-a", a), ("ipvl-b", b)])
        {
            if (datapath.AddInterface(new InterfaceSettings(name, networkNamespace, PortMode.L2, PortFlag.Bridge)) is not PortResult.Ok and var result)
                throw new BenchmarkException($"{name}: {result.ErrnoName()}");
        }
        Console.Out.WriteLine("ready");
        var ended = Task.WhenAny(Task.Run(Console.In.ReadToEnd), datapath.Completion).GetAwaiter().GetResult();
        if (ended.IsFaulted)
            throw new BenchmarkException(ended.Exception.InnerException!.Message, ended.Exception);
        return 0;
    }

    private static string[] OwnProgram()
    {
        var path = Environment.ProcessPath!;
        return System.IO.Path.GetFileNameWithoutExtension(path) == "dotnet" ? [path, typeof(IpVlanWinVariant).Assembly.Location] : [path];
    }
}
