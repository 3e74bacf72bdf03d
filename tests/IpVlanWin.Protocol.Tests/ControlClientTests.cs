using System.IO.Pipes;
using System.Text;
using System.Text.Json;

namespace IpVlanWin.Protocol.Tests;

/// <summary>The client against a scripted service on a real pipe.</summary>
[TestClass]
public sealed class ControlClientTests
{
    private readonly string _pipeName = OperatingSystem.IsWindows()
        ? $"ipvlanwin-test-{Guid.NewGuid():N}"
        : Path.Combine(Path.GetTempPath(), $"ipvlanwin-{Environment.ProcessId}-{Guid.NewGuid():N}.sock");

    public TestContext TestContext { get; set; } = null!;

    [TestMethod]
    public async Task Nobody_listening_is_one_clear_error()
    {
        using var client = new ControlClient(_pipeName) { ConnectTimeout = TimeSpan.FromMilliseconds(50) };
        var fault = await Assert.ThrowsExactlyAsync<ControlException>(() => client.GetServiceAsync());
        Assert.AreSame(ErrorCode.ServiceUnreachable, fault.Code);
        StringAssert.Contains(fault.Message, _pipeName);
    }

    [TestMethod]
    public async Task Answers_find_their_requests_in_any_order()
    {
        using var client = new ControlClient(_pipeName);
        var serving = ServeAsync(async (reader, stream) =>
        {
            var first = await NumberAsync(reader);
            var second = await NumberAsync(reader);
            await SendAsync(stream, """{"jsonrpc":"2.0","method":"interface.changed","params":{}}""");
            await SendAsync(stream, $$$$"""{"jsonrpc":"2.0","id":{{{{second}}}},"result":{"version":"2"}}""");
            await SendAsync(stream, $$$$"""{"jsonrpc":"2.0","id":{{{{first}}}},"result":{"version":"1","aFieldOfANewerService":5}}""");
            await reader.ReadAsync(CancellationToken.None);
        });
        var one = client.GetServiceAsync();
        var two = client.GetServiceAsync();
        CollectionAssert.AreEquivalent(new[] { "1", "2" }, new[] { (await one).Version, (await two).Version });
        client.Dispose();
        await serving;
    }

    [TestMethod]
    public async Task Refusal_carries_code_and_sentence()
    {
        using var client = new ControlClient(_pipeName);
        var serving = ServeAsync(async (reader, stream) =>
            await SendAsync(stream, $$$$"""{"jsonrpc":"2.0","id":{{{{await NumberAsync(reader)}}}},"error":{"code":-32003,"message":"taken","data":{"code":"name-in-use","errno":"EEXIST"}}}"""));
        var fault = await Assert.ThrowsExactlyAsync<ControlException>(() => client.AddInterfaceAsync(new InterfaceSpec { Name = "a" }));
        Assert.AreSame(ErrorCode.NameInUse, fault.Code);
        Assert.AreEqual("taken", fault.Message);
        await serving;
    }

    [TestMethod]
    public async Task Question_is_asked_again_on_a_new_connection_and_a_change_is_not()
    {
        using var client = new ControlClient(_pipeName);
        var third = new TaskCompletionSource();
        var serving = Task.Run(async () =>
        {
            await ServeAsync(static (reader, _) => NumberAsync(reader));
            await ServeAsync(static async (reader, stream) => await SendAsync(stream, $$$$"""{"jsonrpc":"2.0","id":{{{{await NumberAsync(reader)}}}},"result":{"version":"again"}}"""));
            await ServeAsync((reader, _) =>
            {
                third.SetResult();
                return NumberAsync(reader);
            });
        });
        Assert.AreEqual("again", (await client.GetServiceAsync()).Version);
        ControlException fault;
        do
        {
            // The connection that just answered may not be seen to have ended yet; the change fails on it then, before the third service saw it.
            fault = await Assert.ThrowsExactlyAsync<ControlException>(() => client.AddAddressAsync(new AddressSpec { Interface = "a", Prefix = "10.0.0.1/24" }));
            Assert.AreSame(ErrorCode.ServiceUnreachable, fault.Code);
        }
        while (!third.Task.IsCompleted);
        await serving;
    }

    [TestMethod]
    public async Task Silence_is_timed_out_and_the_connection_lives_on()
    {
        using var client = new ControlClient(_pipeName) { Timeout = TimeSpan.FromMilliseconds(100) };
        var serving = ServeAsync(async (reader, stream) =>
        {
            var silent = await NumberAsync(reader);
            using (var cancel = JsonDocument.Parse((await reader.ReadAsync(CancellationToken.None))!.Value.AsMemory()))
            {
                Assert.AreEqual("$/cancelRequest", cancel.RootElement.GetProperty("method").GetString());
                Assert.AreEqual(silent, cancel.RootElement.GetProperty("params").GetProperty("id").GetInt64());
            }
            await SendAsync(stream, $$$$"""{"jsonrpc":"2.0","id":{{{{silent}}}},"result":{"version":"late"}}""");
            await SendAsync(stream, $$$$"""{"jsonrpc":"2.0","id":{{{{await NumberAsync(reader)}}}},"result":{"version":"next"}}""");
        });
        var fault = await Assert.ThrowsExactlyAsync<ControlException>(() => client.GetServiceAsync());
        Assert.AreSame(ErrorCode.TimedOut, fault.Code);
        client.Timeout = TimeSpan.FromSeconds(20);
        Assert.AreEqual("next", (await client.GetServiceAsync()).Version);
        await serving;
    }

