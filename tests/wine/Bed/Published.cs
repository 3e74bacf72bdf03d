using System.Diagnostics;

namespace IpVlanWin.WineBed;

/// <summary>
/// The product and the tests' own programs for Windows x64. tests/run publishes them once and names the folder in IPVLANWIN_PUBLISHED; a
/// test run by itself does it for its process.
/// </summary>
public static class Published
{
    private static readonly string[] s_parts = ["programs", "probes"];
    private static readonly Lazy<string> s_folder = new(Publish);

    /// <summary>Holds <c>programs</c>, <c>module</c> and <c>probes</c>.</summary>
    public static string Folder => s_folder.Value;

    /// <summary>Folder of the PowerShell module.</summary>
    public static string Module => Path.Combine(Folder, "module", "IpVlan");

    /// <summary>The path of one of the programs; null if it is none of them.</summary>
    public static string? Find(string program) =>
        s_parts.Select(part => Path.Combine(Folder, part, program)).FirstOrDefault(File.Exists);

    private static string Root
    {
        get
        {
            for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            {
                if (File.Exists(Path.Combine(folder.FullName, "IpVlanWin.sln")))
                    return folder.FullName;
            }
            throw new DirectoryNotFoundException("no IpVlanWin.sln above " + AppContext.BaseDirectory);
        }
    }

    private static string Publish()
    {
        if (Environment.GetEnvironmentVariable("IPVLANWIN_PUBLISHED") is { Length: > 0 } given)
            return given;
        var folder = Directory.CreateTempSubdirectory("ipvlanwin-published").FullName;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(folder, recursive: true);
        Publish(Path.Combine("installer", "publish.proj"), folder);
        Publish(Path.Combine("tests", "wine", "publish.proj"), Path.Combine(folder, "probes"));
        return folder;
    }

    private static void Publish(string project, string to)
    {
        var start = new ProcessStartInfo(
            Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", ["msbuild", Path.Combine(Root, project), $"-p:To={to}", "-m:2", "-v:q", "-nologo"]);
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        // Those of the test host would have MSBuild look for its tasks beside the tests.
        start.Environment.Remove("MSBuildSDKsPath");
        start.Environment.Remove("MSBUILD_EXE_PATH");
        using var process = Process.Start(start)!;
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw new IOException($"{project}: exit status {process.ExitCode}");
    }
}
