using System.Text;

namespace IpVlanWin.Service.Lifetime.Windows;

/// <summary>Arguments as one text that CommandLineToArgvW takes apart again.</summary>
internal static class CommandLineText
{
    /// <summary>The program is always quoted: a blank in its path must never make another program of its first half.</summary>
    public static string Join(string program, IEnumerable<string> arguments)
    {
        var text = new StringBuilder().Append('"').Append(program).Append('"');
        foreach (var argument in arguments)
            Append(text.Append(' '), argument);
        return text.ToString();
    }

    private static void Append(StringBuilder text, string argument)
    {
        if (argument.Length > 0 && !argument.AsSpan().ContainsAny(" \t\n\v\""))
        {
            text.Append(argument);
            return;
        }
        text.Append('"');
        for (var i = 0; ; i++)
        {
            var slashes = 0;
            for (; i < argument.Length && argument[i] == '\\'; i++)
                slashes++;
            if (i == argument.Length)
            {
                // Those before the closing quote count double.
                text.Append('\\', 2 * slashes).Append('"');
                return;
            }
            text.Append('\\', argument[i] == '"' ? (2 * slashes) + 1 : slashes).Append(argument[i]);
        }
    }
}
