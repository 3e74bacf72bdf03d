namespace IpVlanWin.Devices.Pcap;

/// <summary>
/// Forward reading of a stream that need not seek, with the offset of the next byte. Its buffer grows only as bytes arrive, so a
/// length field alone cannot make it allocate.
/// </summary>
internal sealed class CaptureInput : IDisposable
{
    private const int FirstBufferLength = 64 * 1024;

    private readonly Stream _stream;
    private readonly bool _leaveOpen;
    private byte[] _buffer = GC.AllocateUninitializedArray<byte>(FirstBufferLength);
    private int _start;
    private int _end;

    public CaptureInput(Stream stream, string name, bool leaveOpen)
    {
        _stream = stream;
        _leaveOpen = leaveOpen;
        Name = name;
    }

    /// <summary>The file's name for messages.</summary>
    public string Name { get; }

    /// <summary>Offset of the next byte in the stream.</summary>
    public long Offset { get; private set; }

    /// <summary>The next <paramref name="count"/> bytes, fewer at the stream's end. Good until the next call.</summary>
    public ReadOnlySpan<byte> Peek(int count)
    {
        while (_end - _start < count && Fill(count))
        {
        }
        return _buffer.AsSpan(_start, Math.Min(count, _end - _start));
    }

    /// <summary>Passes over bytes that <see cref="Peek"/> returned. They stay readable until the next call of it.</summary>
    public void Advance(int count)
    {
        _start += count;
        Offset += count;
    }

    /// <summary>Passes over bytes without keeping them; returns how many there were.</summary>
    public long Skip(long count)
    {
        var left = count;
        while (left > 0)
        {
            var step = (int)Math.Min(left, Math.Max(1, _end - _start));
            if (Peek(step).Length < step)
                break;
            Advance(step);
            left -= step;
        }
        return count - left;
    }

    public void Dispose()
    {
        if (!_leaveOpen)
            _stream.Dispose();
    }

    private bool Fill(int wanted)
    {
        if (_start > 0 && (_start == _end || _buffer.Length - _start < wanted))
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            _end -= _start;
            _start = 0;
        }
        if (_end == _buffer.Length)
            Array.Resize(ref _buffer, Math.Max(Math.Min(wanted, 2 * _buffer.Length), _buffer.Length + 1));
        int read;
        try
        {
            read = _stream.Read(_buffer, _end, _buffer.Length - _end);
        }
        catch (InvalidDataException fault)
        {
            throw new CaptureFormatException(Name, "compressed data", Offset + _end - _start, fault.Message, fault);
        }
        _end += read;
        return read > 0;
    }
}
