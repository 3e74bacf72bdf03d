using IpVlanWin.Cli.Ip.Grammar;
using IpVlanWin.Cli.Ip.Output;
using IpVlanWin.Protocol;

namespace IpVlanWin.Cli.Ip.Verbs;

/// <summary>ipvlan address.</summary>
internal static class AddressVerbs
{
    public static IReadOnlyList<RpcCall>? Add(Words words, Session session) => Plan(words, session, RpcCall.AddAddress);

    public static IReadOnlyList<RpcCall>? Delete(Words words, Session session) => Plan(words, session, RpcCall.RemoveAddress);

    public static async Task ShowAsync(Words words, Session session) =>
        LinkOutput.Write(session, await Selection.ReadAsync(words, session).ConfigureAwait(false), isAddress: true);

    /// <summary>Removes the addresses of an interface: one transaction, unless they are more than a message takes.</summary>
    public static async Task FlushAsync(Words words, Session session)
    {
        var name = words.Required("dev");
        LoopbackVerbs.RefuseLoopback(name);
        await session.RequireInNamespaceAsync(name).ConfigureAwait(false);
        var present = await session.Client.GetInterfaceAsync(name).ConfigureAwait(false);
        var calls = present.Addresses.Where(address => Selection.Matches(address, session.Options.Family, words["scope"]))
            .Select(static address => RpcCall.RemoveAddress(new AddressSpec { Interface = address.Interface, Prefix = address.Prefix })).ToArray();
        foreach (var part in calls.Chunk(RpcMessage.MaxBatch))
            await session.Client.BatchAsync(part).ConfigureAwait(false);
    }

    /// <summary>The address, of the family that was asked for.</summary>
    public static IpText Local(Words words, Session session)
    {
        var prefix = IpText.Prefix(words.Required("local"));
        RequireFamily("local", prefix, session);
        return prefix;
    }

    /// <exception cref="CommandException">-4 or -6 asks for the other family.</exception>
    public static void RequireFamily(string argument, IpText prefix, Session session)
    {
        if (session.Options.Family != 0 && prefix.IsSix != (session.Options.Family == 6))
            throw CommandException.Syntax($"argument of \"{argument}\" must be an {(session.Options.Family == 6 ? "IPv6 address after -6" : "IPv4 address after -4")}");
    }

    private static RpcCall[]? Plan(Words words, Session session, Func<AddressSpec, RpcCall> call)
    {
        Local(words, session);
        var name = words.Required("dev");
        return LoopbackVerbs.IsLoopback(name) ? null : [call(new AddressSpec { Interface = name, Prefix = words["local"] })];
    }
}
