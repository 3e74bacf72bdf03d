using System.Text;
using WixSharp;
using File = WixSharp.File;

namespace IpVlanWin.Setup;

/// <summary>The product, in WixSharp's API and nothing else. All identifiers are explicit, so that whoever compiles it makes the same product.</summary>
public static class Product
{
    /// <summary>The product's name, and the service's.</summary>
    public const string Name = "IpVlanWin";

    /// <summary>SYSTEM and Administrators, nothing inherited; what is made below inherits it.</summary>
    public const string DataSecurity = "O:SYG:SYD:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)";

    private const string Service = "ipvlansvc.exe";

    private static readonly Guid s_upgradeCode = Guid.Parse("7b0e6f0c-4a0f-4d5e-9d3c-52b1d2f5a601");

    /// <summary>Describes the product.</summary>
    public static Project Describe(SetupInput input)
    {
        AutoElements.SupportEmptyDirectories = CompilerSupportState.Disabled;
        var service = new Feature("Service", "The service, its settings and its state.", isEnabled: true, allowChange: false) { Id = "Service" };
        var cli = new Feature("Command line", "ipvlan, on the machine's PATH.", isEnabled: true, allowChange: true) { Id = "Cli" };
        var shell = new Feature("PowerShell module", "The module IpVlan.", isEnabled: true, allowChange: true) { Id = "PowerShell" };

        var items = new List<WixObject>
        {
            new Dir("%ProgramFiles64Folder%",
                new InstallDir(Name, [.. Programs(input, service), .. OptionalFolders(input)]),
                new Dir(new Id("WindowsPowerShell"), "WindowsPowerShell",
                    new Dir(new Id("Modules"), "Modules",
                        new Dir(new Id("IpVlanModule"), "IpVlan", Tree(shell, input.Module, "module"))))),
            new Dir("%CommonAppDataFolder%",
                new Dir(new Id("DATADIR"), Name,
                    new FolderSecurity(DataSecurity) { Id = "DataFolder", Feature = service },
                    new File(new Id("settings"), service, input.Settings)
                    {
                        NeverOverwrite = true,
                        AttributesDefinition = "Component:Guid=" + ComponentGuid("settings") + ";Component:Permanent=yes",
                    })),

            Value("EventSource", service, @"SYSTEM\CurrentControlSet\Services\EventLog\Application\IpVlanWin", "EventMessageFile", @"%SystemRoot%\System32\EventCreate.exe", ";Type=expandable"),
            Value("EventTypes", service, @"SYSTEM\CurrentControlSet\Services\EventLog\Application\IpVlanWin", "TypesSupported", 7),
            Value("InstallDir", service, @"SOFTWARE\IpVlanWin", "InstallDir", "[INSTALLDIR]"),
            Variable("Path", cli, "PATH", "[INSTALLDIR]"),

            // The folder of the installation before, unless the command line names one.
            new RegValueProperty(new Id("InstallDirSearch"), "IPVLANWIN_INSTALLDIR", RegistryHive.LocalMachine, @"SOFTWARE\IpVlanWin", "InstallDir") { Win64 = true },
            new SetPropertyAction(new Id("KeepInstallDir"), "INSTALLDIR", "[IPVLANWIN_INSTALLDIR]", Return.check, When.After, Step.AppSearch,
                "IPVLANWIN_INSTALLDIR AND NOT INSTALLDIR") { Sequence = Sequence.InstallExecuteSequence | Sequence.InstallUISequence },

            // The installer's own version number stops at 6.3.
            new RegValueProperty(new Id("BuildSearch"), "WINBUILD", RegistryHive.LocalMachine, @"SOFTWARE\Microsoft\Windows NT\CurrentVersion", "CurrentBuildNumber") { Win64 = true },
            new LaunchCondition("Installed OR (VersionNT64 AND WINBUILD >= 17763)", "IpVlanWin needs 64-bit Windows 10 1809, Windows Server 2019 or later."),

            // The same package again repairs.
            new SetPropertyAction(new Id("RepairAgain"), "REINSTALL", "ALL", Return.check, When.Before, Step.CostInitialize,
                "Installed AND NOT (REINSTALL OR REMOVE OR ADDLOCAL OR ADVERTISE OR ADDSOURCE OR ADDDEFAULT)") { Sequence = Sequence.InstallExecuteSequence | Sequence.InstallUISequence },

            new InstalledFileAction(new Id("SetRecovery"), Id(Service), "set-recovery", Return.check, When.After, Step.InstallServices, "&Service=3")
            {
                Execute = Execute.deferred,
                Impersonate = false,
            },
            // What interfaces left on the host: stand-ins, addresses, settings of the master. A removal does not fail for what it cannot take off.
            new InstalledFileAction(new Id("CleanHost"), Id(Service), "clean-host --data keep", Return.ignore, When.After, Step.DeleteServices,
                "REMOVE='ALL' AND NOT UPGRADINGPRODUCTCODE AND NOT REMOVEDATA=1")
            {
                Execute = Execute.deferred,
                Impersonate = false,
            },
            new InstalledFileAction(new Id("RemoveData"), Id(Service), "clean-host --data remove", Return.check, When.After, Step.DeleteServices,
                "REMOVE='ALL' AND NOT UPGRADINGPRODUCTCODE AND REMOVEDATA=1")
            {
                Execute = Execute.deferred,
                Impersonate = false,
            },
            new Property("REMOVEDATA", "0") { Secure = true },
            new Property("MSIRMSHUTDOWN", "1"),
            new Property("MSIDISABLERMRESTART", "1"),
#if WIXSHARP
            new Property("IPVLANWIN_MADE_BY", "WixSharp"),
#else
            new Property("IPVLANWIN_MADE_BY", "installer/Linux"),
#endif
        };

        if (input.Driver is not null)
            items.AddRange(DriverActions());
        return new Project(Name, [.. items])
        {
            OutDir = input.Output,
            OutFileName = $"IpVlanWin-{input.Version.ToString(3)}-x64",
            Platform = Platform.x64,
            Scope = InstallScope.perMachine,
            UI = WUI.WixUI_ProgressOnly,
            Version = input.Version,
            UpgradeCode = s_upgradeCode,
            ProductId = input.ProductCode,
            InstallerVersion = 500,
            ReinstallMode = "amus",
            Description = "Linux ipvlan for Windows",
            MajorUpgrade = new MajorUpgrade
            {
                AllowSameVersionUpgrades = true,
                DowngradeErrorMessage = "A later version of IpVlanWin is installed; remove it first.",
                Schedule = UpgradeSchedule.afterInstallExecute,
            },
            ControlPanelInfo = new ProductInfo { Manufacturer = Name, Comments = "Linux ipvlan for Windows", NoModify = true },
        };
    }

