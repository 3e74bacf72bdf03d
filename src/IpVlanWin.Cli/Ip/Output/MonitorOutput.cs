using System.Globalization;
using System.Text.Json;
using IpVlanWin.Protocol;

namespace IpVlanWin.Cli.Ip.Output;

/// <summary>
/// Prints changes as ip-monitor(8) does. It keeps what it printed of each interface: only what would look different now is a change.
/// </summary>
internal sealed class MonitorOutput(Session session, bool hasLinks, bool hasAddresses, bool hasLabels)
{
    private readonly Dictionary<string, PortRecord> _ports = new(StringComparer.Ordinal);
    private readonly Dictionary<long, Known> _known = [];

    /// <summary>Learn, and print nothing.</summary>
    public bool IsQuiet { get; set; } = true;

    /// <summary>A port is so now: its interfaces look different in another mode, or with the master down.</summary>
    public void Put(PortRecord port)
    {
        _ports[port.Master] = port;
        foreach (var known in _known.Values.Where(known => known.View.Interface.Port == port.Master).ToArray())
            Put(known.View.Interface);
    }

    /// <summary>An interface is so now.</summary>
    public void Put(InterfaceRecord one)
    {
        var addresses = one.Addresses.Where(address => Selection.Matches(address, session.Options.Family, null)).ToArray();
        var view = new LinkView(one, _ports.GetValueOrDefault(one.Port), null, addresses);
        var now = new Known(view, Link(view));
        var before = _known.GetValueOrDefault(one.Index);
        _known[one.Index] = now;
        foreach (var gone in before?.View.Addresses.Where(old => !Array.Exists(addresses, address => address.Prefix == old.Prefix)) ?? [])
            PrintAddress(before!.View, gone, isDeleted: true);
        if (before?.Text != now.Text)
            PrintLink(now, isDeleted: false);
        foreach (var address in addresses.Where(address => before is null || !before.View.Addresses.Any(old => (old.Prefix, old.State) == (address.Prefix, address.State))))
            PrintAddress(view, address, isDeleted: false);
    }

    /// <summary>An interface is gone.</summary>
    public void Remove(long index)
    {
        if (!_known.Remove(index, out var gone))
            return;
        foreach (var address in gone.View.Addresses)
            PrintAddress(gone.View, address, isDeleted: true);
        PrintLink(gone, isDeleted: true);
    }

    /// <summary>All others are gone.</summary>
    public void Keep(IReadOnlySet<long> present)
    {
        foreach (var index in _known.Keys.Where(index => !present.Contains(index)).ToArray())
            Remove(index);
    }

    private string Link(LinkView view)
    {
        var text = new LinkText(session.Options);
        text.AppendLink(view, hasMode: false, hasMac: true);
        return text.ToString();
    }

    private void PrintLink(Known known, bool isDeleted)
    {
        if (hasLinks)
            Print("LINK", known.Text, isDeleted, json => LinkJson.Write(json, known.View, session.Options, isAddress: false, isDeleted));
    }

    private void PrintAddress(LinkView view, AddressRecord address, bool isDeleted)
    {
        var text = new LinkText(session.Options);
        text.AppendAddress(view, address, isAlone: true);
        if (hasAddresses)
            Print("ADDR", text.ToString(), isDeleted, json => LinkJson.WriteAlone(json, view.Interface, address, isDeleted));
    }

    private void Print(string label, string text, bool isDeleted, Action<Utf8JsonWriter> write)
    {
        if (IsQuiet)
            return;
        if (session.Options.IsJson)
        {
            JsonOutput.Write(session, write);
            return;
        }
        var now = DateTime.Now;
        if (session.Options is { HasTimestamp: true, IsTimestampShort: false })
            session.Output.WriteLine(now.ToString("'Timestamp: 'ddd MMM d HH:mm:ss yyyy ffffff' usec'", CultureInfo.InvariantCulture));
        else if (session.Options.IsTimestampShort)
            session.Output.Write(now.ToString("'['yyyy-MM-dd'T'HH:mm:ss.ffffff'] '", CultureInfo.InvariantCulture));
        session.Output.Write($"{(hasLabels ? $"[{label}]" : "")}{(isDeleted ? "Deleted " : "")}{text}");
    }

    private sealed record Known(LinkView View, string Text);
}
