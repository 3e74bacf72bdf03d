using System.Runtime.InteropServices;

namespace IpVlanWin.Protocol;

/// <summary>Where the service listens.</summary>
public static class ControlEndpoint
{
    /// <summary>The variable that names another pipe, for tests: a plain name, or on Linux the full path of a socket.</summary>
    public const string Variable = "IPVLANWIN_PIPE";

    /// <summary>The pipe's name on Windows, without \\.\pipe\.</summary>
    public const string WindowsName = "ipvlanwin";

    /// <summary>The pipe's name as .NET wants it: on Linux the path of a socket.</summary>
    public static string Default => Resolve(
        Environment.GetEnvironmentVariable(Variable), Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR"),
        RuntimeInformation.IsOSPlatform(OSPlatform.Windows), Environment.UserName == "root");

    internal static string Resolve(string? set, string? runtimeFolder, bool isWindows, bool isRoot)
    {
        const string Prefix = @"\\.\pipe\";
        if (!string.IsNullOrEmpty(set))
            return isWindows && set!.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase) ? set.Substring(Prefix.Length) : set!;
        if (isWindows)
            return WindowsName;
        if (isRoot)
            return "/run/ipvlanwin/control.sock";
        return string.IsNullOrEmpty(runtimeFolder)
            ? throw ErrorCode.BadArgument.With("XDG_RUNTIME_DIR", $"a folder of this user's, or {Variable} the path of a socket")
            : runtimeFolder!.TrimEnd('/') + "/ipvlanwin/control.sock";
    }
}
