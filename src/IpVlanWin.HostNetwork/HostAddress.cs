using System.Net;

namespace IpVlanWin.HostNetwork;

/// <summary>State of an address. The values are Linux's <c>IFA_F_*</c> (rtnetlink(7)).</summary>
[Flags]
public enum AddressFlags : uint
{
    /// <summary>No flag.</summary>
    None = 0,

    /// <summary>IPv4: a further address of a subnet that already has one (<c>IFA_F_SECONDARY</c>). IPv6: a temporary address.</summary>
    Secondary = 0x01,

    /// <summary>Added without duplicate address detection (<c>IFA_F_NODAD</c>).</summary>
    NoDad = 0x02,

    /// <summary>Usable before detection has ended (RFC 4429).</summary>
    Optimistic = 0x04,

    /// <summary>Duplicate address detection found another owner (<c>IFA_F_DADFAILED</c>).</summary>
    DadFailed = 0x08,

    /// <summary>The preferred lifetime is over (RFC 4862 section 5.5.4).</summary>
    Deprecated = 0x20,

    /// <summary>Duplicate address detection has not ended (RFC 4862 section 5.4).</summary>
    Tentative = 0x40,

    /// <summary>Has no lifetime (<c>IFA_F_PERMANENT</c>).</summary>
    Permanent = 0x80,

    /// <summary>No route to the prefix is made for it (<c>IFA_F_NOPREFIXROUTE</c>).</summary>
    NoPrefixRoute = 0x200,
}

/// <summary>How far an address or a route reaches. The values are Linux's <c>RT_SCOPE_*</c>.</summary>
public enum AddressScope : byte
{
    /// <summary>Everywhere.</summary>
    Global = 0,

    /// <summary>This site (IPv6, deprecated by RFC 3879).</summary>
    Site = 200,

    /// <summary>This link.</summary>
    Link = 253,

    /// <summary>This host.</summary>
    Host = 254,

    /// <summary>Nowhere.</summary>
    Nowhere = 255,
}

/// <summary>What makes an address one and the same: equal keys mean the same address, perhaps with changed flags.</summary>
/// <param name="LinkIndex">The link's index.</param>
/// <param name="Address">The address.</param>
/// <param name="PrefixLength">The prefix length in bits; IPv4 allows the same address with two lengths.</param>
public readonly record struct AddressKey(int LinkIndex, IPAddress Address, int PrefixLength);

/// <summary>An address of a link.</summary>
/// <param name="LinkIndex">The link's index.</param>
/// <param name="Address">The local address, without a scope identifier.</param>
/// <param name="PrefixLength">The prefix length in bits: 0 to 32 or 0 to 128.</param>
/// <param name="Scope">How far it reaches.</param>
/// <param name="Flags">Its state.</param>
public sealed record HostAddress(int LinkIndex, IPAddress Address, int PrefixLength, AddressScope Scope, AddressFlags Flags)
{
    /// <summary>The address's identity.</summary>
    public AddressKey Key => new(LinkIndex, Address, PrefixLength);

    /// <summary>True while duplicate address detection runs.</summary>
    public bool IsTentative => (Flags & AddressFlags.Tentative) != 0;

    /// <summary>True when duplicate address detection found another owner.</summary>
    public bool IsDuplicate => (Flags & AddressFlags.DadFailed) != 0;
}
