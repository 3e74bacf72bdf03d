using System.Net;
using System.Net.NetworkInformation;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Datapath;

/// <summary>Between the host's types and the engine's.</summary>
internal static class Conversions
{
    /// <summary>False for a link-layer address that is not six bytes long.</summary>
    public static bool TryToMac(this PhysicalAddress? address, out MacAddress mac)
    {
        var bytes = address?.GetAddressBytes() ?? [];
        mac = bytes.Length == MacAddress.Bytes ? MacAddress.Read(bytes) : default;
        return bytes.Length == MacAddress.Bytes;
    }

    public static PhysicalAddress ToPhysical(this MacAddress mac)
    {
        var bytes = new byte[MacAddress.Bytes];
        mac.Write(bytes);
        return new PhysicalAddress(bytes);
    }

    public static L3Prefix ToPrefix(this IPNetwork network) => new(L3Address.From(network.BaseAddress), network.PrefixLength);

    public static IReadOnlyDictionary<DropReason, long> ToValues(this DropCounters drops)
    {
        var values = new SortedDictionary<DropReason, long>();
        for (var reason = DropReason.None + 1; (int)reason < DropReasons.Count; reason++)
        {
            if (drops[reason] is not 0 and var count)
                values.Add(reason, count);
        }
        return values;
    }

    /// <summary>The port as it is.</summary>
    public static PortStatus ToStatus(this Port port)
    {
        var snapshot = port.Snapshot;
        return new PortStatus(port.MasterName, snapshot.Mode, snapshot.Flag, snapshot.Mac, snapshot.IpMtu, snapshot.IsUp, port.MasterAddresses, port.Drops.ToValues());
    }

    public static CounterValues ToValues(this InterfaceCounters counters) => new(
        counters.RxPackets, counters.RxBytes, counters.Multicast, counters.TxPackets, counters.TxBytes, counters.RxErrors, counters.TxDropped);
}
