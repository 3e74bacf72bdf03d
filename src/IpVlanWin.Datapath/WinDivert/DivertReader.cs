using System.Diagnostics;
using IpVlanWin.Devices.WinDivert;
using IpVlanWin.Engine.Ipvlan;

namespace IpVlanWin.Datapath.WinDivert;

/// <summary>One handle and the thread that reads it. What passes goes back unchanged, with the address it came with.</summary>
internal sealed class DivertReader : IDisposable
{
    private const int FailuresInARow = 100;

    private readonly DivertHandlePlan _plan;
    private readonly DivertSettings _settings;
    private readonly DivertedTraffic _traffic;
    private readonly DivertHandle _handle;
    private readonly Thread _thread;
    private readonly byte[] _packets;
    private readonly DivertAddress[] _addresses;
    private readonly QueueGauge _gauge;
    private OversizePackets? _oversize;

    /// <summary>Opens the handle; packets queue from now on and are read from <see cref="Start"/> on.</summary>
    /// <exception cref="DivertException">WinDivert refuses.</exception>
    public DivertReader(DivertHandlePlan plan, DivertSettings settings, DivertedTraffic traffic)
    {
        (_plan, _settings, _traffic) = (plan, settings, traffic);
        _packets = GC.AllocateUninitializedArray<byte>(settings.BatchBytes, pinned: true);
        _addresses = GC.AllocateUninitializedArray<DivertAddress>(settings.BatchPackets, pinned: true);
        _gauge = new QueueGauge(settings, Statistics);
        _thread = new Thread(Run) { IsBackground = true, Name = "divert" };
        _handle = DivertHandle.Open(plan.Filter, plan.Layer, settings.Priority);
        try
        {
            _handle.Set(DivertParameter.QueueLength, (ulong)settings.QueuePackets);
            _handle.Set(DivertParameter.QueueSize, (ulong)settings.QueueBytes);
            _handle.Set(DivertParameter.QueueTime, (ulong)settings.QueueTime.TotalMilliseconds);
        }
        catch
        {
            _handle.Dispose();
            throw;
        }
    }

    public DivertHandlePlan Plan => _plan;

    /// <summary>Written by the reader's thread alone.</summary>
    public ReaderStatistics Statistics { get; } = new();

    public void Start() => _thread.Start();

    /// <summary>Diverts nothing more. What is queued is still decided on.</summary>
    public void StopDiverting()
    {
        try
        {
            _handle.Shutdown(DivertShutdown.Receive);
        }
        catch (DivertException fault)
        {
            // Then nothing is received any more either, and the thread ends.
            _traffic.Fail(fault);
        }
    }

    /// <summary>Returns when the thread has decided on all that was queued.</summary>
    public void Drain() => _thread.Join();

    public void Dispose() => _handle.Dispose();

    private void Run()
    {
        try
        {
            Read();
        }
        catch (DivertException fault)
        {
            _traffic.Fail(fault);
        }
    }

    private void Read()
    {
        for (var failures = 0; ;)
        {
            var error = _handle.Receive(_packets, _addresses, out var bytes, out var count);
            switch (DivertErrors.From(error))
            {
                case DivertError.None or DivertError.Truncated:
                    failures = 0;
                    Decide(bytes, count);
                    break;
                case DivertError.NoData or DivertError.Aborted or DivertError.HandleClosed:
                    return;
                default:
                    if (++failures == FailuresInARow)
                        throw new DivertException("cannot receive from WinDivert", error);
                    break;
            }
        }
    }

