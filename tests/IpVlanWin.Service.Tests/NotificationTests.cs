using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Protocol;
using IpVlanWin.Service.Observe;

namespace IpVlanWin.Service.Tests;

/// <summary>What subscribers are told, over the real pipe.</summary>
[TestClass]
public sealed class NotificationTests
{
    public TestContext TestContext { get; set; } = null!;

    private CancellationToken Deadline => CancellationTokenSource.CreateLinkedTokenSource(
        TestContext.CancellationToken, new CancellationTokenSource(TimeSpan.FromSeconds(60)).Token).Token;

    [TestMethod]
    public async Task Every_change_is_told_in_order()
    {
        await using var service = new TestService();
        using var client = service.Connect();
        await client.AddInterfaceAsync(new InterfaceSpec { Master = "eth0", Name = "old" });
        using var subscription = await client.SubscribeAsync(new SubscribeSpec { Interfaces = true, Ports = true });
        var changed = await client.AddInterfaceAsync(new InterfaceSpec { Master = "eth1", Name = "a", Addresses = ["10.0.0.1/24"] });
        Assert.IsGreaterThan(subscription.Version, changed.Version);
        await client.SetInterfaceAsync(new InterfaceChange { Name = "a", NewName = "b", Admin = "up" });
        await client.SetPortAsync(new PortChange { Master = "eth1", Mode = "l2" });
        await client.RemoveInterfaceAsync("b");
        var told = new List<string>();
        long? index = null;
        for (var removed = false; !removed;)
        {
            switch (await subscription.ReadAsync(Deadline))
            {
                case PortEvent { Port: var port } one:
                    told.Add($"{one.Change} {port.Master} {port.Mode} {port.InterfaceCount}");
                    removed = one.Change == ControlEvent.Removed;
                    break;
                case InterfaceEvent { Interface: var member } one:
                    told.Add($"{one.Change} {member.Name} {member.State} {member.Addresses.Single().Prefix}");
                    Assert.AreEqual(index ??= member.Index, member.Index);
                    break;
                case var other:
                    Assert.Fail($"{other}");
                    break;
            }
        }
        string[] expected =
        [
            "added eth1 l3 1", "added a down 10.0.0.1/24", "changed b up 10.0.0.1/24", "changed eth1 l2 1", "removed b up 10.0.0.1/24", "removed eth1 l2 1",
        ];
        CollectionAssert.AreEqual(expected, told, string.Join("; ", told));
    }

    [TestMethod]
    public async Task What_others_change_is_told_when_it_is_mended()
    {
        await using var service = new TestService();
        using var client = service.Connect();
        await client.AddInterfaceAsync(new InterfaceSpec { Master = "eth0", Name = "a", Admin = "up" });
        using var subscription = await client.SubscribeAsync(new SubscribeSpec { Interfaces = true });
        Assert.AreEqual(PortResult.Ok, service.Running.Reconciler.Find("eth0")!.Running!.SetUp("a", false));
        service.Running.Reconciler.Run(full: true);
        var told = (InterfaceEvent)await subscription.ReadAsync(Deadline);
        Assert.AreEqual((ControlEvent.Changed, "a", "up"), (told.Change, told.Interface.Name, told.Interface.State));
    }

    [TestMethod]
    public async Task Only_what_was_asked_for_is_told()
    {
        await using var service = new TestService();
        using var client = service.Connect();
        using var ports = await client.SubscribeAsync(new SubscribeSpec { Ports = true });
        using var statistics = await client.SubscribeAsync(new SubscribeSpec { StatisticsSeconds = 1 });
        for (var i = 0; i < 3; i++)
            await client.AddInterfaceAsync(new InterfaceSpec { Master = "eth0", Name = $"a{i}" });
        for (var i = 1; i <= 3; i++)
            Assert.AreEqual(i, ((PortEvent)await ports.ReadAsync(Deadline)).Port.InterfaceCount);
        StatisticsEvent told;
        do
        {
            told = (StatisticsEvent)await statistics.ReadAsync(Deadline);
        }
        while (told.Items.Count < 3);
        Assert.AreEqual("a0 a1 a2", string.Join(' ', told.Items.Select(static one => one.Interface)));
    }

