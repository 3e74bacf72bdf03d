using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace IpVlanWin.Engine.Wire;

/// <summary>An address with a prefix length, written 10.0.0.2/24. The address keeps its host bits.</summary>
public readonly record struct L3Prefix : IComparable<L3Prefix>
{
    /// <summary>An address and a prefix length in bits.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The length is below 0 or above the family's 32 or 128.</exception>
    public L3Prefix(L3Address address, int length)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)length, (uint)address.Bits, nameof(length));
        (Address, Length) = (address, length);
    }

    /// <summary>The address, host bits included.</summary>
    public L3Address Address { get; }

    /// <summary>Prefix length in bits.</summary>
    public int Length { get; }

    /// <summary>The address with its host bits zero.</summary>
    public L3Address Network => Address.Masked(Length);

    /// <summary>The network holds this address.</summary>
    public bool Contains(L3Address address) => address.IsSix == Address.IsSix && address.Masked(Length) == Network;

    /// <summary>Reads ADDRESS/LENGTH; without a length the whole address is the prefix.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out L3Prefix prefix)
    {
        prefix = default;
        if (text is null)
            return false;
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        if (!L3Address.TryParse(slash < 0 ? text : text[..slash], out var address))
            return false;
        var length = address.Bits;
        if (slash >= 0 && (!int.TryParse(text.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out length) || length > address.Bits))
            return false;
        prefix = new L3Prefix(address, length);
        return true;
    }

    /// <summary>As <see cref="TryParse"/>, for text that is known to be right.</summary>
    /// <exception cref="FormatException">The text is not a prefix.</exception>
    public static L3Prefix Parse(string text) =>
        TryParse(text, out var prefix) ? prefix : throw new FormatException($"'{text}' is not an address with a prefix length such as 10.0.0.2/24 or fd00::2/64");

    /// <inheritdoc/>
    public int CompareTo(L3Prefix other)
    {
        var byAddress = Address.CompareTo(other.Address);
        return byAddress != 0 ? byAddress : Length.CompareTo(other.Length);
    }

    /// <summary>ADDRESS/LENGTH.</summary>
    public override string ToString() => $"{Address}/{Length}";

    /// <summary>Sorts before.</summary>
    public static bool operator <(L3Prefix left, L3Prefix right) => left.CompareTo(right) < 0;

    /// <summary>Sorts after.</summary>
    public static bool operator >(L3Prefix left, L3Prefix right) => left.CompareTo(right) > 0;

    /// <summary>Sorts before or is equal.</summary>
    public static bool operator <=(L3Prefix left, L3Prefix right) => left.CompareTo(right) <= 0;

    /// <summary>Sorts after or is equal.</summary>
    public static bool operator >=(L3Prefix left, L3Prefix right) => left.CompareTo(right) >= 0;
}
