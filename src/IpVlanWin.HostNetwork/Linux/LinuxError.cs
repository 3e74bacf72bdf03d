using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace IpVlanWin.HostNetwork.Linux;

/// <summary>The one place where an errno becomes an exception.</summary>
[SupportedOSPlatform("linux")]
internal static class LinuxError
{
    public const int EPERM = 1, ENOENT = 2, ESRCH = 3, EINTR = 4, EAGAIN = 11, EACCES = 13, EEXIST = 17, ENODEV = 19, EINVAL = 22,
        EBADMSG = 74, EMSGSIZE = 90, EOPNOTSUPP = 95, EADDRNOTAVAIL = 99, ENOBUFS = 105, ETIMEDOUT = 110;

    /// <summary>Makes the exception for an errno.</summary>
    /// <param name="errno">Positive, from <see cref="Marshal.GetLastPInvokeError"/> or a netlink acknowledgement.</param>
    /// <param name="attempted">What was tried, to follow "cannot": "set link 3 up".</param>
    /// <param name="kernelText">The extended acknowledgement's text, if there was one.</param>
    public static HostNetworkException Create(int errno, string attempted, string? kernelText = null)
    {
        var name = NameOf(errno);
        var text = Marshal.GetPInvokeErrorMessage(errno);
        var message = string.IsNullOrEmpty(kernelText)
            ? $"cannot {attempted}: {text} ({name})"
            : $"cannot {attempted}: {text} ({name}): {kernelText}";
        return new HostNetworkException(message, errno, name, kernelText);
    }

    /// <inheritdoc cref="Create"/>
    [DoesNotReturn]
    public static void Throw(int errno, string attempted, string? kernelText = null) => throw Create(errno, attempted, kernelText);

    /// <summary>Throws for the errno the last native call of this thread left.</summary>
    [DoesNotReturn]
    public static void ThrowLast(string attempted) => Throw(Marshal.GetLastPInvokeError(), attempted);

    /// <summary>Makes a folder if there is none; a refusal is told like every other.</summary>
    public static void CreateFolder(string path, string attempted)
    {
        try
        {
            Directory.CreateDirectory(path);
        }
        catch (UnauthorizedAccessException)
        {
            Throw(EACCES, attempted, $"may not create {path}");
        }
    }

    /// <summary>The symbol of an errno; asm-generic/errno-base.h and errno.h, the same on x86-64 and arm64.</summary>
    public static string NameOf(int errno) => errno switch
    {
        EPERM => nameof(EPERM),
        ENOENT => nameof(ENOENT),
        ESRCH => nameof(ESRCH),
        EINTR => nameof(EINTR),
        5 => "EIO",
        6 => "ENXIO",
        7 => "E2BIG",
        9 => "EBADF",
        EAGAIN => nameof(EAGAIN),
        12 => "ENOMEM",
        EACCES => nameof(EACCES),
        14 => "EFAULT",
        16 => "EBUSY",
        EEXIST => nameof(EEXIST),
        18 => "EXDEV",
        ENODEV => nameof(ENODEV),
        20 => "ENOTDIR",
        21 => "EISDIR",
        EINVAL => nameof(EINVAL),
        23 => "ENFILE",
        24 => "EMFILE",
        25 => "ENOTTY",
        27 => "EFBIG",
        28 => "ENOSPC",
        30 => "EROFS",
        32 => "EPIPE",
        33 => "EDOM",
        34 => "ERANGE",
        36 => "ENAMETOOLONG",
        38 => "ENOSYS",
        39 => "ENOTEMPTY",
        40 => "ELOOP",
        61 => "ENODATA",
        71 => "EPROTO",
        EBADMSG => nameof(EBADMSG),
        75 => "EOVERFLOW",
        88 => "ENOTSOCK",
        89 => "EDESTADDRREQ",
        EMSGSIZE => nameof(EMSGSIZE),
        93 => "EPROTONOSUPPORT",
        EOPNOTSUPP => nameof(EOPNOTSUPP),
        97 => "EAFNOSUPPORT",
        98 => "EADDRINUSE",
        EADDRNOTAVAIL => nameof(EADDRNOTAVAIL),
        100 => "ENETDOWN",
        101 => "ENETUNREACH",
        ENOBUFS => nameof(ENOBUFS),
        106 => "EISCONN",
        107 => "ENOTCONN",
        ETIMEDOUT => nameof(ETIMEDOUT),
        111 => "ECONNREFUSED",
        113 => "EHOSTUNREACH",
        114 => "EALREADY",
        116 => "ESTALE",
        125 => "ECANCELED",
        _ => $"errno {errno}",
    };
}
