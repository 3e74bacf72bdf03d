using System.Diagnostics;

namespace IpVlanWin.InstallerBuild;

/// <summary>Publishes what goes into the setup, to a folder that is given, or to one that is removed at the end.</summary>
internal sealed class Stage(Repository repository, string? given) : IDisposable
{
    private readonly DirectoryInfo _folder = given is null ? Directory.CreateTempSubdirectory("ipvlanwin-stage") : Directory.CreateDirectory(given);

    /// <summary>Service and command line for Windows x64 with the runtime, in one folder.</summary>
    public string PublishPrograms()
    {
        var target = Path.Combine(_folder.FullName, "programs");
        foreach (var project in new[] { "IpVlanWin.Service", "IpVlanWin.Cli" })
            Publish(project, target, "-r", "win-x64", "--self-contained");
        return target;
    }

    /// <summary>The PowerShell module's folder.</summary>
    public string PublishModule()
    {
        var target = Path.Combine(_folder.FullName, "module");
        Publish("IpVlanWin.PowerShell", target);
        return target;
    }

    public void Dispose()
    {
        if (given is null)
            _folder.Delete(recursive: true);
    }

    // No symbols and no paths of this machine in what is published: the same commit gives the same bytes anywhere.
    private void Publish(string project, string target, params string[] more)
    {
        var start = new ProcessStartInfo("dotnet",
        [
            "publish", Path.Combine(repository.Root, "src", project), "-c", "Release", "-o", target, "-v", "quiet", "-p:DebugType=none",
            "-p:ContinuousIntegrationBuild=true", "-p:PublishDocumentationFiles=false", "-p:PublishReferencesDocumentationFiles=false", "-p:RunAnalyzers=false", .. more,
        ]);
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        using var process = Process.Start(start)!;
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw new BuildException($"dotnet publish {project}: exit status {process.ExitCode}");
    }
}
