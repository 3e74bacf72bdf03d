using System.Buffers.Binary;
using System.Runtime.InteropServices;
using IpVlanWin.Engine.Wire;
using static IpVlanWin.Engine.Tests.WireNaive;

namespace IpVlanWin.Engine.Tests;

[TestClass]
public sealed class WireSegmenterTests
{
    public TestContext TestContext { get; set; } = null!;

    [TestMethod]
    [DataRow(true)]
    [DataRow(false)]
    public void Segments_put_together_again_give_the_frame(bool partial)
    {
        var random = Seeded();
        for (var round = 0; round < 400; round++)
        {
            var super = RandomSuper(random, partial);
            var segments = Cut(super.Frame, super.Offload);
            Assert.IsNotNull(segments, $"round {round}");
            AssertSegments(super, segments);
        }
    }

    [TestMethod]
    public void Udp_checksum_of_zero_becomes_ffff()
    {
        var random = Seeded();
        var super = RandomSuper(random, udp: true);
        while (super.Data.Length < 2)
            super = RandomSuper(random, udp: true);
        var offload = new FrameOffload(super.Transport, 6, SegmentationKind.Udp, super.Data.Length);
        var frame = super.Frame;
        frame.AsSpan(super.Payload, 2).Clear();
        // The partial checksum in the field stands for the pseudo header, so that the word that is missing to ffff is what makes it zero.
        Big16(~Sum(frame[super.Transport..])).CopyTo(frame, super.Payload);
        var segment = Cut(frame, offload)!.Single();
        Assert.AreEqual(0xFFFF, (int)BinaryPrimitives.ReadUInt16BigEndian(segment.AsSpan(super.Transport + 6)));
    }

    [TestMethod]
    [DataRow(true)]
    [DataRow(false)]
    public void Cwr_stays_on_the_first_segment_only_with_ecn(bool ecn)
    {
        var super = RandomSuper(Seeded(), udp: false);
        var frame = (byte[])[.. super.Frame[..super.Payload], .. new byte[300]];
        frame[super.Transport + 13] = 0xFF;
        var kind = super.IsIpv6 ? SegmentationKind.Tcp6 : SegmentationKind.Tcp4;
        var flags = Cut(frame, new FrameOffload(super.Transport, 16, kind, 100, ecn))!.Select(segment => (int)segment[super.Transport + 13]).ToArray();
        CollectionAssert.AreEqual(ecn ? (int[])[0xF6, 0x76, 0x7F] : [0xF6, 0xF6, 0xFF], flags);
    }

    [TestMethod]
    public void Frame_length_of_a_segment_is_that_of_the_longest()
    {
        var random = Seeded();
        for (var round = 0; round < 200; round++)
        {
            var super = RandomSuper(random, partial: random.Next(2) == 0);
            var length = Segmenter.SegmentFrameLength(super.Frame, super.Offload);
            Assert.AreEqual(Cut(super.Frame, super.Offload)!.Max(segment => segment.Length), length);
        }
        Assert.AreEqual(77, Segmenter.SegmentFrameLength(new byte[77], default));
        Assert.AreEqual(77, Segmenter.SegmentFrameLength(new byte[77], new FrameOffload(34, 16)));
        Assert.AreEqual(77, Segmenter.SegmentFrameLength(new byte[77], new FrameOffload(60, 16, SegmentationKind.Tcp4, 10)), "header cut short");
        Assert.AreEqual(77, Segmenter.SegmentFrameLength(new byte[77], new FrameOffload(34, 16, SegmentationKind.Tcp4)), "no segment size");
    }

