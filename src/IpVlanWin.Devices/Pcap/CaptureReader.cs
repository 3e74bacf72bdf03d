using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.IO.Compression;

namespace IpVlanWin.Devices.Pcap;

/// <summary>
/// Reads capture files of both formats: classic pcap (draft-ietf-opsawg-pcap sections 4 and 5) and pcapng
/// (draft-ietf-opsawg-pcapng sections 3 and 4, appendix A). The stream is read forward only. Lengths have caps, so a hostile
/// file costs no more memory than a small multiple of its own length. Not safe for two threads at once.
/// </summary>
public abstract class CaptureReader : IDisposable
{
    /// <summary>Most bytes of one packet (256 KiB, as in libpcap).</summary>
    public const int MaxCapturedLength = 262_144;

    /// <summary>Most bytes of one pcapng block.</summary>
    public const int MaxBlockLength = 16 * 1024 * 1024;

    /// <summary>Most interfaces of one pcapng section.</summary>
    public const int MaxInterfaces = 65_536;

    private CaptureFormatException? _fault;

    private protected CaptureReader(CaptureInput input) => Input = input;

    /// <summary>The file's name, as messages give it.</summary>
    public string Name => Input.Name;

    /// <summary>Interfaces described so far in the current section.</summary>
    public abstract IReadOnlyList<CaptureInterface> Interfaces { get; }

    private protected CaptureInput Input { get; }

    /// <summary>Opens a file, gzip-compressed or not, and reads its header.</summary>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read.</exception>
    /// <exception cref="CaptureFormatException">It is no capture file.</exception>
    [SuppressMessage("Reliability", "CA2000:Dispose objects before losing scope", Justification = "The reader owns the streams.")]
    public static CaptureReader Open(string path)
    {
        var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 1);
        Stream stream = file;
        try
        {
            Span<byte> magic = stackalloc byte[2];
            var read = file.ReadAtLeast(magic, magic.Length, throwOnEndOfStream: false);
            file.Position = 0;
            if (read == magic.Length && magic is [0x1F, 0x8B])
                stream = new GZipStream(file, CompressionMode.Decompress);
            return Open(stream, Path.GetFileName(path));
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    /// <summary>Takes a stream that stands at the file's first byte and reads the header.</summary>
    /// <param name="stream">Any readable stream, decompressed.</param>
    /// <param name="name">The file's name for messages.</param>
    /// <param name="leaveOpen">Do not dispose the stream with the reader.</param>
    /// <exception cref="CaptureFormatException">It is no capture file. The stream stays open.</exception>
    public static CaptureReader Open(Stream stream, string name, bool leaveOpen = false)
    {
        var input = new CaptureInput(stream, name, leaveOpen);
        var magic = input.Peek(sizeof(uint));
        if (magic.Length < sizeof(uint))
            throw new CaptureFormatException(name, "header", 0, $"file ends after {magic.Length} bytes, a pcap or pcapng magic number has 4");
        return BinaryPrimitives.ReadUInt32LittleEndian(magic) == PcapNgReader.SectionHeaderBlock
            ? new PcapNgReader(input)
            : new PcapReader(input);
    }

    /// <summary>The next packet, of whatever link type.</summary>
    /// <returns>False at the file's end.</returns>
    /// <exception cref="CaptureFormatException">The file is truncated or corrupt here; thrown again by every further call.</exception>
    /// <exception cref="IOException">The stream cannot be read.</exception>
    public bool TryRead(out CapturedFrame frame)
    {
        if (_fault is not null)
            throw _fault;
        try
        {
            return TryReadNext(out frame);
        }
        catch (CaptureFormatException fault)
        {
            _fault = fault;
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Input.Dispose();
        GC.SuppressFinalize(this);
    }

    private protected abstract bool TryReadNext(out CapturedFrame frame);
}
