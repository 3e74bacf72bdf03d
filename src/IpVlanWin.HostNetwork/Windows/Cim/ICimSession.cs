namespace IpVlanWin.HostNetwork.Windows;

/// <summary>CIM types of values that are used, for the implementations that must be told.</summary>
internal enum CimKind
{
    Boolean,
    UInt8,
    UInt16,
    UInt32,
    UInt64,
    String,
    StringArray,
    Reference,
    ReferenceArray,
}

/// <summary>An argument of a method: name and type as the class documents them.</summary>
/// <param name="Name">The parameter.</param>
/// <param name="Kind">Its type.</param>
/// <param name="Value">bool, byte, ushort, uint, ulong, string, string[], <see cref="CimObject"/>, CimObject[] or null.</param>
internal readonly record struct CimArgument(string Name, CimKind Kind, object? Value);

/// <summary>What a method gave back.</summary>
/// <param name="ReturnValue">Its return code; what it means is the class's own.</param>
/// <param name="Out">Its out parameters; a reference is a <see cref="CimObject"/> with its keys only.</param>
internal sealed record CimReply(uint ReturnValue, IReadOnlyDictionary<string, object?> Out)
{
    /// <summary>An out parameter that is a reference, or null.</summary>
    public CimObject? Reference(string name) => Out.TryGetValue(name, out var value) ? value as CimObject : null;
}

/// <summary>
/// The local CIM repository. Two implementations: <see cref="ManagementInfrastructureSession"/> and <see cref="SystemManagementSession"/>.
/// Any thread may call; one operation runs at a time. Failures are <see cref="HostNetworkException"/> made by <see cref="CimError"/>.
/// </summary>
internal interface ICimSession : IDisposable
{
    /// <summary>Which implementation this is, for reports.</summary>
    string Implementation { get; }

    /// <summary>Runs a WQL query and reads all results.</summary>
    /// <param name="cimNamespace">For example root\StandardCimv2.</param>
    /// <param name="query">WQL; <see cref="CimText.Quote"/> makes literals.</param>
    /// <param name="allBindings">Sets the option AllBindings, which MSFT_NetAdapterBindingSettingData needs to show every binding.</param>
    IReadOnlyList<CimObject> Query(string cimNamespace, string query, bool allBindings = false);

    /// <summary>Reads an object afresh; null when it is gone.</summary>
    CimObject? Read(CimObject reference);

    /// <summary>Calls a method of an object.</summary>
    CimReply Invoke(CimObject target, string method, params ReadOnlySpan<CimArgument> arguments);
}
