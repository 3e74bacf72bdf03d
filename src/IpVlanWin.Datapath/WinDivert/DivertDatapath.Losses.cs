using System.Diagnostics;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.HostNetwork;

namespace IpVlanWin.Datapath.WinDivert;

// What WinDivert lost because its queue was full, which it does not tell. Sampled by the keeper.
public sealed partial class DivertDatapath
{
    // Longer than WinDivert keeps a packet (DivertSettings.QueueTime).
    private static readonly TimeSpan s_sample = TimeSpan.FromSeconds(1);

    private readonly DivertLossWatch _losses;
    private long _sampledAt = Stopwatch.GetTimestamp();
    private long _heldSince;
    private long _toldOverruns;
    private long _toldLost;

    /// <summary>Packets that WinDivert lost because its queue was full, at most: an upper bound (<see cref="DivertLossWatch"/>).</summary>
    public long LostAtMost => _losses.LostAtMost;

    private long? CountMaster()
    {
        try
        {
            return _master is { } master ? _host.CountUnicast(master.Index) : null;
        }
        catch (HostNetworkException)
        {
            // It has just gone; the next look at the host says so.
            return null;
        }
    }

    private void SampleLosses()
    {
        if (Stopwatch.GetElapsedTime(_sampledAt) < s_sample)
            return;
        _sampledAt = Stopwatch.GetTimestamp();
        var wasFull = _losses.IsOverrunning;
        _losses.Sample();
        if (_losses.IsOverrunning && !wasFull)
            _heldSince = _sampledAt;
        // Told when it is over; while it lasts, from time to time.
        if (_losses.Overruns == _toldOverruns || (_losses.IsOverrunning && Stopwatch.GetElapsedTime(_heldSince) < _settings.Period))
            return;
        var lost = _losses.LostAtMost;
        _onHost.Tell("queue-overrun", lost > _toldLost
            ? $"WinDivert's queue was full and lost packets, {lost - _toldLost} at most: they are counted as lost by the port"
            : "WinDivert's queue was full; the adapter has carried no more than came through", _settings.PortName, Text(_toldLost), Text(lost));
        (_toldOverruns, _toldLost, _heldSince) = (_losses.Overruns, lost, _sampledAt);
    }

    /// <summary>What went nowhere before it came here is shown with what went nowhere here.</summary>
    private PortStatus WithLosses(PortStatus status) => LostAtMost is 0 ? status : status with
    {
        Drops = new SortedDictionary<DropReason, long>(status.Drops.ToDictionary()) { [DropReason.DeviceQueueFull] = LostAtMost },
        LostPackets = LostAtMost,
    };
}
