using System.Globalization;
using System.Text;

namespace IpVlanWin.Service;

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

    /// <summary>Something happened as it should.</summary>
    public void Info(string name, string text, params ReadOnlySpan<(string Key, object? Value)> fields) => Write("info", name, text, fields);

    /// <summary>Something was mended or given up that people may want to know.</summary>
    public void Warning(string name, string text, params ReadOnlySpan<(string Key, object? Value)> fields) => Write("warning", name, text, fields);

    /// <summary>Somebody has to do something.</summary>
    public void Error(string name, string text, params ReadOnlySpan<(string Key, object? Value)> fields) => Write("error", name, text, fields);

    private void Write(string level, string name, string text, ReadOnlySpan<(string Key, object? Value)> fields)
    {
        var line = new StringBuilder(_time.GetUtcNow().ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture));
        line.Append(' ').Append(level).Append(' ').Append(name);
        foreach (var (key, value) in fields)
            Append(line.Append(' ').Append(key).Append('='), Convert.ToString(value, CultureInfo.InvariantCulture) ?? "");
        Append(line.Append(" text="), text);
        lock (_lock)
        {
            _output.WriteLine(line);
            _output.Flush();
        }
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
