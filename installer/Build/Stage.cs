using System.Diagnostics;

namespace IpVlanWin.InstallerBuild;

/// <summary>What installer/publish.proj makes, in a folder that is removed at the end.</summary>
internal sealed class Stage(Repository repository) : IDisposable
{
    private DirectoryInfo? _folder;

    /// <summary>Publishes; gives the folder with <c>programs</c> and <c>module</c> in it.</summary>
    public string Publish()
    {
        _folder = Directory.CreateTempSubdirectory("ipvlanwin-stage");
        var start = new ProcessStartInfo(
            "dotnet", ["msbuild", Path.Combine(repository.Root, "installer", "publish.proj"), $"-p:To={_folder.FullName}", "-v:quiet", "-nologo"]);
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        // Those of a program that runs this would have MSBuild look for its tasks beside it.
        start.Environment.Remove("MSBuildSDKsPath");
        start.Environment.Remove("MSBUILD_EXE_PATH");
        using var process = Process.Start(start)!;
        process.WaitForExit();
        return process.ExitCode == 0 ? _folder.FullName : throw new BuildException($"installer/publish.proj: exit status {process.ExitCode}");
    }

    public void Dispose() => _folder?.Delete(recursive: true);
}
