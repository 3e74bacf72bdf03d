using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace IpVlanWin.HostNetwork.Linux;

/// <summary>Takes the messages of a dump. Returns false for one that is malformed.</summary>
internal delegate bool DumpHandler(in NlMsgHdr header, ReadOnlySpan<byte> payload);

/// <summary>
/// A NETLINK_ROUTE socket: requests with acknowledgements, dumps and notifications (netlink(7)). It stays in the network
/// namespace of the thread that opened it. Not for several threads at once.
/// </summary>
[SupportedOSPlatform("linux")]
internal sealed unsafe class NetlinkSocket : IDisposable
{
    /// <summary>Bytes of a datagram that can be received: the kernel's dumps fill at most 32 KiB.</summary>
    private const int ReceiveBytes = 64 * 1024;

    // One chunk's acknowledgements (well under 1 KiB each) have to fit the default receive buffer of 208 KiB, and its
    // bytes the send buffer; the kernel answers a chunk inside send(2).
    private const int ChunkMessages = 64;
    private const int ChunkBytes = 32 * 1024;

    // The kernel answers before send(2) returns, so this is reached only if an answer was lost.
    private const int AnswerSeconds = 10;

    private readonly byte[] _buffer = GC.AllocateUninitializedArray<byte>(ReceiveBytes, pinned: true);
    private uint _sequence;

    private NetlinkSocket(SafeFileHandle handle) => Handle = handle;

    /// <summary>The descriptor, to poll.</summary>
    public SafeFileHandle Handle { get; }

