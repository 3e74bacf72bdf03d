using IpVlanWin.Setup;
using WixSharp;
using IO = System.IO;

namespace IpVlanWin.Installer.Tests;

/// <summary>Every row of the tables is what it must be. IPVLANWIN_GOLDEN=FOLDER writes the files anew, for git to show what changed.</summary>
[TestClass]
public sealed class TableTests
{
    private static readonly string[] s_tables =
    [
        "AdminExecuteSequence", "AdminUISequence", "AdvtExecuteSequence", "AppSearch", "Component", "CreateFolder", "CustomAction", "Directory", "Environment",
        "Feature", "FeatureComponents", "File", "InstallExecuteSequence", "InstallUISequence", "LaunchCondition", "Media", "MsiFileHash",
        "MsiLockPermissionsEx", "Property", "RegLocator", "Registry", "ServiceControl", "ServiceInstall", "Signature", "Upgrade",
    ];

    [TestMethod]
    public void Every_table_is_as_it_must_be()
    {
        SmallProduct.NeedTools();
        using var product = new SmallProduct();
        var msi = product.Build();
        var tables = SmallProduct.Output("msiinfo", "tables", msi).Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Where(table => !table.StartsWith('_')).Order(StringComparer.Ordinal).ToArray();
        CollectionAssert.AreEqual(s_tables, tables);
        foreach (var table in s_tables)
        {
            var golden = IO.Path.Combine(AppContext.BaseDirectory, "Golden", table + ".txt");
            var rows = SmallProduct.Rows(msi, table);
            if (Environment.GetEnvironmentVariable("IPVLANWIN_GOLDEN") is { } folder)
                IO.File.WriteAllLines(golden = IO.Path.Combine(folder, table + ".txt"), rows);
            CollectionAssert.AreEqual(IO.File.ReadAllLines(golden), rows, $"{table}:\n{string.Join('\n', rows)}");
        }
    }

    [TestMethod]
    public void The_same_files_give_the_same_bytes_wherever_and_whenever()
    {
        SmallProduct.NeedTools();
        using var one = new SmallProduct();
        using var other = new SmallProduct();
        foreach (var path in IO.Directory.EnumerateFiles(other.Path("."), "*", IO.SearchOption.AllDirectories))
            IO.File.SetLastWriteTimeUtc(path, new DateTime(2031, 5, 6, 7, 8, 9, DateTimeKind.Utc));
        var first = IO.File.ReadAllBytes(one.Build());
        CollectionAssert.AreEqual(first, IO.File.ReadAllBytes(other.Build()));
        other.Put("programs/ipvlan.exe", "command lime");
        CollectionAssert.AreNotEqual(first, IO.File.ReadAllBytes(other.Build()));
    }

    [TestMethod]
    public void Another_content_is_another_package()
    {
        SmallProduct.NeedTools();
        using var product = new SmallProduct();
        var before = Revision(product.Build());
        product.Put("module/IpVlan.psd1", "manifesto");
        Assert.AreNotEqual(before, Revision(product.Build()));

        static string Revision(string msi) => SmallProduct.Output("msiinfo", "suminfo", msi).Split('\n').Single(line => line.StartsWith("Revision number", StringComparison.Ordinal));
    }

    [TestMethod]
    public void The_files_come_out_of_the_cabinet_as_they_went_in()
    {
        SmallProduct.NeedTools();
        using var product = new SmallProduct();
        var msi = product.Build();
        SmallProduct.Output("msiextract", "-C", product.Path("extracted"), msi);
        var programs = product.Path("extracted/PFiles64/IpVlanWin");
        Assert.IsTrue(IO.Directory.Exists(programs), string.Join('\n', IO.Directory.EnumerateFileSystemEntries(product.Path("extracted"), "*", IO.SearchOption.AllDirectories)));
        Assert.AreEqual("service", IO.File.ReadAllText(IO.Path.Combine(programs, "ipvlansvc.exe")));
    }

