using IpVlanWin.WineBed;
using IO = System.IO;

namespace IpVlanWin.Installer.Tests;

/// <summary>
/// What an administrator does with the MSI, done under Wine: its msiexec, its service manager, its registry. msiexec's exit status is the
/// low byte: 67 is 1603, an installation that is refused; 91 is 1627, one in which an action failed.
/// </summary>
[TestClass]
public sealed class WineMatrixTests
{
    private const int Failed = 1603 & 0xff;
    private const int ActionFailed = 1627 & 0xff;
    private const string EnvironmentKey = @"HKLM\System\CurrentControlSet\Control\Session Manager\Environment";

    private WinePrefix _wine = null!;

    private string Programs => IO.Path.Combine(_wine.DriveC, "Program Files", "IpVlanWin");

    private string Module => IO.Path.Combine(_wine.DriveC, "Program Files", "WindowsPowerShell", "Modules", "IpVlan");

    private string Data => IO.Path.Combine(_wine.DriveC, "ProgramData", "IpVlanWin");

    [ClassCleanup]
    public static void EndAll() => WineSetup.Remove();

    [TestInitialize]
    public void Begin()
    {
        SmallProduct.NeedTools();
        if (WinePrefix.Missing is { } reason)
            Assert.Inconclusive(reason);
        _wine = WinePrefix.Create();
    }

    [TestCleanup]
    public void End() => _wine?.Dispose();

    [TestMethod]
    public void Installed_repaired_upgraded_and_removed()
    {
        // Installed: the service runs and answers, and everything is in its place.
        Install(WineSetup.One);
        Answers();
        Assert.IsTrue(IO.File.Exists(IO.Path.Combine(Module, "IpVlan.psd1")), "the module");
        Assert.IsTrue(IO.File.Exists(IO.Path.Combine(Programs, "LICENSE.txt")), "the licence");
        StringAssert.Contains(Registry(EnvironmentKey, "PATH"), @"C:\Program Files\IpVlanWin", StringComparison.OrdinalIgnoreCase);
        StringAssert.Contains(Registry(@"HKLM\System\CurrentControlSet\Services\EventLog\Application\IpVlanWin", "TypesSupported"), "0x7", StringComparison.Ordinal);
        StringAssert.Contains(Registry(@"HKLM\System\CurrentControlSet\Services\IpVlanWin", "ImagePath"), "\"C:\\Program Files\\IpVlanWin\\ipvlansvc.exe\"", StringComparison.OrdinalIgnoreCase);
        Ipvlan("link", "add", "link", "eth0", "kept0", "type", "ipvlan", "mode", "l2");
        Ipvlan("addr", "add", "192.0.2.7/24", "dev", "kept0");

        // The same again repairs what is missing or damaged.
        IO.File.Delete(IO.Path.Combine(Programs, "ipvlan.deps.json"));
        IO.File.WriteAllText(IO.Path.Combine(Module, "IpVlan.psd1"), "damaged");
        Install(WineSetup.One);
        Assert.IsTrue(IO.File.Exists(IO.Path.Combine(Programs, "ipvlan.deps.json")), "repaired");
        CollectionAssert.AreEqual(IO.File.ReadAllBytes(IO.Path.Combine(Published.Module, "IpVlan.psd1")), IO.File.ReadAllBytes(IO.Path.Combine(Module, "IpVlan.psd1")));
        StateIsKept();

        // An upgrade keeps the state and the settings that somebody edited.
        IO.File.WriteAllText(IO.Path.Combine(Data, "appsettings.json"), "{ }\n\n");
        Install(WineSetup.Two);
        StateIsKept();
        Assert.AreEqual("{ }\n\n", IO.File.ReadAllText(IO.Path.Combine(Data, "appsettings.json")));
        Assert.AreEqual("1.1.0", InstalledVersions());

        // Removed: nothing is left but the data.
        Remove(WineSetup.Two);
        NothingIsLeft();
        Assert.IsTrue(IO.File.Exists(IO.Path.Combine(Data, "state.db")), "the state is kept");
        Assert.AreEqual("{ }\n\n", IO.File.ReadAllText(IO.Path.Combine(Data, "appsettings.json")));

        // Which a new installation takes up.
        Install(WineSetup.Two);
        StateIsKept();

        // A downgrade is refused and changes nothing. Not right after the upgrade: there Wine forgets the new product's upgrade code with the old's.
        Assert.AreEqual(Failed, Msiexec("/i", WineSetup.One).Status);
        StateIsKept();
        Assert.AreEqual("1.1.0", InstalledVersions());

        // With REMOVEDATA=1 nothing at all is left.
        Remove(WineSetup.Two, "REMOVEDATA=1");
        NothingIsLeft();
        Assert.IsFalse(IO.Directory.Exists(Data), "the data is gone");
    }

