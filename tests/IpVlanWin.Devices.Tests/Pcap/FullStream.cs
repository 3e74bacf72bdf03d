namespace IpVlanWin.Devices.Tests.Pcap;

/// <summary>A disk that is full after so many bytes.</summary>
internal sealed class FullStream(long room) : MemoryStream
{
    public bool IsDisposed { get; private set; }

    public override void Write(byte[] buffer, int offset, int count)
    {
        if (Length + count > room)
            throw new IOException("no space left");
        base.Write(buffer, offset, count);
    }

    protected override void Dispose(bool disposing)
    {
        IsDisposed = true;
        base.Dispose(disposing);
    }
}
