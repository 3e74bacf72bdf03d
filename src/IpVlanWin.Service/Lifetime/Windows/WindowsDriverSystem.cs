using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.Versioning;
using Microsoft.Win32;

namespace IpVlanWin.Service.Lifetime.Windows;

/// <summary>This system.</summary>
[SupportedOSPlatform("windows")]
internal sealed class WindowsDriverSystem : IDriverSystem
{
    // Putting a filter in pauses every adapter; Windows waits for the slowest.
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(3);

    /// <inheritdoc/>
    public bool IsRegistered
    {
        get
        {
            using var key = Registry.LocalMachine.OpenSubKey(@"SYSTEM\CurrentControlSet\Services\ipvlan");
            return key is not null;
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> FindPackages(string text)
    {
        var folder = Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.Windows), "INF");
        return Directory.Exists(folder)
            ? [.. Directory.EnumerateFiles(folder, "oem*.inf").Where(file => File.ReadAllText(file).Contains(text, StringComparison.OrdinalIgnoreCase)).Select(file => Path.GetFileName(file)!).Order(StringComparer.Ordinal)]
            : [];
    }

    /// <inheritdoc/>
    public ToolResult Run(string program, IReadOnlyList<string> arguments)
    {
        var path = Path.Combine(Environment.SystemDirectory, program);
        try
        {
            using var running = Process.Start(new ProcessStartInfo(path, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false, CreateNoWindow = true })!;
            var output = running.StandardOutput.ReadToEndAsync();
            var errors = running.StandardError.ReadToEndAsync();
            if (!running.WaitForExit(s_patience))
            {
                running.Kill(entireProcessTree: true);
                throw new WindowsErrorException($"{program} did not end within {s_patience.TotalSeconds} s and was ended", 1460, "ERROR_TIMEOUT");
            }
            return new ToolResult(running.ExitCode, output.GetAwaiter().GetResult() + errors.GetAwaiter().GetResult());
        }
        catch (Win32Exception fault)
        {
            throw new WindowsErrorException($"{path} cannot be run: {WindowsError.Name(fault.NativeErrorCode)}", fault.NativeErrorCode, WindowsError.Name(fault.NativeErrorCode));
        }
    }
}
