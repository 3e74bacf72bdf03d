using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Xml.Linq;

namespace WixSharp.Msi;

/// <summary>Turns a project into tables. What it does not know is an error, never left out.</summary>
internal sealed class TableBuilder(Project project)
{
    private const int Is64Bit = 256;
    private const int HasRegistryKeyPath = 4;
    private const int IsPermanent = 16;
    private const int IsNeverOverwritten = 128;

    // English (United States), and the package's template says so.
    private const string Language = "1033";

    // Guids of components that are given none.
    private static readonly Guid s_components = Guid.Parse("bd0d29d5-7f54-4f5a-a8a5-86b0b92d4ef5");

    // With the names that an administrative installation gives them.
    private static readonly Dictionary<string, string> s_standardFolders = new(StringComparer.Ordinal)
    {
        ["ProgramFiles64Folder"] = "PFiles64",
        ["CommonAppDataFolder"] = "CommApp",
    };

    private readonly Schema _schema = new();
    private readonly List<(string Key, string Source)> _files = [];
    private readonly HashSet<Feature> _features = [];
    private readonly List<string> _secure = [];

    /// <summary>All tables, and the files in the order of the cabinet.</summary>
    public Schema Build(out IReadOnlyList<(string Key, string Source)> files)
    {
        CheckProject();
        _schema.Directory.Add("TARGETDIR", null, "SourceDir");
        foreach (var root in project.Dirs)
            AddRoot(root);
        foreach (var value in project.RegValues)
            AddRegistry(value);
        foreach (var variable in project.GenericItems)
            AddVariable(variable);
        _schema.Media.Add(1, _files.Count, null, "#product.cab", null, null);
        foreach (var condition in project.LaunchConditions)
            _schema.LaunchCondition.Add(condition.Value, condition.Message);
        var sequences = new Sequences();
        AddUpgrade(sequences);
        new ActionBuilder(project, _schema, sequences).Build();
        sequences.Write(_schema);
        AddProperties();
        files = _files;
        return _schema;
    }

    private void CheckProject()
    {
        if (project.Platform != Platform.x64)
            throw new SetupException("Platform must be x64");
        if (project.Scope != InstallScope.perMachine)
            throw new SetupException("Scope must be perMachine");
        if (project.UI != WUI.WixUI_ProgressOnly)
            throw new SetupException("UI must be WixUI_ProgressOnly");
        if (project.UpgradeCode is null || project.ProductId is null)
            throw new SetupException("UpgradeCode and ProductId must be given");
        if (project.Version is { Major: > 255 } or { Minor: > 255 } or { Build: < 0 or > 65535 })
            throw new SetupException($"version {project.Version} must be major.minor.build with at most 255.255.65535");
    }

    private void AddRoot(Dir root)
    {
        var name = root.Name.Trim('%');
        if (root.Name != $"%{name}%" || !s_standardFolders.TryGetValue(name, out var plain))
            throw new SetupException($"the root \"{root.Name}\" must be one of {string.Join(", ", s_standardFolders.Keys.Select(folder => $"%{folder}%"))}");
        _schema.Directory.Add(name, "TARGETDIR", plain);
        AddContent(root, name);
    }

    private void AddContent(Dir folder, string id)
    {
        var names = new ShortNames();
        foreach (var file in folder.Files)
            AddFile(file, id, names);
        foreach (var item in folder.GenericItems)
            AddGeneric(item, folder, id);
        foreach (var below in folder.Dirs)
        {
            _schema.Directory.Add(below.KnownId, id, names.Of(below.Name));
            AddContent(below, below.KnownId);
        }
    }

    private void AddFile(File file, string directory, ShortNames names)
    {
        if (!System.IO.File.Exists(file.Name))
            throw new SetupException($"file \"{file.Name}\" is not there");
        var attributes = file.ReadAttributes("Component:Guid", "Component:Permanent");
        var bits = Is64Bit;
        if (attributes.GetValueOrDefault("Component:Permanent") == "yes")
            bits |= IsPermanent;
        if (file.NeverOverwrite == true)
            bits |= IsNeverOverwritten;
        var key = file.KnownId;
        var component = AddComponent(file, key, directory, bits, file.Condition?.ToString(), key, attributes.GetValueOrDefault("Component:Guid"));
        var version = FileFacts.Version(file.Name);
        _files.Add((key, file.Name));
        var length = new FileInfo(file.Name).Length;
        _schema.File.Add(key, component, names.Of(Path.GetFileName(file.Name)), checked((int)length), version?.Number, version?.Languages, 512, _files.Count);
        if (version is null)
        {
            var hash = FileFacts.Hash(file.Name);
            _schema.MsiFileHash.Add(key, 0, hash[0], hash[1], hash[2], hash[3]);
        }
        if (file.ServiceInstaller is { } service)
            AddService(service, component);
    }

