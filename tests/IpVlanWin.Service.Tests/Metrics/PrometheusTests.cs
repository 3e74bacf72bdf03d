using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using IpVlanWin.Protocol;
using IpVlanWin.Service.Metrics;

namespace IpVlanWin.Service.Tests.Metrics;

/// <summary>The endpoint over real HTTP.</summary>
[TestClass]
public sealed class PrometheusTests
{
    private static readonly IPEndPoint s_any = new(IPAddress.Loopback, 0);

    public TestContext TestContext { get; set; } = null!;

    [TestMethod]
    public async Task Service_tells_its_metrics()
    {
        await using var service = new TestService();
        await service.Running.DisposeAsync();
        await using (var running = ControlService.Start(service.Folder, "memory", service.Settings, new ServiceLog(TextWriter.Null), new MetricsSettings(Prometheus: s_any)))
        {
            using var client = service.Connect();
            await client.AddInterfaceAsync(new InterfaceSpec { Master = "Ethernet \"1\"\\", Name = "ipvl0", Admin = "up" }, TestContext.CancellationToken);
            using var http = new HttpClient();
            var first = await GetAsync(http, running);
            Assert.AreEqual("counter", first.Types["ipvlan_interface_io_bytes_total"]);
            Assert.AreEqual(0, first.Samples["ipvlan_interface_io_bytes_total{ipvlan_master=Ethernet \"1\"\\,network_interface_name=ipvl0,network_io_direction=receive}"]);
            Assert.AreEqual(1, first.Samples["ipvlan_state_interfaces"]);
            Assert.AreEqual("gauge", first.Types["ipvlan_state_interfaces"]);
            Assert.AreEqual(1, first.Samples["ipvlan_rpc_connections"]);
            Assert.AreEqual("histogram", first.Types["ipvlan_rpc_duration_seconds"]);
            Assert.AreEqual(1, first.Samples["ipvlan_rpc_duration_seconds_count{rpc_system_name=jsonrpc,rpc_method=interface.add}"]);
            Assert.AreEqual(1, first.Samples["ipvlan_rpc_duration_seconds_bucket{rpc_system_name=jsonrpc,rpc_method=interface.add,le=+Inf}"]);
            Assert.IsGreaterThan(1, first.Samples["ipvlan_reconcile_duration_seconds_count{ipvlan_reconcile_scope=full}"] + first.Samples["ipvlan_reconcile_duration_seconds_count{ipvlan_reconcile_scope=changed}"]);
            await client.RemoveInterfaceAsync("ipvl0", TestContext.CancellationToken);
            // Readings of a data path are shared for a moment; then series that are gone are not repeated.
            var second = await GetAsync(http, running);
            for (var clock = Stopwatch.StartNew(); second.Types.ContainsKey("ipvlan_interface_io_bytes_total"); second = await GetAsync(http, running))
                Assert.IsLessThan(TimeSpan.FromSeconds(20), clock.Elapsed, "a series that is gone is repeated");
            Assert.AreEqual(0, second.Samples["ipvlan_state_interfaces"]);
        }
    }

    [TestMethod]
    public async Task Names_labels_and_numbers_are_written_as_the_format_wants()
    {
        using var meter = new Meter("test");
        using var endpoint = new PrometheusEndpoint(s_any, meter, new ServiceLog(TextWriter.Null));
        var counter = meter.CreateCounter<long>("a.b-c", "{thing}", "Line\nwith \\ and \".");
        counter.Add(2, new KeyValuePair<string, object?>("x.y", "a\"b\\c\nd"));
        counter.Add(3, new KeyValuePair<string, object?>("x.y", "a\"b\\c\nd"));
        meter.CreateHistogram("h", "s", "H", null, new InstrumentAdvice<double> { HistogramBucketBoundaries = [1, 2.5] }).Record(2.5);
        meter.CreateObservableGauge("g", () => new[] { new Measurement<double>(double.NaN, new KeyValuePair<string, object?>("n", 1)), new Measurement<double>(1e300, new KeyValuePair<string, object?>("n", 2)) }, "By", "G");
        using var http = new HttpClient();
        using var answer = await http.GetAsync($"http://{endpoint.Address}/metrics?x=1", TestContext.CancellationToken);
        Assert.AreEqual("text/plain; version=0.0.4; charset=utf-8", answer.Content.Headers.ContentType!.ToString());
        var read = Exposition.Parse(await answer.Content.ReadAsStringAsync(TestContext.CancellationToken));
        Assert.AreEqual("Line\\nwith \\\\ and \".", read.Helps["a_b_c_total"]);
        Assert.AreEqual(5, read.Samples["a_b_c_total{x_y=a\"b\\c\nd}"]);
        Assert.AreEqual((0.0, 1.0, 1.0, 2.5), (read.Samples["h_seconds_bucket{le=1}"], read.Samples["h_seconds_bucket{le=2.5}"], read.Samples["h_seconds_count"], read.Samples["h_seconds_sum"]));
        Assert.AreEqual((double.NaN, 1e300), (read.Samples["g_bytes{n=1}"], read.Samples["g_bytes{n=2}"]));
        using var head = await http.SendAsync(new HttpRequestMessage(HttpMethod.Head, $"http://{endpoint.Address}/metrics"), TestContext.CancellationToken);
        Assert.IsGreaterThan(0, head.Content.Headers.ContentLength!.Value);
    }

