using System.Diagnostics;
using System.Diagnostics.Metrics;
using IpVlanWin.Datapath;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Protocol;
using IpVlanWin.Service.Metrics;
using IpVlanWin.Service.Reconcile;

namespace IpVlanWin.Service.Tests.Metrics;

[TestClass]
public sealed class MetricsTests
{
    public TestContext TestContext { get; set; } = null!;

    [TestMethod]
    public void Traffic_is_read_from_the_data_paths()
    {
        using var traffic = new Traffic(("a", 1), ("b", 2));
        using var telemetry = new Telemetry();
        telemetry.Watch(traffic.State, traffic.Find, MetricsDetail.Interface);
        var read = Read(telemetry.Meter);
        Assert.AreEqual(10, read["ipvlan.interface.io By ipvlan.master=eth0 network.interface.name=a network.io.direction=receive"]);
        Assert.AreEqual(20, read["ipvlan.interface.io By ipvlan.master=eth0 network.interface.name=a network.io.direction=transmit"]);
        Assert.AreEqual(2, read["ipvlan.interface.packets {packet} ipvlan.master=eth0 network.interface.name=b network.io.direction=receive"]);
        Assert.AreEqual(6, read["ipvlan.interface.errors {error} ipvlan.master=eth0 network.interface.name=b network.io.direction=receive"]);
        Assert.AreEqual(8, read["ipvlan.interface.errors {error} ipvlan.master=eth0 network.interface.name=b network.io.direction=transmit"]);
        Assert.AreEqual(7, read["ipvlan.frames.dropped {frame} ipvlan.drop.reason=no-route ipvlan.master=eth0"]);
        Assert.AreEqual(2, read["ipvlan.port.interfaces {interface} ipvlan.master=eth0"]);
        Assert.AreEqual(1, read["ipvlan.port.up  ipvlan.master=eth0"]);
        Assert.AreEqual(0, read["ipvlan.interface.faults {interface} ipvlan.master=eth0"]);
        Assert.AreEqual(2, read["ipvlan.state.interfaces {interface}"]);
        Assert.AreEqual(1, read["ipvlan.state.ports {port}"]);
    }

    [TestMethod]
    [DataRow(true)]
    [DataRow(false)]
    public void Number_of_series_is_bounded(bool isAsked)
    {
        var count = isAsked ? 3 : Telemetry.MaxInterfaces + 1;
        using var traffic = new Traffic([.. Enumerable.Range(0, count).Select(static i => ($"i{i}", 1L))]);
        using var telemetry = new Telemetry();
        telemetry.Watch(traffic.State, traffic.Find, isAsked ? MetricsDetail.Port : MetricsDetail.Interface);
        var read = Read(telemetry.Meter);
        Assert.AreEqual(10 * count, read["ipvlan.interface.io By ipvlan.master=eth0 network.io.direction=receive"]);
        Assert.AreEqual(4 * count, read["ipvlan.interface.errors {error} ipvlan.master=eth0 network.io.direction=transmit"]);
        Assert.IsLessThan(20, read.Count);
    }

