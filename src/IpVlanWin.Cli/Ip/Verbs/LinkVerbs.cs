using System.Globalization;
using IpVlanWin.Cli.Ip.Grammar;
using IpVlanWin.Cli.Ip.Output;
using IpVlanWin.Protocol;

namespace IpVlanWin.Cli.Ip.Verbs;

/// <summary>ipvlan link.</summary>
internal static class LinkVerbs
{
    public static IReadOnlyList<RpcCall> Add(Words words, Session session)
    {
        var name = words.Required("name");
        var calls = new List<RpcCall>
        {
            RpcCall.AddInterface(new InterfaceSpec
            {
                Name = name, Master = words.Required("link"), Namespace = Namespace(words) ?? session.Options.Namespace, Mtu = words.Number("mtu"),
                Admin = Admin(words), Mode = words["mode"], Flag = Flag(words), Datapath = words["datapath"],
            }),
        };
        if (words["address"] is { } mac)
            calls.Add(RpcCall.SetInterface(new InterfaceChange { Name = name, Mac = mac }));
        return calls;
    }

    public static IReadOnlyList<RpcCall>? Set(Words words, Session session)
    {
        var name = words.Required("dev");
        if (LoopbackVerbs.IsLoopback(name))
            return null;
        var calls = new List<RpcCall>();
        if (words["mode"] is not null || words["datapath"] is not null || Flag(words) is not null)
            calls.Add(RpcCall.SetPort(new PortChange { Master = name, Mode = words["mode"], Flag = Flag(words), Datapath = words["datapath"] }));
        var change = new InterfaceChange
        {
            Name = name, NewName = words["name"], Namespace = Namespace(words), Mtu = words.Number("mtu"), Admin = Admin(words), Mac = words["address"],
        };
        if (change != new InterfaceChange { Name = name } || (calls.Count > 0 && Version(words) is not null))
            calls.Add(RpcCall.SetInterface(change with { Version = Version(words) }));
        return calls.Count > 0 ? calls : throw CommandException.Syntax("\"link set\" needs what to set: must be up, down, name, address, mtu, netns or type");
    }

    public static IReadOnlyList<RpcCall> Delete(Words words, Session session) =>
        [RpcCall.RemoveInterface(new InterfaceName { Name = words.Required("dev"), Version = Version(words) })];

    public static async Task ShowAsync(Words words, Session session) =>
        LinkOutput.Write(session, await Selection.ReadAsync(words, session).ConfigureAwait(false), isAddress: false);

    /// <summary>Empty for the host's, null where none was given.</summary>
    private static string? Namespace(Words words) => words["netns"] is { } name ? name == Kinds.HostNamespace ? "" : name : null;

    /// <summary>The version that the interface is to be at, as -d -j shows it.</summary>
    private static long? Version(Words words) => words["version"] is { } text ? long.Parse(text, CultureInfo.InvariantCulture) : null;

    private static string? Admin(Words words) => words.Has("up") ? "up" : words.Has("down") ? "down" : null;

    private static string? Flag(Words words) => words.Flags.Where(static word => word is "bridge" or "private" or "vepa").ToArray() is { Length: > 0 } flags ? string.Join(' ', flags) : null;
}
