using System.Buffers.Binary;

namespace IpVlanWin.Devices.WinDivert;

/// <summary>Finds the ends of packets that lie one behind the other. RFC 791 section 3.1, RFC 8200 section 3.</summary>
public static class PacketBatch
{
    /// <summary>Length in bytes of the packet at the start; 0 where no packet of that length is there.</summary>
    public static int FirstLength(ReadOnlySpan<byte> packets)
    {
        if (packets.Length < 20)
            return 0;
        int length;
        if (packets[0] >> 4 == 4)
            length = BinaryPrimitives.ReadUInt16BigEndian(packets[2..]) is var total && total >= 20 ? total : 0;
        else if (packets[0] >> 4 == 6 && packets.Length >= 40)
            length = BinaryPrimitives.ReadUInt16BigEndian(packets[4..]) + 40;
        else
            return 0;
        return length <= packets.Length ? length : 0;
    }
}
