using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.Versioning;
using IpVlanWin.HostNetwork;
using IpVlanWin.HostNetwork.Windows;

namespace HostProbe;

/// <summary>Makes stand-ins on a real Windows, looks at them and removes them.</summary>
[SupportedOSPlatform("windows")]
internal static class StandInChecks
{
    private const string Name = "ipvlan-probe";

    public static void Loopback(Checks checks) => Cycle(checks, StandInKind.Loopback);

    public static void VSwitch(Checks checks) => Cycle(checks, StandInKind.VSwitch);

    /// <summary>Makes a quiet loopback adapter and leaves it, for checks from outside; "clean" removes it.</summary>
    public static void Keep(Checks checks, string name)
    {
        using var standIns = StandIns.Open();
        checks.Run("loopback adapter to keep", () =>
        {
            var standIn = standIns.Create(StandInKind.Loopback, Guid.NewGuid(), name);
            standIns.Apply(standIn);
            return $"{standIn.Device.Id}, index {standIn.LinkIndex}";
        });
    }

    /// <summary>Removes what earlier runs left.</summary>
    public static void Clean(Checks checks)
    {
        using var standIns = StandIns.Open();
        foreach (var device in standIns.List())
        {
            checks.Run($"remove {device.Id}", () =>
            {
                standIns.Remove(device.Tag);
                return $"tag {device.Tag}";
            });
        }
    }

    /// <summary>How many loopback adapters this Windows takes.</summary>
    public static void Limit(Checks checks, int count)
    {
        using var standIns = StandIns.Open();
        var tags = new List<Guid>();
        var start = Stopwatch.GetTimestamp();
        checks.Run($"{count} loopback adapters", () =>
        {
            for (var i = 0; i < count; i++)
            {
                var tag = Guid.NewGuid();
                try
                {
                    standIns.Create(StandInKind.Loopback, tag, $"{Name}-{i}");
                }
                catch (HostNetworkException e)
                {
                    return $"the limit is {i}: {e.Message}";
                }
                tags.Add(tag);
            }
            return $"all made in {Stopwatch.GetElapsedTime(start).TotalSeconds:F0} s";
        });
        checks.Run("all removed", () =>
        {
            start = Stopwatch.GetTimestamp();
            foreach (var tag in tags) standIns.Remove(tag);
            Checks.Require(standIns.List().All(device => !tags.Contains(device.Tag)), "some stayed");
            return $"in {Stopwatch.GetElapsedTime(start).TotalSeconds:F0} s";
        });
    }

    private static void Cycle(Checks checks, StandInKind kind)
    {
        using var standIns = StandIns.Open();
        using var network = WindowsNetwork.Open();
        var tag = Guid.NewGuid();
        StandIn? standIn = null;
        checks.Run($"{kind}: make, name, find", () =>
        {
            var start = Stopwatch.GetTimestamp();
            standIn = standIns.Create(kind, tag, Name);
            Checks.Require(standIns.Find(tag) == standIn with { Device = standIn.Device with { Name = standIns.Find(tag)!.Device.Name } }, $"found {standIns.Find(tag)}");
            var adapter = network.ListAdapters().Single(one => one.Guid == standIn.Adapter);
            return $"{standIn.Device.Id} in {Stopwatch.GetElapsedTime(start).TotalSeconds:F1} s; index {adapter.Index}, MAC {adapter.Mac}, MTU {adapter.LinkMtu}, type {adapter.Type}, flags {adapter.Flags}";
        });
        if (standIn is null) return;
        try
        {
            InUse(checks, standIns, network, standIn);
        }
        finally
        {
            checks.Run($"{kind}: remove", () =>
            {
                standIns.Remove(tag);
                Checks.Require(standIns.Find(tag) is null && network.ListAdapters().All(one => one.Guid != standIn.Adapter), "it stayed");
                return "gone";
            });
        }
    }

    private static void InUse(Checks checks, StandIns standIns, WindowsNetwork network, StandIn standIn)
    {
        StandInProfile? before = null;
        var index = standIn.LinkIndex;
        checks.Run("profile", () =>
        {
            before = standIns.Apply(standIn);
            return System.Text.Json.JsonSerializer.Serialize(before) + (before.NeedsRestart ? " (in force after a restart)" : "");
        });
        checks.Run("address without duplicate detection is usable at once", () =>
        {
            var address = IPAddress.Parse("192.0.2.33");
            network.AddAddress(index, address, 32, AddressFlags.NoDad, skipAsSource: true);
            var added = network.ListAddresses(index).Single(one => one.Address.Equals(address));
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            socket.Bind(new IPEndPoint(address, 0));
            Checks.Require(!added.IsTentative && added.PrefixLength == 32, $"{added}");
            Checks.Require(Checks.Refused(() => network.AddAddress(index, address, 32)).NativeCode == (int)WindowsError.ObjectAlreadyExists, "a second time is not code 5010");
            return $"{added}";
        });
        checks.Run("IPv6 address", () =>
        {
            var address = IPAddress.Parse("2001:db8::33");
            network.AddAddress(index, address, 128);
            var added = network.ListAddresses(index).Single(one => one.Address.Equals(address));
            network.RemoveAddress(index, address, 128);
            return $"{added}";
        });
        checks.Run("gateways for a container: 169.254.1.1/32 and fe80::1/64 beside the adapter's own", () =>
        {
            var gateways = ((string Address, int Length)[])[("169.254.1.1", 32), ("fe80::1", 64)];
            foreach (var (address, length) in gateways) network.AddAddress(index, IPAddress.Parse(address), length);
            var listed = string.Join(' ', network.ListAddresses(index).Select(one => $"{one.Address}/{one.PrefixLength}"));
            foreach (var (address, length) in gateways) network.RemoveAddress(index, IPAddress.Parse(address), length);
            return listed;
        });
        checks.Run("weak host, forwarding, MTU", () =>
        {
            var undo = new List<(AddressFamily, IpInterfaceChange)>();
            foreach (var family in new[] { AddressFamily.InterNetwork, AddressFamily.InterNetworkV6 })
                undo.Add((family, network.SetIpInterface(index, family, new IpInterfaceChange { WeakHostSend = true, WeakHostReceive = true, Forwarding = true, IpMtu = 1400 })));
            var now = network.GetIpInterface(index, AddressFamily.InterNetwork);
            foreach (var (family, change) in undo) network.SetIpInterface(index, family, change);
            return $"{now}";
        });
        checks.Run("route", () =>
        {
            var route = new HostRoute { Destination = IPNetwork.Parse("198.51.100.0/24"), LinkIndex = index, Metric = 77 };
            network.AddRoute(route);
            var listed = network.ListRoutes().Single(one => one.Destination == route.Destination);
            Checks.Require(listed == route, $"{listed}");
            network.ReplaceRoute(route with { Gateway = IPAddress.Parse("192.0.2.34") });
            network.RemoveRoute(route with { Gateway = IPAddress.Parse("192.0.2.34") });
            Checks.Require(network.ListRoutes().All(one => one.Destination != route.Destination), "a route stayed");
            return $"{listed}";
        });
        checks.Run("rename", () => standIns.Rename(standIn, "ipvlan-probe's 'other' name").Name);
        checks.Run("still found by its tag", () => standIns.Find(standIn.Device.Tag)?.Name ?? throw new InvalidOperationException("not found"));
        checks.Run("profile given back", () =>
        {
            standIns.Restore(standIn, before ?? new StandInProfile());
            return $"{network.GetIpInterface(index, AddressFamily.InterNetwork)}";
        });
    }
}
