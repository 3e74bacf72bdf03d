using System.Reflection;
using System.Text;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using IpVlanWin.Protocol;

namespace IpVlanWin.Service.Tests;

/// <summary>Messages of every wrong kind, through the pipe: each is answered with its code, and the connection lives on.</summary>
[TestClass]
public sealed class HostileMessageTests
{
    // By the word that error texts use for what a field holds.
    private static readonly Dictionary<string, string[]> s_wrong = new(StringComparer.Ordinal)
    {
        ["text"] = ["5", "1.5", "true", "{}", "[]", "[\"a\"]", "{\"a\":1}", "\"\\ud800\""],
        ["whole number"] = ["\"5\"", "1.5", "1e1", "true", "{}", "[]", "[5]", "1e400", "99999999999999999999", "-99999999999999999999"],
        ["true or false"] = ["\"true\"", "0", "1", "{}", "[]", "[true]"],
        ["list"] = ["\"a\"", "5", "true", "{}", "[5]", "[[]]", "[{}]", "[true]", "[\"\\udc00\"]"],
        ["record"] = ["\"a\"", "5", "true", "[]"],
    };

    public TestContext TestContext { get; set; } = null!;

    [TestMethod]
    public async Task Every_field_of_every_method_refuses_every_wrong_kind()
    {
        await using var service = new TestService();
        using var client = await RawClient.ConnectAsync(service.Settings.PipeName);
        var refused = 0;
        var records = new HashSet<string>(StringComparer.Ordinal);
        foreach (var method in await MethodsAsync(client))
        {
            // The refusal of an unknown field lists the legal ones.
            var answer = await client.CallAsync(method, """{"no such field":1}""");
            Assert.AreEqual("bad-argument", RawClient.CodeOf(answer), method);
            const string Start = "argument of \"no such field\" must be among ";
            var sentence = RawClient.SentenceOf(answer);
            StringAssert.StartsWith(sentence, Start, method);
            var listed = sentence[Start.Length..];
            records.Add(listed);
            if (listed == "no fields")
                continue;
            foreach (var field in listed.Split(", "))
            {
                var (name, word) = (field[..field.IndexOf(' ', StringComparison.Ordinal)], field[(field.IndexOf('(', StringComparison.Ordinal) + 1)..^1]);
                foreach (var wrong in s_wrong[word])
                {
                    answer = await client.CallAsync(method, $$"""{"{{name}}":{{wrong}}}""");
                    Assert.AreEqual("bad-argument", RawClient.CodeOf(answer), $"{method}: {name} = {wrong}: {answer}");
                    StringAssert.StartsWith(RawClient.SentenceOf(answer), $"argument of \"{name}", $"{method}: {name} = {wrong}");
                    Assert.AreEqual(ErrorCode.BadArgument.Number, answer.GetProperty("error").GetProperty("code").GetInt32());
                    refused++;
                }
            }
            foreach (var wrong in new[] { "[]", "[1]" })
                Assert.AreEqual("bad-argument", RawClient.CodeOf(await client.CallAsync(method, wrong)), $"{method}: params {wrong}");
            foreach (var wrong in new[] { "5", "\"a\"", "true", "null" })
                Assert.AreEqual("invalid-request", RawClient.CodeOf(await client.CallAsync(method, wrong)), $"{method}: params {wrong}");
        }
        TestContext.WriteLine($"{refused} wrong arguments refused");
        Assert.IsGreaterThan(250, refused);
        // What the sentences listed is what the records hold.
        foreach (var record in records)
            Assert.IsTrue(RequestRecords().Contains(record), $"no record of the protocol has: {record}");
        using var good = service.Connect();
        Assert.AreEqual(0, (await good.GetServiceAsync(TestContext.CancellationToken)).Interfaces);
        Assert.DoesNotContain("request-failed", service.LogText.ToString());
    }