    private void AddService(ServiceInstaller service, string component)
    {
        var start = service.Start switch
        {
            SvcStartType.auto => 2,
            SvcStartType.demand => 3,
            SvcStartType.disabled => 4,
            _ => throw new SetupException($"a service's start must be auto, demand or disabled; {service.Start} is a driver's"),
        };
        if (service.Type != SvcType.ownProcess)
            throw new SetupException("a service's type must be ownProcess");
        const int Vital = 0x8000;
        _schema.ServiceInstall.Add(
            service.KnownId, service.Name, service.DisplayName ?? service.Name, 0x10, start, (service.ErrorControl switch
            {
                SvcErrorControl.ignore => 0,
                SvcErrorControl.normal => 1,
                _ => 3,
            }) | (service.Vital == true ? Vital : 0), null, null, service.Account, null, service.Arguments, component, service.Description);
        AddControl("Start", service.StartOn, service, component, install: 0x01, uninstall: 0x10);
        AddControl("Stop", service.StopOn, service, component, install: 0x02, uninstall: 0x20);
        AddControl("Remove", service.RemoveOn, service, component, install: 0x08, uninstall: 0x80);
    }

    private void AddControl(string kind, SvcEvent when, ServiceInstaller service, string component, int install, int uninstall)
    {
        if (when is null)
            return;
        var events = when.Type switch
        {
            SvcEventType.install => install,
            SvcEventType.uninstall => uninstall,
            _ => install | uninstall,
        };
        _schema.ServiceControl.Add(kind + service.KnownId, service.Name, events, null, when.Wait == true ? 1 : 0, component);
    }

    private void AddGeneric(IGenericEntity item, Dir folder, string directory)
    {
        if (item is not WixEntity entity)
            throw new SetupException($"{item.GetType().Name} must be a WixEntity");
        var place = new XElement("Directory");
        item.Process(new ProcessingContext { XParent = place });
        foreach (var component in Known(place, "Component"))
        {
            var id = AddComponent(entity, entity.KnownId, directory, Is64Bit, null, null, (string)component.Attribute("Guid"));
            foreach (var create in Known(component, "CreateFolder"))
            {
                _schema.CreateFolder.Add(directory, id);
                foreach (var permission in Known(create, "PermissionEx"))
                    _schema.MsiLockPermissionsEx.Add((string)permission.Attribute("Id"), directory, "CreateFolder", (string)permission.Attribute("Sddl"), null);
            }
        }
        if (folder.GenericItems.Length > 1)
            throw new SetupException($"directory \"{folder.Name}\" can hold one entity of the setup's own");
    }

    private static IEnumerable<XElement> Known(XElement parent, string name) =>
        parent.Elements().FirstOrDefault(element => element.Name != name) is { } other
            ? throw new SetupException($"element {other.Name} in {parent.Name} is not known here; known is {name}")
            : parent.Elements();

    private void AddRegistry(RegValue value)
    {
        var id = value.KnownId;
        var attributes = value.ReadAttributes("Component:Guid", "Type");
        var guid = attributes.GetValueOrDefault("Component:Guid");
        var isExpandable = attributes.TryGetValue("Type", out var type) && (type == "expandable" ? true : throw new SetupException($"registry value {id}: Type must be expandable or left out"));
        var component = AddComponent(value, id, "ProgramFiles64Folder", (value.Win64 == false ? 0 : Is64Bit) | HasRegistryKeyPath, null, id, guid);
        var text = value.Value switch
        {
            int number => FormattableString.Invariant($"#{number}"),
            // "Registry table": #% is an expandable text, ## a text that begins with #.
            string word => (isExpandable ? "#%" : word.StartsWith('#') ? "#" : "") + word,
            _ => throw new SetupException($"registry value {id} must be an int or a string"),
        };
        _schema.Registry.Add(id, value.Root.Number, value.Key, string.IsNullOrEmpty(value.Name) ? null : value.Name, text, component);
    }

    private void AddVariable(EnvironmentVariable variable)
    {
        var guid = variable.ReadAttributes("Component:Guid").GetValueOrDefault("Component:Guid");
        var component = AddComponent(variable, variable.KnownId, "INSTALLDIR", Is64Bit, null, null, guid);
        // A folder that is a key path must be one that its component makes ("Component table").
        _schema.CreateFolder.Add("INSTALLDIR", component);
        if (variable.Action != EnvVarAction.set)
            throw new SetupException("an environment variable's action must be set");
        // = sets, - takes away at removal, * is the machine's ("Environment table").
        var name = "=" + (variable.Permanent == true ? "" : "-") + (variable.System == true ? "*" : "") + variable.Name;
        var value = variable.Part switch
        {
            EnvVarPart.last => "[~];" + variable.Value,
            EnvVarPart.first => variable.Value + ";[~]",
            _ => variable.Value,
        };
        _schema.Environment.Add(variable.KnownId, name, value, component);
    }

