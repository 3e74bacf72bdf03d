using System.Runtime.InteropServices;

namespace IpVlanWin.Devices.Tests;

/// <summary>The one system call that the tests need and the product does not.</summary>
internal static partial class LinuxNativeMethods
{
    [LibraryImport("libc", EntryPoint = "unshare")]
    public static partial int Unshare(int flags);
}
