using System.Diagnostics;

namespace IpVlanWin.WineBed;

/// <summary>A Windows of one's own under Wine: made once in a process, copied for each use, ended and removed with it.</summary>
public sealed class WinePrefix : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(3);
    private static readonly string[] s_ends = ["-k", "-w"];
    private static readonly Lazy<DirectoryInfo> s_prepared = new(Prepare);

    private readonly DirectoryInfo _folder;

    private WinePrefix(DirectoryInfo folder) => _folder = folder;

    /// <summary>Folder of drive C.</summary>
    public string DriveC => Path.Combine(_folder.FullName, "drive_c");

    /// <summary>Null where Wine can be used, else why not.</summary>
    public static string? Missing =>
        Environment.GetEnvironmentVariable("PATH")!.Split(':').Any(folder => File.Exists(Path.Combine(folder, "wine"))) ? null : "needs wine (Debian: wine, wine64)";

    /// <summary>A copy of the prepared prefix: Windows 10, version 1903, as Wine has it.</summary>
    public static WinePrefix Copy()
    {
        var folder = Directory.CreateTempSubdirectory("ipvlanwin-wine");
        RunTool("cp", "-a", s_prepared.Value.FullName + "/.", folder.FullName);
        return new WinePrefix(folder);
    }

    /// <summary>A path of this system as Windows names it.</summary>
    public static string WindowsPath(string path) => "Z:" + Path.GetFullPath(path).Replace('/', '\\');

    /// <summary>Runs a program and waits for it.</summary>
    /// <param name="program">A name that Windows finds, or a path of either kind.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <returns>The low byte of its exit status, and what it printed on both streams.</returns>
    public (int Status, string Text) Run(string program, params string[] arguments) => Run(_folder, program, arguments);

    /// <summary>Starts a program that goes on; the caller ends it.</summary>
    public Process Start(string program, params string[] arguments) => Process.Start(Describe(_folder, program, arguments))!;

    /// <summary>Ends all that runs in it, at once.</summary>
    public void PowerOff() => End(_folder);

    /// <inheritdoc/>
    public void Dispose()
    {
        End(_folder);
        _folder.Delete(recursive: true);
    }

    private static DirectoryInfo Prepare()
    {
        var folder = Directory.CreateTempSubdirectory("ipvlanwin-prefix");
        AppDomain.CurrentDomain.ProcessExit += (_, _) => folder.Delete(recursive: true);
        Run(folder, "wineboot", ["-i"]);
        Run(folder, "winecfg", ["/v", "win10"]);
        End(folder);
        return folder;
    }

    private static void End(DirectoryInfo folder)
    {
        // -k ends the processes of this prefix, -w waits until the server is gone. Its status is 1 where nothing runs.
        foreach (var option in s_ends)
        {
            var start = new ProcessStartInfo(ServerProgram(), [option]) { RedirectStandardError = true };
            start.Environment["WINEPREFIX"] = folder.FullName;
            using var process = Process.Start(start)!;
            if (!process.WaitForExit(s_patience))
                throw new TimeoutException($"wineserver {option} did not end");
        }
    }

    private static string ServerProgram() =>
        new[] { "/usr/lib/wine/wineserver64", "/usr/lib/wine/wineserver" }.FirstOrDefault(File.Exists) ?? "wineserver";

    private static (int Status, string Text) Run(DirectoryInfo folder, string program, string[] arguments)
    {
        using var process = Process.Start(Describe(folder, program, arguments))!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        process.StandardInput.Close();
        if (!process.WaitForExit(s_patience))
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{program} {string.Join(' ', arguments)} did not end within {s_patience.TotalMinutes} minutes");
        }
        // What it started in the background may hold its streams; it printed what it had to before it ended.
        Task.WhenAll(output, errors).Wait(TimeSpan.FromSeconds(2));
        var text = (output.IsCompleted ? output.Result : "") + (errors.IsCompleted ? errors.Result : "");
        return (process.ExitCode, text.Replace("\r", "", StringComparison.Ordinal));
    }

    private static ProcessStartInfo Describe(DirectoryInfo folder, string program, string[] arguments)
    {
        var start = new ProcessStartInfo("wine", [program, .. arguments]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["WINEPREFIX"] = folder.FullName;
        start.Environment["WINEDEBUG"] = "-all";
        // Without it the runtime ends with 0x80131506 under Wine 8.
        start.Environment["DOTNET_EnableWriteXorExecute"] = "0";
        start.Environment.Remove("DISPLAY");
        return start;
    }

    private static void RunTool(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw new IOException($"{program} {string.Join(' ', arguments)}: exit status {process.ExitCode}");
    }
}
