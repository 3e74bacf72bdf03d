using System.ComponentModel;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using System.Security.Principal;
using Microsoft.Win32.SafeHandles;

namespace IpVlanWin.Wine.Probe;

[SupportedOSPlatform("windows")]
internal static unsafe class RestrictedToken
{
    /// <summary>This process's token, in which membership of Administrators can only be a reason to deny.</summary>
    public static SafeAccessTokenHandle WithoutAdministrators()
    {
        using var own = WindowsIdentity.GetCurrent(TokenAccessLevels.MaximumAllowed);
        var administrators = new SecurityIdentifier(WellKnownSidType.BuiltinAdministratorsSid, null);
        var bytes = new byte[administrators.BinaryLength];
        administrators.GetBinaryForm(bytes, 0);
        fixed (byte* sid = bytes)
        {
            var disable = new SidAndAttributes { Sid = (nint)sid };
            return NativeMethods.CreateRestrictedToken(own.AccessToken, 0, 1, &disable, 0, 0, 0, 0, out var restricted)
                ? restricted
                : throw new Win32Exception(Marshal.GetLastPInvokeError());
        }
    }
}
