using IpVlanWin.HostNetwork;

namespace IpVlanWin.Datapath;

/// <summary>What a port has on the host, for data paths that put stand-ins there.</summary>
/// <param name="host">The host.</param>
/// <param name="journal">Where it is written down.</param>
/// <param name="port">The port's master, as the desired state names it.</param>
/// <param name="onEvent">Told what happens to it.</param>
internal sealed class PortOnHost(IStandInHost host, IHostJournal journal, string port, Action<HostEvent>? onEvent)
{
    /// <summary>The master; to be written down with what else there is.</summary>
    /// <exception cref="IOException">It is not there, or can be none.</exception>
    public HostLink FindMaster(string identity)
    {
        var link = host.FindLink(identity) ?? throw new IOException($"the master of {port} is not there");
        return host.MasterRefusal(link) is { } refusal ? throw new IOException(refusal) : link;
    }

    /// <summary>Things that are written down, of one kind.</summary>
    public List<HostThing> Things(string prefix) =>
        [.. journal.List().Where(thing => thing.Port == port && thing.Key.StartsWith(prefix, StringComparison.Ordinal))];

    /// <summary>Undoes a thing; what cannot be undone stays written down for the next time.</summary>
    public void UndoOrKeep(HostThing thing) => Guard(() =>
    {
        HostMarks.Undo(host, thing);
        journal.CrossOut([thing]);
    });

    /// <summary>What the host refuses is told.</summary>
    public void Guard(Action body)
    {
        try
        {
            body();
        }
        catch (HostNetworkException refused)
        {
            Tell("host-refused", refused.Message, port);
        }
    }

    public void Tell(string name, string text, string subject, string before = "", string after = "") => onEvent?.Invoke(new HostEvent(name, text, subject, before, after));
}
