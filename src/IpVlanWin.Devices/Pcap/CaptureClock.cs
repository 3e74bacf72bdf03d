namespace IpVlanWin.Devices.Pcap;

/// <summary>The time that frames are recorded with.</summary>
public static class CaptureClock
{
    /// <summary>Nanoseconds since 1970-01-01 UTC, in steps of the system clock.</summary>
    public static long UnixNanoseconds() => (DateTime.UtcNow.Ticks - DateTime.UnixEpoch.Ticks) * TimeSpan.NanosecondsPerTick;
}
