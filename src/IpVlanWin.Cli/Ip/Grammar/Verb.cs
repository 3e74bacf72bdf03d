using IpVlanWin.Protocol;

namespace IpVlanWin.Cli.Ip.Grammar;

/// <summary>What can be done with an object. Exactly one of <see cref="Plan"/> and <see cref="Run"/> is there, or both.</summary>
/// <param name="Name">The verb.</param>
/// <param name="Keywords">Its words, in the order in which beginnings are looked up.</param>
internal sealed record Verb(string Name, params Keyword[] Keywords)
{
    public string[] Aliases { get; init; } = [];

    /// <summary>Words behind "type ipvlan".</summary>
    public Keyword[] OfType { get; init; } = [];

    /// <summary>All behind the positional words is taken as it is.</summary>
    public Keyword? Rest { get; init; }

    /// <summary>The changes that the line comes to; null where the line has to be run instead.</summary>
    public Func<Words, Session, IReadOnlyList<RpcCall>?>? Plan { get; init; }

    /// <summary>Everything that is not a plain change.</summary>
    public Func<Words, Session, Task>? Run { get; init; }

    public bool Is(string token) => Name.StartsWith(token, StringComparison.Ordinal) || Array.Exists(Aliases, alias => alias.StartsWith(token, StringComparison.Ordinal));

    /// <summary>Without the program's and the object's name.</summary>
    public string Usage
    {
        get
        {
            var parts = Keywords.Where(static word => !word.OpensType).OrderByDescending(static word => word.IsRequired).Select(static word => word.Usage).ToList();
            if (Keywords.FirstOrDefault(static word => word.OpensType) is { } type)
                parts.Add($"{(type.IsRequired ? "" : "[ ")}{type.Name} {type.Kind!.Placeholder} {string.Join(' ', OfType.Select(static word => word.Usage))}{(type.IsRequired ? "" : " ]")}");
            if (Rest is not null)
                parts.Add($"{Rest.Kind!.Placeholder} ...");
            return string.Join(' ', parts.Prepend(Name));
        }
    }
}

/// <summary>A noun with its verbs.</summary>
/// <param name="Name">The noun.</param>
/// <param name="Default">The verb where none is given; null where one must be.</param>
/// <param name="Verbs">In the order in which beginnings are looked up.</param>
internal sealed record Noun(string Name, string? Default, params Verb[] Verbs)
{
    /// <summary>Says what is special, in the usage.</summary>
    public string? Note { get; init; }

    /// <summary>Not shown in usage and errors.</summary>
    public bool IsHidden { get; init; }

    /// <summary>Its words are not known before it runs, nor is there a help for it.</summary>
    public bool IsRaw { get; init; }

    /// <summary>The verb is not written.</summary>
    public bool IsVerbless { get; init; }
}

/// <summary>The words of one line, by keyword.</summary>
internal sealed class Words
{
    private readonly Dictionary<string, string> _values = new(StringComparer.Ordinal);

    /// <summary>In the order they were given.</summary>
    public List<string> Flags { get; } = [];

    /// <summary>What was taken as it is.</summary>
    public List<string> Rest { get; } = [];

    /// <summary>A value, or null.</summary>
    public string? this[string name] => _values.GetValueOrDefault(name);

    public bool Has(string name) => _values.ContainsKey(name);

    /// <summary>A value that the grammar requires.</summary>
    public string Required(string name) => _values[name];

    public int? Number(string name) => this[name] is { } text ? int.Parse(text, System.Globalization.CultureInfo.InvariantCulture) : null;

    public bool TryAdd(Keyword keyword, string value)
    {
        if (!_values.TryAdd(keyword.Name, value))
            return false;
        if (keyword.Group is not null)
            Flags.Add(keyword.Name);
        return true;
    }

    public bool IsEmpty => _values.Count == 0;

    public int Count => _values.Count;
}
