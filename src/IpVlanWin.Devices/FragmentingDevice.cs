using IpVlanWin.Engine.Routing;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Devices;

/// <summary>Sends to another device, IPv4 packets above an MTU in fragments (RFC 791 section 3.2). Receives nothing. Owns nothing.</summary>
internal sealed class FragmentingDevice(IFrameDevice inner) : IFrameDevice
{
    private byte[] _fragment = [];

    /// <summary>Most bytes of packet in a frame.</summary>
    public int IpMtu { get; set; }

    public string Name => inner.Name;

    /// <summary>Frames have to be finished before they are cut.</summary>
    public OffloadKinds Accepts => OffloadKinds.None;

    public int PollDescriptor => -1;

    public void Receive(FrameBatch batch)
    {
    }

    public SendResult Send(Span<byte> buffer, in FrameOffload offload)
    {
        var frame = buffer[FrameBatch.Headroom..];
        if (frame.Length <= EtherType.HeaderLength + IpMtu)
            return inner.Send(buffer, offload);
        if (!Fragmenter.TryStart(frame, IpMtu, out var fragmenter))
            return SendResult.Refused;
        if (_fragment.Length < FrameBatch.Headroom + EtherType.HeaderLength + IpMtu)
            _fragment = new byte[FrameBatch.Headroom + EtherType.HeaderLength + IpMtu];
        while (fragmenter.WriteNext(_fragment.AsSpan(FrameBatch.Headroom)) is > 0 and var length)
        {
            var result = inner.Send(_fragment.AsSpan(0, FrameBatch.Headroom + length), default);
            if (result != SendResult.Sent)
                return result;
        }
        return SendResult.Sent;
    }

    public void Flush() => inner.Flush();

    public void Dispose()
    {
    }
}
