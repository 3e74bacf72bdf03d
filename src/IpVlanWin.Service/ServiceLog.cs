using System.Globalization;
using System.Text;

namespace IpVlanWin.Service;

/// <summary>How much an event matters.</summary>
public enum LogLevel
{
    /// <summary>Something happened as it should.</summary>
    Info,

    /// <summary>Something was mended or given up that people may want to know.</summary>
    Warning,

    /// <summary>Somebody has to do something.</summary>
    Error,
}

/// <summary>
/// Structured log: one line an event, `time level event key=value ... text="..."`, values quoted where they need it. Any thread may write.
/// </summary>
public sealed class ServiceLog
{
    // Guards _output.
    private readonly Lock _lock = new();
    private readonly TextWriter _output;
    private readonly TimeProvider _time;

    /// <summary>A log that writes to what it does not own.</summary>
    public ServiceLog(TextWriter output, TimeProvider? time = null) => (_output, _time) = (output, time ?? TimeProvider.System);

    /// <summary>What is written at least.</summary>
    public LogLevel Least { get; init; } = LogLevel.Info;

    /// <summary>Lines begin with their priority as sd-daemon(3) has it, and not with the time, which the journal knows.</summary>
    public bool IsJournal { get; init; }

    /// <summary>Told every event that is written: its level, its name and its line without time and level. Any thread may call it.</summary>
    internal Action<LogLevel, string, string>? Also { get; init; }

    /// <summary>Something happened as it should.</summary>
    public void Info(string name, string text, params ReadOnlySpan<(string Key, object? Value)> fields) => Write(LogLevel.Info, name, text, fields);

    /// <summary>Something was mended or given up that people may want to know.</summary>
    public void Warning(string name, string text, params ReadOnlySpan<(string Key, object? Value)> fields) => Write(LogLevel.Warning, name, text, fields);

    /// <summary>Somebody has to do something.</summary>
    public void Error(string name, string text, params ReadOnlySpan<(string Key, object? Value)> fields) => Write(LogLevel.Error, name, text, fields);

    private void Write(LogLevel level, string name, string text, ReadOnlySpan<(string Key, object? Value)> fields)
    {
        if (level < Least)
            return;
        var line = new StringBuilder(name);
        foreach (var (key, value) in fields)
            Append(line.Append(' ').Append(key).Append('='), Convert.ToString(value, CultureInfo.InvariantCulture) ?? "");
        Append(line.Append(" text="), text);
        var written = line.ToString();
        lock (_lock)
        {
            _output.WriteLine($"{Head(level)} {written}");
            _output.Flush();
        }
        Also?.Invoke(level, name, written);
    }

    private string Head(LogLevel level)
    {
        var word = level switch { LogLevel.Info => "info", LogLevel.Warning => "warning", _ => "error" };
        // syslog(3): 3 error, 4 warning, 6 informational.
        return IsJournal
            ? $"<{level switch { LogLevel.Info => 6, LogLevel.Warning => 4, _ => 3 }}>{word}"
            : $"{_time.GetUtcNow().ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture)} {word}";
    }

    private static void Append(StringBuilder line, string value)
    {
        if (value.Length > 0 && value.All(static c => c is > ' ' and not ('"' or '=' or '\\' or '\x7f')))
        {
            line.Append(value);
            return;
        }
        line.Append('"');
        foreach (var c in value)
        {
            if (c is '"' or '\\')
                line.Append('\\').Append(c);
            else
                line.Append(char.IsControl(c) ? ' ' : c);
        }
        line.Append('"');
    }
}
