namespace IpVlanWin.Devices.Tests.Decorators;

/// <summary>A disk that takes nothing until its gate is opened, and tells when somebody waits at it.</summary>
internal sealed class GatedStream : MemoryStream
{
    public ManualResetEventSlim Gate { get; } = new();

    public ManualResetEventSlim Waiting { get; } = new();

    public override void Write(byte[] buffer, int offset, int count)
    {
        Waiting.Set();
        Gate.Wait();
        base.Write(buffer, offset, count);
    }

    protected override void Dispose(bool disposing)
    {
        Gate.Dispose();
        Waiting.Dispose();
        base.Dispose(disposing);
    }
}
