using IpVlanWin.Devices.Pcap;

namespace IpVlanWin.Cli.Lab;

/// <summary>One pcapng file for each place of the lab.</summary>
internal static class CaptureFiles
{
    /// <summary>Where a place's file is.</summary>
    public static string PathOf(string directory, string place) => Path.Combine(directory, place + ".pcapng");

    /// <summary>Creates or replaces a place's file, and its folder.</summary>
    /// <exception cref="CommandException">It cannot be made.</exception>
    public static CaptureWriter Create(string directory, string place)
    {
        var path = PathOf(directory, place);
        try
        {
            Directory.CreateDirectory(directory);
            return CaptureWriter.Create(path);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw CommandException.Refused($"cannot write capture \"{path}\": {fault.Message}", fault);
        }
    }
}
