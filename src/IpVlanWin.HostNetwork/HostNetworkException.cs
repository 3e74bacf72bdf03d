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

    /// <summary>The operating system's own code, untouched: on Linux a positive errno.</summary>
    public int NativeCode { get; }

    /// <summary>The code's symbol, for example "ENODEV" or "EEXIST"; "errno 4711" for one that has none here.</summary>
    public string NativeName { get; }

    /// <summary>What the kernel itself said about it (netlink's extended acknowledgement), or null.</summary>
    public string? NativeText { get; }
}
