using System.CommandLine;
using System.CommandLine.Parsing;

namespace IpVlanWin.Cli;

/// <summary>What is wrong with a command line, in one line that names what is legal.</summary>
internal static class ParseErrors
{
    /// <summary>Null where nothing is wrong.</summary>
    public static string? Describe(ParseResult parsed)
    {
        if (parsed.Errors.Count == 0)
            return null;
        var command = parsed.CommandResult.Command;
        if (parsed.UnmatchedTokens is [var unknown, ..])
        {
            if (unknown.StartsWith('-'))
                return $"unknown option \"{unknown}\": must be {Listed([.. command.Options.Where(option => !option.Hidden).Select(option => option.Name)])}";
            return command.Subcommands.Count > 0
                ? $"unknown verb \"{unknown}\": must be {Verbs(command)}"
                : $"unexpected argument \"{unknown}\" of \"{command.Name}\": it takes options only";
        }
        // Errors of an option say more than that a verb is missing, which the library puts first.
        var error = parsed.Errors.FirstOrDefault(error => error.SymbolResult is not CommandResult);
        return error?.Message ?? (command.Subcommands.Count > 0 ? $"verb missing: must be {Verbs(command)}" : parsed.Errors[0].Message);
    }

    private static string Verbs(Command command) => Listed([.. command.Subcommands.Where(verb => !verb.Hidden).Select(verb => verb.Name).Order(StringComparer.Ordinal)]);

    private static string Listed(string[] words) => words.Length > 1 ? $"{string.Join(", ", words[..^1])} or {words[^1]}" : words[0];
}