    [TestMethod]
    [DataRow("""{"jsonrpc":"2.0","id":1e999,"method":"service.info"}""", "ok")]
    [DataRow("""{"jsonrpc":"2.0","id":123456789012345678901234567890,"method":"service.info"}""", "ok")]
    [DataRow("""{"jsonrpc":"2.0","id":1,"method":"interface.list","params":{"limit":1e999}}""", "bad-argument")]
    [DataRow("""{"jsonrpc":"2.0","id":1,"method":"interface.list","params":{"limit":-1}}""", "bad-argument")]
    [DataRow("""{"jsonrpc":"2.0","id":1,"method":"interface.list","params":{"cursor":"\u0000"}}""", "ok")]
    [DataRow("""{"jsonrpc":"2.0","id":"\ud800","method":"service.info"}""", "ok")]
    [DataRow("""{"jsonrpc":"2.0","id":1,"method":"\ud800"}""", "invalid-request")]
    [DataRow("""{"jsonrpc":"2.0","id":1,"method":"interface.get","params":{"name":"\ud800"}}""", "bad-argument")]
    [DataRow("""{"jsonrpc":"2.0","id":1,"method":"interface.get","params":{"name":"\u0000"}}""", "bad-argument")]
    [DataRow("""{"jsonrpc":"2.0","id":1,"method":"interface.get","params":{"\ud800":"a"}}""", "parse-error")]
    [DataRow("""{"jsonrpc":"2.0","id":1,"method":""}""", "unknown-method")]
    [DataRow("""{"jsonrpc":"2.0","id":1,"method":"Service.Info"}""", "unknown-method")]
    [DataRow("""{"jsonrpc":"2.0","id":1,"method":"service.info","surplus":[1,{}]}""", "ok")]
    [DataRow("""{"jsonrpc":"2.0","id":1,"id":2,"method":"service.info"}""", "parse-error")]
    [DataRow("""{"jsonrpc":"2.0","id":1,"method":"interface.get","params":{"name":"a","name":"b"}}""", "parse-error")]
    [DataRow("""{"jsonrpc":2.0,"id":1,"method":"service.info"}""", "invalid-request")]
    [DataRow("""{"jsonrpc":"2.0","id":true,"method":"service.info"}""", "invalid-request")]
    [DataRow("""{"jsonrpc":"2.0","id":1,"method":"service.info",}""", "parse-error")]
    [DataRow("""{"jsonrpc":"2.0","id":1,"method":"service.info"} x""", "parse-error")]
    [DataRow("""{"jsonrpc":"2.0","id":1,"method":"service.info" /* */}""", "parse-error")]
    [DataRow("null", "invalid-request")]
    [DataRow("\"service.info\"", "invalid-request")]
    [DataRow("NaN", "parse-error")]
    [DataRow("", "parse-error")]
    [DataRow("\uFEFF{}", "parse-error")]
    public async Task Odd_message_is_answered_and_the_connection_lives_on(string message, string code)
    {
        await using var service = new TestService();
        using var client = await RawClient.ConnectAsync(service.Settings.PipeName);
        await client.SendAsync(message);
        Assert.AreEqual(code, RawClient.CodeOf(await client.ReceiveAsync()));
        Assert.AreEqual("ok", RawClient.CodeOf(await client.CallAsync("service.info")));
    }

    [TestMethod]
    public async Task Bytes_that_are_no_utf8_are_a_parse_error_wherever_they_stand()
    {
        await using var service = new TestService();
        using var client = await RawClient.ConnectAsync(service.Settings.PipeName);
        // % becomes a byte that no UTF-8 has.
        foreach (var text in new[]
        {
            """{"jsonrpc":"2.0","id":"%","method":"service.info"}""", """{"jsonrpc":"2.0","id":1,"method":"%"}""", """{"jsonrpc":"%","id":1,"method":"service.info"}""",
            """{"jsonrpc":"2.0","id":1,"method":"interface.get","params":{"name":"%"}}""", """{"jsonrpc":"2.0","id":1,"method":"interface.get","params":{"%":1}}""",
            """{"%":1,"jsonrpc":"2.0","id":1,"method":"service.info"}""", """[{"jsonrpc":"2.0","id":"%","method":"service.info"}]""",
            """{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":"%"}}""", "%",
        })
        {
            foreach (var bad in new byte[][] { [0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80] })
            {
                var parts = text.Split('%').Select(Encoding.UTF8.GetBytes).ToArray();
                await client.SendAsync(RawClient.Frame([.. parts[0], .. bad, .. parts[1]]));
                Assert.AreEqual("parse-error", RawClient.CodeOf(await client.ReceiveAsync()), text);
            }
        }
        Assert.AreEqual("ok", RawClient.CodeOf(await client.CallAsync("service.info")));
    }

