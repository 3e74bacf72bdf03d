using System.Diagnostics;
using System.Globalization;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Datapath.WinDivert;

/// <summary>
/// The engine's end of the safety net: a process that holds the handles which drop what passes between interfaces of a private port. It
/// outlives the engine, and ends when told, when a new engine's safety net is spread, or when the addresses are off the host.
/// </summary>
public sealed class SafetyNetLink : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    private readonly Process _process;

    private SafetyNetLink(Process process) => _process = process;

    /// <summary>Its process has ended, and its handles with it.</summary>
    public bool HasExited => _process.HasExited;

    /// <summary>Number of the process.</summary>
    public int ProcessId => _process.Id;

    /// <summary>Starts the process, which must run <see cref="SafetyNet.Run"/> on its standard input and output.</summary>
    /// <exception cref="System.ComponentModel.Win32Exception">The program is not there.</exception>
    public static SafetyNetLink Start(string program, params IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, UseShellExecute = false, CreateNoWindow = true };
        return new SafetyNetLink(Process.Start(start)!);
    }

    /// <summary>Tells when the process ends by itself.</summary>
    /// <param name="gone">Called on any thread, once.</param>
    public void WhenGone(Action gone)
    {
        _process.Exited += (_, _) => gone();
        _process.EnableRaisingEvents = true;
    }

    /// <summary>Leaves the process to itself: it ends as soon as none of the addresses is on the host.</summary>
    /// <param name="patience">How long to wait for that.</param>
    public void Release(TimeSpan patience)
    {
        try
        {
            _process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It has ended already.
        }
        _process.WaitForExit(patience);
        _process.Dispose();
    }

    /// <summary>Ends the process, handles and all: the addresses are off the host, or may reach each other.</summary>
    public void Dispose()
    {
        try
        {
            _process.StandardInput.Write("end\n");
            _process.StandardInput.Flush();
            if (!_process.WaitForExit(s_patience))
                _process.Kill();
        }
        catch (IOException)
        {
            // It has ended already.
        }
        _process.Dispose();
    }

    /// <summary>Has these handles opened, and then those before them closed. Returns when they are.</summary>
    /// <exception cref="IOException">The process refuses, or is gone.</exception>
    internal void Spread(IReadOnlyCollection<DivertHandlePlan> handles, short priority, IReadOnlyCollection<L3Address> addresses)
    {
        var answer = default(string);
        try
        {
            var input = _process.StandardInput;
            input.Write(string.Create(CultureInfo.InvariantCulture, $"spread {priority} {handles.Count} {addresses.Count}\n"));
            foreach (var handle in handles)
                input.Write(string.Create(CultureInfo.InvariantCulture, $"{(int)handle.Layer} {handle.Filter}\n"));
            foreach (var address in addresses)
                input.Write($"{address}\n");
            input.Flush();
            var reading = _process.StandardOutput.ReadLineAsync();
            answer = reading.Wait(s_patience) ? reading.Result : "no answer";
        }
        catch (IOException gone)
        {
            answer = gone.Message;
        }
        if (answer != SafetyNet.Done)
            throw new IOException($"the safety net of the private port cannot be spread: {answer ?? "its process has ended"}");
    }
}
