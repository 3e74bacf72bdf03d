using IpVlanWin.Devices.Decorators;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Tracing;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Datapath;

/// <summary>An interface to be made.</summary>
/// <param name="Name">Unique in the port.</param>
/// <param name="Namespace">Where its stack lives; null for the host's.</param>
/// <param name="Mode">Set for the whole port; null keeps the port's.</param>
/// <param name="Flag">Set for the whole port; null keeps the port's.</param>
public sealed record InterfaceSettings(string Name, string? Namespace = null, PortMode? Mode = null, PortFlag? Flag = null);

/// <summary>A port at one moment.</summary>
/// <param name="MasterName">The master's name.</param>
/// <param name="Mode">Mode of all its interfaces.</param>
/// <param name="Flag">Flag of all its interfaces.</param>
/// <param name="Mac">The MAC that all share.</param>
/// <param name="IpMtu">The master's MTU in bytes of IP packet.</param>
/// <param name="IsUp">The master is up.</param>
/// <param name="Addresses">The host's addresses on the master.</param>
/// <param name="Drops">Frames that went nowhere, by reason; reasons without any are left out.</param>
public sealed record PortStatus(
    string MasterName,
    PortMode Mode,
    PortFlag Flag,
    MacAddress Mac,
    int IpMtu,
    bool IsUp,
    IReadOnlyList<L3Prefix> Addresses,
    IReadOnlyDictionary<DropReason, long> Drops)
{
    /// <summary>Packets that were lost before the data path saw them, because the system's queue for it was full, at most; among <see cref="Drops"/> too.</summary>
    public long LostPackets { get; init; }
}

/// <summary>The seven counters at one moment (semantics section 7).</summary>
public readonly record struct CounterValues(
    long RxPackets, long RxBytes, long Multicast, long TxPackets, long TxBytes, long RxErrors, long TxDropped);

/// <summary>An interface at one moment.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Namespace">Where its stack lives; null for the host's.</param>
/// <param name="IsUp">Up.</param>
/// <param name="IpMtu">MTU in bytes of IP packet.</param>
/// <param name="Addresses">Its addresses.</param>
/// <param name="Refused">Addresses that its stack has and the port refused, because another interface has them.</param>
/// <param name="Counters">The seven counters.</param>
/// <param name="Drops">Frames that went nowhere, by reason; reasons without any are left out.</param>
public sealed record InterfaceStatus(
    string Name,
    string? Namespace,
    bool IsUp,
    int IpMtu,
    IReadOnlyList<L3Prefix> Addresses,
    IReadOnlyList<L3Prefix> Refused,
    CounterValues Counters,
    IReadOnlyDictionary<DropReason, long> Drops)
{
    /// <summary>The multicast groups it is a member of.</summary>
    public IReadOnlyList<MacAddress> Groups { get; init; } = [];

    /// <summary>Addresses that it was given and that are not in use, or not yet; those of <see cref="Refused"/> among them where somebody on the wire has them.</summary>
    public IReadOnlyList<L3Prefix> Pending { get; init; } = [];

    /// <summary>Why it is not as it should be although its changes were taken, in one sentence; or null.</summary>
    public string? Fault { get; init; }
}

/// <summary>An interface's namespace is not there yet: it waits, and nothing is wrong.</summary>
/// <param name="message">One sentence with what it waits for.</param>
public sealed class NamespacePendingException(string message) : IOException(message);

/// <summary>
/// What carries the frames of one port: the engine over devices in user mode, or the driver. Members may be called by any thread; a
/// change holds when its call returns, except where a data path gathers changes until <see cref="Commit"/>. A refusal is a <see cref="PortResult"/>; what the operating system refuses is thrown.
/// </summary>
public interface IDatapath : IDisposable
{
    /// <summary>linux, memory, windivert or filter.</summary>
    string Kind { get; }

    /// <summary>The port as it is.</summary>
    PortStatus Port { get; }

    /// <summary>Its interfaces, in order of creation.</summary>
    IReadOnlyList<InterfaceStatus> Interfaces { get; }

    /// <summary>Ends when the data path does; faulted where an error ended it.</summary>
    Task Completion { get; }

