using System.IO.Pipes;
using IpVlanWin.Devices.Pcap;
using IpVlanWin.Protocol;
using IpVlanWin.Service.Control;
using IpVlanWin.Service.Observe;

namespace IpVlanWin.Service.Tests;

/// <summary>Captures and traces over the real pipe, with the memory data path.</summary>
[TestClass]
public sealed class ObservationTests
{
    public TestContext TestContext { get; set; } = null!;

    private CancellationToken Deadline => CancellationTokenSource.CreateLinkedTokenSource(
        TestContext.CancellationToken, new CancellationTokenSource(TimeSpan.FromSeconds(60)).Token).Token;

    [TestMethod]
    [DataRow(null, "eth0", "eth0 a b")]
    [DataRow(null, "a", "eth0 a b")]
    [DataRow("b", null, "b")]
    [DataRow("b", "eth0", "b")]
    public async Task Capture_streams_pcapng_until_it_is_stopped(string? name, string? master, string interfaces)
    {
        await using var service = new TestService();
        using var client = await TwoAsync(service);
        var capture = await client.StartCaptureAsync(new CaptureSpec { Interface = name, Master = master, SnapLength = 128 });
        await using var stream = await client.OpenCaptureAsync(capture, Deadline);
        // The head comes at once, whether there is traffic or not.
        var head = new byte[28];
        await stream.ReadExactlyAsync(head, Deadline);
        Assert.AreEqual(0x0A0D0D0Au, BitConverter.ToUInt32(head));
        await client.StopCaptureAsync(capture.Id);
        using var rest = new MemoryStream();
        rest.Write(head);
        await stream.CopyToAsync(rest, Deadline);
        rest.Position = 0;
        using var reader = CaptureReader.Open(rest, "capture");
        Assert.IsFalse(reader.TryRead(out _));
        Assert.AreEqual(interfaces, string.Join(' ', reader.Interfaces.Select(static one => one.Name)));
        Assert.IsTrue(reader.Interfaces.All(static one => one.SnapLength == 128));
        await EndedAsync(client, capture.Id);
    }

    [TestMethod]
    public async Task Capture_ends_with_its_reader_and_with_the_connection_that_asked()
    {
        await using var service = new TestService();
        using var client = await TwoAsync(service);
        var first = await client.StartCaptureAsync(new CaptureSpec { Interface = "a" });
        await using (var left = await client.OpenCaptureAsync(first, Deadline))
            await left.ReadExactlyAsync(new byte[28], Deadline);
        await EndedAsync(client, first.Id);
        using var other = service.Connect();
        var second = await other.StartCaptureAsync(new CaptureSpec { Interface = "a" });
        await using var stream = await other.OpenCaptureAsync(second, Deadline);
        await stream.ReadExactlyAsync(new byte[28], Deadline);
        other.Dispose();
        await stream.CopyToAsync(Stream.Null, Deadline);
        await EndedAsync(client, second.Id);
        // Nobody came for it.
        var third = await client.StartCaptureAsync(new CaptureSpec { Interface = "a" });
        await client.StopCaptureAsync(third.Id);
        await EndedAsync(client, third.Id);
        if (!OperatingSystem.IsWindows())
            Assert.IsFalse(File.Exists(first.Pipe) || File.Exists(second.Pipe) || File.Exists(third.Pipe), "no socket is left");
    }

    [TestMethod]
    public async Task Capture_has_one_reader_and_ends_with_the_service()
    {
        await using var service = new TestService();
        using var client = await TwoAsync(service);
        var capture = await client.StartCaptureAsync(new CaptureSpec { Master = "eth0" });
        await using var stream = await client.OpenCaptureAsync(capture, Deadline);
        await stream.ReadExactlyAsync(new byte[28], Deadline);
        using var second = new NamedPipeClientStream(".", capture.Pipe, PipeDirection.InOut, PipeOptions.Asynchronous);
        await Assert.ThrowsAsync<Exception>(() => second.ConnectAsync(100, Deadline));
        await service.Running.DisposeAsync();
        await stream.CopyToAsync(Stream.Null, Deadline);
        service.StartAgain();
    }

