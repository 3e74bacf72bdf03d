using System.CommandLine;
using System.Text;
using System.Text.Json;
using IpVlanWin.HostNetwork;
using IpVlanWin.Protocol;

namespace IpVlanWin.Cli.HostCare;

/// <summary>`ipvlan doctor`: looks at the host and says what to do, a line a check.</summary>
internal static class DoctorCommand
{
    private const int FailedStatus = 1;

    private static readonly JsonWriterOptions s_json = new() { Indented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static Command Create()
    {
        var json = StrictOption.Switch("-j", "Write JSON.");
        json.Aliases.Add("--json");
        var serviceName = StrictOption.Text("--service-name", "On Windows, another name than IpVlanWin.", "NAME", "a name");
        var command = new Command("doctor", "Look at this host and say what to do; exit status 1 where something fails.") { json, serviceName };
        command.SetAction((result, cancellation) => RunAsync(result.GetValue(json), result.GetValue(serviceName), result.InvocationConfiguration.Output, cancellation));
        return command;
    }

    /// <summary>Writes findings; the exit status.</summary>
    internal static int Write(IReadOnlyList<Finding> findings, bool isJson, TextWriter output)
    {
        if (isJson)
            output.WriteLine(Json(findings));
        else
            WriteText(findings, output);
        return findings.Any(static finding => finding.Level == FindingLevel.Fail) ? FailedStatus : 0;
    }

    private static async Task<int> RunAsync(bool isJson, string? serviceName, TextWriter output, CancellationToken cancellation)
    {
        try
        {
            return Write(Diagnosis.Judge(await ReadAsync(serviceName, cancellation).ConfigureAwait(false)), isJson, output);
        }
        catch (HostNetworkException fault)
        {
            throw CommandException.Refused($"doctor cannot read this host: {fault.Message}", fault);
        }
    }

    private static async Task<HostFacts> ReadAsync(string? serviceName, CancellationToken cancellation)
    {
        string pipe;
        try
        {
            pipe = ControlEndpoint.Default;
        }
        catch (ControlException fault)
        {
            throw CommandException.Refused(fault.Message, fault);
        }
        ServiceRecord? service = null;
        string? why = null;
        List<string> filterMasters = [];
        using (var client = new ControlClient(pipe))
        {
            try
            {
                service = await client.GetServiceAsync(cancellation).ConfigureAwait(false);
                string? cursor = null;
                do
                {
                    var page = await client.ListPortsAsync(new ListQuery { Cursor = cursor }, cancellation).ConfigureAwait(false);
                    filterMasters.AddRange(page.Items.Where(static port => port.ResolvedDatapath == "filter").Select(static port => port.Master));
                    cursor = page.Cursor;
                }
                while (cursor is not null);
            }
            catch (ControlException fault)
            {
                why = fault.Message;
            }
        }
        var about = new HostFacts
        {
            IsLinux = OperatingSystem.IsLinux(), SystemVersion = new Version(), Architecture = "",
            OwnVersion = typeof(DoctorCommand).Assembly.GetName().Version!.ToString(3), Service = service, ServiceFault = why, FilterMasters = filterMasters,
        };
        if (OperatingSystem.IsLinux())
            return LinuxFacts.Read(about, pipe, LinuxFacts.StateFolder());
        return OperatingSystem.IsWindows() ? WindowsFacts.Read(about, pipe, serviceName)
            : throw CommandException.Refused("doctor knows Linux and Windows only");
    }

    private static void WriteText(IReadOnlyList<Finding> findings, TextWriter output)
    {
        foreach (var finding in findings)
            output.WriteLine($"{Word(finding.Level),-4}  {finding.Check}: {finding.Text}{(finding.Remedy is null ? "" : $"; {finding.Remedy}")}");
    }

    private static string Json(IReadOnlyList<Finding> findings)
    {
        using var bytes = new MemoryStream();
        using (var writer = new Utf8JsonWriter(bytes, s_json))
        {
            writer.WriteStartArray();
            foreach (var finding in findings)
            {
                writer.WriteStartObject();
                writer.WriteString("check", finding.Check);
                writer.WriteString("level", Word(finding.Level));
                writer.WriteString("text", finding.Text);
                if (finding.Remedy is not null)
                    writer.WriteString("remedy", finding.Remedy);
                writer.WriteEndObject();
            }
            writer.WriteEndArray();
        }
        return Encoding.UTF8.GetString(bytes.ToArray());
    }

    private static string Word(FindingLevel level) => level switch { FindingLevel.Ok => "ok", FindingLevel.Warn => "warn", _ => "fail" };
}
