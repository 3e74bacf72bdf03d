using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Runtime.InteropServices;

namespace IpVlanWin.HostNetwork.Windows;

/// <summary>The one place where a Win32 code, a SetupAPI code or an HRESULT becomes an exception.</summary>
internal static class WindowsError
{
    public const uint Success = 0, FileNotFound = 2, AccessDenied = 5, NotSupported = 50, BadNetName = 67, InvalidParameter = 87, NoMoreItems = 259,
        NotFound = 1168, NoSuchDevice = 433, ObjectAlreadyExists = 5010, InsufficientBuffer = 122, SuccessRebootRequired = 3010;

    /// <summary>Codes of setupapi.h: APPLICATION_ERROR_MASK | ERROR_SEVERITY_ERROR | n.</summary>
    public const uint NoSuchDeviceInstance = 0xE000020B, DeviceInstallBlocked = 0xE0000248;

    /// <summary>HRESULT facility of a Win32 code.</summary>
    private const uint Win32Facility = 0x80070000;

    private static readonly Dictionary<uint, (string Name, string Text)> s_known = new()
    {
        [1] = ("ERROR_INVALID_FUNCTION", "this system does not do that; update Windows"),
        [FileNotFound] = ("ERROR_FILE_NOT_FOUND", "it does not exist (any more); list the adapters and use a name or index that is there"),
        [AccessDenied] = ("ERROR_ACCESS_DENIED", "access denied; run it elevated, as a member of Administrators or as the service"),
        [8] = ("ERROR_NOT_ENOUGH_MEMORY", "the system is out of memory; free some and try again"),
        [13] = ("ERROR_INVALID_DATA", "the system's own data about it is damaged; remove the device and make it again"),
        [31] = ("ERROR_GEN_FAILURE", "the device does not work or nobody answered; see Device Manager"),
        [NotSupported] = ("ERROR_NOT_SUPPORTED", "this system cannot do it: that IP version is not installed or not bound to the adapter, or the adapter is of another kind; enable it on the adapter"),
        [BadNetName] = ("ERROR_BAD_NET_NAME", "the network cannot be reached from here; see that the adapter is connected and has an address of that subnet"),
        [InvalidParameter] = ("ERROR_INVALID_PARAMETER", "the system refuses the values; see that the adapter has this IP version, and that address and prefix length go together"),
        [InsufficientBuffer] = ("ERROR_INSUFFICIENT_BUFFER", "it grew while it was read; try again"),
        [126] = ("ERROR_MOD_NOT_FOUND", "a system library is missing; install the Windows feature that brings it"),
        [127] = ("ERROR_PROC_NOT_FOUND", "this system is too old for it; use Windows Server 2019 or later"),
        [170] = ("ERROR_BUSY", "it is in use; try again"),
        [183] = ("ERROR_ALREADY_EXISTS", "it is there already; remove it first or use another name"),
        [NoSuchDevice] = ("ERROR_NO_SUCH_DEVICE", "the device is gone; list the adapters again"),
        [995] = ("ERROR_OPERATION_ABORTED", "it was cancelled; try again"),
        [1060] = ("ERROR_SERVICE_DOES_NOT_EXIST", "the service is not installed; install the Windows feature that brings it"),
        [1062] = ("ERROR_SERVICE_NOT_ACTIVE", "the service is not running; start it"),
        [1115] = ("ERROR_SHUTDOWN_IN_PROGRESS", "the system shuts down; nothing is to be done"),
        [NotFound] = ("ERROR_NOT_FOUND", "there is no such entry or adapter, or this IP version is not bound to it; list what is there"),
        [1231] = ("ERROR_NETWORK_UNREACHABLE", "no route leads there; add one"),
        [1232] = ("ERROR_HOST_UNREACHABLE", "the host cannot be reached; see that it is up and on this network"),
        [1314] = ("ERROR_PRIVILEGE_NOT_HELD", "a privilege is missing; run it as the service (LocalSystem)"),
        [1450] = ("ERROR_NO_SYSTEM_RESOURCES", "the system is out of resources; free some and try again"),
        [1460] = ("ERROR_TIMEOUT", "no answer in time; try again"),
        [1641] = ("ERROR_SUCCESS_REBOOT_INITIATED", "the system restarts; try again after that"),
        [1722] = ("RPC_S_SERVER_UNAVAILABLE", "the service that would answer is not running; start it (HNS, vmms, Winmgmt)"),
        [SuccessRebootRequired] = ("ERROR_SUCCESS_REBOOT_REQUIRED", "the system must be restarted before it takes effect"),
        [ObjectAlreadyExists] = ("ERROR_OBJECT_ALREADY_EXISTS", "it is there already; remove it first"),
        [0xE0000203] = ("ERROR_NO_DRIVER_SELECTED", "no driver was found for it; see that netloop.inf is in the INF folder of Windows"),
        [0xE0000206] = ("ERROR_INVALID_CLASS", "the device class is not what it should be; repair Windows (sfc /scannow)"),
        [NoSuchDeviceInstance] = ("ERROR_NO_SUCH_DEVINST", "there is no such device (any more); list the devices again"),
        [0xE0000219] = ("ERROR_NO_ASSOCIATED_CLASS", "the INF file names no device class; repair Windows (sfc /scannow)"),
        [0xE0000228] = ("ERROR_NO_COMPAT_DRIVERS", "this Windows has no driver for it; netloop.inf is missing, as in Windows Sandbox and Nano Server"),
        [0xE0000234] = ("ERROR_DRIVER_NONNATIVE", "a driver of another processor architecture; use the package of this architecture"),
        [0xE0000235] = ("ERROR_IN_WOW64", "a 32-bit process cannot install devices; use the 64-bit program"),
        [0xE0000247] = ("ERROR_DRIVER_STORE_ADD_FAILED", "the driver store refuses it; see setupapi.dev.log in the INF folder of Windows"),
        [DeviceInstallBlocked] = ("ERROR_DEVICE_INSTALL_BLOCKED", "a device installation policy forbids it; allow *MSLOOP by group policy"),
        [0x80004001] = ("E_NOTIMPL", "this system does not do that; update Windows"),
        [0x80004005] = ("E_FAIL", "the system does not say why; see its event log"),
        [0x803B0001] = ("HCN_E_NETWORK_NOT_FOUND", "there is no such container network (any more)"),
        [0x803B0002] = ("HCN_E_ENDPOINT_NOT_FOUND", "there is no such container endpoint (any more)"),
        [0x80071A90] = ("ERROR_TRANSACTIONAL_CONFLICT", "another network installation runs or waits for a restart; restart the system"),
    };