    [TestMethod]
    public async Task Captures_are_refused_with_a_sentence()
    {
        await using var service = new TestService();
        using var client = await TwoAsync(service);
        await RefusedAsync(ErrorCode.BadArgument, new CaptureSpec());
        await RefusedAsync(ErrorCode.NotFound, new CaptureSpec { Interface = "z" });
        await RefusedAsync(ErrorCode.NotFound, new CaptureSpec { Master = "eth9" });
        await client.AddInterfaceAsync(new InterfaceSpec { Master = "eth1", Name = "c" });
        await RefusedAsync(ErrorCode.BadArgument, new CaptureSpec { Master = "eth1", Interface = "a" });
        await RefusedAsync(ErrorCode.BadArgument, new CaptureSpec { Interface = "a", SnapLength = 13 });
        await RefusedAsync(ErrorCode.BadArgument, new CaptureSpec { Interface = "a", QueueBytes = 1 });
        Assert.AreSame(ErrorCode.NotFound, (await Assert.ThrowsExactlyAsync<ControlException>(() => client.StopCaptureAsync(99))).Code);
        for (var i = 0; i < Captures.MaxCaptures; i++)
            await client.StartCaptureAsync(new CaptureSpec { Interface = "a" });
        await RefusedAsync(ErrorCode.LimitReached, new CaptureSpec { Interface = "a" });

        async Task RefusedAsync(ErrorCode code, CaptureSpec spec) =>
            Assert.AreSame(code, (await Assert.ThrowsExactlyAsync<ControlException>(() => client.StartCaptureAsync(spec))).Code, $"{spec}");
    }

    [TestMethod]
    public async Task Whoever_may_only_ask_may_trace_and_not_capture()
    {
        var access = Access.Full;
        await using var service = new TestService(authorize: _ => access);
        using (await TwoAsync(service))
            access = Access.Read;
        using var client = service.Connect();
        Assert.AreSame(ErrorCode.AccessDenied, (await Assert.ThrowsExactlyAsync<ControlException>(() => client.StartCaptureAsync(new CaptureSpec { Interface = "a" }))).Code);
        Assert.AreEqual("deliver", (await client.TraceAsync(Sent("tcp"))).Decision);
    }

    [TestMethod]
    [DataRow("tcp", "10.0.0.1", "10.0.0.2", "deliver", "b", "21a")]
    [DataRow("udp", "10.0.0.1", "10.0.0.77", "wire", "", "23")]
    [DataRow("icmp", "fd00::1", "fd00::2", "deliver", "b", "21a")]
    [DataRow("arp", "10.0.0.1", "10.0.0.2", "flood", "b", "22b")]
    [DataRow("udp", "10.0.0.1", "255.255.255.255", "flood", "b", "22b")]
    public async Task Trace_builds_the_frame_and_names_the_rule(string protocol, string source, string destination, string decision, string targets, string rule)
    {
        await using var service = new TestService();
        using var client = await TwoAsync(service);
        var before = await client.GetStatisticsAsync(new ListQuery());
        var reply = await client.TraceAsync(Sent(protocol) with { Source = source, Destination = destination });
        var steps = string.Join("; ", reply.Steps.Select(static step => $"{step.Rule}: {step.Text}"));
        Assert.AreEqual((decision, targets, null), (reply.Decision, string.Join(' ', reply.Targets), reply.Reason), steps);
        Assert.Contains(rule, reply.Steps.Select(static step => step.Rule), steps);
        var again = await client.TraceAsync(new TraceSpec { Interface = "a", Direction = "from-interface", Frame = reply.Frame });
        Assert.AreEqual((reply.Decision, reply.Frame), (again.Decision, again.Frame));
        var after = await client.GetStatisticsAsync(new ListQuery());
        Assert.IsTrue(before.Items.Zip(after.Items).All(static pair => pair.First.TxPackets == pair.Second.TxPackets && pair.Second.TxPackets == 0));
    }

