using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using System.Security.Cryptography;
using IpVlanWin.Datapath.Filter;
using IpVlanWin.HostNetwork;
using IpVlanWin.HostNetwork.Linux;
using IpVlanWin.HostNetwork.Tests.Linux;

namespace IpVlanWin.Driver.Tests.EndToEnd;

/// <summary>
/// The native driver behind a socket, as the kernel would have it: it outlives the services that use it. It has the links of a namespace that
/// it is bound to, as long as they are there; none is bound by itself. Of containers it has every link that it is asked for, as Windows binds
/// the filter to each adapter, but what it is bound to there nobody tells.
/// </summary>
[SupportedOSPlatform("linux")]
internal sealed class PlayedDriver : IDisposable
{
    private const uint NotBound = 0, Bound = 1, Unknown = 2;

    private readonly NativeBench _bench;
    private readonly NativeFilterDevice _device;
    private readonly TestNamespace _space;
    private readonly int _master;
    private readonly Socket _listener;
    private readonly Thread _accepting;
    private readonly HostWatch _watch;
    private readonly BlockingCollection<AbiEvent> _events = [];
    private readonly Thread _telling;
    private readonly ConcurrentDictionary<Socket, Thread> _connections = new();
    // Namespace, empty for the host's, and index.
    private readonly HashSet<(string Space, int Index)> _bound = [];
    private readonly List<string> _spaces = [""];
    private volatile bool _isOver;