    [TestMethod]
    public async Task Requests_passes_and_clients_are_measured_and_traced()
    {
        var spans = new List<string>();
        using var tracing = new ActivityListener
        {
            ShouldListenTo = static source => source.Name == Telemetry.Name,
            Sample = static (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = activity =>
            {
                lock (spans)
                    spans.Add($"{activity.OperationName} {activity.GetTagItem("rpc.method")} {activity.GetTagItem("error.type")} {activity.Status}");
            },
        };
        ActivitySource.AddActivityListener(tracing);
        await using var service = new TestService();
        var counted = new Dictionary<string, double>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, self) =>
            {
                if (ReferenceEquals(instrument.Meter, service.Running.Telemetry.Meter))
                    self.EnableMeasurementEvents(instrument);
            },
        };
        void Take(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags, bool isDuration)
        {
            lock (counted)
            {
                var key = Key(instrument, tags);
                counted[key] = counted.GetValueOrDefault(key) + (isDuration ? 1 : value);
                if (isDuration)
                    Assert.IsInRange(0, 60, value);
            }
        }
        listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Take(instrument, value, tags, isDuration: true));
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Take(instrument, value, tags, isDuration: false));
        listener.Start();
        using (var client = service.Connect())
        {
            await client.AddInterfaceAsync(new InterfaceSpec { Master = "eth0", Name = "a", Admin = "up" }, TestContext.CancellationToken);
            await Assert.ThrowsExactlyAsync<ControlException>(() => client.AddInterfaceAsync(new InterfaceSpec { Master = "eth0", Name = "a" }, TestContext.CancellationToken));
            await client.BatchAsync([RpcCall.SetInterface(new InterfaceChange { Name = "a", Admin = "down" })], TestContext.CancellationToken);
            await Assert.ThrowsExactlyAsync<ControlException>(() => client.GetInterfaceAsync("nowhere", TestContext.CancellationToken));
            service.Running.Reconciler.Find("eth0")!.Running!.SetUp("a", true);
            service.Running.Reconciler.Run(full: true);
        }
        await service.Running.DisposeAsync();
        lock (counted)
        {
            Assert.AreEqual(1, counted["ipvlan.rpc.duration s rpc.method=interface.add rpc.system.name=jsonrpc"]);
            Assert.AreEqual(1, counted["ipvlan.rpc.duration s error.type=name-in-use rpc.method=interface.add rpc.system.name=jsonrpc"]);
            Assert.AreEqual(1, counted["ipvlan.rpc.duration s rpc.method=batch rpc.system.name=jsonrpc"]);
            Assert.AreEqual(1, counted["ipvlan.rpc.duration s error.type=not-found rpc.method=interface.get rpc.system.name=jsonrpc"]);
            Assert.AreEqual(2, counted["ipvlan.reconcile.duration s ipvlan.reconcile.scope=changed"]);
            Assert.AreEqual(1, counted["ipvlan.reconcile.drift {difference}"]);
            Assert.AreEqual(0, counted["ipvlan.rpc.connections {connection}"], "whoever came has gone");
        }
        lock (spans)
        {
            Assert.Contains("ipvlan.rpc interface.add name-in-use Error", spans);
            Assert.Contains("ipvlan.rpc batch  Unset", spans);
            Assert.Contains("ipvlan.reconcile   Unset", spans);
        }
    }

    private static Dictionary<string, long> Read(Meter meter)
    {
        var read = new Dictionary<string, long>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, self) =>
            {
                if (ReferenceEquals(instrument.Meter, meter))
                    self.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => read.Add(Key(instrument, tags), value));
        listener.Start();
        listener.RecordObservableInstruments();
        return read;
    }

    private static string Key(Instrument instrument, ReadOnlySpan<KeyValuePair<string, object?>> tags) =>
        string.Join(' ', tags.ToArray().Select(static tag => $"{tag.Key}={tag.Value}").Order(StringComparer.Ordinal).Prepend($"{instrument.Name} {instrument.Unit}"));

    /// <summary>One port with interfaces that have counted n, 2n, ...</summary>
    private sealed class Traffic : IDisposable
    {
        private readonly TestFolder _folder = new();
        private readonly PortRuntime _runtime = new("auto");

        public Traffic(params (string Name, long Count)[] interfaces)
        {
            State = _folder.Open();
            State.Change(change =>
            {
                foreach (var (name, _) in interfaces)
                    change.AddInterface(new InterfaceSpec { Master = "eth0", Name = name });
            });
            var none = new Dictionary<DropReason, long>();
            _runtime.Running = new FakeDatapath(
                new PortStatus("eth0", PortMode.L3, PortFlag.Bridge, default, 1500, true, [], new Dictionary<DropReason, long> { [DropReason.NoRoute] = 7 }),
                [.. interfaces.Select(one => new InterfaceStatus(one.Name, null, true, 1500, [], [],
                    new CounterValues(one.Count, 10 * one.Count, 0, 2 * one.Count, 20 * one.Count, 3 * one.Count, 4 * one.Count), none))]);
        }

        public State.DesiredState State { get; }

        public PortRuntime? Find(string master) => master == "eth0" ? _runtime : null;

        public void Dispose()
        {
            State.Dispose();
            _folder.Dispose();
        }
    }
}
