using System.Net.Sockets;
using IpVlanWin.HostNetwork.Windows;

namespace IpVlanWin.HostNetwork.Tests.Windows;

/// <summary>The contract, against the strict IP Helper.</summary>
[TestClass]
public sealed class WindowsNetworkContractTests
{
    public required TestContext TestContext { get; init; }

    [TestMethod]
    public void AddressesRoutesAndNeighbors_ComeAndGo()
    {
        var ip = new StrictIphlpapi();
        ip.Plug(7, "Ethernet");
        using var network = new WindowsNetwork(ip);
        HostNetworkContract.AddressesComeAndGo(network, 7);
        HostNetworkContract.RoutesComeAndGo(network, 7);
        HostNetworkContract.NeighborsComeAndGo(network, 7);
    }

    [TestMethod]
    public async Task Many_ComeAndGo()
    {
        var ip = new StrictIphlpapi();
        ip.Plug(7, "Ethernet");
        using var network = new WindowsNetwork(ip);
        foreach (var family in new[] { AddressFamily.InterNetwork, AddressFamily.InterNetworkV6 }) network.SetIpInterface(7, family, new IpInterfaceChange { DadTransmits = 0 });
        var consumer = new ChangeConsumer();
        // A poll of an hour: what is seen was notified.
        using var watch = WindowsWatch.Start(ip, null, consumer.Take, TimeSpan.FromHours(1));
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(TestContext.CancellationToken);
        deadline.CancelAfter(TimeSpan.FromSeconds(120));
        TestContext.WriteLine(await HostNetworkContract.ManyComeAndGo(network, watch, consumer, 7, deadline.Token));
        TestContext.WriteLine($"{watch.Readings} readings");
    }
}
