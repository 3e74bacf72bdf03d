using IpVlanWin.WineBed;

namespace IpVlanWin.Wine.Tests;

/// <summary>One Windows for all tests of this run.</summary>
internal static class Windows
{
    private static WinePrefix? s_prefix;

    /// <summary>Drive C: of the prefix.</summary>
    public static string DriveC => s_prefix!.DriveC;

    public static void Prepare() => s_prefix = WinePrefix.Missing is null ? WinePrefix.Create() : null;

    /// <summary>Ends all processes of the prefix, and removes everything.</summary>
    public static void Remove() => s_prefix?.Dispose();

    /// <summary>Runs one of the published programs, or one of Windows' own, to its end.</summary>
    public static Task<Ended> RunAsync(string program, params string[] arguments)
    {
        if (s_prefix is null)
            Assert.Inconclusive(WinePrefix.Missing!);
        return Task.Run(() => s_prefix.Run(program, arguments));
    }
}
