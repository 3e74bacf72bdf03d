namespace IpVlanWin.Protocol;

/// <summary>A part of a list.</summary>
/// <typeparam name="T">What it lists.</typeparam>
public sealed record Page<T>
{
    /// <summary>The items.</summary>
    public IReadOnlyList<T> Items { get; init; } = [];

    /// <summary>What to ask on with; null at the end.</summary>
    public string? Cursor { get; init; }
}

/// <summary>A change is stored.</summary>
public sealed record ChangeReply
{
    /// <summary>The state's version with this change in it.</summary>
    public long Version { get; init; }
}

/// <summary>A piece of the state's document.</summary>
public sealed record ExportPiece
{
    /// <summary>The text.</summary>
    public string Text { get; init; } = "";

    /// <summary>What to ask on with; null at the end.</summary>
    public string? Cursor { get; init; }
}

/// <summary>The data member of an error.</summary>
public sealed record ErrorData
{
    /// <summary>The stable code.</summary>
    public string Code { get; init; } = "";

    /// <summary>The errno's name, or null.</summary>
    public string? Errno { get; init; }
}
