namespace IpVlanWin.Engine.Ipvlan;

/// <summary>A key of an <see cref="AddressTable{TKey}"/>, and how a line of 64 bytes holds several with their numbers.</summary>
internal interface IAddressKey<TKey>
    where TKey : unmanaged, IAddressKey<TKey>
{
    /// <summary>Keys of a line.</summary>
    static abstract int PerLine { get; }

    /// <summary>Where in a line the keys begin, and where the numbers, four bytes each.</summary>
    static abstract (int Keys, int Values) Layout { get; }

    /// <summary>64 bits, different for every seed, of which the upper 32 are well mixed.</summary>
    ulong Hash(ulong seed);

    /// <summary>
    /// The number that the line keeps for this key; 0 where it does not have it. Without a branch on which of its keys it is: nothing foretells
    /// that. A number of a key that is being written must not be taken for another's.
    /// </summary>
    int FindIn(ref byte line);

    bool Same(TKey other);
}