    [TestMethod]
    public void Features_that_are_not_asked_for_are_not_there()
    {
        Install(WineSetup.One, "ADDLOCAL=Service");
        Answers();
        Assert.IsFalse(IO.Directory.Exists(Module), "the module");
        Assert.IsFalse(Registry(EnvironmentKey, "PATH").Contains("IpVlanWin", StringComparison.OrdinalIgnoreCase), "the PATH");
    }

    [TestMethod]
    public void The_driver_comes_and_goes_with_its_feature()
    {
        // That a failed installation takes the driver out again only the tables show: Wine rolls back in the order of installing, when the
        // program that would do it is gone already.
        PutNetcfg();
        Install(WineSetup.One, "ADDLOCAL=Service");
        Assert.IsFalse(HasDriver(), "off unless asked for");
        Install(WineSetup.One, "ADDLOCAL=Driver");
        StringAssert.Contains(Registry(DriverKey, "InfPath"), @"C:\Program Files\IpVlanWin\driver\ipvlan.inf", StringComparison.OrdinalIgnoreCase);
        // An upgrade keeps it on Windows, where the old product knows that it is upgraded (UPGRADINGPRODUCTCODE); Wine does not tell it.
        Remove(WineSetup.One);
        Assert.IsFalse(HasDriver(), "gone with the product");
        NothingIsLeft();
    }

    [TestMethod]
    public void Another_folder_is_remembered()
    {
        Install(WineSetup.One, @"INSTALLDIR=C:\Elsewhere");
        Assert.IsTrue(IO.File.Exists(IO.Path.Combine(_wine.DriveC, "Elsewhere", "ipvlansvc.exe")));
        Install(WineSetup.Two);
        Assert.IsTrue(IO.File.Exists(IO.Path.Combine(_wine.DriveC, "Elsewhere", "ipvlansvc.exe")));
        Assert.IsFalse(IO.Directory.Exists(Programs));
    }

    [TestMethod]
    public void An_old_Windows_is_refused()
    {
        _wine.Run("winecfg", "/v", "win81");
        Assert.AreEqual(Failed, Msiexec("/i", WineSetup.One).Status);
        NothingIsLeft();
    }

    /// <summary>Before the service starts, and after it.</summary>
    [TestMethod]
    [DataRow(5801)]
    [DataRow(5901)]
    public void A_failed_installation_is_rolled_back(int sequence)
    {
        Assert.AreEqual(ActionFailed, Msiexec("/i", WineSetup.Failing(sequence)).Status);
        NothingIsLeft();
        // And does not stand in the way of the next.
        Install(WineSetup.One);
        Answers();
    }

    [TestMethod]
    public void After_a_killed_installation_the_next_one_converges()
    {
        using (var process = _wine.Start("msiexec", "/i", WinePrefix.WindowsPath(WineSetup.One), "/qn"))
        {
            // In the midst of copying: the first files are there.
            var until = DateTime.UtcNow + TimeSpan.FromMinutes(2);
            while (!IO.File.Exists(IO.Path.Combine(Programs, "IpVlanWin.Engine.dll")))
            {
                Assert.IsTrue(DateTime.UtcNow < until && !process.HasExited, "the installation did not begin");
                Thread.Yield();
            }
            _wine.PowerOff();
            process.WaitForExit();
        }
        Install(WineSetup.One);
        Answers();
        Assert.IsTrue(IO.File.Exists(IO.Path.Combine(Programs, "ipvlan.deps.json")));

        // And the product's own command mends a service that is gone.
        var service = IO.Path.Combine(@"C:\Program Files\IpVlanWin", "ipvlansvc.exe").Replace('/', '\\');
        Assert.AreEqual(0, _wine.Run(service, "uninstall").Status);
        Assert.AreNotEqual(0, _wine.Run("reg", "query", @"HKLM\System\CurrentControlSet\Services\IpVlanWin").Status);
        var repaired = _wine.Run(service, "repair");
        Assert.AreEqual(0, repaired.Status, repaired.All);
        Answers();
    }

