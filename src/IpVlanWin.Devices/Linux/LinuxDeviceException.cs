using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace IpVlanWin.Devices.Linux;

/// <summary>A Linux device could not be opened or set up. The message is one line for people.</summary>
public sealed class LinuxDeviceException : IOException
{
    /// <summary>An error that the kernel gave.</summary>
    /// <param name="what">What failed, e.g. "cannot create TAP 'ipvl0'".</param>
    /// <param name="errno">The raw error number (errno(3)).</param>
    public LinuxDeviceException(string what, int errno)
        : base($"{what}: {Marshal.GetPInvokeErrorMessage(errno)} (errno {errno})") => Errno = errno;

    /// <summary>An error found without asking the kernel.</summary>
    public LinuxDeviceException(string message)
        : base(message)
    {
    }

    /// <summary>The raw error number (errno(3)); 0 where the kernel gave none.</summary>
    public int Errno { get; }

    /// <summary>Throws; the error number comes first so that it is taken before the text is put together.</summary>
    [DoesNotReturn]
    internal static void Throw(int errno, string what) => throw new LinuxDeviceException(what, errno);
}
