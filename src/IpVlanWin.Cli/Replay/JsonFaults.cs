using System.Text.Json;

namespace IpVlanWin.Cli.Replay;

/// <summary>What is wrong with JSON text, in words for its author: without the names of our types and without the position, which the caller gives.</summary>
internal static class JsonFaults
{
    public static string Describe(JsonException fault)
    {
        var message = fault.Message.ReplaceLineEndings(" ");
        foreach (var mark in (ReadOnlySpan<string>)[" Path: ", " LineNumber: "])
        {
            var end = message.IndexOf(mark, StringComparison.Ordinal);
            message = end < 0 ? message : message[..end];
        }
        if (message.StartsWith("The JSON value could not be converted", StringComparison.Ordinal))
            return "a value of another type is needed";
        if (message.Contains("allow null", StringComparison.Ordinal))
            return "null is not allowed";
        const string MissingKeys = "including: ";
        var keys = message.IndexOf(MissingKeys, StringComparison.Ordinal);
        return (keys < 0 ? message : "missing keys: " + message[(keys + MissingKeys.Length)..]).TrimEnd('.');
    }
}
