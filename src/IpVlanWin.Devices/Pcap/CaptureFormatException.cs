namespace IpVlanWin.Devices.Pcap;

/// <summary>A capture file is truncated, corrupt or of a kind that cannot be used. The message names the file, the offset and the fault.</summary>
public sealed class CaptureFormatException : Exception
{
    /// <summary>Builds the message <c>file: part at offset N: fault</c>.</summary>
    /// <param name="file">The file's name.</param>
    /// <param name="part">What stands at the offset: header, record, block.</param>
    /// <param name="offset">Bytes from the start of the (decompressed) file to the part that is wrong.</param>
    /// <param name="fault">What is wrong, with the value found and the legal ones.</param>
    /// <param name="inner">What the stream said, if it was the stream.</param>
    public CaptureFormatException(string file, string part, long offset, string fault, Exception? inner = null)
        : base($"{file}: {part} at offset {offset}: {fault}", inner)
    {
        Offset = offset;
    }

    /// <summary>Bytes from the start of the (decompressed) file to the part that is wrong.</summary>
    public long Offset { get; }
}
