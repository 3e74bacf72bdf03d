using System.Text;

namespace IpVlanWin.Protocol.Tests;

/// <summary>Framing, with well-meaning and hostile bytes.</summary>
[TestClass]
public sealed class MessageReaderTests
{
    [TestMethod]
    [DataRow(1)]
    [DataRow(7)]
    [DataRow(4096)]
    [DataRow(int.MaxValue)]
    public async Task Messages_of_all_sizes_come_whole_however_they_are_cut(int most)
    {
        int[] sizes = [0, 1, 3000, 4096, 5000, 100, most < 7 ? 20_000 : MessageReader.MaxMessage, 2];
        var wire = new MemoryStream();
        foreach (var size in sizes)
            wire.Write(Frame(Body(size)));
        var reader = new MessageReader(new DripStream(wire.ToArray(), most));
        foreach (var size in sizes)
        {
            var message = await reader.ReadAsync(CancellationToken.None);
            Assert.IsTrue(message is { } body && body.AsSpan().SequenceEqual(Body(size)), $"a message of {size} bytes");
        }
        Assert.IsNull(await reader.ReadAsync(CancellationToken.None));
    }

    [TestMethod]
    [DataRow("Content-Length: 2\r\nContent-Type: application/json\r\n\r\n{}", "{}")]
    [DataRow("content-length:2\r\n\r\n{}", "{}")]
    public async Task Head_may_be_written_in_other_ways(string wire, string body)
    {
        var message = await Reader(wire).ReadAsync(CancellationToken.None);
        Assert.AreEqual(body, Encoding.UTF8.GetString(message!.Value.AsSpan()));
    }

    [TestMethod]
    [DataRow("Content-Length: 1048577\r\n\r\n", "its length must be 0 to 1048576 bytes")]
    [DataRow("Content-Length: -1\r\n\r\n", "its length must be")]
    [DataRow("Content-Length: 99999999999999999999\r\n\r\n", "its length must be")]
    [DataRow("Content-Length: 0x10\r\n\r\n", "its length must be")]
    [DataRow("Content-Length:\r\n\r\n", "its length must be")]
    [DataRow("Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", "two lengths")]
    [DataRow("Content-Type: x\r\n\r\n{}", "no Content-Length")]
    [DataRow("{\"jsonrpc\":\"2.0\"}\r\n\r\n", "its head has no Content-Length")]
    [DataRow("GET / HTTP/1.1\r\n\r\n", "no colon")]
    [DataRow("\r\n\r\n", "no colon")]
    [DataRow("Content-Le", "ends within its head")]
    [DataRow("Content-Length: 5\r\n\r\n{}", "ends after 2 of 5 bytes")]
    public async Task Damaged_frame_is_refused_with_what_is_wrong(string wire, string expected)
    {
        var fault = await Assert.ThrowsExactlyAsync<ControlException>(async () => await Reader(wire).ReadAsync(CancellationToken.None));
        Assert.AreSame(ErrorCode.ParseError, fault.Code);
        StringAssert.Contains(fault.Message, expected);
    }

    [TestMethod]
    public async Task Head_without_end_is_given_up()
    {
        var stream = new EndlessStream();
        var fault = await Assert.ThrowsExactlyAsync<ControlException>(async () => await new MessageReader(stream).ReadAsync(CancellationToken.None));
        StringAssert.Contains(fault.Message, "longer than 1024 bytes");
        Assert.IsLessThanOrEqualTo(16 * 1024L, stream.Taken);
    }

    [TestMethod]
    [DataRow("Cont")]
    [DataRow("Content-Length: 5\r\n\r\n")]
    [DataRow("Content-Length: 5\r\n\r\n{}")]
    public async Task Message_that_stops_in_the_middle_is_given_up_in_time(string wire)
    {
        var reader = new MessageReader(new SilentStream(Encoding.ASCII.GetBytes(wire))) { Patience = TimeSpan.FromMilliseconds(30) };
        var fault = await Assert.ThrowsExactlyAsync<ControlException>(async () => await reader.ReadAsync(CancellationToken.None));
        StringAssert.Contains(fault.Message, "did not come within");
    }

    [TestMethod]
    public async Task Silence_between_messages_has_no_limit_but_cancellation()
    {
        var reader = new MessageReader(new SilentStream(Encoding.ASCII.GetBytes("Content-Length: 2\r\n\r\n{}"))) { Patience = TimeSpan.FromMilliseconds(1) };
        Assert.IsNotNull(await reader.ReadAsync(CancellationToken.None));
        using var cancellation = new CancellationTokenSource();
        var reading = reader.ReadAsync(cancellation.Token);
        await cancellation.CancelAsync();
        await Assert.ThrowsAsync<OperationCanceledException>(() => reading);
    }

    [TestMethod]
    public async Task Promise_of_a_long_message_costs_no_memory()
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        await Assert.ThrowsExactlyAsync<ControlException>(async () => await Reader("Content-Length: 1048576\r\n\r\nx").ReadAsync(CancellationToken.None));
        Assert.IsLessThan(256 * 1024L, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [TestMethod]
    public async Task Any_bytes_end_in_a_message_an_end_or_a_refusal()
    {
        var seed = Environment.TickCount;
        Console.WriteLine($"seed {seed}");
        var random = new Random(seed);
        for (var round = 0; round < 3000; round++)
        {
            var wire = new MemoryStream();
            for (var i = random.Next(3); i >= 0; i--)
                wire.Write(Frame(Body(random.Next(64))));
            var bytes = wire.ToArray();
            for (var i = random.Next(4); i > 0; i--)
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            var reader = new MessageReader(new DripStream(bytes, random.Next(1, 40)));
            try
            {
                var messages = 0;
                while (await reader.ReadAsync(CancellationToken.None) is not null)
                    messages++;
                Assert.IsLessThanOrEqualTo(bytes.Length / 4, messages);
            }
            catch (ControlException fault)
            {
                Assert.AreSame(ErrorCode.ParseError, fault.Code);
            }
        }
    }

    [TestMethod]
    public void Writer_refuses_more_than_a_reader_takes()
    {
        var writer = new MessageWriter();
        writer.Append(new ArraySegment<byte>(new byte[MessageReader.MaxMessage + 1]));
        Assert.ThrowsExactly<InvalidOperationException>(() => writer.Framed());
    }

    private static MessageReader Reader(string wire) => new(new DripStream(Encoding.UTF8.GetBytes(wire), 5));

    private static byte[] Body(int size)
    {
        var body = new byte[size];
        new Random(size).NextBytes(body);
        return body;
    }

    private static ArraySegment<byte> Frame(byte[] body)
    {
        var writer = new MessageWriter();
        writer.Append(new ArraySegment<byte>(body));
        return writer.Framed();
    }

    /// <summary>Says nothing more after its bytes, and does not end.</summary>
    private sealed class SilentStream(byte[] bytes) : MemoryStream(bytes)
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var read = await base.ReadAsync(buffer, cancellationToken);
            if (read == 0)
                await Task.Delay(Timeout.Infinite, cancellationToken);
            return read;
        }
    }

    private sealed class EndlessStream : MemoryStream
    {
        public long Taken { get; private set; }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            buffer.Span.Fill((byte)'a');
            Taken += buffer.Length;
            return ValueTask.FromResult(buffer.Length);
        }
    }
}