    [TestMethod]
    [DataRow("""{}""", "bad-argument")]
    [DataRow("""{"interfaces":false}""", "bad-argument")]
    [DataRow("""{"statisticsSeconds":0}""", "bad-argument")]
    [DataRow("""{"statisticsSeconds":3601}""", "bad-argument")]
    [DataRow("""{"everything":true}""", "bad-argument")]
    public async Task Subscription_to_nonsense_is_refused(string arguments, string code)
    {
        await using var service = new TestService();
        using var raw = await service.ConnectRawAsync();
        await SendAsync(raw, $$$"""{"jsonrpc":"2.0","id":1,"method":"service.subscribe","params":{{{arguments}}}}""");
        using var answer = await ReceiveAsync(new MessageReader(raw));
        Assert.AreEqual(code, CodeOf(answer));
    }

    [TestMethod]
    public async Task Second_subscription_of_a_connection_is_refused_and_the_first_lives_on()
    {
        await using var service = new TestService();
        using var client = service.Connect();
        using var raw = await service.ConnectRawAsync();
        var reader = new MessageReader(raw);
        await SendAsync(raw, """{"jsonrpc":"2.0","id":1,"method":"service.subscribe","params":{"ports":true}}""");
        using (await ReceiveAsync(reader))
            await SendAsync(raw, """{"jsonrpc":"2.0","id":2,"method":"service.subscribe","params":{"ports":true}}""");
        using (var refused = await ReceiveAsync(reader))
            Assert.AreEqual("limit-reached", CodeOf(refused));
        await client.AddInterfaceAsync(new InterfaceSpec { Master = "eth0", Name = "a" });
        using var told = await ReceiveAsync(reader);
        Assert.AreEqual("port.changed", told.RootElement.GetProperty("method").GetString());
    }

    [TestMethod]
    public async Task Slow_reader_disturbs_nobody_and_learns_what_he_missed()
    {
        await using var service = new TestService(patience: TimeSpan.FromSeconds(2));
        using var client = service.Connect();
        await client.AddInterfaceAsync(new InterfaceSpec { Master = "eth0", Name = "a" });
        using var slow = await client.SubscribeAsync(new SubscribeSpec { Interfaces = true });
        using var quick = await client.SubscribeAsync(new SubscribeSpec { Interfaces = true });
        // Each event speaks of 500 addresses, some 40 KB: a few dozen are more than the queue and the pipe hold.
        var addresses = Enumerable.Range(0, 500).Select(static i => string.Create(CultureInfo.InvariantCulture, $"10.1.{i / 250}.{i % 250}/16")).ToArray();
        await client.BatchAsync([.. addresses.Select(static prefix => RpcCall.AddAddress(new AddressSpec { Interface = "a", Prefix = prefix }))]);
        const int Rounds = 120;
        var clock = Stopwatch.StartNew();
        for (var i = 0; i < Rounds; i++)
        {
            await client.SetInterfaceAsync(new InterfaceChange { Name = "a", Mtu = 1000 + i });
            InterfaceRecord seen;
            do
            {
                seen = ((InterfaceEvent)await quick.ReadAsync(Deadline)).Interface;
            }
            while (seen.Mtu != 1000 + i);
        }
        // He did not read for longer than an answer may wait, and is still there.
        using (var pause = new PeriodicTimer(TimeSpan.FromMilliseconds(100)))
        {
            while (clock.Elapsed < TimeSpan.FromSeconds(2.5) && await pause.WaitForNextTickAsync(Deadline))
            {
            }
        }
        var told = 0L;
        int? before = null;
        LostEvent? lost = null;
        while (lost is null)
        {
            var next = await slow.ReadAsync(Deadline);
            if (next is InterfaceEvent { Interface.Mtu: { } mtu } && mtu < 1500)
            {
                Assert.AreEqual(before is null ? 1000 : before + 1, mtu, "in order, without a gap");
                before = mtu;
                told++;
            }
            lost = next as LostEvent;
        }
        Assert.AreEqual(Rounds, told + lost.Count, "what was not told was counted");
        Assert.IsLessThan(70, told, "the queue is bounded");
        await client.SetInterfaceAsync(new InterfaceChange { Name = "a", Mtu = 1400 });
        Assert.AreEqual(1400, ((InterfaceEvent)await slow.ReadAsync(Deadline)).Interface.Mtu, "and then he is told again");
    }

