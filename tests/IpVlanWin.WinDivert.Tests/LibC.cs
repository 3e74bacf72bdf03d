using System.Runtime.InteropServices;

namespace IpVlanWin.WinDivert.Tests;

/// <summary>The C library's environment, which the imitation reads; the runtime's own is a copy.</summary>
internal static partial class LibC
{
    public static void Set(string name, string? value)
    {
        var result = OperatingSystem.IsWindows() ? _putenv_s(name, value ?? "") : value is null ? unsetenv(name) : setenv(name, value, 1);
        Assert.AreEqual(0, result);
    }

    [LibraryImport("msvcrt", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int _putenv_s(string name, string value);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int setenv(string name, string value, int overwrite);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int unsetenv(string name);
}
