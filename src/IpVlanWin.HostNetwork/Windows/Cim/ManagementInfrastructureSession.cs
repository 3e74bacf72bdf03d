using System.Runtime.Versioning;
using Microsoft.Management.Infrastructure;
using Microsoft.Management.Infrastructure.Options;

namespace IpVlanWin.HostNetwork.Windows;

/// <summary>The CIM seam by Microsoft.Management.Infrastructure (mi.dll), the way PowerShell's own network cmdlets take.</summary>
[SupportedOSPlatform("windows")]
internal sealed class ManagementInfrastructureSession : ICimSession
{
    /// <summary>No operation here takes long; a provider that hangs is told as a time-out.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    // Lets one operation run at a time: nobody promises that a session takes several.
    private readonly Lock _lock = new();
    private readonly CimSession _session;

    /// <summary>Opens the local session; does no I/O but load the native library.</summary>
    public ManagementInfrastructureSession() => _session = CimSession.Create(null);

    public string Implementation => "Microsoft.Management.Infrastructure";

    public IReadOnlyList<CimObject> Query(string cimNamespace, string query, bool allBindings = false) => Guard($"query {cimNamespace}", () =>
    {
        using var options = new CimOperationOptions { Timeout = s_patience };
        if (allBindings) options.SetCustomOption("AllBindings", true, mustComply: false);
        var list = new List<CimObject>();
        foreach (var instance in _session.QueryInstances(cimNamespace, "WQL", query, options)) list.Add(Copy(instance, cimNamespace));
        return list;
    });

    public CimObject? Read(CimObject reference)
    {
        try
        {
            return Guard($"read {reference}", () =>
            {
                using var options = new CimOperationOptions { Timeout = s_patience };
                return Copy(_session.GetInstance(reference.Namespace, (CimInstance)reference.Native!, options), reference.Namespace);
            });
        }
        catch (HostNetworkException e) when (e.NativeCode == (int)CimFailure.NotFound)
        {
            return null;
        }
    }

    public CimReply Invoke(CimObject target, string method, params ReadOnlySpan<CimArgument> arguments)
    {
        var given = arguments.ToArray();
        return Guard($"call {target.ClassName}.{method}", () =>
        {
            using var options = new CimOperationOptions { Timeout = s_patience };
            using var parameters = new CimMethodParametersCollection();
            foreach (var argument in given) parameters.Add(CimMethodParameter.Create(argument.Name, ToNative(argument.Value), TypeOf(argument.Kind), CimFlags.In));
            using var result = _session.InvokeMethod(target.Namespace, (CimInstance)target.Native!, method, parameters, options);
            var values = new Dictionary<string, object?>(StringComparer.OrdinalIgnoreCase);
            foreach (var parameter in result.OutParameters) values[parameter.Name] = FromNative(parameter.Value, target.Namespace);
            return new CimReply(Convert.ToUInt32(result.ReturnValue.Value, System.Globalization.CultureInfo.InvariantCulture), values);
        });
    }

    public void Dispose() => _session.Dispose();

    // The native instance stays with the copy: it is what methods are called on. It is collected with it.
    private static CimObject Copy(CimInstance instance, string cimNamespace)
    {
        var properties = new Dictionary<string, object?>(StringComparer.OrdinalIgnoreCase);
        var keys = new List<KeyValuePair<string, object?>>();
        foreach (var property in instance.CimInstanceProperties)
        {
            var value = FromNative(property.Value, cimNamespace);
            properties[property.Name] = value;
            if ((property.Flags & CimFlags.Key) != 0) keys.Add(new(property.Name, value));
        }
        var system = instance.CimSystemProperties;
        var ownNamespace = (system.Namespace ?? cimNamespace).Replace('/', '\\');
        return new CimObject(ownNamespace, system.ClassName, CimText.Path(system.ServerName ?? Environment.MachineName, ownNamespace, system.ClassName, keys), properties, instance);
    }

    private static object? ToNative(object? value) => value switch
    {
        CimObject reference => reference.Native,
        CimObject[] references => references.Select(reference => (CimInstance)reference.Native!).ToArray(),
        _ => value,
    };

    private static object? FromNative(object? value, string cimNamespace) => value switch
    {
        CimInstance instance => Copy(instance, cimNamespace),
        CimInstance[] instances => instances.Select(instance => Copy(instance, cimNamespace)).ToArray(),
        _ => value,
    };

    private static CimType TypeOf(CimKind kind) => kind switch
    {
        CimKind.Boolean => CimType.Boolean,
        CimKind.UInt8 => CimType.UInt8,
        CimKind.UInt16 => CimType.UInt16,
        CimKind.UInt32 => CimType.UInt32,
        CimKind.UInt64 => CimType.UInt64,
        CimKind.String => CimType.String,
        CimKind.StringArray => CimType.StringArray,
        CimKind.Reference => CimType.Reference,
        CimKind.ReferenceArray => CimType.ReferenceArray,
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, null),
    };

    private T Guard<T>(string attempted, Func<T> body)
    {
        try
        {
            lock (_lock) return body();
        }
        catch (CimException e)
        {
            throw CimError.Create((CimFailure)(int)e.NativeErrorCode, (int)e.NativeErrorCode, attempted, e.Message);
        }
    }
}
