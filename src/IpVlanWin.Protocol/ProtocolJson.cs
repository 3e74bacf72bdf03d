using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace IpVlanWin.Protocol;

/// <summary>How the protocol's records are written: camel case, nulls left out, generated code instead of reflection.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, MaxDepth = MaxDepth)]
[JsonSerializable(typeof(ListQuery))]
[JsonSerializable(typeof(PortName))]
[JsonSerializable(typeof(PortChange))]
[JsonSerializable(typeof(InterfaceSpec))]
[JsonSerializable(typeof(InterfaceName))]
[JsonSerializable(typeof(InterfaceChange))]
[JsonSerializable(typeof(AddressSpec))]
[JsonSerializable(typeof(GroupSpec))]
[JsonSerializable(typeof(ExportQuery))]
[JsonSerializable(typeof(ImportPiece))]
[JsonSerializable(typeof(NoArguments))]
[JsonSerializable(typeof(CancelRequest))]
[JsonSerializable(typeof(SubscribeSpec))]
[JsonSerializable(typeof(CaptureSpec))]
[JsonSerializable(typeof(CaptureName))]
[JsonSerializable(typeof(TraceSpec))]
[JsonSerializable(typeof(PortRecord))]
[JsonSerializable(typeof(InterfaceRecord))]
[JsonSerializable(typeof(ServiceRecord))]
[JsonSerializable(typeof(Page<PortRecord>))]
[JsonSerializable(typeof(Page<InterfaceRecord>))]
[JsonSerializable(typeof(Page<AddressRecord>))]
[JsonSerializable(typeof(Page<StatisticsRecord>))]
[JsonSerializable(typeof(ChangeReply))]
[JsonSerializable(typeof(ExportPiece))]
[JsonSerializable(typeof(SubscribeReply))]
[JsonSerializable(typeof(InterfaceEvent))]
[JsonSerializable(typeof(PortEvent))]
[JsonSerializable(typeof(StatisticsEvent))]
[JsonSerializable(typeof(LostEvent))]
[JsonSerializable(typeof(CaptureReply))]
[JsonSerializable(typeof(CaptureTotals))]
[JsonSerializable(typeof(TraceReply))]
[JsonSerializable(typeof(ErrorData))]
[JsonSerializable(typeof(StateDocument))]
public sealed partial class ProtocolJson : JsonSerializerContext
{
    /// <summary>Deepest nesting of a message.</summary>
    public const int MaxDepth = 16;

    /// <summary>The records, with text written as it is: a pipe is no web page.</summary>
    public static ProtocolJson Plain => PlainText.Value;

    /// <summary>Reads the arguments of a request.</summary>
    /// <exception cref="ControlException">bad-argument: names the field and lists all legal ones.</exception>
    public static T ReadArguments<T>(JsonElement arguments, JsonTypeInfo<T> type)
        where T : class, new()
    {
        if (arguments.ValueKind == JsonValueKind.Undefined)
            return new T();
        if (arguments.ValueKind != JsonValueKind.Object)
            throw ErrorCode.BadArgument.With("params", "an object with " + Fields(type));
        try
        {
            return arguments.Deserialize(type) ?? new T();
        }
        catch (JsonException fault)
        {
            // $.name, $.addresses[1], or $['a name with blanks'].
            var field = fault.Path is { Length: > 2 } path ? path.Substring(2).Trim('\'', ']') + (path[path.Length - 1] == ']' && path[1] == '.' ? "]" : "") : "params";
            throw ErrorCode.BadArgument.With(field, "among " + Fields(type));
        }
    }

    /// <summary>The fields of a record with what they hold, for error texts.</summary>
    public static string Fields(JsonTypeInfo type)
    {
        if (type.Properties.Count == 0)
            return "no fields";
        var fields = new List<string>();
        foreach (var property in type.Properties)
            fields.Add($"{property.Name} ({Word(property.PropertyType)})");
        return string.Join(", ", fields);
    }

    private static string Word(Type type)
    {
        var plain = Nullable.GetUnderlyingType(type) ?? type;
        return plain == typeof(string) ? "text" : plain == typeof(bool) ? "true or false" : plain == typeof(int) || plain == typeof(long) ? "whole number" : "list";
    }

    // A class of its own: made after the generated part of this one.
    private static class PlainText
    {
        public static readonly ProtocolJson Value = new(new JsonSerializerOptions(Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
    }
}
