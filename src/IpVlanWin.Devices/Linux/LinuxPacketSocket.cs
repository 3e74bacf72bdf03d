using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace IpVlanWin.Devices.Linux;

/// <summary>A packet socket bound to an Ethernet interface and set up for offload headers (packet(7)).</summary>
[SupportedOSPlatform("linux")]
internal readonly unsafe record struct LinuxPacketSocket(FileDescriptor Descriptor, string Name, int InterfaceIndex)
{
    /// <summary>Opens it in the calling thread's namespace, on the interface of that name or, where that is null, index.</summary>
    public static LinuxPacketSocket Open(string? interfaceName, int interfaceIndex, LinuxPacketOptions options)
    {
        // Protocol 0: bound to no interface yet, the socket must not collect the frames of all.
        var descriptor = new FileDescriptor(NativeMethods.Socket(
            NativeMethods.FamilyPacket, NativeMethods.SocketRaw | NativeMethods.SocketNonBlocking | NativeMethods.SocketCloseOnExec, 0));
        if (descriptor.IsInvalid)
            LinuxDeviceException.Throw(Marshal.GetLastSystemError(), "cannot open a packet socket");
        try
        {
            var number = descriptor.Number;
            var index = interfaceName is null ? interfaceIndex : IndexOf(number, interfaceName);
            var name = interfaceName ?? NameOf(number, index);
            CheckEthernet(number, name);
            Set(number, NativeMethods.PacketOffloadHeader, "the offload header");
            Set(number, NativeMethods.PacketAuxiliaryData, "auxiliary data");
            Set(number, NativeMethods.PacketIgnoreOutgoing, "ignoring sent frames (Linux 4.20)");
            SetBuffer(number, NativeMethods.ReceiveBufferForce, NativeMethods.ReceiveBuffer, options.ReceiveBufferLength);
            SetBuffer(number, NativeMethods.SendBufferForce, NativeMethods.SendBuffer, options.SendBufferLength);
            Join(number, index, NativeMethods.MembershipAllMulticast, name);
            if (options.Promiscuous)
                Join(number, index, NativeMethods.MembershipPromiscuous, name);
            Bind(number, index, name);
            return new LinuxPacketSocket(descriptor, name, index);
        }
        catch
        {
            descriptor.Dispose();
            throw;
        }
    }

    private static int IndexOf(int number, string name)
    {
        var request = new InterfaceRequest(name);
        if (NativeMethods.IoControl(number, NativeMethods.GetInterfaceIndex, &request) != 0)
            LinuxDeviceException.Throw(Marshal.GetLastSystemError(), $"cannot open interface '{name}'");
        return request.Index;
    }

    private static string NameOf(int number, int index)
    {
        var request = new InterfaceRequest { Index = index };
        if (NativeMethods.IoControl(number, NativeMethods.GetInterfaceName, &request) != 0)
            LinuxDeviceException.Throw(Marshal.GetLastSystemError(), $"cannot open interface {index}");
        return request.NameText;
    }

    private static void CheckEthernet(int number, string name)
    {
        var request = new InterfaceRequest(name);
        if (NativeMethods.IoControl(number, NativeMethods.GetHardwareAddress, &request) != 0)
            LinuxDeviceException.Throw(Marshal.GetLastSystemError(), $"cannot open interface '{name}'");
        if (request.LinkType != NativeMethods.LinkTypeEthernet)
            throw new LinuxDeviceException($"interface '{name}' has link type {request.LinkType}; it must be Ethernet ({NativeMethods.LinkTypeEthernet})");
    }

    private static void Set(int number, int option, string what)
    {
        var on = 1;
        if (NativeMethods.SetSocketOption(number, NativeMethods.LevelPacket, option, &on, sizeof(int)) != 0)
            LinuxDeviceException.Throw(Marshal.GetLastSystemError(), $"cannot turn on {what} of a packet socket");
    }

    // Without CAP_NET_ADMIN the system's limit (net.core.rmem_max) caps the length silently, which is all there is to get.
    private static void SetBuffer(int number, int force, int option, int length)
    {
        if (NativeMethods.SetSocketOption(number, NativeMethods.LevelSocket, force, &length, sizeof(int)) != 0 &&
            NativeMethods.SetSocketOption(number, NativeMethods.LevelSocket, option, &length, sizeof(int)) != 0)
            LinuxDeviceException.Throw(Marshal.GetLastSystemError(), $"cannot set a packet socket's buffer to {length} bytes");
    }

    private static void Join(int number, int index, ushort type, string name)
    {
        var membership = new PacketMembership { InterfaceIndex = index, Type = type };
        if (NativeMethods.SetSocketOption(number, NativeMethods.LevelPacket, NativeMethods.PacketAddMembership, &membership, sizeof(PacketMembership)) != 0)
            LinuxDeviceException.Throw(Marshal.GetLastSystemError(), $"cannot widen what interface '{name}' receives");
    }

    private static void Bind(int number, int index, string name)
    {
        var address = new LinkLayerAddress
        {
            Family = NativeMethods.FamilyPacket,
            Protocol = BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness((ushort)NativeMethods.AllProtocols) : (ushort)NativeMethods.AllProtocols,
            InterfaceIndex = index,
        };
        if (NativeMethods.Bind(number, &address, sizeof(LinkLayerAddress)) != 0)
            LinuxDeviceException.Throw(Marshal.GetLastSystemError(), $"cannot bind a packet socket to interface '{name}'");
    }
}
