using System.Runtime.Versioning;
using IpVlanWin.Cli.Ip.Grammar;
using IpVlanWin.HostNetwork.Linux;

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
        return Change(session, netlink => netlink.SetUp(netlink.GetLink(Name).Index, words.Has("up")));
    }

    public static Task AddAddress(Words words, Session session)
    {
        var address = AddressVerbs.Local(words, session);
        return Change(session, netlink => netlink.AddAddress(netlink.GetLink(Name).Index, address.Address, address.Length));
    }

    public static Task DeleteAddress(Words words, Session session)
    {
        var address = AddressVerbs.Local(words, session);
        return Change(session, netlink => netlink.RemoveAddress(netlink.GetLink(Name).Index, address.Address, address.Length));
    }

    private static Task Change(Session session, Action<RouteNetlink> change)
    {
        if (!OperatingSystem.IsLinux() || !session.IsLinux)
            throw CommandException.Refused("\"lo\" is the system's own loopback: on Windows it is up and has its addresses in every compartment, there is nothing to set");
        using var netlink = NamespaceVerbs.OpenNetlink(session.Options.Namespace);
        change(netlink);
        return Task.CompletedTask;
    }
}
