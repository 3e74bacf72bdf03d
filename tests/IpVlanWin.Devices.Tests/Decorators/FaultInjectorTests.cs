using System.Buffers.Binary;
using IpVlanWin.Devices.Decorators;
using IpVlanWin.Devices.Memory;
using IpVlanWin.Devices.Tests.Memory;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Devices.Tests.Decorators;

[TestClass]
public sealed class FaultInjectorTests
{
    private const ulong Seed = 0x1234_5678_9ABC_DEF0;
    private const int FrameLength = 64;

    private static readonly FaultRates Everything = new()
    {
        Loss = 0.1, Duplication = 0.1, Reordering = 0.1, ReorderWindow = 4, Corruption = 0.1, Truncation = 0.1,
    };

    [TestMethod]
    public void Without_rates_frames_and_results_pass_as_they_are()
    {
        using var device = new MemoryDevice("m0", OffloadKinds.Checksum, queueFrames: 3);
        using var faulty = new FaultInjector(device, Seed);
        Assert.AreEqual("m0", faulty.Name);
        Assert.AreEqual(OffloadKinds.Checksum, faulty.Accepts);
        Assert.AreEqual(-1, faulty.PollDescriptor);
        Assert.AreEqual(Seed, faulty.Seed);
        var sent = SendAll(faulty, device, 5, flush: false);
        CollectionAssert.AreEqual(new[] { 0, 1, 2 }, sent.Select(Number).ToArray());
        Assert.AreEqual(SendResult.Sent, faulty.Send(Buffer(3), default));
        Assert.AreEqual(SendResult.Sent, faulty.Send(Buffer(3), default));
        Assert.AreEqual(SendResult.Sent, faulty.Send(Buffer(3), default));
        Assert.AreEqual(SendResult.QueueFull, faulty.Send(Buffer(3), default));
        Assert.AreEqual(SendResult.Refused, faulty.Send(new byte[FrameBatch.Headroom + FrameBatch.MaxFrameLength + 1], default));
        Assert.AreEqual(9, faulty.Sent.Seen);
        var received = ReceiveAll(faulty, device, 3, batchFrames: 2);
        CollectionAssert.AreEqual(new[] { 0, 1, 2 }, received.Select(Number).ToArray());
        Assert.AreEqual(3, faulty.Received.Seen);
    }

    [TestMethod]
    public void The_same_seed_gives_the_same_faults_and_another_seed_others()
    {
        var (sent, received) = (Sent(Seed), Received(Seed));
        CollectionAssert.AreEqual(sent, Sent(Seed));
        CollectionAssert.AreEqual(received, Received(Seed));
        CollectionAssert.AreNotEqual(sent, Sent(Seed + 1));
        CollectionAssert.AreNotEqual(received, Received(Seed + 1));
        CollectionAssert.AreNotEqual(sent, received, "the directions draw apart");

        static string[] Sent(ulong seed)
        {
            using var device = new MemoryDevice("m0");
            using var faulty = new FaultInjector(device, seed, null, Everything);
            return [.. SendAll(faulty, device, 500).Select(Convert.ToHexString)];
        }

        static string[] Received(ulong seed)
        {
            using var device = new MemoryDevice("m0");
            using var faulty = new FaultInjector(device, seed, Everything);
            return [.. ReceiveAll(faulty, device, 500, 16).Select(Convert.ToHexString)];
        }
    }

    [TestMethod]
    public void One_rate_can_be_changed_without_moving_the_other_faults()
    {
        var alone = Lost(new FaultRates { Loss = 0.2 });
        Assert.AreNotEqual(0, alone.Length);
        CollectionAssert.AreEqual(alone, Lost(new FaultRates { Loss = 0.2, Duplication = 0.5, Reordering = 0.5 }));

        static int[] Lost(FaultRates rates)
        {
            using var device = new MemoryDevice("m0");
            using var faulty = new FaultInjector(device, Seed, null, rates);
            return [.. Enumerable.Range(0, 500).Except(SendAll(faulty, device, 500).Select(Number))];
        }
    }

    [TestMethod]
    [DataRow(true)]
    [DataRow(false)]
    public void Counters_match_what_came_out_and_the_rates_hold(bool sending)
    {
        const int Frames = 20_000;
        Console.WriteLine($"seed {Seed:x}");
        using var device = new MemoryDevice("m0");
        using var faulty = new FaultInjector(device, Seed, Everything, Everything);
        var came = sending ? SendAll(faulty, device, Frames) : ReceiveAll(faulty, device, Frames, 16);
        var counters = sending ? faulty.Sent : faulty.Received;
        Assert.AreEqual(0, (sending ? faulty.Received : faulty.Sent).Seen);

        Assert.AreEqual(Frames, counters.Seen);
        Assert.AreEqual(Frames - counters.Lost + counters.Duplicated, came.Count);
        Assert.AreEqual(0, counters.LeftWhole);
        Assert.AreEqual(0, counters.LateRefused);
        // Five standard deviations of a draw at 0.1 among 20,000 are 212; all but loss are drawn for the 18,000 that were not lost.
        Near(2000, counters.Lost);
        Near(1800, counters.Duplicated);
        Near(1800, counters.HeldBack, 400);
        Near(1800, counters.Corrupted);
        Near(1800, counters.Truncated);

        var (changed, cut) = (0, 0);
        foreach (var frame in came)
        {
            if (frame.Length < FrameLength)
                cut++;
            else if (!IsIntact(frame))
                changed++;
        }
        // A duplicate shares its frame's faults; a frame both cut and changed counts as cut here.
        Near(1800 * 1.1, cut);
        Near(1800 * 1.1 * 0.9, changed);

        static void Near(double expected, long found, double by = 220) =>
            Assert.IsTrue(Math.Abs(found - expected) <= by, $"{found} is not near {expected}");
    }

