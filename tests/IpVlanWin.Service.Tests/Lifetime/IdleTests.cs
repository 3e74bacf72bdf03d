using System.IO.Pipes;
using System.Text;
using IpVlanWin.Protocol;
using IpVlanWin.Service.Reconcile;

namespace IpVlanWin.Service.Tests.Lifetime;

[TestClass]
public sealed class IdleTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    public TestContext TestContext { get; set; } = null!;

    [TestMethod]
    public async Task Silent_client_is_left_and_an_active_one_is_not()
    {
        await using var service = new TestService();
        await service.Running.DisposeAsync();
        var names = new System.Collections.Concurrent.ConcurrentQueue<string>();
        await using (ControlService.Start(service.Folder, "memory", service.Settings with { IdleTimeout = TimeSpan.FromSeconds(3) }, new ServiceLog(TextWriter.Null) { Also = (_, name, _) => names.Enqueue(name) }))
        {
            using var silent = await service.ConnectRawAsync();
            using var half = await service.ConnectRawAsync();
            await half.WriteAsync("Content-Length: 10\r\n"u8.ToArray(), TestContext.CancellationToken);
            using var subscriber = await service.ConnectRawAsync();
            var news = new MessageReader(subscriber);
            await AskAsync(subscriber, news, "service.subscribe", """{"interfaces":true}""");
            using var active = await service.ConnectRawAsync();
            var ended = Task.WhenAll(EndOf(silent), EndOf(half));
            var reader = new MessageReader(active);
            // Speaks all the while; it must outlive both.
            while (!ended.IsCompleted)
            {
                await AskAsync(active, reader, "service.info");
                await Task.WhenAny(ended, Task.Delay(20, TestContext.CancellationToken));
            }
            await ended.WaitAsync(s_patience, TestContext.CancellationToken);
            await AskAsync(active, reader, "service.info");
            await AskAsync(subscriber, news, "service.info");
        }
        Assert.Contains("client-idle", names);
    }

    [TestMethod]
    [DataRow("luid:0x0006008001000000")]
    [DataRow("LUID:6")]
    [DataRow("luid:")]
    public void Luid_is_refused_with_the_legal_forms(string master)
    {
        var fault = Assert.ThrowsExactly<ControlException>(() => new Host("memory").FindMaster(master, "auto"));
        Assert.AreSame(ErrorCode.BadArgument, fault.Code);
        StringAssert.StartsWith(fault.Message, "argument of \"master\" must be the name or the index of an adapter; ");
        StringAssert.Contains(fault.Message, master.Contains("0x", StringComparison.Ordinal) ? "LUID" : "is written luid:0x");
    }

    private async Task AskAsync(NamedPipeClientStream pipe, MessageReader reader, string method, string arguments = "{}")
    {
        var request = $$"""{"jsonrpc":"2.0","id":1,"method":"{{method}}","params":{{arguments}}}""";
        await pipe.WriteAsync(Encoding.ASCII.GetBytes($"Content-Length: {request.Length}\r\n\r\n{request}"), TestContext.CancellationToken);
        StringAssert.Contains(Encoding.UTF8.GetString((await reader.ReadAsync(TestContext.CancellationToken))!.Value), "result");
    }

    private static async Task EndOf(NamedPipeClientStream pipe)
    {
        using var late = new CancellationTokenSource(s_patience);
        var buffer = new byte[256];
        while (await pipe.ReadAsync(buffer, late.Token) > 0)
        {
        }
    }
}
