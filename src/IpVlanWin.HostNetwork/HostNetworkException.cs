namespace IpVlanWin.HostNetwork;

/// <summary>The operating system refused to read or change the host's network.</summary>
public sealed class HostNetworkException : Exception
{
    /// <summary>Made by each platform's one mapping function only.</summary>
    internal HostNetworkException(string message, int nativeCode, string nativeName, string? nativeText)
        : base(message)
    {
        NativeCode = nativeCode;
        NativeName = nativeName;
        NativeText = nativeText;
    }

    /// <summary>The operating system's own code, untouched: on Linux a positive errno, on Windows a Win32 code, an HRESULT or a CIM status.</summary>
    public int NativeCode { get; }

    /// <summary>The code's symbol, for example "ENODEV" or "ERROR_NOT_FOUND"; "errno 4711" for one that has none here.</summary>
    public string NativeName { get; }

    /// <summary>What the system itself said about it (netlink's extended acknowledgement, a CIM provider's message), or null.</summary>
    public string? NativeText { get; }

    /// <summary>What could not be undone after this error, or null: the next start finds it by its tag.</summary>
    public HostNetworkException? CleanupError { get; private set; }

    /// <inheritdoc/>
    public override string Message => CleanupError is null ? base.Message : $"{base.Message}; and what was done could not be undone: {CleanupError.Message}";

    /// <summary>Undoes what was done before this error, without losing the error when that fails too.</summary>
    internal void Cleanup(Action undo)
    {
        try
        {
            undo();
        }
        catch (HostNetworkException e)
        {
            CleanupError = e;
        }
    }
}
