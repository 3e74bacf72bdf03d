using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace IpVlanWin.HostNetwork.Windows;

/// <summary>Why a CIM operation failed. The values are those of DSP0200, which mi.h MI_Result uses.</summary>
internal enum CimFailure
{
    Failed = 1,
    AccessDenied = 2,
    InvalidNamespace = 3,
    InvalidParameter = 4,
    InvalidClass = 5,
    NotFound = 6,
    NotSupported = 7,
    AlreadyExists = 11,
    NoSuchProperty = 12,
    TypeMismatch = 13,
    InvalidQuery = 15,
    MethodNotAvailable = 16,
    MethodNotFound = 17,
    Timeout = 22,
    ServerLimitsExceeded = 26,
    ServerIsShuttingDown = 28,
}

/// <summary>The one place where a failure of CIM, or of a CIM method, becomes an exception.</summary>
internal static class CimError
{
    private static readonly Dictionary<CimFailure, (string Name, string Text)> s_known = new()
    {
        [CimFailure.Failed] = ("CIM_ERR_FAILED", "the provider failed; see the event log of WMI-Activity"),
        [CimFailure.AccessDenied] = ("CIM_ERR_ACCESS_DENIED", "access denied; run it elevated, as a member of Administrators (Hyper-V: Hyper-V Administrators) or as the service"),
        [CimFailure.InvalidNamespace] = ("CIM_ERR_INVALID_NAMESPACE", "this system has no such namespace; install the Windows feature that brings it (root\\virtualization\\v2: Hyper-V)"),
        [CimFailure.InvalidParameter] = ("CIM_ERR_INVALID_PARAMETER", "the provider refuses the values; see that the adapter is of the right kind"),
        [CimFailure.InvalidClass] = ("CIM_ERR_INVALID_CLASS", "this system has no such class; use Windows Server 2019 or later"),
        [CimFailure.NotFound] = ("CIM_ERR_NOT_FOUND", "it does not exist (any more); list what is there"),
        [CimFailure.NotSupported] = ("CIM_ERR_NOT_SUPPORTED", "the provider cannot do it for this object; see that the adapter is of the right kind"),
        [CimFailure.AlreadyExists] = ("CIM_ERR_ALREADY_EXISTS", "it is there already; remove it first or use another name"),
        [CimFailure.NoSuchProperty] = ("CIM_ERR_NO_SUCH_PROPERTY", "this system's class lacks the property; use Windows Server 2019 or later"),
        [CimFailure.TypeMismatch] = ("CIM_ERR_TYPE_MISMATCH", "this system's class has another type there; report it with the version of Windows"),
        [CimFailure.InvalidQuery] = ("CIM_ERR_INVALID_QUERY", "the provider does not take the query; report it with the version of Windows"),
        [CimFailure.MethodNotAvailable] = ("CIM_ERR_METHOD_NOT_AVAILABLE", "the provider does not implement the method; use Windows Server 2019 or later"),
        [CimFailure.MethodNotFound] = ("CIM_ERR_METHOD_NOT_FOUND", "this system's class lacks the method; use Windows Server 2019 or later"),
        [CimFailure.Timeout] = ("CIM_ERR_OPERATION_TIMEOUT", "no answer in time; see that the Winmgmt service is well and try again"),
        [CimFailure.ServerLimitsExceeded] = ("CIM_ERR_SERVER_LIMITS_EXCEEDED", "the service is overloaded; try again"),
        [CimFailure.ServerIsShuttingDown] = ("CIM_ERR_SERVER_IS_SHUTTING_DOWN", "the service shuts down; try again when it runs"),
    };

    /// <summary>Failures that have their own sentence.</summary>
    internal static IReadOnlyCollection<CimFailure> Known => s_known.Keys;

