using IpVlanWin.Service.Control;
using IpVlanWin.Service.Observe;
using IpVlanWin.Service.Reconcile;
using IpVlanWin.Service.State;

namespace IpVlanWin.Service;

/// <summary>The parts of the service, put together: state, reconciler, control server. Ends in the opposite order.</summary>
internal sealed class ControlService : IAsyncDisposable
{
    private readonly DesiredState _state;
    private readonly Reconciler _reconciler;
    private readonly ReconcileLoop _loop;
    private readonly ControlServer _server;
    private readonly Captures _captures;

    private ControlService(DesiredState state, Reconciler reconciler, ReconcileLoop loop, ControlServer server, Captures captures) =>
        (_state, _reconciler, _loop, _server, _captures) = (state, reconciler, loop, server, captures);

    /// <summary>What runs.</summary>
    public Reconciler Reconciler => _reconciler;

    /// <summary>Restores what was stored, then listens.</summary>
    /// <exception cref="StateException">The stored state cannot be used.</exception>
    /// <exception cref="IOException">The pipe is taken.</exception>
    /// <exception cref="UnauthorizedAccessException">The pipe is taken by another user.</exception>
    public static ControlService Start(string folder, string datapath, ServerSettings settings, ServiceLog log)
    {
        var host = new Host(datapath);
        var state = DesiredState.Open(folder, host, TimeProvider.System, log);
        var reconciler = new Reconciler(state, host, log);
        try
        {
            reconciler.Run(full: true);
            var views = new Views(state, reconciler, host);
            var hub = new EventHub(state, views);
            reconciler.OnPassed = hub.Publish;
            var captures = new Captures(settings, state, reconciler, log);
            var methods = new Methods(state, views, hub, captures, new Tracer(state, reconciler));
            var server = new ControlServer(settings, new Dispatcher(methods, state, reconciler, log), log);
            var loop = new ReconcileLoop(reconciler, watchesHost: datapath == "linux", log);
            var model = state.Current;
            log.Info("started", "listening", ("pipe", settings.PipeName), ("state", folder), ("ports", model.Ports.Count), ("interfaces", model.Interfaces.Count));
            return new ControlService(state, reconciler, loop, server, captures);
        }
        catch
        {
            reconciler.Dispose();
            state.Dispose();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync().ConfigureAwait(false);
        await _captures.DisposeAsync().ConfigureAwait(false);
        await _loop.DisposeAsync().ConfigureAwait(false);
        _reconciler.Dispose();
        _state.Dispose();
    }
}
