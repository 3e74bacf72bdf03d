using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace IpVlanWin.Cli.Ip.Output;

/// <summary>Writes the JSON of -j: one document a command, one line unless -p.</summary>
internal static class JsonOutput
{
    public static void Write(Session session, Action<Utf8JsonWriter> write)
    {
        using var bytes = new MemoryStream();
        var options = new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, Indented = session.Options.IsPretty, IndentSize = 4 };
        using (var json = new Utf8JsonWriter(bytes, options))
            write(json);
        session.Output.WriteLine(Encoding.UTF8.GetString(bytes.GetBuffer(), 0, (int)bytes.Length));
    }
}