    private const string DriverKey = @"HKLM\System\CurrentControlSet\Services\ipvlan";

    private bool HasDriver() => _wine.Run("reg", "query", DriverKey).Status == 0;

    /// <summary>Wine has no netcfg.</summary>
    private void PutNetcfg()
    {
        const string Compiler = "x86_64-w64-mingw32-gcc";
        if (!Environment.GetEnvironmentVariable("PATH")!.Split(':').Any(folder => IO.File.Exists(IO.Path.Combine(folder, Compiler))))
            Assert.Inconclusive($"needs {Compiler} (Debian: gcc-mingw-w64-x86-64-win32)");
        SmallProduct.Output(
            Compiler, "-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-o", IO.Path.Combine(_wine.DriveC, "windows", "system32", "netcfg.exe"),
            IO.Path.Combine(AppContext.BaseDirectory, "Fakes", "netcfg.c"), "-ladvapi32");
    }

    private Ended Msiexec(string verb, string msi, params string[] properties) =>
        _wine.Run("msiexec", [verb, WinePrefix.WindowsPath(msi), "/qn", .. properties]);

    private void Install(string msi, params string[] properties)
    {
        var ended = Msiexec("/i", msi, properties);
        Assert.AreEqual(0, ended.Status, ended.All);
    }

    private void Remove(string msi, params string[] properties)
    {
        var ended = Msiexec("/x", msi, properties);
        Assert.AreEqual(0, ended.Status, ended.All);
    }

    private string Ipvlan(params string[] arguments)
    {
        var ended = _wine.Run(@"C:\Program Files\IpVlanWin\ipvlan.exe", arguments);
        Assert.AreEqual(0, ended.Status, $"ipvlan {string.Join(' ', arguments)}: {ended.All}");
        return ended.Output;
    }

    private void Answers() => Ipvlan("link", "show");

    private void StateIsKept() => StringAssert.Contains(Ipvlan("addr", "show", "dev", "kept0"), "192.0.2.7/24", StringComparison.Ordinal);

    private string Registry(string key, string value) => _wine.Run("reg", "query", key, "/v", value).Output;

    private string InstalledVersions() => string.Join(", ", _wine.Run("reg", "query", @"HKLM\Software\Microsoft\Windows\CurrentVersion\Uninstall", "/s").Output
        .Split('\n').Where(line => line.Contains("DisplayVersion", StringComparison.Ordinal)).Select(line => line.Trim().Split(' ')[^1]).Where(version => version.StartsWith("1.", StringComparison.Ordinal)));

    private void NothingIsLeft()
    {
        // Libraries that the service had loaded, whose process is still ending when Wine has seen it stop: Windows removes those at its next
        // start. The setup has some 200 of them.
        var left = IO.Directory.Exists(Programs) ? IO.Directory.GetFiles(Programs) : [];
        Assert.IsLessThan(100, left.Count(path => path.EndsWith(".dll", StringComparison.Ordinal)), string.Join('\n', left));
        Assert.IsEmpty(left.Where(path => !path.EndsWith(".dll", StringComparison.Ordinal)));
        Assert.IsFalse(IO.Directory.Exists(Module), "the module");
        Assert.AreNotEqual(0, _wine.Run("reg", "query", @"HKLM\System\CurrentControlSet\Services\IpVlanWin").Status, "the service");
        Assert.AreNotEqual(0, _wine.Run("reg", "query", @"HKLM\System\CurrentControlSet\Services\EventLog\Application\IpVlanWin").Status, "the event source");
        Assert.IsFalse(Registry(EnvironmentKey, "PATH").Contains("IpVlanWin", StringComparison.OrdinalIgnoreCase), "the PATH");
        Assert.AreEqual("", InstalledVersions());
    }
}
