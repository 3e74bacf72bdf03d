using Microsoft.Win32.SafeHandles;

namespace IpVlanWin.Devices.WinDivert;

/// <summary>A handle of WinDivertOpen. 0 and -1 both mean that it failed.</summary>
internal sealed class SafeDivertHandle : SafeHandleZeroOrMinusOneIsInvalid
{
    public SafeDivertHandle(nint value)
        : base(ownsHandle: true) => SetHandle(value);

    /// <summary>What is still queued goes back into the host's stack.</summary>
    protected override bool ReleaseHandle() => NativeMethods.WinDivertClose(handle) != 0;
}
