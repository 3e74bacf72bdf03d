using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace IpVlanWin.Service.Lifetime.Windows;

/// <summary>Writes to the Application event log what an administrator should see: starts, ends, warnings and errors. Any thread may write.</summary>
[SupportedOSPlatform("windows")]
internal sealed unsafe class EventLogWriter : IDisposable
{
    // ReportEventW's own limit for a text, in characters.
    private const int LongestText = 31_839;

    private readonly EventSourceHandle _source;

    /// <exception cref="WindowsErrorException">The event log service does not run.</exception>
    public EventLogWriter(string source)
    {
        _source = NativeMethods.RegisterEventSource(0, source);
        if (_source.IsInvalid)
            throw WindowsError.Refusal(Marshal.GetLastPInvokeError(), $"write events of {source}");
    }

    /// <summary>As <see cref="ServiceLog.Also"/>.</summary>
    public void Write(LogLevel level, string name, string line)
    {
        if (!EventNumbers.IsWritten(level, name))
            return;
        var type = level switch
        {
            LogLevel.Info => NativeMethods.EVENTLOG_INFORMATION_TYPE,
            LogLevel.Warning => NativeMethods.EVENTLOG_WARNING_TYPE,
            _ => NativeMethods.EVENTLOG_ERROR_TYPE,
        };
        fixed (char* pinned = line.Length > LongestText ? line[..LongestText] : line)
        {
            var text = pinned;
            // A full event log is no reason to end; the log that people read first has the line already.
            _ = NativeMethods.ReportEvent(_source, type, 0, EventNumbers.Of(name), 0, 1, 0, &text, 0);
        }
    }

    public void Dispose() => _source.Dispose();
}
