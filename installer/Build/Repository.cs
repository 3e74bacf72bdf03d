using System.Xml.Linq;

namespace IpVlanWin.InstallerBuild;

/// <summary>The repository that this program was built from.</summary>
/// <param name="Root">Its folder.</param>
/// <param name="Version">The product's version, from Directory.Build.props.</param>
internal sealed record Repository(string Root, Version Version)
{
    /// <summary>Looks upwards from this program, then from the current folder.</summary>
    public static Repository Find()
    {
        foreach (var start in new[] { AppContext.BaseDirectory, Environment.CurrentDirectory })
        {
            for (var folder = new DirectoryInfo(start); folder is not null; folder = folder.Parent)
            {
                var properties = Path.Combine(folder.FullName, "Directory.Build.props");
                if (File.Exists(properties) && File.Exists(Path.Combine(folder.FullName, "IpVlanWin.sln")))
                    return new Repository(folder.FullName, Version.Parse(XDocument.Load(properties).Descendants("Version").First().Value));
            }
        }
        throw new BuildException("the repository is not found; run installer/build in it");
    }
}
