namespace IpVlanWin.Service.Lifetime;

/// <summary>Who started the service and ends it: a terminal or systemd by signals, or the Windows service manager. Members may be called by any thread.</summary>
internal interface ILifetime
{
    /// <summary>Ends when somebody asks the service to end.</summary>
    Task StopAsked { get; }

    /// <summary>How often <see cref="Alive"/> is expected; null where nobody expects it.</summary>
    TimeSpan? WatchdogPeriod { get; }

    /// <summary>Starting or stopping takes longer and goes on.</summary>
    /// <param name="patience">How much longer it may take until the next word.</param>
    void Progress(TimeSpan patience);

    /// <summary>Everything is restored and clients are served.</summary>
    /// <param name="status">One line for people.</param>
    void Ready(string status);

    /// <summary>The service answers.</summary>
    void Alive();

    /// <summary>Ending has begun.</summary>
    void Stopping();
}
