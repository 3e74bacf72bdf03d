using System.Buffers.Binary;
using System.Globalization;

namespace IpVlanWin.Cli.Observe;

/// <summary>
/// Copies a pcapng stream block by block (draft-ietf-opsawg-pcapng section 3.1), so that what is written is always a whole file, and counts
/// its frames. Whoever reads what is written may leave at any time.
/// </summary>
/// <param name="source">The stream.</param>
/// <param name="target">Where to.</param>
/// <param name="most">Frames that are copied; those beyond are left out.</param>
internal sealed class CaptureBlocks(Stream source, Stream target, int most)
{
    private const int HeaderLength = 8;
    private const int TrailerLength = 4;
    private const uint EnhancedPacket = 6;

    // A frame, its comment and its options are less.
    private const int LongestBlock = 1 << 20;

    private readonly TaskCompletionSource _enough = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private byte[] _buffer = new byte[64 * 1024];
    private int _start;
    private int _end;

    /// <summary>Frames copied.</summary>
    public int Frames { get; private set; }

    /// <summary>Done when no more frames are wanted: there are enough, the reader left, or <see cref="End"/>.</summary>
    public Task Enough => _enough.Task;

    public string Summary => string.Create(CultureInfo.InvariantCulture, $"{Frames} frame{(Frames == 1 ? "" : "s")} captured");

    /// <summary>No more frames are wanted.</summary>
    public void End() => _enough.TrySetResult();

    /// <summary>Copies until the source ends.</summary>
    public async Task CopyAsync()
    {
        try
        {
            while (await FillAsync().ConfigureAwait(false))
                await CopyWholeAsync().ConfigureAwait(false);
        }
        catch (IOException)
        {
            // Wireshark was closed, or the service went; what came before is whole.
        }
        End();
    }

    private async Task<bool> FillAsync()
    {
        if (_start > 0)
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
        (_start, _end) = (0, _end - _start);
        if (_end == _buffer.Length)
            Array.Resize(ref _buffer, _buffer.Length * 2);
        var read = await source.ReadAsync(_buffer.AsMemory(_end)).ConfigureAwait(false);
        _end += read;
        return read > 0;
    }

    private async Task CopyWholeAsync()
    {
        var from = _start;
        while (_end - _start >= HeaderLength)
        {
            var length = BinaryPrimitives.ReadInt32LittleEndian(_buffer.AsSpan(_start + 4));
            if (length is < HeaderLength + TrailerLength or > LongestBlock)
                throw CommandException.Refused($"the service sent a block of {length} bytes, which is not pcapng");
            if (_end - _start < length)
                break;
            var isFrame = BinaryPrimitives.ReadUInt32LittleEndian(_buffer.AsSpan(_start)) == EnhancedPacket;
            if (isFrame && Frames == most)
            {
                // Left out: what lies before it goes now.
                await target.WriteAsync(_buffer.AsMemory(from, _start - from)).ConfigureAwait(false);
                from = _start + length;
            }
            Frames += isFrame && Frames < most ? 1 : 0;
            _start += length;
        }
        await target.WriteAsync(_buffer.AsMemory(from, _start - from)).ConfigureAwait(false);
        await target.FlushAsync().ConfigureAwait(false);
        if (Frames == most)
            End();
    }
}
