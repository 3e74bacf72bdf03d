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
    /// <summary>The name under /run/netns, or null for one that was opened by its place in /proc.</summary>
    public string? Name => throw new NotImplementedException();

    /// <summary>The descriptor.</summary>
    public SafeFileHandle Handle => throw new NotImplementedException();

    /// <summary>The namespace's inode number: two objects are the same namespace when it is equal.</summary>
    public ulong Identity => throw new NotImplementedException();

    /// <summary>Makes a new named namespace with its loopback up. Needs CAP_SYS_ADMIN.</summary>
    /// <param name="name">Letters, digits, '-', '_', '.'; 1 to 255 of them, not "." or "..".</param>
    /// <exception cref="HostNetworkException">EEXIST when the name is taken; EPERM without the privilege.</exception>
    /// <exception cref="ArgumentException">The name is not one.</exception>
    public static NetworkNamespace Create(string name) => throw new NotImplementedException();

    /// <summary>Opens a named namespace.</summary>
    /// <param name="name">As in <see cref="Create"/>.</param>
    /// <exception cref="HostNetworkException">ENOENT when there is none of that name.</exception>
    public static NetworkNamespace Open(string name) => throw new NotImplementedException();

    /// <summary>Opens the namespace a process is in.</summary>
    /// <param name="processId">The process.</param>
    public static NetworkNamespace OpenProcess(int processId) => throw new NotImplementedException();

    /// <summary>Opens the calling thread's namespace. The caller disposes it.</summary>
    public static NetworkNamespace OpenCurrent() => throw new NotImplementedException();

    /// <summary>Removes a name. The namespace itself ends with its last descriptor, socket and process.</summary>
    /// <param name="name">As in <see cref="Create"/>.</param>
    /// <exception cref="HostNetworkException">ENOENT when there is none of that name.</exception>
    public static void Delete(string name) => throw new NotImplementedException();

    /// <summary>The names under /run/netns, sorted.</summary>
    public static IReadOnlyList<string> List() => throw new NotImplementedException();

    /// <summary>True when a namespace of that name exists.</summary>
    /// <param name="name">As in <see cref="Create"/>.</param>
    public static bool Exists(string name) => throw new NotImplementedException();

    /// <summary>
    /// Runs <paramref name="body"/> inside the namespace, on a thread of its own that ends with it, and waits. Sockets and
    /// processes made there stay in the namespace. An exception comes out as it was thrown, with its stack.
    /// </summary>
    /// <param name="body">Synchronous work: what continues on other threads continues outside.</param>
    public T Run<T>(Func<T> body) => throw new NotImplementedException();

    /// <inheritdoc cref="Run{T}(Func{T})"/>
    public void Run(Action body) => throw new NotImplementedException();

    /// <summary>Reads a file of the namespace's /proc/net, for example <c>ReadProc("dev_mcast")</c>.</summary>
    /// <param name="path">Relative to /proc/net.</param>
    public string ReadProc(string path) => throw new NotImplementedException();

    /// <summary>Reads a setting, for example <c>net/ipv4/ip_forward</c>, without its line end.</summary>
    /// <param name="name">Relative to /proc/sys, separated by '/', starting with "net/".</param>
    public string ReadSysctl(string name) => throw new NotImplementedException();

    /// <summary>Writes a setting, for example <c>WriteSysctl("net/ipv4/ip_forward", "1")</c>.</summary>
    /// <param name="name">Relative to /proc/sys, separated by '/', starting with "net/".</param>
    /// <param name="value">The text to write.</param>
    public void WriteSysctl(string name, string value) => throw new NotImplementedException();

    /// <summary>Closes the descriptor.</summary>
    public void Dispose() => throw new NotImplementedException();
}
