#if NETSTANDARD2_0
using System.Text;
#endif
using System.Text.Json;

namespace IpVlanWin.Protocol;

/// <summary>One request as it came: a call or a notification, or what is wrong with it.</summary>
public sealed class RpcRequest
{
    internal RpcRequest(JsonElement id, string method, JsonElement arguments, ControlException? fault)
    {
        (Id, Method, Arguments, Fault) = (id, method, arguments, fault);
        IsNotification = fault is null && id.ValueKind == JsonValueKind.Undefined;
    }

    /// <summary>The caller's number or text for it; undefined for a notification.</summary>
    public JsonElement Id { get; }

    /// <summary>What to do.</summary>
    public string Method { get; }

    /// <summary>With what; undefined where nothing was given.</summary>
    public JsonElement Arguments { get; }

    /// <summary>Why this is no request, or null.</summary>
    public ControlException? Fault { get; }

    /// <summary>No answer is wanted.</summary>
    public bool IsNotification { get; }
}

/// <summary>A message that came to a server: one request or a batch (JSON-RPC 2.0 sections 4 and 6). Dispose it after the last use of a request.</summary>
public sealed class RpcMessage : IDisposable
{
    /// <summary>Most requests of a batch.</summary>
    public const int MaxBatch = 1000;

    // What a document costs in memory follows its tokens, many times its bytes; a batch of many long lists of addresses has half as many.
    private const int MaxTokens = 128 * 1024;
    private const int LongestId = 64;

#if NETSTANDARD2_0
    private static readonly UTF8Encoding s_strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

#endif
    private readonly JsonDocument _document;

    private RpcMessage(JsonDocument document, IReadOnlyList<RpcRequest> requests, bool isBatch) =>
        (_document, Requests, IsBatch) = (document, requests, isBatch);

    /// <summary>The requests in order; never empty.</summary>
    public IReadOnlyList<RpcRequest> Requests { get; }

    /// <summary>They came as an array: the answers go as one.</summary>
    public bool IsBatch { get; }

    /// <summary>Reads a message. What is wrong with a single request stands in its <see cref="RpcRequest.Fault"/>.</summary>
    /// <exception cref="ControlException">parse-error: no JSON. invalid-request: an empty or too large batch.</exception>
    public static RpcMessage Parse(ArraySegment<byte> utf8)
    {
        // The parser looks at text only when it is asked for, too late to refuse the message.
        if (!IsUtf8(utf8))
            throw ErrorCode.ParseError.With("it is not UTF-8");
        JsonDocument document;
        try
        {
            if (utf8.Count > MaxTokens)
                CountTokens(utf8);
            // The document keeps the bytes, and the reader's buffer is used again.
            document = JsonDocument.Parse(utf8.AsSpan().ToArray(), new JsonDocumentOptions { MaxDepth = ProtocolJson.MaxDepth, AllowDuplicateProperties = false });
        }
        catch (JsonException fault)
        {
            throw ErrorCode.ParseError.With($"it is not JSON, or has a member twice, at byte {fault.BytePositionInLine ?? 0} of line {(fault.LineNumber ?? 0) + 1}");
        }
        catch (InvalidOperationException)
        {
            // Half a surrogate pair: such a name can be compared with no other.
            throw ErrorCode.ParseError.With("the name of a member is not a text");
        }
        try
        {
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Array)
                return new RpcMessage(document, [Read(root)], isBatch: false);
            if (root.GetArrayLength() is 0 or > MaxBatch)
                throw ErrorCode.InvalidRequest.With($"a batch holds 1 to {MaxBatch} requests");
            var requests = new List<RpcRequest>(root.GetArrayLength());
            foreach (var element in root.EnumerateArray())
                requests.Add(Read(element));
            return new RpcMessage(document, requests, isBatch: true);
        }
        catch
        {
            document.Dispose();
            throw;
        }
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose() => _document.Dispose();

    private static RpcRequest Read(JsonElement element)
    {
        if (element.ValueKind != JsonValueKind.Object)
            return Bad(default, "it is not an object");
        if (element.TryGetProperty("id", out var id) && !IsId(id))
            return Bad(default, $"its id must be a number or a text of at most {LongestId} characters");
        if (!element.TryGetProperty("jsonrpc", out var version) || version.ValueKind != JsonValueKind.String || !version.ValueEquals("2.0"))
            return Bad(id, "its jsonrpc must be \"2.0\"");
        if (!element.TryGetProperty("method", out var method) || method.ValueKind != JsonValueKind.String)
            return Bad(id, "its method must be a text");
        string name;
        try
        {
            name = method.GetString()!;
        }
        catch (InvalidOperationException)
        {
            // Bytes that are no UTF-8, or half a surrogate pair.
            return Bad(id, "its method must be a text");
        }
        element.TryGetProperty("params", out var arguments);
        return arguments.ValueKind is JsonValueKind.Undefined or JsonValueKind.Object or JsonValueKind.Array
            ? new RpcRequest(id, name, arguments, null)
            : Bad(id, "its params must be an object");
    }

    private static void CountTokens(ReadOnlySpan<byte> utf8)
    {
        var reader = new Utf8JsonReader(utf8, new JsonReaderOptions { MaxDepth = ProtocolJson.MaxDepth });
        for (var left = MaxTokens; reader.Read(); left--)
        {
            if (left == 0)
                throw ErrorCode.ParseError.With($"it has more than {MaxTokens} values and names");
        }
    }

    private static bool IsUtf8(ArraySegment<byte> bytes)
    {
#if NETSTANDARD2_0
        try
        {
            s_strict.GetCharCount(bytes.Array!, bytes.Offset, bytes.Count);
            return true;
        }
        catch (DecoderFallbackException)
        {
            return false;
        }
#else
        return System.Text.Unicode.Utf8.IsValid(bytes);
#endif
    }

    private static bool IsId(JsonElement id) =>
        id.ValueKind is JsonValueKind.Number or JsonValueKind.String or JsonValueKind.Null && id.GetRawText().Length <= LongestId;

    private static RpcRequest Bad(JsonElement id, string what) => new(id, "", default, ErrorCode.InvalidRequest.With(what));
}
