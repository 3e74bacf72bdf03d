using System.Globalization;
using System.Text;

namespace IpVlanWin.Protocol;

/// <summary>
/// Takes messages off a stream: a head of lines that end in CR LF, one of them Content-Length in bytes, an empty line, then as many bytes
/// of UTF-8. Memory grows with what has come and not with what was promised, and never beyond <see cref="MaxMessage"/>. One reader at a time.
/// </summary>
public sealed class MessageReader
{
    /// <summary>Longest message in bytes, without its head.</summary>
    public const int MaxMessage = 1 << 20;

    /// <summary>Longest head in bytes.</summary>
    public const int MaxHead = 1024;

    private const int FirstBuffer = 4096;
    private const int KeptBuffer = 64 * 1024;

    private readonly Stream _stream;
    private byte[] _buffer = new byte[FirstBuffer];
    private int _start;
    private int _end;

    /// <summary>A reader of a stream that it does not own.</summary>
    public MessageReader(Stream stream) => _stream = stream;

    /// <summary>How long a message may take from its first byte to its last; between messages there is no limit.</summary>
    public TimeSpan Patience { get; set; } = Timeout.InfiniteTimeSpan;

    private bool IsInMessage => _end > _start;

    /// <summary>The next message, valid until the next call; null at an end between messages.</summary>
    /// <exception cref="ControlException">parse-error: not a frame, too long, too late, or cut short. Nothing can be read after that.</exception>
    /// <exception cref="IOException">The stream is broken.</exception>
    public async Task<ArraySegment<byte>?> ReadAsync(CancellationToken cancellation)
    {
        using var late = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        try
        {
            return await ReadWholeAsync(late).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw ErrorCode.ParseError.With($"its rest did not come within {Patience.TotalSeconds} s");
        }
    }

    private async Task<ArraySegment<byte>?> ReadWholeAsync(CancellationTokenSource late)
    {
        if (IsInMessage)
            late.CancelAfter(Patience);
        var headLength = FindHeadEnd(_start);
        while (headLength < 0)
        {
            if (_end - _start >= MaxHead)
                throw ErrorCode.ParseError.With($"its head is longer than {MaxHead} bytes");
            var isFirst = !IsInMessage;
            var searchFrom = Math.Max(_start, _end - 3);
            var before = _start;
            if (!await FillAsync(MaxHead + FirstBuffer, late.Token).ConfigureAwait(false))
            {
                if (_start == _end)
                    return null;
                throw ErrorCode.ParseError.With("it ends within its head");
            }
            if (isFirst)
                late.CancelAfter(Patience);
            headLength = FindHeadEnd(searchFrom - (before - _start));
        }
        if (headLength > MaxHead)
            throw ErrorCode.ParseError.With($"its head is longer than {MaxHead} bytes");
        var length = ParseLength(_start, headLength);
        // The head is passed only with the whole message: a read that is cancelled can be done again.
        while (_end - _start < headLength + length)
        {
            if (!await FillAsync(headLength + length, late.Token).ConfigureAwait(false))
                throw ErrorCode.ParseError.With($"it ends after {_end - _start - headLength} of {length} bytes");
        }
        var message = new ArraySegment<byte>(_buffer, _start + headLength, length);
        _start += headLength + length;
        return message;
    }

    /// <summary>A head that ends in an empty line: its length, or -1.</summary>
    private int FindHeadEnd(int from)
    {
        for (var i = from; i + 3 < _end; i++)
        {
            if (_buffer[i] == '\r' && _buffer[i + 1] == '\n' && _buffer[i + 2] == '\r' && _buffer[i + 3] == '\n')
                return i + 4 - _start;
        }
        return -1;
    }

    private int ParseLength(int start, int headLength)
    {
        var length = -1;
        foreach (var line in Encoding.ASCII.GetString(_buffer, start, headLength - 4).Split(["\r\n"], StringSplitOptions.None))
        {
            var colon = line.IndexOf(':');
            if (colon <= 0)
                throw ErrorCode.ParseError.With("a line of its head has no colon; it must begin with Content-Length: BYTES");
            if (!string.Equals(line.Substring(0, colon), "Content-Length", StringComparison.OrdinalIgnoreCase))
                continue;
            if (length >= 0)
                throw ErrorCode.ParseError.With("its head has two lengths");
            if (!int.TryParse(line.Substring(colon + 1).Trim(' '), NumberStyles.None, CultureInfo.InvariantCulture, out length) || length > MaxMessage)
                throw ErrorCode.ParseError.With($"its length must be 0 to {MaxMessage} bytes");
        }
        return length >= 0 ? length : throw ErrorCode.ParseError.With("its head has no Content-Length");
    }

    /// <summary>Takes what the stream has, moving and growing as needed. False at the stream's end.</summary>
    private async Task<bool> FillAsync(int wanted, CancellationToken cancellation)
    {
        var held = _end - _start;
        if (held == 0 && _buffer.Length > KeptBuffer)
            (_buffer, _start, _end) = (new byte[FirstBuffer], 0, 0);
        if (_end == _buffer.Length || held == 0)
        {
            var target = held > _buffer.Length / 2 ? new byte[Math.Max(FirstBuffer, Math.Min(held * 2, Math.Max(wanted, held + 1)))] : _buffer;
            Buffer.BlockCopy(_buffer, _start, target, 0, held);
            (_buffer, _start, _end) = (target, 0, held);
        }
#if NETSTANDARD2_0
        var read = await _stream.ReadAsync(_buffer, _end, _buffer.Length - _end, cancellation).ConfigureAwait(false);
#else
        var read = await _stream.ReadAsync(_buffer.AsMemory(_end), cancellation).ConfigureAwait(false);
#endif
        _end += read;
        return read > 0;
    }
}
