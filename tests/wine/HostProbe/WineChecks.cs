using System.Net;
using System.Net.NetworkInformation;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using IpVlanWin.HostNetwork.Windows;
using Microsoft.Win32;

namespace HostProbe;

/// <summary>
/// What Wine really implements, with our own declarations: the tables of IP Helper, the device installer's registration, the registry.
/// What Wine only pretends to do, or does not have, is listed as a note and proves nothing.
/// </summary>
[SupportedOSPlatform("windows")]
internal static class WineChecks
{
    // Not exported by Wine's iphlpapi.
    private static readonly string[] s_absent =
    [
        "InitializeUnicastIpAddressEntry", "CreateUnicastIpAddressEntry", "DeleteUnicastIpAddressEntry", "GetIpInterfaceEntry", "SetIpInterfaceEntry",
        "InitializeIpForwardEntry", "CreateIpForwardEntry2", "SetIpForwardEntry2", "DeleteIpForwardEntry2", "CreateIpNetEntry2", "SetIpNetEntry2", "DeleteIpNetEntry2", "ResolveIpNetEntry2",
        "GetCurrentThreadCompartmentId", "SetCurrentThreadCompartmentId",
    ];

    public static void Run(Checks checks)
    {
        Dump();
        Tables(checks);
        Refusals(checks);
        Devices(checks);
        Values(checks);
        Absent();
    }

    /// <summary>Everything that is read, for the test that knows what is there.</summary>
    private static void Dump()
    {
        var ip = new Iphlpapi();
        using var network = new WindowsNetwork(ip);
        foreach (var adapter in network.ListAdapters()) Checks.Data("adapter", adapter.Index, adapter.Alias, adapter.Mac, adapter.LinkMtu, adapter.Flags, adapter.Type);
        foreach (var address in network.ListAddresses()) Checks.Data("address", address.LinkIndex, address.Address, address.PrefixLength);
        foreach (var route in network.ListRoutes()) Checks.Data("route", route.LinkIndex, route.Destination, route.Gateway, route.Metric, route.Kind);
        _ = ip.GetNeighbors(SockAddrInet.V4, out var rows);
        foreach (ref readonly var row in rows.AsSpan())
        {
            if (Rows.ToNeighbor(row) is { } neighbor) Checks.Data("neighbor", neighbor.LinkIndex, neighbor.Address, neighbor.Mac, neighbor.State);
        }
    }

    private static void Tables(Checks checks)
    {
        using var network = WindowsNetwork.Open();
        // .NET reads the same by GetAdaptersAddresses, with declarations of its own.
        var others = NetworkInterface.GetAllNetworkInterfaces();
        checks.Run("GetIfTable2", () =>
        {
            var adapters = network.ListAdapters();
            Checks.Require(adapters.Count > 0, "no adapter at all");
            foreach (var other in others)
            {
                var found = adapters.SingleOrDefault(adapter => adapter.Guid == Guid.Parse(other.Id));
                Checks.Require(found is not null, $"{other.Name} ({other.Id}) is missing");
                Checks.Require(found!.Alias == other.Name && found.Mac.Equals(other.GetPhysicalAddress()) && found.Type == (int)other.NetworkInterfaceType, $"{other.Name} differs: {found}");
                Checks.Require(network.FindAdapter(found.Alias) == found && network.FindAdapter(found.Luid.ToString()) == found, $"{other.Name} is not found by alias and LUID");
            }
            return $"{adapters.Count} adapters, {others.Length} compared with GetAdaptersAddresses";
        });
        checks.Run("GetIfEntry2", () =>
        {
            var counted = network.ListAdapters().Select(adapter => $"{adapter.Alias} {network.CountUnicast(adapter.Index)}").ToList();
            Checks.Require(Checks.Refused(() => network.CountUnicast(int.MaxValue)).NativeCode != 0, "an adapter that is not there");
            return string.Join(", ", counted);
        });
        checks.Run("GetUnicastIpAddressTable", () =>
        {
            var addresses = network.ListAddresses().Select(address => address.Address).ToHashSet();
            var compared = 0;
            foreach (var address in others.SelectMany(other => other.GetIPProperties().UnicastAddresses))
            {
                Checks.Require(addresses.Contains(new IPAddress(address.Address.GetAddressBytes())), $"{address.Address} is missing");
                compared++;
            }
            return $"{addresses.Count} addresses, {compared} compared with GetAdaptersAddresses";
        });
        checks.Run("GetIpForwardTable2", () =>
        {
            var known = network.ListAdapters().Select(adapter => adapter.Index).ToHashSet();
            var routes = network.ListRoutes();
            foreach (var route in routes) Checks.Require(known.Contains(route.LinkIndex), $"{route} is over an adapter that is not there");
            return $"{routes.Count} routes";
        });
        checks.Run("GetIpNetTable2", () =>
        {
            var code = new Iphlpapi().GetNeighbors(SockAddrInet.V4, out var rows);
            Checks.Require(code is 0 or WindowsError.NotFound, $"IPv4: code {code}");
            return $"{rows.Length} rows";
        });
    }