    [TestMethod]
    public async Task Cancelling_tells_the_service_and_ends_the_waiting()
    {
        using var client = new ControlClient(_pipeName);
        using var cancellation = new CancellationTokenSource();
        var serving = ServeAsync(async (reader, _) =>
        {
            var number = await NumberAsync(reader);
            await cancellation.CancelAsync();
            using var cancel = JsonDocument.Parse((await reader.ReadAsync(CancellationToken.None))!.Value.AsMemory());
            Assert.AreEqual(number, cancel.RootElement.GetProperty("params").GetProperty("id").GetInt64());
        });
        await Assert.ThrowsAsync<OperationCanceledException>(() => client.GetServiceAsync(cancellation.Token));
        await serving;
    }

    [TestMethod]
    public async Task Batch_names_the_change_that_was_refused()
    {
        using var client = new ControlClient(_pipeName);
        var serving = ServeAsync(async (reader, stream) =>
        {
            using var batch = JsonDocument.Parse((await reader.ReadAsync(CancellationToken.None))!.Value.AsMemory());
            var ids = batch.RootElement.EnumerateArray().Select(static call => call.GetProperty("id").GetInt64()).ToArray();
            await SendAsync(stream, $$$$"""
                [{"jsonrpc":"2.0","id":{{{{ids[1]}}}},"error":{"code":-32003,"message":"taken","data":{"code":"name-in-use"}}},
                 {"jsonrpc":"2.0","id":{{{{ids[0]}}}},"error":{"code":-32016,"message":"undone","data":{"code":"batch-refused"}}}]
                """);
        });
        var fault = await Assert.ThrowsExactlyAsync<ControlException>(() => client.BatchAsync(
            [RpcCall.AddInterface(new InterfaceSpec { Name = "a" }), RpcCall.AddInterface(new InterfaceSpec { Name = "b" })]));
        Assert.AreSame(ErrorCode.NameInUse, fault.Code);
        Assert.AreEqual(1, fault.Data["index"]);
        await serving;
        var most = Enumerable.Repeat(RpcCall.AddAddress(new AddressSpec()), RpcMessage.MaxBatch + 1).ToArray();
        Assert.AreSame(ErrorCode.BadArgument, (await Assert.ThrowsExactlyAsync<ControlException>(() => client.BatchAsync(most))).Code);
    }

    [TestMethod]
    [DataRow("Content-Length: 99999999\r\n\r\n")]
    [DataRow("Content-Length: 3\r\n\r\n{]}")]
    [DataRow("Content-Length: 1\r\n\r\n5")]
    [DataRow("nonsense\r\n\r\n")]
    public async Task Service_that_speaks_nonsense_is_left(string wire)
    {
        using var client = new ControlClient(_pipeName);
        var serving = ServeAsync(async (reader, stream) =>
        {
            await NumberAsync(reader);
            await stream.WriteAsync(Encoding.ASCII.GetBytes(wire));
            Assert.IsNull(await reader.ReadAsync(CancellationToken.None), "the client closes");
        });
        var fault = await Assert.ThrowsExactlyAsync<ControlException>(() => client.AddInterfaceAsync(new InterfaceSpec()));
        Assert.AreSame(ErrorCode.ServiceUnreachable, fault.Code);
        await serving;
    }

    [TestMethod]
    [DataRow(0)]
    [DataRow(1)]
    public void Pieces_of_a_document_never_cut_a_character(int offset)
    {
        var text = new string('x', offset) + string.Concat(Enumerable.Repeat("😀", 300_000));
        for (var start = 0; start < text.Length;)
        {
            var length = ControlClient.PieceLength(text, start);
            Assert.IsTrue(length > 0 && !char.IsHighSurrogate(text[start + length - 1]));
            start += length;
        }
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

    private static async Task<long> NumberAsync(MessageReader reader)
    {
        using var request = JsonDocument.Parse((await reader.ReadAsync(CancellationToken.None))!.Value.AsMemory());
        return request.RootElement.GetProperty("id").GetInt64();
    }

    private static async Task SendAsync(Stream stream, string json)
    {
        var writer = new MessageWriter();
        writer.Append(new ArraySegment<byte>(Encoding.UTF8.GetBytes(json)));
        await stream.WriteAsync(writer.Framed());
    }
}
