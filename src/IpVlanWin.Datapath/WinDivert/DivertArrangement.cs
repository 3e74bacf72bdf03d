using IpVlanWin.Devices.WinDivert;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Datapath.WinDivert;

/// <summary>
/// Where a port's addresses are on the host, so that the host's stack moves the packets past WinDivert. In the words of the design:
/// <see cref="LocalAddresses"/> are on loopback stand-ins, in the host's own compartment; <see cref="ForwardedAddresses"/> are in
/// containers, behind vSwitch stand-ins, and the host forwards for them.
/// </summary>
public sealed record DivertArrangement
{
    /// <summary>Interface index of the master.</summary>
    public required uint MasterIndex { get; init; }

    /// <summary>Interface index of the host's loopback; 1 on Windows. Which index loopback packets carry is not documented: all of these are asked for.</summary>
    public uint LoopbackIndex { get; init; } = 1;

    /// <summary>Interface indexes of the loopback stand-ins.</summary>
    public IReadOnlyCollection<uint> LoopbackStandIns { get; init; } = [];

    /// <summary>Interface indexes of the host's vNICs on the vSwitches.</summary>
    public IReadOnlyCollection<uint> SwitchStandIns { get; init; } = [];

    /// <summary>Interfaces' addresses that are the host's too.</summary>
    public IReadOnlyCollection<L3Address> LocalAddresses { get; init; } = [];

    /// <summary>Interfaces' addresses that the host forwards for.</summary>
    public IReadOnlyCollection<L3Address> ForwardedAddresses { get; init; } = [];

    /// <summary>All other addresses of the host, on whatever adapter, with their prefixes.</summary>
    public IReadOnlyCollection<L3Prefix> HostAddresses { get; init; } = [];

    internal IReadOnlyCollection<AddressRange> Local => [.. LocalAddresses.Select(AddressRange.Of)];

    internal IReadOnlyCollection<AddressRange> Forwarded => [.. ForwardedAddresses.Select(AddressRange.Of)];

    /// <summary>The host's own, and what no interface can have: loopback, multicast, limited and directed broadcast.</summary>
    internal IReadOnlyCollection<AddressRange> NeverOurs
    {
        get
        {
            var ours = LocalAddresses.Concat(ForwardedAddresses).ToHashSet();
            var ranges = new List<AddressRange>
            {
                AddressRange.Of(L3Prefix.Parse("127.0.0.0/8")),
                new(L3Address.Parse("224.0.0.0"), L3Address.Parse("255.255.255.255")),
                AddressRange.Of(L3Prefix.Parse("::1/128")),
                AddressRange.Of(L3Prefix.Parse("ff00::/8")),
            };
            foreach (var prefix in HostAddresses)
            {
                ranges.Add(AddressRange.Of(prefix.Address));
                if (!prefix.Address.IsSix && prefix.Length <= 30)
                    ranges.Add(AddressRange.Of(AddressRange.Of(prefix).Last));
            }
            // An interface's address wins over a host's of the same value (semantics 42).
            return [.. ranges.Where(range => range.First != range.Last || !ours.Contains(range.First))];
        }
    }
}
