namespace IpVlanWin.Devices.Decorators;

/// <summary>How often faults befall the frames of one direction; each between 0 (never) and 1 (always), drawn for each frame on its own.</summary>
public sealed record FaultRates
{
    /// <summary>Most frames that may overtake one.</summary>
    public const int MaxReorderWindow = 64;

    /// <summary>No faults.</summary>
    public static FaultRates None { get; } = new();

    /// <summary>The frame vanishes.</summary>
    public double Loss { get; init => field = Probability(value, nameof(Loss)); }

    /// <summary>The frame comes twice.</summary>
    public double Duplication { get; init => field = Probability(value, nameof(Duplication)); }

    /// <summary>The frame is held back until others have overtaken it.</summary>
    public double Reordering { get; init => field = Probability(value, nameof(Reordering)); }

    /// <summary>Most frames that overtake a frame held back, and most frames held back at once: 1 to <see cref="MaxReorderWindow"/>.</summary>
    public int ReorderWindow
    {
        get;
        init => field = value is >= 1 and <= MaxReorderWindow
            ? value
            : throw new ArgumentOutOfRangeException(nameof(ReorderWindow), value, $"reorder window must be 1 to {MaxReorderWindow} frames");
    } = 8;

    /// <summary>One byte of the frame is changed.</summary>
    public double Corruption { get; init => field = Probability(value, nameof(Corruption)); }

    /// <summary>The frame loses its end; at least one byte stays.</summary>
    public double Truncation { get; init => field = Probability(value, nameof(Truncation)); }

    /// <summary>Nothing will ever happen.</summary>
    public bool AreZero => Loss == 0 && Duplication == 0 && Reordering == 0 && Corruption == 0 && Truncation == 0;

    private static double Probability(double value, string name) =>
        value is >= 0 and <= 1 ? value : throw new ArgumentOutOfRangeException(name, value, $"probability {name} must be between 0 and 1");
}

/// <summary>What befell the frames of one direction. Written by the pump's thread.</summary>
public sealed class FaultCounters
{
    /// <summary>Frames that came.</summary>
    public long Seen { get; internal set; }

    /// <summary>Frames that vanished.</summary>
    public long Lost { get; internal set; }

    /// <summary>Frames that came twice.</summary>
    public long Duplicated { get; internal set; }

    /// <summary>Frames held back. One that nothing overtakes before the batch ends keeps its place.</summary>
    public long HeldBack { get; internal set; }

    /// <summary>Frames with a changed byte.</summary>
    public long Corrupted { get; internal set; }

    /// <summary>Frames cut short.</summary>
    public long Truncated { get; internal set; }

    /// <summary>Frames drawn for corruption or truncation but left whole, because they have unfinished work or no byte to spare.</summary>
    public long LeftWhole { get; internal set; }

    /// <summary>Duplicates and frames held back that the device then did not take.</summary>
    public long LateRefused { get; internal set; }
}
