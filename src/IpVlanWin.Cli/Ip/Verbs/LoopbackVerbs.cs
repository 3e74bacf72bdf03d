using IpVlanWin.Cli.Ip.Grammar;

namespace IpVlanWin.Cli.Ip.Verbs;

/// <summary>
/// A namespace's own loopback, which the HOWTO's lines set up. It is no interface of the service's: on Linux it is changed here, in the
/// namespace this runs in or that of -n.
/// </summary>
internal static class LoopbackVerbs
{
    private const string Name = "lo";

    public static bool IsLoopback(string name) => name == Name;

    public static void RefuseLoopback(string name)
    {
        if (IsLoopback(name))
            throw CommandException.Refused("\"lo\" is the system's own loopback: only \"link set\" up or down and \"address\" add or delete work on it");
    }

    public static Task SetUp(Words words, Session session)
    {
        if (words.Count != 2 || !(words.Has("up") || words.Has("down")))
            RefuseLoopback(Name);
        if (!session.IsLinux)
            throw NothingToSet();
        using var netlink = NamespaceVerbs.OpenNetlink(session.Options.Namespace);
        netlink.SetUp(netlink.GetLink(Name).Index, words.Has("up"));
        return Task.CompletedTask;
    }

    public static Task AddAddress(Words words, Session session)
    {
        var address = AddressVerbs.Local(words, session);
        if (!session.IsLinux)
            throw NothingToSet();
        using var netlink = NamespaceVerbs.OpenNetlink(session.Options.Namespace);
        netlink.AddAddress(netlink.GetLink(Name).Index, address.Address, address.Length);
        return Task.CompletedTask;
    }

    public static Task DeleteAddress(Words words, Session session)
    {
        var address = AddressVerbs.Local(words, session);
        if (!session.IsLinux)
            throw NothingToSet();
        using var netlink = NamespaceVerbs.OpenNetlink(session.Options.Namespace);
        netlink.RemoveAddress(netlink.GetLink(Name).Index, address.Address, address.Length);
        return Task.CompletedTask;
    }

    private static CommandException NothingToSet() =>
        CommandException.Refused("\"lo\" is the system's own loopback: on Windows it is up and has its addresses in every compartment, there is nothing to set");
}
