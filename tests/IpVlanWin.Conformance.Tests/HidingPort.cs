using IpVlanWin.Cli.Replay;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Conformance.Tests;

/// <summary>A port with a fault: some of what comes out is not seen.</summary>
internal sealed class HidingPort(IReplayPort inner, Predicate<(string Place, byte[] Frame)> hides) : IReplayPort
{
    public IReadOnlyList<ReplayInterface> Interfaces => inner.Interfaces;

    public IReadOnlyDictionary<string, long[]> Counters => inner.Counters;

    public PortAfter State => inner.State;

    public MacAddress Mac => inner.Mac;

    public IReadOnlyList<L3Address> MissingNeighbors => inner.MissingNeighbors;

    public SendError Inject(string place, byte[] frame) => inner.Inject(place, frame);

    public List<(string Place, byte[] Frame)> TakeFrames() => inner.TakeFrames().FindAll(copy => !hides(copy));

    public string Act(string kind, ActionArguments arguments) => inner.Act(kind, arguments);

    public void SetGroups(string name, IEnumerable<string> groups) => inner.SetGroups(name, groups);

    public void Dispose() => inner.Dispose();
}
