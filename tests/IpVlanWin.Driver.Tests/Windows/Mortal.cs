using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.ExceptionServices;
using IpVlanWin.HostNetwork;

namespace IpVlanWin.Driver.Tests.Windows;

/// <summary>The process was killed: no call of it reaches anything any more.</summary>
internal sealed class KilledException() : Exception("killed");

/// <summary>A process as seen by what it calls: it may be killed before any of its calls. Calls come one at a time.</summary>
internal sealed class Mortal(object turn)
{
    private readonly List<IDisposable> _watches = [];

    /// <summary>The process is killed before the call of that number, from 1; 0: never.</summary>
    public int KillAt { get; init; }

    /// <summary>Calls so far.</summary>
    public int Calls { get; private set; }

    public bool IsDead { get; private set; }

    /// <summary>What the process holds of an interface.</summary>
    public T Give<T>(T inner)
        where T : class
    {
        var proxy = DispatchProxy.Create<T, Proxy>();
        ((Proxy)(object)proxy).Set(this, inner);
        return proxy;
    }

    public void Kill()
    {
        lock (turn)
        {
            IsDead = true;
            // Its threads end with it.
            foreach (var watch in _watches)
                watch.Dispose();
        }
    }

    private object? Call(object inner, MethodInfo method, object?[]? arguments)
    {
        lock (turn)
        {
            if (!IsDead && ++Calls == KillAt)
                Kill();
            if (IsDead && method.Name != nameof(IDisposable.Dispose))
                throw new KilledException();
            if (arguments is [.., Action<IHostNetwork> body])
                arguments = [.. arguments[..^1], new Action<IHostNetwork>(network => body(Give(network)))];
            try
            {
                var result = method.Invoke(inner, arguments);
                if (result is IHostWatch watch)
                    _watches.Add(watch);
                return result is IHostNetwork network ? Give(network) : result;
            }
            catch (TargetInvocationException failed)
            {
                ExceptionDispatchInfo.Throw(failed.InnerException!);
                throw;
            }
        }
    }

    [SuppressMessage("Performance", "CA1852:Seal internal types", Justification = "DispatchProxy derives from it")]
    internal class Proxy : DispatchProxy
    {
        private Mortal? _owner;
        private object? _inner;

        public void Set(Mortal owner, object inner) => (_owner, _inner) = (owner, inner);

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) => _owner!.Call(_inner!, targetMethod!, args);
    }
}
