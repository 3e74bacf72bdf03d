namespace IpVlanWin.Engine.Ipvlan;

/// <summary>A key of an <see cref="AddressTable{TKey}"/>.</summary>
internal interface IAddressKey<TKey>
    where TKey : unmanaged, IAddressKey<TKey>
{
    /// <summary>64 bits, different for every seed, of which the upper 32 are well mixed.</summary>
    ulong Hash(ulong seed);

    bool Same(in TKey other);
}
