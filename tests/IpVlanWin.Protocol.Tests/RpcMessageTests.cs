using System.Text;
using System.Text.Json;

namespace IpVlanWin.Protocol.Tests;

/// <summary>JSON-RPC 2.0 requests and batches.</summary>
[TestClass]
public sealed class RpcMessageTests
{
    [TestMethod]
    public void Call_notification_and_batch_are_told_apart()
    {
        using var call = Parse("""{"jsonrpc":"2.0","id":7,"method":"port.list","params":{"limit":3}}""");
        Assert.IsFalse(call.IsBatch);
        Assert.AreEqual("port.list", call.Requests[0].Method);
        Assert.AreEqual(7, call.Requests[0].Id.GetInt32());
        Assert.IsFalse(call.Requests[0].IsNotification);
        using var notification = Parse("""{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":7}}""");
        Assert.IsTrue(notification.Requests[0].IsNotification);
        using var batch = Parse("""[{"jsonrpc":"2.0","id":"a","method":"x"},5]""");
        Assert.IsTrue(batch.IsBatch);
        Assert.IsNull(batch.Requests[0].Fault);
        Assert.AreSame(ErrorCode.InvalidRequest, batch.Requests[1].Fault!.Code);
        Assert.IsFalse(batch.Requests[1].IsNotification, "a broken request is answered");
    }

    [TestMethod]
    [DataRow("""{"id":1,"method":"x"}""", "jsonrpc")]
    [DataRow("""{"jsonrpc":"1.0","id":1,"method":"x"}""", "jsonrpc")]
    [DataRow("""{"jsonrpc":"2.0","id":1}""", "method")]
    [DataRow("""{"jsonrpc":"2.0","id":1,"method":5}""", "method")]
    [DataRow("""{"jsonrpc":"2.0","id":1,"method":"\ud800"}""", "method")]
    [DataRow("""{"jsonrpc":"2.0","id":{},"method":"x"}""", "id")]
    [DataRow("""{"jsonrpc":"2.0","id":[1],"method":"x"}""", "id")]
    [DataRow("""{"jsonrpc":"2.0","id":1,"method":"x","params":5}""", "params")]
    [DataRow("5", "object")]
    [DataRow("null", "object")]
    public void Damaged_request_says_what_is_wrong(string json, string expected)
    {
        using var message = Parse(json);
        Assert.AreSame(ErrorCode.InvalidRequest, message.Requests[0].Fault!.Code);
        StringAssert.Contains(message.Requests[0].Fault!.Message, expected);
    }

    [TestMethod]
    [DataRow("{", "parse-error")]
    [DataRow("", "parse-error")]
    [DataRow("{\"a\":1}{", "parse-error")]
    [DataRow("[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]", "parse-error")]
    [DataRow("[]", "invalid-request")]
    public void Damaged_message_is_refused_whole(string json, string code) =>
        Assert.AreEqual(code, Assert.ThrowsExactly<ControlException>(() => Parse(json)).Code.Name);

    [TestMethod]
    public void Batch_has_a_bound()
    {
        var one = """{"jsonrpc":"2.0","id":1,"method":"x"}""";
        using var most = Parse("[" + string.Join(',', Enumerable.Repeat(one, RpcMessage.MaxBatch)) + "]");
        Assert.HasCount(RpcMessage.MaxBatch, most.Requests);
        var fault = Assert.ThrowsExactly<ControlException>(() => Parse("[" + string.Join(',', Enumerable.Repeat(one, RpcMessage.MaxBatch + 1)) + "]"));
        StringAssert.Contains(fault.Message, "1 to 1000");
    }

    [TestMethod]
    public void Request_keeps_its_bytes_when_the_reader_goes_on()
    {
        var bytes = Encoding.UTF8.GetBytes("""{"jsonrpc":"2.0","id":1,"method":"port.get","params":{"master":"eth0"}}""");
        using var message = RpcMessage.Parse(new ArraySegment<byte>(bytes));
        Array.Clear(bytes);
        Assert.AreEqual("eth0", ProtocolJson.ReadArguments(message.Requests[0].Arguments, ProtocolJson.Plain.PortName).Master);
    }

    [TestMethod]
    [DataRow("""{"mtu":"1500"}""", "mtu")]
    [DataRow("""{"mtu":99999999999}""", "mtu")]
    [DataRow("""{"addresses":[5]}""", "addresses")]
    [DataRow("""{"nmae":"x"}""", "nmae")]
    [DataRow("""[1]""", "params")]
    public void Wrong_arguments_are_named_with_the_legal_ones(string json, string field)
    {
        using var document = JsonDocument.Parse(json);
        var fault = Assert.ThrowsExactly<ControlException>(() => ProtocolJson.ReadArguments(document.RootElement, ProtocolJson.Plain.InterfaceSpec));
        Assert.AreSame(ErrorCode.BadArgument, fault.Code);
        StringAssert.Contains(fault.Message, $"\"{field}");
        StringAssert.Contains(fault.Message, "mtu (whole number)");
    }

    [TestMethod]
    public void Answers_are_json_rpc()
    {
        var writer = new MessageWriter();
        using (var json = writer.BeginJson())
            RpcText.WriteError(json, default, ErrorCode.AddressInUse.With("10.0.0.2", "ipvl0"));
        Assert.AreEqual(
            """{"jsonrpc":"2.0","id":null,"error":{"code":-32004,"message":"address 10.0.0.2 belongs to interface \"ipvl0\"; remove it there first","data":{"code":"address-in-use","errno":"EADDRINUSE"}}}""",
            Encoding.UTF8.GetString(writer.Body.AsSpan()));
        writer = new MessageWriter();
        using (var id = JsonDocument.Parse("\"a\""))
        using (var json = writer.BeginJson())
            RpcText.WriteResult(json, id.RootElement, new ChangeReply { Version = 9 });
        Assert.AreEqual("""{"jsonrpc":"2.0","id":"a","result":{"version":9}}""", Encoding.UTF8.GetString(writer.Body.AsSpan()));
    }

    private static RpcMessage Parse(string json) => RpcMessage.Parse(new ArraySegment<byte>(Encoding.UTF8.GetBytes(json)));
}