    /// <summary>Makes the exception for a failure.</summary>
    /// <param name="failure">Why.</param>
    /// <param name="nativeCode">The implementation's own code, kept as it is.</param>
    /// <param name="attempted">What was tried, to follow "cannot".</param>
    /// <param name="providerText">What the provider said, if anything.</param>
    public static HostNetworkException Create(CimFailure failure, int nativeCode, string attempted, string? providerText)
    {
        if (!s_known.TryGetValue(failure, out var known)) known = ($"CIM error {(int)failure}", "the provider failed");
        var message = string.IsNullOrWhiteSpace(providerText) ? $"cannot {attempted}: {known.Text} ({known.Name})" : $"cannot {attempted}: {known.Text} ({known.Name}): {providerText.Trim()}";
        return new HostNetworkException(message, nativeCode, known.Name, providerText);
    }

    /// <summary>The failure that a WBEM status means (wbemcli.h WBEMSTATUS, an HRESULT).</summary>
    public static CimFailure FromWbem(uint status) => status switch
    {
        0x80041002 => CimFailure.NotFound,
        0x80041003 or 0x80070005 => CimFailure.AccessDenied,
        0x80041005 => CimFailure.TypeMismatch,
        0x80041008 or 0x8004102F => CimFailure.InvalidParameter,
        0x8004100C or 0x80041024 => CimFailure.NotSupported,
        0x8004100E => CimFailure.InvalidNamespace,
        0x80041010 => CimFailure.InvalidClass,
        0x80041017 or 0x80041018 => CimFailure.InvalidQuery,
        0x80041019 => CimFailure.AlreadyExists,
        0x8004102E => CimFailure.MethodNotFound,
        0x80041055 => CimFailure.MethodNotAvailable,
        0x80041031 => CimFailure.NoSuchProperty,
        0x80041069 or 0x00040004 => CimFailure.Timeout,
        0x80041033 => CimFailure.ServerIsShuttingDown,
        0x80041045 or 0x8004106C => CimFailure.ServerLimitsExceeded,
        _ => CimFailure.Failed,
    };

    /// <summary>Throws unless a method of root\StandardCimv2 returned 0; its codes are Win32 codes or HRESULTs.</summary>
    public static void CheckStandard(CimReply reply, string attempted) => WindowsError.Check(reply.ReturnValue, attempted);

    /// <summary>Throws for what a Hyper-V method returned (hyperv_v2), which is neither 0 nor 4096.</summary>
    [DoesNotReturn]
    public static void ThrowVirtualization(uint code, string attempted, string? text = null)
    {
        var (failure, sentence) = code switch
        {
            32769 => (CimFailure.AccessDenied, null),
            32770 => (CimFailure.NotSupported, null),
            32772 => (CimFailure.Timeout, null),
            32773 => (CimFailure.InvalidParameter, null),
            32774 => (CimFailure.Failed, "the switch is in use: disconnect what is connected to it"),
            32775 => (CimFailure.Failed, "the switch is in a state that does not allow it: try again"),
            32776 => (CimFailure.TypeMismatch, null),
            32777 => (CimFailure.Failed, "Hyper-V is not available: start the service vmms"),
            32778 => (CimFailure.ServerLimitsExceeded, "out of memory"),
            _ => (CimFailure.Failed, (string?)null),
        };
        throw Create(failure, (int)code, attempted, text ?? sentence ?? string.Create(CultureInfo.InvariantCulture, $"Hyper-V returned {code}"));
    }

    /// <summary>Throws unless a method of Win32_NetworkAdapterConfiguration returned 0, or 1 (in force after a restart).</summary>
    /// <returns>True when the system must be restarted for it.</returns>
    public static bool CheckConfiguration(CimReply reply, string attempted)
    {
        switch (reply.ReturnValue)
        {
            case 0:
                return false;
            case 1:
                return true;
            case 64:
                throw Create(CimFailure.NotSupported, 64, attempted, null);
            case 68:
                throw Create(CimFailure.InvalidParameter, 68, attempted, null);
            case 84:
                throw Create(CimFailure.NotSupported, 84, attempted, "IPv4 is not enabled on the adapter: bind it");
            case 91:
                throw Create(CimFailure.AccessDenied, 91, attempted, null);
            default:
                throw Create(CimFailure.Failed, (int)reply.ReturnValue, attempted, string.Create(CultureInfo.InvariantCulture, $"the method returned {reply.ReturnValue}"));
        }
    }
}
