using System.Net.NetworkInformation;
using IpVlanWin.Cli.Ip.Grammar;
using IpVlanWin.HostNetwork.Linux;
using IpVlanWin.Protocol;

namespace IpVlanWin.Cli.Ip.Completion;

/// <summary>What may stand where the cursor is. Told by the grammar table, and by the service for names; without a service there are no names.</summary>
internal static class Candidates
{
    /// <summary>Stands for an empty word where a shell drops those.</summary>
    private const string Empty = "\"\"";

    /// <summary>Prints what may stand in the place of the last word, one a line.</summary>
    /// <param name="args">complete -- WORD...: the words behind the program's name up to the cursor.</param>
    /// <param name="others">Verbs that are not nouns of the table.</param>
    /// <param name="output">Where to.</param>
    /// <param name="pipeName">The service's.</param>
    public static void Print(string[] args, IReadOnlyList<string> others, TextWriter output, string? pipeName)
    {
        var words = args.Skip(1).ToList();
        if (words is ["--", ..])
            words.RemoveAt(0);
        for (var i = 0; i < words.Count; i++)
            words[i] = words[i] == Empty ? "" : words[i];
        var partial = words.Count > 0 ? words[^1] : "";
        foreach (var candidate in All([.. words.SkipLast(1)], partial, others, pipeName).Where(one => one.StartsWith(partial, StringComparison.Ordinal)).Distinct().Order(StringComparer.Ordinal))
            output.WriteLine(candidate);
    }

    private static IEnumerable<string> All(string[] before, string partial, IReadOnlyList<string> others, string? pipeName)
    {
        // An option that awaits its value.
        if (before.Length > 0 && before[^1].StartsWith('-') && GlobalOptions.TakesValue(before[^1]) && before.SkipLast(1).All(static word => word.StartsWith('-')))
        {
            return GlobalOptions.TakesValue(before[^1]) && "-netns".StartsWith(before[^1], StringComparison.Ordinal) ? Names(Source.Namespaces, null, pipeName)
                : "-family".StartsWith(before[^1], StringComparison.Ordinal) ? ["inet", "inet6"] : [];
        }
        string[] words;
        try
        {
            GlobalOptions.Read(before, out words);
        }
        catch (CommandException)
        {
            return [];
        }
        if (words.Length == 0)
            return partial.StartsWith('-') ? GlobalOptions.Names : Table.Shown.Select(static noun => noun.Name).Concat(others).Append("help");
        if (Table.FindNoun(words[0], others) is not { } noun)
            return [];
        if (!noun.IsVerbless && words.Length == 1)
            return noun.Verbs.Select(static verb => verb.Name).Append("help");
        if ((noun.IsVerbless ? noun.Verbs[0] : Table.FindVerb(noun, words[1])) is not { } verb)
            return [];
        var walk = new Walk(noun, verb);
        try
        {
            foreach (var word in words.Skip(noun.IsVerbless ? 1 : 2))
                walk.Take(word);
        }
        catch (Exception fault) when (fault is CommandException or HelpRequestedException)
        {
            return [];
        }
        return walk.Open is { } open ? Values(open, walk, pipeName) : walk.Next.SelectMany(word => Of(word, walk, pipeName));
    }

    private static IEnumerable<string> Of(Keyword word, Walk walk, string? pipeName)
    {
        var isFirstPositional = word.IsPositional && walk.Next.First(static one => one.IsPositional) == word;
        return (word.IsBare ? [] : new[] { word.Name }).Concat(isFirstPositional ? Values(word, walk, pipeName) : []);
    }

    private static IEnumerable<string> Values(Keyword word, Walk walk, string? pipeName) =>
        word.Kind!.Words.Concat(Names(word.Kind.Source, walk.Words["dev"], pipeName));

    /// <summary>Names of what is there. A service that does not answer at once is no reason to let somebody who types wait.</summary>
    private static string[] Names(Source source, string? device, string? pipeName)
    {
        if (source == Source.None)
            return [];
        var hosts = source switch
        {
            Source.Masters => NetworkInterface.GetAllNetworkInterfaces().Where(static one => one.NetworkInterfaceType is not NetworkInterfaceType.Loopback).Select(static one => one.Name),
            Source.Namespaces when OperatingSystem.IsLinux() => NetworkNamespace.List(),
            _ => [],
        };
        try
        {
            using var client = new ControlClient(pipeName) { ConnectTimeout = TimeSpan.FromMilliseconds(300), Timeout = TimeSpan.FromSeconds(2) };
            return [.. hosts, .. Ask(client, source, device).GetAwaiter().GetResult()];
        }
        catch (ControlException)
        {
            return [.. hosts];
        }
    }

    private static async Task<IEnumerable<string>> Ask(ControlClient client, Source source, string? device)
    {
        var query = new ListQuery { Limit = 1000, Interface = source == Source.Addresses ? device : null };
        return source switch
        {
            Source.Addresses => (await client.ListAddressesAsync(query).ConfigureAwait(false)).Items.Select(static one => one.Prefix),
            Source.Masters => (await client.ListPortsAsync(query).ConfigureAwait(false)).Items.Select(static one => one.Master),
            Source.Namespaces => (await client.ListInterfacesAsync(query).ConfigureAwait(false)).Items.Where(static one => one.Namespace is not null).Select(static one => one.Namespace!),
            _ => (await client.ListInterfacesAsync(query).ConfigureAwait(false)).Items.Select(static one => one.Name),
        };
    }
}
