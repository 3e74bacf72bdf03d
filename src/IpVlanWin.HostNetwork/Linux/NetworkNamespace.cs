using System.Runtime.ExceptionServices;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace IpVlanWin.HostNetwork.Linux;

/// <summary>
/// A Linux network namespace, held by a descriptor: it lives at least as long as this object. See network_namespaces(7),
/// setns(2) and ip-netns(8), whose naming under /run/netns is kept.
/// </summary>
/// <remarks>All members may be called from any thread. Disposing does not delete the name.</remarks>
[SupportedOSPlatform("linux")]
public sealed partial class NetworkNamespace : IDisposable
{
    private NetworkNamespace(string? name, SafeFileHandle handle, ulong identity)
    {
        Name = name;
        Handle = handle;
        Identity = identity;
    }

    /// <summary>The name under /run/netns, or null for one that was opened by its place in /proc.</summary>
    public string? Name { get; }

    /// <summary>The descriptor. It belongs to this object.</summary>
    public SafeFileHandle Handle { get; }

    /// <summary>The namespace's inode number: two objects are the same namespace when it is equal.</summary>
    public ulong Identity { get; }

    /// <summary>
    /// Runs <paramref name="body"/> inside the namespace, on a thread of its own that ends with it, and waits. Sockets
    /// opened and processes started there stay in the namespace. An exception comes out as it was thrown, with its stack.
    /// </summary>
    /// <remarks>
    /// Keep the body to system calls. Linux lets a new thread inherit its creator's namespace: work that makes the runtime
    /// start pool threads (tasks, asynchronous sockets, pipes of a child) would leave them in this one for good. Open a
    /// socket inside and use it outside; start a child by <c>ip netns exec</c> or nsenter(1).
    /// </remarks>
    /// <param name="body">Synchronous work.</param>
    /// <exception cref="HostNetworkException">The namespace cannot be entered (EPERM without CAP_SYS_ADMIN).</exception>
    public T Run<T>(Func<T> body)
    {
        ArgumentNullException.ThrowIfNull(body);
        return OnThread(() =>
        {
            if (NativeMethods.SetNs(Handle, NativeMethods.CLONE_NEWNET) != 0) LinuxError.ThrowLast($"enter namespace {this}");
            return body();
        });
    }

    /// <inheritdoc cref="Run{T}(Func{T})"/>
    public void Run(Action body)
    {
        ArgumentNullException.ThrowIfNull(body);
        Run(() =>
        {
            body();
            return true;
        });
    }

    /// <summary>Reads a file of the namespace's /proc/net, for example <c>ReadProc("dev_mcast")</c>.</summary>
    /// <param name="path">Relative to /proc/net, without "..".</param>
    /// <exception cref="IOException">There is no such file.</exception>
    public string ReadProc(string path)
    {
        RequireRelative(path, "");
        return Run(() => File.ReadAllText($"/proc/thread-self/net/{path}"));
    }

    /// <summary>Reads a setting, for example <c>net/ipv4/ip_forward</c>, without its line end.</summary>
    /// <param name="name">Relative to /proc/sys, separated by '/', starting with "net/".</param>
    /// <exception cref="IOException">There is no such setting.</exception>
    public string ReadSysctl(string name)
    {
        RequireRelative(name, "net/");
        return Run(() => File.ReadAllText($"/proc/sys/{name}").TrimEnd('\n'));
    }

    /// <summary>Writes a setting, for example <c>WriteSysctl("net/ipv4/ip_forward", "1")</c>.</summary>
    /// <param name="name">Relative to /proc/sys, separated by '/', starting with "net/".</param>
    /// <param name="value">The text to write.</param>
    /// <exception cref="IOException">There is no such setting, or it does not take the value.</exception>
    public void WriteSysctl(string name, string value)
    {
        RequireRelative(name, "net/");
        // The file must exist already: /proc/sys offers no creation, and one write is one setting.
        Run(() =>
        {
            using var file = File.OpenHandle($"/proc/sys/{name}", FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
            RandomAccess.Write(file, System.Text.Encoding.UTF8.GetBytes(value), 0);
        });
    }

    /// <summary>The name, or the identity as the kernel writes it: net:[4026532177].</summary>
    public override string ToString() => Name ?? $"net:[{Identity}]";

    /// <summary>Closes the descriptor.</summary>
    public void Dispose() => Handle.Dispose();

    private static void RequireRelative(string path, string prefix)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (path.Length == 0 || path[0] == '/' || !path.StartsWith(prefix, StringComparison.Ordinal) || path.Split('/').Contains(".."))
        {
            throw new ArgumentException($"\"{path}\" must be a relative path{(prefix.Length > 0 ? $" starting with {prefix}" : "")} without \"..\"", nameof(path));
        }
    }

    // A thread of its own, never a pooled one: its namespace changes, and it ends with the work.
    private static T OnThread<T>(Func<T> body)
    {
        T result = default!;
        ExceptionDispatchInfo? error = null;
        var thread = new Thread(() =>
        {
            try
            {
                result = body();
            }
            catch (Exception e)
            {
                error = ExceptionDispatchInfo.Capture(e);
            }
        })
        { IsBackground = true, Name = "netns" };
        // The caller's execution state (AsyncLocal and such) is not wanted in a thread of system calls.
        thread.UnsafeStart();
        thread.Join();
        error?.Throw();
        return result;
    }
}
