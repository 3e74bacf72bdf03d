using System.IO.Pipes;
using System.Text;
using System.Text.Json;

namespace IpVlanWin.Protocol.Tests;

/// <summary>A subscription against a scripted service on a real pipe.</summary>
[TestClass]
public sealed class ControlSubscriptionTests
{
    private readonly string _pipeName = OperatingSystem.IsWindows()
        ? $"ipvlanwin-test-{Guid.NewGuid():N}"
        : Path.Combine(Path.GetTempPath(), $"ipvlanwin-{Environment.ProcessId}-{Guid.NewGuid():N}.sock");

    public TestContext TestContext { get; set; } = null!;

    [TestMethod]
    public async Task Events_come_in_order_and_unknown_ones_are_skipped()
    {
        using var client = new ControlClient(_pipeName);
        var serving = ServeAsync(async (reader, stream) =>
        {
            using (var request = JsonDocument.Parse((await reader.ReadAsync(CancellationToken.None))!.Value.AsMemory()))
            {
                Assert.AreEqual("service.subscribe", request.RootElement.GetProperty("method").GetString());
                Assert.AreEqual("""{"interfaces":true,"ports":false,"statisticsSeconds":2}""", request.RootElement.GetProperty("params").GetRawText());
            }
            await SendAsync(stream, """{"jsonrpc":"2.0","id":1,"result":{"version":41}}""");
            await SendAsync(stream, """{"jsonrpc":"2.0","method":"interface.changed","params":{"change":"removed","interface":{"index":7,"name":"ipvl0"}}}""");
            await SendAsync(stream, """{"jsonrpc":"2.0","method":"something.newer","params":{}}""");
            await SendAsync(stream, """{"jsonrpc":"2.0","method":"port.changed","params":{"change":"added","port":{"master":"eth0","aNewField":1}}}""");
            await SendAsync(stream, """{"jsonrpc":"2.0","method":"statistics","params":{"items":[{"interface":"ipvl1","rxPackets":3}]}}""");
            await SendAsync(stream, """{"jsonrpc":"2.0","method":"events.lost","params":{"count":12}}""");
        });
        using var subscription = await client.SubscribeAsync(new SubscribeSpec { Interfaces = true, StatisticsSeconds = 2 });
        Assert.AreEqual(41, subscription.Version);
        var first = (InterfaceEvent)await subscription.ReadAsync();
        Assert.AreEqual((ControlEvent.Removed, 7L, "ipvl0"), (first.Change, first.Interface.Index, first.Interface.Name));
        var second = (PortEvent)await subscription.ReadAsync();
        Assert.AreEqual((ControlEvent.Added, "eth0"), (second.Change, second.Port.Master));
        Assert.AreEqual(3, ((StatisticsEvent)await subscription.ReadAsync()).Items.Single().RxPackets);
        Assert.AreEqual(12, ((LostEvent)await subscription.ReadAsync()).Count);
        await serving;
        var ended = await Assert.ThrowsExactlyAsync<ControlException>(() => subscription.ReadAsync());
        Assert.AreSame(ErrorCode.ServiceUnreachable, ended.Code);
    }

    [TestMethod]
    public async Task Refusal_is_thrown()
    {
        using var client = new ControlClient(_pipeName);
        var serving = ServeAsync(static async (reader, stream) =>
        {
            await reader.ReadAsync(CancellationToken.None);
            await SendAsync(stream, """{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"no","data":{"code":"bad-argument"}}}""");
        });
        var fault = await Assert.ThrowsExactlyAsync<ControlException>(() => client.SubscribeAsync(new SubscribeSpec { StatisticsSeconds = 0 }));
        Assert.AreSame(ErrorCode.BadArgument, fault.Code);
        await serving;
    }

    [TestMethod]
    public async Task Cancelled_reading_loses_nothing()
    {
        using var client = new ControlClient(_pipeName);
        var half = new TaskCompletionSource();
        var rest = new TaskCompletionSource();
        var serving = ServeAsync(async (reader, stream) =>
        {
            await reader.ReadAsync(CancellationToken.None);
            await SendAsync(stream, """{"jsonrpc":"2.0","id":1,"result":{"version":1}}""");
            var bytes = Framed("""{"jsonrpc":"2.0","method":"events.lost","params":{"count":5}}""");
            await stream.WriteAsync(bytes.AsMemory(0, 30));
            half.SetResult();
            await rest.Task;
            await stream.WriteAsync(bytes.AsMemory(30));
        });
        using var subscription = await client.SubscribeAsync(new SubscribeSpec { Interfaces = true });
        await half.Task;
        using var cancellation = new CancellationTokenSource();
        var reading = subscription.ReadAsync(cancellation.Token);
        await cancellation.CancelAsync();
        await Assert.ThrowsAsync<OperationCanceledException>(() => reading);
        rest.SetResult();
        Assert.AreEqual(5, ((LostEvent)await subscription.ReadAsync()).Count);
        await serving;
    }

    private async Task ServeAsync(Func<MessageReader, Stream, Task> script)
    {
        var pipe = new NamedPipeServerStream(_pipeName, PipeDirection.InOut, 1, PipeTransmissionMode.Byte, PipeOptions.Asynchronous);
        await using (pipe)
        {
            await pipe.WaitForConnectionAsync(TestContext.CancellationToken);
            await script(new MessageReader(pipe), pipe);
        }
    }

    private static async Task SendAsync(Stream stream, string json) => await stream.WriteAsync(Framed(json));

    private static byte[] Framed(string json)
    {
        var writer = new MessageWriter();
        writer.Append(new ArraySegment<byte>(Encoding.UTF8.GetBytes(json)));
        return [.. writer.Framed()];
    }
}
