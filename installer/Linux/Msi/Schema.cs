using System.Collections.Generic;
using System.Linq;

namespace WixSharp.Msi;

/// <summary>The tables that a setup of this kind has, with the columns of the database reference (Microsoft Learn, "Database tables").</summary>
internal sealed class Schema
{
    public Table Property { get; } = new("Property", 1, "Property s72", "Value l0");

    public Table Directory { get; } = new("Directory", 1, "Directory s72", "Directory_Parent S72", "DefaultDir l255");

    public Table Component { get; } = new("Component", 1, "Component s72", "ComponentId S38", "Directory_ s72", "Attributes i2", "Condition S255", "KeyPath S72");

    public Table File { get; } = new(
        "File", 1, "File s72", "Component_ s72", "FileName l255", "FileSize i4", "Version S72", "Language S20", "Attributes I2", "Sequence i4");

    public Table MsiFileHash { get; } = new("MsiFileHash", 1, "File_ s72", "Options i2", "HashPart1 i4", "HashPart2 i4", "HashPart3 i4", "HashPart4 i4");

    public Table Media { get; } = new("Media", 1, "DiskId i2", "LastSequence i4", "DiskPrompt L64", "Cabinet S255", "VolumeLabel S32", "Source S72");

    public Table Feature { get; } = new(
        "Feature", 1, "Feature s38", "Feature_Parent S38", "Title L64", "Description L255", "Display I2", "Level i2", "Directory_ S72", "Attributes i2");

    public Table FeatureComponents { get; } = new("FeatureComponents", 2, "Feature_ s38", "Component_ s72");

    public Table ServiceInstall { get; } = new(
        "ServiceInstall", 1, "ServiceInstall s72", "Name s255", "DisplayName L255", "ServiceType i4", "StartType i4", "ErrorControl i4", "LoadOrderGroup S255",
        "Dependencies S255", "StartName S255", "Password S255", "Arguments S255", "Component_ s72", "Description L255");

    public Table ServiceControl { get; } = new("ServiceControl", 1, "ServiceControl s72", "Name l255", "Event i2", "Arguments L255", "Wait I2", "Component_ s72");

    public Table Registry { get; } = new("Registry", 1, "Registry s72", "Root i2", "Key l255", "Name L255", "Value L0", "Component_ s72");

    public Table Environment { get; } = new("Environment", 1, "Environment s72", "Name l255", "Value L255", "Component_ s72");

    public Table Upgrade { get; } = new(
        "Upgrade", 5, "UpgradeCode s38", "VersionMin S20", "VersionMax S20", "Language S255", "Attributes i4", "Remove S255", "ActionProperty s72");

    public Table LaunchCondition { get; } = new("LaunchCondition", 1, "Condition s255", "Description l255");

    public Table AppSearch { get; } = new("AppSearch", 2, "Property s72", "Signature_ s72");

    /// <summary>Files to search for, of which there are none: searches look it up all the same.</summary>
    public Table Signature { get; } = new(
        "Signature", 1, "Signature s72", "FileName s255", "MinVersion S20", "MaxVersion S20", "MinSize I4", "MaxSize I4", "MinDate I4", "MaxDate I4", "Languages S255");

    public Table RegLocator { get; } = new("RegLocator", 1, "Signature_ s72", "Root i2", "Key s255", "Name S255", "Type I2");

    public Table CreateFolder { get; } = new("CreateFolder", 2, "Directory_ s72", "Component_ s72");

    public Table MsiLockPermissionsEx { get; } = new(
        "MsiLockPermissionsEx", 1, "MsiLockPermissionsEx s72", "LockObject s72", "Table s32", "SDDLText s0", "Condition S255");

    public Table CustomAction { get; } = new("CustomAction", 1, "Action s72", "Type i2", "Source S72", "Target S255", "ExtendedType I4");

    public Table InstallExecuteSequence { get; } = NewSequence("InstallExecuteSequence");

    public Table InstallUISequence { get; } = NewSequence("InstallUISequence");

    public Table AdminExecuteSequence { get; } = NewSequence("AdminExecuteSequence");

    public Table AdminUISequence { get; } = NewSequence("AdminUISequence");

    public Table AdvtExecuteSequence { get; } = NewSequence("AdvtExecuteSequence");

    /// <summary>Those that have rows, and what they need.</summary>
    public IEnumerable<Table> Used => new[]
    {
        Property, Directory, Component, File, MsiFileHash, Media, Feature, FeatureComponents, ServiceInstall, ServiceControl, Registry, Environment, Upgrade,
        LaunchCondition, AppSearch, Signature, RegLocator, CreateFolder, MsiLockPermissionsEx, CustomAction, InstallExecuteSequence, InstallUISequence,
        AdminExecuteSequence, AdminUISequence, AdvtExecuteSequence,
    }.Where(table => table.Rows.Count > 0 || (table == Signature && AppSearch.Rows.Count > 0));

    private static Table NewSequence(string name) => new(name, 1, "Action s72", "Condition S255", "Sequence I2");
}
