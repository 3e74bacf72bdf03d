using System.Buffers.Binary;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Cli.Lab.Simulation;

/// <summary>A datagram arrived. The payload is good during the call.</summary>
internal delegate void DatagramHandler(L3Address source, ushort sourcePort, ReadOnlySpan<byte> payload);

/// <summary>
/// A small host: Ethernet, ARP (RFC 826), neighbor discovery (RFC 4861), IPv4 and IPv6 without fragments, ICMP echo (RFC 792, RFC 4443),
/// UDP (RFC 768). Forwards nothing. Everything happens within <see cref="Poll"/>, <see cref="Tick"/> and the sends.
/// </summary>
internal sealed class SimulatedHost
{
    private const int MaxFrameLength = 1514;
    private const byte DefaultHopLimit = 64;

    private readonly SimulatedNic _nic;
    private readonly List<L3Prefix> _addresses = [];
    private readonly HashSet<L3Address> _groups = [];
    private readonly Dictionary<ushort, DatagramHandler> _ports = [];
    private readonly byte[] _frame = new byte[MaxFrameLength];
    private bool _resolvesNeighbors = true;

    public SimulatedHost(string name, SimulatedNic nic)
    {
        (Name, _nic) = (name, nic);
        Neighbors = new NeighborCache(Solicit, frame => _nic.Send(frame));
    }

    public string Name { get; }

    public NeighborCache Neighbors { get; }

    /// <summary>
    /// Asks the link for MACs and answers such questions. False is Linux's IFF_NOARP: every unicast packet goes to the own MAC, wherever
    /// it is to, since a default route leads to the device. A change forgets all neighbors.
    /// </summary>
    public bool ResolvesNeighbors
    {
        get => _resolvesNeighbors;
        set
        {
            if (value == _resolvesNeighbors)
                return;
            _resolvesNeighbors = value;
            Neighbors.Clear();
        }
    }

    /// <summary>Packets with a wrong checksum or length; none in a lab that works.</summary>
    public long Malformed { get; private set; }

    /// <summary>An echo reply came: its sender, identifier and sequence number.</summary>
    public event Action<L3Address, ushort, ushort>? EchoReplied;

    /// <summary>MACs of the groups it is a member of.</summary>
    public IReadOnlyCollection<MacAddress> GroupMacs => [.. _groups.Select(Multicast.Mac).Distinct()];

    /// <summary>Gives it an address, and for IPv6 the group that neighbors ask at (RFC 4291 section 2.8).</summary>
    public void AddAddress(L3Prefix address)
    {
        _addresses.Add(address);
        if (address.Address.IsSix)
            _groups.Add(Multicast.SolicitedNode(address.Address));
    }

    public void Join(L3Address group) => _groups.Add(group);

    public void Listen(ushort port, DatagramHandler handler) => _ports[port] = handler;

    /// <summary>Takes in what has arrived. Returns true where something had.</summary>
    public bool Poll()
    {
        var any = false;
        while (_nic.TryReceive(out var frame))
        {
            any = true;
            Receive(frame);
        }
        return any;
    }

    public void Tick() => Neighbors.Tick(_nic.Now);

    /// <summary>Sends an echo request. Returns false where no route leads there.</summary>
    public bool SendEcho(L3Address destination, ushort identifier, ushort sequence)
    {
        if (!TryPickSource(destination, out var source))
            return false;
        var message = Transport(destination.IsSix)[..IcmpEcho.Length];
        IcmpEcho.Write(message, destination.IsSix, identifier, sequence);
        SendPacket(source, destination, IcmpEcho.Protocol(destination.IsSix), message.Length, DefaultHopLimit);
        return true;
    }

    /// <summary>Sends a datagram. Returns false where no route leads there or it does not fit a frame.</summary>
    public bool SendDatagram(L3Address destination, ushort fromPort, ushort toPort, ReadOnlySpan<byte> payload) =>
        TryPickSource(destination, out var source) && SendDatagram(source, destination, fromPort, toPort, payload);

