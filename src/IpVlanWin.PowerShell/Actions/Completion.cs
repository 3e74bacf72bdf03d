using IpVlanWin.Protocol;

namespace IpVlanWin.PowerShell.Actions;

/// <summary>Names for completion, in order. Whoever waits for a key stroke does not wait for a service.</summary>
internal static class Completion
{
    /// <summary>How long connecting and answering may each take.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(400);

    /// <summary>Interfaces that begin with what is typed.</summary>
    /// <exception cref="ControlException">The service does not answer in time.</exception>
    public static IReadOnlyList<string> Interfaces(ControlClient client, string typed) =>
        Beginning(typed, Ask<InterfaceRecord>(client, static asked => asked.ListInterfacesAsync).Select(static one => one.Name));

    /// <summary>Masters of ports and adapters of this host that begin with what is typed.</summary>
    /// <exception cref="ControlException">The service does not answer in time.</exception>
    public static IReadOnlyList<string> Ports(ControlClient client, string typed) =>
        Beginning(typed, Ask<PortRecord>(client, static asked => asked.ListPortsAsync).Select(static one => one.Master));

    /// <summary>Adapters of this host that begin with what is typed; the service need not run.</summary>
    public static IReadOnlyList<string> Adapters(string typed) => Beginning(typed, Masters.Names());

    private static IReadOnlyList<T> Ask<T>(ControlClient client, Func<ControlClient, Func<ListQuery, CancellationToken, Task<Page<T>>>> list)
    {
        (client.ConnectTimeout, client.Timeout) = (Patience, Patience);
        // One page: nobody chooses from more.
        return list(client)(new ListQuery { Limit = 1000 }, CancellationToken.None).GetAwaiter().GetResult().Items;
    }

    private static IReadOnlyList<string> Beginning(string typed, IEnumerable<string> names) =>
        [.. names.Where(name => name.StartsWith(typed, StringComparison.OrdinalIgnoreCase))];
}
