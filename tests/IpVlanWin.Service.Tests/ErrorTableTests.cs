using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using IpVlanWin.Protocol;
using IpVlanWin.Service.Control;
using Microsoft.Data.Sqlite;

namespace IpVlanWin.Service.Tests;

/// <summary>Every error of the contract, provoked over the pipe: code, number, errno and sentence. The table is complete, or its test fails.</summary>
[TestClass]
public sealed class ErrorTableTests
{
    // Code, method, arguments, sentence. What exists beforehand: `Prepare`.
    private static readonly (ErrorCode Code, string Method, string Arguments, string Sentence)[] s_table =
    [
        (ErrorCode.NameInUse, "interface.add", """{"master":"eth0","name":"a"}""", "the name \"a\" is in use; choose another"),
        (ErrorCode.NameInUse, "interface.set", """{"name":"a","newName":"b"}""", "the name \"b\" is in use; choose another"),
        (ErrorCode.AddressInUse, "address.add", """{"interface":"b","prefix":"10.0.0.1/32"}""", "address 10.0.0.1 belongs to interface \"a\"; remove it there first"),
        (ErrorCode.AddressInUse, "interface.add", """{"master":"a","name":"c","addresses":["fd00::1/64"]}""", "address fd00::1 belongs to interface \"a\"; remove it there first"),
        (ErrorCode.ModeNotSupported, "interface.add", """{"master":"eth1","name":"c","datapath":"windivert"}""", "data path windivert cannot do anything on this system; * could"),
        (ErrorCode.ModeNotSupported, "port.set", """{"master":"eth0","datapath":"filter"}""", "data path filter cannot do anything on this system; * could"),
        (ErrorCode.FlagConflict, "port.set", """{"master":"eth0","flag":"private vepa"}""", "private and vepa exclude each other; give one of bridge, private or vepa"),
        (ErrorCode.FlagConflict, "interface.add", """{"master":"eth1","name":"c","flag":"vepa|private"}""", "private and vepa exclude each other; give one of bridge, private or vepa"),
        (ErrorCode.AddressExists, "address.add", """{"interface":"a","prefix":"10.0.0.1/24"}""", "interface \"a\" has address 10.0.0.1/24 already"),
        (ErrorCode.AddressAbsent, "address.remove", """{"interface":"a","prefix":"10.0.0.1/25"}""", "interface \"a\" has no address 10.0.0.1/25; address and prefix length must both be as they were added"),
        (ErrorCode.GroupAbsent, "multicast.remove", """{"interface":"a","group":"33:33:00:00:00:ab"}""", "interface \"a\" is not a member of group 33:33:00:00:00:ab"),
        (ErrorCode.MacNotSettable, "interface.set", """{"name":"a","mac":"02:00:00:00:00:01"}""", "interface \"a\" has the MAC of its master and no other; set it on the master"),
        (ErrorCode.BadArgument, "multicast.add", """{"interface":"a","group":"02:00:00:00:00:01"}""", "argument of \"group\" must be the MAC address of a multicast group such as 01:00:5e:00:00:fb or 33:33:00:00:00:fb"),
        (ErrorCode.NotFound, "multicast.add", """{"interface":"c","group":"33:33:00:00:00:ab"}""", "there is no interface \"c\""),
        (ErrorCode.LimitReached, "interface.add", $$"""{"master":"eth0","name":"c","addresses":[{{string.Join(',', Enumerable.Range(0, 4097).Select(static i => $"\"10.9.{i / 256}.{i % 256}/8\""))}}]}""", "the limit of 4096 addresses of an interface is reached"),
        (ErrorCode.NotFound, "interface.get", """{"name":"c"}""", "there is no interface \"c\""),
        (ErrorCode.NotFound, "interface.remove", """{"name":"c"}""", "there is no interface \"c\""),
        (ErrorCode.NotFound, "port.get", """{"master":"eth1"}""", "there is no port \"eth1\""),
        (ErrorCode.NotFound, "statistics.get", """{"interface":"c"}""", "there is no interface \"c\""),
        (ErrorCode.NotFound, "statistics.reset", """{"name":"c"}""", "there is no interface \"c\""),
        (ErrorCode.BadArgument, "port.set", """{"master":"eth0","mode":"l4"}""", "argument of \"mode\" must be l2, l3 or l3s"),
        (ErrorCode.BadArgument, "port.set", """{"master":"eth0","flag":"open"}""", "argument of \"flag\" must be bridge, private or vepa"),
        (ErrorCode.BadArgument, "interface.set", """{"name":"a","admin":"on"}""", "argument of \"admin\" must be up or down"),
        (ErrorCode.BadArgument, "interface.set", """{"name":"a","mtu":67}""", "argument of \"mtu\" must be 68 to 1500, the master's, in bytes of IP packet"),
        (ErrorCode.BadArgument, "interface.list", """{"limit":1001}""", "argument of \"limit\" must be 1 to 1000"),
        (ErrorCode.BadArgument, "state.import", """{"text":"{\"schema\":9}","isFirst":true,"isLast":true}""", "argument of \"schema\" must be 1; this document has 9"),
        (ErrorCode.Conflict, "interface.set", """{"name":"a","admin":"up","version":77}""", "\"a\" is at version 1 and not 77; read it again and repeat the change"),
        (ErrorCode.Conflict, "interface.remove", """{"name":"a","version":77}""", "\"a\" is at version 1 and not 77; read it again and repeat the change"),
        (ErrorCode.NotStored, "interface.add", """{"master":"eth0","name":"unstorable"}""", "the change was not made, because it could not be stored: *no room for it*"),
        (ErrorCode.UnknownMethod, "port.frob", "{}", "there is no method \"port.frob\"; legal are port.list, *"),
        (ErrorCode.InvalidRequest, "", "5", "this is not a JSON-RPC 2.0 request: its params must be an object"),
    ];

