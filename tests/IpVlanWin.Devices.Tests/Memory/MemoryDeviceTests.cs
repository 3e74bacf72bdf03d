using System.Buffers.Binary;
using IpVlanWin.Devices.Memory;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Devices.Tests.Memory;

[TestClass]
public sealed class MemoryDeviceTests
{
    private static readonly FrameOffload Checksum = new(34, 6);
    private static readonly FrameOffload Tcp4 = new(34, 16, SegmentationKind.Tcp4, 1448);
    private static readonly FrameOffload Tcp6 = new(54, 16, SegmentationKind.Tcp6, 1428);
    private static readonly FrameOffload Udp = new(34, 6, SegmentationKind.Udp, 1000);

    [TestMethod]
    public void Frames_pass_both_ways_in_order_with_their_offloads()
    {
        using var device = new MemoryDevice("m0", OffloadKinds.Checksum);
        using var batch = new FrameBatch();
        Assert.AreEqual(-1, device.PollDescriptor);
        for (byte i = 0; i < 10; i++)
        {
            Assert.AreEqual(SendResult.Sent, device.Inject([i, i], i == 3 ? Tcp4 : default));
            Assert.AreEqual(SendResult.Sent, device.Send(Buffer([i]), i == 5 ? Checksum : default));
        }
        device.Flush();
        Assert.AreEqual(10, device.WaitingForPump);
        Assert.AreEqual(10, device.WaitingForFarSide);

        device.Receive(batch);
        Assert.AreEqual(10, batch.Count);
        for (byte i = 0; i < 10; i++)
        {
            CollectionAssert.AreEqual(new[] { i, i }, batch.Frame(i).ToArray());
            Assert.AreEqual(i == 3 ? Tcp4 : default, batch.Offload(i));
            Assert.IsTrue(device.TryTake(out var frame, out var offload));
            CollectionAssert.AreEqual(new[] { i }, frame.ToArray());
            Assert.AreEqual(i == 5 ? Checksum : default, offload);
        }
        Assert.IsFalse(device.TryTake(out var none));
        Assert.AreEqual(0, none.Length);
        Assert.AreEqual(0, device.WaitingForPump);
        Assert.AreEqual(0, device.WaitingForFarSide);
    }

    [TestMethod]
    public void A_full_queue_refuses_the_newest_frame_and_counts_it()
    {
        using var device = new MemoryDevice("m0", queueFrames: 3);
        using var batch = new FrameBatch();
        for (byte i = 0; i < 5; i++)
        {
            var expected = i < 3 ? SendResult.Sent : SendResult.QueueFull;
            Assert.AreEqual(expected, device.Inject([i]));
            Assert.AreEqual(expected, device.Send(Buffer([i]), default));
        }
        Assert.AreEqual(2, device.InjectQueueFull);
        Assert.AreEqual(2, device.SendQueueFull);
        Assert.AreEqual(0, device.SendRefused);

        Assert.IsTrue(device.TryTake(out var frame));
        Assert.AreEqual(0, frame[0]);
        Assert.AreEqual(SendResult.Sent, device.Send(Buffer([9]), default), "taking one frame makes room for one");
        Assert.AreEqual(SendResult.QueueFull, device.Send(Buffer([9]), default));
        device.Receive(batch);
        CollectionAssert.AreEqual(new byte[] { 0, 1, 2 }, new[] { batch.Frame(0)[0], batch.Frame(1)[0], batch.Frame(2)[0] });
    }

    [TestMethod]
    public void A_queue_out_of_bytes_refuses_and_an_emptied_one_takes_any_length_at_any_place()
    {
        using var device = new MemoryDevice("m0", queueFrames: 100, queueBytes: MemoryDevice.MinQueueBytes);
        var longest = Buffer(new byte[FrameBatch.MaxFrameLength]);
        Assert.AreEqual(SendResult.Sent, device.Send(longest, default));
        Assert.AreEqual(SendResult.Sent, device.Send(longest, default));
        Assert.AreEqual(SendResult.QueueFull, device.Send(Buffer([1]), default));
        Assert.IsTrue(device.TryTake(out _));
        Assert.IsTrue(device.TryTake(out _));
        // Moves the place at which the ring goes on by an odd length each time.
        for (var i = 0; i < 300; i++)
        {
            Assert.AreEqual(SendResult.Sent, device.Send(Buffer(new byte[7919]), default), $"small frame {i}");
            Assert.IsTrue(device.TryTake(out _));
            Assert.AreEqual(SendResult.Sent, device.Send(longest, default), $"longest frame {i}");
            Assert.IsTrue(device.TryTake(out var frame));
            Assert.AreEqual(FrameBatch.MaxFrameLength, frame.Length);
        }
    }

    [TestMethod]
    public void Against_a_plain_queue_under_a_seed()
    {
        const int Seed = 7;
        Console.WriteLine($"seed {Seed}");
        var random = new Random(Seed);
        using var device = new MemoryDevice("m0", queueFrames: 8, queueBytes: MemoryDevice.MinQueueBytes);
        var model = new Queue<byte[]>();
        var refused = 0;
        for (var i = 0; i < 5000; i++)
        {
            if (random.Next(2) == 0)
            {
                var frame = new byte[random.Next(20) == 0 ? random.Next(FrameBatch.MaxFrameLength + 1) : random.Next(2000)];
                random.NextBytes(frame);
                var result = device.Send(Buffer(frame), default);
                if (model.Count == 8)
                    Assert.AreEqual(SendResult.QueueFull, result);
                else if (model.Sum(queued => queued.Length) + frame.Length <= MemoryDevice.MinQueueBytes - FrameBatch.MaxFrameLength)
                    Assert.AreEqual(SendResult.Sent, result, "there is room whatever the ring leaves unused at its end");
                if (result == SendResult.Sent)
                    model.Enqueue(frame);
                else
                    refused++;
            }
            else
            {
                Assert.AreEqual(model.TryDequeue(out var expected), device.TryTake(out var frame));
                if (expected is not null)
                    Assert.IsTrue(frame.SequenceEqual(expected));
            }
            Assert.AreEqual(model.Count, device.WaitingForFarSide);
        }
        Assert.AreEqual(refused, device.SendQueueFull);
        Assert.AreNotEqual(0, refused);
    }

