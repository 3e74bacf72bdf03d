using System;
using System.Collections.Generic;
using System.Linq;

namespace WixSharp;

/// <summary>Anything that a project is made of. <c>AttributesDefinition</c> is "Name=value;Name=value".</summary>
public abstract class WixObject
{
    public string AttributesDefinition { get; set; }

    public Feature Feature { internal get; set; }

    public Feature[] Features = [];

    internal IReadOnlyList<Feature> ActualFeatures => [.. Features.Append(Feature).Where(feature => feature is not null).Distinct()];

    /// <summary>The attributes that are known; another one is an error of the build.</summary>
    internal Dictionary<string, string> ReadAttributes(params string[] known)
    {
        var attributes = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var part in (AttributesDefinition ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries))
        {
            var at = part.IndexOf('=', StringComparison.Ordinal);
            var name = at < 0 ? part : part[..at].Trim();
            if (at < 0 || !known.Contains(name))
                throw new SetupException($"{GetType().Name}: attribute \"{part}\" is not known here; known are {string.Join(", ", known)}");
            attributes[name] = part[(at + 1)..].Trim();
        }
        return attributes;
    }
}

public abstract class WixEntity : WixObject
{
    public string Id { get; set; }

    public string Name = "";

    /// <summary>Explicit identifiers only: a generated one would differ between two implementations.</summary>
    internal string KnownId => !string.IsNullOrEmpty(Id)
        ? Id
        : throw new SetupException($"{GetType().Name} \"{Name}\" has no Id; give it one");
}

public sealed class Id(string value)
{
    public string Value = value;

    public static implicit operator string(Id id) => id?.Value;

    public override string ToString() => Value;
}

public sealed class Feature : WixEntity
{
    public bool IsEnabled = true;
    public bool AllowChange = true;
    public string Description = "";
    public List<Feature> Children = [];

    public Feature(string name, string description, bool isEnabled, bool allowChange)
    {
        Name = name;
        Description = description;
        IsEnabled = isEnabled;
        AllowChange = allowChange;
    }
}

/// <summary>A condition of Windows Installer; ' stands for ".</summary>
public sealed class Condition(string value) : WixEntity
{
    public string Value = value;

    public static readonly Condition Always = new("1");

    public static implicit operator Condition(string text) => new(text);

    public override string ToString() => Value.Replace('\'', '"');
}

public sealed class LaunchCondition(string value, string message) : WixEntity
{
    public string Value = value;
    public string Message = message;
}

public class Property : WixEntity
{
    public string Value = "";
    public bool? Secure;
    public bool? Hidden;

    public Property()
    {
    }

    public Property(string name, string value)
    {
        Name = name;
        Value = value;
    }
}

/// <summary>A property whose value is looked for in the registry before anything else is done.</summary>
public sealed class RegValueProperty : Property
{
    public RegistryHive Root;
    public string Key;
    public string EntryName;

    public RegValueProperty(Id id, string name, RegistryHive root, string key, string entryName, string defaultValue = "")
    {
        Id = id;
        Name = name;
        Root = root;
        Key = key;
        EntryName = entryName;
        Value = defaultValue;
    }

    public bool Win64 { get; set; }
}

public sealed class RegistryHive
{
    public static readonly RegistryHive ClassesRoot = new(0);
    public static readonly RegistryHive CurrentUser = new(1);
    public static readonly RegistryHive LocalMachine = new(2);
    public static readonly RegistryHive Users = new(3);

    private RegistryHive(int number) => Number = number;

    /// <summary>Column Root of the tables Registry and RegLocator.</summary>
    internal int Number { get; }
}

public sealed class RegValue : WixEntity
{
    public RegistryHive Root;
    public string Key;
    public object Value;
    public bool? Win64;

    public RegValue(Id id, Feature feature, RegistryHive root, string key, string name, object value)
    {
        Id = id;
        Feature = feature;
        Root = root;
        Key = key;
        Name = name;
        Value = value;
    }
}

public enum EnvVarPart
{
    all,
    first,
    last,
}

public enum EnvVarAction
{
    create,
    set,
    remove,
}

public sealed class EnvironmentVariable : WixEntity
{
    public string Value;
    public bool? System;
    public bool? Permanent;
    public EnvVarAction Action = EnvVarAction.set;
    public EnvVarPart? Part;

    public EnvironmentVariable(Id id, Feature feature, string name, string value)
    {
        Id = id;
        Feature = feature;
        Name = name;
        Value = value;
    }
}

/// <summary>An element of WiX that the setup writes itself.</summary>
public interface IGenericEntity
{
    void Process(ProcessingContext context);
}

/// <summary>The setup asks for something that this implementation does not have, or that makes no sense.</summary>
public sealed class SetupException(string message) : InvalidOperationException(message);