    /// <summary>Makes an interface: down and without addresses. EEXIST, EBUSY.</summary>
    /// <exception cref="HostNetwork.HostNetworkException">The namespace is not there, or the operating system refuses.</exception>
    /// <exception cref="NamespacePendingException">The namespace is not there yet.</exception>
    PortResult AddInterface(InterfaceSettings settings);

    /// <summary>Removes an interface. ENODEV.</summary>
    PortResult RemoveInterface(string name);

    /// <summary>Sets the mode of the running port; no interface and no frame that both modes carry is lost.</summary>
    PortResult SetMode(PortMode mode);

    /// <summary>Sets the flag of the running port.</summary>
    PortResult SetFlag(PortFlag flag);

    /// <summary>The interface of that name, or null.</summary>
    InterfaceStatus? Find(string name);

    /// <summary>Sets an interface up or down. ENODEV.</summary>
    /// <exception cref="HostNetwork.HostNetworkException">The operating system refuses.</exception>
    PortResult SetUp(string name, bool isUp);

    /// <summary>Sets an interface's MTU in bytes of IP packet (semantics 50). EINVAL, ENODEV.</summary>
    /// <exception cref="HostNetwork.HostNetworkException">The operating system refuses.</exception>
    PortResult SetMtu(string name, int ipMtu);

    /// <summary>Gives an interface an address (semantics 41). EADDRINUSE, EEXIST, ENODEV.</summary>
    /// <exception cref="HostNetwork.HostNetworkException">The operating system refuses.</exception>
    PortResult AddAddress(string name, L3Prefix prefix);

    /// <summary>Takes an address from an interface (semantics 43). EADDRNOTAVAIL, ENODEV.</summary>
    /// <exception cref="HostNetwork.HostNetworkException">The operating system refuses.</exception>
    PortResult RemoveAddress(string name, L3Prefix prefix);

    /// <summary>Joins a multicast group beside those of the interface's stack (semantics 52). ENODEV, ENOTSUP where the data path carries no multicast.</summary>
    /// <exception cref="HostNetwork.HostNetworkException">The operating system refuses.</exception>
    PortResult AddGroup(string name, MacAddress group) => PortResult.NotSupported;

    /// <summary>Leaves a multicast group that was joined by <see cref="AddGroup"/>. ENODEV, ENOENT, ENOTSUP.</summary>
    /// <exception cref="HostNetwork.HostNetworkException">The operating system refuses.</exception>
    PortResult RemoveGroup(string name, MacAddress group) => PortResult.NotSupported;

    /// <summary>Gives an interface another name. EEXIST, ENODEV.</summary>
    /// <exception cref="HostNetwork.HostNetworkException">The operating system refuses.</exception>
    PortResult Rename(string name, string newName);

    /// <summary>
    /// Moves an interface to another namespace. It stays the same interface with its counters; it is down there and without addresses, as on
    /// Linux, and no other interface notices. ENODEV, ENOTSUP where it has to be removed and added instead.
    /// </summary>
    /// <param name="name">The interface.</param>
    /// <param name="namespaceName">Where to; null for the host's.</param>
    /// <exception cref="HostNetwork.HostNetworkException">The namespace is not there, or has a link of that name; the interface is where it was.</exception>
    PortResult Move(string name, string? namespaceName) => PortResult.NotSupported;

    /// <summary>The changes of one pass have been made: a data path that gathers them carries them out now.</summary>
    void Commit()
    {
    }

    /// <summary>Records the port's frames, or one interface's, until what it returns is disposed. Null where there is no such interface.</summary>
    /// <param name="sink">Gets the frames and their reasons; stays the caller's.</param>
    /// <param name="name">The interface; null for all and the master.</param>
    /// <exception cref="NotSupportedException">This data path cannot.</exception>
    IDisposable? StartCapture(CaptureSink sink, string? name) => throw new NotSupportedException($"data path {Kind} cannot capture");

    /// <summary>What would become of a frame, and why; nothing is sent and no counter moves. Null where there is no such interface.</summary>
    /// <param name="sender">The interface that sends it; null for one that comes from the wire.</param>
    /// <param name="frame">The frame, finished.</param>
    /// <exception cref="NotSupportedException">This data path cannot.</exception>
    FrameTrace? Trace(string? sender, ReadOnlySpan<byte> frame) => throw new NotSupportedException($"data path {Kind} cannot trace");
}
