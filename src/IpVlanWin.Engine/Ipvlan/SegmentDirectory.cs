namespace IpVlanWin.Engine.Ipvlan;

/// <summary>
/// The segments of an <see cref="AddressTable{TKey}"/> at one moment, by the hash's bits. Who holds a directory may read its segments. It holds
/// those that came after it, so that a segment that a later one dropped is given back only when no earlier one can be held either.
/// </summary>
internal sealed unsafe class SegmentDirectory
{
    private readonly SegmentPool _pool;
    // Written once, by what took this directory's place.
    private SegmentDirectory? _next;
    private nint _dropped;

    private SegmentDirectory(SegmentPool pool, nint[] segments) => (_pool, Segments) = (pool, segments);

    /// <summary>Addresses of segments; as many as a power of two. One may stand there more than once.</summary>
    public nint[] Segments { get; }

    public long PoolBytes => _pool.Bytes;

    /// <summary>One empty segment, and memory of its own.</summary>
    public static SegmentDirectory New()
    {
        var pool = new SegmentPool();
        return new SegmentDirectory(pool, [(nint)pool.Take(depth: 0)]);
    }

    /// <summary>An empty segment; no directory has it yet.</summary>
    public SegmentHead* TakeSegment(int depth) => SegmentPool.HeadOf(_pool.Take(depth));

    /// <summary>The directory that takes this one's place.</summary>
    /// <param name="segments">Its segments.</param>
    /// <param name="dropped">The one of this directory's that it has not any more.</param>
    public SegmentDirectory Followed(nint[] segments, nint dropped)
    {
        _dropped = dropped;
        return _next = new SegmentDirectory(_pool, segments);
    }

    ~SegmentDirectory()
    {
        if (_dropped != 0)
            _pool.GiveBack(_dropped);
    }
}
