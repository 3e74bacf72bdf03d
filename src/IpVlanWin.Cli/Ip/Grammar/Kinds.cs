using System.Globalization;

namespace IpVlanWin.Cli.Ip.Grammar;

/// <summary>The kinds of values. Names of interfaces and masters are judged by the service alone.</summary>
internal static class Kinds
{
    /// <summary>Namespaces of other processes than the first cannot be named by number.</summary>
    public const string HostNamespace = "1";

    private const string NamespaceRule = "1 to 255 letters, digits, '-', '_' or '.', and neither \".\" nor \"..\"";

    public static readonly Kind NewName = Text("NAME", "the name of an interface");

    public static readonly Kind Interface = Text("NAME", "the name of an interface") with { Source = Source.Interfaces };

    public static readonly Kind Device = new("DEV", "the name of a device: 1 to 15 characters without blanks, '/' and ':'", static text =>
        text.Length is > 0 and <= 15 && text is not ("." or "..") && text.All(static c => c is > ' ' and < '\x7f' and not ('/' or ':'))) { Source = Source.Interfaces };

    public static readonly Kind Master = Text("MASTER", "the name or index of an adapter, or an interface of the same port") with { Source = Source.Masters };

    public static readonly Kind Namespace = new("NETNS", "the name of a namespace, or 1 for the host's", static text =>
        text == HostNamespace || (IsNamespace(text) && !text.All(char.IsAsciiDigit))) { Source = Source.Namespaces };

    public static readonly Kind NamedNamespace = new("NETNS", NamespaceRule, IsNamespace) { Source = Source.Namespaces };

    public static readonly Kind NewNamespace = new("NETNS", NamespaceRule, IsNamespace);

    public static readonly Kind Mtu = Number("MTU", 65535, ", in bytes of IP packet");

    public static readonly Kind Metric = Number("METRIC", uint.MaxValue, "");

    public static readonly Kind Mac = new("LLADDR", "a MAC address such as 02:00:00:00:00:01", static text =>
    {
        var parts = text.Split(':', '-');
        return parts.Length == 6 && parts.All(static part => part.Length is 1 or 2 && part.All(char.IsAsciiHexDigit));
    });

    public static readonly Kind Group = new("MULTIADDR", "the MAC address of a multicast group such as 01:00:5e:00:00:fb or 33:33:00:00:00:fb", Mac.Accepts);

    public static readonly Kind Version = Number("VERSION", long.MaxValue, "");

    public static readonly Kind Prefix = new("PREFIX", "an address with a prefix length such as 10.0.0.2/24 or fd00::2/64", static text => IpText.TryPrefix(text, out _));

    public static readonly Kind OwnedPrefix = Prefix with { Source = Source.Addresses };

    public static readonly Kind RoutePrefix = new("PREFIX", "default or a prefix such as 10.0.0.0/8 or fd00::/16", static text =>
        text == "default" || IpText.TryPrefix(text, out _)) { Words = ["default"] };

    public static readonly Kind Address = new("ADDRESS", "an address such as 10.0.0.1 or fd00::1", static text =>
        IpText.TryPrefix(text, out _) && !text.Contains('/', StringComparison.Ordinal));

    public static readonly Kind Mode = Kind.Word("l2", "l3", "l3s");

    public static readonly Kind Datapath = Kind.Word("auto", "filter", "windivert", "linux", "memory");

    public static readonly Kind Type = Kind.Word("ipvlan");

    public static readonly Kind Scope = Kind.Word("global", "link", "host", "all");

    public static readonly Kind Protocol = Kind.Word("kernel", "boot", "static");

    public static readonly Kind Shell = Kind.Word("bash", "powershell");

    public static readonly Kind File = Text("FILE", "a file, or - for standard input or output");

    public static readonly Kind Program = Text("COMMAND", "a program and its arguments");

    private static bool IsNamespace(string text) =>
        text.Length is > 0 and <= 255 && text is not ("." or "..") && text.All(static c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.');

    private static Kind Text(string placeholder, string legal) => new(placeholder, legal, static text => text.Length > 0);

    private static Kind Number(string placeholder, long most, string unit) => new(
        placeholder, string.Create(CultureInfo.InvariantCulture, $"a number from 0 to {most}{unit}"),
        text => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= most);
}
