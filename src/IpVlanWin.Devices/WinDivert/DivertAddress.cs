using System.Runtime.InteropServices;

namespace IpVlanWin.Devices.WinDivert;

/// <summary>WINDIVERT_ADDRESS of a packet: 80 bytes, at the layers that carry packets. Sent again as received.</summary>
[StructLayout(LayoutKind.Explicit, Size = DivertLimits.AddressLength)]
public struct DivertAddress
{
    private const byte SniffedBit = 0x01, OutboundBit = 0x02, LoopbackBit = 0x04, ImpostorBit = 0x08;
    private const byte SixBit = 0x10, IpChecksumBit = 0x20, TcpChecksumBit = 0x40, UdpChecksumBit = 0x80;

    /// <summary>When it was captured, in the ticks of <see cref="System.Diagnostics.Stopwatch"/> (QueryPerformanceCounter).</summary>
    [FieldOffset(0)]
    public long Timestamp;

    [FieldOffset(8)]
    private byte _layer;

    [FieldOffset(9)]
    private byte _event;

    [FieldOffset(10)]
    private byte _bits;

    /// <summary>The interface it came by, or is to leave by. Sending outbound does not heed it.</summary>
    [FieldOffset(16)]
    public uint InterfaceIndex;

    /// <summary>Index below <see cref="InterfaceIndex"/>.</summary>
    [FieldOffset(20)]
    public uint SubInterfaceIndex;

    /// <summary>The handle's layer.</summary>
    public DivertLayer Layer
    {
        readonly get => (DivertLayer)_layer;
        set => _layer = (byte)value;
    }

    /// <summary>What happened.</summary>
    public DivertEvent Event
    {
        readonly get => (DivertEvent)_event;
        set => _event = (byte)value;
    }

    /// <summary>A copy: the packet itself has gone on.</summary>
    public bool IsSniffed
    {
        readonly get => Has(SniffedBit);
        set => Set(SniffedBit, value);
    }

    /// <summary>Leaves the host.</summary>
    public bool IsOutbound
    {
        readonly get => Has(OutboundBit);
        set => Set(OutboundBit, value);
    }

    /// <summary>From and to addresses of this host. Only seen outbound.</summary>
    public bool IsLoopback
    {
        readonly get => Has(LoopbackBit);
        set => Set(LoopbackBit, value);
    }

    /// <summary>Injected by another driver. Sending it again with this set costs one of its TTL, which is what ends loops.</summary>
    public bool IsImpostor
    {
        readonly get => Has(ImpostorBit);
        set => Set(ImpostorBit, value);
    }

    /// <summary>IPv6.</summary>
    public bool IsSix
    {
        readonly get => Has(SixBit);
        set => Set(SixBit, value);
    }

    /// <summary>The IPv4 header's checksum is right. Sent unset, the driver computes it; so with the next two.</summary>
    public bool HasIpChecksum
    {
        readonly get => Has(IpChecksumBit);
        set => Set(IpChecksumBit, value);
    }

    /// <summary>The TCP checksum is right.</summary>
    public bool HasTcpChecksum
    {
        readonly get => Has(TcpChecksumBit);
        set => Set(TcpChecksumBit, value);
    }

    /// <summary>The UDP checksum is right.</summary>
    public bool HasUdpChecksum
    {
        readonly get => Has(UdpChecksumBit);
        set => Set(UdpChecksumBit, value);
    }

    private readonly bool Has(byte bit) => (_bits & bit) != 0;

    private void Set(byte bit, bool on) => _bits = (byte)(on ? _bits | bit : _bits & ~bit);
}
