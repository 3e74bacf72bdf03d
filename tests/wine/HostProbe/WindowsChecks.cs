using System.Diagnostics;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Runtime.Versioning;
using IpVlanWin.HostNetwork;
using IpVlanWin.HostNetwork.Windows;

namespace HostProbe;

/// <summary>Checks of a real Windows that change nothing but what they name, and put it back.</summary>
[SupportedOSPlatform("windows")]
internal static class WindowsChecks
{
    public static void Read(Checks checks)
    {
        using var network = WindowsNetwork.Open();
        var others = NetworkInterface.GetAllNetworkInterfaces();
        checks.Run("adapters as .NET sees them", () =>
        {
            var adapters = network.ListAdapters();
            foreach (var other in others)
            {
                var found = adapters.SingleOrDefault(adapter => adapter.Guid == Guid.Parse(other.Id));
                Checks.Require(found is not null && found.Alias == other.Name && found.Mac.Equals(other.GetPhysicalAddress()), $"{other.Name} {other.Id}: {found}");
            }
            return $"{adapters.Count} adapters, {others.Length} compared";
        });
        checks.Run("adapters count what they carry", () => string.Join(", ", network.ListAdapters().Where(static adapter => (adapter.Flags & LinkFlags.Running) != 0)
            .Select(adapter => $"{adapter.Alias} {network.CountUnicast(adapter.Index)}")));
        checks.Run("MTU as .NET sees it", () =>
        {
            var links = network.ListLinks().ToDictionary(link => link.Index);
            var compared = 0;
            foreach (var other in others)
            {
                if (!other.Supports(NetworkInterfaceComponent.IPv4) || other.GetIPProperties().GetIPv4Properties() is not { } properties) continue;
                // .NET shows the adapter's limit: the IP layer's may be smaller.
                Checks.Require(links[properties.Index].IpMtu <= properties.Mtu || properties.Mtu <= 0, $"{other.Name}: {links[properties.Index].IpMtu}, .NET {properties.Mtu}");
                compared++;
            }
            return $"{compared} compared";
        });
        checks.Run("addresses as .NET sees them", () =>
        {
            var mine = network.ListAddresses().Select(address => (address.Address.ToString(), address.PrefixLength)).ToHashSet();
            var compared = 0;
            foreach (var address in others.SelectMany(other => other.GetIPProperties().UnicastAddresses))
            {
                Checks.Require(mine.Contains((new IPAddress(address.Address.GetAddressBytes()).ToString(), address.PrefixLength)), $"{address.Address}/{address.PrefixLength} is missing");
                compared++;
            }
            return $"{compared} compared";
        });
        checks.Run("routes and neighbors", () => $"{network.ListRoutes().Count} routes, {network.ListNeighbors().Count} neighbors");
        checks.Run("routes to itself are Local", () =>
        {
            // HostRoute takes MIB_IPFORWARD_ROW2.Loopback for "leads to the host itself".
            var local = network.ListRoutes().Where(route => route.Kind == RouteKind.Local).Select(route => route.Destination).ToHashSet();
            var own = network.ListAddresses().Where(address => !address.IsTentative).Select(address => new IPNetwork(address.Address, address.Address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128)).ToList();
            var missing = own.Where(network => !local.Contains(network)).ToList();
            Checks.Require(missing.Count == 0, $"not Local: {string.Join(' ', missing)}");
            return $"{local.Count} Local, {own.Count} own addresses";
        });
        checks.Run("best route", () =>
        {
            var (route, source) = network.GetBestRoute(IPAddress.Parse("192.0.2.1"));
            return $"192.0.2.1 by {route.Gateway} on {route.LinkIndex} from {source}";
        });
        checks.Run("resolve the gateway", () =>
        {
            var gateway = network.ListRoutes().Where(route => route is { Gateway: not null, Destination.PrefixLength: 0 }).OrderBy(route => route.Metric).FirstOrDefault();
            if (gateway is null) return "no default route: nothing to resolve";
            return network.ResolveNow(gateway.LinkIndex, gateway.Gateway!).ToString();
        });
        checks.Run("CIM", () =>
        {
            using var adapters = NetAdapters.Open();
            return $"by {adapters.Implementation}; {network.ListAdapters().Count(adapter => Safe(() => adapters.ListBindings(adapter.Guid).Count) > 0)} adapters with bindings";
        });
    }

