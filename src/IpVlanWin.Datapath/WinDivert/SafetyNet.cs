using System.Diagnostics;
using System.Globalization;
using System.IO.Pipes;
using IpVlanWin.Devices.WinDivert;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Datapath.WinDivert;

/// <summary>
/// The body of the safety net's process. Reads "spread PRIORITY HANDLES ADDRESSES" with as many lines of "LAYER FILTER" and of addresses,
/// and "end"; answers each spread with one line. When its input ends, the engine has died: it stays until no address is on the host any
/// more, or until another safety net of the same port is spread.
/// </summary>
public static class SafetyNet
{
    internal const string Done = "spread";

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    /// <summary>Runs until it is not needed any more.</summary>
    /// <param name="port">Key of the port: letters, digits and hyphens, such as the master's LUID.</param>
    /// <param name="input">What the engine says.</param>
    /// <param name="output">What it is answered.</param>
    /// <param name="isOnHost">Whether any of the addresses is still on the host.</param>
    /// <param name="poll">How often that is asked once the engine has died.</param>
    /// <returns>0, the process's exit status; 1 where the input was not understood.</returns>
    public static int Run(string port, TextReader input, TextWriter output, Func<IReadOnlyCollection<L3Address>, bool> isOnHost, TimeSpan poll)
    {
        ArgumentNullException.ThrowIfNull(input);
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(isOnHost);
        var handles = new Dictionary<string, DivertHandle>(StringComparer.Ordinal);
        IReadOnlyCollection<L3Address> addresses = [];
        var pipe = $"ipvlanwin-net-{port}";
        NamedPipeServerStream? successor = null;
        Task? succeeded = null;
        try
        {
            while (input.ReadLine() is { } line)
            {
                if (line == "end")
                    return 0;
                var words = line.Split(' ');
                if (words is not ["spread", _, _, _])
                    return 1;
                var numbers = Array.ConvertAll(words[1..], static word => int.Parse(word, CultureInfo.InvariantCulture));
                var wanted = ReadLines(input, numbers[1]);
                addresses = ReadLines(input, numbers[2]).ConvertAll(L3Address.Parse);
                var refusal = Spread(handles, wanted, (short)numbers[0]);
                if (refusal is null && successor is null)
                {
                    // Only now, with our own handles open, may the one before go; and only when we can be found are we there.
                    DismissPredecessor(pipe);
                    successor = Listen(pipe);
                    succeeded = successor.WaitForConnectionAsync();
                }
                output.WriteLine(refusal ?? Done);
                output.Flush();
            }
            while (isOnHost(addresses) && succeeded?.Wait(poll) != true)
            {
            }
            // Whoever waits for this connection waits for this process.
            if (succeeded?.IsCompletedSuccessfully == true)
                successor!.Write(BitConverter.GetBytes(Environment.ProcessId));
            return 0;
        }
        finally
        {
            foreach (var handle in handles.Values)
                handle.Dispose();
            successor?.Dispose();
        }
    }

    private static List<string> ReadLines(TextReader input, int count)
    {
        var lines = new List<string>(count);
        for (var i = 0; i < count && input.ReadLine() is { } line; i++)
            lines.Add(line);
        return lines;
    }

    /// <summary>Opens what is new before it closes what is not wanted any more. Returns null, or why not; then nothing has changed.</summary>
    private static string? Spread(Dictionary<string, DivertHandle> handles, List<string> wanted, short priority)
    {
        var opened = new Dictionary<string, DivertHandle>(StringComparer.Ordinal);
        try
        {
            foreach (var line in wanted)
            {
                if (handles.ContainsKey(line) || opened.ContainsKey(line))
                    continue;
                var layer = (DivertLayer)int.Parse(line[..line.IndexOf(' ', StringComparison.Ordinal)], CultureInfo.InvariantCulture);
                opened.Add(line, DivertHandle.Open(line[(line.IndexOf(' ', StringComparison.Ordinal) + 1)..], layer, priority, DivertOpenFlags.Drop));
            }
        }
        catch (DivertException refused)
        {
            foreach (var handle in opened.Values)
                handle.Dispose();
            return refused.Message;
        }
        foreach (var (line, handle) in opened)
            handles.Add(line, handle);
        foreach (var line in handles.Keys.Except(wanted).ToList())
        {
            handles.Remove(line, out var unwanted);
            unwanted!.Dispose();
        }
        return null;
    }

    private static NamedPipeServerStream Listen(string pipe) =>
        new(pipe, PipeDirection.Out, 1, PipeTransmissionMode.Byte, PipeOptions.Asynchronous | PipeOptions.CurrentUserOnly);

    /// <summary>Waits until the one before is gone, its pipe's name included. One whose engine lives does not answer, and stays.</summary>
    private static void DismissPredecessor(string pipe)
    {
        using var client = new NamedPipeClientStream(".", pipe, PipeDirection.In, PipeOptions.Asynchronous | PipeOptions.CurrentUserOnly);
        try
        {
            // Where there is one, the first try succeeds.
            client.Connect(TimeSpan.FromMilliseconds(50));
            var number = new byte[sizeof(int)];
            using var patience = new CancellationTokenSource(s_patience);
            client.ReadExactlyAsync(number, patience.Token).AsTask().GetAwaiter().GetResult();
            using var predecessor = Process.GetProcessById(BitConverter.ToInt32(number));
            predecessor.WaitForExit(s_patience);
        }
        catch (Exception nobody) when (nobody is TimeoutException or IOException or UnauthorizedAccessException or OperationCanceledException or ArgumentException)
        {
            // There is none, or it has just gone.
        }
    }
}
