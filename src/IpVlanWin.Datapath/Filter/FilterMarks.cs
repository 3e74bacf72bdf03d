using System.Text.Json;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.HostNetwork;

namespace IpVlanWin.Datapath.Filter;

/// <summary>A port in the driver, which outlives its service.</summary>
/// <param name="Luid">NET_LUID of its master.</param>
internal sealed record FilterPortMark(ulong Luid)
{
    public HostThing On(string port) => new(port, FilterMarks.Port + $"{Luid:x16}", JsonSerializer.Serialize(this));
}

/// <summary>The filter was not bound to the master, and is because of a port.</summary>
/// <param name="Link">The link's identity.</param>
/// <param name="Component">What was bound.</param>
internal sealed record BindingMark(string Link, string Component)
{
    public HostThing On(string port) => new(port, $"{FilterMarks.Binding}{Link}/{Component}", JsonSerializer.Serialize(this));
}

/// <summary>What the filter alone has in the journal, and how it is undone. Stand-ins and the master are <see cref="HostMarks"/>'.</summary>
public static class FilterMarks
{
    internal const string Port = "filter/", Binding = "binding/";

    /// <summary>The things that a port has on the host are the filter's.</summary>
    /// <param name="journal">The journal.</param>
    /// <param name="port">The port.</param>
    public static bool AreThere(IHostJournal journal, string port)
    {
        ArgumentNullException.ThrowIfNull(journal);
        return journal.List().Any(thing => thing.Port == port && thing.Key.StartsWith(Port, StringComparison.Ordinal));
    }

    /// <summary>Ports that are not kept have things of the filter's on the host.</summary>
    /// <param name="journal">The journal.</param>
    /// <param name="isKept">Ports whose things stay.</param>
    public static bool HasLeft(IHostJournal journal, Func<string, bool> isKept)
    {
        ArgumentNullException.ThrowIfNull(journal);
        ArgumentNullException.ThrowIfNull(isKept);
        return journal.List().Any(thing => !isKept(thing.Port) && (thing.Key.StartsWith(Port, StringComparison.Ordinal) || thing.Key.StartsWith(Binding, StringComparison.Ordinal)));
    }

    /// <summary>
    /// Removes ports from the driver and unbinds it from masters that it was not bound to before. To be followed by
    /// <see cref="HostMarks.Sweep"/>, which removes the stand-ins. What cannot be undone stays in the journal, for the next time.
    /// </summary>
    /// <param name="driver">The driver; null where there is none, and so no port in it.</param>
    /// <param name="host">The host.</param>
    /// <param name="bindings">Its bindings.</param>
    /// <param name="journal">The journal.</param>
    /// <param name="isKept">Ports whose things stay.</param>
    /// <param name="isThorough">Look at each adapter for a port of the driver that nobody wrote down.</param>
    /// <returns>What was undone, in words; and what could not be, one sentence each.</returns>
    public static (IReadOnlyList<string> Done, IReadOnlyList<string> Failures) Sweep(
        FilterDriver? driver, IStandInHost host, IFilterBindings bindings, IHostJournal journal, Func<string, bool> isKept, bool isThorough)
    {
        ArgumentNullException.ThrowIfNull(host);
        ArgumentNullException.ThrowIfNull(bindings);
        ArgumentNullException.ThrowIfNull(journal);
        ArgumentNullException.ThrowIfNull(isKept);
        List<string> done = [], failures = [];
        foreach (var thing in Things(Port))
        {
            var luid = HostMarks.Read<FilterPortMark>(thing).Luid;
            Try(thing, () => driver?.Requests.Port(FilterAbi.RemovePort, luid) == PortResult.Ok ? $"the driver's port over {thing.Port} is removed" : null);
        }
        foreach (var thing in Things(Binding))
        {
            var mark = HostMarks.Read<BindingMark>(thing);
            Try(thing, () =>
            {
                if (host.FindLink(mark.Link) is not { } link || bindings.FindBinding(link, mark.Component) is not true)
                    return null;
                bindings.SetBinding(link, mark.Component, isBound: false);
                return $"the filter is not bound to {link.Name} any more";
            });
        }
        if (isThorough && driver is not null)
            Try(null, () => RemoveUnknown(driver, host, bindings, journal));
        return (done, failures);

        List<HostThing> Things(string prefix) => [.. journal.List().Where(thing => !isKept(thing.Port) && thing.Key.StartsWith(prefix, StringComparison.Ordinal))];

        void Try(HostThing? thing, Func<string?> undo)
        {
            try
            {
                if (undo() is { } text)
                    done.Add(text);
                if (thing is not null)
                    journal.CrossOut([thing]);
            }
            catch (Exception refused) when (refused is HostNetworkException or IOException)
            {
                failures.Add(refused.Message);
            }
        }
    }

    private static string? RemoveUnknown(FilterDriver driver, IStandInHost host, IFilterBindings bindings, IHostJournal journal)
    {
        var known = journal.List().Where(static thing => thing.Key.StartsWith(Port, StringComparison.Ordinal)).Select(static thing => HostMarks.Read<FilterPortMark>(thing).Luid).ToHashSet();
        List<string> removed = [];
        foreach (var link in host.Network.ListLinks().Where(static link => (link.Flags & LinkFlags.Loopback) == 0))
        {
            if (bindings.LuidOf(link) is var luid && !known.Contains(luid) && driver.Requests.Port(FilterAbi.RemovePort, luid) == PortResult.Ok)
                removed.Add(link.Name);
        }
        return removed.Count == 0 ? null : $"the driver's port over {string.Join(", ", removed)}, which nobody knew, is removed";
    }
}
