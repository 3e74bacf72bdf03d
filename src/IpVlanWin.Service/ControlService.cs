using IpVlanWin.Service.Control;
using IpVlanWin.Service.Metrics;
using IpVlanWin.Service.Observe;
using IpVlanWin.Service.Reconcile;
using IpVlanWin.Service.State;

namespace IpVlanWin.Service;

/// <summary>The parts of the service, put together: state, reconciler, control server, metrics. Ends in the opposite order.</summary>
internal sealed class ControlService : IAsyncDisposable
{
    private readonly DesiredState _state;
    private readonly Reconciler _reconciler;
    private readonly Telemetry _telemetry;
    private readonly PrometheusEndpoint? _prometheus;
    private readonly ReconcileLoop _loop;
    private readonly ControlServer _server;
    private readonly Captures _captures;
    private readonly Host _host;
    private int _isDisposed;

    private ControlService(
        DesiredState state, Reconciler reconciler, Telemetry telemetry, PrometheusEndpoint? prometheus, ReconcileLoop loop, ControlServer server, Captures captures, Host host) =>
        (_state, _reconciler, _telemetry, _prometheus, _loop, _server, _captures, _host) = (state, reconciler, telemetry, prometheus, loop, server, captures, host);

    /// <summary>What runs.</summary>
    public Reconciler Reconciler => _reconciler;

    /// <summary>Its instruments.</summary>
    public Telemetry Telemetry => _telemetry;

    /// <summary>Where metrics are served, or null.</summary>
    public System.Net.IPEndPoint? Prometheus => _prometheus?.Address;

    /// <summary>One line for people.</summary>
    public string Summary => $"{_state.Current.Ports.Count} ports, {_state.Current.Interfaces.Count} interfaces";

    /// <summary>Restores what was stored, then listens.</summary>
    /// <exception cref="StateException">The stored state cannot be used.</exception>
    /// <exception cref="IOException">The pipe is taken.</exception>
    /// <exception cref="UnauthorizedAccessException">The pipe is taken by another user.</exception>
    /// <exception cref="System.Net.Sockets.SocketException">The metrics endpoint is taken.</exception>
    public static ControlService Start(string folder, string datapath, ServerSettings settings, ServiceLog log, MetricsSettings? metrics = null)
    {
        metrics ??= new MetricsSettings();
        var host = new Host(datapath, settings.Announces);
        var state = DesiredState.Open(folder, host, TimeProvider.System, log);
        host.Journal = state;
        var telemetry = new Telemetry();
        var reconciler = new Reconciler(state, host, log, telemetry);
        PrometheusEndpoint? prometheus = null;
        try
        {
            telemetry.Watch(state, reconciler.Find, metrics.Detail);
            prometheus = metrics.Prometheus is { } address ? new PrometheusEndpoint(address, telemetry.Meter, log) : null;
            reconciler.Run(full: true);
            var views = new Views(state, reconciler, host);
            var hub = new EventHub(state, views);
            reconciler.OnPassed = hub.Publish;
            var captures = new Captures(settings, state, reconciler, log);
            var methods = new Methods(state, views, hub, captures, new Tracer(state, reconciler));
            var server = new ControlServer(settings, new Dispatcher(methods, state, reconciler, log, telemetry), log, telemetry);
            var loop = new ReconcileLoop(reconciler, watchesHost: datapath == "linux", log);
            var model = state.Current;
            log.Info("started", "listening", ("pipe", settings.PipeName), ("state", folder), ("ports", model.Ports.Count), ("interfaces", model.Interfaces.Count));
            return new ControlService(state, reconciler, telemetry, prometheus, loop, server, captures, host);
        }
        catch
        {
            prometheus?.Dispose();
            reconciler.Dispose();
            telemetry.Dispose();
            host.Dispose();
            state.Dispose();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
            return;
        await _server.DisposeAsync().ConfigureAwait(false);
        await _captures.DisposeAsync().ConfigureAwait(false);
        await _loop.DisposeAsync().ConfigureAwait(false);
        _prometheus?.Dispose();
        _telemetry.Dispose();
        _reconciler.Dispose();
        _host.Dispose();
        _state.Dispose();
    }
}
