using IpVlanWin.Devices.Pcap;

namespace IpVlanWin.Devices.Tests.Pcap;

/// <summary>What a reader said about a packet, kept for comparison.</summary>
internal sealed record Packet(
    string Hex, long? UnixNanoseconds, long OriginalLength, int Interface, int Section, FrameDirection Direction, ulong? DropCount, string? Comment)
{
    public static Packet Of(in CapturedFrame frame) => new(
        Convert.ToHexString(frame.Bytes), frame.UnixNanoseconds, frame.OriginalLength, frame.Interface.Index, frame.Interface.Section,
        frame.Direction, frame.DropCount, frame.Comment);
}

internal static class Captures
{
    public static readonly byte[] FrameA = [.. Convert.FromHexString("FFFFFFFFFFFF0200000000010806"), 1, 2, 3];
    public static readonly byte[] FrameB = [.. Convert.FromHexString("0200000000010200000000020800"), 4, 5, 6, 7];

    public static List<Packet> Read(byte[] file, string name = "t.pcapng")
    {
        using var reader = CaptureReader.Open(new TrickleStream(file), name);
        var packets = new List<Packet>();
        while (reader.TryRead(out var frame))
            packets.Add(Packet.Of(frame));
        return packets;
    }

    /// <summary>Reads up to the fault, which must come.</summary>
    public static (List<Packet> Packets, CaptureFormatException Fault) ReadToFault(byte[] file, string name = "t.pcapng")
    {
        var packets = new List<Packet>();
        try
        {
            using var reader = CaptureReader.Open(new MemoryStream(file), name);
            while (reader.TryRead(out var frame))
                packets.Add(Packet.Of(frame));
        }
        catch (CaptureFormatException fault)
        {
            return (packets, fault);
        }
        throw new AssertFailedException("the file was read without a fault");
    }

    public static Packet Plain(byte[] bytes, long? time, int @interface = 0, int section = 0) =>
        new(Convert.ToHexString(bytes), time, bytes.Length, @interface, section, FrameDirection.Unknown, null, null);

    /// <summary>A stream as pipes are: no seeking, few bytes at a time.</summary>
    public sealed class TrickleStream(byte[] bytes) : Stream
    {
        private int _at;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override int Read(byte[] buffer, int offset, int count)
        {
            count = Math.Min(Math.Min(count, 1 + (_at % 7)), bytes.Length - _at);
            Array.Copy(bytes, _at, buffer, offset, count);
            _at += count;
            return count;
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
