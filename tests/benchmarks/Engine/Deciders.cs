using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Routing;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Benchmarks.Engine;

/// <summary>Decides on runs of batches. One loop over a batch in each, so that the variants differ in the decision alone.</summary>
internal abstract class Decider(string name)
{
    public string Name => name;

    /// <summary>Decides on batches from destination <paramref name="first"/> on, round and round.</summary>
    /// <param name="traffic">The frames.</param>
    /// <param name="first">A multiple of <see cref="Traffic.Batch"/>.</param>
    /// <param name="ticks">As many batches as there is room; filled with the time that each took.</param>
    /// <returns>Frames that were delivered or routed.</returns>
    public int Run(Traffic traffic, int first, Span<long> ticks)
    {
        var hits = 0;
        var before = Stopwatch.GetTimestamp();
        foreach (ref var taken in ticks)
        {
            traffic.Address(first);
            hits += Decide(traffic);
            first += Traffic.Batch;
            if (first == traffic.Count)
                first = 0;
            var after = Stopwatch.GetTimestamp();
            taken = after - before;
            before = after;
        }
        return hits;
    }

    protected abstract int Decide(Traffic traffic);
}

/// <summary>The port's own decisions, as the data path asks for them: where that pays with what was foreseen of the batch.</summary>
internal abstract class PortDecider() : Decider("ours")
{
    protected Foresight Foresight { get; } = new(Traffic.Batch);
}

/// <summary>The loop alone: writes the destinations and looks at the frames. Its time is taken off every other's.</summary>
internal sealed class NoDecider() : Decider("loop")
{
    protected override int Decide(Traffic traffic)
    {
        var hits = 0;
        var frames = traffic.Frames;
        for (var i = 0; i < Traffic.Batch; i++)
        {
            if (!frames[i].IsEmpty)
                hits++;
        }
        return hits;
    }
}

/// <summary>The port's own decision on frames from the wire.</summary>
internal sealed class ReceiveDecider(Port port) : PortDecider
{
    protected override int Decide(Traffic traffic)
    {
        var snapshot = port.Snapshot;
        return snapshot.Foresee(traffic.Frames, Foresight) ? Together(snapshot, traffic.Frames) : Alone(snapshot, traffic.Frames);
    }

