namespace IpVlanWin.PowerShell.Actions;

/// <summary>A name as it was given: itself, or a pattern that many may match.</summary>
/// <param name="text">As given.</param>
/// <param name="pattern">Judges names where <paramref name="text"/> is a pattern; null where it is a name.</param>
internal sealed class NameFilter(string text, Func<string, bool>? pattern = null)
{
    public string Text => text;

    /// <summary>One is meant, and its absence is an error.</summary>
    public bool IsExact => pattern is null;

    public bool Matches(string name) => pattern is null ? name == text : pattern(name);
}
