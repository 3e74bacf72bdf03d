using System.Runtime.CompilerServices;

namespace IpVlanWin.PowerShell.Tests;

/// <summary>Where things lie.</summary>
internal static class Repository
{
    /// <summary>The module's source.</summary>
    public static string Source { get; } = Path.GetFullPath(Path.Combine(Folder(), "..", "..", "src", "IpVlanWin.PowerShell"));

    /// <summary>The module as it is published, beside the tests.</summary>
    public static string Module { get; } = Path.Combine(AppContext.BaseDirectory, "module", "IpVlan");

    public static string Documentation { get; } = Path.ChangeExtension(typeof(ModuleLoading).Assembly.Location, ".xml");

    private static string Folder([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;
}
