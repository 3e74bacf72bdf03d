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

    /// <summary>64 bits, different for every seed, of which the upper 32 are well mixed.</summary>
    ulong Hash(ulong seed);

    bool Same(in TKey other);

    /// <summary>
    /// Where the key stands in a line, as <see cref="PlaceOf"/> reads it; 0 where it does not. A place that is empty, or being filled, may be taken
    /// for a key of which a half is zero.
    /// </summary>
    uint MatchIn(byte* line);

    /// <summary>The first place of a match other than 0.</summary>
    static abstract int PlaceOf(uint match);
}
