using IpVlanWin.Datapath.Linux;
using IpVlanWin.Devices.Decorators;
using IpVlanWin.Devices.Linux;
using IpVlanWin.Engine.Tracing;

namespace IpVlanWin.Datapath;

// Looking on: the pump shows its frames to whoever captures, and to nobody as long as nobody does.
public sealed partial class EngineDatapath
{
    // Guarded by _lock.
    private readonly List<PortCapture> _captures = [];

    /// <inheritdoc/>
    public IDisposable? StartCapture(CaptureSink sink, string? name)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            InterfaceSide? only = null;
            if (name is not null && !_sides.TryGetValue(name, out only))
                return null;
            var members = _sides.Values.OrderBy(static side => side.Interface.Id).Select(static side => side.Interface);
            var capture = new PortCapture(sink, _settings.WireLink, members, only?.Interface);
            _captures.Add(capture);
            Watch();
            return new CaptureEnd(this, capture);
        }
    }

    /// <inheritdoc/>
    public FrameTrace? Trace(string? sender, ReadOnlySpan<byte> frame)
    {
        if (sender is null)
            return FrameTrace.OfReceived(_port, frame);
        InterfaceSide? side;
        lock (_lock)
            _sides.TryGetValue(sender, out side);
        return side is null ? null : FrameTrace.OfSent(_port, side.Interface, frame, PumpThread.Now);
    }

    private void Watch()
    {
        IFrameWatch? watch = _captures.Count switch
        {
            0 => null,
            1 => _captures[0],
            _ => new FrameWatches([.. _captures]),
        };
        _pump.Post(pump => pump.Watch(watch));
    }

    private sealed class CaptureEnd(EngineDatapath owner, PortCapture capture) : IDisposable
    {
        public void Dispose()
        {
            lock (owner._lock)
            {
                if (owner._captures.Remove(capture) && !owner._isDisposed)
                    owner.Watch();
            }
        }
    }
}
