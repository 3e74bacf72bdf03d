using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace IpVlanWin.Protocol;

/// <summary>Writes the JSON-RPC 2.0 objects.</summary>
public static class RpcText
{
    /// <summary>Writes an answer.</summary>
    /// <param name="writer">Where to.</param>
    /// <param name="id">The request's.</param>
    /// <param name="result">A record of the protocol.</param>
    public static void WriteResult(Utf8JsonWriter writer, JsonElement id, object result)
    {
        Begin(writer, id);
        writer.WritePropertyName("result");
        JsonSerializer.Serialize(writer, result, ProtocolJson.Plain.GetTypeInfo(result.GetType()) ??
            throw new ArgumentException($"{result.GetType()} is no record of the protocol", nameof(result)));
        writer.WriteEndObject();
    }

    /// <summary>Writes a refusal.</summary>
    /// <param name="writer">Where to.</param>
    /// <param name="id">The request's; undefined where it is not known.</param>
    /// <param name="error">The refusal.</param>
    public static void WriteError(Utf8JsonWriter writer, JsonElement id, ControlException error)
    {
        Begin(writer, id);
        writer.WriteStartObject("error");
        writer.WriteNumber("code", error.Code.Number);
        writer.WriteString("message", error.Message);
        writer.WritePropertyName("data");
        JsonSerializer.Serialize(writer, new ErrorData { Code = error.Code.Name, Errno = error.Code.Errno }, ProtocolJson.Plain.ErrorData);
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    /// <summary>Writes a request, or without a number a notification.</summary>
    public static void WriteRequest(Utf8JsonWriter writer, long? id, string method, object arguments, JsonTypeInfo type)
    {
        writer.WriteStartObject();
        writer.WriteString("jsonrpc", "2.0");
        if (id is { } number)
            writer.WriteNumber("id", number);
        writer.WriteString("method", method);
        writer.WritePropertyName("params");
        JsonSerializer.Serialize(writer, arguments, type);
        writer.WriteEndObject();
    }

    private static void Begin(Utf8JsonWriter writer, JsonElement id)
    {
        writer.WriteStartObject();
        writer.WriteString("jsonrpc", "2.0");
        writer.WritePropertyName("id");
        if (id.ValueKind == JsonValueKind.Undefined)
            writer.WriteNullValue();
        else
            writer.WriteRawValue(id.GetRawText(), skipInputValidation: true);
    }
}
