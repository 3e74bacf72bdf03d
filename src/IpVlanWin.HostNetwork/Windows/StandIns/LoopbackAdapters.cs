using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace IpVlanWin.HostNetwork.Windows;

/// <summary>
/// KM-TEST loopback adapters (netloop.inf, hardware identifier *MSLOOP) as root-enumerated devices, made the way Microsoft's devcon
/// sample does, and installed with DiInstallDevice, which touches this one device alone.
/// </summary>
/// <remarks>The tag is a second hardware identifier: it is written before the device is registered and never matches an INF file.</remarks>
[SupportedOSPlatform("windows")]
internal sealed unsafe class LoopbackAdapters : IStandInSource
{
    internal const string HardwareId = "*MSLOOP", TagPrefix = "IPVLANWIN-STANDIN-", DeviceName = "NET";

    /// <summary>GUID_DEVCLASS_NET.</summary>
    internal static readonly Guid NetClass = new("4d36e972-e325-11ce-bfc1-08002be10318");

    private readonly NetAdapters _adapters;
    private readonly Func<DeviceSet, DeviceInfoData, uint> _install;
    private readonly bool _saysScope;

    public LoopbackAdapters(NetAdapters adapters)
        : this(adapters, Install, saysScope: true)
    {
    }

    /// <param name="adapters">Finds the adapter of a device.</param>
    /// <param name="install">Gives a registered device its driver and returns a code; DiInstallDevice unless told otherwise.</param>
    /// <param name="saysScope">False where class install parameters do not exist (Wine) and a removal is always global.</param>
    internal LoopbackAdapters(NetAdapters adapters, Func<DeviceSet, DeviceInfoData, uint> install, bool saysScope)
    {
        _adapters = adapters;
        _install = install;
        _saysScope = saysScope;
    }

    public StandInKind Kind => StandInKind.Loopback;

    public StandInDevice Create(Guid tag, string name)
    {
        const string Attempt = "make a loopback adapter";
        using var set = NativeMethods.SetupDiCreateDeviceInfoList(NetClass, 0);
        if (set.IsInvalid) WindowsError.ThrowLast(Attempt);
        var data = DeviceInfoData.Create();
        if (!NativeMethods.SetupDiCreateDeviceInfo(set, DeviceName, NetClass, null, 0, NativeMethods.DICD_GENERATE_ID, ref data)) WindowsError.ThrowLast(Attempt);
        var text = $"{HardwareId}\0{TagPrefix}{tag.ToString("N").ToUpperInvariant()}\0\0";
        fixed (char* ids = text)
        {
            // The two zeros end the list; the string's own third one is not sent.
            if (!NativeMethods.SetupDiSetDeviceRegistryProperty(set, ref data, NativeMethods.SPDRP_HARDWAREID, (byte*)ids, (uint)text.Length * sizeof(char))) WindowsError.ThrowLast(Attempt);
        }
        if (!NativeMethods.SetupDiCallClassInstaller(NativeMethods.DIF_REGISTERDEVICE, set, data)) WindowsError.ThrowLast(Attempt);
        try
        {
            WindowsError.Check(_install(set, data), Attempt);
            return new StandInDevice(Kind, tag, InstanceId(set, data, Attempt), name);
        }
        catch (HostNetworkException e)
        {
            e.Cleanup(() => Remove(set, data, "remove the loopback adapter that could not be installed"));
            throw;
        }
    }

    public IReadOnlyList<StandInDevice> List()
    {
        var list = new List<StandInDevice>();
        Enumerate("list the loopback adapters", (_, _, device) =>
        {
            list.Add(device);
            return true;
        });
        return list;
    }

    public CimObject? FindAdapter(StandInDevice device) => _adapters.FindByPnpId(device.Id);

