using System.Management.Automation;
using System.Reflection;

namespace IpVlanWin.PowerShell.Tests;

/// <summary>How a parameter takes part in a parameter set.</summary>
internal sealed record ParameterUse(string? Set, bool IsMandatory, int? Position, bool ByValue, bool ByName);

/// <summary>A parameter, as its attributes say.</summary>
internal sealed record ParameterShape(PropertyInfo Property, IReadOnlyList<ParameterUse> Uses)
{
    public string Name => Property.Name;

    public Type Type => Nullable.GetUnderlyingType(Property.PropertyType) ?? Property.PropertyType;

    public IReadOnlyList<string> Aliases => Words("AliasAttribute");

    public IReadOnlyList<string> Legal => Words("ValidateSetAttribute");

    public bool TakesWildcards => Has("SupportsWildcardsAttribute");

    public bool IsIn(string? set) => Uses.Any(use => use.Set is null || use.Set == set);

    public ParameterUse In(string? set) => Uses.First(use => use.Set is null || use.Set == set);

    public bool Has(string attribute) => Find(attribute) is not null;

    public CustomAttributeData? Find(string attribute) => Property.CustomAttributes.FirstOrDefault(one => one.AttributeType.Name == attribute);

    private string[] Words(string attribute) =>
        Find(attribute) is { } found ? [.. ((IReadOnlyCollection<CustomAttributeTypedArgument>)found.ConstructorArguments[0].Value!).Select(word => (string)word.Value!)] : [];
}

/// <summary>A cmdlet, as its attributes say: PowerShellStandard's have no bodies, so they are read as metadata.</summary>
internal sealed record CmdletShape(Type Type, string Verb, string Noun, string? DefaultSet, bool Changes, int Impact, IReadOnlyList<ParameterShape> Parameters)
{
    public static IReadOnlyList<CmdletShape> All { get; } =
        [.. typeof(ModuleLoading).Assembly.GetExportedTypes().Where(type => !type.IsAbstract && typeof(Cmdlet).IsAssignableFrom(type)).Select(Read).OrderBy(shape => shape.Name, StringComparer.Ordinal)];

    public string Name => $"{Verb}-{Noun}";

    public IReadOnlyList<Type> Outputs =>
        [.. Type.CustomAttributes.Where(one => one.AttributeType == typeof(OutputTypeAttribute))
            .SelectMany(one => (IReadOnlyCollection<CustomAttributeTypedArgument>)one.ConstructorArguments[0].Value!).Select(one => (Type)one.Value!)];

    /// <summary>Names of its parameter sets, also a default without parameters of its own; one null where there are none.</summary>
    public IReadOnlyList<string?> Sets
    {
        get
        {
            string?[] named = [.. Parameters.SelectMany(one => one.Uses).Select(use => use.Set).Append(DefaultSet).Where(set => set is not null).Distinct()];
            return named.Length == 0 ? [null] : named;
        }
    }

    private static CmdletShape Read(Type type)
    {
        var cmdlet = type.CustomAttributes.Single(one => one.AttributeType == typeof(CmdletAttribute));
        var parameters = type.GetProperties().Select(property => new ParameterShape(property, [.. property.CustomAttributes.Where(one => one.AttributeType == typeof(ParameterAttribute)).Select(ReadUse)]));
        return new CmdletShape(
            type, (string)cmdlet.ConstructorArguments[0].Value!, (string)cmdlet.ConstructorArguments[1].Value!, Named<string>(cmdlet, "DefaultParameterSetName"),
            Named<bool>(cmdlet, "SupportsShouldProcess"), Named<int>(cmdlet, "ConfirmImpact"), [.. parameters.Where(one => one.Uses.Count > 0)]);
    }

    private static ParameterUse ReadUse(CustomAttributeData data) => new(
        Named<string>(data, "ParameterSetName"), Named<bool>(data, "Mandatory"),
        data.NamedArguments.Any(one => one.MemberName == "Position") ? Named<int>(data, "Position") : null,
        Named<bool>(data, "ValueFromPipeline"), Named<bool>(data, "ValueFromPipelineByPropertyName"));

    private static T? Named<T>(CustomAttributeData data, string name) => data.NamedArguments.Where(one => one.MemberName == name).Select(one => (T?)one.TypedValue.Value).FirstOrDefault();
}
