using System.Runtime.InteropServices;

namespace IpVlanWin.HostNetwork.Linux;

public sealed unsafe partial class NetworkNamespace
{
    private const string Folder = "/run/netns";

    /// <summary>Makes a new named namespace with its loopback up. Needs CAP_SYS_ADMIN.</summary>
    /// <param name="name">Letters, digits, '-', '_', '.'; 1 to 255 of them, not "." or "..".</param>
    /// <exception cref="HostNetworkException">EEXIST when the name is taken; EPERM or EACCES without the privilege.</exception>
    /// <exception cref="ArgumentException">The name is not one.</exception>
    public static NetworkNamespace Create(string name)
    {
        var path = PathOf(name);
        PrepareFolder();
        using (var file = NativeMethods.Open(path, NativeMethods.O_RDONLY | NativeMethods.O_CREAT | NativeMethods.O_EXCL | NativeMethods.O_CLOEXEC, 0))
        {
            if (file.IsInvalid) LinuxError.ThrowLast($"create namespace {name}");
        }
        try
        {
            OnThread(() =>
            {
                if (NativeMethods.Unshare(NativeMethods.CLONE_NEWNET) != 0) LinuxError.ThrowLast($"create namespace {name}");
                using (var netlink = RouteNetlink.Open()) netlink.SetUp(1, true);
                if (NativeMethods.Mount("/proc/thread-self/ns/net", path, "none", NativeMethods.MS_BIND, 0) != 0) LinuxError.ThrowLast($"name namespace {name}");
                return true;
            });
            return Open(name);
        }
        catch
        {
            Remove(path);
            throw;
        }
    }

    /// <summary>Opens a named namespace.</summary>
    /// <param name="name">As in <see cref="Create"/>.</param>
    /// <exception cref="HostNetworkException">ENOENT when there is none of that name; ENOTTY or EINVAL when the file is no network namespace.</exception>
    public static NetworkNamespace Open(string name) => OpenPath(PathOf(name), name);

    /// <summary>Opens the namespace a process is in.</summary>
    /// <param name="processId">The process.</param>
    /// <exception cref="HostNetworkException">ENOENT when there is no such process; EACCES when it may not be looked at.</exception>
    public static NetworkNamespace OpenProcess(int processId) => OpenPath($"/proc/{processId}/ns/net", null);

    /// <summary>Opens the calling thread's namespace. The caller disposes it.</summary>
    public static NetworkNamespace OpenCurrent() => OpenPath("/proc/thread-self/ns/net", null);

    /// <summary>Removes a name. The namespace itself ends with its last descriptor, socket and process.</summary>
    /// <param name="name">As in <see cref="Create"/>.</param>
    /// <exception cref="HostNetworkException">ENOENT when there is none of that name.</exception>
    public static void Delete(string name)
    {
        var errno = Remove(PathOf(name));
        if (errno != 0) LinuxError.Throw(errno, $"delete namespace {name}");
    }

    /// <summary>The names under /run/netns, sorted.</summary>
    public static IReadOnlyList<string> List()
    {
        if (!Directory.Exists(Folder)) return [];
        var names = new List<string>();
        foreach (var path in Directory.EnumerateFileSystemEntries(Folder)) names.Add(Path.GetFileName(path));
        names.Sort(StringComparer.Ordinal);
        return names;
    }

    /// <summary>True when the name is taken under /run/netns.</summary>
    /// <param name="name">As in <see cref="Create"/>.</param>
    public static bool Exists(string name) => File.Exists(PathOf(name));

    private static NetworkNamespace OpenPath(string path, string? name)
    {
        var attempt = $"open namespace {name ?? path}";
        var handle = NativeMethods.Open(path, NativeMethods.O_RDONLY | NativeMethods.O_CLOEXEC, 0);
        if (handle.IsInvalid) LinuxError.ThrowLast(attempt);
        FileStatus status;
        var kind = NativeMethods.Ioctl(handle, NativeMethods.NS_GET_NSTYPE, null);
        if (kind == NativeMethods.CLONE_NEWNET
            && NativeMethods.Statx(handle, "", NativeMethods.AT_EMPTY_PATH, NativeMethods.STATX_INO, &status) == 0)
        {
            return new NetworkNamespace(name, handle, status.Inode);
        }
        // A namespace of another kind answers with that kind and leaves no errno.
        var errno = kind is -1 or NativeMethods.CLONE_NEWNET ? Marshal.GetLastPInvokeError() : LinuxError.EINVAL;
        handle.Dispose();
        LinuxError.Throw(errno, attempt, "it is not a network namespace");
        return null;
    }

    /// <summary>Returns 0 or the errno.</summary>
    private static int Remove(string path)
    {
        // EINVAL: nothing is mounted there, so only the file is left to remove.
        if (NativeMethods.Unmount(path, NativeMethods.MNT_DETACH) != 0 && Marshal.GetLastPInvokeError() is var errno and not LinuxError.EINVAL) return errno;
        return NativeMethods.Unlink(path) == 0 ? 0 : Marshal.GetLastPInvokeError();
    }

    /// <summary>
    /// Makes /run/netns a shared mount, so that names come and go in every mount namespace, as ip-netns(8) does. The lock on the
    /// folder, the one `ip netns add` takes, keeps two from mounting it twice.
    /// </summary>
    private static void PrepareFolder()
    {
        const string Attempt = "prepare " + Folder;
        LinuxError.CreateFolder(Folder, Attempt);
        using var folder = NativeMethods.Open(Folder, NativeMethods.O_RDONLY | NativeMethods.O_CLOEXEC, 0);
        if (folder.IsInvalid) LinuxError.ThrowLast(Attempt);
        while (NativeMethods.Flock(folder, NativeMethods.LOCK_EX) != 0)
        {
            if (Marshal.GetLastPInvokeError() is var errno and not LinuxError.EINTR) LinuxError.Throw(errno, Attempt);
        }
        const ulong Shared = NativeMethods.MS_SHARED | NativeMethods.MS_REC;
        if (NativeMethods.Mount("", Folder, "none", Shared, 0) == 0) return;
        if (Marshal.GetLastPInvokeError() is var error and not LinuxError.EINVAL) LinuxError.Throw(error, Attempt);
        // EINVAL: it is no mount point yet.
        if (NativeMethods.Mount(Folder, Folder, "none", NativeMethods.MS_BIND | NativeMethods.MS_REC, 0) != 0) LinuxError.ThrowLast(Attempt);
        if (NativeMethods.Mount("", Folder, "none", Shared, 0) != 0) LinuxError.ThrowLast(Attempt);
    }

    private static string PathOf(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        var valid = name.Length is > 0 and <= 255 && name is not ("." or "..");
        foreach (var c in name) valid &= char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.';
        if (!valid) throw new ArgumentException($"namespace name \"{name}\" must be 1 to 255 letters, digits, '-', '_' or '.', and not \".\" or \"..\"", nameof(name));
        return $"{Folder}/{name}";
    }
}
