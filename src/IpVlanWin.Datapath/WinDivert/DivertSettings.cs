using IpVlanWin.Devices.WinDivert;
using IpVlanWin.Engine.Ipvlan;

namespace IpVlanWin.Datapath.WinDivert;

/// <summary>How a port's packets are diverted.</summary>
public sealed record DivertSettings
{
    /// <summary>Priority of the engine's handles.</summary>
    public short Priority { get; init; } = 100;

    /// <summary>Priority of the safety net's handles: lower, so that they see what the engine passes and what nobody takes.</summary>
    public short SafetyNetPriority { get; init; } = 50;

    /// <summary>How address sets are written.</summary>
    public DivertForm Form { get; init; }

    /// <summary>Packets of one batch: 64 to 255.</summary>
    public int BatchPackets { get; init; } = 255;

    /// <summary>Bytes of one batch; at least <see cref="DivertLimits.MaxPacketLength"/>.</summary>
    public int BatchBytes { get; init; } = 512 * 1024;

    /// <summary>Packets that WinDivert keeps for us, of each handle.</summary>
    public int QueuePackets { get; init; } = 16_384;

    /// <summary>Bytes that WinDivert keeps for us, of each handle.</summary>
    public int QueueBytes { get; init; } = 32 * 1024 * 1024;

    /// <summary>How long WinDivert keeps them.</summary>
    public TimeSpan QueueTime { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>MTU of the adapter of that index, in bytes of IP packet; asked only where it is not the master.</summary>
    public Func<uint, int> IpMtuOf { get; init; } = static _ => Port.MaxIpMtu;

    /// <summary>Starts the safety net's process; null where private is not offered.</summary>
    public Func<SafetyNetLink>? StartSafetyNet { get; init; }

    /// <summary>Told when that process ended by itself; <see cref="DivertedTraffic.KeepSafetyNet"/> starts another.</summary>
    public Action? OnSafetyNetGone { get; init; }
}

/// <summary>What this data path can be, and what does the rest.</summary>
public static class DivertSupport
{
    /// <summary>Null where WinDivert can do it, or one sentence with the reason and the data path that would.</summary>
    public static string? Refusal(PortMode mode, PortFlag flag)
    {
        if (mode == PortMode.L2)
            return "mode l2 is not supported by data path windivert, which sees IP packets and no frames: use data path filter";
        if (flag == PortFlag.Vepa)
            return "flag vepa is not supported by data path windivert, because the host's stack moves packets between its own addresses itself: use data path filter";
        return null;
    }
}

/// <summary>What became of diverted packets, of all handles since the start.</summary>
/// <param name="Received">Packets taken from WinDivert.</param>
/// <param name="Passed">Packets given back.</param>
/// <param name="Dropped">Packets that the engine dropped, by reasons in the port's counters.</param>
/// <param name="Cut">Packets longer than the MTU that were given back in pieces.</param>
/// <param name="Unreadable">Bytes of batches that were no packets, counted as one each.</param>
/// <param name="SendFailures">Batches of which WinDivert refused at least one packet.</param>
/// <param name="LastSendError">The code of the last.</param>
/// <param name="Expired">Batches in which an impostor's TTL ran out.</param>
/// <param name="LongestWait">Longest time that a packet waited in WinDivert's queue.</param>
/// <param name="Overruns">Batches that had waited so long, or were so many in a row, that WinDivert may have lost packets, which it does silently.</param>
/// <param name="OnMaster">Those received that the master's adapter has carried, or is about to carry.</param>
public readonly record struct DivertStatistics(
    long Received, long Passed, long Dropped, long Cut, long Unreadable, long SendFailures, int LastSendError, long Expired, TimeSpan LongestWait, long Overruns, long OnMaster);