    [TestMethod]
    public void Frames_that_the_offload_does_not_fit_are_refused()
    {
        var random = Seeded();
        var super = RandomSuper(random, udp: false);
        while (super.IsIpv6 || super.Data.Length < 100)
            super = RandomSuper(random, udp: false);
        const SegmentationKind kind = SegmentationKind.Tcp4;
        AssertRefused(super.Frame, new FrameOffload(super.Transport, 16, kind, 0), "no segment size");
        AssertRefused(super.Frame, new FrameOffload(super.Transport, 16, SegmentationKind.Tcp6, 100), "another IP version");
        AssertRefused(super.Frame, new FrameOffload(super.Transport, 6, SegmentationKind.Udp, 100), "another transport");
        AssertRefused(super.Frame, new FrameOffload(super.Transport, 16, (SegmentationKind)3, 100), "unknown kind");
        AssertRefused(super.Frame, new FrameOffload(super.Transport, 16), "nothing to cut");
        AssertRefused(super.Frame, new FrameOffload(super.Transport + 2, 16, kind, 100), "checksum start");
        AssertRefused(super.Frame, new FrameOffload(super.Transport, 14, kind, 100), "checksum offset");
        AssertRefused(Changed(super, super.Network + 6, 0x20), super.Offload, "fragment");
        AssertRefused(Changed(super, super.Network, 0x44), super.Offload, "IHL below 5");
        AssertRefused(Changed(super, super.Network, 0x65), super.Offload, "version");
        AssertRefused(Changed(super, super.Transport + 12, 0x40), super.Offload, "TCP data offset below 5");
        AssertRefused(Changed(super, super.Network - 1, 0x06), super.Offload, "EtherType");
        AssertRefused([.. super.Frame, .. new byte[65_535]], new FrameOffload(super.Transport, 16, kind, 65_535), "longer than an IP packet");
        for (var length = 0; length < super.Payload; length++)
            AssertRefused(super.Frame[..length], super.Offload, $"cut to {length} bytes");
    }

    [TestMethod]
    public void Hostile_frames_never_throw_and_lose_nothing()
    {
        var random = Seeded();
        int cut = 0, refused = 0;
        Span<byte> raw = stackalloc byte[FrameOffload.Bytes];
        for (var round = 0; round < 6_000; round++)
        {
            var super = RandomSuper(random, partial: random.Next(2) == 0);
            var frame = super.Frame[..Math.Min(super.Frame.Length, random.Next(400))];
            MemoryMarshal.Write(raw, super.Offload);
            for (var changes = random.Next(4); changes > 0 && frame.Length > 0; changes--)
                frame[random.Next(Math.Min(frame.Length, 100))] = (byte)random.Next(256);
            if (random.Next(3) == 0)
                raw[random.Next(raw.Length)] = (byte)random.Next(256);
            var offload = MemoryMarshal.Read<FrameOffload>(raw);

            var longest = Segmenter.SegmentFrameLength(frame, offload);
            Assert.IsTrue(longest >= 0 && longest <= frame.Length);
            Checksum.TryComplete((byte[])[.. frame], offload);
            if (!Segmenter.TryStart(frame, offload, out var segmenter))
            {
                Assert.AreEqual(0, segmenter.WriteNext([]));
                refused++;
                continue;
            }
            cut++;
            var destination = new byte[segmenter.LongestSegment];
            int total = 0, count = 0;
            while (segmenter.WriteNext(destination) is > 0 and var length)
                (total, count) = (total + length, count + 1);
            // Every segment repeats the headers; apart from them each byte comes out once.
            var headerLength = count == 1 ? 0 : destination.Length - offload.SegmentSize;
            Assert.AreEqual(frame.Length, total - (headerLength * (count - 1)));
        }
        TestContext.WriteLine($"{cut} cut, {refused} refused");
        Assert.IsTrue(cut > 500 && refused > 500);
    }

