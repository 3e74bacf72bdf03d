namespace IpVlanWin.Devices.Pcap;

/// <summary>
/// Turns an interface's timestamps into nanoseconds since 1970-01-01 UTC: if_tsresol and if_tsoffset
/// (draft-ietf-opsawg-pcapng section 4.2). Total: what does not fit 64 bits becomes the nearest value that does.
/// </summary>
internal readonly struct TimestampScale
{
    private const int NanosecondDigits = 9;
    private const ulong NanosecondsPerSecond = 1_000_000_000;
    private const byte PowerOfTwo = 0x80;

    private readonly byte _resolution;
    private readonly long _offsetSeconds;

    public TimestampScale(byte resolution, long offsetSeconds)
    {
        _resolution = resolution;
        _offsetSeconds = offsetSeconds;
    }

    /// <summary>What holds without if_tsresol: microseconds.</summary>
    public static byte DefaultResolution => 6;

    public long ToUnixNanoseconds(ulong timestamp)
    {
        var exponent = _resolution & ~PowerOfTwo;
        var nanoseconds = (_resolution & PowerOfTwo) != 0
            ? ((UInt128)timestamp * NanosecondsPerSecond) >> exponent
            : exponent <= NanosecondDigits
                ? (UInt128)timestamp * PowerOfTen(NanosecondDigits - exponent)
                : exponent - NanosecondDigits <= 19 ? timestamp / PowerOfTen(exponent - NanosecondDigits) : 0;
        var sum = (Int128)nanoseconds + ((Int128)_offsetSeconds * (long)NanosecondsPerSecond);
        return sum > long.MaxValue ? long.MaxValue : sum < long.MinValue ? long.MinValue : (long)sum;
    }

    private static ulong PowerOfTen(int exponent)
    {
        ulong power = 1;
        while (exponent-- > 0)
            power *= 10;
        return power;
    }
}