    /// <summary>Opens a socket in the calling thread's namespace.</summary>
    public static NetlinkSocket Open()
    {
        var handle = NativeMethods.Socket(NativeMethods.AF_NETLINK, NativeMethods.SOCK_RAW | NativeMethods.SOCK_CLOEXEC, 0);
        if (handle.IsInvalid) LinuxError.ThrowLast("open a netlink socket");
        var socket = new NetlinkSocket(handle);
        try
        {
            var address = new SockAddrNl { Family = NativeMethods.AF_NETLINK };
            if (NativeMethods.Bind(handle, &address, (uint)sizeof(SockAddrNl)) != 0) LinuxError.ThrowLast("bind a netlink socket");
            socket.SetOption(NativeMethods.SOL_NETLINK, NativeMethods.NETLINK_EXT_ACK, 1);
            socket.SetOption(NativeMethods.SOL_NETLINK, NativeMethods.NETLINK_CAP_ACK, 1);
            socket.SetOption(NativeMethods.SOL_NETLINK, NativeMethods.NETLINK_GET_STRICT_CHK, 1);
            var limit = new TimeValue { Seconds = AnswerSeconds };
            if (NativeMethods.SetSockOpt(handle, NativeMethods.SOL_SOCKET, NativeMethods.SO_RCVTIMEO, &limit, (uint)sizeof(TimeValue)) != 0)
            {
                LinuxError.ThrowLast("limit the wait of a netlink socket");
            }
            return socket;
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>Bounds the kernel memory that waits to be received; the kernel doubles the number for its own overhead.</summary>
    public void SetReceiveBuffer(int bytes)
    {
        // FORCE exceeds net.core.rmem_max and needs CAP_NET_ADMIN; without it the plain option takes what is allowed.
        if (NativeMethods.SetSockOpt(Handle, NativeMethods.SOL_SOCKET, NativeMethods.SO_RCVBUFFORCE, &bytes, sizeof(int)) == 0) return;
        SetOption(NativeMethods.SOL_SOCKET, NativeMethods.SO_RCVBUF, bytes);
    }

    /// <summary>Subscribes to a multicast group.</summary>
    public void Join(int group) => SetOption(NativeMethods.SOL_NETLINK, NativeMethods.NETLINK_ADD_MEMBERSHIP, group);

    /// <summary>
    /// Sends all messages and collects what the kernel refused, in order. A message that fails does not stop those after it.
    /// </summary>
    /// <param name="requests">The messages.</param>
    /// <param name="failures">Where to put the refusals.</param>
    /// <param name="onReply">Takes what the kernel answers besides the acknowledgement; null when nothing is asked for.</param>
    public void Execute(NetlinkWriter requests, List<BatchFailure> failures, DumpHandler? onReply = null)
    {
        for (var first = 0; first < requests.Count;)
        {
            var end = first + 1;
            while (end < requests.Count && end - first < ChunkMessages && requests.StartOf(end + 1) - requests.StartOf(first) <= ChunkBytes) end++;
            ExecuteChunk(requests, first, end, failures, onReply);
            first = end;
        }
    }

    private void ExecuteChunk(NetlinkWriter requests, int first, int end, List<BatchFailure> failures, DumpHandler? onReply)
    {
        var firstSequence = _sequence + 1;
        for (var i = first; i < end; i++)
        {
            ref var header = ref HeaderAt(requests.Written, requests.StartOf(i));
            header.Sequence = ++_sequence;
            header.Flags |= Rtnl.NLM_F_ACK;
        }
        Send(requests.Written[requests.StartOf(first)..requests.StartOf(end)], requests.AttemptOf(first));

        for (var waiting = end - first; waiting > 0;)
        {
            var reader = new MessageReader(_buffer.AsSpan(0, ReceiveAnswer(requests.AttemptOf(first))));
            while (reader.Next())
            {
                // Differences are taken modulo 2^32; what does not fall into this chunk answers something older.
                var place = reader.Header.Sequence - firstSequence;
                if (place >= (uint)(end - first)) continue;
                var attempt = requests.AttemptOf(first + (int)place);
                if (reader.Header.Type != Rtnl.NLMSG_ERROR)
                {
                    if (onReply is not null && !onReply(reader.Header, reader.Payload)) LinuxError.Throw(LinuxError.EBADMSG, attempt, "the kernel's answer is malformed");
                    continue;
                }
                var answer = Acknowledgement.Parse(reader.Header, reader.Payload);
                if (answer is null) LinuxError.Throw(LinuxError.EBADMSG, attempt, "the kernel's answer is too short");
                waiting--;
                if (answer.Value.Errno != 0)
                {
                    failures.Add(new(first + (int)place, LinuxError.Create(answer.Value.Errno, attempt, answer.Value.Text)));
                }
            }
            if (reader.IsMalformed) LinuxError.Throw(LinuxError.EBADMSG, requests.AttemptOf(first), "the kernel's answer is malformed");
        }
    }

    /// <summary>
    /// Asks for a dump and hands over its messages.
    /// </summary>
    /// <returns>False when the table changed meanwhile, so that entries may be missing or double (NLM_F_DUMP_INTR).</returns>
    public bool Dump<T>(ushort type, in T body, string attempt, DumpHandler handler) where T : unmanaged
    {
        var request = new NetlinkWriter();
        request.Begin(type, Rtnl.NLM_F_DUMP, attempt, body);
        request.End();
        var sequence = ++_sequence;
        HeaderAt(request.Written, 0).Sequence = sequence;
        Send(request.Written, attempt);

        var consistent = true;
        while (true)
        {
            var reader = new MessageReader(_buffer.AsSpan(0, ReceiveAnswer(attempt)));
            while (reader.Next())
            {
                var header = reader.Header;
                if (header.Sequence != sequence) continue;
                if ((header.Flags & Rtnl.NLM_F_DUMP_INTR) != 0) consistent = false;
                if (header.Type is Rtnl.NLMSG_DONE or Rtnl.NLMSG_ERROR)
                {
                    // DONE carries a result code as ERROR does, without the request.
                    var failed = MemoryMarshal.TryRead(reader.Payload, out int code) && code < 0;
                    if (failed) LinuxError.Throw(-Math.Max(code, -int.MaxValue), attempt);
                    return consistent;
                }
                if (header.Type != Rtnl.NLMSG_NOOP && !handler(header, reader.Payload))
                {
                    Drain();
                    LinuxError.Throw(LinuxError.EBADMSG, attempt, $"message of type {header.Type} is malformed");
                }
            }
            if (reader.IsMalformed) LinuxError.Throw(LinuxError.EBADMSG, attempt, "the kernel's answer is malformed");
        }
    }

    /// <summary>Receives one datagram of the kernel without waiting.</summary>
    /// <param name="datagram">The bytes, valid until the next call.</param>
    /// <returns>0, or EAGAIN when there is none, or ENOBUFS (EMSGSIZE) when the kernel dropped (cut) some.</returns>
    public int TryReceive(out ReadOnlySpan<byte> datagram)
    {
        var result = Receive(NativeMethods.MSG_DONTWAIT, out var length);
        datagram = result == 0 ? _buffer.AsSpan(0, length) : default;
        return result;
    }

    private void Send(ReadOnlySpan<byte> bytes, string attempt)
    {
        fixed (byte* pointer = bytes)
        {
            while (NativeMethods.Send(Handle, pointer, (nuint)bytes.Length, 0) < 0)
            {
                var errno = Marshal.GetLastPInvokeError();
                if (errno != LinuxError.EINTR) LinuxError.Throw(errno, attempt);
            }
        }
    }

    private int ReceiveAnswer(string attempt)
    {
        var errno = Receive(0, out var length);
        if (errno == LinuxError.EAGAIN) LinuxError.Throw(LinuxError.ETIMEDOUT, attempt, $"no answer within {AnswerSeconds} s");
        if (errno != 0) LinuxError.Throw(errno, attempt);
        return length;
    }

    private int Receive(int flags, out int length)
    {
        while (true)
        {
            SockAddrNl source = default;
            var sourceLength = (uint)sizeof(SockAddrNl);
            nint received;
            fixed (byte* pointer = _buffer)
            {
                received = NativeMethods.ReceiveFrom(Handle, pointer, ReceiveBytes, flags | NativeMethods.MSG_TRUNC, &source, &sourceLength);
            }
            length = 0;
            if (received < 0)
            {
                var errno = Marshal.GetLastPInvokeError();
                if (errno == LinuxError.EINTR) continue;
                return errno;
            }
            // Only the kernel has port 0; another process's message is none of ours.
            if (source.PortId != 0) continue;
            if (received > ReceiveBytes) return LinuxError.EMSGSIZE;
            length = (int)received;
            return 0;
        }
    }

    private void Drain()
    {
        while (Receive(NativeMethods.MSG_DONTWAIT, out _) is 0 or LinuxError.ENOBUFS or LinuxError.EMSGSIZE)
        {
        }
    }

    private static ref NlMsgHdr HeaderAt(Span<byte> messages, int start) =>
        ref Unsafe.As<byte, NlMsgHdr>(ref messages[start]);

    private void SetOption(int level, int option, int value)
    {
        if (NativeMethods.SetSockOpt(Handle, level, option, &value, sizeof(int)) != 0) LinuxError.ThrowLast($"set option {option} of a netlink socket");
    }

    /// <summary>Closes the socket.</summary>
    public void Dispose() => Handle.Dispose();
}
