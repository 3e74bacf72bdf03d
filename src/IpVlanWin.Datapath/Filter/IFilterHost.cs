using IpVlanWin.Engine.Wire;
using IpVlanWin.HostNetwork;

namespace IpVlanWin.Datapath.Filter;

/// <summary>An interface's adapter.</summary>
/// <param name="Luid">NET_LUID, by which the driver knows it.</param>
/// <param name="LinkIndex">The link's index; it may change when the system restarts.</param>
/// <param name="Tag">Its identity.</param>
public sealed record FilterStandIn(ulong Luid, int LinkIndex, Guid Tag);

/// <summary>
/// What a port of the filter needs of its host: adapters for interfaces, and what the host's own stack knows about the master's network.
/// Members may be called by any thread and throw <see cref="HostNetworkException"/> with the system's own code when it refuses.
/// </summary>
public interface IFilterHost : IDisposable
{
    /// <summary>The master's link.</summary>
    int MasterIndex { get; }

    /// <summary>Makes an interface's adapter, or finds the one that an earlier run left. When it fails, nothing is left of it.</summary>
    /// <param name="name">The interface's name.</param>
    /// <param name="namespaceName">Where its stack lives; null for the host's.</param>
    FilterStandIn Create(string name, string? namespaceName);

    /// <summary>Removes it, which takes its addresses with it; nothing when it is gone already.</summary>
    /// <param name="standIn">The adapter.</param>
    void Remove(FilterStandIn standIn);

    /// <summary>Gives it the interface's new name.</summary>
    /// <param name="standIn">The adapter.</param>
    /// <param name="name">The name.</param>
    void Rename(FilterStandIn standIn, string name);

    /// <summary>Sets the MTU of its stack.</summary>
    /// <param name="standIn">The adapter.</param>
    /// <param name="ipMtu">The largest IP packet in bytes.</param>
    void SetMtu(FilterStandIn standIn, int ipMtu);

    /// <summary>Gives its stack addresses.</summary>
    /// <param name="standIn">The adapter.</param>
    /// <param name="prefixes">The addresses, each with its prefix length.</param>
    void AddAddresses(FilterStandIn standIn, IReadOnlyCollection<L3Prefix> prefixes);

    /// <summary>Takes an address from its stack; nothing when it does not have it (any more).</summary>
    /// <param name="standIn">The adapter.</param>
    /// <param name="prefix">The address with its prefix length.</param>
    void RemoveAddress(FilterStandIn standIn, L3Prefix prefix);

    /// <summary>Asks for a neighbor of the master to be resolved and returns at once; the answer shows in what <see cref="Watch"/> tells.</summary>
    /// <param name="neighbor">Its address.</param>
    void Resolve(L3Address neighbor);

    /// <summary>Follows the host's network until what it returns is disposed; that waits for a call that runs.</summary>
    /// <param name="onChange">Told at once, and after each change, one call at a time: the host as it is then.</param>
    IDisposable Watch(Action<HostSnapshot> onChange);
}
