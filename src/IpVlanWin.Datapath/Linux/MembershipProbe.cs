using System.Runtime.Versioning;
using IpVlanWin.Devices;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Datapath.Linux;

/// <summary>
/// Notices that a stack joins or leaves a group: it says so by IGMP (RFC 3376) or MLD (RFC 3810). Then its list of groups is read again,
/// before the report itself is decided on, so that no frame to the group is missed. The report only triggers; what counts is the list.
/// </summary>
/// <param name="inner">The device, decorated or not.</param>
/// <param name="removable">The device itself.</param>
/// <param name="onReport">Reads the list.</param>
[SupportedOSPlatform("linux")]
internal sealed class MembershipProbe(IFrameDevice inner, IRemovableDevice removable, Action onReport) : IRemovableDevice
{
    private const byte Igmp = 2;
    private const byte HopByHop = 0;

    // Reading costs two system calls: a stack that reports without end must not slow the pump down. Few reports must all be heeded.
    private const int MostReads = 20;
    private const long WindowMilliseconds = 100;

    private long _windowStart = long.MinValue / 2;
    private int _reads;

    public string Name => inner.Name;

    public OffloadKinds Accepts => inner.Accepts;

    public int PollDescriptor => inner.PollDescriptor;

    public bool IsGone => removable.IsGone;

    public void Receive(FrameBatch batch)
    {
        inner.Receive(batch);
        for (var i = 0; i < batch.Count; i++)
        {
            var frame = batch.Frame(i);
            if ((frame.Length > 0 && (frame[0] & 1) == 0) || !IsReport(frame))
                continue;
            var now = Environment.TickCount64;
            if (now - _windowStart >= WindowMilliseconds)
                (_windowStart, _reads) = (now, 0);
            if (_reads++ < MostReads)
                onReport();
            return;
        }
    }

    public SendResult Send(Span<byte> buffer, in FrameOffload offload) => inner.Send(buffer, offload);

    public void Flush() => inner.Flush();

    public void Dispose() => inner.Dispose();

    /// <summary>IGMP, or an IPv6 packet with hop-by-hop options: MLD messages carry the router alert there (RFC 3810 section 5).</summary>
    private static bool IsReport(ReadOnlySpan<byte> frame) => frame.Length > EtherType.HeaderLength + 20 && ((frame[12] << 8) | frame[13]) switch
    {
        EtherType.IPv4 => frame[EtherType.HeaderLength + 9] == Igmp,
        EtherType.IPv6 => frame[EtherType.HeaderLength + 6] == HopByHop,
        _ => false,
    };
}
