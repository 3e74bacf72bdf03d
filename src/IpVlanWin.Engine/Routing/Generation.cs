namespace IpVlanWin.Engine.Routing;

/// <summary>
/// A number that grows with every change of what it stands for, after the change: what was worked out under a number that still holds is
/// still right. Never 0.
/// </summary>
internal sealed class Generation
{
    private long _number = 1;

    public long Number => Volatile.Read(ref _number);

    public void Advance() => Interlocked.Increment(ref _number);
}
