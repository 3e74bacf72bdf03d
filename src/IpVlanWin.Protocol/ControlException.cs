namespace IpVlanWin.Protocol;

/// <summary>A request was refused. <see cref="Exception.Message"/> is one sentence for people.</summary>
public sealed class ControlException : Exception
{
    /// <summary>A refusal whose sentence is known already, as it came from the service. Use <see cref="ErrorCode.With"/> to make one.</summary>
    public ControlException(ErrorCode code, string sentence, Exception? cause = null)
        : base(sentence, cause) => Code = code;

    /// <summary>What kind of refusal.</summary>
    public ErrorCode Code { get; }
}