    /// <summary>
    /// What they add to each table is what it must be: the driver off unless asked for, WinDivert beside the program, which loads it from
    /// nowhere else; the driver in before the service starts, out before the program goes, and each taken back where something fails later.
    /// </summary>
    [TestMethod]
    public void Optional_features_are_there_only_with_their_files()
    {
        SmallProduct.NeedTools();
        using var product = new SmallProduct();
        product.Put("driver/ipvlan.inf", "inf");
        product.Put("driver/ipvlan.sys", "sys");
        product.Put("divert/WinDivert.dll", "dll");
        product.Input = product.Input with { Driver = product.Path("driver"), WinDivert = product.Path("divert") };
        var msi = product.Build();
        var differences = new List<string>();
        foreach (var table in s_tables)
        {
            var without = IO.File.ReadAllLines(IO.Path.Combine(AppContext.BaseDirectory, "Golden", table + ".txt"));
            var with = SmallProduct.Rows(msi, table);
            differences.AddRange(without.Except(with).Select(row => $"{table} - {row}"));
            differences.AddRange(with.Except(without).Select(row => $"{table} + {row}"));
        }
        var golden = IO.Path.Combine(AppContext.BaseDirectory, "Golden", "Optional.txt");
        if (Environment.GetEnvironmentVariable("IPVLANWIN_GOLDEN") is { } folder)
            IO.File.WriteAllLines(golden = IO.Path.Combine(folder, "Optional.txt"), differences);
        CollectionAssert.AreEqual(IO.File.ReadAllLines(golden), differences, string.Join('\n', differences));
    }

    [TestMethod]
    public void Identifiers_fit_and_differ()
    {
        var longName = new string('a', 70);
        Assert.AreEqual("f_licence_LICENSE.txt", Product.Id("licence/LICENSE.txt"));
        Assert.IsTrue(Product.Id(longName + "1.dll").Length <= 60);
        Assert.AreNotEqual(Product.Id(longName + "1.dll"), Product.Id(longName + "2.dll"));
        Assert.AreNotEqual(Product.ComponentGuid("a"), Product.ComponentGuid("b"));
        Assert.AreEqual(Product.ComponentGuid("a"), Product.ComponentGuid("a"));
    }

    /// <summary>What the Linux implementation does not know is an error that says what it does know.</summary>
    [TestMethod]
    [DataRow("platform", "Platform must be x64")]
    [DataRow("scope", "Scope must be perMachine")]
    [DataRow("ui", "UI must be WixUI_ProgressOnly")]
    [DataRow("upgrade", "MajorUpgrade must refuse downgrades")]
    [DataRow("version", "version 256.0.0 must be")]
    [DataRow("attribute", "attribute \"Component:Shared=yes\" is not known here; known are Component:Guid, Component:Permanent")]
    [DataRow("root", "the root \"%WindowsFolder%\" must be one of %ProgramFiles64Folder%, %CommonAppDataFolder%")]
    [DataRow("missing", "is not there")]
    [DataRow("feature", "belongs to no feature")]
    [DataRow("action", "runs file \"other.exe\", which the setup does not have")]
    [DataRow("step", "which is not in InstallExecuteSequence")]
    [DataRow("twice", "table Property has two rows")]
    [DataRow("text", "printable ASCII only")]
    public void What_is_not_known_is_refused(string what, string message)
    {
        using var product = new SmallProduct();
        var project = product.Describe();
        var file = project.Dirs[0].Dirs[0].Files[0];
        switch (what)
        {
            case "platform": project.Platform = Platform.arm64; break;
            case "scope": project.Scope = InstallScope.perUser; break;
            case "ui": project.UI = WUI.WixUI_Minimal; break;
            case "upgrade": project.MajorUpgrade.AllowDowngrades = true; break;
            case "version": project.Version = new Version(256, 0, 0); break;
            case "attribute": file.AttributesDefinition = "Component:Shared=yes"; break;
            case "root": project.Dirs = [new Dir("%WindowsFolder%")]; break;
            case "missing": file.Name = product.Path("nowhere.dll"); break;
            case "feature": file.Feature = null; break;
            case "action":
                project.Actions = [new InstalledFileAction(new Id("X"), "other.exe", "", Return.check, When.After, Step.InstallFiles, null) { Execute = Execute.deferred }];
                break;
            case "step": project.Actions = [new SetPropertyAction(new Id("X"), "A", "B", Return.check, When.After, new Step("Nowhere"), null)]; break;
            case "twice": project.Properties = [new Property("A", "1"), new Property("A", "2")]; break;
            default: project.Properties = [new Property("A", "\u00e4")]; break;
        }
        var fault = Assert.ThrowsExactly<SetupException>(() => Compiler.BuildMsi(project));
        StringAssert.Contains(fault.Message, message, StringComparison.Ordinal);
        Assert.IsFalse(IO.Directory.Exists(product.Path("out")), "nothing is left behind");
    }
}
