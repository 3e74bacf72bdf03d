using System.Runtime.InteropServices;

namespace IpVlanWin.HostNetwork.Windows;

// setupapi.h and newdev.h. BOOL is four bytes; false leaves the code in GetLastError.
internal static unsafe partial class NativeMethods
{
    private const string SetupApi = "setupapi.dll", NewDev = "newdev.dll";

    public const uint DICD_GENERATE_ID = 1, DIF_REMOVE = 5, DIF_REGISTERDEVICE = 0x19, DI_REMOVEDEVICE_GLOBAL = 1, SPDRP_HARDWAREID = 1, ERROR_INSUFFICIENT_BUFFER = 122;

    [LibraryImport(SetupApi, SetLastError = true)]
    public static partial DeviceSet SetupDiCreateDeviceInfoList(in Guid deviceClass, nint window);

    [LibraryImport(SetupApi, EntryPoint = "SetupDiGetClassDevsW", SetLastError = true, StringMarshalling = StringMarshalling.Utf16)]
    public static partial DeviceSet SetupDiGetClassDevs(in Guid deviceClass, string? enumerator, nint window, uint flags);

    [LibraryImport(SetupApi, SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    public static partial bool SetupDiDestroyDeviceInfoList(nint set);

    [LibraryImport(SetupApi, SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    public static partial bool SetupDiEnumDeviceInfo(DeviceSet set, uint member, ref DeviceInfoData data);

    [LibraryImport(SetupApi, EntryPoint = "SetupDiCreateDeviceInfoW", SetLastError = true, StringMarshalling = StringMarshalling.Utf16)]
    [return: MarshalAs(UnmanagedType.Bool)]
    public static partial bool SetupDiCreateDeviceInfo(DeviceSet set, string name, in Guid deviceClass, string? description, nint window, uint flags, ref DeviceInfoData data);

    [LibraryImport(SetupApi, EntryPoint = "SetupDiGetDeviceInstanceIdW", SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    public static partial bool SetupDiGetDeviceInstanceId(DeviceSet set, in DeviceInfoData data, char* id, uint characters, out uint required);

    [LibraryImport(SetupApi, EntryPoint = "SetupDiGetDeviceRegistryPropertyW", SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    public static partial bool SetupDiGetDeviceRegistryProperty(DeviceSet set, in DeviceInfoData data, uint property, out uint type, byte* buffer, uint bytes, out uint required);

    [LibraryImport(SetupApi, EntryPoint = "SetupDiSetDeviceRegistryPropertyW", SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    public static partial bool SetupDiSetDeviceRegistryProperty(DeviceSet set, ref DeviceInfoData data, uint property, byte* buffer, uint bytes);

    [LibraryImport(SetupApi, EntryPoint = "SetupDiSetClassInstallParamsW", SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    public static partial bool SetupDiSetClassInstallParams(DeviceSet set, in DeviceInfoData data, in RemoveDeviceParameters parameters, uint bytes);

    [LibraryImport(SetupApi, SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    public static partial bool SetupDiCallClassInstaller(uint function, DeviceSet set, in DeviceInfoData data);

    [LibraryImport(NewDev, SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    public static partial bool DiInstallDevice(nint window, DeviceSet set, in DeviceInfoData data, nint driver, uint flags, [MarshalAs(UnmanagedType.Bool)] out bool needsRestart);
}
