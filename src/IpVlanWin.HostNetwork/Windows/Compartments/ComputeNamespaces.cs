using System.Globalization;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using System.Text.Json;

namespace IpVlanWin.HostNetwork.Windows;

/// <summary>A network namespace of the host's container service (HCN).</summary>
/// <param name="Id">Its identifier, which containers and CNI plugins pass around.</param>
/// <param name="Compartment">Its network compartment, or 0 while no container runs in it.</param>
/// <param name="Type">"Host", "HostDefault", "Guest" or "GuestDefault".</param>
public sealed record ComputeNamespace(Guid Id, uint Compartment, string Type);

/// <summary>The functions of computenetwork.dll that are used, with their HRESULT; text is JSON.</summary>
internal interface IComputeNetwork
{
    /// <summary>HcnEnumerateNamespaces.</summary>
    uint EnumerateNamespaces(string query, out string? ids, out string? error);

    /// <summary>HcnOpenNamespace, HcnQueryNamespaceProperties, HcnCloseNamespace.</summary>
    uint QueryNamespace(Guid id, string query, out string? properties, out string? error);
}

/// <summary>The namespaces of containers, and which compartment each is.</summary>
public sealed class ComputeNamespaces
{
    /// <summary>hcn_schema HostComputeQuery: version 2.0, everything.</summary>
    internal const string Query = """{"SchemaVersion":{"Major":2,"Minor":0},"Flags":0}""";

    private const uint NetworkNotFound = 0x803B0001;

    private readonly IComputeNetwork _hcn;

    internal ComputeNamespaces(IComputeNetwork hcn) => _hcn = hcn;

    /// <summary>Opens the container service of this host.</summary>
    /// <remarks>Each call throws code 126 where the Containers feature is missing.</remarks>
    [SupportedOSPlatform("windows")]
    public static ComputeNamespaces Open() => new(new ComputeNetwork());

    /// <summary>All namespaces. One that goes while they are read is left out.</summary>
    /// <exception cref="HostNetworkException">The service is missing, not running, or its answer is no list.</exception>
    public IReadOnlyList<ComputeNamespace> List()
    {
        const string Attempt = "list the container namespaces";
        Check(_hcn.EnumerateNamespaces(Query, out var ids, out var error), Attempt, error);
        var list = new List<ComputeNamespace>();
        foreach (var id in Parse<Guid[]>(ids, Attempt) ?? [])
        {
            if (Find(id) is { } found) list.Add(found);
        }
        return list;
    }

    /// <summary>The namespace of that identifier, or null.</summary>
    /// <param name="id">The HCN namespace's GUID.</param>
    /// <exception cref="HostNetworkException">The service is missing, not running, or its answer is no namespace.</exception>
    public ComputeNamespace? Find(Guid id)
    {
        var attempt = $"read container namespace {id}";
        var code = _hcn.QueryNamespace(id, Query, out var text, out var error);
        if (IsMissing(code)) return null;
        Check(code, attempt, error);
        using var document = Parse<JsonDocument>(text, attempt);
        var root = document!.RootElement;
        return new ComputeNamespace(
            root.TryGetProperty("ID", out var own) && own.TryGetGuid(out var guid) ? guid : id,
            root.TryGetProperty("NamespaceId", out var number) && number.TryGetUInt32(out var compartment) ? compartment : 0,
            root.TryGetProperty("Type", out var type) ? type.GetString() ?? "" : "");
    }

    /// <summary>The identifier of a namespace's compartment, or null while it has none (no container runs in it).</summary>
    /// <param name="id">The HCN namespace's GUID.</param>
    public uint? FindCompartment(Guid id) => Find(id) is { Compartment: not 0 } found ? found.Compartment : null;

    private static bool IsMissing(uint code) => code is NetworkNotFound or (0x80070000 | WindowsError.NotFound) or (0x80070000 | WindowsError.FileNotFound);

    private static void Check(uint code, string attempt, string? error)
    {
        if ((code & 0x80000000) != 0) WindowsError.Throw(code, attempt, ErrorText(error));
    }

    /// <summary>The sentence in an HCN error record ({"ErrorCode", "Error", "Success"}), or the record itself.</summary>
    private static string? ErrorText(string? record)
    {
        if (string.IsNullOrEmpty(record)) return null;
        try
        {
            using var document = JsonDocument.Parse(record);
            return document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty("Error", out var text) ? text.GetString() : record;
        }
        catch (JsonException)
        {
            return record;
        }
    }

    private static T? Parse<T>(string? text, string attempt)
    {
        try
        {
            if (typeof(T) == typeof(JsonDocument)) return (T)(object)JsonDocument.Parse(text ?? "");
            return JsonSerializer.Deserialize<T>(text ?? "");
        }
        catch (JsonException e)
        {
            WindowsError.Throw(13, attempt, string.Create(CultureInfo.InvariantCulture, $"its answer of {text?.Length ?? 0} characters is no such JSON: {e.Message}"));
            return default;
        }
    }
}

/// <summary>computenetwork.dll of this Windows.</summary>
[SupportedOSPlatform("windows")]
internal sealed unsafe class ComputeNetwork : IComputeNetwork
{
    private const uint ModuleNotFound = 0x80070000 | 126, ProcedureNotFound = 0x80070000 | 127;

    public uint EnumerateNamespaces(string query, out string? ids, out string? error)
    {
        try
        {
            var code = NativeMethods.HcnEnumerateNamespaces(query, out var text, out var record);
            ids = Take(text);
            error = Take(record);
            return code;
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException)
        {
            ids = error = null;
            return e is DllNotFoundException ? ModuleNotFound : ProcedureNotFound;
        }
    }

    public uint QueryNamespace(Guid id, string query, out string? properties, out string? error)
    {
        properties = null;
        try
        {
            var code = NativeMethods.HcnOpenNamespace(id, out var handle, out var record);
            error = Take(record);
            using (handle)
            {
                if ((code & 0x80000000) != 0) return code;
                code = NativeMethods.HcnQueryNamespaceProperties(handle, query, out var text, out record);
                properties = Take(text);
                error = Take(record);
                return code;
            }
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException)
        {
            error = null;
            return e is DllNotFoundException ? ModuleNotFound : ProcedureNotFound;
        }
    }

    /// <summary>The service's text, which is then freed as its documentation demands (CoTaskMemFree).</summary>
    private static string? Take(nint text)
    {
        var result = Marshal.PtrToStringUni(text);
        Marshal.FreeCoTaskMem(text);
        return result;
    }
}

/// <summary>An open HCN namespace.</summary>
[SupportedOSPlatform("windows")]
internal sealed class ComputeNamespaceHandle : SafeHandle
{
    public ComputeNamespaceHandle()
        : base(0, ownsHandle: true)
    {
    }

    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle() => NativeMethods.HcnCloseNamespace(handle) == 0;
}
