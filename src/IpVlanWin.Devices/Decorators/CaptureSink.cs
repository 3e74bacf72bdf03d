using System.Collections.Concurrent;
using IpVlanWin.Devices.Memory;
using IpVlanWin.Devices.Pcap;

namespace IpVlanWin.Devices.Decorators;

/// <summary>
/// A capture file behind a bounded queue and a thread of its own, so that a slow or full disk never holds up the pump. Frames that
/// find the queue full, or come after a failed write, are not recorded and counted. Taps of one pump thread share it; nobody else
/// calls <see cref="TryWrite"/>.
/// </summary>
public sealed class CaptureSink : IDisposable
{
    /// <summary>Frames the queue holds unless told.</summary>
    public const int DefaultQueueFrames = 8192;

    /// <summary>Bytes the queue holds unless told.</summary>
    public const int DefaultQueueBytes = 8 * 1024 * 1024;

    /// <summary>Fewest bytes of the queue.</summary>
    public const int MinQueueBytes = FrameRing<Mark>.MinBytes;

    private static readonly TimeSpan DisposeDeadline = TimeSpan.FromSeconds(5);

    private readonly FrameRing<Mark> _queue;
    private readonly SemaphoreSlim _work = new(0);
    private readonly Thread _thread;

    // The thread's alone once it runs: control calls must not wait for the disk either.
    private readonly CaptureWriter _writer;
    private int _described;

    // An interface stands in the queue before its number is out, so a frame never overtakes its interface.
    private readonly Lock _describing = new();
    private readonly ConcurrentQueue<(string Name, string? Description)> _toDescribe = new();
    private volatile int _interfaces;

    private int _asleep;
    private volatile bool _closing;
    private volatile Exception? _fault;
    private long _recorded;
    private long _lost;
    private long _refused;

    /// <summary>Starts recording.</summary>
    /// <param name="writer">The file, without interfaces so far; the sink disposes it.</param>
    /// <param name="queueFrames">Bound of the queue in frames.</param>
    /// <param name="queueBytes">Bound of the queue in bytes, at least <see cref="MinQueueBytes"/>.</param>
    public CaptureSink(CaptureWriter writer, int queueFrames = DefaultQueueFrames, int queueBytes = DefaultQueueBytes)
    {
        _writer = writer;
        _queue = new FrameRing<Mark>(queueFrames, queueBytes);
        _thread = new Thread(Record) { IsBackground = true, Name = "capture" };
        _thread.Start();
    }

    /// <summary>Frames handed to the file.</summary>
    public long Recorded => Volatile.Read(ref _recorded);

    /// <summary>Frames not recorded: the queue was full, the file failed, or the sink was complete.</summary>
    public long Dropped => Volatile.Read(ref _refused) + Volatile.Read(ref _lost) + (_thread.IsAlive ? 0 : _queue.Count);

    /// <summary>The first failure of the file; null while all is well.</summary>
    public Exception? Fault => _fault;

    /// <summary>Describes an interface. Any thread; does not wait for the file.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="description">Its description.</param>
    /// <returns>Its number for <see cref="TryWrite"/>.</returns>
    /// <exception cref="InvalidOperationException">More interfaces than the format can describe.</exception>
    public int AddInterface(string name, string? description = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        lock (_describing)
        {
            if (_interfaces == _writer.MaxInterfaces)
                CaptureWriter.ThrowNoMoreInterfaces();
            _toDescribe.Enqueue((name, description));
            return _interfaces++;
        }
    }

    /// <summary>Queues a frame. Never waits, never throws. The pump's thread only.</summary>
    /// <returns>False when it will not be recorded.</returns>
    public bool TryWrite(int @interface, long unixNanoseconds, ReadOnlySpan<byte> frame, in FrameNote note)
    {
        if (!_closing && (uint)@interface < (uint)_interfaces && frame.Length <= FrameBatch.MaxFrameLength &&
            _queue.TryAppend(frame, new Mark(@interface, unixNanoseconds, note)))
        {
            return true;
        }
        Volatile.Write(ref _refused, _refused + 1);
        Wake();
        return false;
    }

    /// <summary>Has the queue recorded now: once for each batch.</summary>
    public void Wake()
    {
        // Whoever clears the flag owes the thread one release. The exchange is a fence on both sides: either this sees the flag, or
        // the thread, which raises it before it looks at the queue, sees the frames appended before this.
        if (Interlocked.Exchange(ref _asleep, 0) != 0)
            _work.Release();
    }

    /// <summary>Records what is queued, closes the file and ends the thread. Further frames are dropped.</summary>
    /// <param name="deadline">How long the file may take.</param>
    /// <exception cref="IOException">The file failed, now or before.</exception>
    /// <exception cref="TimeoutException">The file did not take everything in time; its thread is left to itself.</exception>
    public void Complete(TimeSpan deadline)
    {
        Close(deadline);
        if (_fault is TimeoutException)
            throw new TimeoutException(_fault.Message, _fault);
        if (_fault is not null)
            throw new IOException(_fault.Message, _fault);
    }

    /// <summary>As <see cref="Complete"/> with five seconds, but a failure stays in <see cref="Fault"/>.</summary>
    public void Dispose() => Close(DisposeDeadline);

    private void Close(TimeSpan deadline)
    {
        _closing = true;
        Wake();
        if (!_thread.Join(deadline))
            _fault ??= new TimeoutException($"capture file did not take all frames within {deadline.TotalSeconds:0.###} seconds");
    }

    private void Record()
    {
        while (true)
        {
            var closing = _closing;
            RecordQueued();
            if (closing)
                break;
            Interlocked.Exchange(ref _asleep, 1);
            var idle = _queue.Count == 0 && !_closing;
            if (idle || Interlocked.Exchange(ref _asleep, 0) == 0)
                _work.Wait();
        }
        Keep(_writer.Dispose);
    }

    private void RecordQueued()
    {
        DescribeInterfaces();
        while (_queue.TryPeek(out var frame, out var mark))
        {
            if (mark.Interface >= _described)
                DescribeInterfaces();
            if (_writer.Write(mark.Interface, mark.UnixNanoseconds, frame, mark.Note))
                Volatile.Write(ref _recorded, _recorded + 1);
            else
                Lose();
            _queue.Release();
        }
        // The queue ran empty, so there is time to let readers of the growing file see everything.
        if (_fault is null)
            Keep(_writer.Flush);
    }

    private void DescribeInterfaces()
    {
        while (_toDescribe.TryDequeue(out var next))
            _described = _writer.AddInterface(next.Name, next.Description) + 1;
    }

    private void Lose()
    {
        _fault ??= _writer.Fault;
        Volatile.Write(ref _lost, _lost + 1);
    }

    private void Keep(Action write)
    {
        try
        {
            write();
        }
        catch (Exception fault) when (fault is IOException or ObjectDisposedException)
        {
            _fault ??= fault;
        }
    }

    private readonly struct Mark(int @interface, long unixNanoseconds, FrameNote note)
    {
        public readonly int Interface = @interface;
        public readonly long UnixNanoseconds = unixNanoseconds;
        public readonly FrameNote Note = note;
    }
}
