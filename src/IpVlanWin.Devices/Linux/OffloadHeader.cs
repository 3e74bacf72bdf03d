using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Devices.Linux;

/// <summary>Frames behind a struct virtio_net_hdr, as TAP devices (IFF_VNET_HDR) and packet sockets (PACKET_VNET_HDR) read and write them.</summary>
[SupportedOSPlatform("linux")]
internal static unsafe class OffloadHeader
{
    /// <summary>Where the header of a received frame lies in <see cref="FrameBatch.Next"/>: directly before the frame.</summary>
    public const int Start = FrameBatch.FrameStart - FrameOffload.Bytes;

    /// <summary>Writes the header and the frame in one call, the header into the buffer's headroom.</summary>
    /// <returns>The error number; 0 where the kernel has the frame.</returns>
    public static int Write(int descriptor, Span<byte> buffer, in FrameOffload offload)
    {
        var message = buffer[(FrameBatch.Headroom - FrameOffload.Bytes)..];
        MemoryMarshal.Write(message, offload);
        fixed (byte* start = message)
            return NativeMethods.Write(descriptor, start, (nuint)message.Length) < 0 ? Marshal.GetLastSystemError() : 0;
    }
}
