using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;

namespace WixSharp.Msi;

/// <summary>Makes an MSI of a project: tables by msibuild, one embedded cabinet by gcab. The same project and files give the same bytes.</summary>
internal static class Package
{
    private const string CabinetName = "product.cab";

    // Times of files in the cabinet and of the summary information: nobody's, so that a build does not depend on its hour.
    private static readonly DateTime s_time = new(2000, 1, 1, 0, 0, 0, DateTimeKind.Utc);

    public static string Write(Project project)
    {
        var tables = new TableBuilder(project).Build(out var files);
        var folder = Directory.CreateTempSubdirectory("ipvlanwin-msi");
        try
        {
            var path = Path.GetFullPath(Path.Combine(project.OutDir ?? ".", project.OutFileName + ".msi"));
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            System.IO.File.Delete(path);
            var cabinet = WriteCabinet(folder.FullName, files);
            var imports = tables.Used.Select(table => table.Write(folder.FullName)).ToList();
            imports.Add(WriteSummary(folder.FullName, project, PackageCode(imports, cabinet)));
            foreach (var import in imports)
                Tool.Run("msibuild", path, "-i", import);
            Tool.Run("msibuild", path, "-a", CabinetName, cabinet);
            return path;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>Two packages with one code must be the same package (Microsoft Learn, "Package codes"): so it comes of the content.</summary>
    private static Guid PackageCode(IEnumerable<string> tables, string cabinet)
    {
        var content = new StringBuilder();
        foreach (var path in tables.Append(cabinet))
            content.Append(Path.GetFileName(path)).Append(' ').AppendJoin(',', FileFacts.Hash(path)).Append('\n');
        return NameGuid.Create(Guid.Parse("5f7a2a55-36f5-4f37-8ad4-f4f5ce4f9a52"), content.ToString());
    }

    private static string WriteCabinet(string folder, IReadOnlyList<(string Key, string Source)> files)
    {
        var staging = Directory.CreateDirectory(Path.Combine(folder, "files")).FullName;
        var cabinet = Path.Combine(folder, CabinetName);
        foreach (var (key, source) in files)
        {
            var copy = Path.Combine(staging, key);
            System.IO.File.Copy(source, copy);
            System.IO.File.SetAttributes(copy, FileAttributes.Normal);
            System.IO.File.SetLastWriteTimeUtc(copy, s_time);
        }
        Tool.RunIn(staging, "gcab", ["-c", "-z", "-n", cabinet, .. files.Select(file => file.Key)]);
        return cabinet;
    }

    /// <summary>The summary information, imported like a table (Microsoft Learn, "Summary information property set").</summary>
    private static string WriteSummary(string folder, Project project, Guid packageCode)
    {
        var time = s_time.ToString("yyyy/MM/dd HH:mm:ss", System.Globalization.CultureInfo.InvariantCulture);
        var lines = new[]
        {
            "PropertyId\tValue", "i2\tl255", "_SummaryInformation\tPropertyId", "1\t1252", "2\tInstallation Database", $"3\t{project.Name}",
            $"4\t{project.ControlPanelInfo.Manufacturer}", "5\tInstaller", $"6\t{project.Description}", "7\tx64;1033", $"9\t{NameGuid.Text(packageCode)}",
            $"12\t{time}", $"13\t{time}", $"14\t{project.InstallerVersion}", "15\t2", $"18\t{project.Name}", "19\t2",
        };
        var path = Path.Combine(folder, "_SummaryInformation.idt");
        System.IO.File.WriteAllText(path, string.Concat(lines.Select(line => line + "\r\n")), Encoding.ASCII);
        return path;
    }
}
