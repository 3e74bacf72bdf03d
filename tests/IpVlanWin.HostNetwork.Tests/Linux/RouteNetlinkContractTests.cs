using System.Runtime.Versioning;
using IpVlanWin.HostNetwork.Linux;

namespace IpVlanWin.HostNetwork.Tests.Linux;

/// <summary>The contract, against the real kernel.</summary>
[TestClass]
[SupportedOSPlatform("linux")]
public sealed class RouteNetlinkContractTests
{
    public required TestContext TestContext { get; init; }

    [TestMethod]
    public void AddressesRoutesAndNeighbors_ComeAndGo()
    {
        using var one = new TestNamespace("contract1");
        using var two = new TestNamespace("contract2");
        var (near, _) = one.Join(two);
        HostNetworkContract.AddressesComeAndGo(one.Netlink, near.Index);
        HostNetworkContract.RoutesComeAndGo(one.Netlink, near.Index);
        HostNetworkContract.NeighborsComeAndGo(one.Netlink, near.Index);
    }

    [TestMethod]
    public async Task Many_ComeAndGo()
    {
        using var one = new TestNamespace("contract3");
        using var two = new TestNamespace("contract4");
        var (near, _) = one.Join(two);
        var consumer = new ChangeConsumer();
        using var watch = HostWatch.Start(one.Namespace, consumer.Take);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(TestContext.CancellationToken);
        deadline.CancelAfter(TimeSpan.FromSeconds(120));
        TestContext.WriteLine(await HostNetworkContract.ManyComeAndGo(one.Netlink, watch, consumer, near.Index, deadline.Token));
        TestContext.WriteLine($"{watch.Overruns} overruns");
    }
}