    /// <param name="space">Whose links are its adapters.</param>
    /// <param name="master">Index of the link that is the bench's master.</param>
    /// <param name="mac">The master's.</param>
    public PlayedDriver(TestNamespace space, int master, byte[] mac)
    {
        (_space, _master) = (space, master);
        _bench = new NativeBench(NativeBuild.Library("filter"), mac, 1500, BenchOptions.Served);
        _device = new NativeFilterDevice(_bench);
        _device.Use(static bench => bench.Detach(NativeBench.Host));
        Path = System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"ipvlan-filter-{Environment.ProcessId}-{RandomNumberGenerator.GetHexString(8, lowercase: true)}");
        _listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        _listener.Bind(new UnixDomainSocketEndPoint(Path));
        _listener.Listen();
        _watch = HostWatch.Start(space.Namespace, OnLinks);
        _telling = new Thread(TakeEvents) { IsBackground = true };
        _telling.Start();
        _accepting = new Thread(Accept) { IsBackground = true };
        _accepting.Start();
    }

    /// <summary>The socket.</summary>
    public string Path { get; }

    /// <summary>As a driver of another package.</summary>
    public bool SpeaksOtherVersion { get; set; }

    /// <summary>Names of the links that it is bound to.</summary>
    public string[] BoundTo
    {
        get
        {
            lock (_bound)
                return [.. _bound.Select(one => Find(one.Space, one.Index)?.Name ?? "").Where(static name => name.Length > 0).Order(StringComparer.Ordinal)];
        }
    }

    /// <summary>It has a port.</summary>
    public bool HasPort => new FilterRequests(_device).FindPort(NativeBench.Host) is not null;

    public ulong LuidOf(string link) => Luid("", _space.Netlink.ListLinks().Single(one => one.Name == link).Index);

    /// <summary>LUID of a container's link.</summary>
    public ulong LuidOf(string link, string space)
    {
        using var container = NetworkNamespace.Open(space);
        using var netlink = RouteNetlink.Open(container);
        return Luid(space, netlink.ListLinks().Single(one => one.Name == link).Index);
    }

    public void Use(Action<NativeBench> act) => _device.Use(act);

    /// <summary>Places at which frames come out for one that enters.</summary>
    public ulong[] Inject(ulong place, byte[] frame) => _device.Use(bench => bench.PlacesOf(place, frame));

    /// <summary>Everybody's handles are closed, as when the driver is put in anew.</summary>
    public void Disconnect()
    {
        foreach (var connection in _connections.Keys)
            connection.Shutdown(SocketShutdown.Both);
    }

    public void Dispose()
    {
        _isOver = true;
        _watch.Dispose();
        _listener.Dispose();
        _accepting.Join();
        foreach (var (connection, thread) in _connections)
        {
            connection.Dispose();
            thread.Join();
        }
        _device.Dispose();
        _telling.Join();
        _bench.Dispose();
        _events.Dispose();
        File.Delete(Path);
    }

    // As NET_LUIDs: nothing else is like them.
    private ulong Luid(string space, int index)
    {
        lock (_bound)
        {
            if (!_spaces.Contains(space))
                _spaces.Add(space);
            return space.Length == 0 && index == _master ? NativeBench.Host : 0x6000000000000 | ((ulong)index << 24) | (uint)_spaces.IndexOf(space);
        }
    }

    private HostLink? Find(string space, int index)
    {
        if (space.Length == 0)
            return _space.Netlink.FindLink(index);
        if (!NetworkNamespace.Exists(space))
            return null;
        using var container = NetworkNamespace.Open(space);
        using var netlink = RouteNetlink.Open(container);
        return netlink.FindLink(index);
    }

    private void OnLinks(IReadOnlyList<HostChange> changes)
    {
        foreach (var gone in changes.OfType<LinkChange>().Where(static change => change.Kind == ChangeKind.Removed))
        {
            Bind("", gone.Link.Index, false);
            // The other end of a pair goes with it.
            List<(string Space, int Index)> others;
            lock (_bound)
                others = [.. _bound.Where(one => one.Space.Length > 0 && one.Index == gone.Link.PeerIndex)];
            foreach (var (space, index) in others)
                Bind(space, index, false);
        }
    }

    private void Bind(string space, int index, bool isBound)
    {
        lock (_bound)
        {
            if (!(isBound ? _bound.Add((space, index)) : _bound.Remove((space, index))))
                return;
            _device.Use(bench =>
            {
                if (isBound)
                    bench.Attach(Luid(space, index));
                else
                    bench.Detach(Luid(space, index));
            });
        }
    }

    private void TakeEvents()
    {
        while (_device.WaitForEvent(out var happened))
            _events.Add(happened);
    }

    private void Accept()
    {
        try
        {
            while (true)
            {
                var connection = _listener.Accept();
                var thread = new Thread(() => Serve(connection)) { IsBackground = true };
                _connections[connection] = thread;
                thread.Start();
            }
        }
        catch (Exception) when (_isOver)
        {
            // The listener is closed.
        }
    }

    private void Serve(Socket connection)
    {
        try
        {
            PlayedRequest request = default;
            while (PlayedFilterDevice.Receive(connection, MemoryMarshal.AsBytes(new Span<PlayedRequest>(ref request))))
            {
                var buffer = new byte[Math.Max(request.Length, request.Second)];
                if (request.Length > 0 && !PlayedFilterDevice.Receive(connection, buffer.AsSpan(0, (int)request.Length)))
                    break;
                var (status, answer) = Answer(connection, request, buffer);
                PlayedFilterDevice.Send(connection, MemoryMarshal.AsBytes([status, (uint)answer.Length]));
                PlayedFilterDevice.Send(connection, answer);
            }
        }
        catch (Exception gone) when (gone is SocketException or ObjectDisposedException or IOException)
        {
            // The service was killed, or this is over.
        }
        if (!_isOver)
        {
            _connections.TryRemove(connection, out _);
            connection.Dispose();
        }
    }

    private (uint Status, byte[] Answer) Answer(Socket connection, PlayedRequest request, byte[] buffer)
    {
        var index = (int)request.First;
        var space = request.Kind == PlayedKind.Control ? "" : System.Text.Encoding.UTF8.GetString(buffer, 0, (int)request.Length);
        switch (request.Kind)
        {
            case PlayedKind.Control:
                if (SpeaksOtherVersion)
                    return ((uint)FilterStatus.OtherVersion, []);
                var status = _device.Request(request.First, buffer, (int)request.Length, out var length);
                return ((uint)status, buffer[..length]);
            case PlayedKind.Event:
                return (0, NextEvent(connection));
            case PlayedKind.FindLuid:
                if (space.Length > 0)
                    Bind(space, index, true);
                return (0, BitConverter.GetBytes(Luid(space, index)));
            case PlayedKind.FindBinding or PlayedKind.SetBinding when space.Length > 0 || _space.Netlink.FindLink(index) is null:
                return (Unknown, []);
            case PlayedKind.FindBinding:
                lock (_bound)
                    return (_bound.Contains(("", index)) ? Bound : NotBound, []);
            case PlayedKind.SetBinding:
                Bind("", index, request.Second != 0);
                return (0, []);
            default:
                throw new InvalidOperationException($"request {request.Kind}");
        }
    }

    /// <summary>A request that waits ends with the handle that it came by, and takes no event with it.</summary>
    private byte[] NextEvent(Socket connection)
    {
        while (!_isOver && !connection.Poll(0, SelectMode.SelectRead))
        {
            if (_events.TryTake(out var happened, 20))
                return MemoryMarshal.AsBytes(new ReadOnlySpan<AbiEvent>(in happened)).ToArray();
        }
        throw new IOException("the handle is closed");
    }
}
