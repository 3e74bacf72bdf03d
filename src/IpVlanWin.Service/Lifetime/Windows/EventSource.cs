using System.Runtime.Versioning;
using Microsoft.Win32;

namespace IpVlanWin.Service.Lifetime.Windows;

/// <summary>
/// The source in the Application event log. Its messages are those of EventCreate.exe, which every Windows has: numbers 1 to 1000, each
/// "%1", so no message file has to be built and installed.
/// </summary>
[SupportedOSPlatform("windows")]
internal static class EventSource
{
    private const string Folder = @"SYSTEM\CurrentControlSet\Services\EventLog\Application\";
    private const int AllTypes = NativeMethods.EVENTLOG_ERROR_TYPE | NativeMethods.EVENTLOG_WARNING_TYPE | NativeMethods.EVENTLOG_INFORMATION_TYPE;

    /// <summary>Registers it, or sets it right.</summary>
    /// <exception cref="UnauthorizedAccessException">Needs administrator rights.</exception>
    public static void Register(string source)
    {
        using var key = Registry.LocalMachine.CreateSubKey(Folder + source);
        key.SetValue("EventMessageFile", @"%SystemRoot%\System32\EventCreate.exe", RegistryValueKind.ExpandString);
        key.SetValue("TypesSupported", AllTypes, RegistryValueKind.DWord);
    }

    /// <summary>Removes it; what it wrote stays.</summary>
    /// <exception cref="UnauthorizedAccessException">Needs administrator rights.</exception>
    public static void Remove(string source) => Registry.LocalMachine.DeleteSubKeyTree(Folder + source, throwOnMissingSubKey: false);

    /// <summary>It is there.</summary>
    public static bool IsRegistered(string source)
    {
        using var key = Registry.LocalMachine.OpenSubKey(Folder + source);
        return key is not null;
    }
}