    private string AddComponent(WixObject entity, string id, string directory, int bits, string condition, string keyPath, string guid)
    {
        var component = "Component." + id;
        var code = guid is null ? NameGuid.Create(s_components, component) : Guid.Parse(guid);
        _schema.Component.Add(component, NameGuid.Text(code), directory, bits, condition, keyPath);
        if (entity.ActualFeatures.Count == 0)
            throw new SetupException($"{entity.GetType().Name} {id} belongs to no feature");
        foreach (var feature in entity.ActualFeatures)
        {
            AddFeature(feature);
            _schema.FeatureComponents.Add(feature.KnownId, component);
        }
        return component;
    }

    private void AddFeature(Feature feature)
    {
        const int DisallowAbsent = 16;
        if (!_features.Add(feature))
            return;
        if (feature.Children.Count > 0)
            throw new SetupException($"feature {feature.Name}: features below a feature are not known here");
        _schema.Feature.Add(feature.KnownId, null, feature.Name, feature.Description, 2 * _features.Count, feature.IsEnabled ? 1 : 2, null, feature.AllowChange ? 0 : DisallowAbsent);
    }

    private void AddUpgrade(Sequences sequences)
    {
        const int MigrateFeatures = 1, OnlyDetect = 2, VersionMaxInclusive = 512;
        var upgrade = project.MajorUpgrade ?? throw new SetupException("MajorUpgrade must be given");
        if (upgrade.AllowDowngrades == true || upgrade.DowngradeErrorMessage is null || upgrade.Schedule != UpgradeSchedule.afterInstallExecute)
            throw new SetupException("MajorUpgrade must refuse downgrades with a DowngradeErrorMessage, and its Schedule be afterInstallExecute");
        var code = NameGuid.Text(project.UpgradeCode!.Value);
        var version = project.Version.ToString(3);
        _schema.Upgrade.Add(code, null, version, Language, MigrateFeatures | (upgrade.AllowSameVersionUpgrades == true ? VersionMaxInclusive : 0), null, "WIX_UPGRADE_DETECTED");
        _schema.Upgrade.Add(code, version, null, Language, OnlyDetect, null, "WIX_DOWNGRADE_DETECTED");
        _secure.AddRange(["WIX_DOWNGRADE_DETECTED", "WIX_UPGRADE_DETECTED"]);
        _schema.LaunchCondition.Add("NOT WIX_DOWNGRADE_DETECTED", upgrade.DowngradeErrorMessage);
        sequences.Place("InstallExecuteSequence", "RemoveExistingProducts", null, after: true, "InstallExecute");
    }

    private void AddProperties()
    {
        var info = project.ControlPanelInfo;
        Add("ProductName", project.Name);
        Add("ProductVersion", project.Version.ToString(3));
        Add("ProductCode", NameGuid.Text(project.ProductId!.Value));
        Add("UpgradeCode", NameGuid.Text(project.UpgradeCode!.Value));
        Add("Manufacturer", info.Manufacturer);
        Add("ProductLanguage", Language);
        Add("ALLUSERS", "1");
        Add("REINSTALLMODE", project.ReinstallMode);
        Add("ARPCOMMENTS", info.Comments);
        Add("ARPHELPLINK", info.HelpLink);
        Add("ARPURLINFOABOUT", info.UrlInfoAbout);
        Add("ARPNOMODIFY", info.NoModify == true ? "1" : null);
        Add("ARPNOREPAIR", info.NoRepair == true ? "1" : null);
        foreach (var property in project.Properties)
        {
            if (property.Hidden is not null)
                throw new SetupException($"property {property.Name}: Hidden is not known here");
            Add(property.Name, property.Value);
            if (property.Secure == true)
                _secure.Add(property.Name);
            if (property is not RegValueProperty search)
                continue;
            const int RawValue = 2, SixtyFour = 16;
            _schema.AppSearch.Add(search.Name, search.KnownId);
            _schema.RegLocator.Add(search.KnownId, search.Root.Number, search.Key, search.EntryName, RawValue | (search.Win64 ? SixtyFour : 0));
        }
        Add("SecureCustomProperties", string.Join(';', _secure.Order(StringComparer.Ordinal)));

        void Add(string name, string value)
        {
            if (!string.IsNullOrEmpty(value))
                _schema.Property.Add(name, value);
        }
    }
}