    /// <summary>Where Wine refuses, our error must be whole: marshalled, mapped, told.</summary>
    private static void Refusals(Checks checks)
    {
        using var network = WindowsNetwork.Open();
        checks.Run("GetBestRoute2 refused", () => Checks.Refused(() => network.GetBestRoute(IPAddress.Parse("192.0.2.1"))).Message);
        checks.Run("GetIpInterfaceTable refused", () => Checks.Refused(() => network.ListLinks()).Message);
        checks.Run("watch refused", () =>
        {
            // A registration without a handle is a success that never calls: it must not be believed.
            return Checks.Refused(() => WindowsWatch.Start().Dispose()).Message;
        });
        checks.Run("computenetwork.dll missing", () =>
        {
            var error = Checks.Refused(() => ComputeNamespaces.Open().List());
            Checks.Require(error.NativeName == "ERROR_MOD_NOT_FOUND", error.Message);
            return error.Message;
        });
        checks.Run("CIM falls back", () =>
        {
            // Not asked anything: System.Management looks for parts of the .NET Framework, and its failure takes Wine's process with it.
            using var adapters = NetAdapters.Open();
            Checks.Require(adapters.Implementation == "System.Management", $"implementation {adapters.Implementation}");
            return adapters.Implementation;
        });
        checks.Run("FormatMessage", () =>
        {
            // ERROR_NOT_LOCKED has no sentence of ours.
            var message = WindowsError.Create(158, "try").Message;
            Checks.Require(message.StartsWith("cannot try: ", StringComparison.Ordinal) && message.EndsWith("(Win32 error 158)", StringComparison.Ordinal) && message.Length > 40, message);
            return message;
        });
    }

    private static void Devices(Checks checks)
    {
        using var adapters = NetAdapters.Open();
        var registered = new LoopbackAdapters(adapters, (_, _) => WindowsError.Success, saysScope: false);
        var refused = new LoopbackAdapters(adapters, (_, _) => 0xE0000228, saysScope: false);
        var (one, two) = (Guid.NewGuid(), Guid.NewGuid());
        checks.Run("SetupDi register, tag, list, remove", () =>
        {
            var before = registered.List().Count;
            var first = registered.Create(one, "a");
            var second = registered.Create(two, "b");
            Checks.Require(first.Id.StartsWith(@"ROOT\NET\", StringComparison.OrdinalIgnoreCase) && first.Id != second.Id, $"{first.Id}, {second.Id}");
            var listed = registered.List();
            Checks.Require(listed.Count == before + 2 && listed.Single(device => device.Tag == one).Id == first.Id && listed.Single(device => device.Tag == two).Id == second.Id, string.Join(' ', listed));
            registered.Remove(first);
            Checks.Require(registered.List().All(device => device.Tag != one) && registered.List().Any(device => device.Tag == two), "the wrong device went");
            registered.Remove(first);
            registered.Remove(second);
            Checks.Require(registered.List().Count == before, "something stayed");
            return $"{first.Id}, {second.Id}";
        });
        checks.Run("SetupDi takes back what cannot be installed", () =>
        {
            var before = refused.List().Count;
            var error = Checks.Refused(() => refused.Create(one, "a"));
            Checks.Require(error.NativeName == "ERROR_NO_COMPAT_DRIVERS" && error.CleanupError is null, error.Message);
            Checks.Require(refused.List().Count == before, "the device stayed");
            return error.Message;
        });
    }

    private static void Values(Checks checks) => checks.Run("registry", () =>
    {
        var key = $@"SOFTWARE\IpVlanWin-probe-{Environment.ProcessId}";
        var registry = new MachineRegistry();
        Checks.Require(Checks.Refused(() => registry.Write(key, "EnableMulticast", 0)).NativeCode == 2, "a key was made");
        Registry.LocalMachine.CreateSubKey(key).Dispose();
        try
        {
            Checks.Require(registry.Read(key, "EnableMulticast") is null, "a value before");
            registry.Write(key, "EnableMulticast", 0);
            Checks.Require(registry.Read(key, "EnableMulticast") == 0, "no value after");
            registry.Write(key, "EnableMulticast", null);
            registry.Write(key, "EnableMulticast", null);
            Checks.Require(registry.Read(key, "EnableMulticast") is null, "the value stayed");
        }
        finally
        {
            Registry.LocalMachine.DeleteSubKey(key);
        }
        return "written, read, deleted";
    });

    private static void Absent()
    {
        var library = NativeLibrary.Load("iphlpapi.dll");
        foreach (var name in s_absent) Checks.Note(name, NativeLibrary.TryGetExport(library, name, out _) ? "exported now: check it" : "not exported");
        foreach (var kind in Enum.GetValues<NotificationKind>())
        {
            var code = new Iphlpapi().Notify(kind, () => { }, out var registration);
            registration?.Dispose();
            Checks.Note($"Notify {kind}", registration is null ? $"no handle, taken as code {code}" : "a handle, and no call ever: proves nothing");
        }
    }
}
