using System.Text.Json;
using IpVlanWin.Cli.Ip.Grammar;
using IpVlanWin.Protocol;

namespace IpVlanWin.Cli.Ip.Output;

/// <summary>
/// An interface with the keys of `ip -j`, in their order. Left out, because nobody here knows them: qdisc, txqlen, promiscuity and the
/// queue and segment sizes. The index is the service's, which is unique across namespaces. Keys of our own come last: netns, datapath, version, reason, drops.
/// </summary>
internal static class LinkJson
{
    /// <summary>Lives for ever.</summary>
    private const uint Forever = uint.MaxValue;

    /// <param name="json">Where to.</param>
    /// <param name="view">What to show.</param>
    /// <param name="options">How much of it.</param>
    /// <param name="isAddress">As `address show`; else as `link show`.</param>
    /// <param name="isDeleted">A message of `monitor` that it is gone.</param>
    public static void Write(Utf8JsonWriter json, LinkView view, GlobalOptions options, bool isAddress, bool isDeleted = false)
    {
        json.WriteStartObject();
        if (isDeleted)
            json.WriteBoolean("deleted", true);
        WriteHead(json, view, options, isAddress);
        if (!options.IsBrief && options.HasDetails)
            WriteDetails(json, view);
        if (isAddress)
            WriteAddresses(json, view, options);
        if (!options.IsBrief && view.Statistics is { } statistics)
            WriteStatistics(json, statistics);
        WriteOwn(json, view, options);
        json.WriteEndObject();
    }

    /// <summary>A message of `monitor`: an address with its interface.</summary>
    public static void WriteAlone(Utf8JsonWriter json, InterfaceRecord owner, AddressRecord address, bool isDeleted)
    {
        json.WriteStartObject();
        if (isDeleted)
            json.WriteBoolean("deleted", true);
        json.WriteNumber("index", owner.Index);
        json.WriteString("dev", owner.Name);
        WriteAddress(json, address, isBrief: false);
        json.WriteEndObject();
    }

    private static void WriteAddress(Utf8JsonWriter json, AddressRecord address, bool isBrief)
    {
        var prefix = IpText.Prefix(address.Prefix);
        if (!isBrief)
            json.WriteString("family", prefix.IsSix ? "inet6" : "inet");
        json.WriteString("local", prefix.Address.ToString());
        json.WriteNumber("prefixlen", prefix.Length);
        if (!isBrief)
        {
            json.WriteString("scope", prefix.Scope);
            if (address.State == "duplicate")
                json.WriteBoolean("dadfailed", true);
            if (address.State is "duplicate" or "tentative")
                json.WriteBoolean("tentative", true);
            if (!prefix.IsSix)
                json.WriteString("label", address.Interface);
            json.WriteNumber("valid_life_time", Forever);
            json.WriteNumber("preferred_life_time", Forever);
        }
    }

    private static void WriteHead(Utf8JsonWriter json, LinkView view, GlobalOptions options, bool isAddress)
    {
        var one = view.Interface;
        if (!options.IsBrief)
            json.WriteNumber("ifindex", one.Index);
        json.WriteString("link", one.Port);
        json.WriteString("ifname", one.Name);
        if (options.IsBrief)
        {
            json.WriteString("operstate", LinkState.Operational(view));
            if (!isAddress)
            {
                if (view.Port?.Mac is { } brief)
                    json.WriteString("address", brief);
                WriteFlags(json, view);
            }
            return;
        }
        WriteFlags(json, view);
        if (one.Mtu is { } mtu)
            json.WriteNumber("mtu", mtu);
        json.WriteString("operstate", LinkState.Operational(view));
        if (!isAddress)
            json.WriteString("linkmode", LinkState.LinkMode);
        json.WriteString("group", LinkState.Group);
        json.WriteString("link_type", "ether");
        if (view.Port?.Mac is { } mac)
            json.WriteString("address", mac);
        json.WriteString("broadcast", LinkState.Broadcast);
    }

    private static void WriteFlags(Utf8JsonWriter json, LinkView view)
    {
        json.WriteStartArray("flags");
        foreach (var flag in LinkState.Flags(view))
            json.WriteStringValue(flag);
        json.WriteEndArray();
    }

    private static void WriteDetails(Utf8JsonWriter json, LinkView view)
    {
        json.WriteNumber("min_mtu", LinkState.LeastMtu);
        if (view.Port?.Mtu is { } most)
            json.WriteNumber("max_mtu", most);
        if (view.Port is not { } port)
            return;
        json.WriteStartObject("linkinfo");
        json.WriteString("info_kind", LinkState.Kind);
        json.WriteStartObject("info_data");
        json.WriteString("mode", port.Mode);
        json.WriteBoolean(port.Flag, true);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteAddresses(Utf8JsonWriter json, LinkView view, GlobalOptions options)
    {
        json.WriteStartArray("addr_info");
        foreach (var address in view.Addresses)
        {
            json.WriteStartObject();
            WriteAddress(json, address, options.IsBrief);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static void WriteStatistics(Utf8JsonWriter json, StatisticsRecord count)
    {
        json.WriteStartObject("stats64");
        json.WriteStartObject("rx");
        json.WriteNumber("bytes", count.RxBytes);
        json.WriteNumber("packets", count.RxPackets);
        json.WriteNumber("errors", count.RxErrors);
        json.WriteNumber("dropped", count.RxErrors);
        json.WriteNumber("over_errors", 0);
        json.WriteNumber("multicast", count.Multicast);
        json.WriteEndObject();
        json.WriteStartObject("tx");
        json.WriteNumber("bytes", count.TxBytes);
        json.WriteNumber("packets", count.TxPackets);
        json.WriteNumber("errors", 0);
        json.WriteNumber("dropped", count.TxDropped);
        json.WriteNumber("carrier_errors", 0);
        json.WriteNumber("collisions", 0);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteOwn(Utf8JsonWriter json, LinkView view, GlobalOptions options)
    {
        if (view.Interface.Namespace is { } space)
            json.WriteString("netns", space);
        if (options.IsBrief)
            return;
        if (options.HasDetails && view.Port is { } port)
        {
            json.WriteString("datapath", port.ResolvedDatapath);
            json.WriteNumber("version", view.Interface.Version);
        }
        if (view.Interface.Reason is { } reason)
            json.WriteString("reason", reason);
        if (options.HasStatistics && view.Port is { LostPackets: > 0 and var lost })
            json.WriteNumber("lost", lost);
        if (!options.HasDetails || view.Statistics is not { Drops.Count: > 0 } statistics)
            return;
        json.WriteStartObject("drops");
        foreach (var (name, count) in statistics.Drops)
            json.WriteNumber(name, count);
        json.WriteEndObject();
    }
}
