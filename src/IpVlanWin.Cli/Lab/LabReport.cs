using IpVlanWin.Engine.Ipvlan;

namespace IpVlanWin.Cli.Lab;

/// <summary>An expectation and what came of it.</summary>
/// <param name="IsHeld">It came as expected.</param>
/// <param name="Text">What was probed, expected (and why) and seen.</param>
internal readonly record struct Finding(bool IsHeld, string Text);

/// <summary>One ping of the matrix.</summary>
internal readonly record struct PingFinding(LabStation From, LabStation To, bool IsSix, PingResult Result, Expectation Expected)
{
    public bool IsHeld => Result.IsReached == Expected.IsReached;
}

/// <summary>One transfer; no result where the bed has no such transport.</summary>
internal readonly record struct TransferFinding(Transport Transport, LabStation From, LabStation To, TransferResult? Result);

/// <summary>One multicast datagram and the stations that got it.</summary>
internal readonly record struct MulticastFinding(LabStation From, bool IsSix, IReadOnlyCollection<LabStation> Receivers);

/// <summary>What was seen in one mode and flag.</summary>
internal sealed class LabPhase(PortMode mode, PortFlag flag)
{
    public PortMode Mode => mode;

    public PortFlag Flag => flag;

    /// <summary>"l2 bridge".</summary>
    public string Name => $"{mode.Word()} {flag.Word()}";

    public List<PingFinding> Pings { get; } = [];

    public List<TransferFinding> Transfers { get; } = [];

    public List<MulticastFinding> Multicasts { get; } = [];
}

/// <summary>All that a lab has seen so far, and the verdict.</summary>
internal sealed class LabReport
{
    public List<LabPhase> Phases { get; } = [];

    public List<Finding> Findings { get; } = [];

    /// <summary>As last read; null before the first phase.</summary>
    public LabStatistics? Statistics { get; set; }

    public bool IsPassed => Findings.Count > 0 && Findings.TrueForAll(finding => finding.IsHeld);
}
