using System.Buffers.Binary;
using System.Runtime.Versioning;
using IpVlanWin.Devices.Linux;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Devices.Tests;

/// <summary>Two devices joined by one epoll thread, and what was seen on the way from each.</summary>
[SupportedOSPlatform("linux")]
internal sealed class LinuxForwarder : IDisposable
{
    private const int WarmUpFrames = 50;

    private readonly IFrameDevice[] _devices;
    private readonly Epoll _epoll = new();
    private readonly FrameBatch _batch = new();
    private readonly OffloadEgress _egress = new();
    private readonly Thread _thread;
    private volatile bool _stop;
    private Exception? _failure;

    public LinuxForwarder(IFrameDevice left, IFrameDevice right)
    {
        _devices = [left, right];
        _thread = new Thread(Run) { Name = "forwarder" };
        _thread.Start();
    }

    /// <summary>Seen from the left device and from the right one. Only after <see cref="Stop"/>.</summary>
    public Direction[] From { get; } = [new(), new()];

    /// <summary>Bytes that the thread allocated while forwarding, the first frames aside.</summary>
    public long Allocated { get; private set; }

    /// <summary>Frames that a <see cref="LinuxFinishedOnly"/> should not have been given.</summary>
    public int Violations => _devices.OfType<LinuxFinishedOnly>().Sum(device => device.Violations);

    /// <summary>Frames over which <see cref="Allocated"/> was taken.</summary>
    public long Measured { get; private set; }

    public void Stop()
    {
        if (_stop)
            return;
        _stop = true;
        _epoll.Wake();
        _thread.Join();
        Assert.IsNull(_failure, _failure?.ToString());
    }

    public void Dispose()
    {
        _stop = true;
        _epoll.Wake();
        _thread.Join();
        _epoll.Dispose();
        _batch.Dispose();
    }

    private void Run()
    {
        try
        {
            Span<EpollReady> ready = stackalloc EpollReady[4];
            for (var i = 0; i < _devices.Length; i++)
                _epoll.Add(_devices[i].PollDescriptor, (ulong)i);
            long frames = 0, baseline = 0;
            while (!_stop)
            {
                var count = _epoll.Wait(ready, Timeout.InfiniteTimeSpan);
                for (var i = 0; i < count; i++)
                    frames += Forward((int)ready[i].Tag);
                if (baseline == 0 && frames > WarmUpFrames)
                    (baseline, Measured) = (GC.GetAllocatedBytesForCurrentThread(), -frames);
            }
            Measured = baseline == 0 ? 0 : Measured + frames;
            Allocated = baseline == 0 ? 0 : GC.GetAllocatedBytesForCurrentThread() - baseline;
        }
        catch (Exception exception)
        {
            _failure = exception;
        }
    }

    private int Forward(int from)
    {
        _devices[from].Receive(_batch);
        for (var i = 0; i < _batch.Count; i++)
        {
            From[from].Note(_batch.Frame(i), _batch.Offload(i));
            From[from].Results[(int)_egress.Send(_devices[1 - from], _batch.Buffer(i), _batch.Offload(i))]++;
        }
        var count = _batch.Count;
        _batch.Clear();
        return count;
    }

    internal sealed class Direction
    {
        public int Frames { get; private set; }

        public int Longest { get; private set; }

        public int PartialChecksums { get; private set; }

        /// <summary>Frames by <see cref="SegmentationKind"/>.</summary>
        public int[] Segmented { get; } = new int[8];

        /// <summary>Frames by VLAN tag protocol 8100 and 88a8.</summary>
        public int[] Tagged { get; } = new int[2];

        public int[] Results { get; } = new int[3];

        public void Note(ReadOnlySpan<byte> frame, in FrameOffload offload)
        {
            Frames++;
            Longest = Math.Max(Longest, frame.Length);
            PartialChecksums += offload.NeedsChecksum ? 1 : 0;
            Segmented[(int)offload.Segmentation & 7]++;
            var protocol = BinaryPrimitives.ReadUInt16BigEndian(frame[12..]);
            Tagged[0] += protocol == 0x8100 ? 1 : 0;
            Tagged[1] += protocol == 0x88A8 ? 1 : 0;
        }

        public override string ToString() =>
            $"{Frames} frames, longest {Longest}, {PartialChecksums} partial, TCP GSO {Segmented[1]}+{Segmented[4]}, UDP GSO {Segmented[5]}, results {string.Join('/', Results)}";
    }
}

/// <summary>A device that accepts nothing unfinished, over one that would, and remembers what broke that.</summary>
internal sealed class LinuxFinishedOnly(IFrameDevice device, int maximumFrameLength) : IFrameDevice
{
    public int Violations { get; private set; }

    public string Name => device.Name;

    public OffloadKinds Accepts => OffloadKinds.None;

    public int PollDescriptor => device.PollDescriptor;

    public void Receive(FrameBatch batch) => device.Receive(batch);

    public SendResult Send(Span<byte> buffer, in FrameOffload offload)
    {
        Violations += offload.IsFinished && buffer.Length - FrameBatch.Headroom <= maximumFrameLength ? 0 : 1;
        return device.Send(buffer, offload);
    }

    public void Flush() => device.Flush();

    public void Dispose() => device.Dispose();
}
