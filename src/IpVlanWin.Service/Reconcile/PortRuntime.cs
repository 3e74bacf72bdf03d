using System.Collections.Concurrent;
using IpVlanWin.Datapath;
using IpVlanWin.Service.State;

namespace IpVlanWin.Service.Reconcile;

/// <summary>What runs for one port. Changed by the reconciler under its lock; faults and the data path are read by any thread.</summary>
internal sealed class PortRuntime(string datapath)
{
    private volatile IDatapath? _running;
    private volatile string? _fault;
    private volatile bool _isWaiting;

    /// <summary>What was asked for when it was started: auto or a kind.</summary>
    public string Asked { get; } = datapath;

    /// <summary>Null where it could not be started.</summary>
    public IDatapath? Running
    {
        get => _running;
        set => _running = value;
    }

    /// <summary>Why it is not running, in one sentence.</summary>
    public string? Fault
    {
        get => _fault;
        set => _fault = value;
    }

    /// <summary>It is not running because its master is not there; it will be when that comes.</summary>
    public bool IsWaiting
    {
        get => _isWaiting;
        set => _isWaiting = value;
    }

    /// <summary>What was applied to the data path, by the interface's number.</summary>
    public Dictionary<long, DesiredInterface> Applied { get; } = [];

    /// <summary>Why an interface is not as it should be, by name.</summary>
    public ConcurrentDictionary<string, string> Faults { get; } = new(StringComparer.Ordinal);

    /// <summary>Which of them only wait for their namespace.</summary>
    public ConcurrentDictionary<string, bool> Waiting { get; } = new(StringComparer.Ordinal);
}
