using System.Buffers.Text;
using System.Net.NetworkInformation;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace IpVlanWin.HostNetwork.Linux;

/// <summary>
/// The link-layer multicast addresses the links of a namespace receive (/proc/net/dev_mcast). The file stays open, so
/// that reading again costs two system calls from any thread; it keeps the namespace alive.
/// </summary>
[SupportedOSPlatform("linux")]
public sealed unsafe class MulticastList : IDisposable
{
    // Guards _buffer.
    private readonly Lock _lock = new();
    private readonly SafeFileHandle _file;
    private byte[] _buffer = new byte[4096];

    private MulticastList(SafeFileHandle file) => _file = file;

    /// <summary>Opens the list of a namespace.</summary>
    /// <param name="networkNamespace">The namespace; it may be disposed afterwards.</param>
    /// <exception cref="HostNetworkException">The namespace cannot be entered or has no such list.</exception>
    public static MulticastList Open(NetworkNamespace networkNamespace)
    {
        ArgumentNullException.ThrowIfNull(networkNamespace);
        return networkNamespace.Run(() =>
        {
            var file = NativeMethods.Open("/proc/thread-self/net/dev_mcast", NativeMethods.O_RDONLY | NativeMethods.O_CLOEXEC, 0);
            if (file.IsInvalid) LinuxError.ThrowLast($"open the multicast list of namespace {networkNamespace}");
            return new MulticastList(file);
        });
    }

    /// <summary>The addresses of one link, as they are now; empty for a link that does not exist.</summary>
    /// <param name="linkIndex">The link.</param>
    /// <exception cref="HostNetworkException">The list cannot be read.</exception>
    public IReadOnlyList<PhysicalAddress> Read(int linkIndex)
    {
        lock (_lock) return Parse(ReadAll(), linkIndex);
    }

    /// <summary>Closes the file.</summary>
    public void Dispose() => _file.Dispose();

    /// <summary>
    /// Lines of: index, name, users, global users, address in hexadecimal digits (dev_mc_seq_show). A line that is not one
    /// is skipped.
    /// </summary>
    internal static List<PhysicalAddress> Parse(ReadOnlySpan<byte> text, int linkIndex)
    {
        var addresses = new List<PhysicalAddress>();
        while (!text.IsEmpty)
        {
            var end = text.IndexOf((byte)'\n');
            var line = (end < 0 ? text : text[..end]).Trim((byte)' ');
            text = end < 0 ? default : text[(end + 1)..];
            var digits = line[(line.LastIndexOf((byte)' ') + 1)..];
            if (!Utf8Parser.TryParse(line, out int index, out _) || index != linkIndex || digits.Length == line.Length || digits.Length is 0 or > 64) continue;
            var bytes = new byte[digits.Length / 2];
            if (Convert.FromHexString(digits, bytes, out _, out _) == System.Buffers.OperationStatus.Done) addresses.Add(new PhysicalAddress(bytes));
        }
        return addresses;
    }

    // Each read gives whole lines, and 0 is the end. A list that grows between two reads may show a line twice or not yet.
    private ReadOnlySpan<byte> ReadAll()
    {
        var length = 0;
        while (true)
        {
            if (length == _buffer.Length) Array.Resize(ref _buffer, _buffer.Length * 2);
            nint read;
            fixed (byte* pointer = &_buffer[length]) read = NativeMethods.Pread(_file, pointer, (nuint)(_buffer.Length - length), length);
            if (read == 0) return _buffer.AsSpan(0, length);
            if (read > 0) length += (int)read;
            else if (Marshal.GetLastPInvokeError() is var errno and not LinuxError.EINTR) LinuxError.Throw(errno, "read the multicast list");
        }
    }
}
