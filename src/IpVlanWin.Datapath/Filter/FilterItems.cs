using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Datapath.Filter;

/// <summary>Items of a change (IPVLAN_ITEM).</summary>
internal static unsafe class FilterItems
{
    public static AbiItem Address(ulong standIn, L3Prefix prefix, bool isRemoved = false) => Of(FilterAbi.ItemAddress, prefix, isRemoved) with { StandInLuid = standIn };

    public static AbiItem MasterAddress(L3Prefix prefix, bool isRemoved = false) => Of(FilterAbi.ItemMasterAddress, prefix, isRemoved);

    public static AbiItem Route(MirroredRoute route, bool isRemoved = false)
    {
        var item = Of(FilterAbi.ItemRoute, route.Prefix, isRemoved) with { Metric = route.Metric };
        if (route.IsUnreachable)
            item.Flags |= FilterAbi.ItemUnreachable;
        if (route.Gateway is { } gateway)
        {
            item.GatewayFamily = Family(gateway);
            gateway.Write(new Span<byte>(item.Gateway, 16));
        }
        return item;
    }

    public static AbiItem Neighbor(L3Address address, MacAddress mac, bool isRemoved = false)
    {
        var item = Of(FilterAbi.ItemNeighbor, new L3Prefix(address, address.Bits), isRemoved);
        mac.Write(new Span<byte>(item.Mac, MacAddress.Bytes));
        return item;
    }

    public static AbiItem Group(ulong standIn, MacAddress group, bool isRemoved = false)
    {
        var item = new AbiItem { Kind = FilterAbi.ItemGroup, StandInLuid = standIn, Flags = isRemoved ? FilterAbi.ItemRemove : (byte)0 };
        group.Write(new Span<byte>(item.Mac, MacAddress.Bytes));
        return item;
    }

    private static byte Family(L3Address address) => (byte)(address.IsSix ? 6 : 4);

    private static AbiItem Of(byte kind, L3Prefix prefix, bool isRemoved)
    {
        var item = new AbiItem { Kind = kind, Family = Family(prefix.Address), PrefixLength = (byte)prefix.Length, Flags = isRemoved ? FilterAbi.ItemRemove : (byte)0 };
        prefix.Address.Write(new Span<byte>(item.Address, 16));
        return item;
    }
}
