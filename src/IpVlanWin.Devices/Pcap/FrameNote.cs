using System.Runtime.InteropServices;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Devices.Pcap;

/// <summary>What a pcapng file says about a frame beside its bytes. The default value says nothing. Classic pcap has no room for it.</summary>
/// <param name="Direction">Which way it went (epb_flags).</param>
/// <param name="Offload">Work left unfinished: marks the checksum as not ready and the segments as uncut (epb_flags bits 9 and 11).</param>
/// <param name="DroppedBefore">Frames lost before it on the same interface (epb_dropcount); 0 is not written.</param>
/// <param name="Comment">Text for people, such as why it was dropped (opt_comment); at most 65,535 bytes of UTF-8 are kept.</param>
/// <param name="FullLength">Bytes it had where only its first ones are given; 0 where all are.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct FrameNote(
    FrameDirection Direction = FrameDirection.Unknown, FrameOffload Offload = default, long DroppedBefore = 0, string? Comment = null, int FullLength = 0);

/// <summary>Who made a capture (draft-ietf-opsawg-pcapng section 4.1). What is null is not written.</summary>
/// <param name="Hardware">shb_hardware.</param>
/// <param name="OperatingSystem">shb_os.</param>
/// <param name="Application">shb_userappl.</param>
public sealed record CaptureOrigin(string? Hardware, string? OperatingSystem, string? Application)
{
    /// <summary>This process on this machine.</summary>
    public static CaptureOrigin ThisProcess { get; } = new(
        RuntimeInformation.OSArchitecture.ToString(),
        RuntimeInformation.OSDescription,
        $"IpVlanWin {typeof(CaptureOrigin).Assembly.GetName().Version?.ToString(3)}");
}
