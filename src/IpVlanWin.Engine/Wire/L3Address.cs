using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Net;

namespace IpVlanWin.Engine.Wire;

/// <summary>An IPv4 or IPv6 address as the port sees it: the bytes alone, no scope identifier.</summary>
public readonly struct L3Address : IEquatable<L3Address>, IComparable<L3Address>
{
    private readonly ulong _high;
    private readonly ulong _low;
    private readonly bool _isSix;

    /// <summary>An IPv4 address, first byte highest.</summary>
    public L3Address(uint four) => _low = four;

    /// <summary>An IPv6 address, first byte highest.</summary>
    public L3Address(ulong high, ulong low) => (_high, _low, _isSix) = (high, low, true);

    /// <summary>16-byte address.</summary>
    public bool IsSix => _isSix;

    /// <summary>Length in bits: 32 or 128.</summary>
    public int Bits => _isSix ? 128 : 32;

    /// <summary>The first eight bytes of an IPv6 address; 0 for IPv4.</summary>
    public ulong High => _high;

    /// <summary>The last eight bytes of an IPv6 address, or the four of an IPv4 one.</summary>
    public ulong Low => _low;

    /// <summary>IPv4 224.0.0.0/4 or IPv6 ff00::/8.</summary>
    public bool IsMulticast => _isSix ? _high >> 56 == 0xff : (uint)_low >> 28 == 0xe;

    /// <summary>0.0.0.0 or ::.</summary>
    public bool IsUnspecified => (_high | _low) == 0;

    /// <summary>Reads four bytes. The span must hold at least four.</summary>
    public static L3Address ReadFour(ReadOnlySpan<byte> source) => new(BinaryPrimitives.ReadUInt32BigEndian(source));

    /// <summary>Reads sixteen bytes. The span must hold at least sixteen.</summary>
    public static L3Address ReadSix(ReadOnlySpan<byte> source) =>
        new(BinaryPrimitives.ReadUInt64BigEndian(source), BinaryPrimitives.ReadUInt64BigEndian(source[8..]));

    /// <summary>Writes the 4 or 16 bytes.</summary>
    public void Write(Span<byte> destination)
    {
        if (_isSix)
        {
            BinaryPrimitives.WriteUInt64BigEndian(destination, _high);
            BinaryPrimitives.WriteUInt64BigEndian(destination[8..], _low);
        }
        else
        {
            BinaryPrimitives.WriteUInt32BigEndian(destination, (uint)_low);
        }
    }

    /// <summary>The first <paramref name="length"/> bits, the rest zero.</summary>
    public L3Address Masked(int length)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)length, (uint)Bits, nameof(length));
        if (!_isSix)
            return new L3Address(length == 0 ? 0 : (uint)_low & (uint.MaxValue << (32 - length)));
        return length <= 64
            ? new L3Address(length == 0 ? 0 : _high & (ulong.MaxValue << (64 - length)), 0)
            : new L3Address(_high, _low & (ulong.MaxValue << (128 - length)));
    }

    /// <summary>From a .NET address; an IPv4-mapped IPv6 address stays IPv6.</summary>
    public static L3Address From(IPAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out var written);
        return written == 4 ? ReadFour(bytes) : ReadSix(bytes);
    }

    /// <summary>As a .NET address, without a scope identifier.</summary>
    public IPAddress ToIPAddress()
    {
        Span<byte> bytes = stackalloc byte[16];
        Write(bytes);
        return new IPAddress(bytes[..(Bits / 8)]);
    }

    /// <summary>Reads an IPv4 address of four decimal parts or an IPv6 address without a zone.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out L3Address address)
    {
        address = default;
        if (text is null || text.Contains('%', StringComparison.Ordinal) || !IPAddress.TryParse(text, out var parsed))
            return false;
        if (!text.Contains(':', StringComparison.Ordinal) && text.Split('.').Length != 4)
            return false;
        address = From(parsed);
        return true;
    }

    /// <summary>As <see cref="TryParse"/>, for text that is known to be right.</summary>
    /// <exception cref="FormatException">The text is not an address.</exception>
    public static L3Address Parse(string text) =>
        TryParse(text, out var address) ? address : throw new FormatException($"'{text}' is not an IPv4 or IPv6 address");

    /// <summary>Dotted decimal, or the shortest IPv6 form (RFC 5952).</summary>
    public override string ToString() => ToIPAddress().ToString();

    /// <inheritdoc/>
    public bool Equals(L3Address other) => _high == other._high && _low == other._low && _isSix == other._isSix;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is L3Address other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(_high, _low, _isSix);

    /// <summary>IPv4 before IPv6, then by value.</summary>
    public int CompareTo(L3Address other)
    {
        var byFamily = _isSix.CompareTo(other._isSix);
        if (byFamily != 0)
            return byFamily;
        var byHigh = _high.CompareTo(other._high);
        return byHigh != 0 ? byHigh : _low.CompareTo(other._low);
    }

    /// <summary>Same address.</summary>
    public static bool operator ==(L3Address left, L3Address right) => left.Equals(right);

    /// <summary>Another address.</summary>
    public static bool operator !=(L3Address left, L3Address right) => !left.Equals(right);

    /// <summary>Sorts before.</summary>
    public static bool operator <(L3Address left, L3Address right) => left.CompareTo(right) < 0;

    /// <summary>Sorts after.</summary>
    public static bool operator >(L3Address left, L3Address right) => left.CompareTo(right) > 0;

    /// <summary>Sorts before or is equal.</summary>
    public static bool operator <=(L3Address left, L3Address right) => left.CompareTo(right) <= 0;

    /// <summary>Sorts after or is equal.</summary>
    public static bool operator >=(L3Address left, L3Address right) => left.CompareTo(right) >= 0;
}
