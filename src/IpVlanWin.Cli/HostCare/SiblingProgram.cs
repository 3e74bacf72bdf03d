using System.Diagnostics;

namespace IpVlanWin.Cli.HostCare;

/// <summary>The service's program, which is published beside this one and does what concerns the service manager.</summary>
internal static class SiblingProgram
{
    /// <summary>Its path, or null where it is not there.</summary>
    public static string? Find(string? folder = null)
    {
        var path = Path.Combine(folder ?? AppContext.BaseDirectory, OperatingSystem.IsWindows() ? "ipvlansvc.exe" : "ipvlansvc");
        return File.Exists(path) ? path : null;
    }

    /// <summary>Runs it to its end, passing on what it writes.</summary>
    /// <returns>Its exit status.</returns>
    /// <exception cref="CommandException">It cannot be run.</exception>
    public static int Run(string path, IEnumerable<string> arguments, TextWriter output, TextWriter errors)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(path, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            var complaints = process.StandardError.ReadToEndAsync();
            output.Write(process.StandardOutput.ReadToEnd());
            errors.Write(complaints.GetAwaiter().GetResult());
            process.WaitForExit();
            return process.ExitCode;
        }
        catch (System.ComponentModel.Win32Exception fault)
        {
            throw CommandException.Refused($"{path} cannot be run: {fault.Message}", fault);
        }
    }
}
