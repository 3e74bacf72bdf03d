using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Devices.Linux;

/// <summary>
/// A packet socket (packet(7)) on one Ethernet interface: what arrives there is read, what is sent leaves there, offload headers and VLAN
/// tags included. It sees frames besides the namespace's own stack, not instead of it: the interface should carry no address.
/// Link down is passing, frames are refused meanwhile; the interface's removal is told by <see cref="IsGone"/>.
/// The kernel refuses a finished frame longer than the MTU and its headers, and makes room for one 802.1Q tag, not for an 802.1ad one
/// (packet_extra_vlan_len_allowed): carrying those at full length takes an interface with an MTU 4 bytes larger.
/// </summary>
[SupportedOSPlatform("linux")]
public sealed unsafe class LinuxPacket : IRemovableDevice
{
    private const int VlanTagLength = 4;
    private const int MacAddressesLength = 2 * MacAddress.Bytes;
    private const ushort CustomerVlan = 0x8100;

    private readonly FileDescriptor _descriptor;
    private readonly int _batchLimit;
    private long _kernelDrops;
    private long _receiveErrors;
    private int _number;
    private bool _mayBeGone;

    private LinuxPacket(LinuxPacketSocket socket, int batchLimit)
    {
        (_descriptor, Name, InterfaceIndex) = socket;
        _number = _descriptor.Number;
        _batchLimit = batchLimit;
        // virtio_net_hdr_to_skb knows UDP segmentation since Linux 6.2; there is nothing to ask.
        var udp = OperatingSystem.IsOSPlatformVersionAtLeast("Linux", 6, 2) ? OffloadKinds.Udp : OffloadKinds.None;
        Accepts = OffloadKinds.Checksum | OffloadKinds.Tcp | udp;
    }

    /// <summary>The interface's name when it was opened.</summary>
    public string Name { get; }

    /// <summary>The interface's index in its namespace.</summary>
    public int InterfaceIndex { get; }

    /// <inheritdoc/>
    public OffloadKinds Accepts { get; }

    /// <inheritdoc/>
    public int PollDescriptor => _number;

    /// <summary>The interface was removed, or moved to another namespace. Asks the kernel only after a call has failed.</summary>
    public bool IsGone
    {
        get
        {
            if (!_mayBeGone)
                return false;
            // packet_notifier sets the socket's index to -1 when the interface goes, and leaves it alone when the link goes down.
            LinkLayerAddress address;
            var length = sizeof(LinkLayerAddress);
            return NativeMethods.GetSocketName(_number, &address, &length) != 0 || address.InterfaceIndex != InterfaceIndex;
        }
    }

    /// <summary>Frames that the kernel dropped because the socket's buffer was full (PACKET_STATISTICS). From any thread.</summary>
    public long KernelDrops
    {
        get
        {
            PacketStatistics statistics;
            var length = sizeof(PacketStatistics);
            var drops = NativeMethods.GetSocketOption(_number, NativeMethods.LevelPacket, NativeMethods.PacketStatistics, &statistics, &length) == 0
                ? statistics.Drops
                : 0;
            return Interlocked.Add(ref _kernelDrops, drops);
        }
    }

    /// <summary>
    /// Frames that arrived but could not be read: longer than <see cref="FrameBatch.MaxFrameLength"/>, or segmented in a way the
    /// header has no word for (SCTP; UDP before Linux 6.2). From any thread.
    /// </summary>
    public long ReceiveErrors => Interlocked.Read(ref _receiveErrors);

    /// <summary>Opens a packet socket on an interface known by name.</summary>
    /// <inheritdoc cref="Open(int, SafeHandle?, LinuxPacketOptions?)"/>
    /// <param name="interfaceName">The interface's name.</param>
    /// <param name="networkNamespace">Open descriptor of the interface's namespace; null for the caller's own.</param>
    /// <param name="options">Null for the defaults.</param>
    public static LinuxPacket Open(string interfaceName, SafeHandle? networkNamespace = null, LinuxPacketOptions? options = null) =>
        Open(interfaceName, 0, networkNamespace, options ?? new());