    [TestMethod]
    public void Queue_keeps_its_bound_whatever_is_offered()
    {
        var subscription = new Subscription(new SubscribeSpec { Interfaces = true }, static _ => new Page<StatisticsRecord>());
        var before = GC.GetTotalMemory(forceFullCollection: true);
        for (var i = 0; i < 100_000; i++)
            subscription.Offer(new byte[1000]);
        var held = GC.GetTotalMemory(forceFullCollection: true) - before;
        Assert.IsLessThan(3 * Subscription.QueueBytes, held);
        GC.KeepAlive(subscription);
    }

    [TestMethod]
    public async Task Cancelled_request_that_has_not_begun_is_not_done()
    {
        await using var service = new TestService();
        using var client = service.Connect();
        await client.BatchAsync([.. Enumerable.Range(0, 1000).Select(static i => RpcCall.AddInterface(new InterfaceSpec { Master = "eth0", Name = $"i{i}" }))]);
        using var raw = await service.ConnectRawAsync();
        // Answers that nobody reads fill the pipe, so that the service stands still before what follows.
        const int Lists = 8;
        for (var i = 0; i < Lists; i++)
            await SendAsync(raw, $$$"""{"jsonrpc":"2.0","id":{{{i}}},"method":"interface.list","params":{"limit":1000}}""");
        await SendAsync(raw, """{"jsonrpc":"2.0","id":"first","method":"interface.add","params":{"master":"eth0","name":"first"}}""");
        await SendAsync(raw, """[{"jsonrpc":"2.0","id":"second","method":"interface.add","params":{"master":"eth0","name":"second"}},{"jsonrpc":"2.0","id":"third","method":"service.info"}]""");
        await SendAsync(raw, """{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":"second"}}""");
        // More than the pipe holds: it is written when the service has read past the cancellation.
        await SendAsync(raw, $$$"""{"jsonrpc":"2.0","method":"nobody.knows","params":{"text":"{{{new string('x', 900_000)}}}"}}""");
        var reader = new MessageReader(raw);
        for (var i = 0; i < Lists; i++)
        {
            using var list = await ReceiveAsync(reader);
            Assert.AreEqual(i, list.RootElement.GetProperty("id").GetInt32());
        }
        using (var done = await ReceiveAsync(reader))
            Assert.IsTrue(done.RootElement.TryGetProperty("result", out _), done.RootElement.GetRawText());
        using (var cancelled = await ReceiveAsync(reader))
        {
            var answers = cancelled.RootElement.EnumerateArray().Select(static one => one.GetProperty("error").GetProperty("data").GetProperty("code").GetString());
            Assert.AreEqual("cancelled cancelled", string.Join(' ', answers));
        }
        await client.GetInterfaceAsync("first");
        Assert.AreSame(ErrorCode.NotFound, (await Assert.ThrowsExactlyAsync<ControlException>(() => client.GetInterfaceAsync("second"))).Code);
    }

    private static string? CodeOf(JsonDocument answer) => answer.RootElement.GetProperty("error").GetProperty("data").GetProperty("code").GetString();

    private async Task SendAsync(Stream stream, string json)
    {
        var writer = new MessageWriter();
        writer.Append(new ArraySegment<byte>(Encoding.UTF8.GetBytes(json)));
        await stream.WriteAsync(writer.Framed(), Deadline);
    }

    private async Task<JsonDocument> ReceiveAsync(MessageReader reader) =>
        JsonDocument.Parse((await reader.ReadAsync(Deadline))!.Value.ToArray());
}
