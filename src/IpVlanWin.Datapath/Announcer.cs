using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Datapath;

/// <summary>
/// Tells the wire which addresses are here now, so that stations that knew them elsewhere learn the way at once: ARP announcements (RFC 5227
/// section 2.3) and unsolicited neighbor advertisements (RFC 4861 section 7.2.6), <see cref="Count"/> of each. Any thread may call.
/// </summary>
/// <remarks>
/// In l2 only. In l3 and l3s nobody answers ARP or solicitations for an interface's address: stations send to it by a route through the host,
/// and one that took it for a neighbor would lose it as soon as it asked again.
/// </remarks>
/// <param name="port">The port.</param>
/// <param name="send">Sends a frame on the master.</param>
internal sealed class Announcer(Port port, Action<byte[]> send)
{
    /// <summary>Announcements of an address: ANNOUNCE_NUM of RFC 5227 section 1.1, and no more than MAX_NEIGHBOR_ADVERTISEMENT of RFC 4861 section 10.</summary>
    public const int Count = 2;

    // Guards _waiting and _isStopped.
    private readonly Lock _lock = new();
    private readonly Dictionary<(VirtualInterface Owner, L3Address Address), (int Left, TimeSpan Due)> _waiting = [];
    private bool _isStopped;

    /// <summary>Between two of them: ANNOUNCE_INTERVAL of RFC 5227 section 1.1.</summary>
    public static TimeSpan Interval { get; } = TimeSpan.FromSeconds(2);

    /// <summary>Addresses that will be announced again.</summary>
    public int Waiting
    {
        get
        {
            lock (_lock)
                return _waiting.Count;
        }
    }

    /// <summary>Announces an address now, and again later. Its second time begins anew where it was waiting for one.</summary>
    /// <param name="owner">The interface that has it.</param>
    /// <param name="address">The address.</param>
    /// <param name="now">Time on the clock of <see cref="Tick"/>.</param>
    public void Announce(VirtualInterface owner, L3Address address, TimeSpan now)
    {
        lock (_lock)
        {
            if (_isStopped || !TrySend(owner, address))
                return;
            _waiting[(owner, address)] = (Count - 1, now + Interval);
        }
    }

    /// <summary>Sends what is due: from a timer.</summary>
    public void Tick(TimeSpan now)
    {
        lock (_lock)
        {
            foreach (var (key, next) in _waiting)
            {
                if (next.Due > now)
                    continue;
                if (TrySend(key.Owner, key.Address) && next.Left > 1)
                    _waiting[key] = (next.Left - 1, next.Due + Interval);
                else
                    _waiting.Remove(key);
            }
        }
    }

    /// <summary>Sends no more when this returns.</summary>
    public void Stop()
    {
        lock (_lock)
        {
            _isStopped = true;
            _waiting.Clear();
        }
    }

    /// <summary>False where it is not, or no longer, to be told.</summary>
    private bool TrySend(VirtualInterface owner, L3Address address)
    {
        var snapshot = port.Snapshot;
        if (snapshot.Mode != PortMode.L2 || !snapshot.IsUp || !owner.IsUp || port.OwnerOf(address) != owner)
            return false;
        send(address.IsSix ? AnnouncementFrames.Advertisement(snapshot.Mac, address) : AnnouncementFrames.Arp(snapshot.Mac, address));
        return true;
    }
}
