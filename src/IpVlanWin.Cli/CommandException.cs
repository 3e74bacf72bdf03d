namespace IpVlanWin.Cli;

/// <summary>A command that cannot be carried out; its message is the one line that the user sees.</summary>
internal sealed class CommandException : Exception
{
    private CommandException(int exitStatus, string message, Exception? cause = null)
        : base(message, cause) => ExitStatus = exitStatus;

    /// <summary>As iproute2's: 1 for wrong syntax, 2 for a refusal.</summary>
    public int ExitStatus { get; }

    /// <summary>What was typed is wrong.</summary>
    public static CommandException Syntax(string message) => new(1, message);

    /// <summary>What was asked cannot be done.</summary>
    public static CommandException Refused(string message, Exception? cause = null) => new(2, message, cause);
}
