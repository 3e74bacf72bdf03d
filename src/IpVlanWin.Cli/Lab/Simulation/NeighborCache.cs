using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Cli.Lab.Simulation;

/// <summary>
/// What a simulated host knows of its link, and the frames that wait for it: RFC 1122 section 2.3.2, RFC 4861 sections 7.2 and 10
/// (three solicitations a second apart, then what waited is dropped).
/// </summary>
/// <param name="solicit">Asks the link for an address.</param>
/// <param name="send">Sends a frame that waited, its destination MAC filled in.</param>
internal sealed class NeighborCache(Action<L3Address> solicit, Action<byte[]> send)
{
    private const int MaxSolicitations = 3;
    private const int MaxWaitingPerNeighbor = 64;

    private static readonly TimeSpan RetransmitInterval = TimeSpan.FromSeconds(1);

    private readonly Dictionary<L3Address, Entry> _entries = [];

    /// <summary>A neighbor's MAC became known or was confirmed.</summary>
    public event Action<L3Address, MacAddress>? Learned;

    /// <summary>When <see cref="Tick"/> has work again; <see cref="TimeSpan.MaxValue"/> for never.</summary>
    public TimeSpan NextTick { get; private set; } = TimeSpan.MaxValue;

    public bool TryFind(L3Address address, out MacAddress mac)
    {
        var found = _entries.TryGetValue(address, out var entry) && entry.Mac is not null;
        mac = found ? entry!.Mac!.Value : default;
        return found;
    }

    /// <summary>An entry that is not asked for and not learnt anew.</summary>
    public void SetPermanent(L3Address address, MacAddress mac) => _entries[address] = new Entry { Mac = mac, IsPermanent = true };

    /// <summary>Forgets everything, and what waits.</summary>
    public void Clear()
    {
        _entries.Clear();
        NextTick = TimeSpan.MaxValue;
    }

    /// <summary>Finds out an unknown address; with a frame, sends it then.</summary>
    public void Resolve(L3Address address, byte[]? frame, TimeSpan now)
    {
        if (!_entries.TryGetValue(address, out var entry))
        {
            entry = _entries[address] = new Entry { NextTry = now + RetransmitInterval, Solicitations = 1 };
            NextTick = entry.NextTry < NextTick ? entry.NextTry : NextTick;
            solicit(address);
        }
        if (frame is not null && entry.Waiting.Count < MaxWaitingPerNeighbor)
            entry.Waiting.Add(frame);
    }

    /// <summary>Takes in what a neighbor said about itself.</summary>
    /// <param name="address">Its address.</param>
    /// <param name="mac">Its MAC.</param>
    /// <param name="mayAdd">Also where nobody asked for it.</param>
    public void Learn(L3Address address, MacAddress mac, bool mayAdd)
    {
        if (!_entries.TryGetValue(address, out var entry))
        {
            if (!mayAdd)
                return;
            entry = _entries[address] = new Entry();
        }
        if (entry.IsPermanent)
            return;
        entry.Mac = mac;
        Learned?.Invoke(address, mac);
        foreach (var frame in entry.Waiting)
        {
            mac.Write(frame);
            send(frame);
        }
        entry.Waiting.Clear();
    }

    /// <summary>Asks again, or gives up, where it is time.</summary>
    public void Tick(TimeSpan now)
    {
        if (now < NextTick)
            return;
        NextTick = TimeSpan.MaxValue;
        foreach (var (address, entry) in _entries)
        {
            if (entry.Mac is not null)
                continue;
            if (entry.NextTry <= now && entry.Solicitations == MaxSolicitations)
            {
                _entries.Remove(address);
                continue;
            }
            if (entry.NextTry <= now)
            {
                entry.Solicitations++;
                entry.NextTry = now + RetransmitInterval;
                solicit(address);
            }
            NextTick = entry.NextTry < NextTick ? entry.NextTry : NextTick;
        }
    }

    private sealed class Entry
    {
        public MacAddress? Mac;
        public bool IsPermanent;
        public int Solicitations;
        public TimeSpan NextTry;
        public readonly List<byte[]> Waiting = [];
    }
}
