using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace IpVlanWin.HostNetwork.Linux;

/// <summary>
/// Walks the messages of one datagram. Total: any bytes end the walk, and <see cref="IsMalformed"/> says whether they
/// ended it early. Every step consumes at least a header, so the walk is finite.
/// </summary>
internal ref struct MessageReader(ReadOnlySpan<byte> datagram)
{
    private ReadOnlySpan<byte> _rest = datagram;

    /// <summary>The message's header.</summary>
    public NlMsgHdr Header { get; private set; }

    /// <summary>What follows the header.</summary>
    public ReadOnlySpan<byte> Payload { get; private set; }

    /// <summary>The bytes do not add up to whole messages.</summary>
    public bool IsMalformed { get; private set; }

    /// <summary>Goes to the next message.</summary>
    public bool Next()
    {
        if (_rest.IsEmpty) return false;
        if (!MemoryMarshal.TryRead(_rest, out NlMsgHdr header) || header.Length < Unsafe.SizeOf<NlMsgHdr>() || header.Length > (uint)_rest.Length)
        {
            IsMalformed = true;
            _rest = default;
            return false;
        }
        var length = (int)header.Length;
        Header = header;
        Payload = _rest[Unsafe.SizeOf<NlMsgHdr>()..length];
        _rest = _rest[Math.Min(Rtnl.Align(length), _rest.Length)..];
        return true;
    }
}

/// <summary>Walks a row of attributes, with the same promises as <see cref="MessageReader"/>.</summary>
internal ref struct AttributeReader(ReadOnlySpan<byte> attributes)
{
    private ReadOnlySpan<byte> _rest = attributes;

    /// <summary>The attribute's type without the nested and byte-order bits.</summary>
    public ushort Type { get; private set; }

    /// <summary>The attribute's contents, without padding.</summary>
    public ReadOnlySpan<byte> Value { get; private set; }

    /// <summary>The bytes do not add up to whole attributes.</summary>
    public bool IsMalformed { get; private set; }

    /// <summary>Goes to the next attribute.</summary>
    public bool Next()
    {
        if (_rest.IsEmpty) return false;
        if (!MemoryMarshal.TryRead(_rest, out NlAttr attribute) || attribute.Length < Unsafe.SizeOf<NlAttr>() || attribute.Length > _rest.Length)
        {
            IsMalformed = true;
            _rest = default;
            return false;
        }
        Type = (ushort)(attribute.Type & Rtnl.NLA_TYPE_MASK);
        Value = _rest[Unsafe.SizeOf<NlAttr>()..attribute.Length];
        _rest = _rest[Math.Min(Rtnl.Align(attribute.Length), _rest.Length)..];
        return true;
    }

    /// <summary>Reads a 32-bit number in host byte order.</summary>
    public readonly bool TryUInt32(out uint value) => MemoryMarshal.TryRead(Value, out value);

    /// <summary>Reads text up to its terminating zero or the attribute's end.</summary>
    public readonly string Text()
    {
        var end = Value.IndexOf((byte)0);
        return Encoding.UTF8.GetString(end < 0 ? Value : Value[..end]);
    }
}

/// <summary>What an NLMSG_ERROR message says: 0 is an acknowledgement.</summary>
/// <param name="Errno">0 or a positive errno.</param>
/// <param name="Text">The kernel's explanation, or null.</param>
internal readonly record struct Acknowledgement(int Errno, string? Text)
{
    /// <summary>Reads one; null when the bytes are too short to hold it.</summary>
    public static Acknowledgement? Parse(in NlMsgHdr header, ReadOnlySpan<byte> payload)
    {
        if (!MemoryMarshal.TryRead(payload, out NlMsgErr error)) return null;
        // int.MinValue has no positive twin; such a code is kept as the largest.
        var errno = error.Error == int.MinValue ? int.MaxValue : Math.Abs(error.Error);
        if ((header.Flags & Rtnl.NLM_F_ACK_TLVS) == 0) return new(errno, null);

        // Behind the request's header comes the request's body, unless the acknowledgement is capped; then the attributes.
        long skip = Unsafe.SizeOf<NlMsgErr>();
        if ((header.Flags & Rtnl.NLM_F_CAPPED) == 0) skip += Math.Max(0, ((long)error.Request.Length + 3 & ~3L) - Unsafe.SizeOf<NlMsgHdr>());
        if (skip > payload.Length) return new(errno, null);
        var attributes = new AttributeReader(payload[(int)skip..]);
        while (attributes.Next())
        {
            if (attributes.Type == Rtnl.NLMSGERR_ATTR_MSG) return new(errno, attributes.Text());
        }
        return new(errno, null);
    }
}