    [TestMethod]
    [DataRow(OffloadKinds.None, false, false, false)]
    [DataRow(OffloadKinds.Checksum, true, false, false)]
    [DataRow(OffloadKinds.Checksum | OffloadKinds.Tcp, true, true, false)]
    [DataRow(OffloadKinds.Checksum | OffloadKinds.Udp, true, false, true)]
    [DataRow(OffloadKinds.Checksum | OffloadKinds.Tcp | OffloadKinds.Udp, true, true, true)]
    public void Send_refuses_work_outside_of_Accepts(OffloadKinds accepts, bool checksum, bool tcp, bool udp)
    {
        using var device = new MemoryDevice("m0", accepts);
        (FrameOffload Offload, bool Taken)[] table = [(default, true), (Checksum, checksum), (Tcp4, tcp), (Tcp6, tcp), (Udp, udp)];
        foreach (var (offload, taken) in table)
            Assert.AreEqual(taken ? SendResult.Sent : SendResult.Refused, device.Send(Buffer([1]), offload));
        Assert.AreEqual(table.Count(row => !row.Taken), device.SendRefused);
    }

    [TestMethod]
    public void Too_long_frames_and_a_disposed_device_refuse()
    {
        var device = new MemoryDevice("m0");
        Assert.AreEqual(SendResult.Refused, device.Inject(new byte[FrameBatch.MaxFrameLength + 1]));
        Assert.AreEqual(SendResult.Refused, device.Send(Buffer(new byte[FrameBatch.MaxFrameLength + 1]), default));
        Assert.AreEqual(SendResult.Sent, device.Inject([1]));
        device.Dispose();
        Assert.AreEqual(SendResult.Refused, device.Inject([2]));
        Assert.AreEqual(SendResult.Refused, device.Send(Buffer([2]), default));
        Assert.AreEqual(2, device.SendRefused);
        Assert.AreEqual(2, device.InjectRefused);
        using var batch = new FrameBatch();
        device.Receive(batch);
        Assert.AreEqual(1, batch.Count);
    }

    [TestMethod]
    public void Receive_stops_at_a_full_batch_and_goes_on_with_the_next()
    {
        using var device = new MemoryDevice("m0");
        using var batch = new FrameBatch(2);
        for (byte i = 0; i < 5; i++)
            device.Inject([i]);
        var seen = new List<byte>();
        while (device.WaitingForPump > 0)
        {
            batch.Clear();
            device.Receive(batch);
            for (var i = 0; i < batch.Count; i++)
                seen.Add(batch.Frame(i)[0]);
        }
        CollectionAssert.AreEqual(new byte[] { 0, 1, 2, 3, 4 }, seen);
    }

    [TestMethod]
    [DataRow(0, MemoryDevice.MinQueueBytes)]
    [DataRow(1, MemoryDevice.MinQueueBytes - 1)]
    public void Bounds_too_small_for_a_frame_are_an_error(int frames, int bytes) =>
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new MemoryDevice("m0", OffloadKinds.None, frames, bytes));

    [TestMethod]
    public void Frames_cost_no_allocation()
    {
        using var device = new MemoryDevice("m0");
        using var batch = new FrameBatch();
        var frame = new byte[1514];
        var buffer = Buffer(frame);
        Assert.AreEqual(0, Allocations.Least(Turn));

        void Turn()
        {
            for (var i = 0; i < 32; i++)
                device.Inject(frame);
            batch.Clear();
            device.Receive(batch);
            for (var i = 0; i < batch.Count; i++)
                device.Send(buffer, default);
            while (device.TryTake(out _))
            {
            }
        }
    }

    [TestMethod]
    [Timeout(60_000)]
    public void Two_threads_see_every_frame_once_in_order()
    {
        const int Frames = 5_000;
        using var device = new MemoryDevice("m0", queueFrames: 64);
        var farSide = new Thread(() =>
        {
            Span<byte> frame = stackalloc byte[64];
            for (var i = 0; i < Frames; i++)
            {
                BinaryPrimitives.WriteInt32LittleEndian(frame, i);
                frame[4..].Fill((byte)i);
                while (device.Inject(frame[..(4 + (i % 60))]) != SendResult.Sent)
                    Thread.Yield();
            }
        });
        farSide.Start();
        using var batch = new FrameBatch();
        var next = 0;
        var deadline = DateTime.UtcNow.AddSeconds(30);
        while (next < Frames)
        {
            Assert.IsTrue(DateTime.UtcNow < deadline, $"stuck at frame {next}");
            batch.Clear();
            device.Receive(batch);
            for (var i = 0; i < batch.Count; i++, next++)
            {
                Assert.AreEqual(next, BinaryPrimitives.ReadInt32LittleEndian(batch.Frame(i)));
                Assert.AreEqual(4 + (next % 60), batch.Frame(i).Length);
                Assert.IsFalse(batch.Frame(i)[4..].ContainsAnyExcept((byte)next));
            }
            if (batch.Count == 0)
                Thread.Yield();
        }
        farSide.Join();
        Assert.AreEqual(0, device.WaitingForPump);
    }

    private static byte[] Buffer(byte[] frame) => [.. new byte[FrameBatch.Headroom], .. frame];
}
