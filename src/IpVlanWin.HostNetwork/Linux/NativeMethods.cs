using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace IpVlanWin.HostNetwork.Linux;

/// <summary>The C library calls of this room. Each returns -1 and leaves errno for <see cref="LinuxError"/>.</summary>
[SupportedOSPlatform("linux")]
internal static unsafe partial class NativeMethods
{
    private const string C = "libc";

    // fcntl.h, asm-generic values: the same on x86-64 and arm64.
    public const int O_RDONLY = 0, O_RDWR = 2, O_CREAT = 0x40, O_EXCL = 0x80, O_CLOEXEC = 0x80000;
    public const int F_OFD_GETLK = 36, F_OFD_SETLK = 37;
    public const short F_WRLCK = 1, F_UNLCK = 2;
    public const int AT_EMPTY_PATH = 0x1000;
    public const uint STATX_NLINK = 4, STATX_INO = 0x100;

    public const int CLONE_NEWNET = 0x40000000;
    public const int CLONE_NEWNS = 0x20000;
    public const ulong MS_RDONLY = 1, MS_BIND = 0x1000, MS_REC = 0x4000, MS_SLAVE = 1 << 19, MS_SHARED = 1 << 20;
    public const int MNT_DETACH = 2;

    public const int AF_NETLINK = 16, SOCK_RAW = 3, SOCK_CLOEXEC = 0x80000;
    public const int SOL_SOCKET = 1, SO_RCVBUF = 8, SO_RCVTIMEO = 20, SO_RCVBUFFORCE = 33;
    public const int SOL_NETLINK = 270, NETLINK_ADD_MEMBERSHIP = 1, NETLINK_CAP_ACK = 10, NETLINK_EXT_ACK = 11, NETLINK_GET_STRICT_CHK = 12;
    public const int MSG_TRUNC = 0x20, MSG_DONTWAIT = 0x40;
    public const int EFD_CLOEXEC = 0x80000;
    public const short POLLIN = 1;
    public const nuint SIOCADDMULTI = 0x8931, SIOCDELMULTI = 0x8932, SIOCETHTOOL = 0x8946, NS_GET_NSTYPE = 0xB703;
    public const int LOCK_EX = 2;
    public const int SIGPIPE = 13;
    public const nint SIG_DFL = 0;

    [LibraryImport(C, EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial SafeFileHandle Open(string path, int flags, uint mode);

    [LibraryImport(C, EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Statx(SafeFileHandle directory, string path, int flags, uint mask, FileStatus* status);

    [LibraryImport(C, EntryPoint = "fcntl", SetLastError = true)]
    public static partial int Fcntl(SafeFileHandle file, int command, FileLock* fileLock);

    [LibraryImport(C, EntryPoint = "flock", SetLastError = true)]
    public static partial int Flock(SafeFileHandle file, int operation);

    [LibraryImport(C, EntryPoint = "pread", SetLastError = true)]
    public static partial nint Pread(SafeFileHandle file, byte* buffer, nuint length, long offset);

    [LibraryImport(C, EntryPoint = "unshare", SetLastError = true)]
    public static partial int Unshare(int flags);

    [LibraryImport(C, EntryPoint = "setns", SetLastError = true)]
    public static partial int SetNs(SafeFileHandle file, int kind);

    [LibraryImport(C, EntryPoint = "execvp", SetLastError = true)]
    public static partial int Execvp(byte* file, byte** arguments);

    /// <summary>Returns the handler before, which is not looked at.</summary>
    [LibraryImport(C, EntryPoint = "signal")]
    public static partial nint Signal(int signal, nint handler);

    [LibraryImport(C, EntryPoint = "mount", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Mount(string source, string target, string fileSystem, ulong flags, nint data);

    [LibraryImport(C, EntryPoint = "umount2", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Unmount(string target, int flags);

    [LibraryImport(C, EntryPoint = "unlink", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Unlink(string path);

    [LibraryImport(C, EntryPoint = "socket", SetLastError = true)]
    public static partial SafeFileHandle Socket(int family, int type, int protocol);

    [LibraryImport(C, EntryPoint = "bind", SetLastError = true)]
    public static partial int Bind(SafeFileHandle socket, SockAddrNl* address, uint length);

    [LibraryImport(C, EntryPoint = "setsockopt", SetLastError = true)]
    public static partial int SetSockOpt(SafeFileHandle socket, int level, int option, void* value, uint length);

    [LibraryImport(C, EntryPoint = "send", SetLastError = true)]
    public static partial nint Send(SafeFileHandle socket, byte* buffer, nuint length, int flags);

    [LibraryImport(C, EntryPoint = "recvfrom", SetLastError = true)]
    public static partial nint ReceiveFrom(SafeFileHandle socket, byte* buffer, nuint length, int flags, SockAddrNl* source, uint* sourceLength);

    [LibraryImport(C, EntryPoint = "ioctl", SetLastError = true)]
    public static partial int Ioctl(SafeFileHandle socket, nuint request, void* argument);

    [LibraryImport(C, EntryPoint = "eventfd", SetLastError = true)]
    public static partial SafeFileHandle EventFd(uint initial, int flags);

    [LibraryImport(C, EntryPoint = "write", SetLastError = true)]
    public static partial nint Write(SafeFileHandle file, void* buffer, nuint length);

    [LibraryImport(C, EntryPoint = "poll", SetLastError = true)]
    public static partial int Poll(PollFd* descriptors, nuint count, int timeoutMilliseconds);
}
