using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using IpVlanWin.Devices;
using IpVlanWin.Engine.Wire;
using IpVlanWin.HostNetwork.Linux;

namespace IpVlanWin.Cli.Lab.Namespaces;

/// <summary>
/// Source MACs on the wire, seen from both ends: those of frames we send, noted at the last point that is ours, and, by a packet socket
/// at the peer, those of frames that arrive there. So that the socket costs nothing, a filter in the kernel passes the first bytes of
/// frames whose source MAC is another than the last one seen.
/// </summary>
[SupportedOSPlatform("linux")]
internal sealed class WireMacs : IDisposable
{
    private const int EveryProtocol = 0x0003;
    private const int LevelSocket = 1;
    private const int AttachFilter = 26;

    private readonly ConcurrentDictionary<MacAddress, byte> _seen = new();
    private readonly Socket _peer;
    private readonly Task _listening;

    /// <summary>Listens in the peer's namespace, which must have no other link than the peer's and loopback.</summary>
    public WireMacs(NetworkNamespace peer)
    {
        _peer = peer.Run(() => new Socket(AddressFamily.Packet, SocketType.Raw, (ProtocolType)BinaryPrimitives.ReverseEndianness((ushort)EveryProtocol)));
        Filter(default);
        _listening = ListenAsync();
    }

    public IReadOnlyCollection<MacAddress> Seen => [.. _seen.Keys];

    /// <summary>Notes what is sent by a device.</summary>
    public IFrameDevice Watch(IFrameDevice wire) => new SourceMacs(wire, _seen);

    public void Dispose()
    {
        _peer.Dispose();
        _listening.GetAwaiter().GetResult();
    }

    private async Task ListenAsync()
    {
        var frame = new byte[EtherType.HeaderLength];
        try
        {
            for (; ; )
            {
                var length = await _peer.ReceiveAsync(frame, SocketFlags.None).ConfigureAwait(false);
                if (length < EtherType.HeaderLength)
                    continue;
                var mac = MacAddress.Read(frame.AsSpan(MacAddress.Bytes));
                if (mac == default)
                    continue;
                _seen.TryAdd(mac, 0);
                Filter(mac);
            }
        }
        catch (Exception fault) when (fault is SocketException or ObjectDisposedException)
        {
            // Being disposed.
        }
    }

    /// <summary>
    /// Classic BPF (Linux Documentation/networking/filter.rst): no frame that this namespace sent and none from a known MAC; of others
    /// the Ethernet header. Loopback's MACs are zero.
    /// </summary>
    private unsafe void Filter(MacAddress known)
    {
        const uint PacketType = 0xffff_f000 + 4;
        const uint Outgoing = 4;
        Span<Instruction> program =
        [
            new(0x30, 0, 0, PacketType), // A = packet type
            new(0x15, 5, 0, Outgoing), // to the last but none
            new(0x20, 0, 0, 6), // A = source MAC, first four bytes
            new(0x15, 0, 2, (uint)(known.Value >> 16)),
            new(0x28, 0, 0, 10), // A = its last two
            new(0x15, 1, 0, (uint)(known.Value & 0xffff)),
            new(0x06, 0, 0, EtherType.HeaderLength), // pass so many bytes
            new(0x06, 0, 0, 0), // pass none
        ];
        fixed (Instruction* first = program)
        {
            var attached = new Program { Length = (ushort)program.Length, First = first };
            _peer.SetRawSocketOption(LevelSocket, AttachFilter, MemoryMarshal.AsBytes(new ReadOnlySpan<Program>(in attached)));
        }
    }

    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct Instruction(ushort Code, byte IfTrue, byte IfFalse, uint Operand);

    [StructLayout(LayoutKind.Sequential)]
    private unsafe struct Program
    {
        public ushort Length;
        public Instruction* First;
    }

    private sealed class SourceMacs(IFrameDevice inner, ConcurrentDictionary<MacAddress, byte> seen) : IFrameDevice
    {
        private MacAddress _last;

        public string Name => inner.Name;

        public OffloadKinds Accepts => inner.Accepts;

        public int PollDescriptor => inner.PollDescriptor;

        public void Receive(FrameBatch batch) => inner.Receive(batch);

        public SendResult Send(Span<byte> buffer, in FrameOffload offload)
        {
            var frame = buffer[FrameBatch.Headroom..];
            if (frame.Length >= 2 * MacAddress.Bytes && MacAddress.Read(frame[MacAddress.Bytes..]) is var mac && mac != _last)
            {
                _last = mac;
                seen.TryAdd(mac, 0);
            }
            return inner.Send(buffer, offload);
        }

        public void Flush() => inner.Flush();

        public void Dispose() => inner.Dispose();
    }
}
