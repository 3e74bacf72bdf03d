using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using System.Text;
using IpVlanWin.HostNetwork;

namespace IpVlanWin.Datapath.Filter;

/// <summary>What is asked of whoever plays the driver: this, then as many bytes. The answer is a status, a length and as many bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct PlayedRequest
{
    public uint Kind;
    public uint First;
    public uint Second;
    public uint Length;
}

/// <summary>The kinds of <see cref="PlayedRequest"/>.</summary>
internal static class PlayedKind
{
    /// <summary>First is the control code, Second the room for the answer. The status is a <see cref="FilterStatus"/>.</summary>
    public const uint Control = 1;

    /// <summary>Waits for an <see cref="AbiEvent"/>; on a connection of its own.</summary>
    public const uint Event = 2;

    /// <summary>First is a link's index, what follows the name of its namespace where that is not the host's. The status is 0: not bound, 1: bound, 2: cannot be.</summary>
    public const uint FindBinding = 3;

    /// <summary>The same, and Second 1 to bind.</summary>
    public const uint SetBinding = 4;

    /// <summary>A link is given as in <see cref="FindBinding"/>. The answer is its LUID, 8 bytes.</summary>
    public const uint FindLuid = 5;
}

/// <summary>
/// On Linux, where there is no driver, one that somebody plays behind a socket: the lab, or a test over the driver's native build. He says what
/// a link's LUID is, and which links he has. Stream sockets, numbers in the machine's order.
/// </summary>
[SupportedOSPlatform("linux")]
internal sealed class PlayedFilterDevice : IFilterDevice, IFilterBindings
{
    private const int LongestAnswer = 1 << 20;

    private readonly Socket _requests;
    private readonly Socket _events;
    private readonly Lock _lock = new();
    private volatile bool _isClosed;

    private PlayedFilterDevice(Socket requests, Socket events) => (_requests, _events) = (requests, events);

    /// <exception cref="IOException">Nobody is there.</exception>
    public static PlayedFilterDevice Open(string path)
    {
        var requests = Connect(path);
        try
        {
            return new PlayedFilterDevice(requests, Connect(path));
        }
        catch
        {
            requests.Dispose();
            throw;
        }
    }

    public FilterStatus Request(uint code, Span<byte> buffer, int requestLength, out int answerLength)
    {
        answerLength = 0;
        if (_isClosed)
            return FilterStatus.Closed;
        lock (_lock)
        {
            var status = (FilterStatus)Ask(_requests, new PlayedRequest { Kind = PlayedKind.Control, First = code, Second = (uint)buffer.Length }, buffer[..requestLength], buffer, out answerLength);
            return Enum.IsDefined(status) ? status : throw new IOException($"whoever plays the driver answers {status}");
        }
    }

    public bool WaitForEvent(out AbiEvent happened)
    {
        happened = default;
        try
        {
            var status = Ask(_events, new PlayedRequest { Kind = PlayedKind.Event }, [], MemoryMarshal.AsBytes(new Span<AbiEvent>(ref happened)), out var length);
            return status == 0 && length == Marshal.SizeOf<AbiEvent>();
        }
        catch (Exception fault) when (_isClosed && fault is IOException or ObjectDisposedException)
        {
            return false;
        }
    }

    public ulong LuidOf(HostLink link, string? namespaceName = null)
    {
        ulong luid = 0;
        lock (_lock)
            return Ask(_requests, new PlayedRequest { Kind = PlayedKind.FindLuid, First = (uint)link.Index }, Place(namespaceName), MemoryMarshal.AsBytes(new Span<ulong>(ref luid)), out var length) == 0 && length == sizeof(ulong)
                ? luid : throw new IOException($"whoever plays the filter driver does not know {link.Name}");
    }

    public bool? FindBinding(HostLink link, string component, string? namespaceName = null)
    {
        lock (_lock)
            return Ask(_requests, new PlayedRequest { Kind = PlayedKind.FindBinding, First = (uint)link.Index }, Place(namespaceName), [], out _) switch { 0 => false, 1 => true, _ => null };
    }

    public void SetBinding(HostLink link, string component, bool isBound, string? namespaceName = null)
    {
        lock (_lock)
        {
            if (Ask(_requests, new PlayedRequest { Kind = PlayedKind.SetBinding, First = (uint)link.Index, Second = isBound ? 1u : 0 }, Place(namespaceName), [], out _) != 0)
                throw new IOException($"{component} cannot be bound to {link.Name}");
        }
    }

    public void Dispose()
    {
        _isClosed = true;
        // Ends what waits, which closing alone does not.
        foreach (var socket in (Socket[])[_events, _requests])
        {
            try
            {
                socket.Shutdown(SocketShutdown.Both);
            }
            catch (SocketException)
            {
                // The other side was quicker.
            }
            socket.Dispose();
        }
    }

    internal static void Send(Socket socket, ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
            bytes = bytes[socket.Send(bytes)..];
    }

    /// <summary>False where the other side ended before the first byte.</summary>
    internal static bool Receive(Socket socket, Span<byte> bytes)
    {
        for (var at = 0; at < bytes.Length;)
        {
            var count = socket.Receive(bytes[at..]);
            if (count == 0)
                return at == 0 ? false : throw new IOException("a message of the played driver is cut short");
            at += count;
        }
        return true;
    }

    private static byte[] Place(string? namespaceName) => Encoding.UTF8.GetBytes(namespaceName ?? "");

    private static Socket Connect(string path)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(path));
            return socket;
        }
        catch (SocketException refused)
        {
            socket.Dispose();
            throw new IOException($"nobody plays the filter driver at {path}: {refused.Message}", refused);
        }
    }

    private static uint Ask(Socket socket, PlayedRequest request, ReadOnlySpan<byte> content, Span<byte> answer, out int length)
    {
        request.Length = (uint)content.Length;
        Span<uint> head = stackalloc uint[2];
        try
        {
            Send(socket, MemoryMarshal.AsBytes(new ReadOnlySpan<PlayedRequest>(in request)));
            Send(socket, content);
            if (!Receive(socket, MemoryMarshal.AsBytes(head)))
                throw new IOException("whoever played the filter driver is gone");
            if (head[1] > Math.Min(answer.Length, LongestAnswer))
                throw new IOException($"whoever plays the filter driver answers with {head[1]} bytes");
            length = (int)head[1];
            if (length > 0 && !Receive(socket, answer[..length]))
                throw new IOException("whoever played the filter driver is gone");
            return head[0];
        }
        catch (SocketException gone)
        {
            throw new IOException($"whoever played the filter driver is gone: {gone.Message}", gone);
        }
    }
}