    /// <summary>Makes the exception for a code.</summary>
    /// <param name="code">As the system returned it: a Win32 code, one of setupapi.h, or an HRESULT.</param>
    /// <param name="attempted">What was tried, to follow "cannot".</param>
    /// <param name="nativeText">What the system itself said about it, if anything.</param>
    public static HostNetworkException Create(uint code, string attempted, string? nativeText = null)
    {
        var (name, text) = Describe(code);
        var message = string.IsNullOrEmpty(nativeText) ? $"cannot {attempted}: {text} ({name})" : $"cannot {attempted}: {text} ({name}): {nativeText}";
        return new HostNetworkException(message, unchecked((int)code), name, nativeText);
    }

    /// <inheritdoc cref="Create"/>
    [DoesNotReturn]
    public static void Throw(uint code, string attempted, string? nativeText = null) => throw Create(code, attempted, nativeText);

    /// <summary>Throws unless the code is success.</summary>
    public static void Check(uint code, string attempted)
    {
        if (code != Success) Throw(code, attempted);
    }

    /// <summary>Throws for the code the last native call of this thread left.</summary>
    [DoesNotReturn]
    public static void ThrowLast(string attempted) => Throw((uint)Marshal.GetLastPInvokeError(), attempted);

    /// <summary>Codes that have their own sentence.</summary>
    internal static IReadOnlyCollection<uint> Known => s_known.Keys;

    private static (string Name, string Text) Describe(uint code)
    {
        if (s_known.TryGetValue(code, out var known)) return known;
        // An HRESULT that wraps a Win32 code means what that means.
        if ((code & 0xFFFF0000) == Win32Facility && s_known.TryGetValue(code & 0xFFFF, out known)) return known;
        // FormatMessage; elsewhere the function would speak of errno.
        var text = OperatingSystem.IsWindows() ? Marshal.GetPInvokeErrorMessage(unchecked((int)code)) : "an error without a name here";
        return (code <= ushort.MaxValue ? string.Create(CultureInfo.InvariantCulture, $"Win32 error {code}") : $"0x{code:X8}", text.TrimEnd('.', ' ', '\r', '\n'));
    }
}
