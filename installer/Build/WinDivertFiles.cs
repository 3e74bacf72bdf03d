
namespace IpVlanWin.InstallerBuild;

/// <summary>The files of WinDivert 2.2.2-A, which this repository does not hold: they are taken only if they are the very ones.</summary>
internal static class WinDivertFiles
{
    // SHA-256; null where any text will do.
    private static readonly (string Name, string? Sum)[] s_files =
    [
        ("WinDivert.dll", "c1e060ee19444a259b2162f8af0f3fe8c4428a1c6f694dce20de194ac8d7d9a2"),
        ("WinDivert64.sys", "8da085332782708d8767bcace5327a6ec7283c17cfb85e40b03cd2323a90ddc2"),
        ("LICENSE", null),
    ];

    /// <summary>Gives the folder back if it holds just these files.</summary>
    /// <exception cref="BuildException">A file is missing, is another one, or does not belong.</exception>
    public static string Check(string folder)
    {
        foreach (var (name, sum) in s_files)
        {
            var path = Path.Combine(folder, name);
            if (!File.Exists(path))
                throw new BuildException($"argument of \"--windivert\" must be a folder with {string.Join(", ", s_files.Select(file => file.Name))}; {folder} has no {name}");
            if (sum is not null && Contents.Sum(path) is var found && found != sum)
                throw new BuildException($"{path} has SHA-256 {found} and must have {sum} (WinDivert 2.2.2-A)");
        }
        var other = Directory.EnumerateFileSystemEntries(folder).FirstOrDefault(path => !s_files.Any(file => file.Name == Path.GetFileName(path)));
        return other is null ? folder : throw new BuildException($"{other} does not belong into the setup; the folder must hold {string.Join(", ", s_files.Select(file => file.Name))} and nothing else");
    }
}
