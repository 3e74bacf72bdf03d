using System.Buffers.Binary;
using System.Diagnostics;
using IpVlanWin.Devices;
using IpVlanWin.Devices.Memory;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Cli.Lab.Simulation;

/// <summary>
/// A lab in memory: the real engine and pump between memory devices with <see cref="SimulatedHost"/>s at their far sides, stepped in virtual
/// time on the caller's thread. What happens does not depend on the machine; only the rates of transfers are measured in real time.
/// </summary>
internal sealed class SimulatedBed : ILabBed
{
    private const int IpMtu = 1500;
    private const int MaxPings = 3;
    private const ushort DiscardPort = 9;
    private const ushort MdnsPort = 5353;
    private const int DnsHeaderLength = 12;
    private const ushort AnyPort = 40_000;
    private const int DatagramPayload = 1_400;
    private const int DatagramsPerSecond = 2_000;
    private const int DatagramsPerTurn = 32;

    // Virtual: how long a frame takes through one host or the pump, and how long an answer is waited for. The latter outlasts the pump's
    // patience with neighbors, so that what waited in vain is counted before the next probe.
    private static readonly TimeSpan TurnTime = TimeSpan.FromMicroseconds(5);
    private static readonly TimeSpan PingInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan PingPatience = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan MulticastPatience = TimeSpan.FromMilliseconds(500);

    private static readonly MacAddress Master = new(0x0200_5e10_0001);
    private static readonly MacAddress Peer = new(0x0200_5e10_00fe);
    private static readonly L3Address MdnsFour = L3Address.Parse("224.0.0.251");
    private static readonly L3Address MdnsSix = L3Address.Parse("ff02::fb");

    private readonly SimulatedClock _clock = new();
    private readonly Port _port = new(LabPlan.Master, Master, IpMtu);
    private readonly FramePump _pump;
    private readonly List<SimulatedNic> _nics = [];
    private readonly Dictionary<LabStation, SimulatedHost> _hosts = [];
    private readonly List<SimulatedHost> _everyone = [];
    private readonly SimulatedHost _host;
    private readonly SimulatedHost _wire;
    private readonly SimulatedNic _wireNic;
    private ushort _lastPing;
    private (L3Address From, ushort Identifier, ushort Sequence) _lastReply;
    private ushort _lastProbe;

