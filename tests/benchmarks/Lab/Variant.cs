using System.Runtime.Versioning;
using IpVlanWin.HostNetwork.Linux;

namespace IpVlanWin.Benchmarks.Lab;

/// <summary>
/// One way of connecting the namespaces a, b and w (the wire's side): a device in each, with addresses of one subnet. To add a variant, derive
/// from this and name it in <see cref="LabBenchmark.Variants"/>.
/// </summary>
[SupportedOSPlatform("linux")]
internal abstract class Variant(string name) : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    private readonly Dictionary<string, NetworkNamespace> _namespaces = [];
    private readonly Stack<IDisposable> _parts = new();
    private Places? _places;

    /// <summary>Name in the table; letters, digits and '+'.</summary>
    public string Name => name;

    /// <summary>Programs that it needs.</summary>
    public virtual IReadOnlyList<string> Needs => [];

    /// <summary>It can carry frames that way.</summary>
    public virtual bool Carries(string from, string to) => true;

    /// <summary>Namespace of a place.</summary>
    public NetworkNamespace this[string place] => _namespaces[place];

    /// <summary>The address of a place.</summary>
    public virtual string AddressOf(string place) => place switch
    {
        "a" => "10.0.0.1",
        "b" => "10.0.0.2",
        "w" => "10.0.0.3",
        _ => "10.0.0.9",
    };

    /// <summary>For its own files.</summary>
    protected string Folder => System.IO.Path.Combine(_places!.Folder, name);

    /// <summary>Builds it and waits until all reach all.</summary>
    /// <exception cref="BenchmarkException">It cannot be built; what was made goes with <see cref="Dispose"/>.</exception>
    public void Open(Places places)
    {
        if (Needs.FirstOrDefault(static program => Programs.Find(program) is null) is { } missing)
            throw new BenchmarkException($"{missing} is not installed");
        _places = places;
        Directory.CreateDirectory(Folder);
        Build();
        foreach (var (from, to) in (ReadOnlySpan<(string, string)>)[("a", "b"), ("a", "w"), ("w", "a")])
        {
            if (Carries(from, to))
                Reach(from, to);
        }
    }

    /// <summary>Ends what runs. The namespaces go with the run's places.</summary>
    public void Dispose()
    {
        while (_parts.TryPop(out var part))
            part.Dispose();
    }

    protected abstract void Build();

    protected NetworkNamespace AddPlace(string place) => _namespaces[place] = _places!.Create(name.Replace('+', '.'), place);

    /// <summary>Runs `ip` in a place.</summary>
    protected void Ip(string place, string arguments) => Programs.Run($"ip -n {this[place].Name} {arguments}");

    /// <summary>Runs a program in a place.</summary>
    protected void Exec(string place, string command) => Programs.Run($"ip netns exec {this[place].Name} {command}");

    /// <summary>Has a program run along.</summary>
    protected Daemon Keep(IReadOnlyList<string> command, IReadOnlyDictionary<string, string>? environment = null)
    {
        var daemon = Programs.StartDaemon(name, command, environment);
        _parts.Push(daemon);
        return daemon;
    }

    /// <summary>Waits for something that a program of this variant does.</summary>
    protected static void Await(string what, Func<bool> isSo, Daemon? daemon = null)
    {
        var until = DateTime.UtcNow + Patience;
        while (!isSo())
        {
            daemon?.RequireRunning();
            if (DateTime.UtcNow > until)
                throw new BenchmarkException($"{what} within {Patience.TotalSeconds:0} s");
            Thread.Sleep(10);
        }
    }

    /// <summary>Gives a device of a place its address and brings it up.</summary>
    protected void SetUp(string place, string device = "eth0")
    {
        Ip(place, $"addr add {AddressOf(place)}/24 dev {device}");
        Ip(place, $"link set dev {device} up");
    }

    /// <summary>A veth from a place, there eth0 and up with its address, to the middle, there up under the place's name.</summary>
    protected void Plug(string place, string middle)
    {
        Ip(place, $"link add eth0 type veth peer name {place} netns {this[middle].Name}");
        Ip(middle, $"link set dev {place} up");
        SetUp(place);
    }

    /// <summary>Moves a TAP that a program has open in the middle to a place, there eth0 and up with its address.</summary>
    protected void Move(string device, string middle, string place)
    {
        Ip(middle, $"link set dev {device} netns {this[place].Name} name eth0");
        SetUp(place);
    }

    /// <summary>Waits until a place reaches another.</summary>
    protected virtual void Reach(string from, string to)
    {
        Await($"{from} did not reach {to}", () =>
        {
            try
            {
                Exec(from, $"ping -c 1 -W 1 {AddressOf(to)}");
                return true;
            }
            catch (BenchmarkException)
            {
                return false;
            }
        });
    }
}

/// <summary>Nothing in between: a veth from a to b and another from a to w.</summary>
[SupportedOSPlatform("linux")]
internal sealed class VethVariant() : Variant("veth")
{
    protected override void Build()
    {
        foreach (var place in (ReadOnlySpan<string>)["a", "b", "w"])
            AddPlace(place);
        Ip("a", $"link add eth0 type veth peer name eth0 netns {this["b"].Name}");
        Ip("a", $"link add eth1 type veth peer name eth0 netns {this["w"].Name}");
        foreach (var place in (ReadOnlySpan<string>)["a", "b", "w"])
            SetUp(place);
        Ip("a", "link set eth1 up");
        Ip("a", $"route add {AddressOf("w")} dev eth1");
    }
}

/// <summary>The kernel's bridge with a veth to each.</summary>
[SupportedOSPlatform("linux")]
internal sealed class BridgeVariant() : Variant("bridge")
{
    protected override void Build()
    {
        AddPlace("port");
        Ip("port", "link add br0 type bridge");
        Ip("port", "link set br0 up");
        foreach (var place in (ReadOnlySpan<string>)["a", "b", "w"])
        {
            AddPlace(place);
            Plug(place, "port");
            Ip("port", $"link set dev {place} master br0");
        }
    }
}
