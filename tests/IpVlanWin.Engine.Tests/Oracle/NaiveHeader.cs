namespace IpVlanWin.Engine.Tests.Oracle;

/// <summary>What rule 9 finds behind an Ethernet header. Addresses are upper-case hexadecimal, null where there is none.</summary>
public sealed record NaiveHeader(bool Valid, string? Source, string? Key)
{
    public static readonly NaiveHeader None = new(false, null, null);

    private const string UnspecifiedSix = "00000000000000000000000000000000";

    public static int Word(byte[] bytes, int offset) => (bytes[offset] * 256) + bytes[offset + 1];

    public static bool IsTagged(byte[] frame) => Word(frame, 12) is 0x8100 or 0x88a8;

    /// <summary>Rule 8.</summary>
    public static NaiveHeader AsSent(byte[] frame) => Behind(Word(frame, 12), frame[14..]);

    /// <summary>Rule 7, for a frame whose tag is whole.</summary>
    public static NaiveHeader OnMaster(byte[] frame) => Behind(ProtocolOnMaster(frame), PacketOnMaster(frame));

    public static int ProtocolOnMaster(byte[] frame) => IsTagged(frame) ? Word(frame, 16) : Word(frame, 12);

    /// <summary>Rule 18a: all tags off, as long as those before have VLAN 0; and the VLAN of the last one, 0 without any.</summary>
    public static (int Protocol, byte[] Packet, int Vlan) BehindPriorityTags(byte[] frame)
    {
        var at = 12;
        var vlan = 0;
        for (var tag = 0; tag < 13 && Word(frame, at) is 0x8100 or 0x88a8 && vlan == 0 && frame.Length >= at + 8; tag++)
        {
            vlan = Word(frame, at + 2) % 4096;
            at += 4;
        }
        return (Word(frame, at), frame[(at + 2)..], vlan);
    }

    public static byte[] PacketOnMaster(byte[] frame) => IsTagged(frame) ? frame[18..] : frame[14..];

    public static NaiveHeader Behind(int protocol, byte[] packet)
    {
        var n = packet.Length;
        switch (protocol)
        {
            case 0x0806:
                return n >= 28 ? new NaiveHeader(true, Four(packet, 14), Four(packet, 24)) : None;
            case 0x0800:
                if (n < 20 || packet[0] / 16 != 4 || packet[0] % 16 < 5)
                    return None;
                var totalLength = Word(packet, 2);
                return packet[0] % 16 * 4 <= totalLength && totalLength <= n ? new NaiveHeader(true, Four(packet, 12), Four(packet, 16)) : None;
            case 0x86dd:
                if (n < 40 || packet[0] / 16 != 6)
                    return None;
                if (Six(packet, 8) != UnspecifiedSix || packet[6] != 58)
                    return new NaiveHeader(true, Six(packet, 8), Six(packet, 24));
                if (n < 48)
                    return None;
                if (packet[40] != 135)
                    return new NaiveHeader(true, null, null);
                return n >= 64 ? new NaiveHeader(true, Six(packet, 48), Six(packet, 48)) : None;
            default:
                return None;
        }
    }

    public static string Four(byte[] packet, int offset) => Convert.ToHexString(packet, offset, 4);

    public static string Six(byte[] packet, int offset) => Convert.ToHexString(packet, offset, 16);
}
