using IpVlanWin.Engine.Routing;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Engine.Ipvlan;

// What a snapshot holds: mode, flag, master and the set of interfaces as they were when it was made.
public sealed unsafe partial class PortSnapshot
{
    private readonly AddressMap _map;
    private readonly Router _router;

    private readonly MemberTable _members = MemberTable.Empty;

    // What follows from mode, MTU and link state, for Receive: lengths beyond that of the shortest plain frame from here on, and a first byte with
    // this bit, want a closer look. Set while the snapshot is made.
    private uint _receivable;
    private byte _flooded;

    internal PortSnapshot(Port port, PortSnapshot? before)
    {
        _map = port.Map;
        _router = port.Router;
        Drops = port.Drops;
        if (before is null)
        {
            Mode = PortMode.L3;
            return;
        }
        _members = before._members;
        (Mode, Flag, Mac, IpMtu, IsUp) = (before.Mode, before.Flag, before.Mac, before.IpMtu, before.IsUp);
    }

    private PortSnapshot(PortSnapshot original)
    {
        _map = original._map;
        _router = original._router.Shadow();
        _members = original._members.Shadow();
        Drops = new DropCounters();
        (Mode, Flag, Mac, IpMtu, IsUp) = (original.Mode, original.Flag, original.Mac, original.IpMtu, original.IsUp);
    }

    /// <summary>Mode of the port.</summary>
    public PortMode Mode
    {
        get;
        internal init
        {
            field = value;
            Derive();
        }
    }

    /// <summary>Flag of the port.</summary>
    public PortFlag Flag { get; internal init; }

    /// <summary>The MAC that the master and all interfaces share.</summary>
    public MacAddress Mac { get; internal init; }

    /// <summary>The master's MTU in bytes of IP packet.</summary>
    public int IpMtu
    {
        get;
        internal init
        {
            field = value;
            Derive();
        }
    }

    /// <summary>The master is up.</summary>
    public bool IsUp
    {
        get;
        internal init
        {
            field = value;
            Derive();
        }
    }

    /// <summary>The interfaces by number, free numbers among them, and how many of the array's entries are this snapshot's.</summary>
    internal MemberTable Members
    {
        get => _members;
        init => _members = value;
    }

    internal DropCounters Drops { get; }

    internal AddressMap Map => _map;

    internal Router Router => _router;

    /// <summary>An address of the host to speak from; false where it has none of that family.</summary>
    public bool TryPickHostAddress(bool isSix, out L3Address address) => _router.Host.TryPickSource(isSix, out address);

    /// <summary>The interface of a number, or null.</summary>
    internal VirtualInterface? InterfaceAt(int id) => (uint)id < (uint)_members.Count ? _members.Interfaces[id] : null;

    /// <summary>The interface that a decision of this snapshot names; null where it names none.</summary>
    public VirtualInterface? TargetOf(Decision decision) => InterfaceAt(decision.TargetId);

    /// <summary>
    /// A snapshot that decides as this one does, by the same addresses, groups, routes and neighbors, and counts on interfaces of its own:
    /// whoever asks it leaves no trace in the port. Any thread; it costs as much as the port has interfaces.
    /// </summary>
    internal PortSnapshot Shadow() => new(this);

    private void Derive()
    {
        _receivable = IsUp && Mode != PortMode.L3S ? (uint)Math.Max(IpMtu + MasterSlack - Classifier.ShortestPlain + 1, 0) : 0;
        _flooded = (byte)(Mode == PortMode.L2 ? 1 : 0);
    }
}
