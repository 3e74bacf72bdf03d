using System.Globalization;
using IpVlanWin.Engine.Ipvlan;
using static IpVlanWin.Engine.Tests.Oracle.NaiveHeader;

namespace IpVlanWin.Engine.Tests.Oracle;

public sealed partial class NaivePort
{
    /// <summary>A route: gateway null is on-link.</summary>
    public sealed record NaiveRoute(string Address, int Length, string? Gateway, uint Metric, bool Unreachable);

    // In order of addition. Those that follow from the master's addresses are among them.
    public List<NaiveRoute> Routes { get; } = [];
    public List<(string Address, int Length)> MasterAddresses { get; } = [];
    public Dictionary<string, (string Mac, TimeSpan Until)> Neighbors { get; } = [];

    public PortResult AddMasterAddress(string address, int length)
    {
        if (MasterAddresses.Contains((address, length)))
            return PortResult.Exists;
        MasterAddresses.Add((address, length));
        Routes.Add(new NaiveRoute(address, length, null, 0, false));
        return PortResult.Ok;
    }

    public PortResult RemoveMasterAddress(string address, int length)
    {
        if (!MasterAddresses.Remove((address, length)))
            return PortResult.AddressAbsent;
        Routes.Remove(new NaiveRoute(address, length, null, 0, false));
        return PortResult.Ok;
    }

    private static UInt128 Bits(string address, int length) =>
        length == 0 ? 0 : UInt128.Parse(address, NumberStyles.HexNumber, CultureInfo.InvariantCulture) >> ((address.Length * 4) - length);

    private static bool Covers(NaiveRoute route, string address) =>
        route.Address.Length == address.Length && Bits(route.Address, route.Length) == Bits(address, route.Length);

    private NaiveRoute? Lookup(string destination) => Routes.Where(route => Covers(route, destination))
        .OrderByDescending(route => route.Length).ThenBy(route => route.Metric).FirstOrDefault();

    private bool IsMasterBroadcast(string destination) => MasterAddresses.Any(own =>
        own.Address.Length == 8 && destination.Length == 8 && own.Length <= 30 &&
        Bits(own.Address, own.Length) == Bits(destination, own.Length) &&
        Convert.ToUInt32(destination, 16) % (1UL << (32 - own.Length)) == (1UL << (32 - own.Length)) - 1);

    /// <summary>Rule 18d: the host's own input takes what is for an address that it has too, unless it has the source as well.</summary>
    private bool HostTakes(string destination, string source)
    {
        bool IsAddress(string address) => MasterAddresses.Any(own => own.Address == address) && !IsMasterBroadcast(address);
        return (IsAddress(destination) || IsMasterBroadcast(destination) || destination == "FFFFFFFF") && !IsAddress(source);
    }

    private void RouteFour(NaiveInterface sender, NaiveFrame frame, TimeSpan now)
    {
        var packet = frame.Bytes[14..];
        if (packet.Length < 20 || packet[0] % 16 < 5)
        {
            Dropped(DropReason.Ipv4Header, sender);
            return;
        }
        var destination = Four(packet, 16);
        NotJudged = destination == "00000000" || packet[0] % 16 * 4 > packet.Length;
        var isToHost = MasterAddresses.Any(own => own.Address == destination) && !IsMasterBroadcast(destination);
        if (packet[12] == 127 && packet[16] != 127 && !isToHost)
            Dropped(DropReason.SourceNotRoutable, sender);
        else if (packet[16] / 16 == 14 || destination == "FFFFFFFF" || IsMasterBroadcast(destination))
            Dropped(DropReason.DestinationNotRoutable, sender);
        else if (NotJudged)
            return;
        else
        {
            var headerLength = packet[0] % 16 * 4;
            (packet[2], packet[3]) = ((byte)(packet.Length / 256), (byte)packet.Length);
            (packet[10], packet[11]) = (0, 0);
            WireNaive.Big16(~WireNaive.Sum(packet[..headerLength])).CopyTo(packet, 10);
            Forward(sender, frame, packet, destination, mayFragment: (packet[6] & 0x40) == 0, now);
        }
    }

    private void RouteSix(NaiveInterface sender, NaiveFrame frame, TimeSpan now)
    {
        var packet = frame.Bytes[14..];
        if (packet.Length < 40)
        {
            Dropped(DropReason.Ipv6Header, sender);
            return;
        }
        var destination = Six(packet, 24);
        (packet[4], packet[5]) = ((byte)((packet.Length - 40) / 256), (byte)(packet.Length - 40));
        if (packet[24] != 255)
            Forward(sender, frame, packet, destination, mayFragment: false, now);
        else if (packet[25] % 16 is 0 or 1)
        {
            Sent(sender, frame.Bytes);
            Reason(DropReason.DestinationNotRoutable, sender);
        }
        else if (frame.LongestSegment - 14 > IpMtu)
            TooBig(sender);
        else
        {
            Sent(sender, frame.Bytes);
            Out(NaiveCopy.Wire, Framed("3333" + destination[24..], packet, 0x86dd));
        }
    }

    private void Forward(NaiveInterface sender, NaiveFrame frame, byte[] packet, string destination, bool mayFragment, TimeSpan now)
    {
        var type = destination.Length == 8 ? 0x0800 : 0x86dd;
        if (MasterAddresses.Any(own => own.Address == destination))
        {
            Sent(sender, frame.Bytes);
            Out(NaiveCopy.Host, [.. new byte[12], .. Framed("000000000000", packet, type)[12..]]);
            return;
        }
        var route = Lookup(destination);
        if (route is null || route.Unreachable)
        {
            Dropped(DropReason.NoRoute, sender);
            return;
        }
        var isLong = frame.LongestSegment - 14 > IpMtu;
        if (isLong && !mayFragment)
        {
            TooBig(sender);
            return;
        }
        var hop = route.Gateway ?? destination;
        Sent(sender, frame.Bytes);
        var isKnown = Neighbors.TryGetValue(hop, out var neighbor) && neighbor.Until >= now;
        var place = isKnown ? NaiveCopy.Wire : "missing " + hop;
        var routed = Framed(isKnown ? neighbor.Mac : "000000000000", packet, type);
        // Segments of a longer frame are cut by the device before they are fragmented; here the frame stays whole.
        var pieces = isLong && isKnown && frame.LongestSegment == frame.Bytes.Length ? NaiveFragments.Cut(routed, IpMtu) : [routed];
        foreach (var piece in pieces)
            Out(place, piece);
    }

    private void TooBig(NaiveInterface sender)
    {
        RepliesTooBig = true;
        Dropped(DropReason.MtuExceeded, sender);
    }

    private byte[] Framed(string destinationMac, byte[] packet, int type) =>
        [.. Convert.FromHexString(destinationMac), .. Convert.FromHexString(Mac), (byte)(type / 256), (byte)(type % 256), .. packet];
}
