namespace IpVlanWin.Service.Lifetime;

/// <summary>How the program ends: the process's exit status, and on Windows the service-specific exit code.</summary>
internal enum ExitStatus
{
    /// <summary>As asked.</summary>
    Ok = 0,

    /// <summary>The command line or the settings file is wrong.</summary>
    BadSettings = 1,

    /// <summary>The stored state cannot be used, or the operating system refused what a verb asked for.</summary>
    Refused = 2,

    /// <summary>The pipe or the metrics endpoint is taken.</summary>
    AddressTaken = 3,

    /// <summary>A fault of ours; the log has all of it.</summary>
    Failed = 4,
}
