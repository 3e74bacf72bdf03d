using System.Collections.Immutable;
using System.Text;
using System.Xml.Linq;
using IpVlanWin.HostNetwork.Windows;

namespace IpVlanWin.HostNetwork.Tests.Windows;

/// <summary>
/// A CIM repository in memory that knows the documented classes with their properties, methods, parameters and CIM types
/// (<see cref="CimSchema"/>), and refuses everything else the way DSP0200 says.
/// </summary>
internal sealed class StrictCim : ICimSession
{
    // Asked by a keeper while a test changes it.
    private ImmutableList<Stored> _instances = [];
    private readonly Dictionary<string, Func<Stored, IReadOnlyDictionary<string, object?>, CimReply>> _methods = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>An instance that is there: its values may be changed and follow the schema.</summary>
    public sealed class Stored(string cimNamespace, string className, Dictionary<string, object?> values)
    {
        public string Namespace => cimNamespace;
        public string ClassName => className;
        public Dictionary<string, object?> Values => values;

        /// <summary>Shown only with the option AllBindings.</summary>
        public bool IsHidden { get; init; }
    }

    public string Implementation => "strict repository";

    /// <summary>Everything that was asked, for tests that must see what was not asked.</summary>
    public List<string> Log { get; } = [];

    /// <summary>Namespaces that are not there, as without Hyper-V.</summary>
    public HashSet<string> Missing { get; } = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Methods ("Class.Method") that fail with a code of their own.</summary>
    public Dictionary<string, uint> ReturnCodes { get; } = new(StringComparer.OrdinalIgnoreCase);

    public Stored Add(string cimNamespace, string className, Dictionary<string, object?> values, bool hidden = false)
    {
        var schema = Class(cimNamespace, className);
        foreach (var (name, value) in values) CimSchema.Require(schema.Properties, name, value, $"{className}.{name}");
        foreach (var (name, property) in schema.Properties)
        {
            if (!values.ContainsKey(name)) values[name] = null;
            if (property.IsKey && values[name] is null) throw new InvalidOperationException($"{className}.{name} is a key and must have a value");
        }
        var stored = new Stored(cimNamespace, className, new Dictionary<string, object?>(values, StringComparer.OrdinalIgnoreCase)) { IsHidden = hidden };
        ImmutableInterlocked.Update(ref _instances, all => all.Add(stored));
        return stored;
    }

    public void Delete(Stored stored) => ImmutableInterlocked.Update(ref _instances, all => all.Remove(stored));

    public IEnumerable<Stored> All(string className) => _instances.Where(instance => instance.ClassName == className);

    /// <summary>What a method does once its parameters have passed.</summary>
    public void On(string classAndMethod, Func<Stored, IReadOnlyDictionary<string, object?>, CimReply> body) => _methods[classAndMethod] = body;

    public IReadOnlyList<CimObject> Query(string cimNamespace, string query, bool allBindings = false)
    {
        lock (Log) Log.Add(query);
        var (className, property, literal) = Parse(query);
        var schema = Class(cimNamespace, className);
        if (property is not null && (!schema.Properties.TryGetValue(property, out var kind) || !CimSchema.Fits(kind, literal)))
            throw Fail(CimFailure.InvalidQuery, query);
        return [.. _instances
            .Where(instance => instance.Namespace.Equals(cimNamespace, StringComparison.OrdinalIgnoreCase) && instance.ClassName == className && (allBindings || !instance.IsHidden))
            .Where(instance => property is null || Same(instance.Values[property], literal))
            .Select(ToObject)];
    }

    public CimObject? Read(CimObject reference)
    {
        if (reference.Native is not Stored stored) throw Fail(CimFailure.InvalidParameter, "not an object of this repository");
        return _instances.Contains(stored) ? ToObject(stored) : null;
    }

    public CimReply Invoke(CimObject target, string method, params ReadOnlySpan<CimArgument> arguments)
    {
        var attempt = $"{target.ClassName}.{method}";
        Log.Add(attempt);
        if (target.Native is not Stored stored) throw Fail(CimFailure.InvalidParameter, attempt);
        if (!_instances.Contains(stored)) throw Fail(CimFailure.NotFound, attempt);
        var schema = Class(stored.Namespace, stored.ClassName);
        if (!schema.Methods.TryGetValue(method, out var parameters)) throw Fail(CimFailure.MethodNotFound, attempt);
        var given = new Dictionary<string, object?>(StringComparer.OrdinalIgnoreCase);
        foreach (var argument in arguments)
        {
            if (!parameters.In.TryGetValue(argument.Name, out var kind)) throw Fail(CimFailure.InvalidParameter, $"{attempt} has no parameter {argument.Name}");
            if (kind != argument.Kind || (argument.Value is not null && !CimSchema.Fits(new CimSchema.Property(kind), argument.Value))) throw Fail(CimFailure.TypeMismatch, $"{attempt}.{argument.Name} is {kind}");
            if (!given.TryAdd(argument.Name, argument.Value)) throw Fail(CimFailure.InvalidParameter, $"{attempt}.{argument.Name} twice");
        }
        if (ReturnCodes.TryGetValue(attempt, out var code)) return Reply(code);
        if (!_methods.TryGetValue(attempt, out var body)) throw Fail(CimFailure.MethodNotAvailable, attempt);
        var reply = body(stored, given);
        foreach (var (name, value) in reply.Out)
        {
            if (!parameters.Out.TryGetValue(name, out var kind) || (value is not null && !CimSchema.Fits(new CimSchema.Property(kind), value))) throw new InvalidOperationException($"{attempt} does not return {name}");
        }
        return reply;
    }

