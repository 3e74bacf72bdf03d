using System.Collections.Concurrent;
using IpVlanWin.Devices;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Lab.Tests;

/// <summary>Lets a device receive frames that its stack never sent, besides the next one it sends.</summary>
internal sealed class Injector(IFrameDevice inner) : IFrameDevice
{
    private readonly ConcurrentQueue<byte[]> _frames = new();

    public string Name => inner.Name;

    public OffloadKinds Accepts => inner.Accepts;

    public int PollDescriptor => inner.PollDescriptor;

    public void Add(byte[] frame) => _frames.Enqueue(frame);

    public void Receive(FrameBatch batch)
    {
        inner.Receive(batch);
        while (!batch.IsFull && _frames.TryDequeue(out var frame))
            batch.Append(frame);
    }

    public SendResult Send(Span<byte> buffer, in FrameOffload offload) => inner.Send(buffer, offload);

    public void Flush() => inner.Flush();

    public void Dispose() => inner.Dispose();
}
