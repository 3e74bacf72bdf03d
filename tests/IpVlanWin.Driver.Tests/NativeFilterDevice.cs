using IpVlanWin.Datapath.Filter;

namespace IpVlanWin.Driver.Tests;

/// <summary>The control device of a bench: requests go into the native driver's dispatch routine. The bench is used under one lock.</summary>
internal sealed class NativeFilterDevice(NativeBench bench) : IFilterDevice
{
    // Guards the bench and all below; pulsed when there is an event, or no more will come.
    private readonly object _lock = new();
    private readonly Queue<AbiEvent> _events = new();
    private bool _isClosed;
    private string? _fault;

    public FilterStatus Request(uint code, Span<byte> buffer, int requestLength, out int answerLength)
    {
        uint status;
        lock (_lock)
        {
            if (_fault is not null)
                throw new IOException(_fault);
            if (_isClosed)
            {
                answerLength = 0;
                return FilterStatus.Closed;
            }
            status = bench.Control(code, buffer, requestLength, out answerLength);
            TakeEvents();
        }
        return StatusOf(status);
    }

    public bool WaitForEvent(out AbiEvent happened)
    {
        lock (_lock)
        {
            while (_events.Count == 0 && !_isClosed && _fault is null)
                Monitor.Wait(_lock);
            if (_fault is not null)
                throw new IOException(_fault);
            return _events.TryDequeue(out happened) && !_isClosed;
        }
    }

    /// <summary>Does something to the bench; events that follow are told.</summary>
    public T Use<T>(Func<NativeBench, T> act)
    {
        lock (_lock)
        {
            var result = act(bench);
            TakeEvents();
            return result;
        }
    }

    /// <inheritdoc cref="Use{T}"/>
    public void Use(Action<NativeBench> act) => Use(used =>
    {
        act(used);
        return 0;
    });

    /// <summary>The driver is not there any more.</summary>
    public void Vanish(string fault)
    {
        lock (_lock)
        {
            _fault = fault;
            Monitor.PulseAll(_lock);
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _isClosed = true;
            Monitor.PulseAll(_lock);
        }
    }

    /// <summary>An NTSTATUS of the driver (filter/device.c).</summary>
    internal static FilterStatus StatusOf(uint status) => status switch
    {
        0 => FilterStatus.Ok,
        0xC000000D => FilterStatus.Invalid,
        0xC0000010 => FilterStatus.Unknown,
        0xC0000017 => FilterStatus.NoMemory,
        0xC0000023 => FilterStatus.TooSmall,
        0xC0000035 => FilterStatus.Exists,
        0xC0000059 => FilterStatus.OtherVersion,
        0xC000009A => FilterStatus.LimitReached,
        0xC000020A => FilterStatus.AddressInUse,
        0xC0000225 => FilterStatus.Absent,
        _ => throw new InvalidOperationException($"NTSTATUS {status:x8}"),
    };

    private void TakeEvents()
    {
        while (bench.TryTakeEvent(out var happened))
            _events.Enqueue(happened);
        if (_events.Count > 0)
            Monitor.PulseAll(_lock);
    }
}
