using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Devices;

/// <summary>
/// Sends frames to devices and first does the unfinished work that a device does not accept. One per pump: it holds scratch memory for
/// one frame. Not safe for two threads at once.
/// </summary>
public sealed class OffloadEgress
{
    private readonly byte[] _scratch = GC.AllocateUninitializedArray<byte>(FrameBatch.Headroom + FrameBatch.MaxFrameLength, pinned: true);

    /// <summary>
    /// Gives one frame to the device, whole where the device accepts its unfinished work, else with the checksum completed or cut into
    /// finished segments. Buffer as for <see cref="IFrameDevice.Send"/>.
    /// </summary>
    /// <returns>
    /// The worst that became of a segment; the rest of the segments stays unsent after one is refused.
    /// <see cref="SendResult.Refused"/> also where the offload does not fit the frame.
    /// </returns>
    public SendResult Send(IFrameDevice device, Span<byte> buffer, in FrameOffload offload) =>
        offload.IsFinished || (Required(offload) & ~device.Accepts) == 0
            ? device.Send(buffer, offload)
            : SendFinished(device, buffer[FrameBatch.Headroom..], offload);

    private static OffloadKinds Required(in FrameOffload offload)
    {
        var checksum = offload.NeedsChecksum ? OffloadKinds.Checksum : OffloadKinds.None;
        return offload.Segmentation switch
        {
            SegmentationKind.None => checksum,
            SegmentationKind.Tcp4 or SegmentationKind.Tcp6 => checksum | OffloadKinds.Tcp,
            SegmentationKind.Udp => checksum | OffloadKinds.Udp,
            // No device accepts a kind without a name, and the segmenter refuses it.
            _ => (OffloadKinds)(-1),
        };
    }

    private SendResult SendFinished(IFrameDevice device, ReadOnlySpan<byte> frame, in FrameOffload offload)
    {
        var room = _scratch.AsSpan(FrameBatch.Headroom);
        if (offload.Segmentation == SegmentationKind.None)
        {
            if (frame.Length > room.Length)
                return SendResult.Refused;
            frame.CopyTo(room);
            return Checksum.TryComplete(room[..frame.Length], offload)
                ? device.Send(_scratch.AsSpan(0, FrameBatch.Headroom + frame.Length), default)
                : SendResult.Refused;
        }

        if (!Segmenter.TryStart(frame, offload, out var segmenter) || segmenter.LongestSegment > room.Length)
            return SendResult.Refused;
        var worst = SendResult.Sent;
        while (worst != SendResult.Refused && segmenter.WriteNext(room) is > 0 and var length)
        {
            var result = device.Send(_scratch.AsSpan(0, FrameBatch.Headroom + length), default);
            worst = result > worst ? result : worst;
        }
        return worst;
    }
}
