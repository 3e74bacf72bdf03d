using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Devices.Pcap;

/// <summary>
/// A device of capture files, for replay: it receives the frames of one file and records what is sent to it in another. Either may
/// be missing. Nothing here throws for a file's sake before <see cref="Dispose"/>: frames before a fault are delivered, then
/// <see cref="ReadFault"/> says what ended them, and a failed write refuses further frames and is kept in the writer.
/// </summary>
public sealed class PcapDevice : IFrameDevice
{
    private readonly CaptureReader? _source;
    private readonly CaptureWriter? _target;
    private readonly int _interface;
    private readonly Func<long> _clock;
    private readonly bool _leaveOutboundOut;
    private readonly FrameNote _sentNote;
    private long[] _times = [];
    private long _lastTime;

    /// <summary>Makes the device, which disposes its files.</summary>
    /// <param name="name">Name for people and of the interface in the written file.</param>
    /// <param name="source">Frames to receive.</param>
    /// <param name="target">Where sent frames go; the device adds its interface to it.</param>
    /// <param name="clock">Time of sent frames, in nanoseconds since 1970-01-01 UTC; the system's when null.</param>
    /// <param name="sent">How sent frames are marked: inbound where the file is to show what the far side of the device sees.</param>
    /// <param name="leaveOutboundOut">Do not receive frames that the file marks as sent by the captured interface.</param>
    /// <exception cref="CaptureFormatException">A classic file's link type is not Ethernet. The files stay open.</exception>
    /// <exception cref="InvalidOperationException">The written file has an interface and holds one only (classic pcap). The files stay open.</exception>
    public PcapDevice(
        string name, CaptureReader? source = null, CaptureWriter? target = null, Func<long>? clock = null,
        FrameDirection sent = FrameDirection.Outbound, bool leaveOutboundOut = false)
    {
        Name = name;
        _source = source;
        _target = target;
        _clock = clock ?? CaptureClock.UnixNanoseconds;
        _sentNote = new FrameNote(sent);
        _leaveOutboundOut = leaveOutboundOut;
        // A classic file says its link type in its header: no need to wait for the first frame.
        if (source is { Interfaces: [var only] } && only.LinkType != CaptureInterface.Ethernet)
            throw new CaptureFormatException(source.Name, "header", 0, WrongLinkType(only));
        _interface = target?.AddInterface(name) ?? 0;
        AtEnd = source is null;
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public OffloadKinds Accepts => OffloadKinds.None;

    /// <inheritdoc/>
    public int PollDescriptor => -1;

    /// <summary>No frame is left: the file ended, or <see cref="ReadFault"/> did.</summary>
    public bool AtEnd { get; private set; }

    /// <summary>What ended reading early: a <see cref="CaptureFormatException"/> or the stream's exception; null while all is well.</summary>
    public Exception? ReadFault { get; private set; }

    /// <summary>Why frames are refused; null while all is well.</summary>
    public Exception? WriteFault => _target?.Fault;

    /// <summary>Frames delivered.</summary>
    public long Received { get; private set; }

    /// <summary>Frames delivered that the capture had cut short.</summary>
    public long ReceivedCutShort { get; private set; }

    /// <summary>Frames passed over because they are above <see cref="FrameBatch.MaxFrameLength"/>.</summary>
    public long TooLong { get; private set; }

    /// <summary>Frames passed over because the file marks them outbound.</summary>
    public long LeftOut { get; private set; }

    /// <summary>Frames recorded.</summary>
    public long Sent { get; private set; }

    /// <summary>Frames lost in <see cref="Send"/>: no file to write, a failed write, or unfinished work.</summary>
    public long SendRefused { get; private set; }

    /// <summary>
    /// Time of a frame that the last <see cref="Receive"/> appended, in nanoseconds since 1970-01-01 UTC. A frame without time has
    /// that of the frame before it.
    /// </summary>
    /// <param name="batchIndex">The frame's place in the batch.</param>
    public long TimeOf(int batchIndex) => _times[batchIndex];

    /// <inheritdoc/>
    public void Receive(FrameBatch batch)
    {
        while (!AtEnd && !batch.IsFull)
        {
            try
            {
                if (!_source!.TryRead(out var frame))
                    AtEnd = true;
                else
                    Take(frame, batch);
            }
            catch (Exception fault) when (fault is CaptureFormatException or IOException or UnauthorizedAccessException)
            {
                ReadFault = fault;
                AtEnd = true;
            }
        }
    }

    /// <inheritdoc/>
    public SendResult Send(Span<byte> buffer, in FrameOffload offload)
    {
        if (_target is null || !offload.IsFinished || !_target.Write(_interface, _clock(), buffer[FrameBatch.Headroom..], _sentNote))
        {
            SendRefused++;
            return SendResult.Refused;
        }
        Sent++;
        return SendResult.Sent;
    }

    /// <inheritdoc/>
    /// <remarks>Ends a batch, not a file: what is buffered is written when the buffer is full, by <see cref="FlushToFile"/> and by <see cref="Dispose"/>.</remarks>
    public void Flush()
    {
    }

    /// <summary>Writes out what is buffered.</summary>
    /// <exception cref="IOException">This or an earlier write failed.</exception>
    public void FlushToFile() => _target?.Flush();

    /// <summary>Closes both files.</summary>
    /// <exception cref="IOException">A write failed and <see cref="FlushToFile"/> has not told yet.</exception>
    public void Dispose()
    {
        _source?.Dispose();
        _target?.Dispose();
    }

    private static string WrongLinkType(CaptureInterface found) =>
        $"link type {LinkTypes.Name(found.LinkType)} must be {LinkTypes.Name(CaptureInterface.Ethernet)}";

    private void Take(in CapturedFrame frame, FrameBatch batch)
    {
        if (frame.Interface.LinkType != CaptureInterface.Ethernet)
            throw new CaptureFormatException(_source!.Name, "packet", frame.Offset, WrongLinkType(frame.Interface));
        if (_leaveOutboundOut && frame.Direction == FrameDirection.Outbound)
        {
            LeftOut++;
            return;
        }
        if (frame.Bytes.Length > FrameBatch.MaxFrameLength)
        {
            TooLong++;
            return;
        }
        if (frame.OriginalLength > frame.Bytes.Length)
            ReceivedCutShort++;
        _lastTime = frame.UnixNanoseconds ?? _lastTime;
        if (_times.Length <= batch.Count)
            Array.Resize(ref _times, Math.Max(64, 2 * (batch.Count + 1)));
        _times[batch.Count] = _lastTime;
        batch.Append(frame.Bytes);
        Received++;
    }
}