    private bool SendDatagram(L3Address source, L3Address destination, ushort fromPort, ushort toPort, ReadOnlySpan<byte> payload)
    {
        var datagram = Transport(destination.IsSix);
        if (datagram.Length < Udp.HeaderLength + payload.Length)
            return false;
        Udp.Write(datagram, fromPort, toPort, payload);
        SendPacket(source, destination, Udp.Protocol, Udp.HeaderLength + payload.Length, DefaultHopLimit);
        return true;
    }

    private void Receive(ReadOnlySpan<byte> frame)
    {
        if (frame.Length < EtherType.HeaderLength)
            return;
        var destination = MacAddress.Read(frame);
        if (destination != _nic.Mac && !destination.IsMulticast)
            return;
        var payload = frame[EtherType.HeaderLength..];
        switch (BinaryPrimitives.ReadUInt16BigEndian(frame[12..]))
        {
            case EtherType.Arp:
                ReceiveArp(payload);
                break;
            case EtherType.IPv4:
            case EtherType.IPv6:
                ReceivePacket(payload);
                break;
        }
    }

    private void ReceiveArp(ReadOnlySpan<byte> payload)
    {
        if (!_resolvesNeighbors || !ArpPacket.TryParse(payload, out var packet))
            return;
        var isForUs = Has(packet.Target);
        Neighbors.Learn(packet.Sender, packet.SenderMac, mayAdd: isForUs);
        if (isForUs && packet.Operation == ArpPacket.Request)
            SendArp(ArpPacket.Reply, packet.SenderMac, packet.Target, packet.SenderMac, packet.Sender);
    }

    private void ReceivePacket(ReadOnlySpan<byte> bytes)
    {
        if (!IpPacket.TryParse(bytes, out var packet))
        {
            Malformed++;
            return;
        }
        if (!Has(packet.Destination) && !_groups.Contains(packet.Destination))
            return;
        if (packet.Protocol == Udp.Protocol)
            ReceiveDatagram(packet);
        else if (packet.Protocol == IcmpEcho.Protocol(packet.IsSix))
            ReceiveIcmp(packet);
    }

    private void ReceiveDatagram(in IpPacket packet)
    {
        if (!Udp.TryParse(packet, out var sourcePort, out var port, out var payload))
            Malformed++;
        else if (_ports.TryGetValue(port, out var handler))
            handler(packet.Source, sourcePort, payload);
    }

    private void ReceiveIcmp(in IpPacket packet)
    {
        if (!IcmpEcho.IsIntact(packet))
        {
            Malformed++;
            return;
        }
        var message = packet.Payload;
        if (message[0] == IcmpEcho.RequestType(packet.IsSix))
            AnswerEcho(packet);
        else if (message[0] == IcmpEcho.ReplyType(packet.IsSix) && message.Length >= IcmpEcho.HeaderLength)
            EchoReplied?.Invoke(packet.Source, BinaryPrimitives.ReadUInt16BigEndian(message[4..]), BinaryPrimitives.ReadUInt16BigEndian(message[6..]));
        else if (packet.IsSix && packet.HopLimit == NeighborMessage.HopLimit)
            ReceiveNeighborMessage(packet);
    }

    private void AnswerEcho(in IpPacket request)
    {
        var reply = Transport(request.IsSix)[..request.Payload.Length];
        request.Payload.CopyTo(reply);
        reply[0] = IcmpEcho.ReplyType(request.IsSix);
        // To a group it is answered from an address of its own (RFC 4443 section 4.2).
        if (!request.Destination.IsMulticast)
            SendPacket(request.Destination, request.Source, request.Protocol, reply.Length, DefaultHopLimit);
        else if (TryPickSource(request.Source, out var own))
            SendPacket(own, request.Source, request.Protocol, reply.Length, DefaultHopLimit);
    }

