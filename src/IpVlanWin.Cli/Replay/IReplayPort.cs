using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Cli.Replay;

/// <summary>An interface as it is now.</summary>
/// <param name="Name">Its name.</param>
/// <param name="IsUp">Up.</param>
/// <param name="IpMtu">MTU in bytes of IP packet.</param>
/// <param name="IsPromiscuous">Promiscuous.</param>
/// <param name="IsAllMulticast">Receives all multicast.</param>
/// <param name="Addresses">ADDRESS/PREFIX.</param>
internal sealed record ReplayInterface(string Name, bool IsUp, int IpMtu, bool IsPromiscuous, bool IsAllMulticast, IReadOnlyList<string> Addresses);

/// <summary>A port that scenarios are replayed through: the engine's, or the driver's.</summary>
internal interface IReplayPort : IDisposable
{
    /// <summary>The interfaces, by name.</summary>
    IReadOnlyList<ReplayInterface> Interfaces { get; }

    /// <summary>The seven counters of every interface, in the order of <see cref="VectorReplay.CounterNames"/>.</summary>
    IReadOnlyDictionary<string, long[]> Counters { get; }

    /// <summary>The port as it is after an action.</summary>
    PortAfter State { get; }

    /// <summary>The MAC that all share.</summary>
    MacAddress Mac { get; }

    /// <summary>Next hops that the last injection found without a MAC.</summary>
    IReadOnlyList<L3Address> MissingNeighbors { get; }

    /// <summary>Injects a frame and floods what comes of it. The error that its sender is told.</summary>
    /// <exception cref="FormatException">There is no such place.</exception>
    SendError Inject(string place, byte[] frame);

    /// <summary>What came out since the last call, in order within each place.</summary>
    List<(string Place, byte[] Frame)> TakeFrames();

    /// <summary>Carries an action out (section 3) and names its result.</summary>
    /// <exception cref="FormatException">There is no such action, or an argument is missing or wrong.</exception>
    string Act(string kind, ActionArguments arguments);

    /// <summary>The stack of an interface says what groups it is in.</summary>
    void SetGroups(string name, IEnumerable<string> groups);
}
