using System.CommandLine;
using IpVlanWin.Cli.Lab;
using IpVlanWin.Protocol;
using Microsoft.Win32.SafeHandles;

namespace IpVlanWin.Cli.Observe;

/// <summary>`ipvlan capture`: frames of an interface or a port as pcapng, live.</summary>
internal static class CaptureCommand
{
    private const string Usage = "capture takes [-i NAME] [master MASTER] [-w FILE|-] [-c COUNT] [-s BYTES]";

    /// <param name="pipeName">The service's; null for the default.</param>
    public static Command Create(string? pipeName)
    {
        var name = new Option<string>("-i", "--interface") { Description = "This interface only.", HelpName = "NAME" };
        var file = new Option<string>("-w", "--write") { Description = "Where to; - for standard output, which is the default.", HelpName = "FILE" };
        var count = StrictOption.Number("-c", "End after so many frames.", 1, int.MaxValue, int.MaxValue);
        var length = StrictOption.Number("-s", "Most bytes kept of a frame.", 14, 262_144, 262_144);
        var words = new Argument<string[]>("master") { Description = "master MASTER: the whole port; may be left out where there is one.", Arity = new ArgumentArity(0, 2) };
        var command = new Command("capture", "Record frames as pcapng, live: ipvlan capture -i NAME | wireshark -k -i -") { name, file, count, length, words };
        command.SetAction((parsed, cancellation) =>
        {
            var master = parsed.GetValue(words) switch
            {
                null or [] => null,
                ["master", var given] => given,
                var other => throw CommandException.Syntax($"\"{string.Join(' ', other)}\" is not understood; {Usage}"),
            };
            var spec = new CaptureSpec { Interface = parsed.GetValue(name), Master = master, SnapLength = parsed.GetValue(length) };
            var errors = parsed.InvocationConfiguration.Error;
            return ServiceCall.RunAsync(pipeName, errors, client => RunAsync(client, spec, parsed.GetValue(file) ?? "-", parsed.GetValue(count), errors, cancellation));
        });
        return command;
    }

    private static async Task<int> RunAsync(ControlClient client, CaptureSpec spec, string file, int count, TextWriter errors, CancellationToken cancellation)
    {
        if (file == "-" && !Console.IsOutputRedirected)
            throw CommandException.Syntax("a capture is not for the terminal; give -w FILE, or pipe it: ipvlan capture | wireshark -k -i -");
        if (spec is { Master: null, Interface: null })
            spec = spec with { Master = await OnlyMasterAsync(client, cancellation).ConfigureAwait(false) };
        using var interruption = new Interruption();
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation, interruption.Token);
        var output = Open(file);
        await using (output.ConfigureAwait(false))
        {
            var capture = await client.StartCaptureAsync(spec, CancellationToken.None).ConfigureAwait(false);
            var stream = await client.OpenCaptureAsync(capture, CancellationToken.None).ConfigureAwait(false);
            await using (stream.ConfigureAwait(false))
            {
                var blocks = new CaptureBlocks(stream, output, count);
                var dropped = 0L;
                var stopping = StopAsync(blocks.Enough);
                using (ending.Token.Register(blocks.End))
                    await blocks.CopyAsync().ConfigureAwait(false);
                blocks.End();
                await stopping.ConfigureAwait(false);
                await errors.WriteLineAsync($"{blocks.Summary}, {dropped} lost").ConfigureAwait(false);

                async Task StopAsync(Task enough)
                {
                    await enough.ConfigureAwait(false);
                    try
                    {
                        dropped = (await client.StopCaptureAsync(capture.Id, CancellationToken.None).ConfigureAwait(false)).Dropped;
                    }
                    catch (ControlException gone) when (gone.Code == ErrorCode.NotFound || gone.Code == ErrorCode.ServiceUnreachable)
                    {
                        // It has ended by itself.
                    }
                }
            }
        }
        return 0;
    }

    private static async Task<string> OnlyMasterAsync(ControlClient client, CancellationToken cancellation)
    {
        var ports = await ControlClient.AllAsync(client.ListPortsAsync, new ListQuery(), cancellation).ConfigureAwait(false);
        return ports.Count == 1
            ? ports[0].Master
            : throw CommandException.Refused(ports.Count == 0
                ? "there is no port to capture on; make an interface first"
                : $"argument of \"master\" must be {string.Join(" or ", ports.Select(static port => port.Master))}");
    }

    private static Stream Open(string file)
    {
        if (file == "-")
            return OpenStandardOutput();
        try
        {
            return new FileStream(file, FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 0);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw CommandException.Refused(fault.Message, fault);
        }
    }

    /// <summary>The console's own stream keeps to itself that its reader has gone; on Windows there is no other.</summary>
    private static Stream OpenStandardOutput() => OperatingSystem.IsWindows()
        ? Console.OpenStandardOutput()
        : new FileStream(new SafeFileHandle(1, ownsHandle: false), FileAccess.Write, bufferSize: 0);
}
