using IpVlanWin.Cli.Ip.Grammar;
using IpVlanWin.Cli.Ip.Output;
using IpVlanWin.Protocol;

namespace IpVlanWin.Cli.Ip.Verbs;

/// <summary>ipvlan monitor: shows what changes, until it is interrupted or the service ends.</summary>
internal static class MonitorVerbs
{
    public static async Task RunAsync(Words words, Session session)
    {
        var isAll = words.Has("all") || !(words.Has("link") || words.Has("address"));
        var output = new MonitorOutput(session, isAll || words.Has("link"), isAll || words.Has("address"), words.Has("label") || words.Has("all"));
        using var subscription = await session.Client.SubscribeAsync(new SubscribeSpec { Interfaces = true, Ports = true }).ConfigureAwait(false);
        // What changed meanwhile comes as an event too, and is no change then.
        await ListAsync(session, output).ConfigureAwait(false);
        output.IsQuiet = false;
        for (; ; )
        {
            switch (await subscription.ReadAsync().ConfigureAwait(false))
            {
                case InterfaceEvent { Change: ControlEvent.Removed } gone:
                    output.Remove(gone.Interface.Index);
                    break;
                case InterfaceEvent present:
                    output.Put(present.Interface);
                    break;
                case PortEvent { Change: not ControlEvent.Removed } port:
                    output.Put(port.Port);
                    break;
                case LostEvent:
                    await ListAsync(session, output).ConfigureAwait(false);
                    break;
            }
            await session.Output.FlushAsync().ConfigureAwait(false);
        }
    }

    private static async Task ListAsync(Session session, MonitorOutput output)
    {
        var query = new ListQuery { Limit = 1000 };
        foreach (var port in await ControlClient.AllAsync(session.Client.ListPortsAsync, query).ConfigureAwait(false))
            output.Put(port);
        var interfaces = await ControlClient.AllAsync(session.Client.ListInterfacesAsync, query).ConfigureAwait(false);
        output.Keep(interfaces.Select(static one => one.Index).ToHashSet());
        foreach (var one in interfaces)
            output.Put(one);
    }
}
