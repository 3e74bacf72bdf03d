using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace IpVlanWin.Cli;

/// <summary>Options whose errors are one line that names the legal values, as iproute2's: <c>argument of "--mode" must be l2, l3 or l3s</c>.</summary>
internal static class StrictOption
{
    /// <summary>One of a few words.</summary>
    /// <param name="name">With its dashes.</param>
    /// <param name="description">For the help.</param>
    /// <param name="words">All legal ones.</param>
    /// <param name="parse">Null for any other word.</param>
    public static Option<T> Word<T>(string name, string description, string[] words, Func<string, T> parse) =>
        Make(name, description, string.Join('|', words), $"{string.Join(", ", words[..^1])} or {words[^1]}", parse);

    /// <summary>A whole number within bounds.</summary>
    public static Option<int> Number(string name, string description, int least, int most, int defaultValue)
    {
        var legal = string.Create(CultureInfo.InvariantCulture, $"a number from {least} to {most}");
        var option = new Option<int>(name)
        {
            Description = description,
            HelpName = "N",
            Arity = AnyNumber,
            DefaultValueFactory = _ => defaultValue,
            CustomParser = result =>
            {
                if (TryTakeOne(result, name, legal, out var text) &&
                    int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most)
                {
                    return number;
                }
                Refuse(result, name, legal);
                return defaultValue;
            },
        };
        RefuseMissing(option, legal);
        return option;
    }

    /// <summary>Any text but the empty one.</summary>
    /// <param name="name">With its dashes.</param>
    /// <param name="description">For the help.</param>
    /// <param name="placeholder">Stands for the text in the help.</param>
    /// <param name="legal">What the text has to be, in words.</param>
    public static Option<string?> Text(string name, string description, string placeholder, string legal) =>
        Make<string?>(name, description, placeholder, legal, text => text.Length > 0 ? text : null);

    /// <summary>There or not.</summary>
    public static Option<bool> Switch(string name, string description) => new(name) { Description = description, Arity = ArgumentArity.Zero };

    // Missing and repeated arguments are told by the validators here, not by the library.
    private static ArgumentArity AnyNumber => new(0, 1000);

    private static Option<T> Make<T>(string name, string description, string placeholder, string legal, Func<string, T> parse)
    {
        var option = new Option<T>(name)
        {
            Description = description,
            HelpName = placeholder,
            Arity = AnyNumber,
            CustomParser = result =>
            {
                if (!TryTakeOne(result, name, legal, out var text))
                    return default;
                var value = parse(text);
                if (value is null)
                    Refuse(result, name, legal);
                return value;
            },
        };
        RefuseMissing(option, legal);
        return option;
    }

    private static bool TryTakeOne(ArgumentResult result, string name, string legal, out string text)
    {
        text = result.Tokens.Count > 0 ? result.Tokens[^1].Value : "";
        if (result.Tokens.Count == 1)
            return true;
        if (result.Tokens.Count > 1)
            result.AddError($"\"{name}\" must be given once");
        else
            Refuse(result, name, legal);
        return false;
    }

    private static void Refuse(ArgumentResult result, string name, string legal)
    {
        if (!result.Errors.Any())
            result.AddError($"argument of \"{name}\" must be {legal}");
    }

    private static void RefuseMissing<T>(Option<T> option, string legal) => option.Validators.Add(result =>
    {
        if (!result.Implicit && result.Tokens.Count == 0)
            result.AddError($"argument of \"{option.Name}\" must be {legal}");
    });
}
