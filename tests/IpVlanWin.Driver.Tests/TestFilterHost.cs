using System.Collections.Immutable;
using System.Net;
using System.Net.NetworkInformation;
using IpVlanWin.Datapath;
using IpVlanWin.Datapath.Filter;
using IpVlanWin.Engine.Wire;
using IpVlanWin.HostNetwork;

namespace IpVlanWin.Driver.Tests;

/// <summary>A host whose adapters are the bench's. What it is told is on record; what its stack knows, the test says.</summary>
internal sealed class TestFilterHost(NativeFilterDevice device) : IFilterHost
{
    public const int Master = 1;

    private readonly Lock _lock = new();
    private readonly Dictionary<Guid, string?> _spaces = [];
    private Action<HostSnapshot>? _onChange;
    private HostSnapshot _snapshot = new() { Links = ImmutableDictionary<int, HostLink>.Empty.Add(Master, new HostLink { Index = Master, Name = "eth0", IpMtu = 1500 }) };
    private ulong _nextLuid = NativeBench.Host + 1;

    public int MasterIndex => Master;

    /// <summary>Adapters that are there, with their stacks' addresses.</summary>
    public Dictionary<ulong, (string Name, int IpMtu, HashSet<L3Prefix> Addresses)> Adapters { get; } = [];

    /// <summary>Answers to resolution, as a wire would give them.</summary>
    public Dictionary<L3Address, MacAddress> Answers { get; } = [];

    /// <summary>What was asked for.</summary>
    public List<L3Address> Resolved { get; } = [];

    /// <summary>The next call of that kind is refused by the system.</summary>
    public bool RefusesAddresses { get; set; }

    /// <summary>Their stacks ask the wire where they may.</summary>
    public bool Asks { get; set; }

    /// <summary>Addresses that are asked for, by stacks that were up and heard.</summary>
    public HashSet<L3Address> Asked { get; } = [];

    /// <summary>Addresses that somebody has, as the wire says once it is asked.</summary>
    public HashSet<L3Address> Taken { get; } = [];

    /// <summary>Namespaces that are there.</summary>
    public HashSet<string> Namespaces { get; } = [];

    /// <summary>Interfaces that waited and are not wanted any more.</summary>
    public List<string> Abandoned { get; } = [];

    /// <summary>The wire can be asked for so many.</summary>
    public int QuestionsAtOnce { get; set; }

    /// <summary>Who has which address on the wire, as the host's stack finds.</summary>
    public Dictionary<L3Address, string> Others { get; } = [];

    /// <summary>What the wire was asked for.</summary>
    public List<L3Address> Questions { get; } = [];

    public bool IsDisposed { get; private set; }

    /// <summary>What each adapter was last wished to be like.</summary>
    public Dictionary<string, FilterWish> Wishes { get; } = [];

    public bool IsMasterAttached { get; private set; }

    public FilterStandIn Create(string name, string? namespaceName)
    {
        if (namespaceName is not null && !Namespaces.Contains(namespaceName))
            throw new NamespacePendingException($"there is no namespace {namespaceName} yet");
        var luid = _nextLuid++;
        device.Use(bench => bench.Attach(luid));
        Adapters.Add(luid, (name, 1500, []));
        var standIn = new FilterStandIn(luid, (int)luid, Guid.NewGuid());
        _spaces[standIn.Tag] = namespaceName;
        return standIn;
    }

    public void Abandon(string name) => Abandoned.Add(name);

    public void Remove(FilterStandIn standIn)
    {
        if (Adapters.Remove(standIn.Luid))
            device.Use(bench => bench.Detach(standIn.Luid));
    }

    /// <summary>Somebody removes the adapter.</summary>
    public void Lose(ulong luid)
    {
        Adapters.Remove(luid);
        device.Use(bench => bench.Detach(luid));
    }

    public void Rename(FilterStandIn standIn, string name) => Adapters[standIn.Luid] = Adapters[standIn.Luid] with { Name = name };

    public void SetMtu(FilterStandIn standIn, int ipMtu) => Adapters[standIn.Luid] = Adapters[standIn.Luid] with { IpMtu = ipMtu };

    public IReadOnlyCollection<L3Address> AddAddresses(FilterStandIn standIn, IReadOnlyCollection<L3Prefix> prefixes, bool asks)
    {
        if (RefusesAddresses)
            throw Refusal();
        Adapters[standIn.Luid].Addresses.UnionWith(prefixes);
        if (!asks || !Asks)
            return [];
        lock (_lock)
            Asked.UnionWith(prefixes.Select(static prefix => prefix.Address));
        return [.. prefixes.Select(static prefix => prefix.Address)];
    }