    // Loops of their own: in one they would take each other's registers.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private int Together(PortSnapshot snapshot, Traffic.FrameList frames)
    {
        var hits = 0;
        var foreseen = Foresight.Frames;
        for (var i = 0; i < Traffic.Batch; i++)
        {
            if (snapshot.Receive(frames[i], default, foreseen[i]).Action == DecisionAction.Deliver)
                hits++;
        }
        return hits;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int Alone(PortSnapshot snapshot, Traffic.FrameList frames)
    {
        var hits = 0;
        for (var i = 0; i < Traffic.Batch; i++)
        {
            if (snapshot.Receive(frames[i], default).Action == DecisionAction.Deliver)
                hits++;
        }
        return hits;
    }
}

/// <summary>The port's own decision on frames that an interface sends.</summary>
internal sealed class TransmitDecider(Port port, VirtualInterface sender, DecisionAction expected) : PortDecider
{
    protected override int Decide(Traffic traffic)
    {
        var snapshot = port.Snapshot;
        return snapshot.Foresee(sender, traffic.Frames, Foresight) ? Together(snapshot, traffic.Frames) : Alone(snapshot, traffic.Frames);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private int Together(PortSnapshot snapshot, Traffic.FrameList frames)
    {
        var hits = 0;
        var foreseen = Foresight.Frames;
        NextHop hop = default;
        for (var i = 0; i < Traffic.Batch; i++)
        {
            if (snapshot.Transmit(sender, frames[i], default, TimeSpan.Zero, ref hop, foreseen[i]).Action == expected)
                hits++;
        }
        return hits;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private int Alone(PortSnapshot snapshot, Traffic.FrameList frames)
    {
        var hits = 0;
        NextHop hop = default;
        for (var i = 0; i < Traffic.Batch; i++)
        {
            if (snapshot.Transmit(sender, frames[i], default, TimeSpan.Zero, ref hop).Action == expected)
                hits++;
        }
        return hits;
    }
}

/// <summary>A map that a peer looks addresses up in.</summary>
internal interface IPeerMap
{
    bool TryFind(uint four, out PeerInterface found);

    bool TryFind(UInt128 six, out PeerInterface found);
}

/// <summary>What a peer counts on.</summary>
internal sealed class PeerInterface
{
    public bool IsUp { get; set; } = true;

    public long Packets { get; set; }

    public long ReceivedBytes { get; set; }
}

/// <summary>
/// The least that a decision can be: type, header, look up, up or not, count. No tags, ARP, modes, flags, multicast or MTU, so
/// a peer has less to do than the port.
/// </summary>
internal sealed class PeerDecider<TMap>(string name, TMap map) : Decider(name)
    where TMap : struct, IPeerMap
{
    protected override int Decide(Traffic traffic)
    {
        var hits = 0;
        var frames = traffic.Frames;
        for (var i = 0; i < Traffic.Batch; i++)
            hits += Decide(frames[i]) is null ? 0 : 1;
        return hits;
    }

    private PeerInterface? Decide(ReadOnlySpan<byte> frame)
    {
        if (frame.Length < EtherType.HeaderLength)
            return null;
        var packet = frame[EtherType.HeaderLength..];
        PeerInterface found;
        switch (BinaryPrimitives.ReadUInt16BigEndian(frame[12..]))
        {
            case EtherType.IPv4:
                if (packet.Length < 20 || packet[0] >> 4 != 4 || !map.TryFind(BinaryPrimitives.ReadUInt32BigEndian(packet[16..]), out found))
                    return null;
                break;
            case EtherType.IPv6:
                if (packet.Length < 40 || packet[0] >> 4 != 6 || !map.TryFind(BinaryPrimitives.ReadUInt128BigEndian(packet[24..]), out found))
                    return null;
                break;
            default:
                return null;
        }
        if (!found.IsUp)
            return null;
        found.Packets++;
        found.ReceivedBytes += frame.Length;
        return found;
    }
}

/// <summary>Read only: what a lookup costs where nothing may change meanwhile.</summary>
internal readonly struct DictionaryMap(Dictionary<uint, PeerInterface> four, Dictionary<UInt128, PeerInterface> six) : IPeerMap
{
    public bool TryFind(uint key, out PeerInterface found) => four.TryGetValue(key, out found!);

    public bool TryFind(UInt128 key, out PeerInterface found) => six.TryGetValue(key, out found!);
}

/// <summary>May change while it is read.</summary>
internal readonly struct ConcurrentMap(ConcurrentDictionary<uint, PeerInterface> four, ConcurrentDictionary<UInt128, PeerInterface> six) : IPeerMap
{
    public bool TryFind(uint key, out PeerInterface found) => four.TryGetValue(key, out found!);

    public bool TryFind(UInt128 key, out PeerInterface found) => six.TryGetValue(key, out found!);
}

/// <summary>Rebuilt whole for each change.</summary>
internal readonly struct FrozenMap(FrozenDictionary<uint, PeerInterface> four, FrozenDictionary<UInt128, PeerInterface> six) : IPeerMap
{
    public bool TryFind(uint key, out PeerInterface found) => four.TryGetValue(key, out found!);

    public bool TryFind(UInt128 key, out PeerInterface found) => six.TryGetValue(key, out found!);
}

/// <summary>The peers over the same addresses.</summary>
internal static class Peers
{
    public static Decider[] Build(bool isSix, int addresses)
    {
        var four = new Dictionary<uint, PeerInterface>();
        var six = new Dictionary<UInt128, PeerInterface>();
        var current = new PeerInterface();
        for (var number = 0; number < addresses; number++)
        {
            if (number % Plan.AddressesPerInterface == 0)
                current = new PeerInterface();
            var address = Plan.Address(isSix, number);
            if (isSix)
                six.Add(new UInt128(address.High, address.Low), current);
            else
                four.Add((uint)address.Low, current);
        }
        return
        [
            new PeerDecider<DictionaryMap>("Dictionary", new DictionaryMap(four, six)),
            new PeerDecider<ConcurrentMap>("ConcurrentDictionary", new ConcurrentMap(new(four), new(six))),
            new PeerDecider<FrozenMap>("FrozenDictionary", new FrozenMap(four.ToFrozenDictionary(), six.ToFrozenDictionary())),
        ];
    }
}
