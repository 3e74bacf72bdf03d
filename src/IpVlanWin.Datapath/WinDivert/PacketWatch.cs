using IpVlanWin.Devices.Decorators;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Datapath.WinDivert;

/// <summary>
/// Shows decided packets to whoever captures, as frames: WinDivert has no Ethernet headers, so they are made up, with the port's MAC where an
/// interface is and zeros for the wire. Used under the decision lock, and only while somebody captures.
/// </summary>
internal sealed class PacketWatch(Port port, IReadOnlyList<IFrameWatch> watches)
{
    private const int MacBytes = 6, HeaderBytes = 14;

    private readonly byte[] _frame = new byte[HeaderBytes + ushort.MaxValue + 64];

    public void Tell(ReadOnlySpan<byte> packet, Decision decision)
    {
        if (packet.Length < 20 || packet.Length + HeaderBytes > _frame.Length)
            return;
        var isSix = packet[0] >> 4 == 6;
        if (isSix && packet.Length < 40)
            return;
        var source = port.OwnerOf(isSix ? L3Address.ReadSix(packet[8..]) : L3Address.ReadFour(packet[12..]));
        var target = port.OwnerOf(isSix ? L3Address.ReadSix(packet[24..]) : L3Address.ReadFour(packet[16..]));
        var frame = Frame(packet, isSix, toUs: target is not null, fromUs: source is not null);
        // From an interface, or from the wire.
        foreach (var watch in watches)
            watch.Arrived(source, frame, default, decision.Reason);
        if (decision.Action is DecisionAction.Deliver or DecisionAction.Wire)
        {
            foreach (var watch in watches)
                watch.Left(decision.Action == DecisionAction.Deliver ? target : null, frame, default, DropReason.None);
        }
        foreach (var watch in watches)
            watch.EndBatch();
    }

    private ReadOnlySpan<byte> Frame(ReadOnlySpan<byte> packet, bool isSix, bool toUs, bool fromUs)
    {
        var mac = port.Snapshot.Mac;
        _frame.AsSpan(0, 2 * MacBytes).Clear();
        if (toUs)
            mac.Write(_frame);
        if (fromUs)
            mac.Write(_frame.AsSpan(MacBytes));
        (_frame[12], _frame[13]) = isSix ? ((byte)0x86, (byte)0xdd) : ((byte)0x08, (byte)0x00);
        packet.CopyTo(_frame.AsSpan(HeaderBytes));
        return _frame.AsSpan(0, HeaderBytes + packet.Length);
    }
}
