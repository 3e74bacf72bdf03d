using System.Diagnostics;
using System.Globalization;
using System.Runtime.Versioning;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Routing;
using IpVlanWin.Engine.Tests.Oracle;
using IpVlanWin.Engine.Wire;
using static IpVlanWin.Engine.Tests.Oracle.Frames;

namespace IpVlanWin.Engine.Tests.Ipvlan;

/// <summary>
/// Frames that end where memory ends (and begin where it begins): a read beyond them ends the test's process. The classifier and the
/// map read without bounds checks, so nothing else would show it.
/// </summary>
[TestClass]
public sealed class PageEndTests
{
    private const int Frames = 60_000;

    public TestContext TestContext { get; set; } = null!;

    [TestMethod]
    public void No_byte_beyond_a_frame_is_touched()
    {
        if (!OperatingSystem.IsLinux())
            Assert.Inconclusive("pages are guarded with mmap and mprotect, which Linux has");
        else
            Fuzz();
    }

    [TestMethod]
    public void Every_length_of_every_kind_is_classified_within_its_bytes()
    {
        if (!OperatingSystem.IsLinux())
        {
            Assert.Inconclusive("pages are guarded with mmap and mprotect, which Linux has");
            return;
        }
        using var memory = new GuardedMemory(4096);
        byte[][] whole =
        [
            Arp(OwnMac, OwnMac, "10.0.0.2", "10.0.0.3"), Ip(OwnMac, OwnMac, "10.0.0.2", "10.0.0.3", options: new byte[40]), Ip(OwnMac, OwnMac, "fd00::2", "fd00::3"),
            Icmp6(OwnMac, OwnMac, "::", "ff02::1", "fd00::3"), Icmp6(OwnMac, OwnMac, "::", "ff02::1", "fd00::3", 136), Pause(Group, Group),
        ];
        foreach (var frame in whole.Concat(whole.Select(frame => frame.Tagged())).Concat(whole.Select(frame => frame.Tagged(0, 0x88a8).Tagged())))
        {
            for (var length = 0; length <= frame.Length; length++)
            {
                var cut = memory.Last(length);
                frame.AsSpan(0, length).CopyTo(cut);
                // A total length that claims no more than is there keeps cut IPv4 packets valid as long as can be.
                foreach (var offset in (ReadOnlySpan<int>)[14, 18])
                {
                    if (length <= offset)
                        continue;
                    var protocol = (ushort)((cut[offset - 2] << 8) | cut[offset - 1]);
                    if (protocol == EtherType.IPv4 && length >= offset + 4)
                        (cut[offset + 2], cut[offset + 3]) = ((byte)((length - offset) >> 8), (byte)(length - offset));
                    var key = Classifier.Classify(cut, offset, protocol);
                    var size = key.Family switch { KeyFamily.Four => 4, KeyFamily.Six => 16, _ => 0 };
                    Assert.IsLessThanOrEqualTo(length, Math.Max(key.SourceOffset, key.DestinationOffset) + size);
                }
            }
        }
    }

    [SupportedOSPlatform("linux")]
    private void Fuzz()
    {
        var seconds = int.Parse(Environment.GetEnvironmentVariable("IPVLANWIN_FUZZ_SECONDS") ?? "0", CultureInfo.InvariantCulture);
        var seed = Random.Shared.Next();
        TestContext.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var forge = new FrameForge(random);
        var port = new TestPort(PortMode.L2, PortFlag.Bridge).Port;
        var sender = port.Find("a")!;
        using var memory = new GuardedMemory(128 * 1024);
        using var output = new GuardedMemory(128 * 1024);
        var clock = Stopwatch.StartNew();
        for (var i = 0; i < Frames || clock.Elapsed.TotalSeconds < seconds; i++)
        {
            if (i % 50 == 0)
            {
                port.SetMode((PortMode)random.Next(3));
                port.SetFlag((PortFlag)random.Next(3));
                port.SetMasterMtu(random.Next(4) == 0 ? random.Next(68, 1500) : 1500);
                port.SetUp(sender, true);
            }
            var forged = i % 4 == 3 ? new ForgedFrame(WireNaive.Bytes(random, random.Next(120))) : forge.Next();
            // Offloads that do not fit the frame come with a hostile guest.
            var offload = random.Next(10) == 0
                ? new FrameOffload(random.Next(200), random.Next(40), (SegmentationKind)random.Next(8), random.Next(2000), random.Next(2) == 0)
                : forged.Offload;
            var frame = i % 2 == 0 ? memory.Last(forged.Bytes.Length) : memory.First(forged.Bytes.Length);
            forged.Bytes.CopyTo(frame);
            Carry(port, i % 3 == 0 ? null : sender, frame, offload, output);
        }
    }

    private readonly ref struct OneFrame(ReadOnlySpan<byte> frame) : IFrameList
    {
        private readonly ReadOnlySpan<byte> _frame = frame;

        public int Count => 1;

        public ReadOnlySpan<byte> this[int index] => _frame;
    }

    /// <summary>Everything that is done with a frame, each with buffers of exact size.</summary>
    [SupportedOSPlatform("linux")]
    private static void Carry(Port port, VirtualInterface? sender, Span<byte> frame, FrameOffload offload, GuardedMemory output)
    {
        var snapshot = port.Snapshot;
        var hop = default(NextHop);
        var foresight = new Foresight(1) { Turns = frame.Length % 3 };
        if (sender is null)
            snapshot.Foresee(new OneFrame(frame), foresight);
        else
            snapshot.Foresee(sender, new OneFrame(frame), foresight);
        var decision = sender is null
            ? snapshot.Receive(frame, offload, foresight.Frames[0])
            : snapshot.Transmit(sender, frame, offload, TimeSpan.Zero, ref hop, foresight.Frames[0]);
        switch (decision.Action)
        {
            case DecisionAction.FloodReceived or DecisionAction.FloodSent:
                var cursor = 0;
                while (snapshot.NextReceiver(frame, offload, decision.Action == DecisionAction.FloodSent ? sender : null, ref cursor) is not null)
                {
                }
                break;
            case DecisionAction.HostAndLocal:
                Assert.IsLessThanOrEqualTo(frame.Length - 14, decision.PacketLength);
                break;
            case DecisionAction.Route or DecisionAction.NeighborMissing or DecisionAction.RouteToHost:
                var isSix = hop.Address.IsSix;
                Assert.IsLessThanOrEqualTo(TooBigReply.MaxLength, TooBigReply.Write(frame, isSix ? L3Address.Parse("fd00::1") : L3Address.Parse("10.0.0.1"), snapshot.Mac, snapshot.IpMtu, output.Last(TooBigReply.MaxLength)));
                RoutedPacket.Rewrite(frame, hop.Mac, snapshot.Mac);
                if (frame[12] == 8)
                    FragmentAll(frame, output);
                break;
            default:
                break;
        }
    }

    [SupportedOSPlatform("linux")]
    private static void FragmentAll(ReadOnlySpan<byte> frame, GuardedMemory output)
    {
        foreach (var ipMtu in (ReadOnlySpan<int>)[68, 576])
        {
            if (!Fragmenter.TryStart(frame, ipMtu, out var fragmenter))
                continue;
            while (fragmenter.WriteNext(output.Last(EtherType.HeaderLength + ipMtu)) is > 0 and var length)
                Assert.IsLessThanOrEqualTo(EtherType.HeaderLength + ipMtu, length);
        }
    }
}
