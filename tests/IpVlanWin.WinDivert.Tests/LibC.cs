using System.Runtime.InteropServices;

namespace IpVlanWin.WinDivert.Tests;

/// <summary>The C library's environment, which the imitation reads.</summary>
internal static partial class LibC
{
    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int setenv(string name, string value, int overwrite);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int unsetenv(string name);
}