    /// <summary>An identifier of a file from its path below the folder that it comes from: letters, digits, dots and underscores only.</summary>
    public static string Id(string relativePath)
    {
        var text = new StringBuilder("f_");
        foreach (var character in relativePath.Replace('\\', '/'))
            text.Append(char.IsAsciiLetterOrDigit(character) || character == '.' ? character : '_');
        // Identifiers have 72 characters, of which a component's needs some in front.
        const int Most = 60;
        return text.Length <= Most ? text.ToString() : $"{text.ToString(0, Most - 9)}_{ComponentGuid(relativePath).ToString("N")[..8]}";
    }

    /// <summary>The guid of that name: the same in every build, so that an upgrade knows its own components again.</summary>
    public static Guid ComponentGuid(string name)
    {
        var hash = System.Security.Cryptography.SHA256.HashData(Encoding.UTF8.GetBytes($"{s_upgradeCode}/{name}")).AsSpan(0, 16);
        // Version 8 of RFC 9562: made by a rule of one's own.
        hash[6] = (byte)((hash[6] & 0x0f) | 0x80);
        hash[8] = (byte)((hash[8] & 0x3f) | 0x80);
        return new Guid(hash, bigEndian: true);
    }

    /// <summary>
    /// In before the service starts, so that it finds it; out when its feature goes, but not by the product before: an upgrade has it in anew
    /// by then.
    /// </summary>
    private static IEnumerable<WixObject> DriverActions()
    {
        yield return new InstalledFileAction(new Id("InstallDriver"), Id(Service), "install-driver", Return.check, When.Before, Step.StartServices,
            "&Driver=3", Id(Service), "remove-driver")
        {
            Execute = Execute.deferred,
            Impersonate = false,
        };
        yield return new InstalledFileAction(new Id("RemoveDriver"), Id(Service), "remove-driver", Return.check, When.Before, Step.RemoveFiles,
            "!Driver=3 AND &Driver=2 AND NOT UPGRADINGPRODUCTCODE", Id(Service), "install-driver")
        {
            Execute = Execute.deferred,
            Impersonate = false,
        };
    }

