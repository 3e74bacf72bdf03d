namespace IpVlanWin.Service.State;

/// <summary>The stored state cannot be used; the message is one sentence that says what to do. The service does not start.</summary>
public sealed class StateException : Exception
{
    internal StateException(string message, Exception? cause = null)
        : base(message, cause)
    {
    }
}
