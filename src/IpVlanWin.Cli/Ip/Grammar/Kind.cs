namespace IpVlanWin.Cli.Ip.Grammar;

/// <summary>Where completion finds values.</summary>
internal enum Source
{
    /// <summary>Nowhere: they are the user's own.</summary>
    None,

    /// <summary>Names of interfaces.</summary>
    Interfaces,

    /// <summary>Names of masters.</summary>
    Masters,

    /// <summary>Names of namespaces.</summary>
    Namespaces,

    /// <summary>Addresses of interfaces, with their lengths.</summary>
    Addresses,
}

/// <summary>What an argument may hold: read by the walker, the usage, the completion and the errors.</summary>
/// <param name="Placeholder">Stands for the value in the usage.</param>
/// <param name="Legal">What it must be, in words.</param>
/// <param name="Accepts">True for a legal value.</param>
internal sealed record Kind(string Placeholder, string Legal, Func<string, bool> Accepts)
{
    /// <summary>All legal values, where they are few.</summary>
    public string[] Words { get; init; } = [];

    public Source Source { get; init; }

    /// <summary>One of a few words.</summary>
    public static Kind Word(params string[] words) => new(
        words.Length > 1 ? $"{{ {string.Join(" | ", words)} }}" : words[0], Listed(words), words.Contains) { Words = words };

    /// <summary>The last of several words is joined with "or".</summary>
    public static string Listed(IReadOnlyList<string> words) =>
        words.Count > 1 ? $"{string.Join(", ", words.Take(words.Count - 1))} or {words[^1]}" : words[0];
}
