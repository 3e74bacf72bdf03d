using System;
using System.Collections.Generic;
using System.Linq;
using System.Xml.Linq;

namespace WixSharp;

public class Dir : WixEntity
{
    public Dir[] Dirs = [];
    public File[] Files = [];
    public IGenericEntity[] GenericItems = [];

    public Dir(string targetPath, params WixEntity[] items)
        : this(null, null, targetPath, items)
    {
    }

    public Dir(Id id, string targetPath, params WixEntity[] items)
        : this(id, null, targetPath, items)
    {
    }

    public Dir(Id id, Feature feature, string targetPath, params WixEntity[] items)
    {
        if (targetPath.AsSpan().ContainsAny('\\', '/'))
            throw new SetupException($"directory \"{targetPath}\" must be given level by level");
        Id = id;
        Feature = feature;
        Name = targetPath;
        Dirs = [.. items.OfType<Dir>()];
        Files = [.. items.OfType<File>()];
        GenericItems = [.. items.OfType<IGenericEntity>()];
        if (items.FirstOrDefault(item => item is not (Dir or File or IGenericEntity)) is { } other)
            throw new SetupException($"directory \"{targetPath}\" cannot hold a {other.GetType().Name}; it holds Dir, File and IGenericEntity");
    }

    internal bool IsInstallDir { get; init; }

    internal IEnumerable<Dir> WithAllBelow() => Dirs.SelectMany(below => below.WithAllBelow()).Prepend(this);
}

/// <summary>The folder that INSTALLDIR names.</summary>
public sealed class InstallDir : Dir
{
    public InstallDir(string targetPath, params WixEntity[] items)
        : base(new Id("INSTALLDIR"), targetPath, items) => IsInstallDir = true;
}

/// <summary>Where an entity of the setup's own adds the element that it stands for.</summary>
public sealed class ProcessingContext
{
    public XElement XParent;
}

public sealed class File : WixEntity
{
    public ServiceInstaller ServiceInstaller;
    public bool? NeverOverwrite;
    public Condition Condition;

    public File(Id id, Feature feature, string sourcePath, params WixEntity[] items)
    {
        Id = id;
        Feature = feature;
        Name = sourcePath;
        foreach (var item in items)
            ServiceInstaller = item as ServiceInstaller ?? throw new SetupException($"file \"{sourcePath}\" cannot hold a {item.GetType().Name}; it holds a ServiceInstaller");
    }
}

public enum SvcType
{
    ownProcess,
    shareProcess,
    kernelDriver,
    systemDriver,
}

public enum SvcStartType
{
    auto,
    demand,
    disabled,
    boot,
    system,
}

public enum SvcErrorControl
{
    ignore,
    normal,
    critical,
}

public enum SvcEventType
{
    install,
    uninstall,
    both,
}

/// <summary>When a service is started, stopped or removed, and whether Windows Installer waits for it.</summary>
public sealed class SvcEvent : WixEntity
{
    public SvcEventType Type;
    public bool? Wait;

    public static SvcEvent Install => new() { Type = SvcEventType.install, Wait = false };

    public static SvcEvent Install_Wait => new() { Type = SvcEventType.install, Wait = true };

    public static SvcEvent Uninstall_Wait => new() { Type = SvcEventType.uninstall, Wait = true };

    public static SvcEvent InstallUninstall_Wait => new() { Type = SvcEventType.both, Wait = true };
}

public sealed class ServiceInstaller : WixEntity
{
    public string DisplayName;
    public string Description;
    public SvcType Type = SvcType.ownProcess;
    public SvcStartType Start = SvcStartType.auto;
    public SvcErrorControl ErrorControl = SvcErrorControl.normal;
    public string Account;
    public string Arguments;
    public bool? Vital;
    public SvcEvent StartOn;
    public SvcEvent StopOn;
    public SvcEvent RemoveOn;
}
