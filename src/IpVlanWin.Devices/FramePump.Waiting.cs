using System.Buffers.Binary;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Routing;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Devices;

// Frames that could not go at once: flooded ones, those whose neighbor is asked for, and answers to those that are too big.
public sealed partial class FramePump
{
    /// <summary>Floods what is in the backlog, at most so many copies. Returns true where some is left.</summary>
    public bool Flood(int mostCopies)
    {
        TakeSnapshot();
        while (_backlog.Count > 0 && mostCopies > 0)
        {
            var buffer = _backlog.Buffer;
            if (_backlog.Cursor == 0)
                FloodOutside(buffer);
            while (mostCopies > 0)
            {
                var receiver = _snapshot.NextReceiver(buffer[FrameBatch.Headroom..], _backlog.Offload, _backlog.Sender, ref _backlog.Cursor);
                if (receiver is null)
                {
                    _backlog.RemoveFirst();
                    break;
                }
                Send(DeviceOf(receiver.Id), buffer, _backlog.Offload, receiver);
                mostCopies--;
            }
        }
        Flush();
        return _backlog.Count > 0;
    }

    /// <summary>A neighbor's MAC is known now: what waited for it goes out.</summary>
    public void NeighborFound(L3Address neighbor, MacAddress mac)
    {
        TakeSnapshot();
        foreach (var packet in _pending.Take(neighbor))
        {
            if (!_snapshot.IsUp)
            {
                _snapshot.CountDrop(DropReason.MasterDown, packet.Sender);
                continue;
            }
            var frame = packet.Buffer.AsSpan(FrameBatch.Headroom);
            mac.Write(frame);
            _snapshot.Mac.Write(frame[MacAddress.Bytes..]);
            SendRouted(packet.Buffer, packet.Offload, packet.NeedsFragmenting, packet.Sender);
        }
        Flush();
    }

    /// <summary>Drops what has waited too long for a neighbor.</summary>
    public void DropExpired(TimeSpan now)
    {
        foreach (var packet in _pending.TakeExpired(now))
            _snapshot.CountDrop(DropReason.NoRoute, packet.Sender);
    }

    /// <summary>The copy for the host or the wire.</summary>
    private void FloodOutside(Span<byte> buffer)
    {
        if (_backlog.Sender is null)
            Send(_host, buffer, _backlog.Offload, null);
        else if (_snapshot.IsUp)
            Send(_wire, buffer, _backlog.Offload, _backlog.Sender);
    }

    private void ReplyTooBig(VirtualInterface sender, Span<byte> buffer, TimeSpan now)
    {
        // The packet's family, not the next hop's: IPv4 may go by an IPv6 gateway (RFC 8950).
        var isSix = BinaryPrimitives.ReadUInt16BigEndian(buffer[(FrameBatch.Headroom + 12)..]) == EtherType.IPv6;
        if (now - TimeSpan.FromSeconds(1) >= _tooBigWindow)
            (_tooBigWindow, _tooBigReplies) = (now, 0);
        if (_tooBigReplies++ >= TooBigRepliesPerSecond || !_snapshot.TryPickHostAddress(isSix, out var from))
            return;
        var length = TooBigReply.Write(buffer[FrameBatch.Headroom..], from, _snapshot.Mac, _snapshot.IpMtu, _scratch.AsSpan(FrameBatch.Headroom));
        if (length > 0)
            Send(DeviceOf(sender.Id), _scratch.AsSpan(0, FrameBatch.Headroom + length), default, sender);
    }
}
