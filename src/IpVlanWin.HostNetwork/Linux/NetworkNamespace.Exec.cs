using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace IpVlanWin.HostNetwork.Linux;

public sealed unsafe partial class NetworkNamespace
{
    private const string OwnFiles = "/etc/netns";

    /// <summary>
    /// Puts a program in the place of this process, inside a named namespace: with the namespace's own /sys, and with the files of
    /// /etc/netns/NAME over those of /etc, as ip-netns(8) does. Comes back only by an exception.
    /// </summary>
    /// <param name="name">As in <see cref="Create"/>.</param>
    /// <param name="command">The program, looked up in PATH, and its arguments.</param>
    /// <exception cref="HostNetworkException">ENOENT when there is no such namespace or program; EPERM without CAP_SYS_ADMIN.</exception>
    [DoesNotReturn]
    public static void Execute(string name, IReadOnlyList<string> command)
    {
        ArgumentNullException.ThrowIfNull(command);
        ArgumentOutOfRangeException.ThrowIfZero(command.Count);
        using var space = Open(name);
        var attempt = $"enter namespace {name}";
        if (NativeMethods.SetNs(space.Handle, NativeMethods.CLONE_NEWNET) != 0 || NativeMethods.Unshare(NativeMethods.CLONE_NEWNS) != 0) LinuxError.ThrowLast(attempt);
        // Names of namespaces that come later shall be seen; what is mounted here shall not leave.
        if (NativeMethods.Mount("", "/", "none", NativeMethods.MS_SLAVE | NativeMethods.MS_REC, 0) != 0) LinuxError.ThrowLast(attempt);
        MountSystem(name, attempt);
        if (Directory.Exists($"{OwnFiles}/{name}"))
        {
            foreach (var file in Directory.EnumerateFileSystemEntries($"{OwnFiles}/{name}"))
            {
                var over = $"/etc/{Path.GetFileName(file)}";
                if (Path.Exists(over) && NativeMethods.Mount(file, over, "none", NativeMethods.MS_BIND, 0) != 0) LinuxError.ThrowLast($"put {file} over {over}");
            }
        }
        // The runtime ignores it, and what is ignored stays so in the next program.
        NativeMethods.Signal(NativeMethods.SIGPIPE, NativeMethods.SIG_DFL);
        var arguments = (byte**)NativeMemory.AllocZeroed((nuint)command.Count + 1, (nuint)sizeof(byte*));
        for (var i = 0; i < command.Count; i++) arguments[i] = (byte*)Marshal.StringToCoTaskMemUTF8(command[i]);
        NativeMethods.Execvp(arguments[0], arguments);
        LinuxError.ThrowLast($"run {command[0]}");
    }

    /// <summary>/sys shows the namespace's devices; where it could only be read, as in containers, that stays so.</summary>
    private static void MountSystem(string name, string attempt)
    {
        _ = NativeMethods.Unmount("/sys", NativeMethods.MNT_DETACH);
        if (NativeMethods.Mount(name, "/sys", "sysfs", 0, 0) == 0) return;
        if (Marshal.GetLastPInvokeError() is var errno and not LinuxError.EPERM) LinuxError.Throw(errno, attempt);
        if (NativeMethods.Mount(name, "/sys", "sysfs", NativeMethods.MS_RDONLY, 0) != 0) LinuxError.ThrowLast(attempt);
    }
}
