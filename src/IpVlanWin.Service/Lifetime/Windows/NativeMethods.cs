using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace IpVlanWin.Service.Lifetime.Windows;

/// <summary>A handle of the service manager or of a service.</summary>
[SupportedOSPlatform("windows")]
internal sealed class ServiceHandle() : SafeHandleZeroOrMinusOneIsInvalid(ownsHandle: true)
{
    protected override bool ReleaseHandle() => NativeMethods.CloseServiceHandle(handle);
}

/// <summary>A handle of an event source.</summary>
[SupportedOSPlatform("windows")]
internal sealed class EventSourceHandle() : SafeHandleZeroOrMinusOneIsInvalid(ownsHandle: true)
{
    protected override bool ReleaseHandle() => NativeMethods.DeregisterEventSource(handle);
}

/// <summary>The advapi32 calls of this room. Each returns false or an invalid handle and leaves the code for <see cref="WindowsError"/>.</summary>
[SupportedOSPlatform("windows")]
internal static unsafe partial class NativeMethods
{
    // winsvc.h, winnt.h
    public const uint SC_MANAGER_CONNECT = 1, SC_MANAGER_CREATE_SERVICE = 2;
    public const uint SERVICE_QUERY_CONFIG = 1, SERVICE_CHANGE_CONFIG = 2, SERVICE_QUERY_STATUS = 4, SERVICE_START = 0x10, SERVICE_STOP = 0x20, DELETE = 0x10000;
    public const uint SERVICE_AUTO_START = 2, SERVICE_ERROR_NORMAL = 1, SERVICE_NO_CHANGE = uint.MaxValue;
    public const uint SERVICE_CONFIG_DESCRIPTION = 1, SERVICE_CONFIG_FAILURE_ACTIONS = 2, SERVICE_CONFIG_FAILURE_ACTIONS_FLAG = 4, SERVICE_CONFIG_SERVICE_SID_INFO = 5,
        SERVICE_CONFIG_REQUIRED_PRIVILEGES_INFO = 6, SERVICE_CONFIG_PRESHUTDOWN_INFO = 7;
    public const uint SC_ACTION_RESTART = 1, SERVICE_SID_TYPE_UNRESTRICTED = 1, SC_STATUS_PROCESS_INFO = 0;
    public const ushort EVENTLOG_ERROR_TYPE = 1, EVENTLOG_WARNING_TYPE = 2, EVENTLOG_INFORMATION_TYPE = 4;

    private const string Advapi = "advapi32";

    [LibraryImport(Advapi, EntryPoint = "StartServiceCtrlDispatcherW", SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    public static partial bool StartServiceCtrlDispatcher(ServiceTableEntry* table);

    [LibraryImport(Advapi, EntryPoint = "RegisterServiceCtrlHandlerExW", SetLastError = true, StringMarshalling = StringMarshalling.Utf16)]
    public static partial nint RegisterServiceCtrlHandler(string name, delegate* unmanaged<uint, uint, nint, nint, uint> handler, nint context);

    // The handle of RegisterServiceCtrlHandlerExW is never closed.
    [LibraryImport(Advapi, EntryPoint = "SetServiceStatus", SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    public static partial bool SetServiceStatus(nint service, ServiceStatus* status);

    [LibraryImport(Advapi, EntryPoint = "OpenSCManagerW", SetLastError = true)]
    public static partial ServiceHandle OpenServiceManager(nint machine, nint database, uint access);

    [LibraryImport(Advapi, EntryPoint = "OpenServiceW", SetLastError = true, StringMarshalling = StringMarshalling.Utf16)]
    public static partial ServiceHandle OpenService(ServiceHandle manager, string name, uint access);

    [LibraryImport(Advapi, EntryPoint = "CreateServiceW", SetLastError = true, StringMarshalling = StringMarshalling.Utf16)]
    public static partial ServiceHandle CreateService(
        ServiceHandle manager, string name, string displayName, uint access, uint type, uint start, uint errorControl, string path,
        nint loadOrderGroup, nint tag, nint dependencies, nint account, nint password);

    [LibraryImport(Advapi, EntryPoint = "ChangeServiceConfigW", SetLastError = true, StringMarshalling = StringMarshalling.Utf16)]
    [return: MarshalAs(UnmanagedType.Bool)]
    public static partial bool ChangeServiceConfig(
        ServiceHandle service, uint type, uint start, uint errorControl, string path,
        nint loadOrderGroup, nint tag, nint dependencies, nint account, nint password, string displayName);

    [LibraryImport(Advapi, EntryPoint = "ChangeServiceConfig2W", SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    public static partial bool ChangeServiceConfig2(ServiceHandle service, uint level, void* info);

    [LibraryImport(Advapi, EntryPoint = "QueryServiceConfigW", SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    public static partial bool QueryServiceConfig(ServiceHandle service, QueryServiceConfig* buffer, uint length, uint* needed);

    [LibraryImport(Advapi, EntryPoint = "QueryServiceConfig2W", SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    public static partial bool QueryServiceConfig2(ServiceHandle service, uint level, byte* buffer, uint length, uint* needed);

    [LibraryImport(Advapi, EntryPoint = "QueryServiceStatusEx", SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    public static partial bool QueryServiceStatus(ServiceHandle service, uint level, ServiceStatusProcess* buffer, uint length, uint* needed);

    [LibraryImport(Advapi, EntryPoint = "StartServiceW", SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    public static partial bool StartService(ServiceHandle service, uint count, nint arguments);

    [LibraryImport(Advapi, EntryPoint = "ControlService", SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    public static partial bool ControlService(ServiceHandle service, uint control, ServiceStatus* status);

    [LibraryImport(Advapi, EntryPoint = "DeleteService", SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    public static partial bool DeleteService(ServiceHandle service);

    [LibraryImport(Advapi, EntryPoint = "CloseServiceHandle", SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    public static partial bool CloseServiceHandle(nint handle);

    [LibraryImport(Advapi, EntryPoint = "RegisterEventSourceW", SetLastError = true, StringMarshalling = StringMarshalling.Utf16)]
    public static partial EventSourceHandle RegisterEventSource(nint machine, string source);

    [LibraryImport(Advapi, EntryPoint = "DeregisterEventSource", SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    public static partial bool DeregisterEventSource(nint source);

    [LibraryImport(Advapi, EntryPoint = "ReportEventW", SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    public static partial bool ReportEvent(EventSourceHandle source, ushort type, ushort category, uint id, nint user, ushort count, uint dataLength, char** texts, nint data);
}
