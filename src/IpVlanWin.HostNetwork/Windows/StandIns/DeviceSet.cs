using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace IpVlanWin.HostNetwork.Windows;

/// <summary>SP_DEVINFO_DATA: a device of a set.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct DeviceInfoData
{
    public uint Bytes;
    public Guid DeviceClass;
    public uint DevInst;
    public nuint Reserved;

    public static DeviceInfoData Create() => new() { Bytes = (uint)Unsafe.SizeOf<DeviceInfoData>() };
}

/// <summary>SP_CLASSINSTALL_HEADER and SP_REMOVEDEVICE_PARAMS.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct RemoveDeviceParameters
{
    /// <summary>The header's size, not the structure's.</summary>
    public uint HeaderBytes;
    public uint InstallFunction;
    public uint Scope;
    public uint HardwareProfile;
}

/// <summary>HDEVINFO.</summary>
[SupportedOSPlatform("windows")]
internal sealed class DeviceSet : SafeHandleMinusOneIsInvalid
{
    public DeviceSet()
        : base(ownsHandle: true)
    {
    }

    protected override bool ReleaseHandle() => NativeMethods.SetupDiDestroyDeviceInfoList(handle);
}
