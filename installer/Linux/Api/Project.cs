using System;
using System.Collections.Generic;
using System.Linq;

namespace WixSharp;

public enum Platform
{
    x86,
    x64,
    arm64,
}

public enum InstallScope
{
    perMachine,
    perUser,
    perUserOrMachine,
}

public enum WUI
{
    WixUI_ProgressOnly,
    WixUI_Minimal,
}

public enum UpgradeSchedule
{
    afterInstallValidate,
    afterInstallInitialize,
    afterInstallExecute,
    afterInstallExecuteAgain,
    afterInstallFinalize,
}

public sealed class MajorUpgrade
{
    public bool? AllowDowngrades;
    public bool? AllowSameVersionUpgrades;
    public string DowngradeErrorMessage;
    public UpgradeSchedule? Schedule;
}

/// <summary>What "Programs and Features" shows.</summary>
public sealed class ProductInfo
{
    public string Manufacturer = Environment.UserName;

    public string Comments { get; set; }

    public string HelpLink { get; set; }

    public string UrlInfoAbout { get; set; }

    public bool? NoModify { get; set; }

    public bool? NoRepair { get; set; }
}

/// <summary>A product. Here it is always in one file with one cabinet, English, per machine.</summary>
public sealed class Project : WixEntity
{
    public string OutFileName = "setup";
    public string OutDir;
    public Platform? Platform;
    public Guid? UpgradeCode;
    public Guid? ProductId;
    public Version Version = new(1, 0, 0, 0);
    public InstallScope? Scope;
    public WUI UI = WUI.WixUI_Minimal;
    public string ReinstallMode = "omus";
    public int InstallerVersion = 200;
    public MajorUpgrade MajorUpgrade;
    public ProductInfo ControlPanelInfo = new();
    public string Description = "";
    public Dir[] Dirs = [];
    public Action[] Actions = [];
    public RegValue[] RegValues = [];
    public Property[] Properties = [];
    public EnvironmentVariable[] GenericItems = [];
    public List<LaunchCondition> LaunchConditions = [];

    public Project(string name, params WixObject[] items)
    {
        Name = name;
        OutFileName = name;
        Dirs = [.. items.OfType<Dir>()];
        Actions = [.. items.OfType<Action>()];
        RegValues = [.. items.OfType<RegValue>()];
        Properties = [.. items.OfType<Property>()];
        LaunchConditions = [.. items.OfType<LaunchCondition>()];
        GenericItems = [.. items.OfType<EnvironmentVariable>()];
        if (items.FirstOrDefault(item => item is not (Dir or Action or RegValue or Property or LaunchCondition or EnvironmentVariable)) is { } other)
        {
            throw new SetupException($"a project cannot hold a {other.GetType().Name}; it holds Dir, Action, RegValue, Property, LaunchCondition and EnvironmentVariable");
        }
    }
}

public enum CompilerSupportState
{
    Automatic,
    Enabled,
    Disabled,
}

public static class AutoElements
{
    /// <summary>Folders without anything in them are not made; only <c>Disabled</c> is known here.</summary>
    public static CompilerSupportState SupportEmptyDirectories = CompilerSupportState.Automatic;
}

public static class Compiler
{
    /// <summary>Makes the MSI and gives its path.</summary>
    /// <exception cref="SetupException">The setup asks for something that is not known here.</exception>
    public static string BuildMsi(Project project)
    {
        if (AutoElements.SupportEmptyDirectories != CompilerSupportState.Disabled)
            throw new SetupException("AutoElements.SupportEmptyDirectories must be Disabled");
        return Msi.Package.Write(project);
    }
}
