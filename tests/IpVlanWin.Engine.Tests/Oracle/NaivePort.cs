using IpVlanWin.Engine.Ipvlan;

namespace IpVlanWin.Engine.Tests.Oracle;

/// <summary>A frame as a test injects it. What is unfinished about it is given in plain words beside the engine's own form.</summary>
/// <param name="Bytes">The frame.</param>
/// <param name="LongestSegment">Bytes of the longest frame it puts on a wire.</param>
public sealed record NaiveFrame(byte[] Bytes, int LongestSegment);

/// <summary>A frame that comes out of a port, and where: wire, host, an interface's name, or "missing ADDRESS".</summary>
public sealed record NaiveCopy(string Place, byte[] Bytes)
{
    public const string Wire = "wire";
    public const string Host = "host";
}

/// <summary>The seven counters of section 7.</summary>
public enum NaiveCounter
{
    RxPackets,
    RxBytes,
    Multicast,
    TxPackets,
    TxBytes,
    RxErrors,
    TxDropped,
}

/// <summary>An interface of the naive port.</summary>
public sealed class NaiveInterface(string name, int ipMtu)
{
    public string Name { get; } = name;
    public bool Up { get; set; }
    public int IpMtu { get; set; } = ipMtu;
    public bool MtuWasSet { get; set; }
    public bool Promiscuous { get; set; }
    public bool AllMulticast { get; set; }
    public HashSet<string> Groups { get; } = [];
    public Dictionary<string, int> Addresses { get; } = [];
    public long[] Counters { get; } = new long[(int)NaiveCounter.TxDropped + 1];
    public long[] Drops { get; } = new long[DropReasons.Count];

    public void Count(NaiveCounter counter, long amount = 1) => Counters[(int)counter] += amount;

    /// <summary>Rule 15.</summary>
    public bool FilterHas(string mac) => mac == "FFFFFFFFFFFF" || Promiscuous || AllMulticast || Groups.Contains(mac);
}

/// <summary>
/// The port as the text of the semantics has it, rule by rule: slow, plain, and written without regard to the engine. Addresses and
/// MACs are upper-case hexadecimal. Rule numbers are those of the semantics.
/// </summary>
public sealed partial class NaivePort(string mac, int ipMtu)
{
    public PortMode Mode { get; private set; } = PortMode.L3;
    public PortFlag Flag { get; private set; } = PortFlag.Bridge;
    public string Mac { get; set; } = mac;
    public int IpMtu { get; private set; } = ipMtu;
    public bool MasterUp { get; set; }
    public List<NaiveInterface> Interfaces { get; } = [];
    public long[] Drops { get; } = new long[DropReasons.Count];

    // What the step in hand came to.
    public List<NaiveCopy> Copies { get; private set; } = [];
    public SendError SendError { get; private set; }
    public bool RepliesTooBig { get; private set; }

    /// <summary>The semantics leave the result open; only harm can be judged.</summary>
    public bool NotJudged { get; private set; }

    public NaiveInterface? Find(string name) => Interfaces.SingleOrDefault(other => other.Name == name);

    // Rules 41 to 52.

    public PortResult AddInterface(string name, PortMode? mode, PortFlag? flag)
    {
        if ((mode is { } m && !Enum.IsDefined(m)) || (flag is { } f && !Enum.IsDefined(f)))
            return PortResult.Invalid;
        if (Find(name) is not null)
            return PortResult.Exists;
        if (Interfaces.Count == 0)
            (Mode, Flag) = (PortMode.L3, PortFlag.Bridge);
        Mode = mode ?? Mode;
        Flag = flag ?? Flag;
        Interfaces.Add(new NaiveInterface(name, IpMtu));
        return PortResult.Ok;
    }

    public void RemoveInterface(NaiveInterface removed) => Interfaces.Remove(removed);

    public PortResult SetMode(PortMode mode)
    {
        if (!Enum.IsDefined(mode))
            return PortResult.Invalid;
        Mode = mode;
        return PortResult.Ok;
    }

    public PortResult SetFlag(PortFlag flag)
    {
        if (!Enum.IsDefined(flag))
            return PortResult.Invalid;
        Flag = flag;
        return PortResult.Ok;
    }