    private void ReceiveNeighborMessage(in IpPacket packet)
    {
        if (!_resolvesNeighbors || !NeighborMessage.TryParse(packet.Payload, out var message))
            return;
        var isSolicitation = packet.Payload[0] == NeighborMessage.Solicitation;
        if (isSolicitation && !Has(message.Target))
            return;
        if (message.TryFindMac(out var mac))
            Neighbors.Learn(isSolicitation ? packet.Source : message.Target, mac, mayAdd: isSolicitation);
        if (!isSolicitation)
            return;
        NeighborMessage.Write(Transport(isSix: true), NeighborMessage.Advertisement, message.Target, _nic.Mac);
        SendPacket(message.Target, packet.Source, IcmpEcho.Protocol(isSix: true), NeighborMessage.Length, NeighborMessage.HopLimit);
    }

    private void Solicit(L3Address address)
    {
        if (!TryPickSource(address, out var source))
            return;
        if (!address.IsSix)
        {
            SendArp(ArpPacket.Request, MacAddress.Broadcast, source, default, address);
            return;
        }
        NeighborMessage.Write(Transport(isSix: true), NeighborMessage.Solicitation, address, _nic.Mac);
        SendPacket(source, Multicast.SolicitedNode(address), IcmpEcho.Protocol(isSix: true), NeighborMessage.Length, NeighborMessage.HopLimit);
    }

    private void SendArp(ushort operation, MacAddress to, L3Address sender, MacAddress targetMac, L3Address target)
    {
        Span<byte> frame = stackalloc byte[EtherType.HeaderLength + ArpPacket.Length];
        WriteHeader(frame, to, EtherType.Arp);
        ArpPacket.Write(frame[EtherType.HeaderLength..], operation, _nic.Mac, sender, targetMac, target);
        _nic.Send(frame);
    }

    /// <summary>Where the transport's bytes of the next packet are written.</summary>
    private Span<byte> Transport(bool isSix) => _frame.AsSpan(EtherType.HeaderLength + IpPacket.HeaderLength(isSix));

    /// <summary>Finishes the packet whose transport is written, and sends it or has it wait for its neighbor.</summary>
    private void SendPacket(L3Address source, L3Address destination, byte protocol, int transportLength, byte hopLimit)
    {
        var length = EtherType.HeaderLength + IpPacket.Finish(_frame.AsSpan(EtherType.HeaderLength), source, destination, protocol, transportLength, hopLimit);
        var frame = _frame.AsSpan(0, length);
        var mac = _nic.Mac;
        var isKnown = !_resolvesNeighbors || Neighbors.TryFind(destination, out mac);
        if (destination.IsMulticast)
            (isKnown, mac) = (true, Multicast.Mac(destination));
        WriteHeader(frame, mac, destination.IsSix ? EtherType.IPv6 : EtherType.IPv4);
        if (isKnown)
            _nic.Send(frame);
        else
            // Asking writes to the same memory, so the frame is copied first.
            Neighbors.Resolve(destination, frame.ToArray(), _nic.Now);
    }

    private void WriteHeader(Span<byte> frame, MacAddress destination, ushort type)
    {
        destination.Write(frame);
        _nic.Mac.Write(frame[MacAddress.Bytes..]);
        BinaryPrimitives.WriteUInt16BigEndian(frame[12..], type);
    }

    private bool Has(L3Address address) => _addresses.Exists(own => own.Address == address);

    /// <summary>The address whose prefix holds the destination; without one, any of the family for a group or by the default route of a device without neighbors.</summary>
    private bool TryPickSource(L3Address destination, out L3Address source)
    {
        foreach (var own in _addresses)
        {
            source = own.Address;
            if (own.Contains(destination) || ((destination.IsMulticast || !_resolvesNeighbors) && own.Address.IsSix == destination.IsSix))
                return true;
        }
        source = default;
        return false;
    }
}
