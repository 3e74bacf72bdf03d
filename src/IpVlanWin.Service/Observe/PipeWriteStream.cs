using System.IO.Pipes;

namespace IpVlanWin.Service.Observe;

/// <summary>A pipe to write on, by a thread that may wait; a token ends the waiting wherever the reader is. The pipe stays its owner's.</summary>
internal sealed class PipeWriteStream(PipeStream pipe, CancellationToken ending) : Stream
{
    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count)
    {
        try
        {
            pipe.WriteAsync(buffer.AsMemory(offset, count), ending).AsTask().GetAwaiter().GetResult();
        }
        catch (OperationCanceledException fault)
        {
            throw new IOException("the capture has ended", fault);
        }
    }
}
