using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Routing;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Engine.Tests.Oracle;

/// <summary>Carries decisions out as a data path has to, on byte arrays.</summary>
public sealed class EngineAlone(Port port) : IPortUnderTest
{
    private PortSnapshot? _held;
    private int _turns;

    public Port Port { get; } = port;

    public bool CanHoldSnapshot => true;

    public bool HoldsSnapshot
    {
        get => _held is not null;
        set => _held = value ? Port.Snapshot : null;
    }

    public void Attached(VirtualInterface added)
    {
    }

    public void Detached(VirtualInterface removed)
    {
    }

    public (Decision Decision, List<NaiveCopy> Copies) Inject(VirtualInterface? sender, ForgedFrame frame, TimeSpan now)
    {
        List<NaiveCopy> copies = [];
        var bytes = (byte[])frame.Bytes.Clone();
        var snapshot = _held ?? Port.Snapshot;
        var hop = default(NextHop);
        // What is foreseen of it must not change a thing, whatever the frame.
        var foresight = new Foresight(1) { Turns = _turns++ % 3 };
        if (sender is null)
            snapshot.Foresee(new FrameArray([bytes]), foresight);
        else
            snapshot.Foresee(sender, new FrameArray([bytes]), foresight);
        var decision = sender is null
            ? snapshot.Receive(bytes, frame.Offload, foresight.Frames[0])
            : snapshot.Transmit(sender, bytes, frame.Offload, now, ref hop, foresight.Frames[0]);
        CollectionAssert.AreEqual(frame.Bytes, bytes, "deciding leaves the bytes alone");
        switch (decision.Action)
        {
            case DecisionAction.Drop:
                break;
            case DecisionAction.Host:
                Out(NaiveCopy.Host, bytes);
                break;
            case DecisionAction.Deliver:
                Out(snapshot.TargetOf(decision)!.Name, bytes);
                break;
            case DecisionAction.HostAndLocal:
                Out(NaiveCopy.Host, bytes);
                var tags = EtherType.TagBytes(bytes);
                Out(snapshot.TargetOf(decision)!.Name, [.. bytes[..12], .. bytes[(12 + tags)..(14 + tags + decision.PacketLength)]]);
                break;
            case DecisionAction.FloodReceived:
                Out(NaiveCopy.Host, bytes);
                Flood(null);
                break;
            case DecisionAction.FloodSent:
                if (snapshot.IsUp)
                    Out(NaiveCopy.Wire, bytes);
                Flood(sender);
                break;
            case DecisionAction.Wire:
                Out(NaiveCopy.Wire, bytes);
                break;
            case DecisionAction.Route:
                RoutedPacket.Rewrite(bytes, hop.Mac, snapshot.Mac);
                if (decision.NeedsFragmenting && frame.LongestSegment == bytes.Length)
                    Fragment(snapshot.IpMtu);
                else
                    Out(NaiveCopy.Wire, bytes);
                break;
            case DecisionAction.NeighborMissing:
                RoutedPacket.Rewrite(bytes, default, snapshot.Mac);
                var address = new byte[hop.Address.Bits / 8];
                hop.Address.Write(address);
                Out("missing " + Convert.ToHexString(address), bytes);
                break;
            case DecisionAction.RouteToHost:
                RoutedPacket.Rewrite(bytes, snapshot.Mac, snapshot.Mac);
                bytes.AsSpan(0, 12).Clear();
                Out(NaiveCopy.Host, bytes);
                break;
            default:
                Assert.Fail($"action {decision.Action}");
                break;
        }
        return (decision, copies);

        void Out(string place, byte[] copy) => copies.Add(new NaiveCopy(place, copy));

        void Flood(VirtualInterface? exclude)
        {
            var cursor = 0;
            while (snapshot.NextReceiver(bytes, frame.Offload, exclude, ref cursor) is { } receiver)
                Out(receiver.Name, bytes);
        }

        void Fragment(int ipMtu)
        {
            if (!Fragmenter.TryStart(bytes, ipMtu, out var fragmenter))
                return;
            var room = new byte[14 + ipMtu];
            while (fragmenter.WriteNext(room) is > 0 and var length)
                Out(NaiveCopy.Wire, room[..length]);
        }
    }
}
