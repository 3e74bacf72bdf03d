using System.Runtime.CompilerServices;
using IpVlanWin.Devices.Tests.Memory;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Devices.Tests;

[TestClass]
public sealed class FrameBatchTests
{
    private const int SmallestArena = FrameBatch.FrameStart + FrameBatch.MaxFrameLength;

    [TestMethod]
    public void Constructor_rejects_what_holds_no_frame()
    {
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new FrameBatch(0));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new FrameBatch(1, SmallestArena - 1));
    }

    [TestMethod]
    public void A_smallest_arena_holds_one_longest_frame()
    {
        using var batch = new FrameBatch(2, SmallestArena);
        var frame = new byte[FrameBatch.MaxFrameLength];
        Array.Fill(frame, (byte)0xA5);
        batch.Append(frame);
        Assert.IsTrue(batch.IsFull);
        Assert.IsTrue(batch.Frame(0).SequenceEqual(frame));
    }

    [TestMethod]
    public void Full_by_count_of_frames()
    {
        using var batch = new FrameBatch(3);
        for (byte i = 0; i < 3; i++)
        {
            Assert.IsFalse(batch.IsFull);
            batch.Append([i]);
        }
        Assert.IsTrue(batch.IsFull);
        Assert.ThrowsExactly<InvalidOperationException>(() => batch.Append([9]));
        Assert.ThrowsExactly<InvalidOperationException>(() => batch.Append(1));
        Assert.ThrowsExactly<InvalidOperationException>(() => batch.Next.Length);
        Assert.AreEqual(3, batch.Count);
        for (byte i = 0; i < 3; i++)
            Assert.AreEqual(i, batch.Frame(i)[0]);
    }

    [TestMethod]
    public void Full_when_no_longest_frame_fits_any_more()
    {
        using var batch = new FrameBatch(64, (2 * SmallestArena) - 64);
        batch.Append(new byte[FrameBatch.MaxFrameLength]);
        Assert.IsTrue(batch.IsFull);
        batch.Clear();
        Assert.IsFalse(batch.IsFull);
        Assert.AreEqual(0, batch.Count);
    }

    [TestMethod]
    [DataRow(-1, FrameBatch.FrameStart)]
    [DataRow(FrameBatch.MaxFrameLength + 1, FrameBatch.FrameStart)]
    [DataRow(1, FrameBatch.Headroom - 1)]
    [DataRow(1, FrameBatch.FrameStart + 1)]
    [DataRow(1, int.MaxValue)]
    [DataRow(FrameBatch.MaxFrameLength, FrameBatch.FrameStart + 1)]
    public void Append_rejects_what_does_not_lie_within_Next(int length, int start)
    {
        using var batch = new FrameBatch();
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => batch.Append(length, default, start));
        Assert.AreEqual(0, batch.Count);
    }

    [TestMethod]
    public void Append_of_a_frame_above_the_longest_is_an_error()
    {
        using var batch = new FrameBatch();
        Assert.ThrowsExactly<ArgumentException>(() => batch.Append(new byte[FrameBatch.MaxFrameLength + 1]));
        Assert.AreEqual(0, batch.Count);
    }

    [TestMethod]
    [DataRow(FrameBatch.Headroom)]
    [DataRow(FrameBatch.FrameStart - 4)]
    [DataRow(FrameBatch.FrameStart)]
    public void A_frame_is_what_was_written_to_Next(int start)
    {
        using var batch = new FrameBatch();
        batch.Append([0xEE]);
        batch.Next.Fill(0xA5);
        new byte[] { 1, 2, 3 }.CopyTo(batch.Next[start..]);
        var offload = new FrameOffload(34, 16, SegmentationKind.Tcp4, 1448);
        batch.Append(3, offload, start);
        CollectionAssert.AreEqual(new byte[] { 1, 2, 3 }, batch.Frame(1).ToArray());
        Assert.AreEqual(offload, batch.Offload(1));
        Assert.AreEqual(FrameBatch.Headroom + 3, batch.Buffer(1).Length);
        CollectionAssert.AreEqual(new byte[] { 1, 2, 3 }, batch.Buffer(1)[FrameBatch.Headroom..].ToArray());
        Assert.AreEqual(default, batch.Offload(0));
    }

    [TestMethod]
    public void An_empty_frame_has_a_place_and_headroom()
    {
        using var batch = new FrameBatch();
        batch.Append([]);
        batch.Append([7]);
        Assert.AreEqual(0, batch.Frame(0).Length);
        Assert.AreEqual(FrameBatch.Headroom, batch.Buffer(0).Length);
        batch.Buffer(0).Fill(0xFF);
        Assert.AreEqual(7, batch.Frame(1)[0]);
    }

    [TestMethod]
    [DataRow(-1)]
    [DataRow(1)]
    [DataRow(int.MaxValue)]
    public void An_index_outside_of_the_batch_is_an_error(int index)
    {
        using var batch = new FrameBatch();
        batch.Append([1]);
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => batch.Frame(index).Length);
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => batch.Buffer(index).Length);
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => batch.Offload(index).IsFinished);
    }

    [TestMethod]
    public void Next_is_aligned_to_a_cache_line_and_headroom_never_overlaps_another_frame()
    {
        const int Seed = 20260401;
        Console.WriteLine($"seed {Seed}");
        var random = new Random(Seed);
        using var batch = new FrameBatch(200, 4 * 1024 * 1024);
        for (var round = 0; round < 20; round++)
        {
            batch.Clear();
            var lengths = new List<int>();
            while (!batch.IsFull)
            {
                Assert.AreEqual(0, (long)AddressOf(batch.Next) % 64);
                var length = random.Next(4) == 0 ? random.Next(FrameBatch.MaxFrameLength + 1) : random.Next(200);
                var start = random.Next(FrameBatch.Headroom, FrameBatch.FrameStart + 1);
                batch.Next.Slice(start, length).Fill((byte)lengths.Count);
                batch.Append(length, default, start);
                lengths.Add(length);
            }
            for (var i = 0; i < batch.Count; i++)
                batch.Buffer(i)[..FrameBatch.Headroom].Fill(0xFF);
            for (var i = 0; i < batch.Count; i++)
            {
                Assert.AreEqual(lengths[i], batch.Frame(i).Length);
                Assert.IsFalse(batch.Frame(i).ContainsAnyExcept((byte)i), $"frame {i} of round {round}");
                if (i > 0)
                    Assert.IsTrue(AddressOf(batch.Buffer(i)) >= AddressOf(batch.Frame(i - 1)) + (nuint)lengths[i - 1]);
            }
        }
    }

    [TestMethod]
    public void A_disposed_batch_is_empty_and_takes_nothing()
    {
        var batch = new FrameBatch();
        batch.Append([1]);
        batch.Dispose();
        batch.Dispose();
        Assert.AreEqual(0, batch.Count);
        Assert.ThrowsExactly<ObjectDisposedException>(() => batch.Next.Length);
        Assert.ThrowsExactly<ObjectDisposedException>(() => batch.Append(1));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => batch.Frame(0).Length);
    }

    [TestMethod]
    public void Filling_and_clearing_allocates_nothing()
    {
        using var batch = new FrameBatch();
        var frame = new byte[1514];
        Assert.AreEqual(0, Allocations.Least(Fill));

        void Fill()
        {
            batch.Clear();
            while (!batch.IsFull)
                batch.Append(frame);
        }
    }

    private static unsafe nuint AddressOf(Span<byte> bytes) => (nuint)Unsafe.AsPointer(ref System.Runtime.InteropServices.MemoryMarshal.GetReference(bytes));
}
