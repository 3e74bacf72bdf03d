using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using IpVlanWin.HostNetwork.Linux;

namespace IpVlanWin.HostNetwork.Tests.Linux;

[TestClass]
public sealed class NativeLayoutTests
{
    [TestMethod]
    public void Sizes_AreTheKernels()
    {
        Assert.AreEqual(16, Unsafe.SizeOf<NlMsgHdr>());
        Assert.AreEqual(4, Unsafe.SizeOf<NlAttr>());
        Assert.AreEqual(12, Unsafe.SizeOf<SockAddrNl>());
        Assert.AreEqual(20, Unsafe.SizeOf<NlMsgErr>());
        Assert.AreEqual(16, Unsafe.SizeOf<IfInfoMsg>());
        Assert.AreEqual(8, Unsafe.SizeOf<IfAddrMsg>());
        Assert.AreEqual(12, Unsafe.SizeOf<RtMsg>());
        Assert.AreEqual(8, Unsafe.SizeOf<RtNextHop>());
        Assert.AreEqual(12, Unsafe.SizeOf<NdMsg>());
        Assert.AreEqual(40, Unsafe.SizeOf<IfReq>());
        Assert.AreEqual(40, Unsafe.SizeOf<IfReqAddress>());
        Assert.AreEqual(8, Unsafe.SizeOf<EthtoolValue>());
        Assert.AreEqual(8, Unsafe.SizeOf<PollFd>());
        Assert.AreEqual(32, Unsafe.SizeOf<FileLock>());
        Assert.AreEqual(256, Unsafe.SizeOf<FileStatus>());
        Assert.AreEqual(16, Unsafe.SizeOf<TimeValue>());
    }

    [TestMethod]
    [DataRow(typeof(NlMsgHdr), nameof(NlMsgHdr.Length), 0)]
    [DataRow(typeof(NlMsgHdr), nameof(NlMsgHdr.Type), 4)]
    [DataRow(typeof(NlMsgHdr), nameof(NlMsgHdr.Flags), 6)]
    [DataRow(typeof(NlMsgHdr), nameof(NlMsgHdr.Sequence), 8)]
    [DataRow(typeof(NlMsgHdr), nameof(NlMsgHdr.PortId), 12)]
    [DataRow(typeof(NlAttr), nameof(NlAttr.Length), 0)]
    [DataRow(typeof(NlAttr), nameof(NlAttr.Type), 2)]
    [DataRow(typeof(SockAddrNl), nameof(SockAddrNl.Family), 0)]
    [DataRow(typeof(SockAddrNl), nameof(SockAddrNl.PortId), 4)]
    [DataRow(typeof(SockAddrNl), nameof(SockAddrNl.Groups), 8)]
    [DataRow(typeof(NlMsgErr), nameof(NlMsgErr.Error), 0)]
    [DataRow(typeof(NlMsgErr), nameof(NlMsgErr.Request), 4)]
    [DataRow(typeof(IfInfoMsg), nameof(IfInfoMsg.Family), 0)]
    [DataRow(typeof(IfInfoMsg), nameof(IfInfoMsg.Type), 2)]
    [DataRow(typeof(IfInfoMsg), nameof(IfInfoMsg.Index), 4)]
    [DataRow(typeof(IfInfoMsg), nameof(IfInfoMsg.Flags), 8)]
    [DataRow(typeof(IfInfoMsg), nameof(IfInfoMsg.Change), 12)]
    [DataRow(typeof(IfAddrMsg), nameof(IfAddrMsg.Family), 0)]
    [DataRow(typeof(IfAddrMsg), nameof(IfAddrMsg.PrefixLength), 1)]
    [DataRow(typeof(IfAddrMsg), nameof(IfAddrMsg.Flags), 2)]
    [DataRow(typeof(IfAddrMsg), nameof(IfAddrMsg.Scope), 3)]
    [DataRow(typeof(IfAddrMsg), nameof(IfAddrMsg.Index), 4)]
    [DataRow(typeof(RtMsg), nameof(RtMsg.Family), 0)]
    [DataRow(typeof(RtMsg), nameof(RtMsg.DestinationLength), 1)]
    [DataRow(typeof(RtMsg), nameof(RtMsg.SourceLength), 2)]
    [DataRow(typeof(RtMsg), nameof(RtMsg.Tos), 3)]
    [DataRow(typeof(RtMsg), nameof(RtMsg.Table), 4)]
    [DataRow(typeof(RtMsg), nameof(RtMsg.Protocol), 5)]
    [DataRow(typeof(RtMsg), nameof(RtMsg.Scope), 6)]
    [DataRow(typeof(RtMsg), nameof(RtMsg.Type), 7)]
    [DataRow(typeof(RtMsg), nameof(RtMsg.Flags), 8)]
    [DataRow(typeof(RtNextHop), nameof(RtNextHop.Length), 0)]
    [DataRow(typeof(RtNextHop), nameof(RtNextHop.Flags), 2)]
    [DataRow(typeof(RtNextHop), nameof(RtNextHop.Hops), 3)]
    [DataRow(typeof(RtNextHop), nameof(RtNextHop.Index), 4)]
    [DataRow(typeof(NdMsg), nameof(NdMsg.Family), 0)]
    [DataRow(typeof(NdMsg), nameof(NdMsg.Index), 4)]
    [DataRow(typeof(NdMsg), nameof(NdMsg.State), 8)]
    [DataRow(typeof(NdMsg), nameof(NdMsg.Flags), 10)]
    [DataRow(typeof(NdMsg), nameof(NdMsg.Type), 11)]
    [DataRow(typeof(IfReq), nameof(IfReq.Name), 0)]
    [DataRow(typeof(IfReq), nameof(IfReq.Data), 16)]
    [DataRow(typeof(IfReqAddress), nameof(IfReqAddress.Name), 0)]
    [DataRow(typeof(IfReqAddress), nameof(IfReqAddress.Family), 16)]
    [DataRow(typeof(IfReqAddress), nameof(IfReqAddress.Address), 18)]
    [DataRow(typeof(EthtoolValue), nameof(EthtoolValue.Command), 0)]
    [DataRow(typeof(EthtoolValue), nameof(EthtoolValue.Data), 4)]
    [DataRow(typeof(PollFd), nameof(PollFd.Descriptor), 0)]
    [DataRow(typeof(PollFd), nameof(PollFd.Events), 4)]
    [DataRow(typeof(PollFd), nameof(PollFd.Returned), 6)]
    [DataRow(typeof(FileLock), nameof(FileLock.Type), 0)]
    [DataRow(typeof(FileLock), nameof(FileLock.Whence), 2)]
    [DataRow(typeof(FileLock), nameof(FileLock.Start), 8)]
    [DataRow(typeof(FileLock), nameof(FileLock.Length), 16)]
    [DataRow(typeof(FileLock), nameof(FileLock.ProcessId), 24)]
    [DataRow(typeof(FileStatus), nameof(FileStatus.LinkCount), 16)]
    [DataRow(typeof(FileStatus), nameof(FileStatus.Inode), 32)]
    [DataRow(typeof(TimeValue), nameof(TimeValue.Seconds), 0)]
    [DataRow(typeof(TimeValue), nameof(TimeValue.Microseconds), 8)]
    public void Offsets_AreTheKernels(Type type, string field, int offset) =>
        Assert.AreEqual(offset, (int)Marshal.OffsetOf(type, field));
}
