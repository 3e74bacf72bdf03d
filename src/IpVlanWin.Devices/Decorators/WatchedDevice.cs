using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Devices.Decorators;

/// <summary>Tells a watch what is sent to a device. What comes from it is told by the pump, which knows what was decided. Owns nothing.</summary>
/// <param name="inner">The device.</param>
/// <param name="watch">Is told.</param>
/// <param name="at">Whose device it is; null for the wire's.</param>
internal sealed class WatchedDevice(IFrameDevice inner, IFrameWatch watch, VirtualInterface? at) : IFrameDevice
{
    public string Name => inner.Name;

    public OffloadKinds Accepts => inner.Accepts;

    public int PollDescriptor => inner.PollDescriptor;

    public void Receive(FrameBatch batch) => inner.Receive(batch);

    public SendResult Send(Span<byte> buffer, in FrameOffload offload)
    {
        var result = inner.Send(buffer, offload);
        watch.Left(at, buffer[FrameBatch.Headroom..], offload, result == SendResult.Sent ? DropReason.None : DropReason.DeviceQueueFull);
        return result;
    }

    public void Flush()
    {
        inner.Flush();
        watch.EndBatch();
    }

    public void Dispose()
    {
    }
}
