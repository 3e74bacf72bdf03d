using IpVlanWin.Protocol;

namespace IpVlanWin.PowerShell.Actions;

/// <summary>What every action works with. Refusals are <see cref="ControlException"/>s.</summary>
/// <param name="client">The way to the service.</param>
/// <param name="mayChange">Asked before each change, with its target and what is to be done to it.</param>
/// <param name="cancellation">The user wants to stop.</param>
internal sealed class ServiceLink(ControlClient client, Func<string, string, bool> mayChange, CancellationToken cancellation) : IDisposable
{
    public CancellationToken Cancellation => cancellation;

    public bool MayChange(string target, string action) => mayChange(target, action);

    /// <summary>Asks the service and waits. A pipeline's thread has no synchronization context that could be waited for.</summary>
    public T Ask<T>(Func<ControlClient, Task<T>> ask) => ask(client).GetAwaiter().GetResult();

    /// <summary>All pages of a list.</summary>
    public IReadOnlyList<T> All<T>(Func<ControlClient, Func<ListQuery, CancellationToken, Task<Page<T>>>> list, ListQuery query) =>
        Ask(asked => ControlClient.AllAsync(list(asked), query, cancellation));

    public void Dispose() => client.Dispose();
}
