using System.IO.Pipes;
using System.Text;
using System.Text.Json;
using IpVlanWin.Protocol;
using IpVlanWin.Service.Control;

namespace IpVlanWin.Service.Tests;

/// <summary>The service over its real pipe: every method, and clients that misbehave.</summary>
[TestClass]
public sealed class ControlServerTests
{
    public TestContext TestContext { get; set; } = null!;

    [TestMethod]
    public async Task Interface_lives_through_all_methods_and_a_restart()
    {
        await using var service = new TestService();
        using var client = service.Connect();
        await client.AddInterfaceAsync(new InterfaceSpec { Master = "eth0", Name = "ipvl0", Mode = "l2", Admin = "up", Addresses = ["10.0.0.2/24"] });
        var one = await client.GetInterfaceAsync("ipvl0");
        Assert.AreEqual(("eth0", "up", "up", 1500, false), (one.Port, one.Admin, one.State, one.Mtu, one.HasOwnMtu), one.Reason);
        Assert.AreEqual(("10.0.0.2/24", "preferred"), (one.Addresses[0].Prefix, one.Addresses[0].State));
        var port = await client.GetPortAsync("ipvl0");
        Assert.AreEqual(("eth0", "l2", "bridge", "auto", "memory", "up", 1), (port.Master, port.Mode, port.Flag, port.Datapath, port.ResolvedDatapath, port.State, port.InterfaceCount));
        Assert.AreEqual(Engine.Ipvlan.PortMode.L2, service.Running.Reconciler.Find("eth0")!.Running!.Port.Mode);
        await client.SetPortAsync(new PortChange { Master = "eth0", Mode = "l3s", Flag = "vepa" });
        Assert.AreEqual("l3s", service.Running.Reconciler.Find("eth0")!.Running!.Port.Mode.ToString().ToLowerInvariant());
        await client.SetInterfaceAsync(new InterfaceChange { Name = "ipvl0", NewName = "blue", Mtu = 1400, Admin = "down", Namespace = "red" });
        await client.AddAddressAsync(new AddressSpec { Interface = "blue", Prefix = "fd00::2/64" });
        await client.RemoveAddressAsync(new AddressSpec { Interface = "blue", Prefix = "10.0.0.2/24" });
        await service.RestartAsync();
        var running = service.Running.Reconciler.Find("eth0")!.Running!.Port;
        Assert.AreEqual((Engine.Ipvlan.PortMode.L3S, Engine.Ipvlan.PortFlag.Vepa), (running.Mode, running.Flag));
        var after = await client.GetInterfaceAsync("blue");
        Assert.AreEqual(("down", "down", 1400, true, "red"), (after.Admin, after.State, after.Mtu, after.HasOwnMtu, after.Namespace), after.Reason);
        Assert.AreEqual("fd00::2/64", after.Addresses.Single().Prefix);
        Assert.AreEqual("fd00::2/64", (await client.ListAddressesAsync(new ListQuery { Interface = "blue" })).Items.Single().Prefix);
        Assert.AreEqual("blue", (await client.GetStatisticsAsync(new ListQuery())).Items.Single().Interface);
        await client.ResetStatisticsAsync("blue");
        Assert.AreEqual((1, 1, 0), ((await client.GetServiceAsync()).Ports, (await client.GetServiceAsync()).Interfaces, (await client.GetServiceAsync()).Drift));
        var document = await client.ExportStateAsync();
        await client.RemoveInterfaceAsync("blue");
        Assert.IsEmpty((await client.ListPortsAsync(new ListQuery())).Items);
        await client.ImportStateAsync(document);
        Assert.AreEqual("blue", (await client.ListInterfacesAsync(new ListQuery { Master = "eth0" })).Items.Single().Name);
    }

