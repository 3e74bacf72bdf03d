using IpVlanWin.Datapath;
using IpVlanWin.Protocol;
using IpVlanWin.Service.Reconcile;
using IpVlanWin.Service.State;

namespace IpVlanWin.Service.Observe;

/// <summary>What is to be captured or traced, by the names it was asked for.</summary>
internal static class ObservedPort
{
    /// <summary>The port's master, and the interface where one was asked for. An interface given as master means its own master.</summary>
    /// <exception cref="ControlException">not-found, bad-argument.</exception>
    public static (string Master, string? Interface) Find(DesiredState state, Model model, string? askedMaster, string? askedInterface)
    {
        string? master = null;
        if (askedMaster is not null)
        {
            var asked = Checked.Text(askedMaster, "master");
            master = state.FindPort(model, asked)?.Master ?? throw ErrorCode.NotFound.With("port", asked);
        }
        if (askedInterface is null)
            return (master ?? throw ErrorCode.BadArgument.With("master", "the master of a port, unless an interface is given"), null);
        var name = Checked.Text(askedInterface, "interface");
        if (!model.Interfaces.TryGetValue(name, out var one))
            throw ErrorCode.NotFound.With("interface", name);
        if (master is not null && one.Master != master)
            throw ErrorCode.BadArgument.With("interface", $"an interface of {master}; \"{name}\" is one of {one.Master}");
        return (one.Master, name);
    }

    /// <summary>The port's data path.</summary>
    /// <exception cref="ControlException">link-down: it does not run.</exception>
    public static IDatapath Running(Reconciler reconciler, string master) => reconciler.Find(master)?.Running ?? throw ErrorCode.LinkDown.With(master);
}
