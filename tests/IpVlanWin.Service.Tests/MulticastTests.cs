using IpVlanWin.Protocol;

namespace IpVlanWin.Service.Tests;

/// <summary>Multicast groups that interfaces are told to join: kept, applied, and taken back.</summary>
[TestClass]
public sealed class MulticastTests
{
    private const string First = "33:33:00:00:00:ab", Second = "01:00:5e:00:00:fb";

    [TestMethod]
    public async Task Groups_are_joined_kept_and_left()
    {
        await using var service = new TestService();
        using var client = service.Connect();
        await client.AddInterfaceAsync(new InterfaceSpec { Name = "a", Master = "eth0", Mode = "l2", Addresses = ["10.0.0.1/24"] });
        var once = await client.AddMulticastAsync(Group("a", First));
        Assert.AreEqual(once.Version, (await client.AddMulticastAsync(Group("a", First.ToUpperInvariant()))).Version, "twice is once");
        await client.AddMulticastAsync(Group("a", Second));
        await RequireAsync(client, "a", [First, Second]);

        await service.RestartAsync();
        await RequireAsync(client, "a", [First, Second]);

        // A new name and one group less in one transaction.
        await client.BatchAsync([RpcCall.SetInterface(new InterfaceChange { Name = "a", NewName = "b" }), RpcCall.RemoveMulticast(Group("b", First))]);
        await RequireAsync(client, "b", [Second]);
        Assert.AreSame(ErrorCode.GroupAbsent, (await Assert.ThrowsExactlyAsync<ControlException>(() => client.RemoveMulticastAsync(Group("b", First)))).Code);

        // Another namespace has none of them until they are joined there.
        await client.SetInterfaceAsync(new InterfaceChange { Name = "b", Namespace = "red" });
        await RequireAsync(client, "b", [Second]);

        var document = await client.ExportStateAsync();
        Assert.AreEqual(Second, document.Ports.Single().Interfaces.Single().Multicast!.Single());
        await client.RemoveInterfaceAsync("b");
        await client.ImportStateAsync(document);
        await RequireAsync(client, "b", [Second]);
    }

    [TestMethod]
    public async Task Groups_have_a_limit_and_what_is_refused_changes_nothing()
    {
        await using var service = new TestService();
        using var client = service.Connect();
        await client.AddInterfaceAsync(new InterfaceSpec { Name = "a", Master = "eth0" });
        await client.BatchAsync([.. Enumerable.Range(0, 256).Select(static i => RpcCall.AddMulticast(Group("a", $"33:33:00:00:01:{i:x2}")))]);
        var fault = await Assert.ThrowsExactlyAsync<ControlException>(() => client.AddMulticastAsync(Group("a", First)));
        Assert.AreEqual("the limit of 256 multicast groups that an interface is told to join is reached", fault.Message);
        foreach (var bad in (string[])["02:00:00:00:00:01", "ff:ff:ff:ff:ff:ff", "33:33", "", "224.0.0.1"])
            Assert.AreSame(ErrorCode.BadArgument, (await Assert.ThrowsExactlyAsync<ControlException>(() => client.AddMulticastAsync(Group("a", bad)))).Code, bad);
        Assert.HasCount(256, (await client.GetInterfaceAsync("a")).StaticMulticast);
    }

    private static GroupSpec Group(string name, string group) => new() { Interface = name, Group = group };

    private static async Task RequireAsync(ControlClient client, string name, string[] groups)
    {
        var one = await client.GetInterfaceAsync(name);
        Assert.AreEqual(string.Join(' ', groups), string.Join(' ', one.StaticMulticast));
        Assert.AreEqual(string.Join(' ', groups.Order(StringComparer.Ordinal)), string.Join(' ', one.Multicast.Order(StringComparer.Ordinal)), "applied");
    }
}
