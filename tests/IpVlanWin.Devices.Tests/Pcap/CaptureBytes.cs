using System.Buffers.Binary;
using System.Text;

namespace IpVlanWin.Devices.Tests.Pcap;

/// <summary>Builds capture files byte by byte in either byte order, knowing nothing of the code under test.</summary>
internal sealed class CaptureBytes(bool bigEndian)
{
    private readonly List<byte> _bytes = [];

    public int Length => _bytes.Count;

    public byte[] ToArray() => [.. _bytes];

    public CaptureBytes U8(params ReadOnlySpan<byte> bytes)
    {
        _bytes.AddRange(bytes);
        return this;
    }

    public CaptureBytes U16(int value)
    {
        Span<byte> bytes = stackalloc byte[2];
        if (bigEndian)
            BinaryPrimitives.WriteUInt16BigEndian(bytes, (ushort)value);
        else
            BinaryPrimitives.WriteUInt16LittleEndian(bytes, (ushort)value);
        return U8(bytes);
    }

    public CaptureBytes U32(uint value)
    {
        Span<byte> bytes = stackalloc byte[4];
        if (bigEndian)
            BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        else
            BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        return U8(bytes);
    }

    public CaptureBytes U64(ulong value) => bigEndian ? U32((uint)(value >> 32)).U32((uint)value) : U32((uint)value).U32((uint)(value >> 32));

    public CaptureBytes PcapHeader(uint magic = 0xA1B2C3D4, int major = 2, int minor = 4, uint snap = 65535, uint link = 1) =>
        U32(magic).U16(major).U16(minor).U32(0).U32(0).U32(snap).U32(link);

    public CaptureBytes PcapRecord(uint seconds, uint fraction, byte[] bytes, uint? original = null, uint? captured = null) =>
        U32(seconds).U32(fraction).U32(captured ?? (uint)bytes.Length).U32(original ?? (uint)bytes.Length).U8(bytes);

    public CaptureBytes Block(uint type, Action<CaptureBytes> body)
    {
        var inner = new CaptureBytes(bigEndian);
        body(inner);
        inner.Pad();
        var length = (uint)(12 + inner.Length);
        return U32(type).U32(length).U8(inner.ToArray()).U32(length);
    }

    public CaptureBytes Section(int major = 1, int minor = 0, ulong length = ulong.MaxValue, Action<CaptureBytes>? options = null) =>
        Block(0x0A0D0D0A, body =>
        {
            body.U32(0x1A2B3C4D).U16(major).U16(minor).U64(length);
            options?.Invoke(body);
        });

    public CaptureBytes Interface(int link = 1, uint snap = 262144, Action<CaptureBytes>? options = null) =>
        Block(1, body =>
        {
            body.U16(link).U16(0).U32(snap);
            options?.Invoke(body);
        });

    public CaptureBytes Enhanced(
        uint index, ulong time, byte[] bytes, uint? original = null, uint? captured = null, Action<CaptureBytes>? options = null) =>
        Block(6, body =>
        {
            body.U32(index).U32((uint)(time >> 32)).U32((uint)time).U32(captured ?? (uint)bytes.Length).U32(original ?? (uint)bytes.Length);
            body.U8(bytes).Pad();
            options?.Invoke(body);
        });

    public CaptureBytes Obsolete(int index, int drops, ulong time, byte[] bytes, Action<CaptureBytes>? options = null) =>
        Block(2, body =>
        {
            body.U16(index).U16(drops).U32((uint)(time >> 32)).U32((uint)time).U32((uint)bytes.Length).U32((uint)bytes.Length);
            body.U8(bytes).Pad();
            options?.Invoke(body);
        });

    public CaptureBytes Simple(byte[] bytes, uint? original = null) => Block(3, body => body.U32(original ?? (uint)bytes.Length).U8(bytes));

    public CaptureBytes Option(int code, params ReadOnlySpan<byte> value)
    {
        U16(code).U16(value.Length).U8(value);
        return Pad();
    }

    public CaptureBytes Option(int code, string value) => Option(code, Encoding.UTF8.GetBytes(value));

    public CaptureBytes OptionU32(int code, uint value) => U16(code).U16(4).U32(value);

    public CaptureBytes OptionU64(int code, ulong value) => U16(code).U16(8).U64(value);

    public CaptureBytes Pad()
    {
        while (_bytes.Count % 4 != 0)
            _bytes.Add(0);
        return this;
    }
}
