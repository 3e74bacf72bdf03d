using System.Globalization;
using System.Threading.Channels;
using IpVlanWin.Protocol;

namespace IpVlanWin.Cli.Ip;

/// <summary>
/// Lines of a file, one command each, as `ip -batch` takes them. Changes that follow each other go to the service together while more lines
/// are there already, and yet count one by one: what stands before a line that is refused is made, that line and what follows is not.
/// </summary>
internal sealed class Batch
{
    // Changes of one message: with a line more still below the longest message and the longest batch.
    private const int MostCalls = 900;

    // Lines that are read ahead.
    private const int MostLines = 4096;

    private readonly Session _session;
    private readonly IReadOnlyList<string> _others;
    private readonly TextWriter _errors;
    private readonly string _file;
    private readonly List<(int Number, IReadOnlyList<RpcCall> Calls)> _gathered = [];
    private int _calls;
    private int _status;

    private Batch(Session session, IReadOnlyList<string> others, TextWriter errors, string file) => (_session, _others, _errors, _file) = (session, others, errors, file);

    private bool IsOver => _status != 0 && !_session.Options.IsForced;

    /// <returns>The exit status of the first line that failed, or 0.</returns>
    public static async Task<int> RunAsync(GlobalOptions options, IReadOnlyList<string> others, Streams streams, string? pipeName, bool isLinux)
    {
        var file = options.BatchFile!;
        using var session = new Session(options, streams.Output, streams.Input, pipeName, isLinux) { IsBatch = true };
        var batch = new Batch(session, others, streams.Errors, file);
        try
        {
            using var opened = file == "-" ? null : new StreamReader(file);
            await batch.RunAsync(opened ?? streams.Input).ConfigureAwait(false);
            return batch._status;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw CommandException.Refused($"cannot read \"{file}\": {fault.Message}", fault);
        }
    }

    private async Task RunAsync(TextReader reader)
    {
        var lines = Channel.CreateBounded<(int Number, List<string> Words)>(new BoundedChannelOptions(MostLines) { SingleReader = true, SingleWriter = true });
        using var ending = new CancellationTokenSource();
        var reading = Task.Run(() => ReadAsync(reader, lines.Writer, ending.Token));
        while (!IsOver)
        {
            if (lines.Reader.TryRead(out var line))
            {
                await TakeAsync(line.Number, line.Words).ConfigureAwait(false);
                continue;
            }
            // Whoever types, or waits for an answer before the next line, sees each line done.
            await SendAsync().ConfigureAwait(false);
            if (IsOver || !await lines.Reader.WaitToReadAsync().ConfigureAwait(false))
                break;
        }
        await ending.CancelAsync().ConfigureAwait(false);
        // A terminal may never give another line: only a reader that has ended is heard.
        if (reading.IsFaulted || lines.Reader.Completion.IsCompleted)
            await reading.ConfigureAwait(false);
    }

    private async Task TakeAsync(int number, List<string> words)
    {
        Line? line = null;
        try
        {
            line = Line.Read(words, _others);
            if (line.Plan(_session) is { } calls)
            {
                _gathered.Add((number, calls));
                _calls += calls.Count;
                if (_calls >= MostCalls)
                    await SendAsync().ConfigureAwait(false);
                return;
            }
        }
        catch (Exception fault) when (fault is CommandException or UsageException)
        {
            await SendAsync().ConfigureAwait(false);
            if (!IsOver)
                Fail(number, fault);
            return;
        }
        await SendAsync().ConfigureAwait(false);
        if (IsOver)
            return;
        try
        {
            await line.RunAsync(_session).ConfigureAwait(false);
        }
        catch (Exception fault) when (IpCommand.IsRefusal(fault))
        {
            Fail(number, fault);
        }
    }

    /// <summary>Makes what was gathered. A refusal makes nothing of a message, so what stood before it goes again, without it.</summary>
    private async Task SendAsync()
    {
        var waiting = _gathered.ToArray();
        _gathered.Clear();
        _calls = 0;
        var refused = default(ControlException);
        for (var (start, end) = (0, waiting.Length); start < waiting.Length && !IsOver;)
        {
            try
            {
                if (end > start)
                    await _session.Client.BatchAsync([.. waiting[start..end].SelectMany(static one => one.Calls)]).ConfigureAwait(false);
            }
            catch (ControlException fault) when (IpCommand.IsRefusal(fault))
            {
                refused = fault;
                end = start + LineOf(waiting.AsSpan(start, end - start), fault);
                continue;
            }
            start = end;
            if (refused is not null)
            {
                Fail(waiting[start].Number, refused);
                start++;
                refused = null;
            }
            end = waiting.Length;
        }
    }

    /// <summary>Which line's change was refused; the first where the service itself could not be talked to.</summary>
    private static int LineOf(ReadOnlySpan<(int Number, IReadOnlyList<RpcCall> Calls)> lines, ControlException fault)
    {
        var index = fault.Data["index"] as int? ?? 0;
        for (var i = 0; i < lines.Length; i++)
        {
            if (index < lines[i].Calls.Count)
                return i;
            index -= lines[i].Calls.Count;
        }
        return 0;
    }

    private void Fail(int number, Exception fault)
    {
        _session.Output.Flush();
        int status;
        if (fault is UsageException)
        {
            _errors.Write(fault.Message);
            status = 1;
        }
        else
        {
            status = IpCommand.Tell(_errors, fault);
        }
        _errors.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Command failed {_file}:{number}"));
        if (_status == 0)
            _status = status;
    }

    /// <summary>Blanks separate words, quotes hold them together, # begins a comment, \ at the end goes on with the next line.</summary>
    private static async Task ReadAsync(TextReader reader, ChannelWriter<(int Number, List<string> Words)> lines, CancellationToken ending)
    {
        try
        {
            var number = 0;
            while (await reader.ReadLineAsync(ending).ConfigureAwait(false) is { } text)
            {
                number++;
                while (text.EndsWith('\\') && await reader.ReadLineAsync(ending).ConfigureAwait(false) is { } more)
                {
                    text = text[..^1] + " " + more;
                    number++;
                }
                if (Split(text) is { Count: > 0 } words)
                    await lines.WriteAsync((number, words), ending).ConfigureAwait(false);
            }
            lines.Complete();
        }
        catch (OperationCanceledException)
        {
            lines.Complete();
        }
        catch (Exception fault)
        {
            lines.Complete(fault);
        }
    }

    private static List<string> Split(string text)
    {
        var words = new List<string>();
        for (var i = 0; i < text.Length;)
        {
            if (char.IsWhiteSpace(text[i]))
            {
                i++;
                continue;
            }
            if (text[i] == '#')
                break;
            var quote = text[i] is '"' or '\'' ? text[i] : '\0';
            var start = quote == '\0' ? i : i + 1;
            var end = start;
            while (end < text.Length && (quote == '\0' ? !char.IsWhiteSpace(text[end]) : text[end] != quote))
                end++;
            words.Add(text[start..end]);
            i = quote == '\0' ? end : end + 1;
        }
        return words;
    }
}
