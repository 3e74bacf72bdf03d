using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace IpVlanWin.Wine.Probe;

/// <summary>SID_AND_ATTRIBUTES (winnt.h).</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct SidAndAttributes
{
    public nint Sid;
    public uint Attributes;
}

internal static unsafe partial class NativeMethods
{
    [LibraryImport("advapi32", SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    public static partial bool CreateRestrictedToken(
        SafeAccessTokenHandle token, uint flags, uint disableCount, SidAndAttributes* disable, uint deleteCount, nint delete, uint restrictCount, nint restrict,
        out SafeAccessTokenHandle restricted);
}