    [TestMethod]
    [DataRow(true)]
    [DataRow(false)]
    public void Reordering_loses_nothing_and_stays_in_the_window(bool sending)
    {
        const int Frames = 2000;
        const int Window = 5;
        var rates = new FaultRates { Reordering = 0.3, ReorderWindow = Window };
        using var device = new MemoryDevice("m0");
        using var faulty = new FaultInjector(device, Seed, rates, rates);
        var numbers = (sending ? SendAll(faulty, device, Frames) : ReceiveAll(faulty, device, Frames, 16)).Select(Number).ToArray();
        CollectionAssert.AreEqual(Enumerable.Range(0, Frames).ToArray(), numbers.Order().ToArray());
        var moved = 0;
        for (var i = 0; i < numbers.Length; i++)
        {
            // Overtaken by at most the window, and overtaking at most all that are held back at once.
            Assert.IsTrue(i - numbers[i] is >= -Window and <= 2 * Window, $"frame {numbers[i]} came at place {i}");
            moved += numbers[i] != i ? 1 : 0;
        }
        Assert.IsTrue(moved > Frames / 10, $"{moved} moved");
        Assert.IsTrue((sending ? faulty.Sent : faulty.Received).HeldBack > Frames / 10);
    }

    [TestMethod]
    public void A_frame_held_back_goes_on_when_nothing_else_waits()
    {
        var always = new FaultRates { Reordering = 1, ReorderWindow = 64 };
        using var device = new MemoryDevice("m0");
        using var faulty = new FaultInjector(device, Seed, always, always);
        CollectionAssert.AreEqual(new[] { 0, 1, 2 }, ReceiveAll(faulty, device, 3, 16).Select(Number).ToArray());

        Assert.AreEqual(SendResult.Sent, faulty.Send(Buffer(7), default));
        Assert.AreEqual(0, device.WaitingForFarSide);
        faulty.Flush();
        Assert.AreEqual(1, device.WaitingForFarSide);
    }

    [TestMethod]
    public void Duplicates_that_find_a_full_batch_come_with_the_next()
    {
        using var device = new MemoryDevice("m0");
        using var faulty = new FaultInjector(device, Seed, new FaultRates { Duplication = 1 });
        CollectionAssert.AreEqual(new[] { 0, 0, 1, 1, 2, 2 }, ReceiveAll(faulty, device, 3, 1).Select(Number).ToArray());
        Assert.AreEqual(3, faulty.Received.Duplicated);
    }

    [TestMethod]
    public void Everything_at_once_with_the_smallest_batch_loses_only_what_it_counts()
    {
        var rates = Everything with { Duplication = 1, Reordering = 1, ReorderWindow = 1 };
        using var device = new MemoryDevice("m0");
        using var faulty = new FaultInjector(device, Seed, rates);
        var came = ReceiveAll(faulty, device, 1000, 1);
        Assert.AreEqual(1000 - faulty.Received.Lost + faulty.Received.Duplicated, came.Count);
        Assert.AreEqual(1000 - faulty.Received.Lost, faulty.Received.Duplicated);
    }

    [TestMethod]
    public void Frames_with_unfinished_work_are_left_whole()
    {
        var rates = new FaultRates { Corruption = 1, Truncation = 1 };
        using var device = new MemoryDevice("m0", OffloadKinds.Checksum);
        using var faulty = new FaultInjector(device, Seed, rates, rates);
        using var batch = new FrameBatch();
        var offload = new FrameOffload(34, 6);
        faulty.Send(Buffer(1), offload);
        Assert.IsTrue(device.TryTake(out var frame, out var kept));
        Assert.IsTrue(IsIntact(frame));
        Assert.AreEqual(offload, kept);
        device.Inject(Frame(2), offload);
        device.Inject([]);
        faulty.Receive(batch);
        Assert.IsTrue(IsIntact(batch.Frame(0)));
        Assert.AreEqual(offload, batch.Offload(0));
        Assert.AreEqual(0, batch.Frame(1).Length);
        Assert.AreEqual(1, faulty.Sent.LeftWhole);
        Assert.AreEqual(2, faulty.Received.LeftWhole);
        Assert.AreEqual(0, faulty.Sent.Corrupted + faulty.Sent.Truncated + faulty.Received.Corrupted + faulty.Received.Truncated);
    }