    private static IEnumerable<WixEntity> Programs(SetupInput input, Feature feature)
    {
        var items = Tree(feature, input.Programs, null);
        items.OfType<File>().Single(file => file.Id == Id(Service)).ServiceInstaller = new ServiceInstaller
        {
            Id = Name,
            Name = Name,
            DisplayName = Name,
            Description = "Virtual network interfaces that share the MAC address of one adapter, told apart by their IP addresses.",
            Start = SvcStartType.auto,
            Account = "LocalSystem",
            Vital = true,
            StartOn = SvcEvent.Install_Wait,
            StopOn = SvcEvent.InstallUninstall_Wait,
            RemoveOn = SvcEvent.Uninstall_Wait,
        };
        return items.Concat(Directory.EnumerateFiles(input.Licences).Order(StringComparer.Ordinal)
            .Select(path => NewFile(feature, path, "licence/" + Path.GetFileName(path))));
    }

    private static IEnumerable<WixEntity> OptionalFolders(SetupInput input)
    {
        if (input.Driver is not null)
        {
            var feature = new Feature("Driver", "The kernel filter.", isEnabled: false, allowChange: true) { Id = "Driver" };
            yield return new Dir(new Id("DriverFolder"), "driver", Tree(feature, input.Driver, "driver"));
        }
        if (input.WinDivert is not null)
        {
            var feature = new Feature("WinDivert", "The packet diversion driver of that name.", isEnabled: true, allowChange: true) { Id = "WinDivert" };
            // Beside the program, the only place from which it loads them.
            foreach (var item in Tree(feature, input.WinDivert, "windivert"))
                yield return item;
        }
    }

    /// <summary>Files and folders of a folder, in the order of their names.</summary>
    private static WixEntity[] Tree(Feature feature, string folder, string prefix)
    {
        string Below(string path) => prefix is null ? Path.GetFileName(path) : prefix + "/" + Path.GetFileName(path);
        return
        [
            .. Directory.EnumerateFiles(folder).Order(StringComparer.Ordinal).Select(path => NewFile(feature, path, Below(path))),
            .. Directory.EnumerateDirectories(folder).Order(StringComparer.Ordinal).Select(path =>
                new Dir(new Id(Id("d/" + Below(path))), Path.GetFileName(path), Tree(feature, path, Below(path)))),
        ];
    }

    private static File NewFile(Feature feature, string path, string name) =>
        new(new Id(Id(name)), feature, path) { AttributesDefinition = "Component:Guid=" + ComponentGuid(name) };

    private static RegValue Value(string id, Feature feature, string key, string name, object value, string more = "") =>
        new(new Id(id), feature, RegistryHive.LocalMachine, key, name, value) { Win64 = true, AttributesDefinition = "Component:Guid=" + ComponentGuid("registry/" + id) + more };

    private static EnvironmentVariable Variable(string id, Feature feature, string name, string value) =>
        new(new Id(id), feature, name, value) { System = true, Part = EnvVarPart.last, AttributesDefinition = "Component:Guid=" + ComponentGuid("variable/" + id) };
}