    /// <summary>Opens a packet socket on an interface known by index.</summary>
    /// <param name="interfaceIndex">The interface's index in its namespace.</param>
    /// <param name="networkNamespace">Open descriptor of the interface's namespace; null for the caller's own.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <exception cref="LinuxDeviceException">Not permitted (CAP_NET_RAW), no such interface, or not an Ethernet one.</exception>
    public static LinuxPacket Open(int interfaceIndex, SafeHandle? networkNamespace = null, LinuxPacketOptions? options = null) =>
        Open(null, interfaceIndex, networkNamespace, options ?? new());

    /// <inheritdoc/>
    public void Receive(FrameBatch batch)
    {
        IoVector vector;
        PacketControl control;
        var header = new MessageHeader { Vectors = &vector, VectorCount = 1, Control = &control };
        for (var left = _batchLimit; left > 0 && !batch.IsFull; left--)
        {
            var message = batch.Next[OffloadHeader.Start..];
            header.ControlLength = (nuint)sizeof(PacketControl);
            nint length;
            int errno;
            fixed (byte* start = message)
            {
                vector = new IoVector { Start = start, Length = (nuint)message.Length };
                length = NativeMethods.ReceiveMessage(_number, &header, 0);
                errno = length < 0 ? Marshal.GetLastSystemError() : 0;
            }
            if (errno != 0)
            {
                if (!CanReadOn(errno))
                    return;
            }
            else if ((header.Flags & NativeMethods.MessageTruncated) != 0 || length < FrameOffload.Bytes)
                Interlocked.Increment(ref _receiveErrors);
            else
                Append(batch, message, (int)length - FrameOffload.Bytes, header.ControlLength, control);
        }
    }

    /// <inheritdoc/>
    public SendResult Send(Span<byte> buffer, in FrameOffload offload)
    {
        var errno = OffloadHeader.Write(_number, buffer, offload);
        if (errno == 0)
            return SendResult.Sent;
        NoteIfGone(errno);
        return Errno.ToSendResult(errno);
    }

    /// <summary>Nothing is held back.</summary>
    public void Flush()
    {
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _number = -1;
        _descriptor.Dispose();
    }

    private static LinuxPacket Open(string? name, int index, SafeHandle? networkNamespace, LinuxPacketOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.BatchLimit, 1);
        return new LinuxPacket(NamespaceThread.Run(networkNamespace, () => LinuxPacketSocket.Open(name, index, options)), options.BatchLimit);
    }

    private static void Append(FrameBatch batch, Span<byte> message, int length, nuint controlLength, in PacketControl control)
    {
        var offload = MemoryMarshal.Read<FrameOffload>(message);
        ref readonly var auxiliary = ref control.Auxiliary;
        if (controlLength < (nuint)(sizeof(ControlHeader) + sizeof(PacketAuxiliary)) || control.Header.Type != NativeMethods.PacketAuxiliaryData ||
            (auxiliary.Status & NativeMethods.StatusVlanValid) == 0 || length < MacAddressesLength)
        {
            batch.Append(length, offload);
            return;
        }
        // The kernel took the outer tag out of the bytes: the MAC addresses move forward, over the header already read, and make room for it.
        var frame = message[(FrameOffload.Bytes - VlanTagLength)..];
        frame.Slice(VlanTagLength, MacAddressesLength).CopyTo(frame);
        var hasProtocol = (auxiliary.Status & NativeMethods.StatusVlanProtocolValid) != 0;
        BinaryPrimitives.WriteUInt16BigEndian(frame[MacAddressesLength..], hasProtocol ? auxiliary.VlanProtocol : CustomerVlan);
        BinaryPrimitives.WriteUInt16BigEndian(frame[(MacAddressesLength + 2)..], auxiliary.VlanTag);
        batch.Append(length + VlanTagLength, offload.Shifted(VlanTagLength), FrameBatch.FrameStart - VlanTagLength);
    }

    private bool CanReadOn(int errno)
    {
        // packet_recvmsg gives EINVAL for a frame that virtio_net_hdr_from_skb cannot describe, and has thrown the frame away.
        if (errno == Errno.Invalid)
            Interlocked.Increment(ref _receiveErrors);
        NoteIfGone(errno);
        // Network down is told once; frames from before it may still wait.
        return errno is Errno.Invalid or Errno.NetworkDown;
    }

    private void NoteIfGone(int errno) => _mayBeGone |= errno is Errno.NetworkDown or Errno.NoSuchAddress or Errno.NoDevice;
}
