using IpVlanWin.Devices.Memory;
using IpVlanWin.Devices.Pcap;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Cli.Lab.Simulation;

/// <summary>A simulated host's end of a device: frames in and out, recorded at virtual times where a capture was asked for.</summary>
internal sealed class SimulatedNic(MemoryDevice device, MacAddress mac, SimulatedClock clock, CaptureWriter? capture) : IDisposable
{
    private readonly int _captureInterface = capture?.AddInterface(device.Name) ?? 0;

    public MacAddress Mac => mac;

    public TimeSpan Now => clock.Now;

    /// <summary>Source MACs of the frames that came in.</summary>
    public HashSet<MacAddress> SourcesSeen { get; } = [];

    public void Send(ReadOnlySpan<byte> frame)
    {
        capture?.Write(_captureInterface, clock.UnixNanoseconds, frame, new FrameNote(FrameDirection.Outbound));
        device.Inject(frame);
    }

    /// <summary>The next frame that came in; its bytes are good until the next call.</summary>
    public bool TryReceive(out ReadOnlySpan<byte> frame)
    {
        if (!device.TryTake(out frame))
            return false;
        capture?.Write(_captureInterface, clock.UnixNanoseconds, frame, new FrameNote(FrameDirection.Inbound));
        if (frame.Length >= EtherType.HeaderLength)
            SourcesSeen.Add(MacAddress.Read(frame[MacAddress.Bytes..]));
        return true;
    }

    /// <exception cref="IOException">The capture could not be finished.</exception>
    public void Dispose()
    {
        device.Dispose();
        capture?.Dispose();
    }
}

/// <summary>Virtual time: moves only when told.</summary>
internal sealed class SimulatedClock
{
    private readonly long _unixNanosecondsAtStart = CaptureClock.UnixNanoseconds();

    public TimeSpan Now { get; private set; }

    /// <summary>For captures: as if virtual time had begun with the lab.</summary>
    public long UnixNanoseconds => _unixNanosecondsAtStart + (Now.Ticks * TimeSpan.NanosecondsPerTick);

    public void AdvanceTo(TimeSpan time)
    {
        if (time > Now)
            Now = time;
    }
}
