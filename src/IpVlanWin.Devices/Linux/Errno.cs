namespace IpVlanWin.Devices.Linux;

/// <summary>Error numbers of Linux (asm-generic/errno.h, the same on x64 and arm64) and what they mean to a device.</summary>
internal static class Errno
{
    public const int Interrupted = 4;
    public const int NoSuchAddress = 6;
    public const int TryAgain = 11;
    public const int NoMemory = 12;
    public const int Busy = 16;
    public const int NoDevice = 19;
    public const int Invalid = 22;
    public const int BadDescriptorState = 77;
    public const int NetworkDown = 100;
    public const int NoBuffers = 105;

    /// <summary>What became of a frame whose write failed: full queues are passing, everything else is a refusal.</summary>
    public static SendResult ToSendResult(int errno) =>
        errno is TryAgain or NoBuffers or NoMemory or Interrupted ? SendResult.QueueFull : SendResult.Refused;
}
