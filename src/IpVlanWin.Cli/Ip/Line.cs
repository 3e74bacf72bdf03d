using IpVlanWin.Cli.Ip.Grammar;
using IpVlanWin.Protocol;

namespace IpVlanWin.Cli.Ip;

/// <summary>A line that was understood.</summary>
internal sealed record Line(Verb Verb, Words Words)
{
    /// <summary>Understands a line without its options.</summary>
    /// <param name="words">Noun, verb and what follows.</param>
    /// <param name="others">Verbs that are not nouns of the table, for the error.</param>
    /// <exception cref="CommandException">It is wrong.</exception>
    /// <exception cref="UsageException">It asks how it is written.</exception>
    public static Line Read(IReadOnlyList<string> words, IReadOnlyList<string> others)
    {
        if (words.Count == 0 || (words[0].Length > 0 && "help".StartsWith(words[0], StringComparison.Ordinal)))
            throw new UsageException(Usage.All(others));
        var noun = Table.FindNoun(words[0], others) ?? throw CommandException.Syntax(
            $"unknown verb \"{words[0]}\": must be {Kind.Listed([.. Table.Shown.Select(static noun => noun.Name).Concat(others).Append("help").Order(StringComparer.Ordinal)])}");
        var verb = noun.IsVerbless ? noun.Verbs[0] : words.Count == 1 ? DefaultOf(noun) : Table.FindVerb(noun, words[1]);
        if (verb is null && words[1].Length > 0 && "help".StartsWith(words[1], StringComparison.Ordinal))
            throw new UsageException(Usage.Of(noun));
        if (verb is null)
            throw CommandException.Syntax($"unknown verb \"{words[1]}\" of \"{noun.Name}\": must be {Verbs(noun)}");
        var walk = new Walk(noun, verb);
        try
        {
            foreach (var word in words.Skip(noun.IsVerbless ? 1 : 2))
                walk.Take(word);
        }
        catch (HelpRequestedException)
        {
            throw new UsageException(Usage.Of(noun));
        }
        walk.End();
        return new Line(verb, walk.Words);
    }

    /// <summary>The changes that the line comes to, where they need not be asked about before; else null.</summary>
    public IReadOnlyList<RpcCall>? Plan(Session session) => session.Options.Namespace is null || Words["dev"] is null ? Verb.Plan?.Invoke(Words, session) : null;

    /// <summary>Carries the line out; its changes are one transaction.</summary>
    public async Task RunAsync(Session session)
    {
        if (Verb.Plan?.Invoke(Words, session) is not { } calls)
        {
            await Verb.Run!(Words, session).ConfigureAwait(false);
            return;
        }
        if (Words["dev"] is { } name)
            await session.RequireInNamespaceAsync(name).ConfigureAwait(false);
        await session.Client.BatchAsync(calls).ConfigureAwait(false);
    }

    private static Verb DefaultOf(Noun noun) => Array.Find(noun.Verbs, verb => verb.Name == noun.Default) ??
        throw CommandException.Syntax($"verb of \"{noun.Name}\" missing: must be {Verbs(noun)}");

    private static string Verbs(Noun noun) => Kind.Listed([.. noun.Verbs.Select(static verb => verb.Name), "help"]);
}

/// <summary>Somebody asked how a line is written, or wrote none; the message is the answer.</summary>
internal sealed class UsageException(string usage) : Exception(usage);
