using IpVlanWin.Engine.Wire;
using IpVlanWin.HostNetwork;

namespace IpVlanWin.Datapath.Filter;

/// <summary>An interface's adapter.</summary>
/// <param name="Luid">NET_LUID, by which the driver knows it.</param>
/// <param name="LinkIndex">The index of its link on the host; of one in a container, of the stand-in that leads there. It may change when the system restarts.</param>
/// <param name="Tag">Its identity.</param>
public sealed record FilterStandIn(ulong Luid, int LinkIndex, Guid Tag);

/// <summary>What an interface's adapter is to be like.</summary>
/// <param name="Name">The interface's name.</param>
/// <param name="IpMtu">The largest IP packet in bytes.</param>
/// <param name="Addresses">Its addresses, and no others but link-local ones and those <see cref="Withheld"/>.</param>
/// <param name="IsAttached">The driver has it.</param>
public sealed record FilterWish(string Name, int IpMtu, IReadOnlyCollection<L3Prefix> Addresses, bool IsAttached)
{
    /// <summary>Addresses that are not to be put there (yet), and may be there from an earlier run.</summary>
    public IReadOnlyCollection<L3Prefix> Withheld { get; init; } = [];

    /// <summary>Its stack asks the wire for an address that is put there.</summary>
    public bool Asks { get; init; }

    /// <summary>It asks anew for those that somebody had.</summary>
    public bool AsksAgain { get; init; }
}

/// <summary>What an interface's adapter is like.</summary>
/// <param name="StandIn">The adapter, perhaps with another index.</param>
/// <param name="Asked">Addresses that its stack still asks the wire for.</param>
/// <param name="Taken">Addresses that somebody on the wire has, so that its stack does not use them.</param>
public sealed record FilterStack(FilterStandIn StandIn, IReadOnlyCollection<L3Address> Asked, IReadOnlyCollection<L3Address> Taken);

/// <summary>
/// What a port of the filter needs of its host: adapters for interfaces, and what the host's own stack knows about the master's network.
/// Members may be called by any thread and throw <see cref="HostNetworkException"/> with the system's own code when it refuses.
/// </summary>
public interface IFilterHost : IDisposable
{
    /// <summary>The master's link; 0 while it is not there.</summary>
    int MasterIndex { get; }

    /// <summary>For how many addresses the master's network can be asked at once; 0 where it cannot.</summary>
    int QuestionsAtOnce { get; }

    /// <summary>Makes an interface's adapter, or finds the one that an earlier run left. When it fails, nothing is left of it, unless it waits.</summary>
    /// <param name="name">The interface's name.</param>
    /// <param name="namespaceName">Where its stack lives; null for the host's.</param>
    /// <exception cref="NamespacePendingException">The namespace, or the container's end of what was made, is not there yet: to be called again, or <see cref="Abandon"/>.</exception>
    FilterStandIn Create(string name, string? namespaceName);

    /// <summary>Removes what <see cref="Create"/> made for an interface that waits, and is not wanted any more; nothing where none waits.</summary>
    /// <param name="name">The interface's name.</param>
    void Abandon(string name);

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

    /// <summary>Gives its stack addresses; those that it has (of an earlier run) stay. When it fails, none was added.</summary>
    /// <param name="standIn">The adapter.</param>
    /// <param name="prefixes">The addresses, each with its prefix length.</param>
    /// <param name="asks">Its stack is to ask the wire for them before it uses them.</param>
    /// <returns>Those that it asks for, which are not in use yet.</returns>
    IReadOnlyCollection<L3Address> AddAddresses(FilterStandIn standIn, IReadOnlyCollection<L3Prefix> prefixes, bool asks);

    /// <summary>What its stack has.</summary>
    /// <param name="standIn">The adapter.</param>
    IReadOnlyCollection<L3Address> AddressesOf(FilterStandIn standIn);

    /// <summary>Asks the master's network for addresses that are on no stack of ours, and waits.</summary>
    /// <param name="addresses">The addresses.</param>
    /// <param name="patience">How long an answer may take.</param>
    /// <param name="ending">Ends the wait.</param>
    /// <returns>Those that somebody has, with who that is.</returns>
    IReadOnlyDictionary<L3Address, string> FindOthers(IReadOnlyCollection<L3Address> addresses, TimeSpan patience, WaitHandle ending);

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

    /// <summary>Makes an adapter as it should be where something else changed it, and tells what that was.</summary>
    /// <param name="standIn">The adapter.</param>
    /// <param name="wish">What it is to be like.</param>
    /// <returns>What it is like now; null where there is none (any more): <see cref="Create"/> makes another.</returns>
    /// <exception cref="NamespacePendingException">The namespace is not there any more, or the adapter not in it: it waits.</exception>
    FilterStack? Mend(FilterStandIn standIn, FilterWish wish);

    /// <summary>Removes adapters that an earlier run left and nobody made again, or that could not be removed before.</summary>
    void Tidy();

    /// <summary>Looks after the master: tells when it went, came or was renamed, and binds the filter to it.</summary>
    /// <param name="isAttached">The driver has it.</param>
    /// <exception cref="IOException">Something else has taken the adapter, which cannot be a master any more.</exception>
    void FollowMaster(bool isAttached);
}