    public PortResult AddAddress(NaiveInterface changed, string address, int prefixLength)
    {
        if (Interfaces.Any(other => other != changed && other.Addresses.ContainsKey(address)))
            return PortResult.AddressInUse;
        if (changed.Addresses.TryGetValue(address, out var length))
            return address.Length == 8 && length != prefixLength ? PortResult.AddressInUse : PortResult.Exists;
        changed.Addresses[address] = prefixLength;
        return PortResult.Ok;
    }

    public static PortResult RemoveAddress(NaiveInterface changed, string address, int prefixLength)
    {
        if (!changed.Addresses.Contains(new(address, prefixLength)))
            return PortResult.AddressAbsent;
        changed.Addresses.Remove(address);
        return PortResult.Ok;
    }

    public static PortResult RemoveGroup(NaiveInterface changed, string group) => changed.Groups.Remove(group) ? PortResult.Ok : PortResult.GroupAbsent;

    public PortResult SetMtu(NaiveInterface changed, int ipMtu)
    {
        if (ipMtu < 68 || ipMtu > 65535 || ipMtu > IpMtu)
            return PortResult.Invalid;
        (changed.IpMtu, changed.MtuWasSet) = (ipMtu, true);
        return PortResult.Ok;
    }

    public PortResult SetMasterMtu(int ipMtu)
    {
        if (ipMtu is < 68 or > 65535)
            return PortResult.Invalid;
        IpMtu = ipMtu;
        foreach (var member in Interfaces)
            member.IpMtu = member.MtuWasSet ? Math.Min(member.IpMtu, ipMtu) : ipMtu;
        return PortResult.Ok;
    }

    /// <summary>A moment of a change of the master's MTU: the interfaces have theirs, those who decide on frames have not seen the master's yet.</summary>
    public void SetMasterMtuOfMembersOnly(int ipMtu)
    {
        var before = IpMtu;
        SetMasterMtu(ipMtu);
        IpMtu = before;
    }

    // Rules 3, 11, 13.

    private NaiveInterface? Owner(string? address) =>
        address is null ? null : Interfaces.SingleOrDefault(member => member.Up && member.Addresses.ContainsKey(address));

    private NaiveInterface? Target(NaiveHeader header) => header.Valid ? Owner(header.Key) : null;

    private bool IsOurs(byte[] frame, NaiveHeader header) =>
        SourceMac(frame) == Mac && header.Valid && header.Source is not null && Owner(header.Source) is not null;

    private static string DestinationMac(byte[] frame) => Convert.ToHexString(frame[..6]);

    private static string SourceMac(byte[] frame) => Convert.ToHexString(frame[6..12]);

    private static bool IsMulticastMac(string mac) => (Convert.ToByte(mac[..2], 16) & 1) == 1;

    // Bookkeeping.

    private void Begin()
    {
        Copies = [];
        SendError = SendError.None;
        RepliesTooBig = false;
        NotJudged = false;
    }

    private void Out(string place, byte[] bytes) => Copies.Add(new NaiveCopy(place, bytes));

    private void Reason(DropReason reason, NaiveInterface? at)
    {
        Drops[(int)reason]++;
        if (at is not null)
            at.Drops[(int)reason]++;
    }

    private void Dropped(DropReason reason, NaiveInterface sender)
    {
        sender.Count(NaiveCounter.TxDropped);
        SendError = SendError.NoBuffers;
        Reason(reason, sender);
    }

    private static void Sent(NaiveInterface sender, byte[] frame)
    {
        sender.Count(NaiveCounter.TxPackets);
        sender.Count(NaiveCounter.TxBytes, frame.Length);
    }

    /// <summary>Rule 5.</summary>
    private void Accept(NaiveInterface at, byte[] frame)
    {
        at.Count(NaiveCounter.RxPackets);
        at.Count(NaiveCounter.RxBytes, frame.Length - (NaiveHeader.IsTagged(frame) ? 4 : 0));
        Out(at.Name, frame);
    }

    /// <summary>Rules 37 and 38.</summary>
    private bool Deliver(NaiveInterface at, NaiveFrame frame)
    {
        if (frame.LongestSegment > at.IpMtu + 18)
        {
            at.Count(NaiveCounter.RxErrors);
            Reason(DropReason.MtuExceeded, at);
            return false;
        }
        at.Count(NaiveCounter.RxPackets);
        at.Count(NaiveCounter.RxBytes, frame.Bytes.Length);
        Out(at.Name, frame.Bytes);
        return true;
    }
}
