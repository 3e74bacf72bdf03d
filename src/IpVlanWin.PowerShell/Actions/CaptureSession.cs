using IpVlanWin.Protocol;

namespace IpVlanWin.PowerShell.Actions;

/// <summary>A capture that writes to a file until it is stopped.</summary>
public sealed class CaptureSession
{
    private readonly ControlClient _client;
    private readonly Stream _source;
    private readonly FileStream _target;
    private readonly Task _copying;

    internal CaptureSession(ControlClient client, Stream source, FileStream target, CaptureSpec spec, long id)
    {
        (_client, _source, _target, Id, Interface, InterfaceAlias, Path) = (client, source, target, id, spec.Interface, spec.Master, target.Name);
        _copying = Task.Run(() => Copy(source, target));
    }

    /// <summary>Its number in the service.</summary>
    public long Id { get; }

    /// <summary>The interface that is captured; null for a whole port.</summary>
    public string? Interface { get; }

    /// <summary>The master whose port is captured; null where an interface is.</summary>
    public string? InterfaceAlias { get; }

    /// <summary>The file, in format pcapng.</summary>
    public string Path { get; }

    /// <summary>When it was started.</summary>
    public DateTime StartTime { get; } = DateTime.Now;

    /// <summary>running, stopped or failed.</summary>
    public string State => !_copying.IsCompleted ? "running" : Reason is null ? "stopped" : "failed";

    /// <summary>Why it failed, or null.</summary>
    public string? Reason => _copying.Exception?.InnerException?.Message;

    /// <summary>Length of the file in bytes.</summary>
    public long Length => new FileInfo(Path) is { Exists: true } file ? file.Length : 0;

    /// <summary>Frames that were recorded; null while it runs, or where the service ended it.</summary>
    public long? Recorded { get; private set; }

    /// <summary>Frames that were lost, because the file is slower than the network; null while it runs, or where the service ended it.</summary>
    public long? Dropped { get; private set; }

    /// <summary>Lets the service end the stream, waits for the rest of it, and closes the file.</summary>
    /// <exception cref="ControlException">service-unreachable, timed-out, not-stored; the file is closed all the same.</exception>
    internal void Stop(CancellationToken cancellation)
    {
        try
        {
            if (!_copying.IsCompleted)
            {
                var totals = _client.StopCaptureAsync(Id, cancellation).GetAwaiter().GetResult();
                (Recorded, Dropped) = (totals.Recorded, totals.Dropped);
                if (!_copying.Wait((int)_client.Timeout.TotalMilliseconds, cancellation))
                    throw ErrorCode.TimedOut.With("the capture's end", _client.Timeout.TotalSeconds);
            }
        }
        catch (AggregateException)
        {
            // Said below.
        }
        finally
        {
            End();
        }
        if (Reason is { } reason)
            throw ErrorCode.NotStored.With(reason);
    }

    /// <summary>Ends it without a word: the connection's end tells the service.</summary>
    internal void End()
    {
        _source.Dispose();
        _target.Dispose();
        _client.Dispose();
    }

    // Not async: PowerShell looks at all types of the module before what they speak of can be found (see ModuleLoading).
    private static void Copy(Stream source, FileStream target)
    {
        const int BufferBytes = 64 * 1024;
        var buffer = new byte[BufferBytes];
        for (int read; (read = source.Read(buffer, 0, buffer.Length)) > 0;)
        {
            target.Write(buffer, 0, read);
            // Whoever looks at the file sees all that came.
            target.Flush();
        }
        target.Dispose();
    }
}
