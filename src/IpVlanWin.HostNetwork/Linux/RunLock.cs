using System.Runtime.Versioning;

namespace IpVlanWin.HostNetwork.Linux;

/// <summary>
/// A named lock that ends with its process however that ends, so that a live run can be told from a dead one. To clean up
/// after a dead run, acquire its lock first: two cleaners then cannot meet.
/// </summary>
/// <remarks>Files lie in /run/ipvlanwin for root and in $XDG_RUNTIME_DIR/ipvlanwin for others.</remarks>
[SupportedOSPlatform("linux")]
public sealed partial class RunLock : IDisposable
{
    /// <summary>The lock's name.</summary>
    public string Name => throw new NotImplementedException();

    /// <summary>Takes the lock, or returns null when a live holder has it.</summary>
    /// <param name="name">Letters, digits, '-', '_', '.'; 1 to 200 of them, not starting with '.'.</param>
    public static RunLock? TryAcquire(string name) => throw new NotImplementedException();

    /// <summary>True when a live holder (this process included) has the lock. Takes nothing, so it disturbs nobody.</summary>
    public static bool IsHeld(string name) => throw new NotImplementedException();

    /// <summary>All names that have a lock file, live or dead, sorted.</summary>
    public static IReadOnlyList<string> List() => throw new NotImplementedException();

    /// <summary>Releases the lock and removes its file.</summary>
    public void Dispose() => throw new NotImplementedException();
}
