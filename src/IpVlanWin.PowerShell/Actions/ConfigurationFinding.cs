namespace IpVlanWin.PowerShell.Actions;

/// <summary>Something that Test-IpVlanConfiguration found to be wrong.</summary>
public sealed class ConfigurationFinding
{
    internal ConfigurationFinding(string subject, string problem, string message) => (Subject, Problem, Message) = (subject, problem, message);

    /// <summary>What is wrong: a file, the service, a port, an interface or an address.</summary>
    public string Subject { get; }

    /// <summary>A stable word: the error's code for a file; pending, error, down, duplicate, tentative or recovered for what runs.</summary>
    public string Problem { get; }

    /// <summary>One sentence.</summary>
    public string Message { get; }
}