    private void Decide(int bytes, int count)
    {
        _gauge.Note(_addresses.AsSpan(0, count), bytes, Stopwatch.GetTimestamp());
        // What passes moves up to where dropped packets were; as long as none is dropped, it stays where it is.
        int read = 0, readBytes = 0, kept = 0, keptBytes = 0, onMaster = 0;
        lock (_traffic.DecisionLock)
        {
            var port = _traffic.Port.Snapshot;
            for (; read < count; read++)
            {
                var length = PacketBatch.FirstLength(_packets.AsSpan(readBytes, bytes - readBytes));
                if (length == 0)
                    break;
                var packet = _packets.AsSpan(readBytes, length);
                readBytes += length;
                var decision = DecideOne(port, packet, out var isFromWire);
                if (IsOnMaster(_addresses[read], isFromWire, decision))
                    onMaster++;
                _traffic.PacketWatch?.Tell(packet, decision);
                if (decision.Action == DecisionAction.Drop)
                {
                    Statistics.Dropped++;
                    continue;
                }
                ref var address = ref _addresses[read];
                var ipMtu = OutboundMtu(port, address);
                if (length > ipMtu)
                {
                    // In its place among the others.
                    Send(_packets.AsSpan(0, keptBytes), _addresses.AsSpan(0, kept), kept);
                    (kept, keptBytes) = (0, 0);
                    SendCut(port, packet, address, ipMtu);
                    continue;
                }
                if (keptBytes < readBytes - length)
                    packet.CopyTo(_packets.AsSpan(keptBytes));
                _addresses[kept++] = address;
                keptBytes += length;
            }
        }
        Statistics.Received += count;
        Statistics.OnMaster += onMaster;
        // The end of one that has no length is nowhere to be found, nor are those behind it.
        Statistics.Unreadable += count - read;
        Send(_packets.AsSpan(0, keptBytes), _addresses.AsSpan(0, kept), kept);
    }

    private Decision DecideOne(PortSnapshot port, ReadOnlySpan<byte> packet, out bool isFromWire)
    {
        isFromWire = _plan.Origin == PacketOrigin.Wire;
        if (isFromWire)
            return port.ReceivePacket(packet);
        var decision = port.TransmitPacket(packet);
        isFromWire = decision.Action == DecisionAction.Host && _plan.Origin == PacketOrigin.Either;
        return isFromWire ? port.ReceivePacket(packet) : decision;
    }

    /// <summary>It came by the master, whatever becomes of it, or leaves by it. Loopback packets may carry any index.</summary>
    private bool IsOnMaster(in DivertAddress address, bool isFromWire, Decision decision) =>
        isFromWire || (address.InterfaceIndex == _traffic.MasterIndex && !address.IsLoopback && decision.Action != DecisionAction.Drop);

    /// <summary>What the adapter carries where a packet is about to leave by one.</summary>
    private int OutboundMtu(PortSnapshot port, in DivertAddress address)
    {
        if (!address.IsOutbound || address.IsLoopback || _plan.Layer != DivertLayer.Network)
            return int.MaxValue;
        return address.InterfaceIndex == _traffic.MasterIndex ? port.IpMtu : _settings.IpMtuOf(address.InterfaceIndex);
    }

    private void SendCut(PortSnapshot port, ReadOnlySpan<byte> packet, in DivertAddress address, int ipMtu)
    {
        _oversize ??= new OversizePackets();
        if (!_oversize.TryCut(packet, address, ipMtu))
        {
            port.CountDrop(DropReason.MtuExceeded);
            Statistics.Dropped++;
            return;
        }
        Statistics.Cut++;
        if (address.InterfaceIndex == _traffic.MasterIndex)
            Statistics.OnMaster += _oversize.Addresses.Length - 1;
        // Pieces are counted as the packet that they were.
        Send(_oversize.Packets, _oversize.Addresses, 1);
    }

    private void Send(ReadOnlySpan<byte> packets, ReadOnlySpan<DivertAddress> addresses, int counted)
    {
        if (addresses.IsEmpty)
            return;
        var error = _handle.Send(packets, addresses);
        Statistics.Passed += counted;
        if (error == 0)
            return;
        // Soft: the others of the batch have gone, and which one has not is not told.
        Statistics.LastSendError = error;
        Statistics.SendFailures++;
        if (DivertErrors.From(error) == DivertError.ImpostorExpired)
            Statistics.Expired++;
    }
}
