using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace IpVlanWin.Devices.Linux;

/// <summary>Owns a file descriptor.</summary>
[SupportedOSPlatform("linux")]
internal sealed class FileDescriptor : SafeHandleMinusOneIsInvalid
{
    public FileDescriptor(int descriptor)
        : base(ownsHandle: true) => SetHandle(descriptor);

    /// <summary>The number, for calls once per frame: valid until the owner, who makes those calls, disposes this.</summary>
    public int Number => (int)handle;

    // close(2): the descriptor is gone even where an error is returned.
    protected override bool ReleaseHandle() => NativeMethods.Close((int)handle) == 0;
}
