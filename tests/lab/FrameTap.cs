using System.Diagnostics;
using System.Runtime.Versioning;
using IpVlanWin.Devices;
using IpVlanWin.Devices.Linux;

namespace IpVlanWin.Lab.Tests;

/// <summary>Sends and sees raw frames at a station's device, beside its stack.</summary>
[SupportedOSPlatform("linux")]
internal sealed class FrameTap(LinuxPacket device) : IDisposable
{
    private readonly FrameBatch _batch = new();

    public void Send(byte[] frame)
    {
        var buffer = new byte[FrameBatch.Headroom + frame.Length];
        frame.CopyTo(buffer, FrameBatch.Headroom);
        Assert.AreEqual(SendResult.Sent, device.Send(buffer, default), "a raw frame");
    }

    /// <summary>The next frame that arrives and fits; null where none does within that time.</summary>
    public byte[]? Receive(Func<byte[], bool> fits, TimeSpan patience)
    {
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < patience; Thread.Sleep(1))
        {
            _batch.Clear();
            device.Receive(_batch);
            for (var i = 0; i < _batch.Count; i++)
            {
                if (_batch.Frame(i).ToArray() is var frame && fits(frame))
                    return frame;
            }
        }
        return null;
    }

    /// <summary>Sends until a frame that fits arrives at another: a single frame may be lost where a queue is full.</summary>
    public byte[] SendUntilSeen(byte[] frame, FrameTap at, Func<byte[], bool> fits) => Eventually.Gives(() =>
    {
        Send(frame);
        return at.Receive(fits, TimeSpan.FromMilliseconds(300));
    });

    public void Dispose()
    {
        device.Dispose();
        _batch.Dispose();
    }
}
