namespace IpVlanWin.Engine.Ipvlan;

/// <summary>
/// The interfaces of a port by number, and their states beside them, so that a frame is counted without a look at its interface. Later tables may
/// append to the same arrays: what lies beyond the count is theirs.
/// </summary>
internal readonly unsafe struct MemberTable
{
    // Of a free number: down for ever, so that nobody need ask whether there is one.
    private static readonly nint NobodysState = (nint)StateLines.TakeForGood();

    // Null for a free number.
    public readonly VirtualInterface?[] Interfaces;

    // Their memory lives as long as the interfaces, or for ever.
    public readonly nint[] States;
    public readonly int Count;

    private MemberTable(VirtualInterface?[] interfaces, nint[] states, int count) => (Interfaces, States, Count) = (interfaces, states, count);

    public static MemberTable Empty => new([], [], 0);

    /// <summary>The same with one entry changed; null for a number that comes free.</summary>
    public MemberTable With(int id, VirtualInterface? changed)
    {
        var (interfaces, states) = (Interfaces, States);
        if (id < Count)
        {
            (interfaces, states) = ([.. interfaces], [.. states]);
        }
        else if (Count == interfaces.Length)
        {
            Array.Resize(ref interfaces, Math.Max(4, Count * 2));
            Array.Resize(ref states, interfaces.Length);
        }
        interfaces[id] = changed;
        states[id] = changed is null ? NobodysState : (nint)changed.StateLine;
        return new MemberTable(interfaces, states, Math.Max(Count, id + 1));
    }

    /// <summary>Interfaces of the same state that count for themselves.</summary>
    public MemberTable Shadow()
    {
        var lines = new StateLines();
        var interfaces = Array.ConvertAll(Interfaces[..Count], member => member?.Shadow(lines));
        return new MemberTable(interfaces, Array.ConvertAll(interfaces, static member => member is null ? NobodysState : (nint)member.StateLine), Count);
    }
}
