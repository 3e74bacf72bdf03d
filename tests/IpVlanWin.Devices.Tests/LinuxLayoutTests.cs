using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using IpVlanWin.Devices.Linux;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Devices.Tests;

/// <summary>Sizes and offsets of the kernel's structures on 64-bit Linux, x64 and arm64.</summary>
[TestClass]
public sealed class LinuxLayoutTests
{
    [TestMethod]
    public void Ifreq() => AssertLayout<InterfaceRequest>(40, (nameof(InterfaceRequest.Name), 0), (nameof(InterfaceRequest.Flags), 16),
        (nameof(InterfaceRequest.Index), 16), (nameof(InterfaceRequest.LinkType), 16), (nameof(InterfaceRequest.HardwareAddress), 18));

    [TestMethod]
    public void Sockaddr_ll() => AssertLayout<LinkLayerAddress>(20, (nameof(LinkLayerAddress.Family), 0), (nameof(LinkLayerAddress.Protocol), 2),
        (nameof(LinkLayerAddress.InterfaceIndex), 4), (nameof(LinkLayerAddress.LinkType), 8), (nameof(LinkLayerAddress.PacketType), 10),
        (nameof(LinkLayerAddress.AddressLength), 11), (nameof(LinkLayerAddress.Address), 12));

    [TestMethod]
    public void Iovec() => AssertLayout<IoVector>(16, (nameof(IoVector.Start), 0), (nameof(IoVector.Length), 8));

    [TestMethod]
    public void Msghdr() => AssertLayout<MessageHeader>(56, (nameof(MessageHeader.Name), 0), (nameof(MessageHeader.NameLength), 8),
        (nameof(MessageHeader.Vectors), 16), (nameof(MessageHeader.VectorCount), 24), (nameof(MessageHeader.Control), 32),
        (nameof(MessageHeader.ControlLength), 40), (nameof(MessageHeader.Flags), 48));

    [TestMethod]
    public void Cmsghdr() => AssertLayout<ControlHeader>(16, (nameof(ControlHeader.Length), 0), (nameof(ControlHeader.Level), 8), (nameof(ControlHeader.Type), 12));

    [TestMethod]
    public void Cmsghdr_with_auxdata() => AssertLayout<PacketControl>(40, (nameof(PacketControl.Header), 0), (nameof(PacketControl.Auxiliary), 16));

    [TestMethod]
    public void Tpacket_auxdata() => AssertLayout<PacketAuxiliary>(20, (nameof(PacketAuxiliary.Status), 0), (nameof(PacketAuxiliary.Length), 4),
        (nameof(PacketAuxiliary.CapturedLength), 8), (nameof(PacketAuxiliary.MacOffset), 12), (nameof(PacketAuxiliary.NetworkOffset), 14),
        (nameof(PacketAuxiliary.VlanTag), 16), (nameof(PacketAuxiliary.VlanProtocol), 18));

    [TestMethod]
    public void Packet_mreq() => AssertLayout<PacketMembership>(16, (nameof(PacketMembership.InterfaceIndex), 0), (nameof(PacketMembership.Type), 4),
        (nameof(PacketMembership.AddressLength), 6), (nameof(PacketMembership.Address), 8));

    [TestMethod]
    public void Tpacket_stats() => AssertLayout<PacketStatistics>(8, (nameof(PacketStatistics.Frames), 0), (nameof(PacketStatistics.Drops), 4));

    [TestMethod]
    public void Epoll_event_of_x64() => AssertLayout<PackedEpollEvent>(12, (nameof(PackedEpollEvent.Events), 0), (nameof(PackedEpollEvent.Data), 4));

    [TestMethod]
    public void Epoll_event_of_arm64() => AssertLayout<AlignedEpollEvent>(16, (nameof(AlignedEpollEvent.Events), 0), (nameof(AlignedEpollEvent.Data), 8));

    [TestMethod]
    public void Virtio_net_hdr() => AssertLayout<FrameOffload>(10, ("_flags", 0), ("_segmentation", 1), ("_headerLength", 2),
        ("_segmentSize", 4), ("_checksumStart", 6), ("_checksumOffset", 8));

    private static void AssertLayout<T>(int size, params (string Field, int Offset)[] fields)
        where T : unmanaged
    {
        Assert.AreEqual(size, Unsafe.SizeOf<T>());
        foreach (var (field, offset) in fields)
            Assert.AreEqual(offset, (int)Marshal.OffsetOf<T>(field), field);
    }
}
