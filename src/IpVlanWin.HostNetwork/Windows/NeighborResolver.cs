namespace IpVlanWin.HostNetwork.Windows;

/// <summary>
/// Resolves neighbors in the background, in the compartment of whoever asked: ResolveIpNetEntry2 blocks for seconds when nobody answers.
/// </summary>
internal sealed class NeighborResolver : IDisposable
{
    /// <summary>Requests that wait; one more is refused and counted.</summary>
    public const int Capacity = 1024;

    /// <summary>Threads at most; each waits for one neighbor.</summary>
    public const int MaxThreads = 32;

    // Guards all below. A neighbor is in _known from its request to its answer, so that asking twice costs nothing.
    private readonly Lock _lock = new();
    private readonly Queue<Request> _waiting = new();
    private readonly HashSet<(uint Compartment, uint Link, SockAddrKey Address)> _known = [];
    private readonly IIphlpapi _ip;
    private int _threads;
    private bool _disposed;
    private long _refused;

    public NeighborResolver(IIphlpapi ip) => _ip = ip;

    public long Refused => Interlocked.Read(ref _refused);

    public void Add(in MibIpNetRow2 row)
    {
        var start = false;
        var request = new Request(row, _ip.GetThreadCompartment());
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            var key = KeyOf(request);
            if (_known.Contains(key)) return;
            if (_waiting.Count == Capacity)
            {
                _refused++;
                return;
            }
            _known.Add(key);
            _waiting.Enqueue(request);
            if (_threads < MaxThreads)
            {
                _threads++;
                start = true;
            }
        }
        // A thread lasts while there is work and takes no resource when there is none.
        if (start) new Thread(Run) { IsBackground = true, Name = "resolve neighbor" }.UnsafeStart();
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
            _waiting.Clear();
        }
    }

    private void Run()
    {
        var own = _ip.GetThreadCompartment();
        var moved = false;
        while (true)
        {
            Request request;
            lock (_lock)
            {
                if (!_waiting.TryDequeue(out request))
                {
                    _threads--;
                    return;
                }
            }
            var row = request.Row;
            // The result, good or bad, is in the neighbor table; a compartment that went has none any more.
            var entered = !moved && request.Compartment == own;
            if (!entered)
            {
                entered = _ip.SetThreadCompartment(request.Compartment) == WindowsError.Success;
                moved |= entered;
            }
            if (entered) _ = _ip.ResolveNeighbor(ref row);
            lock (_lock)
            {
                _known.Remove(KeyOf(request));
                if (!entered) _refused++;
            }
        }
    }

    private static (uint Compartment, uint Link, SockAddrKey Address) KeyOf(in Request request) =>
        (request.Compartment, request.Row.InterfaceIndex, new SockAddrKey(request.Row.Address));

    private readonly struct Request(MibIpNetRow2 row, uint compartment)
    {
        public readonly MibIpNetRow2 Row = row;
        public readonly uint Compartment = compartment;
    }

    /// <summary>An address that can be compared.</summary>
    private readonly record struct SockAddrKey(ushort Family, uint V4, UInt128 V6)
    {
        public SockAddrKey(in SockAddrInet address)
            : this(address.Family, address.V4AddressOrFlow, System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(address.V6Address))
        {
        }
    }
}
