using System.Buffers.Binary;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Devices.Tests;

/// <summary>Puts a VLAN tag into what comes from a device and takes it out of what goes there: a tagged port on kernels without VLAN interfaces.</summary>
internal sealed class LinuxTagging(IFrameDevice device, ushort protocol, ushort tag) : IFrameDevice
{
    private const int TagLength = 4;
    private const int MacAddressesLength = 12;

    private readonly FrameBatch _received = new();
    private readonly byte[] _sent = new byte[FrameBatch.Headroom + FrameBatch.MaxFrameLength];

    /// <summary>Frames sent here that did not carry the tag.</summary>
    public int Untagged { get; private set; }

    public int Tagged { get; private set; }

    public string Name => device.Name;

    public OffloadKinds Accepts => device.Accepts;

    public int PollDescriptor => device.PollDescriptor;

    public void Receive(FrameBatch batch)
    {
        _received.Clear();
        device.Receive(_received);
        for (var i = 0; i < _received.Count; i++)
        {
            if (batch.IsFull)
                throw new InvalidOperationException("the test's batch is too small");
            var frame = _received.Frame(i);
            var tagged = batch.Next[(FrameBatch.FrameStart - TagLength)..];
            frame[..MacAddressesLength].CopyTo(tagged);
            BinaryPrimitives.WriteUInt16BigEndian(tagged[MacAddressesLength..], protocol);
            BinaryPrimitives.WriteUInt16BigEndian(tagged[(MacAddressesLength + 2)..], tag);
            frame[MacAddressesLength..].CopyTo(tagged[(MacAddressesLength + TagLength)..]);
            batch.Append(frame.Length + TagLength, _received.Offload(i).Shifted(TagLength), FrameBatch.FrameStart - TagLength);
        }
    }

    public SendResult Send(Span<byte> buffer, in FrameOffload offload)
    {
        var frame = buffer[FrameBatch.Headroom..];
        if (BinaryPrimitives.ReadUInt16BigEndian(frame[MacAddressesLength..]) != protocol || BinaryPrimitives.ReadUInt16BigEndian(frame[(MacAddressesLength + 2)..]) != tag)
        {
            Untagged++;
            return SendResult.Sent;
        }
        Tagged++;
        var plain = _sent.AsSpan(FrameBatch.Headroom);
        frame[..MacAddressesLength].CopyTo(plain);
        frame[(MacAddressesLength + TagLength)..].CopyTo(plain[MacAddressesLength..]);
        return device.Send(_sent.AsSpan(0, buffer.Length - TagLength), offload.Shifted(-TagLength));
    }

    public void Flush() => device.Flush();

    public void Dispose()
    {
        _received.Dispose();
        device.Dispose();
    }
}