    [TestMethod]
    public async Task Trace_from_the_wire_and_what_is_dropped()
    {
        await using var service = new TestService();
        using var client = await TwoAsync(service);
        var came = await client.TraceAsync(new TraceSpec { Master = "eth0", Direction = "from-wire", Protocol = "tcp", Source = "10.0.0.9", Destination = "10.0.0.1", Vlan = 7 });
        Assert.AreEqual(("deliver", "a", false), (came.Decision, string.Join(' ', came.Targets), came.ToHost));
        Assert.AreEqual("1 7 9 3 12", string.Join(' ', came.Steps.Select(static step => step.Rule)));
        await client.SetPortAsync(new PortChange { Master = "eth0", Mode = "l3" });
        var lost = await client.TraceAsync(Sent("udp") with { Destination = "192.0.2.1" });
        Assert.AreEqual(("drop", "no-route", "34"), (lost.Decision, lost.Reason, lost.Steps[^1].Rule));
        StringAssert.Contains(lost.Steps[^1].Text, "192.0.2.1");
    }

    [TestMethod]
    public async Task Traces_are_refused_with_a_sentence()
    {
        await using var service = new TestService();
        using var client = await TwoAsync(service);
        (ErrorCode Code, TraceSpec Spec)[] refused =
        [
            (ErrorCode.BadArgument, new TraceSpec { Direction = "from-wire", Frame = "00" }),
            (ErrorCode.BadArgument, Sent("tcp") with { Direction = "sideways" }),
            (ErrorCode.BadArgument, Sent("tcp") with { Interface = null, Master = "eth0" }),
            (ErrorCode.BadArgument, Sent("sctp")),
            (ErrorCode.BadArgument, Sent("tcp") with { Source = "nobody" }),
            (ErrorCode.BadArgument, Sent("tcp") with { Destination = "fd00::2" }),
            (ErrorCode.BadArgument, Sent("arp") with { Source = "fd00::1", Destination = "fd00::2" }),
            (ErrorCode.BadArgument, Sent("icmp") with { SourcePort = 1 }),
            (ErrorCode.BadArgument, Sent("tcp") with { DestinationPort = 65536 }),
            (ErrorCode.BadArgument, Sent("tcp") with { Vlan = 4095 }),
            (ErrorCode.BadArgument, Sent("tcp") with { SourceMac = "x" }),
            (ErrorCode.BadArgument, Sent("tcp") with { Frame = "00" }),
            (ErrorCode.BadArgument, new TraceSpec { Interface = "a", Direction = "from-interface", Frame = "0" }),
            (ErrorCode.BadArgument, new TraceSpec { Interface = "a", Direction = "from-interface", Frame = "xy" }),
            (ErrorCode.NotFound, Sent("tcp") with { Interface = "z" }),
        ];
        foreach (var (code, spec) in refused)
            Assert.AreSame(code, (await Assert.ThrowsExactlyAsync<ControlException>(() => client.TraceAsync(spec))).Code, $"{spec}");
    }

    private static TraceSpec Sent(string protocol) =>
        new() { Interface = "a", Direction = "from-interface", Protocol = protocol, Source = "10.0.0.1", Destination = "10.0.0.2" };

    private static async Task<ControlClient> TwoAsync(TestService service)
    {
        var client = service.Connect();
        await client.AddInterfaceAsync(new InterfaceSpec { Master = "eth0", Name = "a", Mode = "l2", Admin = "up", Addresses = ["10.0.0.1/24", "fd00::1/64"] });
        await client.AddInterfaceAsync(new InterfaceSpec { Master = "eth0", Name = "b", Admin = "up", Addresses = ["10.0.0.2/24", "fd00::2/64"] });
        return client;
    }

    /// <summary>It is no longer among those that run.</summary>
    private async Task EndedAsync(ControlClient client, long id)
    {
        while (true)
        {
            try
            {
                await client.StopCaptureAsync(id, Deadline);
            }
            catch (ControlException gone) when (gone.Code == ErrorCode.NotFound)
            {
                return;
            }
            await Task.Delay(10, Deadline);
        }
    }
}
