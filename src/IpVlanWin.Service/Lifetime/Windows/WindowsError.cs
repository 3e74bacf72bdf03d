namespace IpVlanWin.Service.Lifetime.Windows;

/// <summary>The Windows service manager refused.</summary>
internal sealed class WindowsErrorException(string message, int nativeCode, string nativeName) : Exception(message)
{
    /// <summary>The Win32 code, untouched.</summary>
    public int NativeCode { get; } = nativeCode;

    /// <summary>Its symbol in winerror.h; "error 4711" for one that has none here.</summary>
    public string NativeName { get; } = nativeName;
}

/// <summary>Win32 codes of the service manager, to words. This is the only place that knows them.</summary>
internal static class WindowsError
{
    public const int AccessDenied = 5, InsufficientBuffer = 122, InvalidLevel = 124, CallNotImplemented = 120, ServiceAlreadyRunning = 1056, ServiceDoesNotExist = 1060, ServiceNotActive = 1062,
        FailedServiceControllerConnect = 1063, ServiceSpecific = 1066, ServiceMarkedForDelete = 1072, ServiceExists = 1073;

    private static readonly Dictionary<int, (string Name, string? Remedy)> s_known = new()
    {
        [2] = ("ERROR_FILE_NOT_FOUND", "the program it names is not there: install again"),
        [3] = ("ERROR_PATH_NOT_FOUND", "the program it names is not there: install again"),
        [AccessDenied] = ("ERROR_ACCESS_DENIED", "use an elevated prompt (Run as administrator)"),
        [87] = ("ERROR_INVALID_PARAMETER", null),
        [CallNotImplemented] = ("ERROR_CALL_NOT_IMPLEMENTED", null),
        [InsufficientBuffer] = ("ERROR_INSUFFICIENT_BUFFER", null),
        [123] = ("ERROR_INVALID_NAME", null),
        [InvalidLevel] = ("ERROR_INVALID_LEVEL", "this Windows does not know that property"),
        [1051] = ("ERROR_DEPENDENT_SERVICES_RUNNING", "stop the services that depend on it first"),
        [1053] = ("ERROR_SERVICE_REQUEST_TIMEOUT", "it did not answer in time: look at the Application event log"),
        [1055] = ("ERROR_SERVICE_DATABASE_LOCKED", "another installation is under way: repeat it afterwards"),
        [ServiceAlreadyRunning] = ("ERROR_SERVICE_ALREADY_RUNNING", null),
        [1058] = ("ERROR_SERVICE_DISABLED", "it is disabled: install again, or set its start type"),
        [ServiceDoesNotExist] = ("ERROR_SERVICE_DOES_NOT_EXIST", "install it first: ipvlan service install"),
        [1061] = ("ERROR_SERVICE_CANNOT_ACCEPT_CTRL", "it is starting or stopping: repeat it in a moment"),
        [ServiceNotActive] = ("ERROR_SERVICE_NOT_ACTIVE", "it does not run"),
        [FailedServiceControllerConnect] = ("ERROR_FAILED_SERVICE_CONTROLLER_CONNECT", "it was not started by the service manager"),
        [ServiceSpecific] = ("ERROR_SERVICE_SPECIFIC_ERROR", null),
        [1067] = ("ERROR_PROCESS_ABORTED", "it ended unexpectedly: look at the Application event log"),
        [1068] = ("ERROR_SERVICE_DEPENDENCY_FAIL", "a service it depends on does not run"),
        [1069] = ("ERROR_SERVICE_LOGON_FAILED", "its account cannot log on: install again"),
        [ServiceMarkedForDelete] = ("ERROR_SERVICE_MARKED_FOR_DELETE", "it is being removed: close programs that show services, or restart Windows"),
        [ServiceExists] = ("ERROR_SERVICE_EXISTS", null),
        [1077] = ("ERROR_SERVICE_NEVER_STARTED", null),
        [1115] = ("ERROR_SHUTDOWN_IN_PROGRESS", "Windows is shutting down"),
    };

    /// <summary>The code's symbol.</summary>
    public static string Name(int code) => s_known.TryGetValue(code, out var known) ? known.Name : $"error {code}";

    /// <summary>The refusal of what was attempted.</summary>
    /// <param name="code">The Win32 code.</param>
    /// <param name="attempt">What was attempted, such as "start service IpVlanWin".</param>
    public static WindowsErrorException Refusal(int code, string attempt)
    {
        var remedy = s_known.TryGetValue(code, out var known) ? known.Remedy : null;
        return new WindowsErrorException($"cannot {attempt}: {Name(code)} ({code}){(remedy is null ? "" : "; " + remedy)}", code, Name(code));
    }
}