    [TestMethod]
    public async Task Batch_is_one_transaction()
    {
        await using var service = new TestService();
        using var client = service.Connect();
        var replies = await client.BatchAsync([Add("a"), Add("b"), RpcCall.SetInterface(new InterfaceChange { Name = "a", Admin = "up" })]);
        Assert.HasCount(1, replies.Select(reply => reply.Version).Distinct());
        var fault = await Assert.ThrowsExactlyAsync<ControlException>(() => client.BatchAsync([Add("c"), Add("a"), Add("d")]));
        Assert.AreSame(ErrorCode.NameInUse, fault.Code);
        Assert.AreEqual(1, fault.Data["index"]);
        Assert.AreEqual("a b", string.Join(' ', (await client.ListInterfacesAsync(new ListQuery())).Items.Select(one => one.Name)));
        using var raw = await service.ConnectRawAsync();
        await SendAsync(raw, """[{"jsonrpc":"2.0","id":1,"method":"interface.add","params":{"master":"eth0","name":"e"}},{"jsonrpc":"2.0","id":2,"method":"interface.get","params":{"name":"e"}},{"jsonrpc":"2.0","method":"interface.remove","params":{"name":"b"}}]""");
        var answer = await ReceiveAsync(new MessageReader(raw));
        Assert.AreEqual(2, answer.GetArrayLength(), "a notification is done and not answered");
        Assert.AreEqual("e", answer[1].GetProperty("result").GetProperty("name").GetString(), "questions see the changes of their batch");
        Assert.AreEqual("a e", string.Join(' ', (await client.ListInterfacesAsync(new ListQuery())).Items.Select(one => one.Name)));
        await SendAsync(raw, """[{"jsonrpc":"2.0","id":1,"method":"interface.remove","params":{"name":"e"}},{"jsonrpc":"2.0","id":2,"method":"interface.frob"}]""");
        answer = await ReceiveAsync(new MessageReader(raw));
        Assert.AreEqual("batch-refused unknown-method", string.Join(' ', answer.EnumerateArray().Select(CodeOf)));
    }

    [TestMethod]
    [DataRow("""{"jsonrpc":"2.0","id":1,"method":"port.frob"}""", "unknown-method")]
    [DataRow("""{"jsonrpc":"2.0","id":1,"method":"interface.add","params":{"name":5}}""", "bad-argument")]
    [DataRow("""{"jsonrpc":"2.0","id":1,"method":"interface.add","params":{"nmae":"a"}}""", "bad-argument")]
    [DataRow("""{"jsonrpc":"2.0","id":1,"method":"interface.add","params":[]}""", "bad-argument")]
    [DataRow("""{"jsonrpc":"2.0","id":1,"method":"interface.list","params":{"limit":0}}""", "bad-argument")]
    [DataRow("""{"jsonrpc":"2.0","id":1,"method":"interface.get","params":{"name":"a"}}""", "not-found")]
    [DataRow("""{"jsonrpc":"2.0","id":1,"method":"interface.add","params":{"master":"m","name":"a","datapath":"filter"}}""", "mode-not-supported")]
    [DataRow("""{"jsonrpc":"2.0","id":1,"method":"state.export","params":{"cursor":"7"}}""", "bad-argument")]
    [DataRow("""{"jsonrpc":"2.0","id":1,"method":"state.import","params":{"text":"{]","isFirst":true,"isLast":true}}""", "bad-argument")]
    [DataRow("""{"id":1}""", "invalid-request")]
    [DataRow("""[]""", "invalid-request")]
    [DataRow("""{""", "parse-error")]
    public async Task Bad_request_is_answered_and_the_connection_lives_on(string request, string code)
    {
        await using var service = new TestService();
        using var raw = await service.ConnectRawAsync();
        var reader = new MessageReader(raw);
        await SendAsync(raw, request);
        Assert.AreEqual(code, CodeOf(await ReceiveAsync(reader)));
        await SendAsync(raw, """{"jsonrpc":"2.0","id":"x","method":"service.info"}""");
        Assert.AreEqual("x", (await ReceiveAsync(reader)).GetProperty("id").GetString());
    }

    [TestMethod]
    public async Task Whoever_may_only_ask_cannot_change()
    {
        await using var service = new TestService(authorize: static _ => Access.Read);
        using var client = service.Connect();
        Assert.IsEmpty((await client.ListInterfacesAsync(new ListQuery())).Items);
        RpcCall[] changes =
        [
            Add("a"), RpcCall.RemoveInterface(new InterfaceName { Name = "a" }), RpcCall.SetInterface(new InterfaceChange()), RpcCall.SetPort(new PortChange()),
            RpcCall.AddAddress(new AddressSpec()), RpcCall.RemoveAddress(new AddressSpec()),
        ];
        foreach (var change in changes)
            Assert.AreSame(ErrorCode.AccessDenied, (await Assert.ThrowsExactlyAsync<ControlException>(() => client.BatchAsync([change]))).Code, change.Method);
        Assert.AreSame(ErrorCode.AccessDenied, (await Assert.ThrowsExactlyAsync<ControlException>(() => client.ResetStatisticsAsync(null))).Code);
        Assert.AreSame(ErrorCode.AccessDenied, (await Assert.ThrowsExactlyAsync<ControlException>(() => client.ImportStateAsync(new StateDocument { Schema = 1 }))).Code);
    }

    [TestMethod]
    public async Task Whoever_may_nothing_is_told_and_left()
    {
        await using var service = new TestService(authorize: static _ => Access.None);
        using var raw = await service.ConnectRawAsync();
        var reader = new MessageReader(raw);
        Assert.AreEqual("access-denied", CodeOf(await ReceiveAsync(reader)));
        Assert.IsNull(await reader.ReadAsync(TestContext.CancellationToken));
    }