    [TestMethod]
    public async Task Deep_nesting_is_a_parse_error_however_deep()
    {
        await using var service = new TestService();
        using var client = await RawClient.ConnectAsync(service.Settings.PipeName);
        foreach (var depth in new[] { ProtocolJson.MaxDepth + 1, 1000, 200_000 })
        {
            await client.SendAsync(new string('[', depth) + new string(']', depth));
            Assert.AreEqual("parse-error", RawClient.CodeOf(await client.ReceiveAsync()), $"depth {depth}");
            await client.SendAsync(string.Concat(Enumerable.Repeat("{\"a\":", depth)));
            Assert.AreEqual("parse-error", RawClient.CodeOf(await client.ReceiveAsync()), $"depth {depth}");
        }
        Assert.AreEqual("ok", RawClient.CodeOf(await client.CallAsync("service.info")));
    }

    [TestMethod]
    public async Task Batches_have_bounds_and_answer_each_request_that_wants_it()
    {
        await using var service = new TestService();
        using var client = await RawClient.ConnectAsync(service.Settings.PipeName);
        await client.SendAsync("[" + string.Join(',', Enumerable.Range(0, 10_000).Select(static i => RawClient.Request(i, "service.info"))) + "]");
        Assert.AreEqual("invalid-request", RawClient.CodeOf(await client.ReceiveAsync()));
        await client.SendAsync("[1,null,\"x\",[],{}]");
        var answers = await client.ReceiveAsync();
        Assert.AreEqual("invalid-request invalid-request invalid-request invalid-request invalid-request", string.Join(' ', answers.EnumerateArray().Select(RawClient.CodeOf)));
        // Two of one number are two questions.
        await client.SendAsync($"[{RawClient.Request(7, "service.info")},{RawClient.Request(7, "port.frob")}]");
        answers = await client.ReceiveAsync();
        Assert.AreEqual("7 ok 7 unknown-method", string.Join(' ', answers.EnumerateArray().Select(static answer => $"{answer.GetProperty("id")} {RawClient.CodeOf(answer)}")));
        // Notifications are done and never answered, whatever becomes of them.
        const string Add = """{"jsonrpc":"2.0","method":"interface.add","params":{"master":"eth0","name":"quiet"}}""";
        await client.SendAsync(Add);
        await client.SendAsync(Add);
        await client.SendAsync($"[{Add},{Add}]");
        await client.SendAsync("""{"jsonrpc":"2.0","method":"no.such"}""");
        await client.SendAsync("""{"jsonrpc":"2.0","method":"$/cancelRequest"}""");
        await client.SendAsync("""{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":{}}}""");
        Assert.AreEqual("quiet", (await client.CallAsync("interface.get", """{"name":"quiet"}""")).GetProperty("result").GetProperty("name").GetString());
    }

    [TestMethod]
    public async Task Answer_of_a_batch_fits_a_message_and_what_does_not_is_refused_undone()
    {
        await using var service = new TestService();
        using var good = service.Connect();
        await good.BatchAsync([.. Enumerable.Range(0, 1000).Select(static i => RpcCall.AddInterface(new InterfaceSpec { Master = "eth0", Name = $"i{i}" }))]);
        using var client = await RawClient.ConnectAsync(service.Settings.PipeName);
        // Written without blanks so that it is below the longest message.
        await client.SendAsync("[" + string.Join(',', Enumerable.Range(0, RpcMessage.MaxBatch).Select(static i => RawClient.Request(i, "interface.list", """{"limit":1000}"""))) + "]");
        var answers = await client.ReceiveAsync();
        Assert.AreEqual(RpcMessage.MaxBatch, answers.GetArrayLength());
        var codes = answers.EnumerateArray().Select(RawClient.CodeOf).ToArray();
        Assert.AreEqual("limit-reached", codes[^1]);
        Assert.IsTrue(codes.All(static code => code is "ok" or "limit-reached"));
        await client.SendAsync("[" + string.Join(',', Enumerable.Range(0, RpcMessage.MaxBatch).Select(static i => RawClient.Request(i, new string('\u20ac', 120)))) + "]");
        Assert.AreEqual(RpcMessage.MaxBatch, (await client.ReceiveAsync()).GetArrayLength());
    }

