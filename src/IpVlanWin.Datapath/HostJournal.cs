using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using IpVlanWin.HostNetwork;

namespace IpVlanWin.Datapath;

/// <summary>Something that is on the host, or is about to be, because of a port.</summary>
/// <param name="Port">The port's master, as the desired state names it.</param>
/// <param name="Key">What it is; unique in the port.</param>
/// <param name="Value">What is needed to find it and to undo it, as JSON.</param>
public sealed record HostThing(string Port, string Key, string Value);

/// <summary>
/// Remembers across a crash what is on the host: each thing is written before it is made, and crossed out after it is gone. Members may be
/// called by any thread; what is written is durable when the call returns.
/// </summary>
public interface IHostJournal
{
    /// <summary>All things.</summary>
    IReadOnlyList<HostThing> List();

    /// <summary>Writes things; one of the same port and key is replaced.</summary>
    void Write(IReadOnlyCollection<HostThing> things);

    /// <summary>Crosses things out.</summary>
    void CrossOut(IReadOnlyCollection<HostThing> things);
}

/// <summary>A stand-in of ours.</summary>
/// <param name="Tag">Its identity.</param>
/// <param name="Kind">What of.</param>
/// <param name="Interface">The interface's name.</param>
/// <param name="Namespace">Where the interface lives; null for the host's.</param>
/// <param name="Before">What <see cref="IStandInHost.Quieten"/> changed.</param>
internal sealed record StandInMark(Guid Tag, StandInKind Kind, string Interface, string? Namespace, string? Before)
{
    public HostThing On(string port) => new(port, HostMarks.StandIn + Tag.ToString("N"), JsonSerializer.Serialize(this));
}

/// <summary>Settings of a link that is not ours, changed.</summary>
/// <param name="Link">The link's identity.</param>
/// <param name="Family">IPv4 or IPv6.</param>
/// <param name="Undo">The change that undoes it.</param>
internal sealed record SettingMark(string Link, AddressFamily Family, IpInterfaceChange Undo)
{
    public HostThing On(string port) => new(port, $"{HostMarks.Setting}{Link}/{(int)Family}", JsonSerializer.Serialize(this));
}

/// <summary>An address that a link answers for.</summary>
/// <param name="Link">The link's identity.</param>
/// <param name="Address">The address.</param>
internal sealed record ProxyMark(string Link, string Address)
{
    public HostThing On(string port) => new(port, $"{HostMarks.Proxy}{Link}/{Address}", JsonSerializer.Serialize(this));
}

/// <summary>The kinds of things in a journal, and how they are undone.</summary>
public static class HostMarks
{
    /// <summary>Key of the thing that is the master's identity.</summary>
    public const string Master = "master";

    internal const string StandIn = "standin/", Setting = "setting/", Proxy = "proxy/";

    /// <summary>Identity of the master that a port was made over, or null.</summary>
    /// <param name="journal">The journal.</param>
    /// <param name="port">The port.</param>
    public static string? MasterOf(IHostJournal journal, string port)
    {
        ArgumentNullException.ThrowIfNull(journal);
        return journal.List().FirstOrDefault(thing => thing.Port == port && thing.Key == Master)?.Value;
    }

    /// <summary>
    /// Takes off the host all that ports put there, and what nobody remembers but carries our tag. What cannot be undone stays in the
    /// journal, for the next time.
    /// </summary>
    /// <param name="host">The host.</param>
    /// <param name="journal">The journal.</param>
    /// <param name="isKept">Ports whose things stay.</param>
    /// <returns>What was undone, in words; and what could not be, one sentence each.</returns>
    public static (IReadOnlyList<string> Done, IReadOnlyList<string> Failures) Sweep(IStandInHost host, IHostJournal journal, Func<string, bool> isKept)
    {
        ArgumentNullException.ThrowIfNull(host);
        ArgumentNullException.ThrowIfNull(journal);
        ArgumentNullException.ThrowIfNull(isKept);
        List<string> done = [], failures = [];
        // Answers first, so that nobody sends what nobody takes; the settings of links that are not ours last.
        foreach (var prefix in (string[])[Proxy, StandIn, Setting, Master])
        {
            foreach (var thing in journal.List().Where(thing => !isKept(thing.Port) && thing.Key.StartsWith(prefix, StringComparison.Ordinal)))
                Try(() => Undo(host, thing), () => journal.CrossOut([thing]));
        }
        var known = journal.List().Where(static thing => thing.Key.StartsWith(StandIn, StringComparison.Ordinal)).Select(static thing => Read<StandInMark>(thing).Tag).ToHashSet();
        Try(() =>
        {
            foreach (var orphan in host.ListStandIns().Where(device => !known.Contains(device.Tag)))
            {
                host.Remove(orphan.Tag);
                done.Add($"stand-in {orphan.Id}, which nobody knew, is removed");
            }
            return null;
        }, static () => { });
        return (done, failures);

        void Try(Func<string?> undo, Action after)
        {
            try
            {
                if (undo() is { } text)
                    done.Add(text);
                after();
            }
            catch (HostNetworkException refused)
            {
                failures.Add(refused.Message);
            }
        }
    }

    internal static string? Undo(IStandInHost host, HostThing thing)
    {
        if (thing.Key.StartsWith(Proxy, StringComparison.Ordinal))
        {
            var proxy = Read<ProxyMark>(thing);
            if (host.FindLink(proxy.Link) is not { } link)
                return null;
            host.RemoveProxy(link.Index, IPAddress.Parse(proxy.Address));
            return $"{link.Name} answers for {proxy.Address} no more";
        }
        if (thing.Key.StartsWith(StandIn, StringComparison.Ordinal))
        {
            var mark = Read<StandInMark>(thing);
            if (mark.Before is { } before && host.FindStandIn(mark.Tag) is { } standIn)
                host.Restore(standIn, before);
            host.Remove(mark.Tag);
            return $"the stand-in of {mark.Interface} is removed";
        }
        if (!thing.Key.StartsWith(Setting, StringComparison.Ordinal))
            return null;
        var setting = Read<SettingMark>(thing);
        if (host.FindLink(setting.Link) is not { } changed || host.FindIpInterface(changed.Index, setting.Family) is null)
            return null;
        host.SetIpInterface(changed.Index, setting.Family, setting.Undo);
        return string.Create(CultureInfo.InvariantCulture, $"the {(setting.Family == AddressFamily.InterNetwork ? "IPv4" : "IPv6")} settings of {changed.Name} are as before");
    }

    internal static T Read<T>(HostThing thing) => JsonSerializer.Deserialize<T>(thing.Value)!;
}

/// <summary>A journal that forgets with its process: for tests, and to try something out.</summary>
public sealed class MemoryJournal : IHostJournal
{
    private readonly Lock _lock = new();
    private readonly Dictionary<(string, string), HostThing> _things = [];

    /// <inheritdoc/>
    public IReadOnlyList<HostThing> List()
    {
        lock (_lock)
            return [.. _things.Values];
    }

    /// <inheritdoc/>
    public void Write(IReadOnlyCollection<HostThing> things)
    {
        ArgumentNullException.ThrowIfNull(things);
        lock (_lock)
        {
            foreach (var thing in things)
                _things[(thing.Port, thing.Key)] = thing;
        }
    }

    /// <inheritdoc/>
    public void CrossOut(IReadOnlyCollection<HostThing> things)
    {
        ArgumentNullException.ThrowIfNull(things);
        lock (_lock)
        {
            foreach (var thing in things)
                _things.Remove((thing.Port, thing.Key));
        }
    }
}
