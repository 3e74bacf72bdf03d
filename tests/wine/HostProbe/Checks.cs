using System.Runtime.Versioning;
using IpVlanWin.HostNetwork;

namespace HostProbe;

/// <summary>Named checks, one line each: "ok", "FAIL" or "note", the name, what was seen. The exit status counts the failures.</summary>
[SupportedOSPlatform("windows")]
internal sealed class Checks
{
    public int Failed { get; private set; }

    /// <summary>The body returns what it saw, or throws.</summary>
    public void Run(string name, Func<string> body)
    {
        try
        {
            Write("ok", name, body());
        }
        catch (Exception e)
        {
            Failed++;
            Write("FAIL", name, e is CheckException or HostNetworkException ? e.Message : e.ToString().ReplaceLineEndings(" | "));
        }
    }

    public static void Note(string name, string text) => Write("note", name, text);

    public static void Require(bool condition, string otherwise)
    {
        if (!condition) throw new CheckException(otherwise);
    }

    /// <summary>The error that the body must end with.</summary>
    public static HostNetworkException Refused(Action body)
    {
        try
        {
            body();
        }
        catch (HostNetworkException e)
        {
            return e;
        }
        throw new CheckException("it was not refused");
    }

    /// <summary>One line of what was read, for whoever compares.</summary>
    public static void Data(params ReadOnlySpan<object?> values) => Console.WriteLine(string.Join('\t', values.ToArray()));

    private static void Write(string verdict, string name, string text) => Console.WriteLine($"{verdict}\t{name}\t{text}");

    private sealed class CheckException(string message) : Exception(message);
}
