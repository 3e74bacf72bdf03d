using System.Diagnostics;

namespace IpVlanWin.WineBed;

/// <summary>
/// Service, command line and PowerShell module published for Windows x64, as the installer's build publishes them. tests/run does it once
/// and names the folder in IPVLANWIN_PUBLISHED; a test run by itself does it for its process.
/// </summary>
public static class PublishedPrograms
{
    private static readonly Lazy<string> s_folder = new(Publish);

    /// <summary>Folder with ipvlansvc.exe and ipvlan.exe.</summary>
    public static string Programs => Path.Combine(s_folder.Value, "programs");

    /// <summary>Folder with the module.</summary>
    public static string Module => Path.Combine(s_folder.Value, "module");

    /// <summary>The repository's folder.</summary>
    public static string Repository
    {
        get
        {
            for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            {
                if (File.Exists(Path.Combine(folder.FullName, "IpVlanWin.sln")))
                    return folder.FullName;
            }
            throw new DirectoryNotFoundException("IpVlanWin.sln is not above " + AppContext.BaseDirectory);
        }
    }

    private static string Publish()
    {
        if (Environment.GetEnvironmentVariable("IPVLANWIN_PUBLISHED") is { Length: > 0 } given)
            return given;
        var folder = Directory.CreateTempSubdirectory("ipvlanwin-published");
        AppDomain.CurrentDomain.ProcessExit += (_, _) => folder.Delete(recursive: true);
        using var process = Process.Start(Path.Combine(Repository, "installer", "build"), ["--publish", folder.FullName]);
        process.WaitForExit();
        return process.ExitCode == 0 ? folder.FullName : throw new IOException($"installer/build --publish: exit status {process.ExitCode}");
    }
}
