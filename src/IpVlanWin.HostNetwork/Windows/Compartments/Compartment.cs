using System.Runtime.ExceptionServices;
using System.Runtime.Versioning;

namespace IpVlanWin.HostNetwork.Windows;

/// <summary>
/// A network compartment: adapters, addresses and routes of their own. 1 is the host's; a process-isolated container's exists
/// once it runs (<see cref="ComputeNamespaces"/>). The counterpart of a Linux network namespace.
/// </summary>
/// <remarks>
/// A thread's compartment is what SetCurrentThreadCompartmentId says, which Microsoft calls reserved and container tools use:
/// not yet seen on Windows by us.
/// </remarks>
public sealed class Compartment
{
    /// <summary>The host's own.</summary>
    public const uint HostId = 1;

    private readonly IIphlpapi _ip;

    internal Compartment(IIphlpapi ip, uint id)
    {
        ArgumentOutOfRangeException.ThrowIfZero(id);
        _ip = ip;
        Id = id;
    }

    /// <summary>The identifier, from 1.</summary>
    public uint Id { get; }

    /// <summary>A compartment by its identifier; that it exists shows when something runs in it.</summary>
    /// <param name="id">From 1.</param>
    [SupportedOSPlatform("windows")]
    public static Compartment Open(uint id) => new(new Iphlpapi(), id);

    /// <summary>The compartment of the calling thread.</summary>
    [SupportedOSPlatform("windows")]
    public static uint CurrentId => new Iphlpapi().GetThreadCompartment();

    /// <summary>
    /// Runs <paramref name="body"/> in the compartment, on a thread of its own that ends with it, and waits. Sockets opened there stay in
    /// it. An exception comes out as it was thrown, with its stack.
    /// </summary>
    /// <param name="body">Synchronous work; what it starts on other threads is not in the compartment.</param>
    /// <exception cref="HostNetworkException">There is no such compartment, or the right to enter it is missing.</exception>
    public T Run<T>(Func<T> body)
    {
        ArgumentNullException.ThrowIfNull(body);
        T result = default!;
        ExceptionDispatchInfo? error = null;
        // Never a pooled thread: its compartment changes, and it ends with the work.
        var thread = new Thread(() =>
        {
            try
            {
                Enter();
                result = body();
            }
            catch (Exception e)
            {
                error = ExceptionDispatchInfo.Capture(e);
            }
        })
        { IsBackground = true, Name = $"compartment {Id}" };
        thread.UnsafeStart();
        thread.Join();
        error?.Throw();
        return result;
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

    /// <summary>Puts the calling thread into the compartment for the rest of its life, and sees that it is there.</summary>
    internal void Enter()
    {
        var attempt = $"enter network compartment {Id}";
        WindowsError.Check(_ip.SetThreadCompartment(Id), attempt);
        var now = _ip.GetThreadCompartment();
        if (now != Id) WindowsError.Throw(WindowsError.NotSupported, attempt, $"the thread is in compartment {now}");
    }

    /// <summary>"compartment 3".</summary>
    public override string ToString() => $"compartment {Id}";
}
