using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Devices;

/// <summary>Unfinished work that a device takes on frames sent to it. What it does not take is done before <see cref="IFrameDevice.Send"/>.</summary>
[Flags]
public enum OffloadKinds
{
    /// <summary>Finished frames only.</summary>
    None = 0,

    /// <summary>Partial transport checksums.</summary>
    Checksum = 1,

    /// <summary>TCP segmentation, IPv4 and IPv6.</summary>
    Tcp = 2,

    /// <summary>UDP segmentation (Linux 6.2 and later).</summary>
    Udp = 4,
}

/// <summary>What became of a frame given to a device.</summary>
public enum SendResult
{
    /// <summary>The device has it.</summary>
    Sent,

    /// <summary>The device's queue is full; the frame is lost.</summary>
    QueueFull,

    /// <summary>The device cannot take it now or ever (down, gone, longer than it can carry); the frame is lost.</summary>
    Refused,
}

/// <summary>
/// An I/O adapter that reads and writes whole Ethernet frames, in batches, without waiting. One thread at a time may call it:
/// the pump's. VLAN tags are in the frame's bytes. Nothing here throws for a frame's sake.
/// </summary>
public interface IFrameDevice : IDisposable
{
    /// <summary>Name for people.</summary>
    string Name { get; }

    /// <summary>What <see cref="Send"/> accepts unfinished.</summary>
    OffloadKinds Accepts { get; }

    /// <summary>Descriptor that polls readable while frames wait; -1 where the device has none and has to be asked.</summary>
    int PollDescriptor { get; }

    /// <summary>Appends waiting frames to the batch until it is full or no more wait. Never waits.</summary>
    void Receive(FrameBatch batch);

    /// <summary>
    /// Gives one frame to the device. The first <see cref="FrameBatch.Headroom"/> bytes of the buffer are scratch for the device;
    /// the frame follows and stays unchanged.
    /// </summary>
    SendResult Send(Span<byte> buffer, in FrameOffload offload);

    /// <summary>Ends a batch: what <see cref="Send"/> held back goes out now.</summary>
    void Flush();
}
