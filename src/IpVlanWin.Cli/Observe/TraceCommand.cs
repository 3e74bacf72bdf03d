using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using IpVlanWin.Protocol;

namespace IpVlanWin.Cli.Observe;

/// <summary>`ipvlan trace`: which rule decides what about a frame, and why.</summary>
internal static class TraceCommand
{
    private const string Usage =
        "trace takes dev NAME | master MASTER, [from-interface | from-wire], " +
        "tcp|udp SOURCE [PORT] DESTINATION [PORT] | icmp|arp SOURCE DESTINATION | frame HEX, [vlan ID] [smac MAC] [dmac MAC]";

    /// <param name="pipeName">The service's; null for the default.</param>
    public static Command Create(string? pipeName)
    {
        var json = StrictOption.Switch("-j", "The answer as JSON.");
        json.Aliases.Add("-json");
        var words = new Argument<string[]>("frame") { Description = Usage, Arity = ArgumentArity.ZeroOrMore };
        var command = new Command("trace", "Tell what would become of a frame, and which rule decides it; nothing is sent.") { json, words };
        command.SetAction((parsed, cancellation) =>
        {
            var spec = Parse(parsed.GetValue(words) ?? []);
            var (output, errors) = (parsed.InvocationConfiguration.Output, parsed.InvocationConfiguration.Error);
            return ServiceCall.RunAsync(pipeName, errors, async client =>
            {
                var reply = await client.TraceAsync(spec, cancellation).ConfigureAwait(false);
                if (parsed.GetValue(json))
                    await output.WriteLineAsync(JsonSerializer.Serialize(reply, ProtocolJson.Plain.TraceReply)).ConfigureAwait(false);
                else
                    await WriteAsync(reply, output).ConfigureAwait(false);
                return 0;
            });
        });
        return command;
    }

    /// <summary>The words of a command line.</summary>
    /// <exception cref="CommandException">They are not understood.</exception>
    internal static TraceSpec Parse(IReadOnlyList<string> words)
    {
        var spec = new TraceSpec();
        for (var at = 0; at < words.Count;)
        {
            var word = words[at++];
            switch (word)
            {
                case "dev":
                    spec = spec with { Interface = Next(words, ref at, word, "the name of an interface") };
                    break;
                case "master":
                    spec = spec with { Master = Next(words, ref at, word, "the name of a master") };
                    break;
                case "from-wire" or "from-interface":
                    spec = spec with { Direction = word };
                    break;
                case "tcp" or "udp" or "icmp" or "arp":
                    spec = Addresses(spec with { Protocol = word }, words, ref at);
                    break;
                case "frame":
                    spec = spec with { Frame = Next(words, ref at, word, "a frame in hexadecimal") };
                    break;
                case "vlan":
                    spec = spec with { Vlan = Number(Next(words, ref at, word, "0 to 4094"), word, 4094) };
                    break;
                case "smac":
                    spec = spec with { SourceMac = Next(words, ref at, word, "a MAC address") };
                    break;
                case "dmac":
                    spec = spec with { DestinationMac = Next(words, ref at, word, "a MAC address") };
                    break;
                default:
                    throw CommandException.Syntax($"\"{word}\" is not understood; {Usage}");
            }
        }
        if (spec is { Interface: null, Master: null } or { Protocol: null, Frame: null })
            throw CommandException.Syntax(Usage);
        return spec with { Direction = spec.Direction ?? (spec.Interface is null ? "from-wire" : "from-interface") };
    }

    private static TraceSpec Addresses(TraceSpec spec, IReadOnlyList<string> words, ref int at)
    {
        spec = spec with { Source = Next(words, ref at, spec.Protocol!, "a source and a destination") };
        spec = spec with { SourcePort = Port(spec.Protocol!, words, ref at) };
        spec = spec with { Destination = Next(words, ref at, spec.Protocol!, "a source and a destination") };
        return spec with { DestinationPort = Port(spec.Protocol!, words, ref at) };
    }

    private static int? Port(string protocol, IReadOnlyList<string> words, ref int at) =>
        protocol is "tcp" or "udp" && at < words.Count && words[at].All(char.IsAsciiDigit) ? Number(words[at++], protocol, ushort.MaxValue) : null;

    private static int Number(string text, string argument, int most) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= most
            ? number
            : throw CommandException.Syntax(string.Create(CultureInfo.InvariantCulture, $"argument of \"{argument}\" must be 0 to {most}"));

    private static string Next(IReadOnlyList<string> words, ref int at, string argument, string legal) =>
        at < words.Count ? words[at++] : throw CommandException.Syntax($"argument of \"{argument}\" must be {legal}");

    private static async Task WriteAsync(TraceReply reply, TextWriter output)
    {
        await output.WriteLineAsync($"{reply.Decision}{(reply.Reason is null ? "" : $" ({reply.Reason})")}: {Receivers(reply)}").ConfigureAwait(false);
        foreach (var step in reply.Steps)
            await output.WriteLineAsync($"    rule {step.Rule,-4} {step.Text}").ConfigureAwait(false);
    }

    private static string Receivers(TraceReply reply)
    {
        List<string> all = [.. reply.Targets];
        if (reply.ToHost)
            all.Add("host");
        if (reply.ToWire)
            all.Add("wire");
        return all.Count == 0 ? "nobody gets it" : "to " + string.Join(", ", all);
    }
}
