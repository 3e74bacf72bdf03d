using System.Text;
using IpVlanWin.Cli.Ip.Grammar;

namespace IpVlanWin.Cli.Ip;

/// <summary>How lines are written, told from the grammar table.</summary>
internal static class Usage
{
    /// <summary>Of the whole program.</summary>
    /// <param name="others">The verbs that are not nouns of the table.</param>
    public static string All(IEnumerable<string> others) =>
        $"""
        Usage: ipvlan [ OPTIONS ] OBJECT [ COMMAND | help ]
               ipvlan [ -force ] -batch FILE
               ipvlan [ {string.Join(" | ", others)} ] [ --help ]
        where  OBJECT := {string.Join(" | ", Table.Shown.Select(static noun => noun.Name))}
               OPTIONS := {string.Join(" | ", GlobalOptions.Usages)}
        Words may be shortened as with ip(8). With -netns NETNS only interfaces in that namespace are shown and changed, and new ones are made there;
        without it all interfaces of the service are, wherever they are.
        Exit status: 0 done, 1 not understood, 2 refused, 3 service not reachable, 255 this text.

        """;

    /// <summary>Of one noun.</summary>
    public static string Of(Noun noun)
    {
        var text = new StringBuilder();
        foreach (var verb in noun.Verbs)
        {
            text.Append(text.Length == 0 ? "Usage: " : "       ").Append("ipvlan ").Append(noun.Name).Append(' ')
                .AppendLine(noun.IsVerbless ? verb.Usage[verb.Name.Length..].TrimStart() : verb.Usage);
        }
        if (noun.Note is { } note)
            text.AppendLine(note);
        return text.ToString();
    }
}
