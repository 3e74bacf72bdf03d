using System.Globalization;
using System.Net;
using IpVlanWin.Protocol;

namespace IpVlanWin.PowerShell.Actions;

/// <summary>What can be done with addresses of interfaces.</summary>
internal sealed class AddressActions(ServiceLink link)
{
    private static readonly char[] s_separators = [' ', ',', ';'];

    /// <summary>By interface, master and address; null for all.</summary>
    /// <exception cref="ControlException">not-found, where a name is no pattern.</exception>
    public IReadOnlyList<AddressRecord> Find(NameFilter? name, NameFilter? master, NameFilter? address)
    {
        var all = new InterfaceActions(link).Find(name, master).SelectMany(static one => one.Addresses);
        return [.. address is null ? all : all.Where(one => address.Matches(one.Prefix) || address.Matches(one.Prefix.Split('/')[0]))];
    }

    /// <summary>Adds. The address as it is now; null where the user said no, or it is not wanted.</summary>
    /// <exception cref="ControlException">not-found, address-in-use, address-exists, bad-argument, limit-reached.</exception>
    public AddressRecord? Add(AddressSpec spec, bool isWanted)
    {
        if (!link.MayChange($"interface {spec.Interface}", $"add address {spec.Prefix}"))
            return null;
        link.Ask(client => client.AddAddressAsync(spec, link.Cancellation));
        // The service may write the address in another way than it was given; the newest one is the last.
        return isWanted && new InterfaceActions(link).Get(spec.Interface!).Addresses is { Count: > 0 } all ? all[all.Count - 1] : null;
    }

    /// <summary>Removes. The address that is gone; null where the user said no, or it is not wanted.</summary>
    /// <exception cref="ControlException">not-found, address-absent, bad-argument.</exception>
    public AddressRecord? Remove(AddressSpec spec, bool isWanted)
    {
        if (!link.MayChange($"interface {spec.Interface}", $"remove address {spec.Prefix}"))
            return null;
        link.Ask(client => client.RemoveAddressAsync(spec, link.Cancellation));
        return isWanted ? new AddressRecord { Interface = spec.Interface!, Prefix = spec.Prefix!, State = "removed" } : null;
    }

    /// <summary>An address and a length given apart, as the service wants them.</summary>
    /// <exception cref="ControlException">bad-argument: the length stands there twice, or does not fit the address.</exception>
    public static string Prefix(string address, byte? length)
    {
        if (length is null)
            return address;
        if (address.Contains("/"))
            throw ErrorCode.BadArgument.With("PrefixLength", $"left out, because {address} has a length");
        if (IPAddress.TryParse(address, out var parsed) && length > parsed.GetAddressBytes().Length * 8)
            throw ErrorCode.BadArgument.With("PrefixLength", $"0 to {parsed.GetAddressBytes().Length * 8} for {address}");
        return address + "/" + length.Value.ToString(CultureInfo.InvariantCulture);
    }

    /// <summary>Addresses of a list: one text may hold several, as a cell of a table does.</summary>
    public static IReadOnlyList<string>? Split(string[]? addresses) =>
        addresses?.SelectMany(static text => text.Split(s_separators, StringSplitOptions.RemoveEmptyEntries)).ToArray();
}
