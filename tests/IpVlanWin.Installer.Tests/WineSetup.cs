using System.Diagnostics;
using IpVlanWin.WineBed;
using IO = System.IO;

namespace IpVlanWin.Installer.Tests;

/// <summary>The MSIs of the matrix, made once of the published programs: version 1, version 2, and version 1 with a failing action.</summary>
internal static class WineSetup
{
    private static readonly Lazy<string> s_folder = new(Make);

    public static string One => IO.Path.Combine(s_folder.Value, "IpVlanWin-1.0.0-x64.msi");

    public static string Two => IO.Path.Combine(s_folder.Value, "two", "IpVlanWin-1.1.0-x64.msi");

    /// <summary>Version 1, whose action fails before the service starts, or after it (at that number of the sequence).</summary>
    public static string Failing(int sequence)
    {
        var path = IO.Path.Combine(s_folder.Value, $"failing-{sequence}.msi");
        IO.File.Copy(One, path, overwrite: true);
        SmallProduct.Output("msibuild", path, "-q", "UPDATE `CustomAction` SET `Target` = 'no-such-verb' WHERE `Action` = 'SetRecovery'");
        SmallProduct.Output("msibuild", path, "-q", FormattableString.Invariant($"UPDATE `InstallExecuteSequence` SET `Sequence` = {sequence} WHERE `Action` = 'SetRecovery'"));
        return path;
    }

    /// <summary>Removes them. Not at the end of the process: a test host may be ended before it has done so.</summary>
    public static void Remove()
    {
        if (s_folder.IsValueCreated)
            IO.Directory.Delete(s_folder.Value, recursive: true);
    }

    private static string Make()
    {
        var folder = IO.Directory.CreateTempSubdirectory("ipvlanwin-matrix");
        Build(folder.FullName, "1.0.0");
        Build(IO.Path.Combine(folder.FullName, "two"), "1.1.0");
        return folder.FullName;
    }

    /// <summary>A driver's package in name only: the netcfg of these tests loads nothing.</summary>
    private static string Driver(string output)
    {
        var folder = IO.Directory.CreateDirectory(IO.Path.Combine(output, "driver")).FullName;
        foreach (var name in (string[])["ipvlan.inf", "ipvlan.sys", "ipvlan.cat"])
            IO.File.WriteAllText(IO.Path.Combine(folder, name), name);
        return folder;
    }

    private static void Build(string output, string version)
    {
        // The build program itself, as installer/build runs it.
        var start = new ProcessStartInfo("dotnet",
        [
            typeof(IpVlanWin.InstallerBuild.Repository).Assembly.Location, "--published", Published.Folder, "--version", version, "--output", output, "--driver", Driver(output),
        ]);
        using var process = Process.Start(start)!;
        process.WaitForExit();
        Assert.AreEqual(0, process.ExitCode, "installer/build");
    }
}
