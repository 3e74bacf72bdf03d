using System.Collections.Immutable;
using System.Globalization;
using IpVlanWin.Protocol;

namespace IpVlanWin.Service.Tests;

/// <summary>An interface as a <see cref="LoadWorker"/> knows it.</summary>
internal sealed record LoadEntry(string Master, string? Namespace, int? Mtu, bool IsUp, ImmutableArray<string> Addresses);

/// <summary>What one worker made and nobody else touches: its own port's mode and flag, and its interfaces by name.</summary>
internal sealed record LoadState(string Mode, string Flag, ImmutableSortedDictionary<string, LoadEntry> Interfaces)
{
    public static LoadState Empty { get; } = new("l3", "bridge", ImmutableSortedDictionary.Create<string, LoadEntry>(StringComparer.Ordinal));

    /// <summary>One line for each thing; two states are the same when their texts are.</summary>
    public string Text(string ownMaster)
    {
        var port = Interfaces.Values.Any(one => one.Master == ownMaster) ? $"port {ownMaster} {Mode} {Flag}\n" : "";
        return port + string.Join('\n', Interfaces.Select(static one => Line(
            one.Key, one.Value.Master, one.Value.Namespace, one.Value.Mtu, one.Value.IsUp ? "up" : "down", one.Value.Addresses)));
    }

    /// <summary>The same text of what the service says.</summary>
    public static string Text(IEnumerable<PortRecord> ownPort, IEnumerable<InterfaceRecord> interfaces) =>
        string.Concat(ownPort.Select(static port => $"port {port.Master} {port.Mode} {port.Flag}\n")) +
        string.Join('\n', interfaces.OrderBy(static one => one.Name, StringComparer.Ordinal).Select(static one => Line(
            one.Name, one.Port, one.Namespace, one.HasOwnMtu ? one.Mtu : null, one.Admin, one.Addresses.Select(static address => address.Prefix))));

    private static string Line(string name, string master, string? networkNamespace, int? mtu, string admin, IEnumerable<string> addresses) =>
        $"{name} on {master} in {networkNamespace ?? "-"} mtu {mtu?.ToString(CultureInfo.InvariantCulture) ?? "-"} {admin}: {string.Join(' ', addresses)}";
}

/// <summary>A change, with the state after it.</summary>
/// <param name="Next">The state after it.</param>
/// <param name="Call">The change as a part of a batch.</param>
/// <param name="Alone">The change by itself.</param>
internal sealed record LoadStep(LoadState Next, RpcCall Call, Func<ControlClient, Task<ChangeReply>> Alone);

/// <summary>
/// A client that makes one legal change after the other, single or in batches, and knows at any instant what was acknowledged and what
/// may have been done.
/// </summary>
internal sealed class LoadWorker(int number, Random random)
{
    private const int MostInterfaces = 30;
    private const string SharedMaster = "shared";
    private int _made;

    public string Prefix => $"w{number}-";

    public string OwnMaster => $"own{number}";

    /// <summary>Whatever happens, this has been stored.</summary>
    public LoadState Acknowledged { get; set; } = LoadState.Empty;

    /// <summary>Asked for and not answered, or null.</summary>
    public LoadState? InDoubt { get; set; }

    /// <summary>Changes until the service is gone.</summary>
    public async Task RunAsync(ControlClient client, Action<long> onAcknowledged)
    {
        for (; ; )
        {
            var steps = new List<LoadStep>();
            for (var left = random.Next(3) == 0 ? random.Next(2, 15) : 1; left > 0; left--)
                steps.Add(Step(steps.Count == 0 ? Acknowledged : steps[^1].Next));
            InDoubt = steps[^1].Next;
            try
            {
                var reply = steps.Count == 1 ? await steps[0].Alone(client) : (await client.BatchAsync([.. steps.Select(static step => step.Call)]))[0];
                (Acknowledged, InDoubt) = (InDoubt, null);
                onAcknowledged(reply.Version);
            }
            catch (ControlException gone) when (gone.Code == ErrorCode.ServiceUnreachable)
            {
                return;
            }
        }
    }

