using IpVlanWin.Cli.Ip.Grammar;

namespace IpVlanWin.Cli.Ip;

/// <summary>The options before the noun, as ip(8) has them.</summary>
internal sealed record GlobalOptions
{
    private static readonly Option[] s_table =
    [
        new(["-family"], "{ inet | inet6 }", static (options, value) => options with
        {
            Family = value switch { "inet" => 4, "inet6" => 6, _ => throw CommandException.Syntax("argument of \"-family\" must be inet or inet6") },
        }),
        new(["-4"], null, static (options, _) => options with { Family = 4 }) { IsExact = true },
        new(["-6"], null, static (options, _) => options with { Family = 6 }) { IsExact = true },
        new(["-human-readable"], null, static (options, _) => options with { IsHuman = true }),
        new(["-statistics", "-stats"], null, static (options, _) => options with { HasStatistics = true }),
        new(["-details"], null, static (options, _) => options with { HasDetails = true }),
        new(["-oneline"], null, static (options, _) => options with { IsOneLine = true }),
        new(["-timestamp"], null, static (options, _) => options with { HasTimestamp = true }),
        new(["-tshort"], null, static (options, _) => options with { HasTimestamp = true, IsTimestampShort = true }),
        new(["-Version"], null, static (options, _) => options with { AsksVersion = true }),
        new(["-force"], null, static (options, _) => options with { IsForced = true }),
        new(["-batch"], "FILE", static (options, value) => options with { BatchFile = value }),
        new(["-brief"], null, static (options, _) => options with { IsBrief = true }),
        new(["-json"], null, static (options, _) => options with { IsJson = true }),
        new(["-pretty"], null, static (options, _) => options with { IsPretty = true }),
        new(["-color"], null, static (options, value) => options with { Color = value }) { Values = ["always", "auto", "never"] },
        new(["-help"], null, static (options, _) => options with { AsksHelp = true }),
        new(["-netns"], "NETNS", static (options, value) => options with { Namespace = value }),
    ];

    /// <summary>4, 6, or 0 for both.</summary>
    public int Family { get; init; }

    public bool IsHuman { get; init; }

    public bool HasStatistics { get; init; }

    public bool HasDetails { get; init; }

    public bool IsOneLine { get; init; }

    public bool HasTimestamp { get; init; }

    public bool IsTimestampShort { get; init; }

    public bool AsksVersion { get; init; }

    public bool AsksHelp { get; init; }

    /// <summary>A batch goes on after a line that fails.</summary>
    public bool IsForced { get; init; }

    public string? BatchFile { get; init; }

    public bool IsBrief { get; init; }

    public bool IsJson { get; init; }

    public bool IsPretty { get; init; }

    /// <summary>always, auto or never.</summary>
    public string Color { get; init; } = "never";

    /// <summary>Only what is in this namespace.</summary>
    public string? Namespace { get; init; }

    /// <summary>All options, for usage and completion.</summary>
    public static IEnumerable<string> Names => s_table.Select(static option => option.Names[0]);

    public static IEnumerable<string> Usages => s_table.Select(static option => option.Usage is null ? option.Names[0] : $"{option.Names[0]} {option.Usage}");

    /// <summary>Takes the options from the front.</summary>
    /// <param name="words">The command line.</param>
    /// <param name="rest">What stands behind them.</param>
    /// <exception cref="CommandException">One is unknown, or its value is missing.</exception>
    public static GlobalOptions Read(IReadOnlyList<string> words, out string[] rest)
    {
        var options = new GlobalOptions();
        var i = 0;
        for (; i < words.Count && words[i].StartsWith('-'); i++)
        {
            if (words[i] == "--")
            {
                i++;
                break;
            }
            var word = words[i].StartsWith("--", StringComparison.Ordinal) ? words[i][1..] : words[i];
            var equals = word.IndexOf('=', StringComparison.Ordinal);
            var name = equals < 0 ? word : word[..equals];
            var option = name.Length > 1 ? Array.Find(s_table, one => one.Is(name)) : null;
            if (option is null || (equals >= 0 && option.Values.Length == 0))
                throw CommandException.Syntax($"unknown option \"{words[i]}\": must be {Kind.Listed([.. Names])}");
            var value = option.Values.FirstOrDefault() ?? "";
            if (equals >= 0)
                value = word[(equals + 1)..];
            if (equals >= 0 && !option.Values.Contains(value))
                throw CommandException.Syntax($"argument of \"{option.Names[0]}\" must be {Kind.Listed(option.Values)}");
            if (option.Usage is not null)
            {
                if (++i == words.Count || words[i].Length == 0)
                    throw CommandException.Syntax($"argument of \"{option.Names[0]}\" must be {option.Usage}");
                value = words[i];
            }
            options = option.Apply(options, value);
        }
        rest = [.. words.Skip(i)];
        return options;
    }

    /// <summary>True where the option takes the next word.</summary>
    public static bool TakesValue(string word) => Array.Find(s_table, option => word.Length > 1 && option.Is(word)) is { Usage: not null };

    private sealed record Option(string[] Names, string? Usage, Func<GlobalOptions, string, GlobalOptions> Apply)
    {
        public bool IsExact { get; init; }

        public string[] Values { get; init; } = [];

        public bool Is(string word) => Array.Exists(Names, name => IsExact ? name == word : name.StartsWith(word, StringComparison.Ordinal));
    }
}