    public void Dispose() => Log.Add("disposed");

    public static CimReply Reply(uint code, params (string Name, object? Value)[] output) =>
        new(code, output.ToDictionary(pair => pair.Name, pair => pair.Value, StringComparer.OrdinalIgnoreCase));

    public static CimObject ToObject(Stored stored)
    {
        var keys = CimSchema.Classes[(stored.Namespace.ToUpperInvariant(), stored.ClassName)].Properties.Where(property => property.Value.IsKey)
            .Select(property => KeyValuePair.Create(property.Key, stored.Values[property.Key]));
        return new CimObject(stored.Namespace, stored.ClassName, CimText.Path("HOST", stored.Namespace, stored.ClassName, keys), new Dictionary<string, object?>(stored.Values, StringComparer.OrdinalIgnoreCase), stored);
    }

    /// <summary>Reads an embedded instance and refuses what its class does not have.</summary>
    public static Dictionary<string, object?> Embedded(string cimNamespace, string className, string text)
    {
        var root = XElement.Parse(text);
        if (root.Name != "INSTANCE" || (string?)root.Attribute("CLASSNAME") != className) throw Fail(CimFailure.InvalidParameter, $"not an instance of {className}");
        var schema = CimSchema.Classes[(cimNamespace.ToUpperInvariant(), className)];
        var values = new Dictionary<string, object?>();
        foreach (var element in root.Elements())
        {
            var isArray = element.Name == "PROPERTY.ARRAY";
            if (!isArray && element.Name != "PROPERTY") throw Fail(CimFailure.InvalidParameter, $"<{element.Name}>");
            var name = (string)element.Attribute("NAME")!;
            if (!schema.Properties.TryGetValue(name, out var property)) throw Fail(CimFailure.NoSuchProperty, $"{className}.{name}");
            var texts = (isArray ? element.Element("VALUE.ARRAY")! : element).Elements("VALUE").Select(value => value.Value).ToArray();
            object value = (property.Kind, (string?)element.Attribute("TYPE"), isArray) switch
            {
                (CimKind.String, "string", false) => texts.Single(),
                (CimKind.StringArray, "string", true) => texts,
                (CimKind.UInt16, "uint16", false) => ushort.Parse(texts.Single()),
                _ => throw Fail(CimFailure.TypeMismatch, $"{className}.{name}"),
            };
            values[name] = value;
        }
        return values;
    }

    public static HostNetworkException Fail(CimFailure failure, string text) => CimError.Create(failure, (int)failure, "use the strict repository", text);

    private CimSchema.Class Class(string cimNamespace, string className)
    {
        if (Missing.Contains(cimNamespace) || !CimSchema.Namespaces.Contains(cimNamespace)) throw Fail(CimFailure.InvalidNamespace, cimNamespace);
        return CimSchema.Classes.TryGetValue((cimNamespace.ToUpperInvariant(), className), out var schema) ? schema : throw Fail(CimFailure.InvalidClass, className);
    }

    /// <summary>SELECT * FROM class [WHERE property=literal]; anything else is refused.</summary>
    private static (string ClassName, string? Property, object? Literal) Parse(string query)
    {
        const string Select = "SELECT * FROM ";
        if (!query.StartsWith(Select, StringComparison.Ordinal)) throw Fail(CimFailure.InvalidQuery, query);
        var rest = query[Select.Length..];
        var space = rest.IndexOf(' ');
        if (space < 0) return (rest, null, null);
        const string Where = " WHERE ";
        var condition = rest[space..];
        var equals = condition.IndexOf('=');
        if (!condition.StartsWith(Where, StringComparison.Ordinal) || equals < 0) throw Fail(CimFailure.InvalidQuery, query);
        var property = condition[Where.Length..equals];
        var literal = condition[(equals + 1)..];
        if (literal.Length < 2 || literal[0] != '\'') throw Fail(CimFailure.InvalidQuery, query);
        var value = new StringBuilder();
        for (var i = 1; i < literal.Length; i++)
        {
            switch (literal[i])
            {
                case '\\' when i + 1 < literal.Length:
                    value.Append(literal[++i]);
                    break;
                // The literal ends with the query: a quote inside must be escaped.
                case '\'' when i == literal.Length - 1:
                    return (rest[..space], property, value.ToString());
                case '\'' or '\\':
                    throw Fail(CimFailure.InvalidQuery, query);
                default:
                    value.Append(literal[i]);
                    break;
            }
        }
        throw Fail(CimFailure.InvalidQuery, query);
    }

    private static bool Same(object? value, object? literal) => value is string text && literal is string wanted ? text.Equals(wanted, StringComparison.OrdinalIgnoreCase) : Equals(value, literal);
}
