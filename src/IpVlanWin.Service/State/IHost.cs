using IpVlanWin.Engine.Ipvlan;

namespace IpVlanWin.Service.State;

/// <summary>A master as the host knows it.</summary>
/// <param name="Name">The name that is kept, whatever it was asked by.</param>
/// <param name="Datapath">What the data path that was asked for comes to: a kind.</param>
/// <param name="IpMtu">Its MTU in bytes of IP packet.</param>
/// <param name="MaxInterfaces">Most interfaces of a port over it.</param>
internal sealed record MasterInfo(string Name, string Datapath, int IpMtu, int MaxInterfaces = int.MaxValue);

/// <summary>What a change must ask the host before it is accepted.</summary>
internal interface IHost
{
    /// <summary>Finds a master for a data path.</summary>
    /// <param name="master">Its name, index or LUID.</param>
    /// <param name="datapath">auto or a kind.</param>
    /// <exception cref="Protocol.ControlException">master-not-found, master-not-ethernet, mode-not-supported, bad-argument.</exception>
    MasterInfo FindMaster(string master, string datapath);

    /// <summary>Sees that a data path does a mode and a flag.</summary>
    /// <param name="master">The port's.</param>
    /// <param name="datapath">auto or a kind.</param>
    /// <param name="mode">The mode.</param>
    /// <param name="flag">The flag.</param>
    /// <exception cref="Protocol.ControlException">mode-not-supported, with the data path that would do it.</exception>
    void RequireSupport(string master, string datapath, PortMode mode, PortFlag flag)
    {
    }

    /// <summary>The name under which a port's master is kept: of an adapter that is told by its index, its name; anything else as it is.</summary>
    /// <param name="master">A name, an index or a LUID.</param>
    string NameOf(string master);
}
