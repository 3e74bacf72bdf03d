using System.Runtime.Versioning;
using Microsoft.Win32;

namespace IpVlanWin.HostNetwork.Windows;

/// <summary>Numbers below HKEY_LOCAL_MACHINE.</summary>
internal interface IRegistryValues
{
    /// <summary>A REG_DWORD, or null when there is none.</summary>
    int? Read(string key, string name);

    /// <summary>Writes a REG_DWORD into a key that exists; null deletes it.</summary>
    void Write(string key, string name, int? value);
}

/// <summary>The registry of this Windows.</summary>
[SupportedOSPlatform("windows")]
internal sealed class MachineRegistry : IRegistryValues
{
    public int? Read(string key, string name) => Guard($"read the registry value {key}\\{name}", () =>
    {
        using var open = Registry.LocalMachine.OpenSubKey(key);
        return open?.GetValue(name) as int?;
    });

    public void Write(string key, string name, int? value)
    {
        var attempt = $"write the registry value {key}\\{name}";
        Guard(attempt, () =>
        {
            // Never made here: the key of an adapter that has none would stay behind.
            using var open = Registry.LocalMachine.OpenSubKey(key, writable: true);
            if (open is null) WindowsError.Throw(WindowsError.FileNotFound, attempt);
            if (value is { } number) open!.SetValue(name, number, RegistryValueKind.DWord);
            else open!.DeleteValue(name, throwOnMissingValue: false);
            return true;
        });
    }

    private static T Guard<T>(string attempt, Func<T> body)
    {
        try
        {
            return body();
        }
        catch (Exception e) when (e is UnauthorizedAccessException or System.Security.SecurityException)
        {
            throw WindowsError.Create(WindowsError.AccessDenied, attempt);
        }
    }
}
