using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using IpVlanWin.PowerShell.Actions;
using IpVlanWin.Protocol;

namespace IpVlanWin.PowerShell.Cmdlets;

/// <summary>Completes from a list of names, quoted where PowerShell needs it.</summary>
public abstract class NameCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
    {
        // What is typed may begin with a quotation mark that is not closed yet.
        var typed = (wordToComplete ?? "").Trim('\'', '"');
        try
        {
            return [.. Find(typed).Select(static name => new CompletionResult(Quote(name), name, CompletionResultType.ParameterValue, name))];
        }
        catch (Exception fault) when (fault is ControlException or OperationCanceledException or System.Net.NetworkInformation.NetworkInformationException)
        {
            // Without a service there is nothing to offer; the cmdlet itself will say so.
            return [];
        }
    }

    private protected abstract IReadOnlyList<string> Find(string typed);

    private static string Quote(string name) =>
        name.All(static c => char.IsLetterOrDigit(c) || c is '-' or '_' or '.') ? name : "'" + name.Replace("'", "''") + "'";
}

/// <summary>Completes names of interfaces.</summary>
public sealed class InterfaceCompleter : NameCompleter
{
    private protected override IReadOnlyList<string> Find(string typed)
    {
        using var client = new ControlClient();
        return Completion.Interfaces(client, typed);
    }
}

/// <summary>Completes masters of ports.</summary>
public sealed class PortCompleter : NameCompleter
{
    private protected override IReadOnlyList<string> Find(string typed)
    {
        using var client = new ControlClient();
        return Completion.Ports(client, typed);
    }
}

/// <summary>Completes adapters that can be masters.</summary>
public sealed class AdapterCompleter : NameCompleter
{
    private protected override IReadOnlyList<string> Find(string typed) => Completion.Adapters(typed);
}
