using System.Globalization;
using System.Text;
using IpVlanWin.Devices.Pcap;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Devices.Decorators;

/// <summary>
/// One line of text for each frame in and out of a device, as tcpdump writes them with -e. For debugging: lines cost allocations.
/// When the receiver of lines throws, the tracer keeps the exception and is silent from then on; frames go through all the same.
/// </summary>
public sealed class FrameTracer : IFrameDevice
{
    private readonly IFrameDevice _inner;
    private readonly Action<string> _line;
    private readonly Func<long> _clock;
    private readonly StringBuilder _text = new();

    /// <summary>Puts a tracer on a device, which it disposes.</summary>
    /// <param name="inner">The device.</param>
    /// <param name="line">Gets each line, without line end, on the pump's thread.</param>
    /// <param name="clock">Nanoseconds since 1970-01-01 UTC; the system's when null.</param>
    public FrameTracer(IFrameDevice inner, Action<string> line, Func<long>? clock = null)
    {
        _inner = inner;
        _line = line;
        _clock = clock ?? CaptureClock.UnixNanoseconds;
    }

    /// <inheritdoc/>
    public string Name => _inner.Name;

    /// <inheritdoc/>
    public OffloadKinds Accepts => _inner.Accepts;

    /// <inheritdoc/>
    public int PollDescriptor => _inner.PollDescriptor;

    /// <summary>What the receiver of lines threw; null while all is well.</summary>
    public Exception? Fault { get; private set; }

    /// <inheritdoc/>
    public void Receive(FrameBatch batch)
    {
        var first = batch.Count;
        _inner.Receive(batch);
        for (var i = first; i < batch.Count; i++)
            Trace("In ", batch.Frame(i), batch.Offload(i), SendResult.Sent);
    }

    /// <inheritdoc/>
    public SendResult Send(Span<byte> buffer, in FrameOffload offload)
    {
        var result = _inner.Send(buffer, offload);
        Trace("Out", buffer[FrameBatch.Headroom..], offload, result);
        return result;
    }

    /// <inheritdoc/>
    public void Flush() => _inner.Flush();

    /// <inheritdoc/>
    public void Dispose() => _inner.Dispose();

    private void Trace(string direction, ReadOnlySpan<byte> frame, in FrameOffload offload, SendResult result)
    {
        if (Fault is not null)
            return;
        _text.Clear();
        AppendTime(_clock());
        _text.Append(' ').Append(Name).Append(' ').Append(direction).Append(' ');
        FrameText.Append(_text, frame, offload);
        if (result != SendResult.Sent)
            _text.Append(result == SendResult.QueueFull ? " [not sent: queue full]" : " [not sent: refused]");
        try
        {
            _line(_text.ToString());
        }
        // Whatever the receiver of lines throws must not reach the pump.
        catch (Exception fault) when (fault is not OutOfMemoryException)
        {
            Fault = fault;
        }
    }

    private void AppendTime(long unixNanoseconds)
    {
        var (ticks, rest) = Math.DivRem(unixNanoseconds, TimeSpan.NanosecondsPerTick);
        _text.Append(CultureInfo.InvariantCulture, $"{DateTime.UnixEpoch.AddTicks(ticks):HH:mm:ss.fffffff}{Math.Abs(rest):00}");
    }
}
