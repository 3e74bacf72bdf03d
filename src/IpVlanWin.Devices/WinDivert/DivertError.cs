namespace IpVlanWin.Devices.WinDivert;

/// <summary>What a failed call of WinDivert means, apart from the raw code.</summary>
public enum DivertError
{
    /// <summary>No error.</summary>
    None,

    /// <summary>WinDivert.dll is not beside the program, or not for this processor.</summary>
    LibraryMissing,

    /// <summary>2: the driver file is missing.</summary>
    DriverMissing,

    /// <summary>5: no administrator.</summary>
    AccessDenied,

    /// <summary>87: a value that WinDivert does not accept.</summary>
    InvalidParameter,

    /// <summary>577: the driver's signature is not accepted.</summary>
    SignatureRefused,

    /// <summary>654: another version of the driver is loaded.</summary>
    OtherVersionLoaded,

    /// <summary>1058: the driver's service is disabled.</summary>
    ServiceDisabled,

    /// <summary>1060: the driver is not installed, and installing it was not asked for.</summary>
    NotInstalled,

    /// <summary>1275: something keeps the driver from being loaded.</summary>
    DriverBlocked,

    /// <summary>1753: the Base Filtering Engine does not run.</summary>
    FilteringEngineStopped,

    /// <summary>6: the handle is closed.</summary>
    HandleClosed,

    /// <summary>22: the handle cannot do this.</summary>
    NotPossible,

    /// <summary>122: the packet was longer than the buffer and is cut.</summary>
    Truncated,

    /// <summary>232: shut down, and nothing is queued any more. The end, not a fault.</summary>
    NoData,

    /// <summary>995: the call was cancelled because the handle was closed.</summary>
    Aborted,

    /// <summary>997: the call goes on in the background.</summary>
    Pending,

    /// <summary>1232: an impostor packet's TTL reached 0; it is lost.</summary>
    ImpostorExpired,

    /// <summary>1450: the driver has no memory left.</summary>
    NoResources,

    /// <summary>Any other code.</summary>
    Other,
}

/// <summary>The one place where the codes of WinDivert (winerror.h) get their meaning and their words.</summary>
public static class DivertErrors
{
    /// <summary>The meaning of a code.</summary>
    public static DivertError From(int nativeError) => nativeError switch
    {
        0 => DivertError.None,
        2 => DivertError.DriverMissing,
        5 => DivertError.AccessDenied,
        6 => DivertError.HandleClosed,
        22 => DivertError.NotPossible,
        87 => DivertError.InvalidParameter,
        122 => DivertError.Truncated,
        232 => DivertError.NoData,
        577 => DivertError.SignatureRefused,
        654 => DivertError.OtherVersionLoaded,
        995 => DivertError.Aborted,
        997 => DivertError.Pending,
        1058 => DivertError.ServiceDisabled,
        1060 => DivertError.NotInstalled,
        1232 => DivertError.ImpostorExpired,
        1275 => DivertError.DriverBlocked,
        1450 => DivertError.NoResources,
        1753 => DivertError.FilteringEngineStopped,
        _ => DivertError.Other,
    };

    /// <summary>What is wrong and what to do about it: one sentence or two, without a full stop.</summary>
    public static string Sentence(this DivertError error) => error switch
    {
        DivertError.None => "no error",
        DivertError.LibraryMissing => "WinDivert.dll could not be loaded: put the WinDivert.dll of WinDivert 2.2 for this processor beside the program",
        DivertError.DriverMissing => "the driver file was not found: put WinDivert64.sys beside WinDivert.dll",
        DivertError.AccessDenied => "access denied: run as an administrator or as LocalSystem, on the host and not inside a container",
        DivertError.InvalidParameter => "invalid parameter: the filter, layer, priority or flags, a packet's header, or a batch of more than 255 packets",
        DivertError.SignatureRefused => "the driver's signature is not accepted: take WinDivert64.sys from WinDivert's own release, unchanged",
        DivertError.OtherVersionLoaded => "another version of the WinDivert driver is loaded: end the programs that use it, or restart Windows",
        DivertError.ServiceDisabled => "the service WinDivert is disabled: allow it with \"sc config WinDivert start= demand\", or restart Windows if it is being deleted",
        DivertError.NotInstalled => "the WinDivert driver is not installed: open a handle without the no-install flag first",
        DivertError.DriverBlocked => "the WinDivert driver is blocked: allow it in the security software, and check that drivers can be loaded in this virtual machine",
        DivertError.FilteringEngineStopped => "the Base Filtering Engine does not run: set the service BFE to automatic and start it",
        DivertError.HandleClosed => "the handle is closed",
        DivertError.NotPossible => "the handle was opened, or shut down, so that it cannot do this",
        DivertError.Truncated => "a packet was longer than the buffer: use 65575 bytes or more",
        DivertError.NoData => "the handle is shut down and its queue is empty",
        DivertError.Aborted => "the call was cancelled because the handle was closed",
        DivertError.Pending => "the call goes on in the background",
        DivertError.ImpostorExpired => "the TTL of a packet that another driver injected reached 0: look for another program that injects packets in a loop, such as security software",
        DivertError.NoResources => "the driver has no memory left: fewer addresses or shorter queues, or end other programs that use WinDivert",
        _ => "unexpected error: look the code up in winerror.h and see the system's event log",
    };
}

/// <summary>A call of WinDivert failed. The message is one line for people.</summary>
public sealed class DivertException : IOException
{
    /// <summary>An error that WinDivert gave.</summary>
    /// <param name="what">What failed, e.g. "cannot open a WinDivert handle".</param>
    /// <param name="nativeError">The raw code (winerror.h).</param>
    public DivertException(string what, int nativeError)
        : this(what, DivertErrors.From(nativeError), nativeError)
    {
    }

    /// <summary>An error found before WinDivert was asked.</summary>
    internal DivertException(string what, DivertError error, Exception? inner = null)
        : base($"{what}: {error.Sentence()}", inner) => Error = error;

    private DivertException(string what, DivertError error, int nativeError)
        : base($"{what}: {error.Sentence()} (error {nativeError})") => (Error, NativeError) = (error, nativeError);

    /// <summary>What it means.</summary>
    public DivertError Error { get; }

    /// <summary>The raw code; 0 where WinDivert gave none.</summary>
    public int NativeError { get; }
}
