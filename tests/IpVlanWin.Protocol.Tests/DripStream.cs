namespace IpVlanWin.Protocol.Tests;

/// <summary>Gives its bytes in pieces of at most so many.</summary>
internal sealed class DripStream(byte[] bytes, int most) : MemoryStream(bytes)
{
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        base.ReadAsync(buffer[..Math.Min(most, buffer.Length)], cancellationToken);
}