    private LoadStep Step(LoadState state)
    {
        var isFull = state.Interfaces.Count >= MostInterfaces;
        if (state.Interfaces.IsEmpty)
            return Add(state);
        var (name, one) = state.Interfaces.ElementAt(random.Next(state.Interfaces.Count));
        switch (random.Next(10))
        {
            case 0 or 1 or 2 when !isFull:
                return Add(state);
            case 0 or 1 or 2 or 3:
                var asked = new InterfaceName { Name = name };
                return new LoadStep(Put(state, state.Interfaces.Remove(name)), RpcCall.RemoveInterface(asked), client => client.RemoveInterfaceAsync(name));
            case 4 or 5:
                return Set(state, name, one);
            case 6 when one.Addresses.Length > 0:
                var gone = new AddressSpec { Interface = name, Prefix = one.Addresses[random.Next(one.Addresses.Length)] };
                var less = one with { Addresses = one.Addresses.Remove(gone.Prefix) };
                return new LoadStep(Put(state, state.Interfaces.SetItem(name, less)), RpcCall.RemoveAddress(gone), client => client.RemoveAddressAsync(gone));
            case 7 when one.Master == OwnMaster:
                var change = new PortChange { Master = OwnMaster, Mode = Any("l2", "l3", "l3s"), Flag = Any("bridge", "private", "vepa") };
                return new LoadStep(state with { Mode = change.Mode, Flag = change.Flag }, RpcCall.SetPort(change), client => client.SetPortAsync(change));
            default:
                var added = new AddressSpec { Interface = name, Prefix = NewAddress() };
                var more = one with { Addresses = one.Addresses.Add(added.Prefix) };
                return new LoadStep(Put(state, state.Interfaces.SetItem(name, more)), RpcCall.AddAddress(added), client => client.AddAddressAsync(added));
        }
    }

    private LoadStep Add(LoadState state)
    {
        var addresses = Enumerable.Range(0, random.Next(4)).Select(_ => NewAddress()).ToImmutableArray();
        var made = new LoadEntry(random.Next(2) == 0 ? OwnMaster : SharedMaster, Namespace(), Mtu(), random.Next(2) == 0, addresses);
        var spec = new InterfaceSpec
        {
            Master = made.Master, Name = NewName(), Namespace = made.Namespace, Mtu = made.Mtu, Admin = made.IsUp ? "up" : "down", Addresses = made.Addresses,
        };
        return new LoadStep(Put(state, state.Interfaces.Add(spec.Name, made)), RpcCall.AddInterface(spec), client => client.AddInterfaceAsync(spec));
    }

    private LoadStep Set(LoadState state, string name, LoadEntry one)
    {
        var change = new InterfaceChange
        {
            Name = name,
            NewName = random.Next(2) == 0 ? NewName() : null,
            Namespace = random.Next(3) == 0 ? Namespace() ?? "" : null,
            Mtu = random.Next(3) == 0 ? random.Next(68, 1501) : null,
            Admin = random.Next(2) == 0 ? Any("up", "down") : null,
        };
        var changed = one with
        {
            Namespace = change.Namespace is null ? one.Namespace : change.Namespace.Length == 0 ? null : change.Namespace,
            Mtu = change.Mtu ?? one.Mtu,
            IsUp = change.Admin is null ? one.IsUp : change.Admin == "up",
        };
        return new LoadStep(
            Put(state, state.Interfaces.Remove(name).Add(change.NewName ?? name, changed)), RpcCall.SetInterface(change), client => client.SetInterfaceAsync(change));
    }

    /// <summary>The port goes with its last interface, and comes back as it is by default.</summary>
    private LoadState Put(LoadState state, ImmutableSortedDictionary<string, LoadEntry> interfaces) =>
        interfaces.Values.Any(one => one.Master == OwnMaster) ? state with { Interfaces = interfaces } : LoadState.Empty with { Interfaces = interfaces };

    private string NewName() => Prefix + (_made++).ToString(CultureInfo.InvariantCulture);

    private string NewAddress()
    {
        var made = _made++;
        return random.Next(3) == 0 ? $"fd00:{number + 1:x}::{made + 1:x}/64" : $"10.{number}.{made / 250 % 250}.{(made % 250) + 1}/24";
    }

    private string? Namespace() => random.Next(3) == 0 ? Any("red", "green") : null;

    private int? Mtu() => random.Next(4) == 0 ? random.Next(68, 1501) : null;

    private string Any(params ReadOnlySpan<string> words) => words[random.Next(words.Length)];
}
