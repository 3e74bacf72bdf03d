using IpVlanWin.Devices.Pcap;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Devices.Decorators;

/// <summary>
/// Records every frame in and out of a device. A frame the device did not take is recorded with the reason as its comment. What the
/// sink could not take is told by the next recorded frame (epb_dropcount) and by <see cref="Dropped"/>.
/// </summary>
public sealed class PcapTap : IFrameDevice
{
    private readonly IFrameDevice _inner;
    private readonly CaptureSink _sink;
    private readonly Func<long> _clock;
    private readonly FrameDirection _received;
    private readonly FrameDirection _sent;
    private readonly int _interface;
    private long _droppedBefore;

    /// <summary>Puts a tap on a device, which it disposes; the sink, which taps share, it does not.</summary>
    /// <param name="inner">The device.</param>
    /// <param name="sink">Where frames are recorded, under the device's name.</param>
    /// <param name="received">How frames that the pump receives are marked; the sent ones get the opposite. For a device that
    /// belongs to an interface, outbound shows what the interface sees.</param>
    /// <param name="description">Description of the interface in the file.</param>
    /// <param name="clock">Nanoseconds since 1970-01-01 UTC; the system's when null.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="received"/> is neither inbound nor outbound.</exception>
    public PcapTap(
        IFrameDevice inner, CaptureSink sink, FrameDirection received = FrameDirection.Inbound, string? description = null,
        Func<long>? clock = null)
    {
        if (received is not (FrameDirection.Inbound or FrameDirection.Outbound))
            throw new ArgumentOutOfRangeException(nameof(received), received, "direction of received frames must be Inbound or Outbound");
        _inner = inner;
        _sink = sink;
        _clock = clock ?? CaptureClock.UnixNanoseconds;
        _received = received;
        _sent = received == FrameDirection.Inbound ? FrameDirection.Outbound : FrameDirection.Inbound;
        _interface = sink.AddInterface(inner.Name, description);
    }

    /// <inheritdoc/>
    public string Name => _inner.Name;

    /// <inheritdoc/>
    public OffloadKinds Accepts => _inner.Accepts;

    /// <inheritdoc/>
    public int PollDescriptor => _inner.PollDescriptor;

    /// <summary>Frames that went through and were not recorded.</summary>
    public long Dropped { get; private set; }

    /// <inheritdoc/>
    public void Receive(FrameBatch batch)
    {
        var first = batch.Count;
        _inner.Receive(batch);
        if (batch.Count == first)
            return;
        var time = _clock();
        for (var i = first; i < batch.Count; i++)
            Record(time, batch.Frame(i), new FrameNote(_received, batch.Offload(i), _droppedBefore));
        _sink.Wake();
    }

    /// <inheritdoc/>
    public SendResult Send(Span<byte> buffer, in FrameOffload offload)
    {
        var result = _inner.Send(buffer, offload);
        var reason = result switch
        {
            SendResult.Sent => null,
            SendResult.QueueFull => "not sent: queue full",
            _ => "not sent: refused",
        };
        Record(_clock(), buffer[FrameBatch.Headroom..], new FrameNote(_sent, offload, _droppedBefore, reason));
        return result;
    }

    /// <inheritdoc/>
    public void Flush()
    {
        _inner.Flush();
        _sink.Wake();
    }

    /// <inheritdoc/>
    public void Dispose() => _inner.Dispose();

    private void Record(long time, ReadOnlySpan<byte> frame, in FrameNote note)
    {
        if (_sink.TryWrite(_interface, time, frame, note))
        {
            _droppedBefore = 0;
        }
        else
        {
            _droppedBefore++;
            Dropped++;
        }
    }
}
