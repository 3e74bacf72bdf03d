namespace IpVlanWin.Cli.HostCare;

/// <summary>How bad it is.</summary>
internal enum FindingLevel
{
    /// <summary>As it should be.</summary>
    Ok,

    /// <summary>Something does not work, or not as well as it could.</summary>
    Warn,

    /// <summary>The service cannot work, or is not safe.</summary>
    Fail,
}

/// <summary>One check's outcome.</summary>
/// <param name="Check">What was looked at.</param>
/// <param name="Level">How bad it is.</param>
/// <param name="Text">What was found.</param>
/// <param name="Remedy">What to do; null where nothing is to be done.</param>
internal sealed record Finding(string Check, FindingLevel Level, string Text, string? Remedy = null);
