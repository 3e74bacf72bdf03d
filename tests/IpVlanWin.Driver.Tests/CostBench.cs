using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Driver.Tests;

/// <summary>
/// driver/test/run --bench: what a decision costs in the driver's core and in the engine, in turns, on the same frames: the best of many
/// rounds of each, the loop around it taken off.
/// </summary>
internal static unsafe class CostBench
{
    private const int Frames = 1 << 16, FrameLength = 64, Interfaces = 100, Batch = 64;

    public static void Run(TextWriter output, int rounds, params int[] addresses)
    {
        var library = NativeLibrary.Load(NativeBuild.Library("cost"));
        var create = (delegate* unmanaged<uint, uint, nint>)NativeLibrary.GetExport(library, "CostCreate");
        var destroy = (delegate* unmanaged<nint, void>)NativeLibrary.GetExport(library, "CostDestroy");
        var run = (delegate* unmanaged<nint, uint*, ulong>)NativeLibrary.GetExport(library, "CostRun");
        var loop = (delegate* unmanaged<nint, uint*, ulong>)NativeLibrary.GetExport(library, "CostLoop");
        foreach (var count in addresses)
        {
            var native = create((uint)count, Interfaces);
            Assert.AreNotEqual(0, native, "memory");
            var (port, frames) = (PortOf(count), FramesOf(count));
            double core = double.MaxValue, coreLoop = double.MaxValue, engine = double.MaxValue, engineLoop = double.MaxValue;
            for (var round = 0; round < rounds; round++)
            {
                uint delivered;
                core = Math.Min(core, run(native, &delivered));
                Assert.AreEqual((uint)Frames, delivered);
                coreLoop = Math.Min(coreLoop, loop(native, &delivered));
                Assert.AreEqual((uint)Frames, delivered);
                engine = Math.Min(engine, Time(() => Receive(port, frames)));
                engineLoop = Math.Min(engineLoop, Time(() => Look(frames)));
            }
            destroy(native);
            output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{count} addresses, {Interfaces} interfaces: core {(core - coreLoop) / Frames:f1} ns, engine {(engine - engineLoop) / Frames:f1} ns a frame (loops {coreLoop / Frames:f1} and {engineLoop / Frames:f1} ns taken off)"));
        }
    }

    private static double Time(Func<int> round)
    {
        var started = Stopwatch.GetTimestamp();
        Assert.AreEqual(Frames, round());
        return Stopwatch.GetElapsedTime(started).TotalNanoseconds;
    }

    // Batch by batch, as FramePump.
    private static int Receive(Port port, byte[] frames)
    {
        var foresight = new Foresight(Batch);
        var foreseen = foresight.Frames;
        var hits = 0;
        for (var start = 0; start < Frames; start += Batch)
        {
            var snapshot = port.Snapshot;
            var batch = new FrameRun(frames, start);
            snapshot.Foresee(batch, foresight);
            for (var i = 0; i < Batch; i++)
            {
                if (snapshot.Receive(batch[i], default, foreseen[i]).Action == DecisionAction.Deliver)
                    hits++;
            }
        }
        return hits;
    }

    private static int Look(byte[] frames)
    {
        var hits = 0;
        for (var i = 0; i < Frames; i++)
        {
            if (frames.AsSpan(i * FrameLength, FrameLength)[30] == 10)
                hits++;
        }
        return hits;
    }

    private static Port PortOf(int addresses)
    {
        var port = new Port("eth0", new MacAddress(1), 1500);
        port.SetMasterUp(true);
        var members = new VirtualInterface[Interfaces];
        for (var i = 0; i < Interfaces; i++)
        {
            Assert.AreEqual(PortResult.Ok, port.AddInterface($"i{i}", null, null, out var added));
            port.SetUp(members[i] = added!, true);
        }
        for (var i = 0; i < addresses; i++)
            Assert.AreEqual(PortResult.Ok, port.AddAddress(members[i % Interfaces], new L3Prefix(Address(i), 8)));
        return port;
    }

    // The same as cost.c's.
    private static byte[] FramesOf(int addresses)
    {
        var frames = new byte[Frames * FrameLength];
        var random = 1u;
        for (var i = 0; i < Frames; i++)
        {
            var frame = frames.AsSpan(i * FrameLength, FrameLength);
            random = (random * 1664525) + 1013904223;
            (frame[12], frame[14], frame[17]) = (8, 0x45, 50);
            Address((int)(((ulong)random * (uint)addresses) >> 32)).Write(frame[30..]);
        }
        return frames;
    }

    private static L3Address Address(int number)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, 0x0a000000 + number);
        return L3Address.ReadFour(bytes);
    }

    private readonly struct FrameRun(byte[] frames, int first) : IFrameList
    {
        public int Count => Batch;

        public ReadOnlySpan<byte> this[int index] => frames.AsSpan((first + index) * FrameLength, FrameLength);
    }
}
