using System.Globalization;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Cli.Lab;

/// <summary>What a station of the lab is to the port.</summary>
internal enum StationKind
{
    /// <summary>The stack behind an ipvlan interface.</summary>
    Interface,

    /// <summary>The host's own stack on the master.</summary>
    Host,

    /// <summary>A peer on the master's link.</summary>
    Wire,

    /// <summary>Another address of that peer, in no prefix and on no route of anybody: only ever a destination.</summary>
    OffLink,
}

/// <summary>A station of the lab.</summary>
/// <param name="Name">For people; the namespace's name is made of it.</param>
/// <param name="Kind">What it is to the port.</param>
/// <param name="Device">Its network device.</param>
/// <param name="Four">Its IPv4 address.</param>
/// <param name="Six">Its IPv6 address.</param>
internal sealed record LabStation(string Name, StationKind Kind, string Device, L3Address Four, L3Address Six)
{
    public L3Address Address(bool isSix) => isSix ? Six : Four;

    public override string ToString() => Name;
}

/// <summary>Names and addresses of every bed: one private IPv4 prefix (RFC 1918), one IPv6 prefix (RFC 4193), off-link ones for documentation (RFC 5737, RFC 3849).</summary>
internal static class LabPlan
{
    public const string Master = "master";

    /// <summary>Most interfaces of a lab: more make a matrix that nobody reads.</summary>
    public const int MaxInterfaces = 64;

    public const int FourPrefixLength = 24;
    public const int SixPrefixLength = 64;

    private const uint FourNetwork = 0x0a42_0000;
    private const ulong SixNetwork = 0xfd66_6970_766c_0000;
    private const uint HostNumber = 1;
    private const uint WireNumber = 2;
    private const uint FirstInterfaceNumber = 10;

    private static readonly string[] Colors = ["red", "green", "blue", "yellow", "cyan", "magenta", "orange", "violet"];

    /// <summary>red, green, blue ..., host, wire, off-link; interfaces first.</summary>
    public static IReadOnlyList<LabStation> Stations(int interfaces)
    {
        var stations = new List<LabStation>(interfaces + 3);
        for (var i = 0; i < interfaces; i++)
        {
            var name = i < Colors.Length ? Colors[i] : string.Create(CultureInfo.InvariantCulture, $"ns{i}");
            stations.Add(OnLink(name, StationKind.Interface, string.Create(CultureInfo.InvariantCulture, $"ipvl{i}"), FirstInterfaceNumber + (uint)i));
        }
        stations.Add(OnLink("host", StationKind.Host, Master, HostNumber));
        stations.Add(OnLink("wire", StationKind.Wire, "peer", WireNumber));
        stations.Add(new LabStation("off-link", StationKind.OffLink, "peer", L3Address.Parse("203.0.113.9"), L3Address.Parse("2001:db8::9")));
        return stations;
    }

    /// <summary>The station's address with the prefix it is given: the lab's own, or the address alone for the off-link one.</summary>
    public static L3Prefix Prefix(LabStation station, bool isSix)
    {
        var address = station.Address(isSix);
        return new L3Prefix(address, station.Kind == StationKind.OffLink ? address.Bits : isSix ? SixPrefixLength : FourPrefixLength);
    }

    private static LabStation OnLink(string name, StationKind kind, string device, uint number) =>
        new(name, kind, device, new L3Address(FourNetwork | number), new L3Address(SixNetwork, number));
}
