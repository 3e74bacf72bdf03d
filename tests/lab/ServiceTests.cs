using System.Globalization;
using System.Net;
using System.Runtime.Versioning;
using IpVlanWin.Cli.Lab.Namespaces;
using IpVlanWin.HostNetwork.Linux;
using IpVlanWin.Protocol;

namespace IpVlanWin.Lab.Tests;

/// <summary>The service over the Linux data path, told by its RPC alone: interfaces that carry traffic, changes, a kill, and a host that changes beneath it.</summary>
[TestClass]
[SupportedOSPlatform("linux")]
public sealed class ServiceTests : IDisposable
{
    private const string Master = "wire";
    private const string Peer = "peer";

    private LabNamespaces _namespaces = null!;
    private Station _port = null!;
    private Station _wire = null!;
    private Station _red = null!;
    private Station _green = null!;
    private LabService? _service;

    [TestInitialize]
    public void Begin()
    {
        LabTest.RequireSystem();
        _namespaces = LabNamespaces.Begin();
        _port = new Station(_namespaces.Create("port"), "port", Master, 254);
        _port.Namespace.WriteSysctl("net/ipv6/conf/default/disable_ipv6", "1");
        _wire = new Station(_namespaces.Create("wire"), "wire", Peer, 2);
        _red = new Station(_namespaces.Create("red"), "red", "ipvl0", 10);
        _green = new Station(_namespaces.Create("green"), "green", "ipvl1", 11);
        Plug();
        _service = new LabService(_port.Namespace);
        _service.Client.BatchAsync([RpcCall.AddInterface(Spec(_red)), RpcCall.AddInterface(Spec(_green))]).GetAwaiter().GetResult();
        AwaitUp(_red);
        AwaitUp(_green);
    }

    public void Dispose()
    {
        _service?.Dispose();
        foreach (var station in new[] { _port, _wire, _red, _green })
        {
            station?.Dispose();
            // A test deletes one, and may not have come to make it again.
            if (station is not null && !NetworkNamespace.Exists(station.Namespace.Name!))
                NetworkNamespace.Create(station.Namespace.Name!).Dispose();
        }
        _namespaces?.Dispose();
    }

    [TestMethod]
    public async Task Traffic_flows_through_changes_and_a_kill()
    {
        MustAllReach();
        Stream(_red, _wire);
        Stream(_green, _red);

        var moved = IPAddress.Parse("10.77.0.20");
        await _service!.Client.BatchAsync([
            RpcCall.RemoveAddress(new AddressSpec { Interface = _red.Device, Prefix = $"{_red.Four}/24" }),
            RpcCall.AddAddress(new AddressSpec { Interface = _red.Device, Prefix = $"{moved}/24" })]);
        Bed.MustReach(_wire, moved);
        Bed.MustReach(_green, moved);
        Bed.MustNotReach(_wire, _red.Four);
        await _service.Client.SetInterfaceAsync(new InterfaceChange { Name = _green.Device, Mtu = 1300 });
        Assert.AreEqual(1300, _green.Netlink.GetLink(_green.Device).IpMtu);
        await _service.Client.SetInterfaceAsync(new InterfaceChange { Name = _green.Device, Admin = "down" });
        Bed.MustNotReach(_wire, _green.Four);
        await _service.Client.SetInterfaceAsync(new InterfaceChange { Name = _green.Device, Admin = "up" });
        Bed.MustReach(_wire, _green);

        var before = await _service.Client.ExportStateAsync();
        _service.Kill();
        Eventually.Holds(() => _red.Netlink.ListLinks().All(link => link.Name != _red.Device), "the interface goes with the process");
        _service.Start();
        AwaitUp(_red);
        AwaitUp(_green);
        Assert.AreEqual(Text(before), Text(await _service.Client.ExportStateAsync()));
        var red = _service.Get(_red.Device);
        Assert.AreEqual("10.77.0.20/24 preferred, fd77::10/64 preferred", string.Join(", ", red.Addresses.Select(static one => $"{one.Prefix} {one.State}").Order()));
        Assert.AreEqual((1300, true), (_service.Get(_green.Device).Mtu, _service.Get(_green.Device).HasOwnMtu));
        Assert.AreEqual(1300, _green.Netlink.GetLink(_green.Device).IpMtu);
        Bed.MustReach(_wire, moved);
        Bed.MustReach(_red, _wire);
        Bed.MustReach(_red, _wire, isSix: true);
        Stream(_green, _wire);
        await _service.Client.RemoveInterfaceAsync(_green.Device);
        Assert.IsTrue(_green.Netlink.ListLinks().All(link => link.Name != _green.Device));
        Assert.AreEqual(0, _service.Stop());
    }