    [TestMethod]
    [DataRow("Content-Length: 1048577\r\n\r\n")]
    [DataRow("Content-Length: -5\r\n\r\n")]
    [DataRow("GET / HTTP/1.1\r\n\r\n")]
    [DataRow("\r\n\r\n\r\n\r\n")]
    public async Task Broken_frame_is_answered_and_ends_the_connection(string frame)
    {
        await using var service = new TestService();
        using var client = await RawClient.ConnectAsync(service.Settings.PipeName);
        await client.SendAsync(Encoding.ASCII.GetBytes(frame));
        Assert.AreEqual("parse-error", RawClient.CodeOf(await client.ReceiveAsync()));
        Assert.IsNull(await client.TryReceiveAsync());
    }

    [TestMethod]
    public async Task Longest_message_is_taken()
    {
        await using var service = new TestService();
        using var client = await RawClient.ConnectAsync(service.Settings.PipeName);
        var request = RawClient.Request(1, "service.info");
        await client.SendAsync(request + new string(' ', MessageReader.MaxMessage - request.Length));
        Assert.AreEqual("ok", RawClient.CodeOf(await client.ReceiveAsync()));
    }

    [TestMethod]
    [DataRow("2", "2")]
    [DataRow("\"two\"", "\"two\"")]
    public async Task Request_that_waits_is_cancelled_and_no_other(string id, string cancelled)
    {
        await using var service = new TestService();
        using var good = service.Connect();
        await good.BatchAsync([.. Enumerable.Range(0, 800).Select(static i => RpcCall.AddInterface(new InterfaceSpec { Master = "eth0", Name = $"i{i}" }))]);
        for (var attempt = 0; ; attempt++)
        {
            using var client = await RawClient.ConnectAsync(service.Settings.PipeName);
            // Answers that are not read hold up what comes after them; the cancellation is read all the same.
            const int Before = 10;
            var name = $"c{attempt}";
            var bytes = new List<byte>();
            for (var i = 0; i < Before; i++)
                bytes.AddRange(RawClient.Frame(RawClient.Request(100 + i, "interface.list", """{"limit":1000}""")));
            bytes.AddRange(RawClient.Frame($$$"""{"jsonrpc":"2.0","id":{{{id}}},"method":"interface.add","params":{"master":"eth0","name":"{{{name}}}"}}"""));
            bytes.AddRange(RawClient.Frame(RawClient.Request(3, "service.info")));
            bytes.AddRange(RawClient.Frame($$$"""{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":{{{cancelled}}}}}"""));
            await client.SendAsync([.. bytes], TestContext.CancellationToken);
            for (var i = 0; i < Before; i++)
                Assert.AreEqual("ok", RawClient.CodeOf(await client.ReceiveAsync()));
            var second = await client.ReceiveAsync();
            Assert.AreEqual("ok", RawClient.CodeOf(await client.ReceiveAsync()), "the request after it");
            var isThere = RawClient.CodeOf(await client.CallAsync("interface.get", $$"""{"name":"{{name}}"}""")) == "ok";
            Assert.AreEqual(RawClient.CodeOf(second) == "ok", isThere, "cancelled is not done");
            if (RawClient.CodeOf(second) == "cancelled")
            {
                Assert.AreEqual(ErrorCode.Cancelled.Number, second.GetProperty("error").GetProperty("code").GetInt32());
                return;
            }
            Assert.IsLessThan(100, attempt, "never cancelled");
        }
    }

    /// <summary>All methods, as the refusal of an unknown one lists them.</summary>
    internal static async Task<string[]> MethodsAsync(RawClient client)
    {
        var sentence = RawClient.SentenceOf(await client.CallAsync("x"));
        const string Start = "there is no method \"x\"; legal are ";
        StringAssert.StartsWith(sentence, Start);
        Assert.IsFalse(sentence.EndsWith("...", StringComparison.Ordinal), $"the list is cut: {sentence}");
        return sentence[Start.Length..].Split(", ");
    }

    private static HashSet<string> RequestRecords() =>
        [.. typeof(ProtocolJson).Assembly.GetTypes()
            .Where(static type => type.GetCustomAttribute<JsonUnmappedMemberHandlingAttribute>() is not null && type.GetConstructor([]) is not null)
            .Select(static type => ProtocolJson.Plain.GetTypeInfo(type) is JsonTypeInfo info ? ProtocolJson.Fields(info) : "")];
}