    [TestMethod]
    public void Corruption_changes_one_byte_anywhere_and_not_the_senders_buffer()
    {
        using var device = new MemoryDevice("m0");
        using var faulty = new FaultInjector(device, Seed, null, new FaultRates { Corruption = 1 });
        var places = new HashSet<int>();
        var buffer = Buffer(5);
        var original = buffer.ToArray();
        for (var i = 0; i < 2000; i++)
        {
            faulty.Send(buffer, default);
            Assert.IsTrue(device.TryTake(out var frame));
            var difference = -1;
            for (var at = 0; at < FrameLength; at++)
            {
                if (frame[at] == original[FrameBatch.Headroom + at])
                    continue;
                Assert.AreEqual(-1, difference, "one byte");
                difference = at;
            }
            Assert.AreNotEqual(-1, difference);
            places.Add(difference);
        }
        Assert.AreEqual(FrameLength, places.Count);
        CollectionAssert.AreEqual(original, buffer);
    }

    [TestMethod]
    public void Truncation_leaves_one_byte_or_more()
    {
        using var device = new MemoryDevice("m0");
        using var faulty = new FaultInjector(device, Seed, null, new FaultRates { Truncation = 1 });
        var lengths = new HashSet<int>();
        for (var i = 0; i < 2000; i++)
        {
            faulty.Send(Buffer(5), default);
            Assert.IsTrue(device.TryTake(out var frame));
            lengths.Add(frame.Length);
            Assert.IsTrue(frame.SequenceEqual(Frame(5).AsSpan(0, frame.Length)));
        }
        CollectionAssert.AreEqual(Enumerable.Range(1, FrameLength - 1).ToArray(), lengths.Order().ToArray());
    }

    [TestMethod]
    public void Late_frames_that_the_device_refuses_are_counted()
    {
        using var device = new MemoryDevice("m0", queueFrames: 1);
        using var faulty = new FaultInjector(device, Seed, null, new FaultRates { Duplication = 1 });
        Assert.AreEqual(SendResult.Sent, faulty.Send(Buffer(1), default));
        Assert.AreEqual(1, faulty.Sent.LateRefused);
        Assert.AreEqual(SendResult.QueueFull, faulty.Send(Buffer(1), default));
        Assert.AreEqual(2, faulty.Sent.LateRefused);
    }

    [TestMethod]
    public void Rates_outside_of_their_range_are_an_error()
    {
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new FaultRates { Loss = -0.1 });
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new FaultRates { Duplication = 1.1 });
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new FaultRates { Corruption = double.NaN });
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new FaultRates { ReorderWindow = 0 });
        var error = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new FaultRates { ReorderWindow = 65 });
        StringAssert.StartsWith(error.Message, "reorder window must be 1 to 64 frames");
    }

    [TestMethod]
    public void Frames_cost_no_allocation()
    {
        using var device = new MemoryDevice("m0");
        using var faulty = new FaultInjector(device, Seed, Everything, Everything);
        using var batch = new FrameBatch();
        var (frame, buffer) = (Frame(1), Buffer(1));
        Assert.AreEqual(0, Allocations.Least(Turn));

        void Turn()
        {
            for (var i = 0; i < 32; i++)
            {
                device.Inject(frame);
                faulty.Send(buffer, default);
            }
            faulty.Flush();
            batch.Clear();
            faulty.Receive(batch);
            while (device.TryTake(out _))
            {
            }
        }
    }

    private static List<byte[]> SendAll(FaultInjector faulty, MemoryDevice device, int frames, bool flush = true)
    {
        var came = new List<byte[]>();
        for (var i = 0; i < frames; i++)
        {
            faulty.Send(Buffer(i), default);
            if (flush)
                Take();
        }
        if (flush)
            faulty.Flush();
        Take();
        return came;

        void Take()
        {
            while (device.TryTake(out var frame))
                came.Add(frame.ToArray());
        }
    }

    private static List<byte[]> ReceiveAll(FaultInjector faulty, MemoryDevice device, int frames, int batchFrames)
    {
        var came = new List<byte[]>();
        using var batch = new FrameBatch(batchFrames);
        for (var sent = 0; sent < frames;)
        {
            for (var i = 0; i < 100 && sent < frames; i++, sent++)
                Assert.AreEqual(SendResult.Sent, device.Inject(Frame(sent)));
            do
            {
                batch.Clear();
                faulty.Receive(batch);
                for (var i = 0; i < batch.Count; i++)
                    came.Add(batch.Frame(i).ToArray());
            }
            while (batch.IsFull);
        }
        return came;
    }

    private static byte[] Frame(int number)
    {
        var frame = new byte[FrameLength];
        for (var at = 0; at < FrameLength; at += 4)
            BinaryPrimitives.WriteInt32LittleEndian(frame.AsSpan(at), number);
        return frame;
    }

    private static byte[] Buffer(int number) => [.. new byte[FrameBatch.Headroom], .. Frame(number)];

    private static int Number(byte[] frame) => BinaryPrimitives.ReadInt32LittleEndian(frame);

    private static bool IsIntact(ReadOnlySpan<byte> frame) => frame.SequenceEqual(Frame(BinaryPrimitives.ReadInt32LittleEndian(frame)));
}