    [TestMethod]
    public async Task Master_that_changes_goes_and_comes_back_is_followed()
    {
        await _service!.Client.SetInterfaceAsync(new InterfaceChange { Name = _green.Device, Mtu = 1450 });
        _port.Ip($"link set {Master} mtu 1400");
        Eventually.Holds(() => _service.GetPort(Master).Mtu == 1400 && _service.Get(_red.Device).Mtu == 1400 && _service.Get(_green.Device).Mtu == 1400);
        Assert.AreEqual(1400, _red.Netlink.GetLink(_red.Device).IpMtu);
        MustAllReach();
        _port.Ip($"link set {Master} mtu 1500");
        Eventually.Holds(() => _service.Get(_red.Device).Mtu == 1500);
        Eventually.Holds(() => _service.Get(_green.Device).Mtu == 1450, describe: () => $"{_service.Get(_green.Device)}");

        _port.Ip($"link del {Master}");
        Eventually.Holds(() => _service.GetPort(Master).State == "pending", describe: () => $"{_service.GetPort(Master)}");
        Eventually.Holds(() => _service.GetPort(Master).Reason!.Contains($"there is no adapter \"{Master}\"", StringComparison.Ordinal));
        Assert.AreEqual("pending", _service.Get(_red.Device).State);
        // What is asked for meanwhile is kept for later.
        await _service.Client.AddAddressAsync(new AddressSpec { Interface = _red.Device, Prefix = "10.77.0.30/24" });
        Plug();
        AwaitUp(_red);
        AwaitUp(_green);
        Assert.AreEqual("up", _service.GetPort(Master).State);
        MustAllReach();
        Bed.MustReach(_wire, IPAddress.Parse("10.77.0.30"));
    }

    [TestMethod]
    public void What_changes_in_a_namespace_is_mended_and_told()
    {
        _red.Exec("ip", "address", "del", $"{_red.Four}/24", "dev", _red.Device);
        // Namespaces of interfaces are looked at with the host's next event. A pass that was due may have mended it already.
        var mtu = 65_000;
        Eventually.Holds(() =>
        {
            _port.Ip($"link set lo mtu {mtu++}");
            return _service!.Log.Contains($"warning drift interface={_red.Device}", StringComparison.Ordinal) && _red.Netlink.ListAddresses(_red.Link).Any(one => one.Address.Equals(_red.Four));
        });
        Eventually.Holds(() => _service!.Get(_red.Device).Addresses[0].State == "preferred");
        MustAllReach();

        var name = _green.Namespace.Name!;
        Tool.Run("ip", "netns", "delete", name);
        Eventually.Holds(() => _service!.Get(_green.Device).State != "up");
        _port.Ip("link set lo mtu 65536");
        Eventually.Holds(() => _service!.Get(_green.Device) is { State: "error", Reason: not null }, describe: () => $"{_service!.Get(_green.Device)}");
        StringAssert.Contains(_service!.Get(_green.Device).Reason, name);
        Bed.MustReach(_red, _wire);
        using var again = NetworkNamespace.Create(name);
        again.WriteSysctl("net/ipv6/conf/default/accept_dad", "0");
        Eventually.Holds(() => _service.Get(_green.Device).State == "up", describe: () => $"{_service.Get(_green.Device)}");
        using var green = new Station(again, "green", _green.Device, 11);
        Bed.MustReach(green, _wire);
        Bed.MustReach(_wire, green, isSix: true);
    }

    private static string Text(StateDocument document) => System.Text.Json.JsonSerializer.Serialize(document, ProtocolJson.Plain.StateDocument);

    private static InterfaceSpec Spec(Station member) => new()
    {
        Master = Master, Name = member.Device, Namespace = member.Namespace.Name, Mode = "l2", Admin = "up", Addresses = [$"{member.Four}/24", $"{member.Six}/64"],
    };

    /// <summary>A cable from the master to the peer on the wire.</summary>
    private void Plug()
    {
        var near = _port.Netlink.CreateVeth(Master, Peer, _wire.Namespace);
        _port.Netlink.SetUp(near.Index, true);
        _wire.SetUp();
    }

    private void AwaitUp(Station member) => Eventually.Holds(
        () => _service!.Get(member.Device) is { State: "up", Addresses: var addresses } && addresses.All(static one => one.State == "preferred"),
        $"{member.Device} is up", () => $"{_service!.Get(member.Device)} {_service.Log}");

    private void MustAllReach()
    {
        foreach (var isSix in new[] { false, true })
        {
            Bed.MustReach(_red, _green, isSix);
            Bed.MustReach(_red, _wire, isSix);
            Bed.MustReach(_wire, _green, isSix);
        }
    }

    /// <summary>iperf3 from one to the other.</summary>
    private static void Stream(Station client, Station server)
    {
        Tool.Require("iperf3", "iperf3");
        var address = server.Netlink.ListAddresses(server.Link).First(static one => one.Address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork).Address.ToString();
        const string Port = "5201";
        using var serving = Tool.Start("ip", "netns", "exec", server.Namespace.Name!, "iperf3", "-s", "--one-off", "--forceflush", "-B", address, "-p", Port);
        try
        {
            while (serving.StandardOutput.ReadLine() is { } line && !line.Contains("listening", StringComparison.Ordinal))
            {
            }
            var report = client.Exec("iperf3", "-c", address, "-p", Port, "-J", "--connect-timeout", "10000", "-n", "20M");
            using var json = System.Text.Json.JsonDocument.Parse(report);
            var received = json.RootElement.GetProperty("end").GetProperty("sum_received").GetProperty("bytes").GetInt64();
            Assert.IsGreaterThanOrEqualTo(10_000_000, received, string.Create(CultureInfo.InvariantCulture, $"{client} to {server}: {received} bytes"));
        }
        finally
        {
            if (!serving.WaitForExit(2000))
                serving.Kill();
        }
    }
}
