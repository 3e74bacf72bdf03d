using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace IpVlanWin.HostNetwork.Linux;

/// <summary>
/// A named lock that ends with its process however that ends, so that a live run can be told from a dead one. To clean up
/// after a dead run, acquire its lock first: two cleaners then cannot meet.
/// </summary>
/// <remarks>
/// Files NAME.lock in /run/ipvlanwin for root and in $XDG_RUNTIME_DIR/ipvlanwin for others, locked by the open file
/// description (F_OFD_SETLK in fcntl(2)): unlike flock(2) it can be asked about without being taken for a moment.
/// </remarks>
[SupportedOSPlatform("linux")]
public sealed unsafe class RunLock : IDisposable
{
    private const string Suffix = ".lock";

    private readonly SafeFileHandle _file;
    private readonly string _path;

    private RunLock(string name, string path, SafeFileHandle file)
    {
        Name = name;
        _path = path;
        _file = file;
    }

    /// <summary>The lock's name.</summary>
    public string Name { get; }

    /// <summary>Takes the lock, or returns null when a live holder has it.</summary>
    /// <param name="name">Letters, digits, '-', '_', '.'; 1 to 200 of them, not starting with '.'.</param>
    /// <exception cref="HostNetworkException">The file cannot be made (EACCES) or locked.</exception>
    public static RunLock? TryAcquire(string name)
    {
        RequireName(name);
        var attempt = $"take run lock {name}";
        var folder = Folder();
        LinuxError.CreateFolder(folder, attempt);
        var path = Path.Combine(folder, name + Suffix);
        while (true)
        {
            var file = NativeMethods.Open(path, NativeMethods.O_RDWR | NativeMethods.O_CREAT | NativeMethods.O_CLOEXEC, 0b110_100_100);
            if (file.IsInvalid) LinuxError.ThrowLast(attempt);
            var wanted = new FileLock { Type = NativeMethods.F_WRLCK };
            FileStatus status = default;
            var errno = NativeMethods.Fcntl(file, NativeMethods.F_OFD_SETLK, &wanted) == 0
                && NativeMethods.Statx(file, "", NativeMethods.AT_EMPTY_PATH, NativeMethods.STATX_NLINK, &status) == 0
                ? 0 : Marshal.GetLastPInvokeError();
            if (errno == 0 && status.LinkCount > 0) return new RunLock(name, path, file);
            file.Dispose();
            if (errno is LinuxError.EAGAIN or LinuxError.EACCES) return null;
            if (errno != 0) LinuxError.Throw(errno, attempt);
            // No link left: the last holder removed the file between the opening and the lock. The next round makes a new one.
        }
    }

    /// <summary>True when a live holder (this process included) has the lock. Takes nothing, so it disturbs nobody.</summary>
    /// <param name="name">As in <see cref="TryAcquire"/>.</param>
    /// <exception cref="HostNetworkException">The file cannot be read.</exception>
    public static bool IsHeld(string name)
    {
        RequireName(name);
        var attempt = $"look at run lock {name}";
        using var file = NativeMethods.Open(Path.Combine(Folder(), name + Suffix), NativeMethods.O_RDONLY | NativeMethods.O_CLOEXEC, 0);
        if (file.IsInvalid)
        {
            if (Marshal.GetLastPInvokeError() is var errno and not LinuxError.ENOENT) LinuxError.Throw(errno, attempt);
            return false;
        }
        var wanted = new FileLock { Type = NativeMethods.F_WRLCK };
        if (NativeMethods.Fcntl(file, NativeMethods.F_OFD_GETLK, &wanted) != 0) LinuxError.ThrowLast(attempt);
        return wanted.Type != NativeMethods.F_UNLCK;
    }

    /// <summary>All names that have a lock file, of live and dead runs, sorted.</summary>
    public static IReadOnlyList<string> List()
    {
        var names = new List<string>();
        var folder = Folder();
        if (!Directory.Exists(folder)) return names;
        foreach (var path in Directory.EnumerateFiles(folder, "*" + Suffix)) names.Add(Path.GetFileNameWithoutExtension(path));
        names.Sort(StringComparer.Ordinal);
        return names;
    }

    /// <summary>Removes the lock's file and releases the lock.</summary>
    public void Dispose()
    {
        if (_file.IsClosed) return;
        // Removed while still held: whoever opened it before finds it without a link and starts again. If removal fails
        // the file stays behind as a dead run's, which the next cleaner takes.
        _ = NativeMethods.Unlink(_path);
        _file.Dispose();
    }

    private static string Folder()
    {
        if (Environment.IsPrivilegedProcess) return "/run/ipvlanwin";
        var runtime = Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR");
        if (string.IsNullOrEmpty(runtime)) LinuxError.Throw(LinuxError.ENOENT, "find a folder for run locks", "XDG_RUNTIME_DIR must name one when not root");
        return Path.Combine(runtime, "ipvlanwin");
    }

    private static void RequireName(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        var valid = name.Length is > 0 and <= 200 && name[0] != '.';
        foreach (var c in name) valid &= char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.';
        if (!valid) throw new ArgumentException($"run lock name \"{name}\" must be 1 to 200 letters, digits, '-', '_' or '.', not starting with '.'", nameof(name));
    }
}
