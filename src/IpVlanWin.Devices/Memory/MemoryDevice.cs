using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Devices.Memory;

/// <summary>
/// A device without an adapter: two bounded queues. The pump calls the members of <see cref="IFrameDevice"/>; a test or a simulated
/// host is the far side, with <see cref="Inject"/> and <see cref="TryTake(out ReadOnlySpan{byte}, out FrameOffload)"/>.
/// Each side may have a thread of its own, one at a time. A frame that finds its queue full is refused and counted; nothing
/// already queued is lost. Frames cost no allocation.
/// </summary>
public sealed class MemoryDevice : IFrameDevice
{
    /// <summary>Frames each queue holds unless told.</summary>
    public const int DefaultQueueFrames = 256;

    /// <summary>Bytes each queue holds unless told.</summary>
    public const int DefaultQueueBytes = 256 * 1024;

    /// <summary>Fewest bytes of a queue.</summary>
    public const int MinQueueBytes = FrameRing<FrameOffload>.MinBytes;

    private readonly FrameRing<FrameOffload> _toPump;
    private readonly FrameRing<FrameOffload> _toFarSide;
    private byte[] _taken = [];
    private volatile bool _gone;

    /// <summary>A device with empty queues.</summary>
    /// <param name="name">Name for people.</param>
    /// <param name="accepts">Unfinished work that <see cref="Send"/> takes; a frame that needs more is refused.</param>
    /// <param name="queueFrames">Bound of each queue in frames.</param>
    /// <param name="queueBytes">Bound of each queue in bytes, at least <see cref="MinQueueBytes"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">A bound is too small.</exception>
    public MemoryDevice(
        string name, OffloadKinds accepts = OffloadKinds.None, int queueFrames = DefaultQueueFrames, int queueBytes = DefaultQueueBytes)
    {
        Name = name;
        Accepts = accepts;
        _toPump = new FrameRing<FrameOffload>(queueFrames, queueBytes);
        _toFarSide = new FrameRing<FrameOffload>(queueFrames, queueBytes);
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public OffloadKinds Accepts { get; }

    /// <inheritdoc/>
    public int PollDescriptor => -1;

    /// <summary>Frames injected that the pump has not received yet.</summary>
    public int WaitingForPump => _toPump.Count;

    /// <summary>Frames sent that the far side has not taken yet.</summary>
    public int WaitingForFarSide => _toFarSide.Count;

    /// <summary>Frames lost in <see cref="Inject"/> because the queue to the pump was full.</summary>
    public long InjectQueueFull { get; private set; }

    /// <summary>Frames lost in <see cref="Inject"/> because they were too long or the device was disposed.</summary>
    public long InjectRefused { get; private set; }

    /// <summary>Frames lost in <see cref="Send"/> because the queue to the far side was full.</summary>
    public long SendQueueFull { get; private set; }

    /// <summary>Frames lost in <see cref="Send"/> because they were too long, needed work outside of <see cref="Accepts"/>, or the device was disposed.</summary>
    public long SendRefused { get; private set; }

    /// <inheritdoc/>
    public void Receive(FrameBatch batch)
    {
        while (!batch.IsFull && _toPump.TryPeek(out var frame, out var offload))
        {
            batch.Append(frame, offload);
            _toPump.Release();
        }
    }

    /// <inheritdoc/>
    public SendResult Send(Span<byte> buffer, in FrameOffload offload)
    {
        var frame = buffer[FrameBatch.Headroom..];
        if (_gone || frame.Length > FrameBatch.MaxFrameLength || (NeededBy(offload) & ~Accepts) != 0)
        {
            SendRefused++;
            return SendResult.Refused;
        }
        if (_toFarSide.TryAppend(frame, offload))
            return SendResult.Sent;
        SendQueueFull++;
        return SendResult.QueueFull;
    }

    /// <inheritdoc/>
    public void Flush()
    {
    }

    /// <summary>Far side: queues a frame for the pump.</summary>
    /// <returns><see cref="SendResult.Refused"/> for a frame above <see cref="FrameBatch.MaxFrameLength"/> or after disposal.</returns>
    public SendResult Inject(ReadOnlySpan<byte> frame, in FrameOffload offload = default)
    {
        if (_gone || frame.Length > FrameBatch.MaxFrameLength)
        {
            InjectRefused++;
            return SendResult.Refused;
        }
        if (_toPump.TryAppend(frame, offload))
            return SendResult.Sent;
        InjectQueueFull++;
        return SendResult.QueueFull;
    }

    /// <summary>Far side: takes the oldest frame the pump sent. Its bytes are good until the next call.</summary>
    /// <returns>False when none waits.</returns>
    public bool TryTake(out ReadOnlySpan<byte> frame, out FrameOffload offload)
    {
        if (!_toFarSide.TryPeek(out var queued, out offload))
        {
            frame = default;
            return false;
        }
        if (_taken.Length < queued.Length)
            _taken = GC.AllocateUninitializedArray<byte>(Math.Max(2048, queued.Length));
        queued.CopyTo(_taken);
        frame = _taken.AsSpan(0, queued.Length);
        _toFarSide.Release();
        return true;
    }

    /// <summary>As <see cref="TryTake(out ReadOnlySpan{byte}, out FrameOffload)"/>, for who sends finished frames only.</summary>
    public bool TryTake(out ReadOnlySpan<byte> frame) => TryTake(out frame, out _);

    /// <summary>From now on frames are refused both ways; what is queued can still be had.</summary>
    public void Dispose() => _gone = true;

    private static OffloadKinds NeededBy(in FrameOffload offload)
    {
        var needed = offload.NeedsChecksum ? OffloadKinds.Checksum : OffloadKinds.None;
        return offload.Segmentation switch
        {
            SegmentationKind.None => needed,
            SegmentationKind.Udp => needed | OffloadKinds.Udp,
            _ => needed | OffloadKinds.Tcp,
        };
    }
}
