using System.Runtime.InteropServices;

namespace IpVlanWin.Service.Lifetime.Windows;

/// <summary>SERVICE_TABLE_ENTRYW (winsvc.h).</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct ServiceTableEntry
{
    public char* Name;
    public delegate* unmanaged<uint, char**, void> Main;
}

/// <summary>SERVICE_STATUS (winsvc.h).</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct ServiceStatus
{
    public uint ServiceType;
    public uint CurrentState;
    public uint ControlsAccepted;
    public uint Win32ExitCode;
    public uint ServiceSpecificExitCode;
    public uint CheckPoint;
    public uint WaitHint;
}

/// <summary>SERVICE_STATUS_PROCESS (winsvc.h).</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct ServiceStatusProcess
{
    public ServiceStatus Status;
    public uint ProcessId;
    public uint ServiceFlags;
}

/// <summary>QUERY_SERVICE_CONFIGW (winsvc.h).</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct QueryServiceConfig
{
    public uint ServiceType;
    public uint StartType;
    public uint ErrorControl;
    public char* BinaryPathName;
    public char* LoadOrderGroup;
    public uint TagId;
    public char* Dependencies;
    public char* ServiceStartName;
    public char* DisplayName;
}

/// <summary>SC_ACTION (winsvc.h).</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct ServiceAction
{
    public uint Type;
    public uint DelayMilliseconds;
}

/// <summary>SERVICE_FAILURE_ACTIONSW (winsvc.h).</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct ServiceFailureActions
{
    public uint ResetPeriodSeconds;
    public char* RebootMessage;
    public char* Command;
    public uint Count;
    public ServiceAction* Actions;
}

/// <summary>SERVICE_DESCRIPTIONW and SERVICE_REQUIRED_PRIVILEGES_INFOW (winsvc.h): one text.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct ServiceText
{
    public char* Text;
}
