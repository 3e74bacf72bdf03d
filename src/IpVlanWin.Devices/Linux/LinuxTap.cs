using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Devices.Linux;

/// <summary>
/// A TAP interface (Linux Documentation/networking/tuntap.rst) whose frames cross with their offload headers: GSO frames whole,
/// checksums partial. It lives in a network namespace and ends with this object. Its addresses, MTU and up/down are not set here.
/// </summary>
[SupportedOSPlatform("linux")]
public sealed unsafe class LinuxTap : IRemovableDevice
{
    private const string ControlDevice = "/dev/net/tun";

    private readonly FileDescriptor _descriptor;
    private readonly int _batchLimit;
    private int _number;

    private LinuxTap(FileDescriptor descriptor, string name, int interfaceIndex, OffloadKinds accepts, int batchLimit)
    {
        _descriptor = descriptor;
        _number = descriptor.Number;
        _batchLimit = batchLimit;
        (Name, InterfaceIndex, Accepts) = (name, interfaceIndex, accepts);
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <summary>The interface's index in its namespace.</summary>
    public int InterfaceIndex { get; }

    /// <summary>Checksum and TCP always; UDP where the kernel takes TUN_F_USO4 and TUN_F_USO6 (Linux 6.2). What is sent here, and what its own stack hands out.</summary>
    public OffloadKinds Accepts { get; }

    /// <inheritdoc/>
    public int PollDescriptor => _number;

    /// <inheritdoc/>
    public bool IsGone { get; private set; }

    /// <summary>Makes a TAP interface, down and without addresses.</summary>
    /// <param name="name">1 to 15 bytes; null for a name of the kernel's choice.</param>
    /// <param name="address">MAC address; null for a random one.</param>
    /// <param name="networkNamespace">Open descriptor of the namespace to make it in; null for the caller's own.</param>
    /// <param name="batchLimit">Most frames taken per <see cref="Receive"/>, so that one busy interface does not starve others.</param>
    /// <exception cref="LinuxDeviceException">Not permitted (CAP_NET_ADMIN), no tun module, the name is in use.</exception>
    /// <exception cref="ArgumentException">The name or the address is none that an interface may have.</exception>
    public static LinuxTap Create(string? name = null, MacAddress? address = null, SafeHandle? networkNamespace = null, int batchLimit = 64)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(batchLimit, 1);
        if (address is { } mac && (mac.IsMulticast || mac.Value == 0))
            throw new ArgumentException($"MAC address {mac} must be a unicast address other than zero", nameof(address));
        var request = name is null ? default : new InterfaceRequest(name);
        return NamespaceThread.Run(networkNamespace, () => CreateHere(request, address, batchLimit));
    }

    /// <inheritdoc/>
    public void Receive(FrameBatch batch)
    {
        for (var left = _batchLimit; left > 0 && !batch.IsFull; left--)
        {
            var message = batch.Next[OffloadHeader.Start..];
            nint length;
            int errno;
            fixed (byte* start = message)
            {
                length = NativeMethods.Read(_number, start, (nuint)message.Length);
                errno = length < 0 ? Marshal.GetLastSystemError() : 0;
            }
            if (errno != 0)
            {
                NoteIfGone(errno);
                return;
            }
            // tun_chr_read_iter never gives less than a header; a frame shorter than Ethernet's own is the engine's to refuse.
            if (length >= FrameOffload.Bytes)
                batch.Append((int)length - FrameOffload.Bytes, MemoryMarshal.Read<FrameOffload>(message));
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

    /// <summary>Removes the interface.</summary>
    public void Dispose()
    {
        _number = -1;
        _descriptor.Dispose();
    }

    private void NoteIfGone(int errno) => IsGone |= errno == Errno.BadDescriptorState;

    private static LinuxTap CreateHere(InterfaceRequest request, MacAddress? address, int batchLimit)
    {
        var asked = request.NameText;
        var descriptor = new FileDescriptor(NativeMethods.Open(
            ControlDevice, NativeMethods.OpenReadWrite | NativeMethods.OpenNonBlocking | NativeMethods.OpenCloseOnExec));
        if (descriptor.IsInvalid)
            LinuxDeviceException.Throw(Marshal.GetLastSystemError(), $"cannot open {ControlDevice} (the kernel's tun module)");
        try
        {
            var number = descriptor.Number;
            // Exclusive: never to take over a persistent TAP of the same name that somebody else made.
            request.Flags = NativeMethods.TunTap | NativeMethods.TunNoPacketInformation | NativeMethods.TunOffloadHeader | NativeMethods.TunExclusive;
            // One of this name that was just closed stays until a child, forked in that moment, has come to its exec.
            for (var left = 100; NativeMethods.IoControl(number, NativeMethods.TunSetInterface, &request) != 0; left--)
            {
                var errno = Marshal.GetLastSystemError();
                if (errno != Errno.Busy || left == 0)
                    LinuxDeviceException.Throw(errno, $"cannot create TAP '{asked}'");
                Thread.Sleep(2);
            }
            var name = request.NameText;

            var headerLength = FrameOffload.Bytes;
            if (NativeMethods.IoControl(number, NativeMethods.TunSetHeaderSize, &headerLength) != 0)
                LinuxDeviceException.Throw(Marshal.GetLastSystemError(), $"cannot set the offload header's size of TAP '{name}'");
            var accepts = SetOffloads(number, name);
            if (address is { } mac)
            {
                request.LinkType = NativeMethods.LinkTypeEthernet;
                mac.Write(new Span<byte>(request.HardwareAddress, MacAddress.Bytes));
                if (NativeMethods.IoControl(number, NativeMethods.SetHardwareAddress, &request) != 0)
                    LinuxDeviceException.Throw(Marshal.GetLastSystemError(), $"cannot set the MAC address of TAP '{name}' to {mac}");
            }
            return new LinuxTap(descriptor, name, IndexOf(request, name), accepts, batchLimit);
        }
        catch
        {
            descriptor.Dispose();
            throw;
        }
    }

    private static OffloadKinds SetOffloads(int number, string name)
    {
        if (NativeMethods.IoControl(number, NativeMethods.TunSetOffload, NativeMethods.TunOffloadTcpAndUdp) == 0)
            return OffloadKinds.Checksum | OffloadKinds.Tcp | OffloadKinds.Udp;
        if (NativeMethods.IoControl(number, NativeMethods.TunSetOffload, NativeMethods.TunOffloadTcp) != 0)
            LinuxDeviceException.Throw(Marshal.GetLastSystemError(), $"cannot set the offloads of TAP '{name}'");
        return OffloadKinds.Checksum | OffloadKinds.Tcp;
    }

    private static int IndexOf(InterfaceRequest request, string name)
    {
        using var socket = new FileDescriptor(NativeMethods.Socket(
            NativeMethods.FamilyUnix, NativeMethods.SocketDatagram | NativeMethods.SocketCloseOnExec, 0));
        if (socket.IsInvalid || NativeMethods.IoControl(socket.Number, NativeMethods.GetInterfaceIndex, &request) != 0)
            LinuxDeviceException.Throw(Marshal.GetLastSystemError(), $"cannot find the index of TAP '{name}'");
        return request.Index;
    }
}
