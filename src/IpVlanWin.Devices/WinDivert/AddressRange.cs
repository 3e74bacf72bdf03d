using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Devices.WinDivert;

/// <summary>Addresses of one family without a gap, both ends included.</summary>
/// <param name="First">The lowest.</param>
/// <param name="Last">The highest, of the same family.</param>
public readonly record struct AddressRange(L3Address First, L3Address Last)
{
    /// <summary>Tests that a filter needs for it: one for a single address, else two.</summary>
    public int Tests => First == Last ? 1 : 2;

    /// <summary>The range of one address.</summary>
    public static AddressRange Of(L3Address address) => new(address, address);

    /// <summary>The addresses of a prefix.</summary>
    public static AddressRange Of(L3Prefix prefix)
    {
        var first = prefix.Network;
        var host = prefix.Address.Bits - prefix.Length;
        if (!first.IsSix)
            return new(first, new L3Address((uint)first.Low | (host == 32 ? uint.MaxValue : (1u << host) - 1)));
        var high = first.High | (host >= 128 ? ulong.MaxValue : host > 64 ? (1ul << (host - 64)) - 1 : 0);
        return new(first, new L3Address(high, first.Low | (host >= 64 ? ulong.MaxValue : (1ul << host) - 1)));
    }

    /// <summary>The fewest ranges that hold exactly the addresses of one family that are in the ranges given, lowest first.</summary>
    public static IReadOnlyList<AddressRange> Merge(IEnumerable<AddressRange> ranges, bool isSix)
    {
        var merged = new List<AddressRange>();
        foreach (var range in ranges.Where(range => range.First.IsSix == isSix).OrderBy(static range => range.First))
        {
            if (merged.Count > 0 && Value(range.First) <= Value(merged[^1].Last) + (Value(merged[^1].Last) == UInt128.MaxValue ? UInt128.Zero : UInt128.One))
                merged[^1] = merged[^1] with { Last = range.Last > merged[^1].Last ? range.Last : merged[^1].Last };
            else
                merged.Add(range);
        }
        return merged;
    }

    private static UInt128 Value(L3Address address) => new(address.High, address.Low);
}
