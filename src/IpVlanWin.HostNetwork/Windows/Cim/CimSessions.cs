using System.Runtime.CompilerServices;
using System.Runtime.Versioning;

namespace IpVlanWin.HostNetwork.Windows;

/// <summary>Opens the CIM repository of this host.</summary>
[SupportedOSPlatform("windows")]
internal static class CimSessions
{
    /// <summary>
    /// By Microsoft.Management.Infrastructure where its assembly and native library are beside the program, else by
    /// System.Management. Which one it became is <see cref="ICimSession.Implementation"/>.
    /// </summary>
    public static ICimSession Open()
    {
        if (!IsShipped) return new SystemManagementSession();
        try
        {
            return OpenInfrastructure();
        }
        catch (Exception e) when (e is DllNotFoundException or FileLoadException or TypeInitializationException { InnerException: DllNotFoundException })
        {
            // Its native library is not copied for every runtime identifier; nothing has been done with it yet.
            return new SystemManagementSession();
        }
    }

    /// <summary>True when the assembly is one of the program's own. Looked up, because a failed load is an exception out of the JIT.</summary>
    private static bool IsShipped => AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES") is string assemblies
        && assemblies.Contains("Microsoft.Management.Infrastructure.dll", StringComparison.OrdinalIgnoreCase);

    // Its own method, so that the assembly is wanted inside the try block.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ManagementInfrastructureSession OpenInfrastructure() => new ManagementInfrastructureSession();
}
