using IpVlanWin.Devices.Pcap;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Devices.Decorators;

/// <summary>
/// Records the frames of a whole port, or of one of its interfaces, each under its interface's name and in the direction that the interface
/// sees. A frame that went nowhere has the reason as its comment.
/// </summary>
public sealed class PortCapture : IFrameWatch
{
    private static readonly string?[] s_comments = MakeComments();

    private readonly CaptureSink _sink;
    private readonly VirtualInterface? _only;
    private readonly string _masterName;
    private readonly Func<long> _clock;
    private readonly Place? _master;
    private readonly Dictionary<VirtualInterface, Place> _places = [];

    /// <summary>A capture that describes its interfaces in the file at once; those that come later, when they have a frame.</summary>
    /// <param name="sink">Gets the frames; stays the caller's.</param>
    /// <param name="masterName">The master's name.</param>
    /// <param name="interfaces">The port's interfaces.</param>
    /// <param name="only">The one to be recorded; null for all and the master.</param>
    /// <param name="clock">Nanoseconds since 1970-01-01 UTC; the system's when null.</param>
    public PortCapture(CaptureSink sink, string masterName, IEnumerable<VirtualInterface> interfaces, VirtualInterface? only = null, Func<long>? clock = null)
    {
        ArgumentNullException.ThrowIfNull(sink);
        ArgumentNullException.ThrowIfNull(interfaces);
        (_sink, _masterName, _only, _clock) = (sink, masterName, only, clock ?? CaptureClock.UnixNanoseconds);
        if (only is null)
            _master = new Place(masterName, sink.AddInterface(masterName, "master"));
        foreach (var member in interfaces)
        {
            if (only is null || member == only)
                _places.Add(member, Describe(member));
        }
    }

    /// <inheritdoc/>
    public void Arrived(VirtualInterface? at, ReadOnlySpan<byte> frame, in FrameOffload offload, DropReason reason) =>
        Record(at, frame, offload, at is null ? FrameDirection.Inbound : FrameDirection.Outbound, reason);

    /// <inheritdoc/>
    public void Left(VirtualInterface? at, ReadOnlySpan<byte> frame, in FrameOffload offload, DropReason reason) =>
        Record(at, frame, offload, at is null ? FrameDirection.Outbound : FrameDirection.Inbound, reason);

    /// <inheritdoc/>
    public void EndBatch() => _sink.Wake();

    private static string?[] MakeComments()
    {
        var comments = new string?[DropReasons.Count];
        for (var reason = DropReason.None + 1; (int)reason < comments.Length; reason++)
            comments[(int)reason] = "drop: " + reason.Word();
        return comments;
    }

    private void Record(VirtualInterface? at, ReadOnlySpan<byte> frame, in FrameOffload offload, FrameDirection direction, DropReason reason)
    {
        if (_only is not null && at != _only)
            return;
        if (PlaceOf(at) is not { } place)
            return;
        var note = new FrameNote(direction, offload, place.DroppedBefore, s_comments[(int)reason]);
        if (_sink.TryWrite(place.Number, _clock(), frame, note))
            place.DroppedBefore = 0;
        else
            place.DroppedBefore++;
    }

    /// <summary>Null where the file can describe no more.</summary>
    private Place? PlaceOf(VirtualInterface? at)
    {
        if (at is null)
            return _master;
        if (_places.TryGetValue(at, out var place) && place.Name == at.Name)
            return place;
        if (_sink.Interfaces == _sink.MaxInterfaces)
            return place;
        return _places[at] = Describe(at);
    }

    private Place Describe(VirtualInterface member) => new(member.Name, _sink.AddInterface(member.Name, "interface of " + _masterName));

    private sealed class Place(string name, int number)
    {
        public string Name { get; } = name;

        public int Number { get; } = number;

        public long DroppedBefore { get; set; }
    }
}
