using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Cli.Lab;

/// <summary>What came of a ping.</summary>
/// <param name="RoundTrip">From the request to its reply; null: not reached.</param>
internal readonly record struct PingResult(TimeSpan? RoundTrip)
{
    public bool IsReached => RoundTrip is not null;
}

/// <summary>How data is moved.</summary>
internal enum Transport
{
    /// <summary>RFC 9293.</summary>
    Tcp,

    /// <summary>RFC 768.</summary>
    Udp,
}

/// <summary>What came of moving data one way.</summary>
/// <param name="BytesReceived">Payload that arrived, in bytes; 0 where nothing did.</param>
/// <param name="Elapsed">Time it took.</param>
/// <param name="DatagramsSent">UDP only; else 0.</param>
/// <param name="DatagramsReceived">UDP only; else 0.</param>
internal readonly record struct TransferResult(long BytesReceived, TimeSpan Elapsed, long DatagramsSent = 0, long DatagramsReceived = 0)
{
    public double BitsPerSecond => Elapsed > TimeSpan.Zero ? BytesReceived * 8 / Elapsed.TotalSeconds : 0;
}

/// <summary>The seven counters of an interface at one moment (semantics section 7). Bytes count Ethernet headers.</summary>
internal sealed record InterfaceStatistics(
    string Name, long RxPackets, long RxBytes, long Multicast, long TxPackets, long TxBytes, long RxErrors, long TxDropped)
{
    public static InterfaceStatistics Of(VirtualInterface counted)
    {
        var counters = counted.Counters;
        return new InterfaceStatistics(
            counted.Name, counters.RxPackets, counters.RxBytes, counters.Multicast, counters.TxPackets, counters.TxBytes, counters.RxErrors, counters.TxDropped);
    }
}

/// <summary>What the port counted so far.</summary>
/// <param name="Interfaces">In the order of their numbers.</param>
/// <param name="Drops">Frames that went nowhere, of the whole port, reasons that occurred only (semantics 58).</param>
/// <param name="DamagedPackets">Packets that the stations' stacks threw away for a wrong checksum or length.</param>
internal sealed record LabStatistics(
    IReadOnlyList<InterfaceStatistics> Interfaces, IReadOnlyList<KeyValuePair<DropReason, long>> Drops, long DamagedPackets)
{
    public static LabStatistics Of(Port port, long damagedPackets)
    {
        var drops = new List<KeyValuePair<DropReason, long>>();
        foreach (var reason in Enum.GetValues<DropReason>())
        {
            if (port.Drops[reason] is > 0 and var count)
                drops.Add(new(reason, count));
        }
        return new LabStatistics([.. port.Interfaces.Select(InterfaceStatistics.Of)], drops, damagedPackets);
    }
}

/// <summary>
/// Where the lab takes place: a running port with stations around it, as <see cref="LabPlan"/> names and addresses them. Real
/// namespaces, or simulated hosts. Interfaces are up and answer before the bed is handed over; in l3 and l3s their stacks resolve no
/// neighbors and send everything to the interface, and the wire knows every interface's address by the master's MAC, as an operator
/// would set it. The host forwards nothing. Disposal ends and removes all of it, after a failure and half-way through too, and may
/// throw <see cref="IOException"/> where a capture file could not be finished.
/// Probes may be started side by side (the bed bounds how many run at once); nothing else happens beside a call to
/// <see cref="SetAsync"/>. Every task ends soon after its token is cancelled, with <see cref="OperationCanceledException"/>.
/// </summary>
internal interface ILabBed : IAsyncDisposable
{
    /// <summary>One line for the reader: what is real about it.</summary>
    string Description { get; }

    /// <summary>True where rates and times say nothing about a network.</summary>
    bool IsSimulated { get; }

    /// <summary>All stations, interfaces first; the off-link address last.</summary>
    IReadOnlyList<LabStation> Stations { get; }

    /// <summary>The master's MAC.</summary>
    MacAddress MasterMac { get; }

    /// <summary>
    /// Source MACs of all frames that left the master so far, as the wire saw them. The peer's own frames do not count.
    /// </summary>
    IReadOnlyCollection<MacAddress> WireSourceMacs { get; }

    /// <summary>Capture files under way, by path; empty without <c>--capture</c>.</summary>
    IReadOnlyList<string> CaptureFiles { get; }

    /// <summary>Commands, one a line, that lead a user into the stations; empty where there is nothing to enter.</summary>
    IReadOnlyList<string> EnterCommands { get; }

    /// <summary>
    /// Sets mode and flag of the running port, and what follows from the mode in the stacks (see above). Interfaces, addresses and
    /// counters stay. Done when the next frame is decided by the new ones.
    /// </summary>
    Task SetAsync(PortMode mode, PortFlag flag, CancellationToken cancellation);

    /// <summary>
    /// Sends echo requests (RFC 792, RFC 4443) from one station to another until one is answered. Not reached: at most three requests,
    /// and about a second and a half, without an answer; also where the sender's stack refuses to send (no route).
    /// </summary>
    Task<PingResult> PingAsync(LabStation from, LabStation to, bool isSix, CancellationToken cancellation);

    /// <summary>
    /// Sends one datagram to the mDNS group (224.0.0.251, ff02::fb, port 5353; RFC 6762), of which every station's stack is a member, and
    /// tells which others received it within half a second.
    /// </summary>
    Task<IReadOnlyCollection<LabStation>> ProbeMulticastAsync(LabStation from, bool isSix, CancellationToken cancellation);

    /// <summary>
    /// Moves data over IPv4 as fast as it goes for that long. Ends within two seconds more, with no bytes received where nothing
    /// arrives. Null where the bed has no such transport.
    /// </summary>
    Task<TransferResult?> TransferAsync(Transport transport, LabStation from, LabStation to, TimeSpan duration, CancellationToken cancellation);

    /// <summary>What the port counted so far. Any thread, at any time.</summary>
    LabStatistics ReadStatistics();
}
