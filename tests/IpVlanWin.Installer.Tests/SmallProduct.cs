using System.Diagnostics;
using IpVlanWin.Setup;
using WixSharp;
using IO = System.IO;

namespace IpVlanWin.Installer.Tests;

/// <summary>The product with a few small files in place of the programs, built into a folder of its own.</summary>
internal sealed class SmallProduct : IDisposable
{
    public static readonly Guid ProductCode = Guid.Parse("11111111-2222-4333-8444-555555555555");

    private readonly IO.DirectoryInfo _folder = IO.Directory.CreateTempSubdirectory("ipvlanwin-test");

    public SmallProduct()
    {
        Put("programs/ipvlansvc.exe", "service");
        Put("programs/ipvlan.exe", "command line");
        Put("programs/IpVlanWin.Protocol.dll", "library");
        Put("module/IpVlan.psd1", "manifest");
        Put("module/en-US/IpVlanWin.PowerShell.dll-Help.xml", "help");
        Put("settings/appsettings.json", "{}");
        Put("licences/LICENSE.txt", "MIT");
        Input = new SetupInput(
            new Version(1, 2, 3), ProductCode, Path("programs"), Path("module"), Path("settings/appsettings.json"), Path("licences"), Path("out"));
    }

    public SetupInput Input { get; set; }

    public Project Describe() => Product.Describe(Input);

    public string Build() => Compiler.BuildMsi(Describe());

    public string Path(string relative) => IO.Path.Combine(_folder.FullName, relative);

    public void Put(string relative, string content)
    {
        IO.Directory.CreateDirectory(IO.Path.GetDirectoryName(Path(relative))!);
        IO.File.WriteAllText(Path(relative), content);
    }

    public void Dispose() => _folder.Delete(recursive: true);

    public static void NeedTools()
    {
        foreach (var tool in new[] { "msibuild", "msiinfo", "gcab" })
        {
            if (!Environment.GetEnvironmentVariable("PATH")!.Split(':').Any(folder => IO.File.Exists(IO.Path.Combine(folder, tool))))
                Assert.Inconclusive($"needs {tool} (Debian: msitools, gcab)");
        }
    }

    /// <summary>What a program prints; it must succeed.</summary>
    public static string Output(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
        var text = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.AreEqual(0, process.ExitCode, $"{program} {string.Join(' ', arguments)}");
        return text;
    }

    /// <summary>The rows of a table, sorted, as msiinfo exports them.</summary>
    public static string[] Rows(string msi, string table) =>
        [.. Output("msiinfo", "export", msi, table).Replace("\r", "", StringComparison.Ordinal).TrimEnd('\n').Split('\n').Skip(3).Order(StringComparer.Ordinal)];
}