    public void Remove(StandInDevice device)
    {
        var attempt = $"remove loopback adapter {device.Id}";
        Enumerate(attempt, (set, data, found) =>
        {
            if (found.Tag != device.Tag) return true;
            Remove(set, data, attempt);
            return false;
        });
        foreach (var left in List())
        {
            // The driver holds on to it: it goes when the system restarts.
            if (left.Tag == device.Tag) WindowsError.Throw(WindowsError.SuccessRebootRequired, attempt);
        }
    }

    /// <summary>DiInstallDevice: the best driver of the driver store for this one device.</summary>
    private static uint Install(DeviceSet set, DeviceInfoData data)
    {
        if (!NativeMethods.DiInstallDevice(0, set, data, 0, 0, out var needsRestart)) return (uint)Marshal.GetLastPInvokeError();
        return needsRestart ? WindowsError.SuccessRebootRequired : WindowsError.Success;
    }

    private void Remove(DeviceSet set, in DeviceInfoData data, string attempt)
    {
        var parameters = new RemoveDeviceParameters { HeaderBytes = 8, InstallFunction = NativeMethods.DIF_REMOVE, Scope = NativeMethods.DI_REMOVEDEVICE_GLOBAL };
        if (_saysScope && !NativeMethods.SetupDiSetClassInstallParams(set, data, parameters, (uint)sizeof(RemoveDeviceParameters))) WindowsError.ThrowLast(attempt);
        if (!NativeMethods.SetupDiCallClassInstaller(NativeMethods.DIF_REMOVE, set, data)) WindowsError.ThrowLast(attempt);
    }

    /// <summary>Visits our devices of the class until told to stop, whether they are started or not.</summary>
    private void Enumerate(string attempt, Func<DeviceSet, DeviceInfoData, StandInDevice, bool> visit)
    {
        using var set = NativeMethods.SetupDiGetClassDevs(NetClass, null, 0, 0);
        if (set.IsInvalid) WindowsError.ThrowLast(attempt);
        for (uint i = 0; ; i++)
        {
            var data = DeviceInfoData.Create();
            if (!NativeMethods.SetupDiEnumDeviceInfo(set, i, ref data))
            {
                if ((uint)Marshal.GetLastPInvokeError() != WindowsError.NoMoreItems) WindowsError.ThrowLast(attempt);
                return;
            }
            if (TagOf(set, data, attempt) is { } tag && !visit(set, data, new StandInDevice(Kind, tag, InstanceId(set, data, attempt), ""))) return;
        }
    }

    private static Guid? TagOf(DeviceSet set, in DeviceInfoData data, string attempt)
    {
        if (NativeMethods.SetupDiGetDeviceRegistryProperty(set, data, NativeMethods.SPDRP_HARDWAREID, out _, null, 0, out var bytes)) return null;
        // Devices without hardware identifiers are not ours (ERROR_INVALID_DATA); one that goes meanwhile is none.
        if (Marshal.GetLastPInvokeError() != NativeMethods.ERROR_INSUFFICIENT_BUFFER) return null;
        var text = new char[bytes / sizeof(char)];
        fixed (char* buffer = text)
        {
            if (!NativeMethods.SetupDiGetDeviceRegistryProperty(set, data, NativeMethods.SPDRP_HARDWAREID, out _, (byte*)buffer, bytes, out _))
            {
                if ((uint)Marshal.GetLastPInvokeError() is WindowsError.NoSuchDeviceInstance or 13) return null;
                WindowsError.ThrowLast(attempt);
            }
        }
        foreach (var id in new string(text).Split('\0'))
        {
            if (id.StartsWith(TagPrefix, StringComparison.OrdinalIgnoreCase) && Guid.TryParseExact(id[TagPrefix.Length..], "N", out var tag)) return tag;
        }
        return null;
    }

    private static string InstanceId(DeviceSet set, in DeviceInfoData data, string attempt)
    {
        // MAX_DEVICE_ID_LEN of cfgmgr32.h.
        const int Characters = 201;
        var id = stackalloc char[Characters];
        if (!NativeMethods.SetupDiGetDeviceInstanceId(set, data, id, Characters, out _)) WindowsError.ThrowLast(attempt);
        return new string(id);
    }
}