    /// <summary>A bed that runs, in the options' first mode and flag.</summary>
    /// <param name="options">How many interfaces, and captures.</param>
    /// <param name="decorate">Put between the pump and each device, for tests that break something.</param>
    /// <exception cref="CommandException">A capture file cannot be made.</exception>
    public SimulatedBed(LabOptions options, Func<IFrameDevice, IFrameDevice>? decorate = null)
    {
        decorate ??= static device => device;
        Stations = LabPlan.Stations(options.Interfaces);
        var captures = new List<string>();
        try
        {
            var wireDevice = new MemoryDevice("wire");
            var hostDevice = new MemoryDevice("host");
            _wireNic = AddNic(wireDevice, Peer, options.CaptureDirectory, captures);
            _wire = AddHost("wire", _wireNic);
            _host = AddHost("host", AddNic(hostDevice, Master, options.CaptureDirectory, captures));
            _pump = new FramePump(_port, decorate(wireDevice), decorate(hostDevice), Resolve);
            _host.Neighbors.Learned += NeighborLearned;
            foreach (var station in Stations)
                Add(station, decorate, options.CaptureDirectory, captures);
            CaptureFiles = captures;
            _port.SetMasterUp(true);
            Set(options.FirstMode, options.FirstFlag);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public string Description =>
        "simulated: built-in hosts in memory around the real engine; no network of this machine is touched, times are virtual and rates are this program's own";

    public bool IsSimulated => true;

    public IReadOnlyList<LabStation> Stations { get; }

    public MacAddress MasterMac => Master;

    public IReadOnlyCollection<MacAddress> WireSourceMacs => _wireNic.SourcesSeen;

    public IReadOnlyList<string> CaptureFiles { get; }

    public IReadOnlyList<string> EnterCommands => [];

    public Task SetAsync(PortMode mode, PortFlag flag, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        Set(mode, flag);
        return Task.CompletedTask;
    }

    public Task<PingResult> PingAsync(LabStation from, LabStation to, bool isSix, CancellationToken cancellation)
    {
        var (sender, destination, identifier) = (_hosts[from], to.Address(isSix), ++_lastPing);
        var deadline = _clock.Now + PingPatience;
        for (ushort sequence = 1; sequence <= MaxPings; sequence++)
        {
            var sentAt = _clock.Now;
            var until = sequence == MaxPings ? deadline : sentAt + PingInterval;
            if (!sender.SendEcho(destination, identifier, sequence))
                break;
            // A late reply to an earlier request counts, and from when that one was sent.
            if (RunUntil(() => _lastReply.From == destination && _lastReply.Identifier == identifier, until, cancellation))
                return Task.FromResult(new PingResult(_clock.Now - sentAt + ((sequence - _lastReply.Sequence) * PingInterval)));
        }
        return Task.FromResult(new PingResult(null));
    }

    public Task<IReadOnlyCollection<LabStation>> ProbeMulticastAsync(LabStation from, bool isSix, CancellationToken cancellation)
    {
        // A DNS message without questions (RFC 1035 section 4.1.1), told from others by its identifier.
        var probe = new byte[DnsHeaderLength];
        BinaryPrimitives.WriteUInt16BigEndian(probe, ++_lastProbe);
        var receivers = new List<LabStation>();
        foreach (var (station, host) in _hosts)
        {
            host.Listen(MdnsPort, (_, _, payload) =>
            {
                if (station != from && payload.SequenceEqual(probe) && !receivers.Contains(station))
                    receivers.Add(station);
            });
        }
        _hosts[from].SendDatagram(isSix ? MdnsSix : MdnsFour, MdnsPort, MdnsPort, probe);
        RunUntil(() => false, _clock.Now + MulticastPatience, cancellation);
        return Task.FromResult<IReadOnlyCollection<LabStation>>(receivers);
    }

    public Task<TransferResult?> TransferAsync(Transport transport, LabStation from, LabStation to, TimeSpan duration, CancellationToken cancellation)
    {
        if (transport != Transport.Udp)
            return Task.FromResult<TransferResult?>(null);
        var (bytes, datagrams) = (0L, 0L);
        _hosts[to].Listen(DiscardPort, (_, _, payload) => (bytes, datagrams) = (bytes + payload.Length, datagrams + 1));
        var payload = new byte[DatagramPayload];
        var wanted = (long)(DatagramsPerSecond * duration.TotalSeconds);
        var started = Stopwatch.GetTimestamp();
        for (var sent = 0L; sent < wanted;)
        {
            for (var burst = 0; burst < DatagramsPerTurn && sent < wanted; burst++, sent++)
                _hosts[from].SendDatagram(to.Four, AnyPort, DiscardPort, payload);
            Turn();
            cancellation.ThrowIfCancellationRequested();
        }
        RunUntil(() => datagrams == wanted, _clock.Now + PingPatience, cancellation);
        return Task.FromResult<TransferResult?>(new TransferResult(bytes, Stopwatch.GetElapsedTime(started), wanted, datagrams));
    }

    public LabStatistics ReadStatistics() => LabStatistics.Of(_port, _everyone.Sum(host => host.Malformed));

    public ValueTask DisposeAsync()
    {
        Dispose();
        return ValueTask.CompletedTask;
    }

    private void Dispose()
    {
        _pump?.Dispose();
        IOException? fault = null;
        foreach (var nic in _nics)
        {
            try
            {
                nic.Dispose();
            }
            catch (IOException unfinished)
            {
                fault ??= unfinished;
            }
        }
        _nics.Clear();
        if (fault is not null)
            throw new IOException(fault.Message, fault);
    }

    private void Add(LabStation station, Func<IFrameDevice, IFrameDevice> decorate, string? captureDirectory, List<string> captures)
    {
        var (four, six) = (LabPlan.Prefix(station, isSix: false), LabPlan.Prefix(station, isSix: true));
        switch (station.Kind)
        {
            case StationKind.Interface:
                var device = new MemoryDevice(station.Device);
                _hosts[station] = AddHost(station.Name, AddNic(device, Master, captureDirectory, captures));
                AddInterface(station, decorate(device), four, six);
                break;
            case StationKind.Host:
                _hosts[station] = _host;
                Accept(_port.AddMasterAddress(four));
                Accept(_port.AddMasterAddress(six));
                break;
            case StationKind.Wire:
                _hosts[station] = _wire;
                break;
        }
        var host = station.Kind == StationKind.OffLink ? _wire : _hosts[station];
        host.AddAddress(four);
        host.AddAddress(six);
        if (_port.Find(station.Device) is { } added)
            Accept(_port.SetGroups(added, host.GroupMacs));
    }

    private void AddInterface(LabStation station, IFrameDevice device, L3Prefix four, L3Prefix six)
    {
        Accept(_port.AddInterface(station.Device, null, null, out var added));
        Accept(_port.AddAddress(added!, four));
        Accept(_port.AddAddress(added!, six));
        Accept(_port.SetUp(added!, true));
        _pump.Attach(added!, device);
    }

    private SimulatedNic AddNic(MemoryDevice device, MacAddress mac, string? captureDirectory, List<string> captures)
    {
        var capture = captureDirectory is null ? null : Lab.CaptureFiles.Create(captureDirectory, device.Name);
        if (captureDirectory is not null)
            captures.Add(Lab.CaptureFiles.PathOf(captureDirectory, device.Name));
        var nic = new SimulatedNic(device, mac, _clock, capture);
        _nics.Add(nic);
        return nic;
    }

    private SimulatedHost AddHost(string name, SimulatedNic nic)
    {
        var host = new SimulatedHost(name, nic);
        host.Join(MdnsFour);
        host.Join(MdnsSix);
        host.EchoReplied += (from, identifier, sequence) => _lastReply = (from, identifier, sequence);
        _everyone.Add(host);
        return host;
    }

    private void Set(PortMode mode, PortFlag flag)
    {
        Accept(_port.SetMode(mode));
        Accept(_port.SetFlag(flag));
        var resolves = mode == PortMode.L2;
        _wire.Neighbors.Clear();
        foreach (var station in Stations)
        {
            if (station.Kind != StationKind.Interface)
                continue;
            _hosts[station].ResolvesNeighbors = resolves;
            if (resolves)
                continue;
            _wire.Neighbors.SetPermanent(station.Four, Master);
            _wire.Neighbors.SetPermanent(station.Six, Master);
        }
    }

    /// <summary>The pump wants a next hop's MAC: the host's stack asks the link for it.</summary>
    private void Resolve(L3Address neighbor)
    {
        if (_host.Neighbors.TryFind(neighbor, out var mac))
            NeighborLearned(neighbor, mac);
        else
            _host.Neighbors.Resolve(neighbor, null, _clock.Now);
    }

    private void NeighborLearned(L3Address neighbor, MacAddress mac)
    {
        _port.Neighbors.Set(neighbor, mac, TimeSpan.MaxValue);
        _pump.NeighborFound(neighbor, mac);
    }

    /// <summary>Goes on, through idle times at once, until something is so or a virtual time has come. Returns whether it is so.</summary>
    private bool RunUntil(Func<bool> isSo, TimeSpan time, CancellationToken cancellation)
    {
        while (!isSo())
        {
            cancellation.ThrowIfCancellationRequested();
            if (Turn())
                continue;
            if (_clock.Now >= time)
                return false;
            var next = time;
            foreach (var host in _everyone)
                next = host.Neighbors.NextTick < next ? host.Neighbors.NextTick : next;
            _clock.AdvanceTo(next);
            foreach (var host in _everyone)
                host.Tick();
            _pump.DropExpired(_clock.Now);
        }
        return true;
    }

    /// <summary>Every host takes in what it has got, the pump moves what they sent. Returns false where nothing was there to move.</summary>
    private bool Turn()
    {
        var any = false;
        foreach (var host in _everyone)
            any |= host.Poll();
        while (_pump.ReceiveFromWire(_clock.Now))
            any = true;
        while (_pump.ReceiveFromHost())
            any = true;
        foreach (var member in _port.Interfaces)
        {
            while (_pump.ReceiveFromInterface(member, _clock.Now))
                any = true;
        }
        any |= _pump.BacklogCount > 0;
        _pump.Flood(int.MaxValue);
        if (any)
            _clock.AdvanceTo(_clock.Now + TurnTime);
        return any;
    }

    private static void Accept(PortResult result)
    {
        if (result != PortResult.Ok)
            throw new InvalidOperationException($"the port refused the lab's own topology: {result.ErrnoName()}");
    }
}
