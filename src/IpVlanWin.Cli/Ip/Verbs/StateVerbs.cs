using System.Text.Encodings.Web;
using System.Text.Json;
using IpVlanWin.Cli.Ip.Grammar;
using IpVlanWin.Protocol;

namespace IpVlanWin.Cli.Ip.Verbs;

/// <summary>ipvlan state: the desired state as one document.</summary>
internal static class StateVerbs
{
    private static readonly ProtocolJson s_readable = new(new JsonSerializerOptions(ProtocolJson.Plain.Options) { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    public static async Task ExportAsync(Words words, Session session)
    {
        var text = JsonSerializer.Serialize(await session.Client.ExportStateAsync().ConfigureAwait(false), s_readable.StateDocument);
        if (words["file"] is { } file and not "-")
            await FileFault("write", file, () => File.WriteAllTextAsync(file, text + Environment.NewLine)).ConfigureAwait(false);
        else
            await session.Output.WriteLineAsync(text).ConfigureAwait(false);
    }

    public static async Task ImportAsync(Words words, Session session)
    {
        var text = "";
        if (words["file"] is { } file and not "-")
            await FileFault("read", file, async () => text = await File.ReadAllTextAsync(file).ConfigureAwait(false)).ConfigureAwait(false);
        else
            text = await session.Input.ReadToEndAsync().ConfigureAwait(false);
        await session.Client.ImportStateAsync(Parse(text, words["file"] ?? "-")).ConfigureAwait(false);
    }

    private static StateDocument Parse(string text, string file)
    {
        try
        {
            return JsonSerializer.Deserialize(text, ProtocolJson.Plain.StateDocument) ?? throw new JsonException();
        }
        catch (JsonException fault)
        {
            throw CommandException.Refused($"{file}: not a document of \"state export\": see {(string.IsNullOrEmpty(fault.Path) ? "$" : fault.Path)} in line {(fault.LineNumber ?? 0) + 1}", fault);
        }
    }

    private static async Task FileFault(string what, string file, Func<Task> work)
    {
        try
        {
            await work().ConfigureAwait(false);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw CommandException.Refused($"cannot {what} \"{file}\": {fault.Message}", fault);
        }
    }
}
