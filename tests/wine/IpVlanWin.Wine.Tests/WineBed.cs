using System.Diagnostics;

namespace IpVlanWin.Wine.Tests;

/// <summary>What a Windows program wrote and how it ended.</summary>
internal sealed record Ended(int Status, string Output, string Errors)
{
    /// <summary>For messages of assertions.</summary>
    public string All => $"status {Status}\n{Output}{Errors}";
}

/// <summary>The published programs and a Windows of their own: one prefix, made for this run and removed with its processes.</summary>
internal static class WineBed
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(3);

    private static readonly DirectoryInfo s_folder = Directory.CreateTempSubdirectory("ipvlanwin-wine-");

    // Wine ends its service manager with the last program, and starts it anew with the next; so one waits for input all the while.
    private static Process? s_holder;

    /// <summary>Why nothing can be run here, or null.</summary>
    public static string? Fault { get; private set; }

    /// <summary>Drive C: of the prefix.</summary>
    public static string DriveC => Path.Combine(Prefix, "drive_c");

    private static string Prefix => Path.Combine(s_folder.FullName, "prefix");

    // Published already, to save the time; else this run publishes into its own folder.
    private static string? Published => Environment.GetEnvironmentVariable("IPVLANWIN_WIN_X64");

    private static string Programs => Published ?? Path.Combine(s_folder.FullName, "programs");

    // Not Debian's wrapper, which speaks of 32-bit programs each time.
    private static string? Wine => Find("/usr/lib/wine/wine64", "wine64", "wine");

    public static async Task PrepareAsync(TestContext context)
    {
        if (!OperatingSystem.IsLinux() || Wine is null || Find("wineserver") is null)
        {
            Fault = "needs Linux and Wine (Debian: apt-get install wine wine64)";
            return;
        }
        var clock = Stopwatch.StartNew();
        // One waits for the disk while the other computes.
        var publishing = Published is not null ? Task.FromResult(new Ended(0, "", "")) : ExecuteAsync(
            Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet",
            ["msbuild", Path.Combine(Root, "tests", "wine", "publish.proj"), $"-p:To={Programs}", "-m:2", "-v:q", "-nologo"], TimeSpan.FromMinutes(8));
        var making = MakePrefixAsync();
        var (published, made) = (await publishing, await making);
        Assert.AreEqual(0, published.Status, published.All);
        Assert.AreEqual(0, made.Status, made.All);
        context.WriteLine($"published and prefix made in {clock.Elapsed.TotalSeconds:F0} s");
    }

    /// <summary>Ends all processes of the prefix, and removes everything.</summary>
    public static async Task RemoveAsync()
    {
        s_holder?.StandardInput.Close();
        if (Fault is null && Directory.Exists(Prefix))
        {
            await ExecuteAsync("wineserver", ["-k"], s_patience);
            await ExecuteAsync("wineserver", ["-w"], s_patience);
        }
        s_folder.Delete(recursive: true);
    }

    /// <summary>Runs one of the published programs, or one of Windows' own, to its end.</summary>
    public static Task<Ended> RunAsync(string program, params string[] arguments)
    {
        if (Fault is not null)
            Assert.Inconclusive(Fault);
        var published = Path.Combine(Programs, program);
        return ExecuteAsync(Wine!, [File.Exists(published) ? published : program, .. arguments], s_patience);
    }

    private static string Root
    {
        get
        {
            var folder = new DirectoryInfo(AppContext.BaseDirectory);
            while (!File.Exists(Path.Combine(folder.FullName, "IpVlanWin.sln")))
                folder = folder.Parent ?? throw new DirectoryNotFoundException($"no IpVlanWin.sln above {AppContext.BaseDirectory}");
            return folder.FullName;
        }
    }

    private static async Task<Ended> MakePrefixAsync()
    {
        Directory.CreateDirectory(Prefix);
        var made = await ExecuteAsync(Wine!, ["wineboot", "-i"], s_patience);
        // Its own default is Windows 7.
        if (made.Status == 0)
            made = await ExecuteAsync(Wine!, ["winecfg", "-v", "win10"], s_patience);
        // The service manager of those two still winds down; beside a second one, neither knows what the other was told.
        await ExecuteAsync("wineserver", ["-k"], s_patience);
        await ExecuteAsync("wineserver", ["-w"], s_patience);
        var start = new ProcessStartInfo("sh", ["-c", "exec \"$@\" >/dev/null 2>&1", "sh", Wine!, "cmd"]) { RedirectStandardInput = true };
        SetEnvironment(start);
        s_holder = Process.Start(start);
        return made.Status == 0 ? await ExecuteAsync(Wine!, ["reg", "query", "HKLM"], s_patience) : made;
    }

    private static string? Find(params string[] names) => names
        .SelectMany(static name => name[0] == '/' ? [name] : (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Select(folder => Path.Combine(folder, name)))
        .FirstOrDefault(File.Exists);

    private static async Task<Ended> ExecuteAsync(string program, IEnumerable<string> arguments, TimeSpan patience)
    {
        // Into files: Wine's own services keep what they inherit, so the end of a pipe would never come.
        var written = Path.Combine(s_folder.FullName, Guid.NewGuid().ToString("N"));
        var start = new ProcessStartInfo("sh", ["-c", $"exec \"$@\" </dev/null >{written}.out 2>{written}.err", "sh", program, .. arguments]);
        SetEnvironment(start);
        using var process = Process.Start(start)!;
        using var late = new CancellationTokenSource(patience);
        try
        {
            await process.WaitForExitAsync(late.Token);
            return new Ended(process.ExitCode, await ReadAsync(written + ".out"), await ReadAsync(written + ".err"));
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{Path.GetFileName(program)} {string.Join(' ', arguments)} did not end within {patience.TotalSeconds} s");
        }
    }

    private static async Task<string> ReadAsync(string path) => (await File.ReadAllTextAsync(path)).Replace("\r\n", "\n", StringComparison.Ordinal);

    private static void SetEnvironment(ProcessStartInfo start)
    {
        start.Environment["WINEPREFIX"] = Prefix;
        start.Environment["WINEDEBUG"] = "-all";
        // No offer to download Gecko. Mono's place, mscoree, must stay: Wine loads no managed image without it.
        start.Environment["WINEDLLOVERRIDES"] = "mshtml=";
        // With it the runtime breaks off under Wine.
        start.Environment["DOTNET_EnableWriteXorExecute"] = "0";
        start.Environment["DOTNET_TieredPGO"] = "0";
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        // Those of the test host would have MSBuild look for its tasks beside the tests.
        start.Environment.Remove("MSBuildSDKsPath");
        start.Environment.Remove("MSBUILD_EXE_PATH");
    }
}