    [TestMethod]
    [DataRow("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "404 Not Found")]
    [DataRow("POST /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n", "405 Method Not Allowed")]
    [DataRow("GET /metrics HTTP/1.1\r\nHost: rebound.example:9464\r\n\r\n", "403 Forbidden")]
    [DataRow("GET /metrics HTTP/1.1\r\n\r\n", "400 Bad Request")]
    [DataRow("GET /metrics HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", "400 Bad Request")]
    [DataRow("GET /metrics HTTP/2.0\r\nHost: localhost\r\n\r\n", "400 Bad Request")]
    [DataRow("nonsense\r\n\r\n", "400 Bad Request")]
    [DataRow("\r\n\r\n", "431 Request Header Fields Too Large")]
    [DataRow("GET /metrics HTTP/1.0\r\n\r\n", "200 OK")]
    [DataRow("GET /metrics HTTP/1.1\r\nhost: [::1]:80\r\n\r\n", "200 OK")]
    [DataRow("HEAD /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", "200 OK")]
    public async Task Request_is_answered(string request, string status)
    {
        using var meter = new Meter("test");
        using var endpoint = new PrometheusEndpoint(s_any, meter, new ServiceLog(TextWriter.Null));
        StringAssert.StartsWith(await TalkAsync(endpoint, request), $"HTTP/1.1 {status}\r\n");
    }

    [TestMethod]
    public async Task Endless_head_and_silent_clients_are_left()
    {
        using var meter = new Meter("test");
        using var endpoint = new PrometheusEndpoint(s_any, meter, new ServiceLog(TextWriter.Null));
        StringAssert.StartsWith(await TalkAsync(endpoint, "GET /metrics HTTP/1.1\r\nX: " + new string('x', 8 * 1024 - 26)), "HTTP/1.1 431 ");
        // More than are served at once, and silent: whoever comes after them waits for seconds and is served.
        var silent = Enumerable.Range(0, 10).Select(_ => new TcpClient("127.0.0.1", endpoint.Address.Port)).ToArray();
        StringAssert.StartsWith(await TalkAsync(endpoint, "GET /metrics HTTP/1.0\r\n\r\n"), "HTTP/1.1 200 ");
        foreach (var one in silent)
            one.Dispose();
    }

    [TestMethod]
    public void Address_of_others_and_a_port_that_is_taken_are_refused()
    {
        using var meter = new Meter("test");
        StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentException>(() => new PrometheusEndpoint(new IPEndPoint(IPAddress.Any, 0), meter, new ServiceLog(TextWriter.Null))).Message, "loopback");
        using var endpoint = new PrometheusEndpoint(s_any, meter, new ServiceLog(TextWriter.Null));
        Assert.ThrowsExactly<SocketException>(() => new PrometheusEndpoint(endpoint.Address, meter, new ServiceLog(TextWriter.Null)));
    }

    private async Task<Exposition> GetAsync(HttpClient http, ControlService service) =>
        Exposition.Parse(await http.GetStringAsync($"http://{service.Prometheus}/metrics", TestContext.CancellationToken));

    private async Task<string> TalkAsync(PrometheusEndpoint endpoint, string request)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(endpoint.Address, TestContext.CancellationToken);
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(request), TestContext.CancellationToken);
        using var reader = new StreamReader(client.GetStream());
        return await reader.ReadToEndAsync(TestContext.CancellationToken);
    }
}
