using System.Globalization;
using System.Text;
using IpVlanWin.Cli.Ip.Grammar;
using IpVlanWin.Protocol;

namespace IpVlanWin.Cli.Ip.Output;

/// <summary>
/// Interfaces in the text of ip-link(8) and ip-address(8). Left out, because nobody here knows them: qdisc and qlen. The index is the
/// service's, which is unique across namespaces. Of our own: the namespace behind the MAC, and a line with the reason where an interface is
/// not as it should be.
/// </summary>
internal sealed class LinkText(GlobalOptions options)
{
    private readonly StringBuilder _text = new();
    private readonly Paint _paint = new(options);

    // What ends a line: -o keeps an interface on one.
    private readonly string _next = options.IsOneLine ? "\\" : "\n";

    public override string ToString() => _text.ToString();

    public void Append(LinkView view, bool isAddress)
    {
        if (options.IsBrief)
        {
            AppendBrief(view, isAddress);
            return;
        }
        // As there: -o of addresses gives a line to each address and none to the interface.
        if (!isAddress || !options.IsOneLine)
            AppendLink(view, hasMode: !isAddress, hasMac: !isAddress || options.Family == 0);
        if (isAddress)
        {
            foreach (var address in view.Addresses)
                AppendAddress(view, address, isAlone: options.IsOneLine);
        }
        if (!isAddress || !options.IsOneLine)
            AppendStatistics(view, isAddress);
    }

    /// <summary>The first lines of an interface.</summary>
    public void AppendLink(LinkView view, bool hasMode, bool hasMac)
    {
        var one = view.Interface;
        _text.Append(CultureInfo.InvariantCulture, $"{one.Index}: ");
        _text.Append(_paint.Name(Name(one))).Append(": <").AppendJoin(',', LinkState.Flags(view)).Append('>');
        if (one.Mtu is { } mtu)
            _text.Append(CultureInfo.InvariantCulture, $" mtu {mtu}");
        _text.Append(" state ").Append(_paint.State(LinkState.Operational(view)));
        if (hasMode)
            _text.Append(" mode ").Append(LinkState.LinkMode);
        _text.Append(" group ").Append(LinkState.Group);
        if (hasMac)
        {
            _text.Append(_next).Append("    link/ether");
            if (view.Port?.Mac is { } mac)
                _text.Append(' ').Append(_paint.Mac(mac)).Append(" brd ").Append(_paint.Mac(LinkState.Broadcast));
            if (one.Namespace is { } space)
                _text.Append(" netns ").Append(space);
            if (options.HasDetails)
                _text.Append(CultureInfo.InvariantCulture, $" minmtu {LinkState.LeastMtu}").Append(view.Port?.Mtu is { } most ? string.Create(CultureInfo.InvariantCulture, $" maxmtu {most} ") : " ");
        }
        if (options.HasDetails && view.Port is { } port)
            _text.Append(_next).Append("    ").Append(LinkState.Kind).Append("  mode ").Append(port.Mode).Append(' ').Append(port.Flag).Append(" datapath ").Append(port.ResolvedDatapath).Append(' ');
        if (one.Reason is { } reason)
            _text.Append(_next).Append("    ").Append(one.State).Append(": ").Append(reason);
        if (hasMode && options.HasStatistics)
            return;
        _text.Append('\n');
    }

    /// <summary>The two lines of an address.</summary>
    /// <param name="view">Its interface.</param>
    /// <param name="address">The address.</param>
    /// <param name="isAlone">With the interface's name before it.</param>
    public void AppendAddress(LinkView view, AddressRecord address, bool isAlone)
    {
        var prefix = IpText.Prefix(address.Prefix);
        if (isAlone)
            _text.Append(CultureInfo.InvariantCulture, $"{view.Interface.Index}: ").Append(_paint.Name(view.Interface.Name));
        _text.Append(prefix.IsSix ? "    inet6 " : "    inet ").Append(_paint.Address(prefix.Address.ToString(), prefix.IsSix));
        _text.Append(CultureInfo.InvariantCulture, $"/{prefix.Length} scope {prefix.Scope} ");
        if (address.State == "duplicate")
            _text.Append("dadfailed ");
        if (address.State is "duplicate" or "tentative")
            _text.Append("tentative ");
        if (!prefix.IsSix)
            _text.Append(address.Interface);
        _text.Append(_next).Append("       valid_lft forever preferred_lft forever\n");
    }

