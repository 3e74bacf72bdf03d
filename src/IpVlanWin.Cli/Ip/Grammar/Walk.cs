namespace IpVlanWin.Cli.Ip.Grammar;

/// <summary>The user asked how a line is written.</summary>
internal sealed class HelpRequestedException : Exception;

/// <summary>Goes through the words behind a verb, one at a time; knows at any moment what may come next, which is what completion asks.</summary>
internal sealed class Walk(Noun noun, Verb verb)
{
    private Keyword? _open;
    private bool _isInType;
    private bool _isAtRest;

    public Words Words { get; } = new();

    /// <summary>The keyword whose value comes next, or null.</summary>
    public Keyword? Open => _open;

    /// <summary>What may come next where no value is awaited: words, and values that may stand without their word.</summary>
    public IEnumerable<Keyword> Next => _isAtRest ? [] : Scope.Where(word => !Words.Has(word.Name));

    private string Line => noun.IsVerbless ? noun.Name : $"{noun.Name} {verb.Name}";

    private Keyword[] Scope => _isInType ? verb.OfType : verb.Keywords;

    /// <exception cref="CommandException">The word is not legal here.</exception>
    /// <exception cref="HelpRequestedException">It is "help".</exception>
    public void Take(string token)
    {
        if (_isAtRest)
        {
            Words.Rest.Add(token);
            return;
        }
        if (_open is { } open)
        {
            _open = null;
            Put(open, token);
            return;
        }
        var keyword = Array.Find(Scope, word => word.Is(token));
        if (keyword is { Kind: not null })
        {
            RequireNew(keyword);
            _open = keyword;
            return;
        }
        if (keyword is not null)
        {
            RequireNew(keyword);
            Words.TryAdd(keyword, "");
            return;
        }
        var positional = Array.Find(Scope, word => word.IsPositional && !Words.Has(word.Name));
        if (positional is null && verb.Rest is not null)
        {
            _isAtRest = true;
            Words.Rest.Add(token);
            return;
        }
        if (token.Length > 0 && "help".StartsWith(token, StringComparison.Ordinal))
            throw new HelpRequestedException();
        if (positional is not null)
        {
            Put(positional, token);
            return;
        }
        throw CommandException.Syntax(Scope.Length == 0
            ? $"\"{token}\" is too much: \"{Line}\" takes no arguments"
            : $"\"{token}\" is not an argument of \"{(_isInType ? "type ipvlan" : Line)}\", or one too many: must be {Kind.Listed([.. Scope.Where(static word => !word.IsBare).Select(static word => word.Name).DefaultIfEmpty(Scope[0].Kind?.Legal ?? "")])}");
    }

    /// <summary>No word follows.</summary>
    /// <exception cref="CommandException">One is missing.</exception>
    public void End()
    {
        if (_open is { } open)
            throw Wrong(open);
        if (Array.Find(verb.Keywords, word => word.IsRequired && !Words.Has(word.Name)) is { } missing)
            throw CommandException.Syntax($"\"{missing.Name}\" is missing: \"{Line}\" needs {missing.Kind!.Legal}");
        if (verb.Rest is { IsRequired: true } rest && !_isAtRest)
            throw CommandException.Syntax($"\"{Line}\" needs {rest.Kind!.Legal}");
    }

    private void Put(Keyword keyword, string value)
    {
        if (!keyword.Kind!.Accepts(value))
            throw Wrong(keyword);
        RequireNew(keyword);
        Words.TryAdd(keyword, value);
        _isInType |= keyword.OpensType;
    }

    private void RequireNew(Keyword keyword)
    {
        if (Words.Has(keyword.Name))
            throw CommandException.Syntax($"\"{keyword.Name}\" must be given once");
        if (keyword.Group is { } group && group != Table.ServiceJudges && Array.Find(Scope, word => word.Group == group && Words.Has(word.Name)) is { } other)
            throw CommandException.Syntax($"\"{other.Name}\" and \"{keyword.Name}\" exclude each other: must be one of {Kind.Listed([.. Scope.Where(word => word.Group == group).Select(static word => word.Name)])}");
    }

    private static CommandException Wrong(Keyword keyword) => CommandException.Syntax($"argument of \"{keyword.Name}\" must be {keyword.Kind!.Legal}");
}
