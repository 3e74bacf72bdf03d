using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using IpVlanWin.Devices;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Benchmarks.Engine;

/// <summary>What is done to the frames.</summary>
internal enum Path
{
    /// <summary>l2: from the wire to an interface.</summary>
    Receive,

    /// <summary>l2: from an interface to a sibling.</summary>
    Sibling,

    /// <summary>l3: from an interface to a station behind a gateway of the wire: route and neighbor looked up.</summary>
    Routed,
}

/// <summary>
/// A batch of frames of 64 to 1500 bytes of IP packet, laid out as in a <see cref="FrameBatch"/>. The destinations are written into them just
/// before the batch is decided on: so the headers are in the cache, as those are that the kernel has just copied, however many destinations
/// there are.
/// </summary>
internal sealed class Traffic
{
    /// <summary>Frames of a batch, as the data path's.</summary>
    public const int Batch = 64;

    private const int LongestPacket = 1500;
    private const int Alignment = 64;

    public static readonly MacAddress PortMac = new(0x02_00_00_00_00_01);
    public static readonly MacAddress StationMac = new(0x02_00_00_00_00_99);

    private readonly byte[] _buffer = GC.AllocateArray<byte>(Batch * (FrameBatch.FrameStart + EtherType.HeaderLength + LongestPacket + Alignment), pinned: true);
    private readonly (int Start, int Length)[] _slots = new (int, int)[Batch];
    private readonly bool _isSix;
    private readonly uint[] _four;
    private readonly UInt128[] _six;

    public Traffic(Path path, bool isSix, ReadOnlySpan<int> destinations, Random random)
    {
        var used = FirstAligned();
        for (var i = 0; i < Batch; i++)
        {
            var packetLength = random.Next(64, LongestPacket + 1);
            _slots[i] = (used + FrameBatch.FrameStart, EtherType.HeaderLength + packetLength);
            Write(_buffer.AsSpan(_slots[i].Start), path, isSix, packetLength);
            used = (_slots[i].Start + _slots[i].Length + Alignment - 1 - FirstAligned()) / Alignment * Alignment + FirstAligned();
        }
        _isSix = isSix;
        Count = destinations.Length;
        _four = new uint[isSix ? 0 : Count];
        _six = new UInt128[isSix ? Count : 0];
        Span<byte> bytes = stackalloc byte[16];
        for (var i = 0; i < Count; i++)
        {
            (path == Path.Routed ? Plan.Remote(isSix, destinations[i]) : Plan.Address(isSix, destinations[i])).Write(bytes);
            if (isSix)
                _six[i] = MemoryMarshal.Read<UInt128>(bytes);
            else
                _four[i] = MemoryMarshal.Read<uint>(bytes);
        }
    }

    /// <summary>Destinations.</summary>
    public int Count { get; }

    /// <summary>Makes a batch of frames to the destinations from there on. A multiple of <see cref="Batch"/>, and so is <see cref="Count"/>.</summary>
    public void Address(int first)
    {
        for (var i = 0; i < Batch; i++)
        {
            // Unchecked here and below: the indexes are below Count and Batch, and what is measured is the decision.
            if (_isSix)
                Unsafe.WriteUnaligned(ref Unsafe.Add(ref First(i), EtherType.HeaderLength + 24), Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_six), first + i));
            else
                Unsafe.WriteUnaligned(ref Unsafe.Add(ref First(i), EtherType.HeaderLength + 16), Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_four), first + i));
        }
    }

    /// <summary>The frames of the batch.</summary>
    public FrameList Frames => new(this);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ref byte First(int index) => ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_buffer), (nint)(uint)_slots[index].Start);

    /// <summary>As <see cref="FrameBatch.FrameList"/>.</summary>
    public readonly unsafe ref struct FrameList : IFrameList
    {
        private readonly byte* _buffer;
        private readonly ReadOnlySpan<(int Start, int Length)> _slots;

        public FrameList(Traffic traffic)
        {
            // It is pinned.
            _buffer = (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(traffic._buffer));
            _slots = traffic._slots;
        }

        public int Count => _slots.Length;

        public ReadOnlySpan<byte> this[int index]
        {
            get
            {
                ref readonly var slot = ref _slots[index];
                return MemoryMarshal.CreateReadOnlySpan(ref _buffer[slot.Start], slot.Length);
            }
        }
    }

    private unsafe int FirstAligned() => (int)(-(nint)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_buffer)) & (Alignment - 1));

    private static void Write(Span<byte> frame, Path path, bool isSix, int packetLength)
    {
        PortMac.Write(frame);
        (path == Path.Receive ? StationMac : PortMac).Write(frame[6..]);
        BinaryPrimitives.WriteUInt16BigEndian(frame[12..], isSix ? EtherType.IPv6 : EtherType.IPv4);
        var packet = frame[EtherType.HeaderLength..];
        if (isSix)
        {
            packet[0] = 0x60;
            BinaryPrimitives.WriteUInt16BigEndian(packet[4..], (ushort)(packetLength - 40));
            (packet[6], packet[7]) = (17, 64);
            Plan.Station(isSix: true).Write(packet[8..]);
        }
        else
        {
            packet[0] = 0x45;
            BinaryPrimitives.WriteUInt16BigEndian(packet[2..], (ushort)packetLength);
            (packet[8], packet[9]) = (64, 17);
            Plan.Station(isSix: false).Write(packet[12..]);
        }
    }
}
