using System.Text;

namespace IpVlanWin.HostNetwork.Windows;

/// <summary>A copy of a CIM instance's properties, and what the session needs to find it again.</summary>
internal sealed class CimObject
{
    private readonly IReadOnlyDictionary<string, object?> _properties;

    /// <param name="cimNamespace">Its namespace.</param>
    /// <param name="className">Its class.</param>
    /// <param name="path">Its object path, for parameters that take one as text.</param>
    /// <param name="properties">Its properties; of a reference its keys. Names are compared without case, as CIM does.</param>
    /// <param name="native">The session's own object.</param>
    public CimObject(string cimNamespace, string className, string path, IReadOnlyDictionary<string, object?> properties, object? native)
    {
        Namespace = cimNamespace;
        ClassName = className;
        Path = path;
        _properties = properties;
        Native = native;
    }

    public string Namespace { get; }

    public string ClassName { get; }

    public string Path { get; }

    public object? Native { get; }

    /// <summary>A property that may have no value.</summary>
    /// <exception cref="HostNetworkException">This system's class has no such property.</exception>
    public object? this[string name] => _properties.TryGetValue(name, out var value)
        ? value
        : throw CimError.Create(CimFailure.NoSuchProperty, (int)CimFailure.NoSuchProperty, $"read {ClassName}.{name}", null);

    public string Text(string name) => Typed<string>(name);

    public bool Flag(string name) => Typed<bool>(name);

    public bool? OptionalFlag(string name) => this[name] is null ? null : Typed<bool>(name);

    /// <summary>An unsigned integer of any width.</summary>
    public ulong Number(string name) => this[name] switch
    {
        byte value => value,
        ushort value => value,
        uint value => value,
        ulong value => value,
        var other => throw Mismatch(name, "an unsigned integer", other),
    };

    /// <summary>The strings of an array property; none when it has no value.</summary>
    public string[] Texts(string name) => this[name] is null ? [] : Typed<string[]>(name);

    public override string ToString() => Path;

    private T Typed<T>(string name) => this[name] is T value ? value : throw Mismatch(name, typeof(T).Name, this[name]);

    private HostNetworkException Mismatch(string name, string wanted, object? found) =>
        CimError.Create(CimFailure.TypeMismatch, (int)CimFailure.TypeMismatch, $"read {ClassName}.{name}", $"it is {found?.GetType().Name ?? "empty"}, not {wanted}");
}

/// <summary>CIM's own text forms.</summary>
internal static class CimText
{
    /// <summary>A WQL string literal: backslash escapes, there is no doubling of quotes.</summary>
    public static string Quote(string value)
    {
        var text = new StringBuilder(value.Length + 2).Append('\'');
        foreach (var c in value)
        {
            if (c is '\\' or '\'' or '"') text.Append('\\');
            text.Append(c);
        }
        return text.Append('\'').ToString();
    }

    /// <summary>An object path: \\server\namespace:Class.Key="value",... with the keys in their given order.</summary>
    public static string Path(string server, string cimNamespace, string className, IEnumerable<KeyValuePair<string, object?>> keys)
    {
        var text = new StringBuilder($@"\\{server}\{cimNamespace}:{className}");
        var separator = '.';
        foreach (var (name, value) in keys)
        {
            text.Append(separator).Append(name).Append('=');
            if (value is string literal) text.Append('"').Append(literal.Replace(@"\", @"\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)).Append('"');
            else text.Append(value is true ? "TRUE" : value is false ? "FALSE" : value);
            separator = ',';
        }
        return text.ToString();
    }
}
