using System.Runtime.Versioning;

namespace IpVlanWin.HostNetwork.Linux;

/// <summary>
/// Follows links, addresses, routes and neighbors of one namespace and keeps a mirror of them. A consumer gets the
/// differences in order; the first batch is the whole state as additions. When the kernel drops notifications because the
/// consumer was slow, everything is read again and the difference delivered, so the mirror never stays wrong.
/// </summary>
[SupportedOSPlatform("linux")]
public sealed partial class HostWatch : IDisposable
{
    /// <summary>Starts watching. <see cref="Snapshot"/> is complete when this returns.</summary>
    /// <param name="networkNamespace">The namespace.</param>
    /// <param name="onChanges">
    /// Called on the watch's own thread with one or more changes, in order; <see cref="Snapshot"/> already holds them. While it runs
    /// the kernel's receive buffer is the queue and the bound. It must not dispose the watch. If it throws, the watch ends and <see cref="Completion"/> says why.
    /// </param>
    /// <param name="receiveBufferBytes">The bound of that queue in bytes of kernel memory.</param>
    public static HostWatch Start(NetworkNamespace networkNamespace, Action<IReadOnlyList<HostChange>>? onChanges = null,
        int receiveBufferBytes = 4 * 1024 * 1024) => throw new NotImplementedException();

    /// <summary>The state as known now.</summary>
    public HostSnapshot Snapshot => throw new NotImplementedException();

    /// <summary>Ends when the watch ends; faulted when it was by an error.</summary>
    public Task Completion => throw new NotImplementedException();

    /// <summary>How often the kernel dropped notifications and everything was read again.</summary>
    public long Overruns => throw new NotImplementedException();

    /// <summary>Waits until the mirror satisfies a condition, or the token is cancelled.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled first.</exception>
    public Task<HostSnapshot> WaitFor(Func<HostSnapshot, bool> condition, CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>Stops promptly: no call of the consumer begins after this returns.</summary>
    public void Dispose() => throw new NotImplementedException();
}
