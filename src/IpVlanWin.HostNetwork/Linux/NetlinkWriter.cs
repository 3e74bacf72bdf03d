using System.Net;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace IpVlanWin.HostNetwork.Linux;

/// <summary>Writes netlink messages one behind the other into one growing buffer. Not for several threads.</summary>
internal sealed class NetlinkWriter
{
    private byte[] _buffer = new byte[512];
    private int _length;
    private int _messageStart = -1;
    private readonly List<int> _starts = [];
    private readonly List<string> _attempts = [];

    /// <summary>Number of finished messages.</summary>
    public int Count => _starts.Count;

    /// <summary>The bytes of the finished messages, padded between them.</summary>
    public Span<byte> Written => _buffer.AsSpan(0, _length);

    /// <summary>Where the message starts; <see cref="Count"/> itself gives the end of the last one.</summary>
    public int StartOf(int message) => message == _starts.Count ? _length : _starts[message];

    /// <summary>What the message attempts, to follow "cannot".</summary>
    public string AttemptOf(int message) => _attempts[message];

    /// <summary>Starts a message with its header and the family's fixed part.</summary>
    public void Begin<T>(ushort type, int flags, string attempt, in T body) where T : unmanaged
    {
        _messageStart = _length;
        _attempts.Add(attempt);
        Append(new NlMsgHdr { Type = type, Flags = (ushort)(Rtnl.NLM_F_REQUEST | flags) });
        Append(body);
    }

    /// <summary>Ends the message: its length becomes final.</summary>
    public void End()
    {
        var length = (uint)(_length - _messageStart);
        MemoryMarshal.Write(_buffer.AsSpan(_messageStart), in length);
        _starts.Add(_messageStart);
        _messageStart = -1;
    }

    /// <summary>Forgets everything.</summary>
    public void Clear()
    {
        _length = 0;
        _messageStart = -1;
        _starts.Clear();
        _attempts.Clear();
    }

    public void Attribute(ushort type, ReadOnlySpan<byte> value)
    {
        if (value.Length > ushort.MaxValue - 4) throw new ArgumentException($"a netlink attribute holds at most 65531 bytes, not {value.Length}");
        Append(new NlAttr { Length = (ushort)(4 + value.Length), Type = type });
        value.CopyTo(Reserve(value.Length));
    }

    public void Attribute(ushort type, uint value) => Attribute(type, MemoryMarshal.AsBytes(new ReadOnlySpan<uint>(in value)));

    public void Attribute(ushort type, byte value) => Attribute(type, new ReadOnlySpan<byte>(in value));

    /// <summary>An address in network byte order, 4 or 16 bytes.</summary>
    public void Attribute(ushort type, IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out var length);
        Attribute(type, bytes[..length]);
    }

    /// <summary>Text with its terminating zero.</summary>
    public void Attribute(ushort type, string text)
    {
        var bytes = new byte[Encoding.UTF8.GetByteCount(text) + 1];
        Encoding.UTF8.GetBytes(text, bytes);
        Attribute(type, bytes);
    }

    /// <summary>RTA_VIA: a gateway of the other family (struct rtvia).</summary>
    public void Via(byte family, IPAddress gateway)
    {
        Span<byte> via = stackalloc byte[2 + 16];
        ushort wide = family;
        MemoryMarshal.Write(via, in wide);
        gateway.TryWriteBytes(via[2..], out var length);
        Attribute(Rtnl.RTA_VIA, via[..(2 + length)]);
    }

    /// <summary>Opens a nested attribute; pass what it returns to <see cref="EndNest"/>.</summary>
    public int BeginNest(ushort type)
    {
        var start = _length;
        Append(new NlAttr { Type = (ushort)(type | Rtnl.NLA_F_NESTED) });
        return start;
    }

    /// <summary>Closes a nested attribute.</summary>
    public void EndNest(int start)
    {
        var length = checked((ushort)(_length - start));
        MemoryMarshal.Write(_buffer.AsSpan(start), in length);
    }

    /// <summary>Puts a plain structure at the end, inside the open attribute.</summary>
    public void Append<T>(in T value) where T : unmanaged => MemoryMarshal.Write(Reserve(Unsafe.SizeOf<T>()), in value);

    private Span<byte> Reserve(int length)
    {
        var padded = Rtnl.Align(length);
        if (_buffer.Length - _length < padded) Array.Resize(ref _buffer, Math.Max(_buffer.Length * 2, _length + padded));
        var span = _buffer.AsSpan(_length, padded);
        span.Clear();
        _length += padded;
        return span;
    }
}