    [TestMethod]
    public void Cutting_allocates_nothing()
    {
        var super = RandomSuper(Seeded());
        var destination = new byte[super.Frame.Length];
        CutInto(super, destination);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var round = 0; round < 100; round++)
            CutInto(super, destination);
        Assert.AreEqual(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [TestMethod]
    public void Destination_that_is_too_short_is_a_bug_of_the_caller()
    {
        var super = RandomSuper(Seeded());
        Assert.ThrowsExactly<ArgumentException>(() =>
        {
            Segmenter.TryStart(super.Frame, super.Offload, out var segmenter);
            segmenter.WriteNext(new byte[segmenter.LongestSegment - 1]);
        });
    }

    private static void CutInto(Super super, byte[] destination)
    {
        Segmenter.TryStart(super.Frame, super.Offload, out var segmenter);
        while (segmenter.WriteNext(destination) > 0)
        {
        }
    }

    private static byte[][]? Cut(byte[] frame, FrameOffload offload)
    {
        if (!Segmenter.TryStart(frame, offload, out var segmenter))
            return null;
        var original = frame.ToArray();
        var segments = new List<byte[]>();
        var destination = new byte[segmenter.LongestSegment + 3];
        for (; ; )
        {
            Array.Fill(destination, (byte)0xA5);
            var length = segmenter.WriteNext(destination);
            Assert.IsTrue(destination.AsSpan(length).IndexOfAnyExcept((byte)0xA5) < 0, "written past the segment");
            if (length == 0)
                break;
            segments.Add(destination[..length]);
        }
        CollectionAssert.AreEqual(original, frame, "the frame changed");
        return [.. segments];
    }

    private static void AssertSegments(Super super, byte[][] segments)
    {
        var size = super.Offload.SegmentSize;
        Assert.HasCount(Math.Max(1, (super.Data.Length + size - 1) / size), segments);
        CollectionAssert.AreEqual(super.Data, segments.SelectMany(segment => segment[super.Payload..]).ToArray());
        for (var i = 0; i < segments.Length; i++)
        {
            var (segment, isLast) = (segments[i], i == segments.Length - 1);
            Assert.IsTrue(isLast || segment.Length == super.Payload + size);
            var transport = segment[super.Transport..];
            Assert.IsTrue(IsIntact(super.Source, super.Destination, super.Protocol, transport), $"checksum of segment {i}");

            var expected = super.Frame[..super.Payload];
            if (super.IsIpv6)
                Big16(segment.Length - super.Network - 40).CopyTo(expected, super.Network + 4);
            else
            {
                Big16(segment.Length - super.Network).CopyTo(expected, super.Network + 2);
                Big16(((expected[super.Network + 4] << 8) | expected[super.Network + 5]) + i).CopyTo(expected, super.Network + 4);
                Assert.AreEqual(0xFFFF, (int)Sum(segment[super.Network..super.Transport]), "IPv4 header checksum");
                segment.AsSpan(super.Network + 10, 2).CopyTo(expected.AsSpan(super.Network + 10));
            }
            if (super.Protocol == 17)
                Big16(transport.Length).CopyTo(expected, super.Transport + 4);
            else
            {
                var sequence = BinaryPrimitives.ReadUInt32BigEndian(expected.AsSpan(super.Transport + 4)) + (uint)(i * size);
                Big32(sequence).CopyTo(expected, super.Transport + 4);
                if (!isLast)
                    expected[super.Transport + 13] &= 0xF6;
                if (i > 0 && super.Offload.Ecn)
                    expected[super.Transport + 13] &= 0x7F;
            }
            var checksum = super.Transport + (super.Protocol == 17 ? 6 : 16);
            segment.AsSpan(checksum, 2).CopyTo(expected.AsSpan(checksum));
            CollectionAssert.AreEqual(expected, segment[..super.Payload], $"headers of segment {i}");
        }
    }

    private static byte[] Changed(Super super, int at, byte value)
    {
        var frame = super.Frame.ToArray();
        frame[at] = value;
        return frame;
    }

    private static void AssertRefused(byte[] frame, FrameOffload offload, string why) =>
        Assert.IsFalse(Segmenter.TryStart(frame, offload, out _), why);

    private Random Seeded()
    {
        var seed = Environment.TickCount;
        TestContext.WriteLine($"seed {seed}");
        return new Random(seed);
    }
}
