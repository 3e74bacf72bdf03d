using IpVlanWin.Devices.Memory;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Tests.Oracle;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Devices.Tests;

/// <summary>A pump with memory devices at the wire, the host and every interface.</summary>
internal sealed class FramePumpBed : IPortUnderTest, IDisposable
{
    private const OffloadKinds All = OffloadKinds.Checksum | OffloadKinds.Tcp | OffloadKinds.Udp;

    private readonly Dictionary<VirtualInterface, MemoryDevice> _devices = [];
    private readonly bool _resolvesAtOnce;

    public FramePumpBed(Port port, int queueFrames = MemoryDevice.DefaultQueueFrames, OffloadKinds accepts = All, bool resolvesAtOnce = false)
    {
        Port = port;
        (QueueFrames, Accepts, _resolvesAtOnce) = (queueFrames, accepts, resolvesAtOnce);
        Wire = new MemoryDevice(NaiveCopy.Wire, accepts, queueFrames);
        Host = new MemoryDevice(NaiveCopy.Host, accepts, queueFrames);
        Pump = new FramePump(port, Wire, Host, Asked.Add);
        foreach (var member in port.Interfaces)
            Attached(member);
    }

    public Port Port { get; }

    public FramePump Pump { get; }

    public MemoryDevice Wire { get; }

    public MemoryDevice Host { get; }

    /// <summary>Next hops that the pump wants resolved, in order.</summary>
    public List<L3Address> Asked { get; } = [];

    public bool CanHoldSnapshot => false;

    public bool HoldsSnapshot { get; set; }

    private int QueueFrames { get; }

    private OffloadKinds Accepts { get; }

    public MemoryDevice this[VirtualInterface member] => _devices[member];

    public void Attached(VirtualInterface added)
    {
        _devices[added] = new MemoryDevice(added.Name, Accepts, QueueFrames);
        Pump.Attach(added, _devices[added]);
    }

    public void Detached(VirtualInterface removed)
    {
        Pump.Detach(removed);
        _devices.Remove(removed);
    }

    public static byte[] Buffer(byte[] frame) => [.. new byte[FrameBatch.Headroom], .. frame];

    public Decision Send(VirtualInterface? sender, byte[] frame, FrameOffload offload = default, TimeSpan now = default) => sender is null
        ? Pump.Receive(Buffer(frame), offload, now)
        : Pump.Transmit(sender, Buffer(frame), offload, now);

    public (Decision Decision, List<NaiveCopy> Copies) Inject(VirtualInterface? sender, ForgedFrame frame, TimeSpan now)
    {
        Pump.TakeSnapshot();
        Asked.Clear();
        var decision = Send(sender, frame.Bytes, frame.Offload, now);
        if (decision.Action is DecisionAction.FloodReceived or DecisionAction.FloodSent)
        {
            // In slices, so that they resume.
            while (Pump.Flood(1))
            {
            }
        }
        var copies = TakeAll();
        if (_resolvesAtOnce && decision.Action == DecisionAction.NeighborMissing)
        {
            var neighbor = Asked.Single();
            Pump.NeighborFound(neighbor, default);
            var bytes = new byte[neighbor.Bits / 8];
            neighbor.Write(bytes);
            copies.AddRange(TakeAll().Select(copy => copy with { Place = "missing " + Convert.ToHexString(bytes) }));
        }
        if (decision.Action == DecisionAction.RouteToHost)
            copies[0].Bytes.AsSpan(0, 12).Clear();
        return (decision, copies);
    }

    /// <summary>What all devices were sent, in order within each.</summary>
    public List<NaiveCopy> TakeAll()
    {
        List<NaiveCopy> copies = [];
        foreach (var device in _devices.Values.Prepend(Host).Prepend(Wire))
        {
            while (device.TryTake(out var frame, out _))
                copies.Add(new NaiveCopy(device.Name, frame.ToArray()));
        }
        return copies;
    }

    /// <summary>Places of all that was sent, sorted, with commas.</summary>
    public string Places() => string.Join(',', TakeAll().Select(copy => copy.Place).Order(StringComparer.Ordinal));

    public void Dispose()
    {
        Pump.Dispose();
        Wire.Dispose();
        Host.Dispose();
        foreach (var device in _devices.Values)
            device.Dispose();
    }
}
