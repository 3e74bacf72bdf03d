using System.Management.Automation;
using IpVlanWin.Protocol;

namespace IpVlanWin.PowerShell.Cmdlets;

/// <summary>Refusals as PowerShell shows them: the stable code is the error's identifier, and an action says what helps here.</summary>
internal static class ErrorRecords
{
    private static readonly Dictionary<ErrorCode, (ErrorCategory Category, string Action)> s_table = new()
    {
        [ErrorCode.MasterNotFound] = (ErrorCategory.ObjectNotFound, "Give the name or index of an adapter; Get-NetAdapter lists them."),
        [ErrorCode.MasterNotEthernet] = (ErrorCategory.InvalidArgument, "Choose an Ethernet adapter; Get-NetAdapter shows the medium of each."),
        [ErrorCode.NameInUse] = (ErrorCategory.ResourceExists, "Choose a name that Get-IpVlanInterface does not list."),
        [ErrorCode.AddressInUse] = (ErrorCategory.ResourceExists, "Remove the address from its owner with Remove-IpVlanAddress, or choose another."),
        [ErrorCode.ModeNotSupported] = (ErrorCategory.NotImplemented, "Choose another data path with -Datapath, or leave it to auto."),
        [ErrorCode.FlagConflict] = (ErrorCategory.InvalidArgument, "Give one flag."),
        [ErrorCode.AddressExists] = (ErrorCategory.ResourceExists, "Nothing is to be done; Get-IpVlanAddress shows it."),
        [ErrorCode.AddressAbsent] = (ErrorCategory.ObjectNotFound, "Give address and prefix length as Get-IpVlanAddress shows them."),
        [ErrorCode.GroupAbsent] = (ErrorCategory.ObjectNotFound, "Get-IpVlanInterface shows the groups that an interface was told to join as StaticMulticast."),
        [ErrorCode.MacNotSettable] = (ErrorCategory.InvalidOperation, "Set it on the master with Set-NetAdapter."),
        [ErrorCode.LinkDown] = (ErrorCategory.ResourceUnavailable, "Set it up with Enable-IpVlanInterface, or its master with Enable-NetAdapter."),
        [ErrorCode.LimitReached] = (ErrorCategory.LimitsExceeded, "Remove what is not needed, or ask for less at once."),
        [ErrorCode.AccessDenied] = (ErrorCategory.PermissionDenied, "Run PowerShell as administrator."),
        [ErrorCode.NotFound] = (ErrorCategory.ObjectNotFound, "Get-IpVlanPort and Get-IpVlanInterface list what there is."),
        [ErrorCode.BadArgument] = (ErrorCategory.InvalidArgument, "Give one of the legal values."),
        [ErrorCode.Conflict] = (ErrorCategory.ResourceBusy, "Read it again, and repeat the change with its new version."),
        [ErrorCode.BatchRefused] = (ErrorCategory.InvalidOperation, "Correct the request that was refused."),
        [ErrorCode.NotStored] = (ErrorCategory.WriteError, "Make room on the disk and see that nothing else uses the file."),
        [ErrorCode.ServiceUnreachable] = (ErrorCategory.ConnectionError, "Start it with Start-Service IpVlanWin."),
        [ErrorCode.TimedOut] = (ErrorCategory.OperationTimeout, "See with Get-IpVlanInterface whether it was done."),
        [ErrorCode.Cancelled] = (ErrorCategory.OperationStopped, "Repeat it."),
        [ErrorCode.ParseError] = (ErrorCategory.ProtocolError, "Install module and service of the same version."),
        [ErrorCode.InvalidRequest] = (ErrorCategory.ProtocolError, "Install module and service of the same version."),
        [ErrorCode.UnknownMethod] = (ErrorCategory.NotImplemented, "The service is older than this module; install its newer version."),
        [ErrorCode.InternalError] = (ErrorCategory.NotSpecified, "Report it, with what the event log says of source IpVlanWin."),
    };

    /// <summary>The category of a code.</summary>
    public static ErrorCategory CategoryOf(ErrorCode code) => s_table[code].Category;

    /// <summary>What helps against it here.</summary>
    public static string ActionOf(ErrorCode code) => s_table[code].Action;

    /// <summary>The record. PowerShell appends the cmdlet's type to the identifier: address-in-use,IpVlanWin.PowerShell.Cmdlets.AddIpVlanAddressCommand.</summary>
    public static ErrorRecord Of(ControlException refusal, object? target) =>
        new(refusal, refusal.Code.Name, CategoryOf(refusal.Code), target)
        {
            ErrorDetails = new ErrorDetails(refusal.Message) { RecommendedAction = ActionOf(refusal.Code) },
        };
}
