namespace IpVlanWin.Engine.Ipvlan;

/// <summary>
/// A key of an <see cref="AddressTable{TKey}"/>, and how a cache line holds several of them: the keys, then their numbers. Both are filled from
/// the first place on, a key before its number; a key that stands there stays.
/// </summary>
internal unsafe interface IAddressKey<TKey>
    where TKey : unmanaged, IAddressKey<TKey>
{
    /// <summary>Keys of a line.</summary>
    static abstract int PerLine { get; }

    /// <summary>Bytes from a line's start to its numbers, of four bytes each.</summary>
    static abstract int NumbersAt { get; }

    /// <summary>Eighths of a segment's places that may be taken: as many as leave few keys outside the line that their hash names.</summary>
    static abstract int MostTaken { get; }

    /// <summary>64 bits, different for every seed, of which the upper 32 are well mixed.</summary>
    /// <param name="at">The key as it stands in a frame: its bytes are read where they are wanted, which is faster than to hand them on.</param>
    /// <param name="seed">Any number.</param>
    static abstract ulong Hash(ref readonly byte at, ulong seed);

    /// <summary>
    /// A bit for each place of a line where the key stands, the first place the lowest. A place that is empty, or being filled, may be taken for a
    /// key of which a half is zero.
    /// </summary>
    static abstract uint MatchIn(byte* line, ref readonly byte at);

    /// <summary>The key at a place of a line.</summary>
    static abstract TKey ReadFrom(byte* line, int place);

    /// <summary>Puts the key at a place of a line.</summary>
    void WriteTo(byte* line, int place);

    bool Same(TKey other);
}