    [TestMethod]
    public async Task Clients_that_misbehave_disturb_nobody()
    {
        await using var service = new TestService(patience: TimeSpan.FromSeconds(1));
        using var client = service.Connect();
        await client.BatchAsync([.. Enumerable.Range(0, 500).Select(i => Add($"i{i}"))]);
        var bad = new List<NamedPipeClientStream>();
        for (var i = 0; i < 40; i++)
        {
            var raw = await service.ConnectRawAsync();
            bad.Add(raw);
            switch (i % 4)
            {
                case 0:
                    await raw.WriteAsync("Content-Length: 1000000\r\n\r\n{"u8.ToArray());
                    break;
                case 1:
                    await raw.WriteAsync("Content-Length: 99999999\r\n\r\n"u8.ToArray());
                    break;
                case 2:
                    await raw.WriteAsync("Conte"u8.ToArray());
                    break;
                default:
                    // Asks for much and reads none of it.
                    using (var some = new CancellationTokenSource(TimeSpan.FromMilliseconds(100)))
                    {
                        try
                        {
                            for (; ; )
                                await SendAsync(raw, """{"jsonrpc":"2.0","id":1,"method":"interface.list","params":{"limit":1000}}""", some.Token);
                        }
                        catch (Exception fault) when (fault is OperationCanceledException or IOException)
                        {
                            // The service reads no further.
                        }
                    }
                    break;
            }
        }
        Assert.HasCount(500, await ControlClient.AllAsync(client.ListInterfacesAsync, new ListQuery { Limit = 1000 }, TestContext.CancellationToken));
        for (var i = 0; i < bad.Count; i++)
        {
            await using var raw = bad[i];
            if (i % 4 == 3)
                continue;
            // Left after a while: what was written to it, if anything, comes to an end.
            var end = new byte[65536];
            try
            {
                while (await raw.ReadAsync(end, TestContext.CancellationToken) > 0)
                {
                }
            }
            catch (IOException)
            {
                // Reset: it had sent what nobody read.
            }
        }
    }

    [TestMethod]
    public async Task Sixty_four_clients_work_at_once_and_one_more_is_told()
    {
        await using var service = new TestService();
        var clients = Enumerable.Range(0, 64).Select(_ => service.Connect()).ToArray();
        await Task.WhenAll(clients.Select((client, i) => client.AddInterfaceAsync(new InterfaceSpec { Master = "eth0", Name = $"c{i}", Addresses = [$"10.0.0.{i}/24"] })));
        using (var raw = await service.ConnectRawAsync())
            Assert.AreEqual("limit-reached", CodeOf(await ReceiveAsync(new MessageReader(raw))));
        Assert.AreEqual(64, (await clients[0].GetServiceAsync()).Interfaces);
        foreach (var client in clients)
            client.Dispose();
        // Their places are free again, after a moment.
        for (; ; )
        {
            using var next = service.Connect();
            try
            {
                Assert.AreEqual(64, (await next.GetServiceAsync(TestContext.CancellationToken)).Interfaces);
                return;
            }
            catch (ControlException fault) when (fault.Code == ErrorCode.ServiceUnreachable)
            {
                await Task.Yield();
            }
        }
    }

    [TestMethod]
    public async Task Second_service_on_the_same_pipe_is_refused()
    {
        await using var service = new TestService();
        using var other = new TestFolder();
        var fault = Assert.ThrowsExactly<IOException>(() => ControlService.Start(other.Path, "memory", service.Settings, new ServiceLog(TextWriter.Null)));
        Assert.IsNotEmpty(fault.Message);
        using var client = service.Connect();
        Assert.AreEqual(Environment.ProcessId, (await client.GetServiceAsync()).ProcessId);
    }