    [TestMethod]
    public async Task Every_error_of_the_contract_is_provoked_with_number_errno_and_sentence()
    {
        await using var service = new TestService();
        await PrepareAsync(service);
        using var client = await RawClient.ConnectAsync(service.Settings.PipeName);
        var provoked = new HashSet<ErrorCode>();
        foreach (var (code, method, arguments, sentence) in s_table)
        {
            Check(await client.CallAsync(method, arguments), code, sentence);
            provoked.Add(code);
        }

        await client.SendAsync($"[{RawClient.Request(1, "interface.set", """{"name":"b","admin":"up"}""")},{RawClient.Request(2, "interface.remove", """{"name":"c"}""")}]");
        Check((await client.ReceiveAsync())[0], ErrorCode.BatchRefused, "nothing of this batch was done, because request 2 was refused (not-found)");
        provoked.Add(ErrorCode.BatchRefused);

        await client.SendAsync("{]");
        Check(await client.ReceiveAsync(), ErrorCode.ParseError, "the message is not understood: *");
        provoked.Add(ErrorCode.ParseError);

        provoked.Add(await CancelAsync(service));
        provoked.Add(await DenyAsync());
        provoked.Add(await FailAsync(service));
        provoked.UnionWith(await MissAsync());
        provoked.UnionWith(await WaitAsync());
        provoked.Add(await WithoutMasterAsync(service));

        Assert.AreEqual(
            string.Join(' ', ErrorCode.All.Select(static code => code.Name).Order()),
            string.Join(' ', provoked.Select(static code => code.Name).Order()), "each code is provoked");
    }

    /// <summary>Where a master is missing or no Ethernet only a host knows; the memory data path has any.</summary>
    private static async Task<ErrorCode[]> MissAsync()
    {
        if (!OperatingSystem.IsLinux())
            return [ErrorCode.MasterNotFound, ErrorCode.MasterNotEthernet];
        await using var service = new TestService();
        using var client = await RawClient.ConnectAsync(service.Settings.PipeName);
        Check(
            await client.CallAsync("interface.add", """{"master":"no-such-nic","name":"a","datapath":"linux"}"""),
            ErrorCode.MasterNotFound, "there is no adapter \"no-such-nic\"; give the name or index of an adapter of this host");
        Check(
            await client.CallAsync("interface.add", """{"master":"lo","name":"a","datapath":"linux"}"""),
            ErrorCode.MasterNotEthernet, "adapter \"lo\" is not Ethernet; a master must be an Ethernet adapter");
        return [ErrorCode.MasterNotFound, ErrorCode.MasterNotEthernet];
    }

    private static async Task<ErrorCode> DenyAsync()
    {
        await using var service = new TestService(authorize: static _ => Access.Read);
        using var client = await RawClient.ConnectAsync(service.Settings.PipeName);
        Check(await client.CallAsync("interface.remove", """{"name":"a"}"""), ErrorCode.AccessDenied, "interface.remove needs administrator rights");
        return ErrorCode.AccessDenied;
    }

    /// <summary>A fault of ours, where nobody expects one.</summary>
    private static async Task<ErrorCode> FailAsync(TestService service)
    {
        using var client = await RawClient.ConnectAsync(service.Settings.PipeName);
        var passed = service.Running.Reconciler.OnPassed;
        service.Running.Reconciler.OnPassed = static (_, _, _, _) => throw new NotSupportedException();
        Check(await client.CallAsync("interface.set", """{"name":"a","mtu":1000}"""), ErrorCode.InternalError, "the service failed (NotSupportedException); its log says more");
        StringAssert.Contains(service.LogText.ToString(), "error request-failed method=change");
        service.Running.Reconciler.OnPassed = passed;
        return ErrorCode.InternalError;
    }

    /// <summary>A port whose master does not come back with the service: nothing of it runs.</summary>
    private static async Task<ErrorCode> WithoutMasterAsync(TestService service)
    {
        service.Datapath = "linux";
        await service.RestartAsync();
        using var client = await RawClient.ConnectAsync(service.Settings.PipeName);
        Check(
            await client.CallAsync("trace.start", """{"interface":"a","direction":"from-interface","protocol":"arp","source":"10.0.0.1","destination":"10.0.0.2"}"""),
            ErrorCode.LinkDown, "\"eth0\" is down; set it up first");
        Check(await client.CallAsync("capture.start", """{"master":"eth0"}"""), ErrorCode.LinkDown, "\"eth0\" is down; set it up first");
        return ErrorCode.LinkDown;
    }

    private static async Task<ErrorCode> CancelAsync(TestService service)
    {
        using var good = service.Connect();
        await good.BatchAsync([.. Enumerable.Range(0, 800).Select(static i => RpcCall.AddInterface(new InterfaceSpec { Master = "eth0", Name = $"i{i}" }))]);
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < TimeSpan.FromSeconds(60);)
        {
            using var client = await RawClient.ConnectAsync(service.Settings.PipeName);
            var bytes = new List<byte>();
            for (var i = 0; i < 10; i++)
                bytes.AddRange(RawClient.Frame(RawClient.Request(10, "interface.list", """{"limit":1000}""")));
            bytes.AddRange(RawClient.Frame(RawClient.Request(2, "service.info")));
            bytes.AddRange(RawClient.Frame("""{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":2}}"""));
            await client.SendAsync([.. bytes]);
            for (var i = 0; i < 10; i++)
                await client.ReceiveAsync();
            var answer = await client.ReceiveAsync();
            if (RawClient.CodeOf(answer) == "ok")
                continue;
            Check(answer, ErrorCode.Cancelled, "the request was cancelled before it was done");
            return ErrorCode.Cancelled;
        }
        throw new AssertFailedException("never cancelled");
    }

    /// <summary>The two that clients make themselves.</summary>
    private static async Task<ErrorCode[]> WaitAsync()
    {
        using var folder = new TestFolder();
        var name = ServiceProcess.PipeFor(folder);
        using var nobody = new ControlClient(name) { ConnectTimeout = TimeSpan.FromMilliseconds(50) };
        var fault = await Assert.ThrowsExactlyAsync<ControlException>(() => nobody.GetServiceAsync());
        Assert.AreSame(ErrorCode.ServiceUnreachable, fault.Code);
        Assert.AreEqual($"the service does not answer on {name} (nobody listens); start it with: ipvlan service start", fault.Message);
        await using var silent = new System.IO.Pipes.NamedPipeServerStream(name, System.IO.Pipes.PipeDirection.InOut, 1, System.IO.Pipes.PipeTransmissionMode.Byte, System.IO.Pipes.PipeOptions.Asynchronous);
        var connecting = silent.WaitForConnectionAsync();
        using var client = new ControlClient(name) { Timeout = TimeSpan.FromSeconds(0.5) };
        fault = await Assert.ThrowsExactlyAsync<ControlException>(() => client.GetServiceAsync());
        await connecting;
        Assert.AreSame(ErrorCode.TimedOut, fault.Code);
        Assert.AreEqual("service.info was not answered within 0.5 s; whether it was done is not known", fault.Message);
        return [ErrorCode.ServiceUnreachable, ErrorCode.TimedOut];
    }

    /// <summary>Interfaces a (10.0.0.1/24, fd00::1/64) and b on eth0, and a store that refuses one name.</summary>
    private static async Task PrepareAsync(TestService service)
    {
        using (var client = service.Connect())
        {
            await client.BatchAsync([
                RpcCall.AddInterface(new InterfaceSpec { Master = "eth0", Name = "a", Addresses = ["10.0.0.1/24", "fd00::1/64"] }),
                RpcCall.AddInterface(new InterfaceSpec { Master = "eth0", Name = "b" })]);
        }
        await service.Running.DisposeAsync();
        using (var connection = new SqliteConnection($"Data Source={Path.Combine(service.Folder, "state.db")};Pooling=False"))
        {
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = "CREATE TRIGGER refuse BEFORE INSERT ON interfaces WHEN NEW.name = 'unstorable' BEGIN SELECT RAISE(ABORT, 'no room for it'); END";
            command.ExecuteNonQuery();
        }
        service.StartAgain();
    }

    /// <summary>A star in the sentence stands for anything.</summary>
    private static void Check(JsonElement answer, ErrorCode code, string sentence)
    {
        var text = answer.ToString();
        Assert.IsTrue(answer.TryGetProperty("error", out var error), text[..Math.Min(200, text.Length)]);
        var data = error.GetProperty("data");
        Assert.AreEqual(code.Name, data.GetProperty("code").GetString(), text);
        Assert.AreEqual(code.Number, error.GetProperty("code").GetInt32(), text);
        Assert.AreEqual(code.Errno, data.TryGetProperty("errno", out var errno) ? errno.GetString() : null, text);
        var parts = sentence.Split('*');
        var message = error.GetProperty("message").GetString()!;
        var isLike = message.StartsWith(parts[0], StringComparison.Ordinal) && message.EndsWith(parts[^1], StringComparison.Ordinal) && parts.All(part => message.Contains(part, StringComparison.Ordinal));
        Assert.IsTrue(parts.Length == 1 ? message == sentence : isLike, string.Create(CultureInfo.InvariantCulture, $"expected: {sentence}\nactual: {message}"));
    }
}
