using IpVlanWin.Cli.Ip.Grammar;
using IpVlanWin.Cli.Ip.Output;
using IpVlanWin.Protocol;

namespace IpVlanWin.Cli.Ip.Verbs;

/// <summary>ipvlan maddress: link-layer multicast groups, those of the stacks and those that interfaces were told to join.</summary>
internal static class MulticastVerbs
{
    public static IReadOnlyList<RpcCall> Add(Words words, Session session) => [RpcCall.AddMulticast(Group(words))];

    public static IReadOnlyList<RpcCall> Delete(Words words, Session session) => [RpcCall.RemoveMulticast(Group(words))];

    public static async Task ShowAsync(Words words, Session session) =>
        MulticastOutput.Write(session, await Selection.ReadAsync(words, session).ConfigureAwait(false));

    /// <summary>As `ip`, takes octets of one digit.</summary>
    private static GroupSpec Group(Words words) => new()
    {
        Interface = words.Required("dev"),
        Group = string.Join(':', words.Required("address").Split(':', '-').Select(static octet => octet.PadLeft(2, '0'))),
    };
}