    [TestMethod]
    [OSCondition(ConditionMode.Exclude, OperatingSystems.Windows)]
    [System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
    public async Task Socket_is_closed_to_others()
    {
        await using var service = new TestService();
        Assert.AreEqual(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(service.Settings.PipeName));
    }

    [TestMethod]
    [OSCondition(ConditionMode.Exclude, OperatingSystems.Windows)]
    [System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
    public async Task Socket_that_a_killed_service_left_is_replaced()
    {
        await using var service = new TestService();
        await service.Running.DisposeAsync();
        // A file in its place is refused by .NET just as a socket is.
        await File.WriteAllTextAsync(service.Settings.PipeName, "", TestContext.CancellationToken);
        service.StartAgain();
        using var client = service.Connect();
        Assert.AreEqual(Environment.ProcessId, (await client.GetServiceAsync()).ProcessId);
    }

    [TestMethod]
    public void Descriptor_begins_with_a_deny_for_the_network()
    {
        Assert.AreEqual("D:P(D;;GA;;;NU)(A;;GA;;;SY)(A;;GA;;;BA)", ControlServer.Descriptor(null));
        StringAssert.EndsWith(ControlServer.Descriptor("S-1-5-32-545"), "(A;;GRGW;;;S-1-5-32-545)");
    }

    [TestMethod]
    public async Task What_was_changed_by_hand_is_mended_and_reported()
    {
        await using var service = new TestService();
        using var client = service.Connect();
        await client.BatchAsync([
            RpcCall.AddInterface(new InterfaceSpec { Master = "eth0", Name = "a", Admin = "up", Addresses = ["10.0.0.1/24"] }), Add("b"), Add("c")]);
        var datapath = service.Running.Reconciler.Find("eth0")!.Running!;
        datapath.SetUp("a", false);
        datapath.RemoveAddress("a", Engine.Wire.L3Prefix.Parse("10.0.0.1/24"));
        datapath.RemoveInterface("b");
        datapath.AddInterface(new Datapath.InterfaceSettings("stranger"));
        service.Running.Reconciler.Run(full: true);
        Assert.AreEqual(3, (await client.GetServiceAsync()).Drift);
        Assert.AreEqual("a b c", string.Join(' ', datapath.Interfaces.Select(one => one.Name).Order()));
        Assert.AreEqual("up", (await client.GetInterfaceAsync("a")).State);
        Assert.AreEqual("preferred", (await client.GetInterfaceAsync("a")).Addresses[0].State);
        service.Running.Reconciler.Run(full: true);
        Assert.AreEqual(0, (await client.GetServiceAsync()).Drift);
        datapath.Dispose();
        service.Running.Reconciler.Run(full: true);
        Assert.AreNotSame(datapath, service.Running.Reconciler.Find("eth0")!.Running);
        Assert.AreEqual("up", (await client.GetInterfaceAsync("a")).State);
    }

    [TestMethod]
    public async Task Ten_thousand_interfaces_are_made_listed_and_restored()
    {
        const int Count = 10_000;
        await using var service = new TestService();
        using var client = service.Connect();
        var clock = System.Diagnostics.Stopwatch.StartNew();
        for (var start = 0; start < Count; start += 1000)
        {
            await client.BatchAsync([.. Enumerable.Range(start, 1000).Select(i => RpcCall.AddInterface(new InterfaceSpec
            {
                Master = "eth0", Name = $"i{i}", Admin = "up",
                Addresses = [$"10.{i / 250}.{i % 250}.1/16", $"10.{i / 250}.{i % 250}.2/16", $"fd00::{i:x}/64"],
            }))]);
        }
        TestContext.WriteLine($"made: {Count / clock.Elapsed.TotalSeconds:F0} a second");
        clock.Restart();
        var all = await ControlClient.AllAsync(client.ListInterfacesAsync, new ListQuery { Limit = 1000 });
        TestContext.WriteLine($"listed in {clock.ElapsedMilliseconds} ms");
        Assert.HasCount(Count, all);
        Assert.IsTrue(all.All(one => one.State == "up" && one.Addresses.Count == 3 && one.Addresses.All(address => address.State == "preferred")));
        Assert.HasCount(3 * Count, await ControlClient.AllAsync(client.ListAddressesAsync, new ListQuery { Limit = 1000 }));
        var document = await client.ExportStateAsync();
        Assert.HasCount(Count, document.Ports.Single().Interfaces);
        await service.RestartAsync();
        clock.Restart();
        await service.RestartAsync();
        TestContext.WriteLine($"ended and restored in {clock.ElapsedMilliseconds} ms; {GC.GetTotalMemory(forceFullCollection: true) >> 20} MiB held");
        Assert.AreEqual(Count, (await client.GetServiceAsync()).Interfaces);
        Assert.AreEqual("up", (await client.GetInterfaceAsync("i9999")).State);
    }

    private static RpcCall Add(string name) => RpcCall.AddInterface(new InterfaceSpec { Master = "eth0", Name = name });

    private static string? CodeOf(JsonElement answer) => answer.GetProperty("error").GetProperty("data").GetProperty("code").GetString();

    private static async Task SendAsync(Stream stream, string json, CancellationToken cancellation = default)
    {
        var writer = new MessageWriter();
        writer.Append(new ArraySegment<byte>(Encoding.UTF8.GetBytes(json)));
        await stream.WriteAsync(writer.Framed(), cancellation);
    }

    private static async Task<JsonElement> ReceiveAsync(MessageReader reader)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        using var document = JsonDocument.Parse((await reader.ReadAsync(deadline.Token))!.Value.AsMemory());
        return document.RootElement.Clone();
    }
}
