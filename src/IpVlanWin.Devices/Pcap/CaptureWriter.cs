using System.Diagnostics.CodeAnalysis;

namespace IpVlanWin.Devices.Pcap;

/// <summary>
/// Writes a capture file through a buffer. <see cref="Write"/> is for the frame's path: it never throws for the file's sake, a
/// failed write is kept and every later frame refused. The failure comes out of <see cref="Flush"/> and <see cref="Dispose"/>.
/// Not safe for two threads at once.
/// </summary>
public abstract class CaptureWriter : IDisposable
{
    /// <summary>Most bytes kept of a frame; the rest is cut off and its full length recorded.</summary>
    public const int SnapLength = 262_144;

    private const int BufferLength = 64 * 1024;

    private readonly Stream _stream;
    private readonly bool _leaveOpen;
    private byte[] _buffer = new byte[BufferLength];
    private int _used;
    private bool _faultReported;
    private bool _disposed;

    private protected CaptureWriter(Stream stream, bool leaveOpen)
    {
        _stream = stream;
        _leaveOpen = leaveOpen;
    }

    /// <summary>Why nothing more is written; null while all is well.</summary>
    public Exception? Fault { get; private set; }

    /// <summary>Most interfaces the format can describe.</summary>
    public abstract int MaxInterfaces { get; }

    /// <summary>Creates or replaces a file; its extension chooses the format.</summary>
    /// <param name="path">A name that ends in .pcapng or .pcap (classic, nanoseconds).</param>
    /// <exception cref="ArgumentException">Another extension.</exception>
    /// <exception cref="IOException">The file cannot be made.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be made.</exception>
    [SuppressMessage("Reliability", "CA2000:Dispose objects before losing scope", Justification = "The writer owns the stream.")]
    public static CaptureWriter Create(string path)
    {
        var extension = Path.GetExtension(path);
        var classic = extension.Equals(".pcap", StringComparison.OrdinalIgnoreCase);
        if (!classic && !extension.Equals(".pcapng", StringComparison.OrdinalIgnoreCase))
            throw new ArgumentException($"extension of capture file '{path}' must be .pcapng or .pcap", nameof(path));
        var stream = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 0);
        return classic ? new PcapWriter(stream) : new PcapNgWriter(stream);
    }

    /// <summary>Describes an interface; allowed at any time.</summary>
    /// <param name="name">Its name (if_name).</param>
    /// <param name="description">Its description (if_description).</param>
    /// <returns>Its number for <see cref="Write"/>.</returns>
    /// <exception cref="InvalidOperationException">More interfaces than <see cref="MaxInterfaces"/>.</exception>
    public abstract int AddInterface(string name, string? description = null);

    /// <summary>Appends a frame.</summary>
    /// <param name="interface">What <see cref="AddInterface"/> returned.</param>
    /// <param name="unixNanoseconds">Time in nanoseconds since 1970-01-01 UTC; the format's nearest where it does not fit.</param>
    /// <param name="frame">The bytes from the Ethernet header on.</param>
    /// <param name="note">What else to record.</param>
    /// <returns>False when an earlier write failed (<see cref="Fault"/>) or the writer is disposed: the frame is not recorded.</returns>
    /// <exception cref="ArgumentOutOfRangeException">No such interface.</exception>
    public abstract bool Write(int @interface, long unixNanoseconds, ReadOnlySpan<byte> frame, in FrameNote note = default);

    /// <summary>Tells what an interface's capture came to, where the format has a place for it.</summary>
    /// <param name="interface">What <see cref="AddInterface"/> returned.</param>
    /// <param name="unixNanoseconds">Time in nanoseconds since 1970-01-01 UTC.</param>
    /// <param name="received">Frames seen, those that were lost included.</param>
    /// <param name="lost">Frames not recorded.</param>
    public virtual void WriteStatistics(int @interface, long unixNanoseconds, long received, long lost)
    {
    }

    /// <summary>Writes out what is buffered.</summary>
    /// <exception cref="IOException">This or an earlier write failed.</exception>
    /// <exception cref="ObjectDisposedException">The writer is disposed.</exception>
    public void Flush()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        Drain();
        if (Fault is null)
        {
            try
            {
                _stream.Flush();
            }
            catch (Exception fault) when (fault is not OutOfMemoryException)
            {
                Fault = fault;
            }
        }
        ThrowFault();
    }

    /// <summary>Writes out what is buffered and closes the file.</summary>
    /// <exception cref="IOException">A write failed and <see cref="Flush"/> has not told yet.</exception>
    public void Dispose()
    {
        if (_disposed)
            return;
        GC.SuppressFinalize(this);
        Drain();
        _disposed = true;
        if (!_leaveOpen)
        {
            try
            {
                _stream.Dispose();
            }
            catch (Exception fault) when (fault is not OutOfMemoryException)
            {
                Fault ??= fault;
            }
        }
        if (!_faultReported)
            ThrowFault();
    }

    [DoesNotReturn]
    internal static void ThrowNoMoreInterfaces() => throw new InvalidOperationException(
        $"the capture file can describe no further interface: classic pcap has 1, pcapng up to {CaptureReader.MaxInterfaces}");

    /// <summary>Room in the buffer, zeroed by nobody; empty when nothing can be written any more.</summary>
    private protected Span<byte> Reserve(int length)
    {
        if (_buffer.Length - _used < length)
        {
            Drain();
            if (_buffer.Length < length)
                _buffer = new byte[length];
        }
        return Fault is null && !_disposed ? _buffer.AsSpan(_used, length) : default;
    }

    /// <summary>Takes the first bytes of what <see cref="Reserve"/> gave into the file.</summary>
    private protected void Commit(int length) => _used += length;

    private void Drain()
    {
        if (Fault is null && !_disposed && _used > 0)
        {
            try
            {
                _stream.Write(_buffer, 0, _used);
            }
            // Whatever a stream throws must not reach the frame's path; it comes out of Flush.
            catch (Exception fault) when (fault is not OutOfMemoryException)
            {
                Fault = fault;
            }
        }
        _used = 0;
    }

    private void ThrowFault()
    {
        if (Fault is null)
            return;
        _faultReported = true;
        throw new IOException($"capture file cannot be written: {Fault.Message}", Fault);
    }
}
