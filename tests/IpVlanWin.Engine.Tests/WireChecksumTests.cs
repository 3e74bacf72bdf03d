using System.Buffers.Binary;
using IpVlanWin.Engine.Wire;
using static IpVlanWin.Engine.Tests.WireNaive;

namespace IpVlanWin.Engine.Tests;

[TestClass]
public sealed class WireChecksumTests
{
    public TestContext TestContext { get; set; } = null!;

    [TestMethod]
    public void Sum_of_any_length_at_any_alignment_is_that_of_the_naive_one()
    {
        var random = Seeded();
        for (var length = 0; length < 700; length++)
        {
            var buffer = Bytes(random, length + 8);
            var start = random.Next(8);
            var initial = (ushort)random.Next(0x10000);
            Assert.AreEqual(Sum(Big16(initial), buffer[start..(start + length)]), Checksum.Sum(buffer.AsSpan(start, length), initial), $"length {length}");
        }
    }

    [TestMethod]
    [DataRow(0x00)]
    [DataRow(0xFF)]
    public void Sum_of_the_longest_spans_does_not_overflow(int filler)
    {
        foreach (var length in (int[])[65_535, 65_536, 3_000_001])
        {
            var bytes = new byte[length];
            Array.Fill(bytes, (byte)filler);
            Assert.AreEqual(Sum(bytes), Checksum.Sum(bytes));
        }
    }

    [TestMethod]
    public void Udp_over_ipv4_known_vector() =>
        AssertUdp([192, 0, 2, 7], [10, 0, 0, 2], [.. Big16(1111), .. Big16(53), 0, 11, 0, 0, 1, 2, 3], 0x2B41);

    [TestMethod]
    public void Udp_over_ipv6_known_vector() =>
        AssertUdp(
            [0x20, 0x01, 0x0D, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], [0xFD, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2],
            [0, 5, 0, 6, 0, 13, 0, 0, 0, 0, 0, 0, 0], 0xD50C);

    [TestMethod]
    public void Ipv4_header_is_written_and_checked()
    {
        byte[] header = [0x46, 0, 0, 40, 0x12, 0x34, 0x40, 0, 64, 6, 0xA5, 0xA5, 10, 0, 0, 1, 10, 0, 0, 2, 0x94, 4, 0, 0];
        Checksum.WriteIpv4Header(header);
        Assert.AreEqual(0xFFFF, (int)Sum(header));
        Assert.IsTrue(Checksum.IsIpv4HeaderIntact(header));
        header[8]--;
        Assert.IsFalse(Checksum.IsIpv4HeaderIntact(header));
    }

    [TestMethod]
    public void Incremental_update_says_what_computing_anew_says()
    {
        var random = Seeded();
        for (var round = 0; round < 20_000; round++)
        {
            var bytes = Bytes(random, 40);
            var before = Checksum.Compute(bytes);
            var at = random.Next(18) * 2;
            byte[] old = bytes[at..(at + 4)], changed = random.Next(4) == 0 ? [0xFF, 0xFF, 0, 0] : Bytes(random, 4);
            changed.CopyTo(bytes, at);
            var word = Checksum.Update(before, BinaryPrimitives.ReadUInt16BigEndian(old), BinaryPrimitives.ReadUInt16BigEndian(changed));
            word = Checksum.Update(word, BinaryPrimitives.ReadUInt16BigEndian(old.AsSpan(2)), BinaryPrimitives.ReadUInt16BigEndian(changed.AsSpan(2)));
            Assert.AreEqual((ushort)~Sum(bytes), word);
            Assert.AreEqual((ushort)~Sum(bytes), Checksum.Update(before, old, changed));
        }
    }

    /// <summary>RFC 1624 section 4: the case in which the equation of RFC 1071's successor RFC 1141 gives ffff for 0.</summary>
    [TestMethod]
    public void Incremental_update_of_rfc_1624_example() => Assert.AreEqual(0x0000, (int)Checksum.Update(0xDD2F, 0x5555, 0x3285));

    [TestMethod]
    public void Partial_checksum_is_completed()
    {
        var random = Seeded();
        for (var round = 0; round < 500; round++)
        {
            var super = RandomSuper(random);
            var offload = new FrameOffload(super.Offload.ChecksumStart, super.Offload.ChecksumOffset);
            var expected = super.Frame.ToArray();
            var field = offload.ChecksumStart + offload.ChecksumOffset;
            expected.AsSpan(field, 2).Clear();
            var frame = super.Frame.ToArray();
            Assert.IsTrue(Checksum.TryComplete(frame, offload));
            Assert.IsTrue(IsIntact(super.Source, super.Destination, super.Protocol, frame[super.Transport..]));
            frame.AsSpan(field, 2).Clear();
            CollectionAssert.AreEqual(expected, frame, "other bytes changed");
        }
    }

    [TestMethod]
    public void Zero_is_completed_as_ffff()
    {
        byte[] frame = [0xA5, 0xA5, 0xFF, 0xFE, 0x00, 0x01];
        Assert.IsTrue(Checksum.TryComplete(frame, new FrameOffload(2, 2)));
        CollectionAssert.AreEqual((byte[])[0xA5, 0xA5, 0xFF, 0xFE, 0xFF, 0xFF], frame);
    }

    [TestMethod]
    [DataRow(0, 5, false)]
    [DataRow(6, 0, false)]
    [DataRow(65_535, 65_535, false)]
    [DataRow(0, 4, true)]
    [DataRow(4, 0, true)]
    public void Checksum_outside_the_frame_is_refused(int start, int offset, bool fits)
    {
        byte[] frame = [1, 2, 3, 4, 5, 6];
        Assert.AreEqual(fits, Checksum.TryComplete(frame, new FrameOffload(start, offset)));
        if (!fits)
            CollectionAssert.AreEqual((byte[])[1, 2, 3, 4, 5, 6], frame);
    }

    [TestMethod]
    public void Finished_frame_stays_as_it_is()
    {
        byte[] frame = [1, 2, 3];
        Assert.IsTrue(Checksum.TryComplete(frame, default));
        CollectionAssert.AreEqual((byte[])[1, 2, 3], frame);
    }

    private static void AssertUdp(byte[] source, byte[] destination, byte[] segment, int expected)
    {
        var pseudo = Checksum.PseudoHeader(source, destination, 17, segment.Length);
        Assert.AreEqual(Sum(source, destination, Big32((uint)segment.Length), [0, 17]), pseudo);
        Assert.AreEqual(expected, (int)Checksum.Compute(segment, pseudo));
    }

    private Random Seeded()
    {
        var seed = Environment.TickCount;
        TestContext.WriteLine($"seed {seed}");
        return new Random(seed);
    }
}
