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
    private readonly int _snapLength;
    private volatile Counts[] _interfaces = [];

    private int _asleep;
    private volatile bool _closing;
    private volatile Exception? _fault;
    private long _recorded;
    private long _lost;
    private long _refused;
    private long _taken;

    /// <summary>Starts recording.</summary>
    /// <param name="writer">The file, without interfaces so far; the sink disposes it.</param>
    /// <param name="queueFrames">Bound of the queue in frames.</param>
    /// <param name="queueBytes">Bound of the queue in bytes, at least <see cref="MinQueueBytes"/>.</param>
    /// <param name="snapLength">Most bytes kept of a frame.</param>
    public CaptureSink(
        CaptureWriter writer, int queueFrames = DefaultQueueFrames, int queueBytes = DefaultQueueBytes, int snapLength = CaptureWriter.SnapLength)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(snapLength, 1);
        _snapLength = snapLength;
        _writer = writer;
        _queue = new FrameRing<Mark>(queueFrames, queueBytes);
        _thread = new Thread(Record) { IsBackground = true, Name = "capture" };
        _thread.Start();
    }

    /// <summary>Frames handed to the file.</summary>
    public long Recorded => Volatile.Read(ref _recorded);

    /// <summary>Frames not recorded: the queue was full, the file failed, or the sink was complete.</summary>
    public long Dropped => Volatile.Read(ref _refused) + Volatile.Read(ref _lost) + (_thread.IsAlive ? 0 : _queue.Count);

    /// <summary>Frames taken so far: recorded, or still in the queue.</summary>
    public long Taken => Volatile.Read(ref _taken);

    /// <summary>Interfaces described so far.</summary>
    public int Interfaces => _interfaces.Length;

    /// <summary>Most interfaces the format can describe.</summary>
    public int MaxInterfaces => _writer.MaxInterfaces;

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
            var number = _interfaces.Length;
            if (number == _writer.MaxInterfaces)
                CaptureWriter.ThrowNoMoreInterfaces();
            _toDescribe.Enqueue((name, description));
            _interfaces = [.. _interfaces, new Counts()];
            return number;
        }
    }

    /// <summary>Queues a frame. Never waits, never throws. The pump's thread only.</summary>
    /// <returns>False when it will not be recorded.</returns>
    public bool TryWrite(int @interface, long unixNanoseconds, ReadOnlySpan<byte> frame, in FrameNote note)
    {
        var interfaces = _interfaces;
        var isKnown = (uint)@interface < (uint)interfaces.Length;
        if (!_closing && isKnown && frame.Length <= FrameBatch.MaxFrameLength && TryAppend(@interface, unixNanoseconds, frame, note))
        {
            Volatile.Write(ref _taken, _taken + 1);
            return true;
        }
        if (isKnown)
            Volatile.Write(ref interfaces[@interface].Refused, interfaces[@interface].Refused + 1);
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

    private bool TryAppend(int @interface, long unixNanoseconds, ReadOnlySpan<byte> frame, in FrameNote note) => frame.Length <= _snapLength
        ? _queue.TryAppend(frame, new Mark(@interface, unixNanoseconds, note))
        : _queue.TryAppend(frame[.._snapLength], new Mark(@interface, unixNanoseconds, note with { FullLength = frame.Length }));

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
        DescribeInterfaces();
        WriteStatistics();
        Keep(_writer.Dispose);
    }

    private void WriteStatistics()
    {
        var time = CaptureClock.UnixNanoseconds();
        var interfaces = _interfaces;
        for (var i = 0; i < _described; i++)
        {
            var lost = Volatile.Read(ref interfaces[i].Refused) + interfaces[i].Lost;
            _writer.WriteStatistics(i, time, interfaces[i].Recorded + lost, lost);
        }
    }

    private void RecordQueued()
    {
        DescribeInterfaces();
        while (_queue.TryPeek(out var frame, out var mark))
        {
            if (mark.Interface >= _described)
                DescribeInterfaces();
            if (_writer.Write(mark.Interface, mark.UnixNanoseconds, frame, mark.Note))
            {
                Volatile.Write(ref _recorded, _recorded + 1);
                _interfaces[mark.Interface].Recorded++;
            }
            else
            {
                Lose(mark.Interface);
            }
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

    private void Lose(int @interface)
    {
        _interfaces[@interface].Lost++;
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

    private sealed class Counts
    {
        // The pump's.
        public long Refused;

        // The thread's.
        public long Recorded;
        public long Lost;
    }

    private readonly struct Mark(int @interface, long unixNanoseconds, FrameNote note)
    {
        public readonly int Interface = @interface;
        public readonly long UnixNanoseconds = unixNanoseconds;
        public readonly FrameNote Note = note;
    }
}