    public static void Watch(Checks checks)
    {
        using var network = WindowsNetwork.Open();
        var loopback = network.ListAdapters().Single(adapter => adapter.Type == 24).Index;
        var address = IPAddress.Parse("198.19.255.29");
        checks.Run("a change is notified", () =>
        {
            // A poll of an hour: what is seen before was notified.
            using var watch = WindowsWatch.Start(poll: TimeSpan.FromHours(1));
            var start = Stopwatch.GetTimestamp();
            using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30));
            network.AddAddress(loopback, address, 32);
            try
            {
                watch.WaitFor(snapshot => snapshot.Addresses.Keys.Any(key => key.Address.Equals(address)), deadline.Token).GetAwaiter().GetResult();
            }
            finally
            {
                network.RemoveAddress(loopback, address, 32);
            }
            var seen = Stopwatch.GetElapsedTime(start);
            watch.WaitFor(snapshot => snapshot.Addresses.Keys.All(key => !key.Address.Equals(address)), deadline.Token).GetAwaiter().GetResult();
            return $"added after {seen.TotalMilliseconds:F0} ms; {watch.Readings} readings";
        });
        checks.Run("a storm of 2,000 changes converges", () =>
        {
            using var watch = WindowsWatch.Start(poll: TimeSpan.FromHours(1));
            using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(120));
            var start = Stopwatch.GetTimestamp();
            for (var i = 0; i < 1000; i++) network.AddAddress(loopback, new IPAddress([198, 18, (byte)(i >> 8), (byte)i]), 32);
            for (var i = 0; i < 1000; i++) network.RemoveAddress(loopback, new IPAddress([198, 18, (byte)(i >> 8), (byte)i]), 32);
            var made = Stopwatch.GetElapsedTime(start);
            watch.WaitFor(snapshot => snapshot.Addresses.Keys.All(key => key.Address.GetAddressBytes() is not [198, 18, _, _]), deadline.Token).GetAwaiter().GetResult();
            return $"made in {made.TotalSeconds:F1} s, converged after {Stopwatch.GetElapsedTime(start).TotalSeconds:F1} s, {watch.Readings} readings";
        });
    }

    public static void Proxy(Checks checks, string master)
    {
        using var network = WindowsNetwork.Open();
        checks.Run("proxy ARP entry", () =>
        {
            var adapter = network.FindAdapter(master);
            Checks.Require(adapter is not null, $"no adapter \"{master}\": must be an alias, an index or a LUID");
            var address = IPAddress.Parse("192.0.2.77");
            var added = network.AddProxyArp(adapter!.Index, address);
            var again = network.AddProxyArp(adapter.Index, address);
            var removed = network.RemoveProxyArp(adapter.Index, address);
            var removedAgain = network.RemoveProxyArp(adapter.Index, address);
            Checks.Require(added && !again && removed && !removedAgain, $"added {added}, again {again}, removed {removed}, again {removedAgain}: code 5010 and 1168 are expected the second time");
            return $"on {adapter.Alias}; ask for {address} from a neighbor to see that it answers";
        });
    }

    /// <summary>Adds an entry and leaves it, or removes it.</summary>
    public static void Proxy(Checks checks, string master, string address, bool add)
    {
        using var network = WindowsNetwork.Open();
        checks.Run(add ? "proxy ARP entry added" : "proxy ARP entry removed", () =>
        {
            var adapter = network.FindAdapter(master);
            Checks.Require(adapter is not null, $"no adapter \"{master}\": must be an alias, an index or a LUID");
            Checks.Require(IPAddress.TryParse(address, out var parsed), $"\"{address}\" must be an IPv4 address");
            var done = add ? network.AddProxyArp(adapter!.Index, parsed!) : network.RemoveProxyArp(adapter!.Index, parsed!);
            Checks.Require(done, add ? "it was there already" : "there was none");
            return $"{parsed} on {adapter.Alias}";
        });
    }

    public static void Anycast(Checks checks, string master)
    {
        using var network = WindowsNetwork.Open();
        checks.Run("anycast address", () =>
        {
            var adapter = Adapter(network, master);
            var address = IPAddress.Parse("2001:db8:77::77");
            var (added, again, removed, removedAgain) = (network.AddAnycast(adapter.Index, address), network.AddAnycast(adapter.Index, address), network.RemoveAnycast(adapter.Index, address), network.RemoveAnycast(adapter.Index, address));
            Checks.Require(added && !again && removed && !removedAgain, $"added {added}, again {again}, removed {removed}, again {removedAgain}: code 5010 and 1168 are expected the second time");
            return $"on {adapter.Alias}; is it among the unicast addresses: {network.ListAddresses(adapter.Index).Any(one => one.Address.Equals(address))}";
        });
    }

    /// <summary>Adds an anycast address and leaves it, or removes it.</summary>
    public static void Anycast(Checks checks, string master, string address, bool add)
    {
        using var network = WindowsNetwork.Open();
        checks.Run(add ? "anycast address added" : "anycast address removed", () =>
        {
            var adapter = Adapter(network, master);
            Checks.Require(IPAddress.TryParse(address, out var parsed), $"\"{address}\" must be an IPv6 address");
            Checks.Require(add ? network.AddAnycast(adapter.Index, parsed!) : network.RemoveAnycast(adapter.Index, parsed!), add ? "it was there already" : "there was none");
            return $"{parsed} on {adapter.Alias}";
        });
    }

    /// <summary>An address that nobody has is found free by resolving it: how long the system takes to give up.</summary>
    public static void Free(Checks checks, string master, string address)
    {
        using var network = WindowsNetwork.Open();
        checks.Run("an address that nobody has does not resolve", () =>
        {
            var adapter = Adapter(network, master);
            var start = Stopwatch.GetTimestamp();
            var refused = Checks.Refused(() => network.ResolveNow(adapter.Index, IPAddress.Parse(address)));
            return $"{refused.NativeCode} after {Stopwatch.GetElapsedTime(start).TotalMilliseconds:F0} ms";
        });
    }

    private static Adapter Adapter(WindowsNetwork network, string master)
    {
        var adapter = network.FindAdapter(master);
        Checks.Require(adapter is not null, $"no adapter \"{master}\": must be an alias, an index or a LUID");
        return adapter!;
    }

    public static void Bindings(Checks checks, string master)
    {
        using var network = WindowsNetwork.Open();
        checks.Run("bindings", () =>
        {
            var adapter = network.FindAdapter(master);
            Checks.Require(adapter is not null, $"no adapter \"{master}\": must be an alias, an index or a LUID");
            using var adapters = NetAdapters.Open();
            var bindings = adapters.ListBindings(adapter!.Guid);
            Checks.Require(bindings.Any(binding => binding.Component == "ms_tcpip"), "ms_tcpip is not among them: the identifier does not begin with the adapter's GUID?");
            return string.Join(' ', bindings.Select(binding => $"{binding.Component}={(binding.IsEnabled ? 1 : 0)}"));
        });
    }

    public static void Compartments(Checks checks)
    {
        checks.Run("this thread's compartment", () =>
        {
            Checks.Require(Compartment.CurrentId == Compartment.HostId, $"it is {Compartment.CurrentId}, not {Compartment.HostId}");
            return $"{Compartment.CurrentId}";
        });
        checks.Run("run in the host's compartment", () => $"{Compartment.Open(Compartment.HostId).Run(() => Compartment.CurrentId)}");
        checks.Run("a compartment that is not there is refused", () => Checks.Refused(() => Compartment.Open(4_000_000_000).Run(() => { })).Message);
        checks.Run("container namespaces", () =>
        {
            var found = new List<string>();
            foreach (var one in ComputeNamespaces.Open().List())
            {
                var inside = one.Compartment == 0 ? "pending" : Compartment.Open(one.Compartment).Run(() =>
                {
                    using var network = WindowsNetwork.Open();
                    return $"{network.ListAdapters().Count} adapters, addresses {string.Join(' ', network.ListAddresses().Select(address => address.Address))}";
                });
                found.Add($"{one.Id} type {one.Type} compartment {one.Compartment}: {inside}");
            }
            return found.Count == 0 ? "none" : string.Join("; ", found);
        });
    }

    private static int Safe(Func<int> body)
    {
        try
        {
            return body();
        }
        catch (HostNetworkException)
        {
            return 0;
        }
    }
}
