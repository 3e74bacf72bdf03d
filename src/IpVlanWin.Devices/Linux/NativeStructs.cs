using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;

namespace IpVlanWin.Devices.Linux;

/// <summary>struct ifreq (net/if.h): an interface's name and one of several values. The same on x64 and arm64.</summary>
[StructLayout(LayoutKind.Explicit, Size = 40)]
internal unsafe struct InterfaceRequest
{
    public const int NameBytes = 16;

    private static readonly SearchValues<char> s_refusedInNames = SearchValues.Create("/:%\0 \t\n\v\f\r");

    [FieldOffset(0)]
    public fixed byte Name[NameBytes];

    [FieldOffset(16)]
    public short Flags;

    [FieldOffset(16)]
    public int Index;

    /// <summary>ifr_hwaddr.sa_family: a link type (ARPHRD_...).</summary>
    [FieldOffset(16)]
    public ushort LinkType;

    /// <summary>ifr_hwaddr.sa_data.</summary>
    [FieldOffset(18)]
    public fixed byte HardwareAddress[14];

    /// <exception cref="ArgumentException">The name is none that an interface may have (dev_valid_name).</exception>
    public InterfaceRequest(string name)
    {
        if (Encoding.UTF8.GetByteCount(name) is 0 or >= NameBytes || name is "." or ".." || name.AsSpan().ContainsAny(s_refusedInNames))
            throw new ArgumentException($"interface name '{name}' must have 1 to 15 bytes and no '/', ':', '%' or white space", nameof(name));
        fixed (byte* bytes = Name)
            Encoding.UTF8.GetBytes(name, new Span<byte>(bytes, NameBytes - 1));
    }

    public readonly string NameText
    {
        get
        {
            fixed (byte* bytes = Name)
                return Encoding.UTF8.GetString(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(bytes));
        }
    }
}

/// <summary>struct sockaddr_ll (linux/if_packet.h).</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct LinkLayerAddress
{
    public ushort Family;

    /// <summary>In network order.</summary>
    public ushort Protocol;

    public int InterfaceIndex;
    public ushort LinkType;
    public byte PacketType;
    public byte AddressLength;
    public fixed byte Address[8];
}

/// <summary>struct iovec (sys/uio.h).</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct IoVector
{
    public byte* Start;
    public nuint Length;
}

/// <summary>struct msghdr (sys/socket.h) of 64-bit Linux.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct MessageHeader
{
    public void* Name;
    public int NameLength;
    public IoVector* Vectors;
    public nuint VectorCount;
    public void* Control;
    public nuint ControlLength;
    public int Flags;
}

/// <summary>struct cmsghdr (sys/socket.h) of 64-bit Linux; its data follows directly.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct ControlHeader
{
    public nuint Length;
    public int Level;
    public int Type;
}

/// <summary>The one control message a packet socket is asked for: cmsghdr, then struct tpacket_auxdata, rounded up to 8 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Size = 40)]
internal struct PacketControl
{
    public ControlHeader Header;
    public PacketAuxiliary Auxiliary;
}

/// <summary>struct tpacket_auxdata (linux/if_packet.h).</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct PacketAuxiliary
{
    public uint Status;
    public uint Length;
    public uint CapturedLength;
    public ushort MacOffset;
    public ushort NetworkOffset;
    public ushort VlanTag;
    public ushort VlanProtocol;
}

/// <summary>struct packet_mreq (linux/if_packet.h).</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct PacketMembership
{
    public int InterfaceIndex;
    public ushort Type;
    public ushort AddressLength;
    public fixed byte Address[8];
}

/// <summary>struct tpacket_stats (linux/if_packet.h). Reading it sets the kernel's counters back to zero.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct PacketStatistics
{
    /// <summary>Frames received, the dropped ones too.</summary>
    public uint Frames;

    public uint Drops;
}

/// <summary>struct epoll_event as x64 has it: packed.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
internal struct PackedEpollEvent
{
    public uint Events;
    public ulong Data;
}

/// <summary>struct epoll_event as every other architecture has it: the data naturally aligned.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct AlignedEpollEvent
{
    public uint Events;
    public ulong Data;
}
