namespace IpVlanWin.Cli.Ip.Grammar;

/// <summary>A word of a verb, alone or with a value behind it.</summary>
/// <param name="Name">The word.</param>
/// <param name="Kind">Its value; null for a word alone.</param>
internal sealed record Keyword(string Name, Kind? Kind = null)
{
    public string[] Aliases { get; init; } = [];

    /// <summary>Beginnings of it mean it, as where iproute2 uses its matches().</summary>
    public bool Abbreviates { get; init; }

    /// <summary>The verb needs it.</summary>
    public bool IsRequired { get; init; }

    /// <summary>Its value may stand without the word.</summary>
    public bool IsPositional { get; init; }

    /// <summary>The word itself is never written: only the value.</summary>
    public bool IsBare { get; init; }

    /// <summary>Words of one group exclude each other.</summary>
    public string? Group { get; init; }

    /// <summary>What follows belongs to the type.</summary>
    public bool OpensType { get; init; }

    public bool Is(string token) => !IsBare && (token == Name || Aliases.Contains(token) ||
        (Abbreviates && token.Length > 0 && (Name.StartsWith(token, StringComparison.Ordinal) || Array.Exists(Aliases, alias => alias.StartsWith(token, StringComparison.Ordinal)))));

    /// <summary>As the usage shows it.</summary>
    public string Usage
    {
        get
        {
            var value = Kind?.Placeholder;
            var text = value is null ? Name : IsBare ? value : IsPositional ? $"[ {Name} ] {value}" : $"{Name} {value}";
            return IsRequired ? text : $"[ {text} ]";
        }
    }
}
