using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace IpVlanWin.Cli.Ip.Grammar;

/// <summary>An address with a prefix length as it was typed.</summary>
/// <param name="Address">The address, without a zone.</param>
/// <param name="Length">Bits of the prefix; all of the address where none were given.</param>
internal sealed record IpText(IPAddress Address, int Length)
{
    public bool IsSix => Address.AddressFamily == AddressFamily.InterNetworkV6;

    /// <summary>As ip-address(8) shows it.</summary>
    public string Scope => IPAddress.IsLoopback(Address) ? "host" : Address.IsIPv6LinkLocal ? "link" : "global";

    /// <summary>Stricter than the runtime, which reads 1.2.3 as 1.2.0.3 and 010 as 8.</summary>
    public static bool TryPrefix(string text, [NotNullWhen(true)] out IpText? prefix)
    {
        prefix = null;
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        var name = slash < 0 ? text : text[..slash];
        if (name.Contains('%', StringComparison.Ordinal) || name.Contains('[', StringComparison.Ordinal) || !IPAddress.TryParse(name, out var address))
            return false;
        if (address.AddressFamily == AddressFamily.InterNetwork && address.ToString() != name)
            return false;
        var most = address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128;
        var length = most;
        if (slash >= 0 && (!int.TryParse(text.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out length) || length > most))
            return false;
        prefix = new IpText(address, length);
        return true;
    }

    /// <summary>What was accepted by <see cref="Kinds.Prefix"/>.</summary>
    public static IpText Prefix(string text) => TryPrefix(text, out var prefix) ? prefix : throw new FormatException(text);
}
