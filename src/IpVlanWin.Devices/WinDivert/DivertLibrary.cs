using System.Reflection;
using System.Runtime.InteropServices;

namespace IpVlanWin.Devices.WinDivert;

/// <summary>Where WinDivert.dll comes from: the program's own folder, which only administrators may write, and nowhere else.</summary>
public static class DivertLibrary
{
    internal const string Name = "WinDivert";

    private static string? s_path;

    static DivertLibrary() => NativeLibrary.SetDllImportResolver(typeof(DivertLibrary).Assembly, Resolve);

    /// <summary>
    /// Path of the file to load instead, such as an imitation of WinDivert in tests. To be set before the first handle is opened: a
    /// library that is loaded stays.
    /// </summary>
    public static string? OverridePath
    {
        get => s_path;
        set => s_path = value;
    }

    /// <summary>Registers the resolver, which must be there before the first call into the library.</summary>
    internal static void Touch()
    {
    }

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? searchPath) =>
        name == Name && s_path is { } path ? NativeLibrary.Load(path) : 0;
}