    private static string Name(InterfaceRecord one) => $"{one.Name}@{one.Port}";

    private void AppendBrief(LinkView view, bool isAddress)
    {
        var state = LinkState.Operational(view);
        _text.Append(_paint.Name(Name(view.Interface).PadRight(16))).Append(' ').Append(_paint.State(state)).Append(' ', Math.Max(0, 14 - state.Length)).Append(' ');
        if (isAddress)
        {
            foreach (var address in view.Addresses)
            {
                var prefix = IpText.Prefix(address.Prefix);
                _text.Append(_paint.Address(prefix.Address.ToString(), prefix.IsSix)).Append(CultureInfo.InvariantCulture, $"/{prefix.Length} ");
            }
        }
        else
        {
            _text.Append(_paint.Mac(view.Port?.Mac ?? "")).Append(" <").AppendJoin(',', LinkState.Flags(view)).Append("> ");
        }
        _text.Append('\n');
    }

    private void AppendStatistics(LinkView view, bool isAddress)
    {
        if (!options.HasStatistics)
            return;
        if (!isAddress)
            _text.Append(_next);
        var count = view.Statistics ?? new StatisticsRecord { Interface = view.Interface.Name };
        // An ipvlan device counts a frame it cannot take as error and as dropped, and has no other counters (ipvlan_get_stats64).
        long[] rx = [count.RxBytes, count.RxPackets, count.RxErrors, count.RxErrors, 0, count.Multicast];
        long[] tx = [count.TxBytes, count.TxPackets, 0, count.TxDropped, 0, 0];
        string[] rxHeads = ["bytes", "packets", "errors", "dropped", "missed", "mcast"];
        string[] txHeads = ["bytes", "packets", "errors", "dropped", "carrier", "collsns"];
        int[] widths = [10, 7, 6, 7, 7, 7];
        for (var i = 0; i < widths.Length; i++)
            widths[i] = Math.Max(widths[i], Math.Max(Number(rx[i]).Length, Number(tx[i]).Length));
        AppendRow("RX:", rxHeads, widths, new string(' ', 11), _next);
        AppendRow("", [.. rx.Select(Number)], widths, " ", _next);
        AppendRow("TX:", txHeads, widths, new string(' ', 11), _next);
        AppendRow("", [.. tx.Select(Number)], widths, " ", "");
        if (options.HasDetails && count.Drops.Count > 0)
            _text.Append(_next).Append("    drops: ").AppendJoin(' ', count.Drops.Select(drop => $"{drop.Key} {Number(drop.Value)}"));
        // Which interface's they were nobody knows.
        if (view.Port is { LostPackets: > 0 } port)
            _text.Append(_next).Append("    lost: at most ").Append(Number(port.LostPackets)).Append(" packets of all interfaces of ").Append(port.Master).Append(", before data path ").Append(port.ResolvedDatapath);
        _text.Append('\n');
    }

    /// <summary>The first column begins under its head.</summary>
    private void AppendRow(string head, string[] cells, int[] widths, string end, string next)
    {
        _text.Append("    ").Append(head).Append(cells[0].PadLeft(widths[0] - head.Length));
        for (var i = 1; i < cells.Length; i++)
            _text.Append(' ').Append(cells[i].PadLeft(widths[i]));
        _text.Append(end).Append(next);
    }

    /// <summary>With -h three digits and a letter for thousands.</summary>
    private string Number(long count)
    {
        if (!options.IsHuman || count < 1000)
            return count.ToString(CultureInfo.InvariantCulture);
        const string Letters = "kMGTPE";
        var power = 0;
        double scaled = count;
        for (; scaled >= 1000 && power < Letters.Length; power++)
            scaled /= 1000;
        return scaled.ToString(scaled < 10 ? "0.##" : scaled < 100 ? "0.#" : "0", CultureInfo.InvariantCulture) + Letters[power - 1];
    }
}
