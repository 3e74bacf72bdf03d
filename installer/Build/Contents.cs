using System.Security.Cryptography;
using System.Text;
using IpVlanWin.Setup;

namespace IpVlanWin.InstallerBuild;

/// <summary>Sums over the files of a setup.</summary>
internal static class Contents
{
    /// <summary>The product code: two setups with the same files are the same product, others are upgrades of each other.</summary>
    public static Guid Code(Version version, IEnumerable<string> folders)
    {
        var list = new StringBuilder($"product {version.ToString(3)}\n");
        foreach (var folder in folders)
        {
            foreach (var path in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
                list.Append(Path.GetRelativePath(folder, path).Replace('\\', '/')).Append(' ').Append(Sum(path)).Append('\n');
        }
        return Product.ComponentGuid(list.ToString());
    }

    /// <summary>SHA256SUMS as sha256sum -c reads it.</summary>
    public static void WriteSums(string output, IEnumerable<string> paths) =>
        File.WriteAllText(Path.Combine(output, "SHA256SUMS"), string.Concat(paths.Select(path => $"{Sum(path)}  {Path.GetFileName(path)}\n")));

    /// <summary>SHA-256 in lower-case hexadecimal.</summary>
    public static string Sum(string path)
    {
        using var stream = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }
}
