using IpVlanWin.Service.Lifetime;
using IpVlanWin.Service.Lifetime.Windows;

namespace IpVlanWin.Service.Tests.Lifetime;

/// <summary>The driver's package against a system that knows netcfg and pnputil as they are documented and refuses every other line.</summary>
[TestClass]
public sealed class DriverPackageTests
{
    private static readonly string[] s_files = ["ipvlan.inf", "ipvlan.sys", "ipvlan.cat"];

    [TestMethod]
    [DataRow(0, false)]
    [DataRow(0x4A020, true)]
    public void Package_is_put_in_and_taken_out_twice(int answer, bool isLate)
    {
        using var folder = Package();
        var system = new StrictSystem(folder.Path) { NetcfgAnswer = answer };
        var driver = new DriverPackage(system);
        Assert.AreEqual(isLate, driver.Install(folder.Path));
        Assert.AreEqual(isLate, driver.Install(folder.Path), "again");
        Assert.IsTrue(system.IsRegistered);
        Assert.AreEqual(isLate, driver.Remove());
        Assert.IsFalse(system.IsRegistered);
        Assert.IsEmpty(system.FindPackages(DriverPackage.InstanceId));
        Assert.IsNull(driver.Remove(), "again");
    }

    [TestMethod]
    public void Package_that_stayed_in_the_store_is_deleted_alone()
    {
        using var folder = Package();
        var system = new StrictSystem(folder.Path);
        var driver = new DriverPackage(system);
        driver.Install(folder.Path);
        system.Forget();
        Assert.AreEqual(false, driver.Remove());
        Assert.IsEmpty(system.FindPackages(DriverPackage.InstanceId));
    }

    [TestMethod]
    [DataRow("ipvlan.inf")]
    [DataRow("ipvlan.sys")]
    [DataRow("ipvlan.cat")]
    public void Folder_without_a_file_is_refused_before_anything_is_run(string missing)
    {
        using var folder = Package();
        File.Delete(Path.Combine(folder.Path, missing));
        var system = new StrictSystem(folder.Path);
        var fault = Assert.ThrowsExactly<WindowsErrorException>(() => new DriverPackage(system).Install(folder.Path));
        Assert.AreEqual($"there is no {missing} in {folder.Path}; give the folder of the driver's package (ipvlan.inf, ipvlan.sys, ipvlan.cat) with --driver", fault.Message);
        Assert.AreEqual(0, system.Runs);
    }

    [TestMethod]
    public void Refusal_is_told_with_code_and_words()
    {
        using var folder = Package();
        var system = new StrictSystem(folder.Path) { NetcfgAnswer = unchecked((int)0x800F0243), NetcfgText = "Trying to install...\r\n... failed. Error code: 0x800f0243.\r\n" };
        var fault = Assert.ThrowsExactly<WindowsErrorException>(() => new DriverPackage(system).Install(folder.Path));
        Assert.AreEqual("the filter driver was not put in: netcfg ended with 800f0243 (... failed. Error code: 0x800f0243.); %SystemRoot%\\INF\\setupapi.dev.log says more", fault.Message);
    }

    [TestMethod]
    public void Numbers_are_those_of_the_inf()
    {
        var root = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(root, "IpVlanWin.sln")))
            root = Path.GetDirectoryName(root) ?? throw new AssertFailedException("not below the solution");
        var inf = File.ReadAllText(Path.Combine(root, "driver", "inf", "ipvlan.inf"));
        StringAssert.Contains(inf, $"\"{DriverPackage.InstanceId}\"");
        StringAssert.Contains(inf, $"%Description% = Install, {DriverPackage.ComponentId}\n");
        StringAssert.Contains(inf, "AddService = ipvlan,");
    }

    [TestMethod]
    public void Lines_are_understood()
    {
        Assert.AreEqual(Path.GetFullPath("x"), CommandLine.Parse(["install-driver", "--driver", "x"]).DriverFolder);
        Assert.AreEqual(Path.Combine(AppContext.BaseDirectory, "driver"), CommandLine.Parse(["install-driver"]).DriverFolder);
        Assert.AreEqual("unknown option \"--driver\": must be --service-name", Assert.ThrowsExactly<SettingsException>(() => CommandLine.Parse(["repair", "--driver", "x"])).Message);
        if (OperatingSystem.IsWindows())
            return;
        using var errors = new StringWriter { NewLine = "\n" };
        Assert.AreEqual(ExitStatus.Refused, ServiceVerbs.Run(CommandLine.Parse(["remove-driver"]), TextWriter.Null, errors));
        Assert.AreEqual("ipvlansvc: \"remove-driver\" is for Windows; on Linux the data path linux needs no driver\n", errors.ToString());
    }

    private static TestFolder Package()
    {
        var folder = new TestFolder();
        foreach (var file in s_files)
            File.WriteAllText(Path.Combine(folder.Path, file), file);
        return folder;
    }

    /// <summary>netcfg: -v -l INF -c s -i ID puts in, -v -u ID takes out. pnputil: /delete-driver OEMINF, refused while a component uses it.</summary>
    private sealed class StrictSystem(string folder) : IDriverSystem
    {
        private readonly List<string> _store = ["oem3.inf"];
        private bool _isIn;

        public int NetcfgAnswer { get; init; }

        public string NetcfgText { get; init; } = "";

        public int Runs { get; private set; }

        public bool IsRegistered => _isIn;

        public IReadOnlyList<string> FindPackages(string text) => text == DriverPackage.InstanceId ? [.. _store.Where(static one => one != "oem3.inf")] : throw new AssertFailedException(text);

        public void Forget() => _isIn = false;

        public ToolResult Run(string program, IReadOnlyList<string> arguments)
        {
            Runs++;
            switch (program, string.Join('|', arguments))
            {
                case ("netcfg.exe", var line) when line == $"-v|-l|{Path.Combine(folder, "ipvlan.inf")}|-c|s|-i|ipvlanwin":
                    if (NetcfgAnswer is not (0 or 0x4A020))
                        return new ToolResult(NetcfgAnswer, NetcfgText);
                    _isIn = true;
                    if (!_store.Contains("oem7.inf"))
                        _store.Add("oem7.inf");
                    return new ToolResult(NetcfgAnswer, "... done.");
                case ("netcfg.exe", "-v|-u|ipvlanwin"):
                    Assert.IsTrue(_isIn, "nothing to take out");
                    _isIn = false;
                    return new ToolResult(NetcfgAnswer, "... done.");
                case ("pnputil.exe", var line) when line.StartsWith("/delete-driver|", StringComparison.Ordinal):
                    Assert.IsFalse(_isIn, "in use");
                    return new ToolResult(_store.Remove(line[(line.IndexOf('|', StringComparison.Ordinal) + 1)..]) ? 0 : 2, "");
                default:
                    throw new AssertFailedException($"{program} {string.Join(' ', arguments)}");
            }
        }
    }
}