    public IReadOnlyCollection<L3Address> AddressesOf(FilterStandIn standIn) => [.. Adapters[standIn.Luid].Addresses.Select(static prefix => prefix.Address)];

    public IReadOnlyDictionary<L3Address, string> FindOthers(IReadOnlyCollection<L3Address> addresses, TimeSpan patience, WaitHandle ending)
    {
        lock (_lock)
        {
            Questions.AddRange(addresses);
            return addresses.Where(Others.ContainsKey).ToDictionary(static address => address, address => Others[address]);
        }
    }

    /// <summary>Every question is answered, or long enough was waited.</summary>
    public void EndAsking()
    {
        lock (_lock)
            Asked.Clear();
    }

    public void RemoveAddress(FilterStandIn standIn, L3Prefix prefix) => Adapters[standIn.Luid].Addresses.Remove(prefix);

    public FilterStack? Mend(FilterStandIn standIn, FilterWish wish)
    {
        lock (_lock)
        {
            Wishes[wish.Name] = wish;
            if (_spaces[standIn.Tag] is { } space && !Namespaces.Contains(space))
                throw new NamespacePendingException($"there is no namespace {space} yet");
            if (!Adapters.TryGetValue(standIn.Luid, out var adapter))
                return null;
            var all = adapter.Addresses.Select(static prefix => prefix.Address).ToList();
            return new FilterStack(standIn, all.FindAll(Asked.Contains), all.FindAll(address => Asks && wish.Asks && !Asked.Contains(address) && Taken.Contains(address)));
        }
    }

    public void Tidy()
    {
    }

    public void FollowMaster(bool isAttached)
    {
        lock (_lock)
            IsMasterAttached = isAttached;
    }

    public void Resolve(L3Address neighbor)
    {
        lock (_lock)
            Resolved.Add(neighbor);
        if (Answers.TryGetValue(neighbor, out var mac))
            Learn(neighbor, mac);
    }

    public IDisposable Watch(Action<HostSnapshot> onChange)
    {
        lock (_lock)
        {
            _onChange = onChange;
            onChange(_snapshot);
        }
        return new End(this);
    }

    /// <summary>The host is another now.</summary>
    public void Change(Func<HostSnapshot, HostSnapshot> change)
    {
        lock (_lock)
        {
            _snapshot = change(_snapshot);
            _onChange?.Invoke(_snapshot);
        }
    }

    public void Learn(L3Address address, MacAddress mac)
    {
        var bytes = new byte[6];
        mac.Write(bytes);
        var neighbor = new HostNeighbor(Master, address.ToIPAddress(), new PhysicalAddress(bytes), NeighborState.Reachable);
        Change(before => before with { Neighbors = before.Neighbors.SetItem(neighbor.Key, neighbor) });
    }

    public void SetAddresses(params string[] prefixes) => Change(before => before with
    {
        Addresses = prefixes.Select(L3Prefix.Parse).Select(prefix => new HostAddress(Master, prefix.Address.ToIPAddress(), prefix.Length, AddressScope.Global, AddressFlags.Permanent))
            .ToImmutableDictionary(address => address.Key),
    });

    public void SetRoutes(params HostRoute[] routes) => Change(before => before with { Routes = [.. routes] });

    public static HostRoute Route(string destination, string? gateway = null, int link = Master, RouteKind kind = RouteKind.Unicast) => new()
    {
        Destination = IPNetwork.Parse(destination),
        Gateway = gateway is null ? null : IPAddress.Parse(gateway),
        LinkIndex = link,
        Kind = kind,
    };

    public void Dispose() => IsDisposed = true;

    /// <summary>As the system refuses; its own code does not matter here.</summary>
    private static HostNetworkException Refusal()
    {
        if (!OperatingSystem.IsLinux())
            throw new PlatformNotSupportedException();
        try
        {
            using var nothing = HostNetwork.Linux.NetworkNamespace.Open("no-such-" + Guid.NewGuid().ToString("n"));
        }
        catch (HostNetworkException refused)
        {
            return refused;
        }
        throw new InvalidOperationException("a namespace that cannot be there");
    }

    private sealed class End(TestFilterHost owner) : IDisposable
    {
        public void Dispose()
        {
            lock (owner._lock)
                owner._onChange = null;
        }
    }
}
