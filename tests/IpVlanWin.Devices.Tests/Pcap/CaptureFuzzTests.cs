using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using IpVlanWin.Devices.Pcap;
using static IpVlanWin.Devices.Tests.Pcap.Captures;

namespace IpVlanWin.Devices.Tests.Pcap;

/// <summary>
/// Valid files, changed under a seed: a reader gives frames or a <see cref="CaptureFormatException"/>, nothing else, and allocates
/// no more than a small multiple of the file. IPVLANWIN_FUZZ_SECONDS makes it run on with fresh seeds for that long.
/// </summary>
[TestClass]
public sealed class CaptureFuzzTests
{
    private const int FirstSeed = 1;
    private const int Seeds = 4000;

    private static readonly uint[] InterestingValues =
    [
        0, 1, 3, 4, 7, 8, 11, 12, 13, 16, 28, 32, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x1_0000, 262_143, 262_144, 262_145,
        0xFF_FFFC, 0x100_0000, 0x100_0004, 0x7FFF_FFFC, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFC, 0xFFFF_FFFF,
    ];

    public TestContext TestContext { get; set; } = null!;

    [TestMethod]
    public void Changed_files_give_frames_or_a_format_fault()
    {
        var originals = Originals();
        var (faults, whole) = (0, 0);
        var watch = Stopwatch.StartNew();
        for (var seed = FirstSeed; seed < FirstSeed + Seeds; seed++)
            Count(Run(originals, seed), ref faults, ref whole);
        TestContext.WriteLine($"seeds {FirstSeed} to {FirstSeed + Seeds - 1}: {faults} faults, {whole} read to the end, {watch.ElapsedMilliseconds} ms");
        Assert.IsTrue(faults > Seeds / 4 && whole > Seeds / 20, $"the changes are too strong or too weak: {faults} faults, {whole} whole");
    }

    [TestMethod]
    public void Fresh_seeds_for_as_long_as_asked()
    {
        if (!double.TryParse(Environment.GetEnvironmentVariable("IPVLANWIN_FUZZ_SECONDS"), CultureInfo.InvariantCulture, out var seconds) || seconds <= 0)
            Assert.Inconclusive("set IPVLANWIN_FUZZ_SECONDS to a number of seconds to fuzz with fresh seeds");
        var originals = Originals();
        var seed = Random.Shared.Next();
        TestContext.WriteLine($"first seed {seed}");
        var (faults, whole) = (0, 0);
        for (var watch = Stopwatch.StartNew(); watch.Elapsed.TotalSeconds < seconds; seed++)
            Count(Run(originals, seed), ref faults, ref whole);
        TestContext.WriteLine($"last seed {seed - 1}: {faults} faults, {whole} read to the end");
        Assert.AreNotEqual(0, faults + whole);
    }

    private static void Count(bool faulted, ref int faults, ref int whole)
    {
        if (faulted)
            faults++;
        else
            whole++;
    }

    private static bool Run(byte[][] originals, int seed)
    {
        var file = Change(originals[seed % originals.Length], new Random(seed));
        var stream = new MemoryStream(file);
        var before = GC.GetAllocatedBytesForCurrentThread();
        long bytes = 0;
        try
        {
            using var reader = CaptureReader.Open(stream, "fuzz");
            while (reader.TryRead(out var frame))
            {
                bytes += frame.Bytes.Length;
                Assert.IsNotNull(frame.Interface);
                Assert.IsTrue(frame.OriginalLength >= frame.Bytes.Length, $"seed {seed}");
                _ = frame.Comment;
            }
            return false;
        }
        catch (CaptureFormatException fault)
        {
            Assert.IsTrue(fault.Offset >= 0 && fault.Offset <= file.Length, $"seed {seed}: {fault.Message}");
            return true;
        }
        catch (Exception other) when (other is not AssertFailedException)
        {
            throw new AssertFailedException($"seed {seed}: {other}", other);
        }
        finally
        {
            var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.IsTrue(allocated <= 128 * 1024 + (8L * file.Length), $"seed {seed}: {allocated} bytes allocated for a file of {file.Length}");
            Assert.IsTrue(bytes <= file.Length, $"seed {seed}: {bytes} bytes of frames from a file of {file.Length}");
        }
    }

    private static byte[] Change(byte[] original, Random random)
    {
        var file = (byte[])original.Clone();
        for (var changes = random.Next(1, 6); changes > 0 && file.Length > 8; changes--)
        {
            switch (random.Next(7))
            {
                case 0:
                    file[random.Next(file.Length)] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    file[random.Next(file.Length)] = (byte)random.Next(256);
                    break;
                case 2:
                    file = file[..random.Next(file.Length)];
                    break;
                case 3:
                    var value = InterestingValues[random.Next(InterestingValues.Length)];
                    var word = file.AsSpan(random.Next(file.Length / 4) * 4, 4);
                    if (random.Next(2) == 0)
                        BinaryPrimitives.WriteUInt32LittleEndian(word, value);
                    else
                        BinaryPrimitives.WriteUInt32BigEndian(word, value);
                    break;
                case 4:
                    var half = file.AsSpan(random.Next(file.Length / 2) * 2, 2);
                    BinaryPrimitives.WriteUInt16LittleEndian(half, (ushort)InterestingValues[random.Next(InterestingValues.Length)]);
                    break;
                case 5:
                    var from = random.Next(file.Length);
                    file = [.. file[..from], .. file[random.Next(file.Length)..]];
                    break;
                default:
                    // Inside a block or a record: behind any header.
                    file[Math.Min(file.Length - 1, 60 + random.Next(file.Length))] ^= 0xFF;
                    break;
            }
        }
        return file;
    }

    private static byte[][] Originals()
    {
        var files = new List<byte[]>();
        foreach (var bigEndian in new[] { false, true })
        {
            files.Add(new CaptureBytes(bigEndian).PcapHeader().PcapRecord(1, 2, FrameA).PcapRecord(3, 4, FrameB).PcapRecord(5, 6, new byte[1514]).ToArray());
            files.Add(new CaptureBytes(bigEndian).PcapHeader(0xA1B23C4D, link: 0x2400_0001).PcapRecord(1, 2, FrameB).PcapRecord(3, 4, new byte[60]).ToArray());
            files.Add(new CaptureBytes(bigEndian)
                .Section(options: o => o.Option(4, "application").Option(0))
                .Interface(options: o => o.Option(2, "eth0").Option(3, "description").Option(9, 9).Option(13, 4).OptionU64(14, 5).Option(0))
                .Interface(snap: 100, options: o => o.Option(9, 0x8A))
                .Enhanced(0, 5, FrameA, options: o => o.Option(1, "comment").OptionU32(2, 0x81).OptionU64(4, 77).Option(0))
                .Block(4, nrb => nrb.U32(0))
                .Enhanced(1, 6, FrameB)
                .Obsolete(1, 3, 11, FrameB, o => o.OptionU32(2, 2).Option(0))
                .Simple(FrameA)
                .Block(0x0BAD, custom => custom.U32(32473).U8(new byte[300]))
                .Section()
                .Interface()
                .Enhanced(0, 7, new byte[1514])
                .ToArray());
        }
        return [.. files];
    }
}
