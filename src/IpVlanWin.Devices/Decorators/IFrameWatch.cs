using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Devices.Decorators;

/// <summary>
/// Sees the frames of a pump: each one that comes in, with what was decided, and each one that goes out. Called by the pump's thread; must
/// neither wait nor throw. A pump without a watch asks once a batch whether it has one, and that is all it costs.
/// </summary>
public interface IFrameWatch
{
    /// <summary>A frame came in and was decided on; nothing has been done with it yet.</summary>
    /// <param name="at">The interface that sent it; null for the wire.</param>
    /// <param name="frame">The frame.</param>
    /// <param name="offload">What is unfinished about it.</param>
    /// <param name="reason">Why it goes nowhere; none where it goes on.</param>
    void Arrived(VirtualInterface? at, ReadOnlySpan<byte> frame, in FrameOffload offload, DropReason reason);

    /// <summary>A frame went out, or was to.</summary>
    /// <param name="at">The interface that gets it; null for the wire.</param>
    /// <param name="frame">The frame.</param>
    /// <param name="offload">What is unfinished about it.</param>
    /// <param name="reason">Why it did not go; none where it did.</param>
    void Left(VirtualInterface? at, ReadOnlySpan<byte> frame, in FrameOffload offload, DropReason reason);

    /// <summary>Nothing more for the moment.</summary>
    void EndBatch();
}

/// <summary>Several watches as one.</summary>
/// <param name="watches">All of them.</param>
public sealed class FrameWatches(IReadOnlyList<IFrameWatch> watches) : IFrameWatch
{
    private readonly IFrameWatch[] _watches = [.. watches];

    /// <inheritdoc/>
    public void Arrived(VirtualInterface? at, ReadOnlySpan<byte> frame, in FrameOffload offload, DropReason reason)
    {
        foreach (var watch in _watches)
            watch.Arrived(at, frame, offload, reason);
    }

    /// <inheritdoc/>
    public void Left(VirtualInterface? at, ReadOnlySpan<byte> frame, in FrameOffload offload, DropReason reason)
    {
        foreach (var watch in _watches)
            watch.Left(at, frame, offload, reason);
    }

    /// <inheritdoc/>
    public void EndBatch()
    {
        foreach (var watch in _watches)
            watch.EndBatch();
    }
}
