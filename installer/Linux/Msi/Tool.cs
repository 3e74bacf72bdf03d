using System.Diagnostics;
using System.ComponentModel;

namespace WixSharp.Msi;

/// <summary>A program of Debian's packages msitools and gcab.</summary>
internal static class Tool
{
    public static void Run(string program, params string[] arguments) => RunIn(null, program, arguments);

    /// <exception cref="SetupException">It is not there, failed, or printed anything: msibuild prints its usage and succeeds where it does not understand.</exception>
    public static void RunIn(string folder, string program, string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder ?? "",
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        try
        {
            using var process = Process.Start(start)!;
            var errors = process.StandardError.ReadToEndAsync();
            var output = process.StandardOutput.ReadToEnd() + errors.GetAwaiter().GetResult();
            process.WaitForExit();
            if (process.ExitCode != 0 || output.Length > 0)
                throw new SetupException($"{program} {string.Join(' ', arguments)}: exit status {process.ExitCode}: {output.Trim()}");
        }
        catch (Win32Exception)
        {
            throw new SetupException($"{program} is not there; install it: apt install msitools gcab");
        }
    }
}
