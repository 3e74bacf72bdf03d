using System.Diagnostics;

namespace IpVlanWin.WineBed;

/// <summary>What a Windows program wrote and how it ended.</summary>
/// <param name="Status">The low byte of its exit status.</param>
/// <param name="Output">Its standard output, lines ended as here.</param>
/// <param name="Errors">Its standard error.</param>
public sealed record Ended(int Status, string Output, string Errors)
{
    /// <summary>For messages of assertions.</summary>
    public string All => $"status {Status}\n{Output}{Errors}";
}

/// <summary>A Windows of one's own under Wine: prepared once, copied for each use, ended and removed with it.</summary>
public sealed class WinePrefix : IDisposable
{
    private static readonly string[] s_ends = ["-k", "-w"];
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(3);

    // tests/run prepares one for all; a test run by itself does it for its process.
    private static readonly Lazy<string> s_prepared = new(() => Environment.GetEnvironmentVariable("IPVLANWIN_WINE_PREFIX") is { Length: > 0 } given ? given : Prepare());

    private readonly DirectoryInfo _folder;
    private readonly string[] _within;
    private readonly Process _holder;

    private WinePrefix(DirectoryInfo folder, string[] within)
    {
        (_folder, _within) = (folder, within);
        // A program that goes on: with it the service manager does, beside a second one of which neither would know what the other was told.
        var start = new ProcessStartInfo("sh", ["-c", "exec \"$@\" >/dev/null 2>&1", "sh", .. within, Wine!, "cmd"]) { RedirectStandardInput = true };
        SetEnvironment(start, folder.FullName);
        _holder = Process.Start(start)!;
        Run("reg", "query", "HKLM");
    }

    /// <summary>Null where Wine can be used, else why not.</summary>
    public static string? Missing => OperatingSystem.IsLinux() && Wine is not null && Find("wineserver") is not null ? null : "needs Linux and Wine (Debian: wine, wine64)";

    /// <summary>Folder of drive C.</summary>
    public string DriveC => Path.Combine(_folder.FullName, "drive_c");

    // Not Debian's wrapper, which speaks of 32-bit programs each time.
    private static string? Wine => Find("/usr/lib/wine/wine64", "wine64", "wine");

    /// <summary>A copy of the prepared prefix: Windows 10, version 1903, as Wine has it.</summary>
    /// <param name="within">The command of this system that starts all of it, such as <c>ip netns exec NAME</c>; may be empty.</param>
    public static WinePrefix Create(params string[] within)
    {
        var folder = Directory.CreateTempSubdirectory("ipvlanwin-wine");
        Tool(Path.Combine(AppContext.BaseDirectory, "copy-prefix"), s_prepared.Value, folder.FullName);
        return new WinePrefix(folder, within);
    }

    /// <summary>A path of this system as Windows names it.</summary>
    public static string WindowsPath(string path) => "Z:" + Path.GetFullPath(path).Replace('/', '\\');

    /// <summary>Runs a program to its end: a path, one of the published, or one of Windows' own.</summary>
    /// <param name="program">Its name or path.</param>
    /// <param name="arguments">Its arguments.</param>
    public Ended Run(string program, params string[] arguments)
    {
        var path = program.EndsWith(".exe", StringComparison.Ordinal) && !program.AsSpan().ContainsAny('\\', '/') ? Published.Find(program) ?? program : program;
        return Execute(_folder.FullName, [.. _within, Wine!, path, .. arguments]);
    }

    /// <summary>Starts a program that goes on; the caller ends it.</summary>
    public Process Start(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(Wine!, [program, .. arguments]);
        SetEnvironment(start, _folder.FullName);
        return Process.Start(start)!;
    }

    /// <summary>Ends all that runs in it, at once.</summary>
    public void PowerOff() => End(_folder.FullName);

    /// <inheritdoc/>
    public void Dispose()
    {
        End(_folder.FullName);
        _holder.StandardInput.Close();
        _holder.WaitForExit();
        _holder.Dispose();
        _folder.Delete(recursive: true);
    }

    private static string Prepare()
    {
        var folder = Directory.CreateTempSubdirectory("ipvlanwin-prefix").FullName;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(folder, recursive: true);
        Tool(Path.Combine(AppContext.BaseDirectory, "prepare-prefix"), folder);
        return folder;
    }

    private static void End(string prefix)
    {
        // The first ends it, the second waits until it has ended.
        foreach (var option in s_ends)
        {
            var start = new ProcessStartInfo("wineserver", [option]) { RedirectStandardError = true };
            SetEnvironment(start, prefix);
            using var process = Process.Start(start)!;
            if (!process.WaitForExit(s_patience))
                throw new TimeoutException($"wineserver {option} did not end");
        }
    }

    private static Ended Execute(string prefix, string[] command)
    {
        // Into files: Wine's own services keep what they inherit, so the end of a pipe would never come.
        var written = Path.Combine(prefix, Guid.NewGuid().ToString("N"));
        var start = new ProcessStartInfo("sh", ["-c", $"exec \"$@\" </dev/null >{written}.out 2>{written}.err", "sh", .. command]);
        SetEnvironment(start, prefix);
        using var process = Process.Start(start)!;
        if (!process.WaitForExit(s_patience))
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{string.Join(' ', command)} did not end within {s_patience.TotalSeconds} s");
        }
        return new Ended(process.ExitCode, Read(written + ".out"), Read(written + ".err"));
    }

    private static string Read(string path) => File.ReadAllText(path).Replace("\r\n", "\n", StringComparison.Ordinal);

    private static void Tool(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw new IOException($"{program} {string.Join(' ', arguments)}: exit status {process.ExitCode}");
    }

    private static string? Find(params string[] names) => names
        .SelectMany(static name => name[0] == '/' ? [name] : (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Select(folder => Path.Combine(folder, name)))
        .FirstOrDefault(File.Exists);

    // As tests/wine/prepare-prefix has it.
    private static void SetEnvironment(ProcessStartInfo start, string prefix)
    {
        start.Environment["WINEPREFIX"] = prefix;
        start.Environment["WINEDEBUG"] = "-all";
        // No offer to download Gecko. Mono's place, mscoree, must stay: Wine loads no managed image without it.
        start.Environment["WINEDLLOVERRIDES"] = "mshtml=";
        // With it the runtime breaks off under Wine.
        start.Environment["DOTNET_EnableWriteXorExecute"] = "0";
        start.Environment["DOTNET_TieredPGO"] = "0";
        start.Environment.Remove("DISPLAY");
    }
}
