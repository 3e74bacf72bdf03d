using System.Diagnostics.CodeAnalysis;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Wire;
using IpVlanWin.Protocol;

namespace IpVlanWin.Service.State;

/// <summary>Arguments as they came, to values; each refusal lists what is legal.</summary>
internal static class Checked
{
    /// <summary>Longest name of an interface: IFNAMSIZ less the terminating zero.</summary>
    public const int LongestName = 15;

    /// <summary>Longest name of a master or a namespace.</summary>
    public const int LongestText = 255;

    /// <summary>What `datapath` may be.</summary>
    public const string Datapaths = "auto, filter, windivert, linux or memory";

    private const string NameRule = "1 to 15 letters, digits or other visible characters but '/', ':' and '%', and neither \".\" nor \"..\"";

    public static string Name(string? value, string argument = "name") =>
        value is { Length: > 0 and <= LongestName } && value is not ("." or "..") && value.All(static c => c is > ' ' and < '\x7f' and not ('/' or ':' or '%'))
            ? value
            : throw ErrorCode.BadArgument.With(argument, NameRule);

    public static string Text(string? value, string argument) =>
        value is { Length: > 0 and <= LongestText } && !value.Any(static c => char.IsControl(c) || char.IsSurrogate(c))
            ? value
            : throw ErrorCode.BadArgument.With(argument, $"1 to {LongestText} printable characters");

    /// <summary>Null and empty mean the host's.</summary>
    public static string? Namespace(string? value)
    {
        if (string.IsNullOrEmpty(value))
            return null;
        return value is not ("." or "..") && !value.Contains('/', StringComparison.Ordinal)
            ? Text(value, "namespace")
            : throw ErrorCode.BadArgument.With("namespace", "the name of a namespace, without '/'");
    }

    public static PortMode Mode(string value) =>
        PortWords.TryParse(value, out PortMode mode) ? mode : throw ErrorCode.BadArgument.With("mode", PortWords.Modes);

    public static PortFlag Flag(string value)
    {
        if (PortWords.TryParse(value, out PortFlag flag))
            return flag;
        var words = value.Split([' ', ',', '|'], StringSplitOptions.RemoveEmptyEntries);
        if (words.Contains("private") && words.Contains("vepa"))
            throw ErrorCode.FlagConflict.With();
        throw ErrorCode.BadArgument.With("flag", PortWords.Flags);
    }

    public static string Datapath(string value) =>
        value is "auto" or "filter" or "windivert" or "linux" or "memory" ? value : throw ErrorCode.BadArgument.With("datapath", Datapaths);

    public static bool IsUp(string value) => value switch
    {
        "up" => true,
        "down" => false,
        _ => throw ErrorCode.BadArgument.With("admin", "up or down"),
    };

    public static int Mtu(int value, int mostIpMtu) =>
        value >= Port.MinIpMtu && value <= mostIpMtu
            ? value
            : throw ErrorCode.BadArgument.With("mtu", $"{Port.MinIpMtu} to {mostIpMtu}, the master's, in bytes of IP packet");

    public static L3Prefix Prefix([NotNull] string? value, string argument = "prefix")
    {
        if (value is null || !L3Prefix.TryParse(value, out var prefix))
            throw ErrorCode.BadArgument.With(argument, "an address with a prefix length such as 10.0.0.2/24 or fd00::2/64");
        if (prefix.Address.IsMulticast || prefix.Address.IsUnspecified)
            throw ErrorCode.BadArgument.With(argument, "a unicast address; this is a multicast group or no address at all");
        return prefix;
    }

    public static MacAddress Group(string? value, string argument = "group") =>
        value is not null && MacAddress.TryParse(value, out var group) && group.IsMulticast && group != MacAddress.Broadcast
            ? group
            : throw ErrorCode.BadArgument.With(argument, "the MAC address of a multicast group such as 01:00:5e:00:00:fb or 33:33:00:00:00:fb");

    public static int Limit(int? value) =>
        value switch
        {
            null => 100,
            >= 1 and <= 1000 => value.Value,
            _ => throw ErrorCode.BadArgument.With("limit", "1 to 1000"),
        };

    public static void Version(long? asked, long present, string name)
    {
        if (asked is { } version && version != present)
            throw ErrorCode.Conflict.With(name, present, version);
    }
}
