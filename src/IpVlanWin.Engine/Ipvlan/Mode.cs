namespace IpVlanWin.Engine.Ipvlan;

/// <summary>How a port decides (semantics 1).</summary>
public enum PortMode : byte
{
    /// <summary>Switches frames; interfaces get broadcast and multicast.</summary>
    L2,

    /// <summary>Routes in the host's namespace; unicast only.</summary>
    L3,

    /// <summary>l3 in which the host sees every frame from the wire.</summary>
    L3S,
}

/// <summary>Who may talk to whom (semantics 1).</summary>
public enum PortFlag : byte
{
    /// <summary>Interfaces reach each other.</summary>
    Bridge,

    /// <summary>Interfaces do not reach each other.</summary>
    Private,

    /// <summary>Everything goes to the wire; the adjacent switch sends it back or not.</summary>
    Vepa,
}

/// <summary>The words for modes and flags, as iproute2 spells them.</summary>
public static class PortWords
{
    /// <summary>Legal words for a mode, for error texts.</summary>
    public const string Modes = "l2, l3 or l3s";

    /// <summary>Legal words for a flag, for error texts.</summary>
    public const string Flags = "bridge, private or vepa";

    /// <summary>Reads l2, l3 or l3s.</summary>
    public static bool TryParse(string? word, out PortMode mode)
    {
        (var known, mode) = word switch
        {
            "l2" => (true, PortMode.L2),
            "l3" => (true, PortMode.L3),
            "l3s" => (true, PortMode.L3S),
            _ => (false, default),
        };
        return known;
    }

    /// <summary>Reads bridge, private or vepa.</summary>
    public static bool TryParse(string? word, out PortFlag flag)
    {
        (var known, flag) = word switch
        {
            "bridge" => (true, PortFlag.Bridge),
            "private" => (true, PortFlag.Private),
            "vepa" => (true, PortFlag.Vepa),
            _ => (false, default),
        };
        return known;
    }

    /// <summary>The mode's word.</summary>
    public static string Word(this PortMode mode) => mode switch
    {
        PortMode.L2 => "l2",
        PortMode.L3 => "l3",
        PortMode.L3S => "l3s",
        _ => throw new ArgumentOutOfRangeException(nameof(mode), mode, "a mode is " + Modes),
    };

    /// <summary>The flag's word.</summary>
    public static string Word(this PortFlag flag) => flag switch
    {
        PortFlag.Bridge => "bridge",
        PortFlag.Private => "private",
        PortFlag.Vepa => "vepa",
        _ => throw new ArgumentOutOfRangeException(nameof(flag), flag, "a flag is " + Flags),
    };
}
