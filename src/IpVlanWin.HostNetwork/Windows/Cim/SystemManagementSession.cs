using System.Management;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace IpVlanWin.HostNetwork.Windows;

/// <summary>The CIM seam by System.Management, which goes through WMI's COM interface and is always there.</summary>
[SupportedOSPlatform("windows")]
internal sealed class SystemManagementSession : ICimSession
{
    // Guards _scopes, and lets one operation run at a time.
    private readonly Lock _lock = new();
    private readonly Dictionary<string, ManagementScope> _scopes = new(StringComparer.OrdinalIgnoreCase);

    public string Implementation => "System.Management";

    public IReadOnlyList<CimObject> Query(string cimNamespace, string query, bool allBindings = false) => Guard($"query {cimNamespace}", () =>
    {
        // Rewindable results would be kept by WMI; these are read once.
        var options = new System.Management.EnumerationOptions { ReturnImmediately = true, Rewindable = false };
        if (allBindings) options.Context.Add("AllBindings", true);
        using var searcher = new ManagementObjectSearcher(Scope(cimNamespace), new ObjectQuery(query), options);
        using var results = searcher.Get();
        var list = new List<CimObject>();
        foreach (var result in results) list.Add(Copy((ManagementObject)result));
        return list;
    });

    public CimObject? Read(CimObject reference)
    {
        try
        {
            return Guard($"read {reference}", () =>
            {
                var instance = new ManagementObject(Scope(reference.Namespace), new ManagementPath(reference.Path), null);
                instance.Get();
                return Copy(instance);
            });
        }
        catch (HostNetworkException e) when (e.NativeCode == unchecked((int)0x80041002))
        {
            return null;
        }
    }

    public CimReply Invoke(CimObject target, string method, params ReadOnlySpan<CimArgument> arguments)
    {
        // InvokeMethod(name, object[]) maps out parameters by position and fails on some classes: parameters are set by name.
        var given = arguments.ToArray();
        return Guard($"call {target.ClassName}.{method}", () =>
        {
            using var instance = new ManagementObject(Scope(target.Namespace), new ManagementPath(target.Path), null);
            using var parameters = given.Length == 0 ? null : instance.GetMethodParameters(method);
            foreach (var argument in given) parameters![argument.Name] = ToNative(argument.Value);
            using var output = instance.InvokeMethod(method, parameters, null);
            var values = new Dictionary<string, object?>(StringComparer.OrdinalIgnoreCase);
            foreach (var property in output.Properties)
            {
                if (property.Name != "ReturnValue") values[property.Name] = FromNative(property, target.Namespace);
            }
            return new CimReply(Convert.ToUInt32(output["ReturnValue"], System.Globalization.CultureInfo.InvariantCulture), values);
        });
    }

    public void Dispose() => _scopes.Clear();

    private ManagementScope Scope(string cimNamespace)
    {
        if (_scopes.TryGetValue(cimNamespace, out var scope)) return scope;
        scope = new ManagementScope(cimNamespace);
        scope.Connect();
        _scopes[cimNamespace] = scope;
        return scope;
    }

    private static CimObject Copy(ManagementObject instance)
    {
        using (instance)
        {
            var properties = new Dictionary<string, object?>(StringComparer.OrdinalIgnoreCase);
            foreach (var property in instance.Properties) properties[property.Name] = FromNative(property, instance.Path.NamespacePath);
            return new CimObject(instance.Path.NamespacePath, instance.ClassPath.ClassName, instance.Path.Path, properties, native: null);
        }
    }

    private static object? ToNative(object? value) => value switch
    {
        CimObject reference => reference.Path,
        CimObject[] references => references.Select(reference => reference.Path).ToArray(),
        _ => value,
    };

    private static object? FromNative(PropertyData property, string cimNamespace) => property switch
    {
        { Type: CimType.Reference, IsArray: false, Value: string path } => Reference(path, cimNamespace),
        { Type: CimType.Reference, IsArray: true, Value: string[] paths } => paths.Select(path => Reference(path, cimNamespace)).ToArray(),
        _ => property.Value,
    };

    private static CimObject Reference(string text, string cimNamespace)
    {
        var path = new ManagementPath(text);
        return new CimObject(path.NamespacePath.Length == 0 ? cimNamespace : path.NamespacePath, path.ClassName, text, new Dictionary<string, object?>(), native: null);
    }

    private T Guard<T>(string attempted, Func<T> body)
    {
        try
        {
            lock (_lock) return body();
        }
        catch (ManagementException e)
        {
            throw CimError.Create(CimError.FromWbem((uint)e.ErrorCode), (int)e.ErrorCode, attempted, e.Message);
        }
        catch (COMException e)
        {
            throw CimError.Create(CimError.FromWbem((uint)e.HResult), e.HResult, attempted, e.Message);
        }
        catch (PlatformNotSupportedException e)
        {
            // It loads a native part that comes with the .NET Framework, which Nano Server does not have.
            throw CimError.Create(CimFailure.NotSupported, e.HResult, attempted, "System.Management needs the WMI parts of the .NET Framework, which this system lacks");
        }
        catch (UnauthorizedAccessException e)
        {
            throw CimError.Create(CimFailure.AccessDenied, e.HResult, attempted, null);
        }
    }
}
