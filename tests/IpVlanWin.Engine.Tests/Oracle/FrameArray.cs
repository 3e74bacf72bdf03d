using IpVlanWin.Engine.Ipvlan;

namespace IpVlanWin.Engine.Tests.Oracle;

/// <summary>Frames to be looked up together.</summary>
internal readonly struct FrameArray(IReadOnlyList<byte[]> frames) : IFrameList
{
    public int Count => frames.Count;

    public ReadOnlySpan<byte> this[int index] => frames[index];
}
