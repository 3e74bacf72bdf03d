using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace IpVlanWin.Protocol;

/// <summary>Builds one message with its head, ready to be written to a stream in one piece.</summary>
public sealed class MessageWriter : IBufferWriter<byte>
{
    // "Content-Length: 1048576\r\n\r\n" is 27 bytes; the head is put in front when the length is known.
    private const int HeadRoom = 32;

    private byte[] _buffer = new byte[1024];
    private int _end = HeadRoom;

    /// <summary>Bytes of the message so far, without its head.</summary>
    public int Length => _end - HeadRoom;

    /// <summary>A writer of the message's JSON. Flush it before anything else is done here.</summary>
    public Utf8JsonWriter BeginJson() => new(this, new JsonWriterOptions { Encoder = ProtocolJson.Plain.Options.Encoder, MaxDepth = 0, SkipValidation = true });

    /// <inheritdoc/>
    public void Advance(int count) => _end += count;

    /// <inheritdoc/>
    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        var wanted = _end + Math.Max(sizeHint, 256);
        if (wanted > _buffer.Length)
            Array.Resize(ref _buffer, Math.Max(wanted, _buffer.Length * 2));
        return _buffer.AsMemory(_end);
    }

    /// <inheritdoc/>
    public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    /// <summary>Appends bytes that are JSON already.</summary>
    public void Append(ArraySegment<byte> json)
    {
        json.AsSpan().CopyTo(GetSpan(json.Count));
        Advance(json.Count);
    }

    /// <summary>The message without its head.</summary>
    public ArraySegment<byte> Body => new(_buffer, HeadRoom, Length);

    /// <summary>The message with its head. Valid until something is written.</summary>
    /// <exception cref="InvalidOperationException">The message is longer than <see cref="MessageReader.MaxMessage"/>.</exception>
    public ArraySegment<byte> Framed()
    {
        if (Length > MessageReader.MaxMessage)
            throw new InvalidOperationException($"a message holds at most {MessageReader.MaxMessage} bytes, and this has {Length}");
        var head = string.Format(CultureInfo.InvariantCulture, "Content-Length: {0}\r\n\r\n", Length);
        var start = HeadRoom - head.Length;
        Encoding.ASCII.GetBytes(head, 0, head.Length, _buffer, start);
        return new ArraySegment<byte>(_buffer, start, _end - start);
    }
}
