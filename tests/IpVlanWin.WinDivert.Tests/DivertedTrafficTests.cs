using System.Buffers.Binary;
using System.Diagnostics;
using IpVlanWin.Datapath.WinDivert;
using IpVlanWin.Devices.Decorators;
using IpVlanWin.Devices.WinDivert;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.WinDivert.Tests;

/// <summary>The data path part against scripted queues: what becomes of each packet.</summary>
[TestClass]
[DoNotParallelize]
public sealed class DivertedTrafficTests
{
    private const uint Master = 7;
    private const string One = "10.0.0.2", Two = "10.0.0.3", Far = "192.0.2.9";

    [TestMethod]
    public void Passed_GoesBackAsItCame()
    {
        using var traffic = Start(PortFlag.Bridge);
        foreach (var address in (DivertAddress[])
        [
            Imitation.Inbound(), Imitation.Inbound() with { SubInterfaceIndex = 3 }, Imitation.Inbound() with { IsImpostor = true },
        ])
        {
            var packet = Packets.Make(Far, One, ttl: 9);
            Imitation.Divert(packet, address);
            var (got, back) = Wait();
            if (address.IsImpostor)
                packet = Packets.Make(Far, One, ttl: 8);
            CollectionAssert.AreEqual(packet, got);
            Assert.AreEqual((address.SubInterfaceIndex, address.IsImpostor, address.IsOutbound, address.HasUdpChecksum, Master),
                (back.SubInterfaceIndex, back.IsImpostor, back.IsOutbound, back.HasUdpChecksum, back.InterfaceIndex));
        }
    }

    /// <summary>What a capture gets: packets as frames, as the interface sees them, with the reason where they went nowhere.</summary>
    [TestMethod]
    public void Watch_SeesFramesWithMadeUpHeaders_UntilItEnds()
    {
        using var traffic = Start(PortFlag.Private);
        var seen = new Seen();
        var packet = Packets.Make(Far, One);
        using (traffic.Watch(seen))
        {
            Imitation.Divert(packet, Imitation.Inbound());
            Wait();
            Imitation.Divert(Packets.Make("fd00::2", "2001:db8::9"), Imitation.Outbound());
            Wait();
            Imitation.Divert(Packets.Make(One, Two), Imitation.Outbound(1, isLoopback: true));
            Until(() => traffic.Statistics.Dropped == 1);
        }
        Imitation.Divert(packet, Imitation.Inbound());
        Wait();
        CollectionAssert.AreEqual(new[]
        {
            "arrived at wire 020000000001 000000000000 0800 None", "left at ipvl0 020000000001 000000000000 0800 None",
            "arrived at ipvl0 000000000000 020000000001 86dd None", "left at wire 000000000000 020000000001 86dd None",
            "arrived at ipvl0 020000000001 020000000001 0800 Private",
        }, seen.Lines);
        CollectionAssert.AreEqual(packet, seen.First![14..]);
    }

    private sealed class Seen : IFrameWatch
    {
        public List<string> Lines { get; } = [];

        public byte[]? First { get; private set; }

        public void Arrived(VirtualInterface? at, ReadOnlySpan<byte> frame, in FrameOffload offload, DropReason reason)
        {
            First ??= frame.ToArray();
            Add("arrived", at, frame, reason);
        }

        public void Left(VirtualInterface? at, ReadOnlySpan<byte> frame, in FrameOffload offload, DropReason reason) => Add("left", at, frame, reason);

        public void EndBatch()
        {
        }

        private void Add(string what, VirtualInterface? at, ReadOnlySpan<byte> frame, DropReason reason) => Lines.Add(
            $"{what} at {at?.Name ?? "wire"} {Convert.ToHexStringLower(frame[..6])} {Convert.ToHexStringLower(frame[6..12])} {Convert.ToHexStringLower(frame[12..14])} {reason}");
    }

    /// <summary>What receive segment coalescing makes of a stream.</summary>
    [TestMethod]
    public void SuperFrame_IsOnePacket()
    {
        using var traffic = Start(PortFlag.Bridge);
        var packet = Packets.Make(Far, One, payload: 60_000, protocol: Packets.Tcp);
        Imitation.Divert(packet, Imitation.Inbound());
        CollectionAssert.AreEqual(packet, Wait().Packet);
        Assert.AreEqual((1L, packet.Length + 14L), (traffic.Port.Find("ipvl0")!.Counters.RxPackets, traffic.Port.Find("ipvl0")!.Counters.RxBytes));
    }

    /// <summary>Of a batch, what is dropped leaves no gap and no change of order.</summary>
    [TestMethod]
    public void Dropped_LeavesTheOthersInOrder()
    {
        using var traffic = Start(PortFlag.Private);
        lock (traffic.DecisionLock)
        {
            for (ushort i = 0; i < 200; i++)
                Imitation.Divert(Packets.Make(i % 3 == 0 ? One : Far, Two, payload: i, number: i), Imitation.Outbound(1, isLoopback: true));
        }
        var passed = Imitation.Take(133);
        CollectionAssert.AreEqual(Enumerable.Range(0, 200).Where(static i => i % 3 != 0).ToArray(), passed.ConvertAll(static packet => (int)BinaryPrimitives.ReadUInt16BigEndian(packet.AsSpan(4))));
        Assert.IsTrue(passed.TrueForAll(static packet => Packets.IsIntact(packet)));
        Assert.AreEqual(67, traffic.Port.Drops[DropReason.Private]);
        Assert.AreEqual(67, traffic.Port.Find("ipvl0")!.Counters.TxDropped);
        Assert.AreEqual(67, traffic.Statistics.Dropped);
    }

    [TestMethod]
    public void OverTheMtu_IsCut()
    {
        using var traffic = Start(PortFlag.Bridge);
        foreach (var (source, destination) in ((string, string)[])[(One, Far), ("fd00::2", "2001:db8::9")])
        {
            // UDP whose checksum the adapter was to complete.
            var packet = Packets.Make(source, destination, payload: 5_000, number: 77);
            var transport = packet[0] >> 4 == 6 ? 40 : 20;
            var spoilt = (byte[])packet.Clone();
            spoilt[transport + 6] ^= 0xff;
            Imitation.Divert(spoilt, Imitation.Outbound() with { HasUdpChecksum = false });
            CollectionAssert.AreEqual(packet[transport..], Reassemble(Imitation.Take(4)));
            // TCP: segments, each whole.
            var segment = Packets.Make(source, destination, payload: 5_000, protocol: Packets.Tcp, mayFragment: false);
            Imitation.Divert(segment, Imitation.Outbound());
            var segments = Imitation.Take(4);
            Assert.IsTrue(segments.TrueForAll(static one => one.Length <= 1500 && Packets.IsIntact(one)));
            CollectionAssert.AreEqual(segment[(transport + 20)..], segments.SelectMany(one => one[(transport + 20)..]).ToArray());
        }
        Until(() => traffic.Statistics is { Cut: 4, Passed: 4 });
    }

    [TestMethod]
    public void OverTheMtu_WithDontFragment_IsCountedAsDropped()
    {
        using var traffic = Start(PortFlag.Bridge);
        Imitation.Divert(Packets.Make(One, Far, payload: 5_000, mayFragment: false), Imitation.Outbound());
        Until(() => traffic.Statistics.Dropped == 1);
        Assert.AreEqual(1, traffic.Port.Drops[DropReason.MtuExceeded]);
        Assert.IsEmpty(Imitation.TakeAll());
    }

    [TestMethod]
    public void ImpostorThatExpires_IsCounted()
    {
        using var traffic = Start(PortFlag.Bridge);
        Imitation.Divert(Packets.Make(Far, One, ttl: 1), Imitation.Inbound() with { IsImpostor = true });
        Until(() => traffic.Statistics.Expired == 1);
        Assert.AreEqual((1L, 1232), (traffic.Statistics.SendFailures, traffic.Statistics.LastSendError));
    }

    [TestMethod]
    public void Unreadable_IsCounted_AndTheRestOfItsBatchGoes()
    {
        using var traffic = Start(PortFlag.Bridge);
        var broken = Packets.Make(Far, One);
        BinaryPrimitives.WriteUInt16BigEndian(broken.AsSpan(2), 9_999);
        Imitation.Divert(Packets.Make(Far, One, number: 5), Imitation.Inbound());
        Imitation.Divert(broken, Imitation.Inbound());
        Until(() => traffic.Statistics.Unreadable == 1);
        Assert.AreEqual(5, BinaryPrimitives.ReadUInt16BigEndian(Wait().Packet.AsSpan(4)));
    }

    [TestMethod]
    [DataRow(PortMode.L2, PortFlag.Bridge, "mode l2 is not supported by data path windivert, which sees IP packets and no frames: use data path filter")]
    [DataRow(PortMode.L3, PortFlag.Vepa, "flag vepa is not supported by data path windivert, because the host's stack moves packets between its own addresses itself: use data path filter")]
    public void WhatItCannotDo_IsRefused(PortMode mode, PortFlag flag, string sentence)
    {
        Imitation.Require();
        var port = MakePort(flag);
        port.SetMode(mode);
        Assert.AreEqual(sentence, Assert.ThrowsExactly<NotSupportedException>(() => new DivertedTraffic(port, new DivertSettings())).Message);
        using var traffic = Start(PortFlag.Bridge);
        Assert.AreEqual(PortResult.NotSupported, traffic.SetMode(PortMode.L2));
        Assert.AreEqual(PortResult.NotSupported, traffic.SetFlag(PortFlag.Vepa));
        Assert.AreEqual(PortResult.Ok, traffic.SetMode(PortMode.L3S));
        Assert.AreEqual((PortMode.L3S, PortFlag.Bridge), (traffic.Port.Snapshot.Mode, traffic.Port.Snapshot.Flag));
        // Private without anything that would keep it closed.
        Assert.AreEqual(PortResult.NotSupported, traffic.SetFlag(PortFlag.Private));
        Assert.ThrowsExactly<NotSupportedException>(() => new DivertedTraffic(MakePort(PortFlag.Private), new DivertSettings()));
    }

    [TestMethod]
    public void OpenRefused_LeavesTheHandlesAsTheyWere()
    {
        using var traffic = Start(PortFlag.Bridge);
        var before = traffic.HandleCount;
        Imitation.Switch("open-error", 1450);
        Assert.AreEqual(DivertError.NoResources, Assert.ThrowsExactly<DivertException>(() => traffic.Apply(Arrangement(One, Two, "10.0.0.9"))).Error);
        Assert.AreEqual(before, traffic.HandleCount);
        Imitation.Divert(Packets.Make(Far, One), Imitation.Inbound());
        Wait();
        Assert.AreEqual(1, traffic.Statistics.Received);
    }

    /// <summary>Changed all the time while packets come: each passes once, in order, whichever handle of a priority sees it first.</summary>
    [TestMethod]
    [DataRow(0)]
    [DataRow(1)]
    public async Task Apply_LosesAndDoublesNothing(int newestFirst)
    {
        using var traffic = Start(PortFlag.Bridge);
        Imitation.Switch("newest-first", newestFirst);
        var changing = true;
        var changes = Task.Run(() =>
        {
            for (var i = 0; Volatile.Read(ref changing); i++)
                traffic.Apply(i % 2 == 0 ? Arrangement(One) : Arrangement(One, Two));
        });
        const int Count = 3_000;
        for (ushort i = 0; i < Count; i++)
            Imitation.Divert(Packets.Make(Far, One, number: i), Imitation.Inbound());
        var numbers = Imitation.Take(Count).ConvertAll(static packet => (int)BinaryPrimitives.ReadUInt16BigEndian(packet.AsSpan(4)));
        Volatile.Write(ref changing, false);
        await changes;
        CollectionAssert.AreEqual(Enumerable.Range(0, Count).ToArray(), numbers);
        Assert.AreEqual(Count, traffic.Port.Find("ipvl0")!.Counters.RxPackets);
        Assert.IsEmpty(Imitation.TakeAll());
    }

    [TestMethod]
    public void Dispose_DecidesOnWhatIsQueued()
    {
        var traffic = Start(PortFlag.Bridge);
        lock (traffic.DecisionLock)
        {
            for (ushort i = 0; i < 300; i++)
                Imitation.Divert(Packets.Make(Far, One, number: i), Imitation.Inbound());
        }
        traffic.Dispose();
        Assert.HasCount(300, Imitation.TakeAll());
        Assert.AreEqual(300, traffic.Statistics.Received);
        Assert.AreEqual(0, Imitation.OpenHandles);
        Assert.IsTrue(traffic.Completion.IsCompletedSuccessfully);
    }

    [TestMethod]
    public void QueueGauge_SeesAFullQueue_AndALongWait()
    {
        var settings = new DivertSettings { QueuePackets = 2_000, BatchPackets = 64 };
        var statistics = new ReaderStatistics();
        var gauge = new QueueGauge(settings, statistics);
        var addresses = new DivertAddress[64];
        // 1,000 queued when the first was received, then 1,900.
        Fill(1_000);
        Assert.AreEqual(0, statistics.Overruns);
        Fill(1_900);
        Assert.IsGreaterThan(0, statistics.Overruns);
        var before = statistics.Overruns;
        addresses[0].Timestamp = Stopwatch.Frequency * 100;
        gauge.Note(addresses, 64, Stopwatch.Frequency * 100 + (Stopwatch.Frequency / 2));
        Assert.AreEqual(before + 1, statistics.Overruns);
        Assert.AreEqual(Stopwatch.Frequency / 2, statistics.LongestWaitTicks);

        void Fill(int packets)
        {
            _time += Stopwatch.Frequency;
            for (var i = 0; i < packets / 64; i++)
            {
                Array.Fill(addresses, new DivertAddress { Timestamp = _time });
                gauge.Note(addresses, 64 * 100, _time + 1 + i);
            }
        }
    }

    private long _time = Stopwatch.Frequency;

    /// <summary>Handles for addresses with gaps between all of them; and each filter is one that the library takes.</summary>
    [TestMethod]
    [DataRow(254, DivertForm.Addresses, 6)]
    [DataRow(255, DivertForm.Fewest, 3)]
    [DataRow(1_000, DivertForm.Addresses, 13)]
    [DataRow(1_000, DivertForm.Fewest, 3)]
    [DataRow(10_000, DivertForm.Addresses, 121)]
    [DataRow(10_000, DivertForm.Fewest, 3)]
    public void Plan_NeedsThatManyHandles(int addresses, DivertForm form, int handles)
    {
        Imitation.Require();
        var arrangement = new DivertArrangement
        {
            MasterIndex = Master,
            LocalAddresses = [.. Enumerable.Range(0, addresses).Select(static i => new L3Address(0x0a00_0000u + ((uint)i * 2)))],
            HostAddresses = [L3Prefix.Parse("10.1.0.1/16")],
        };
        var plans = DivertPlan.ForEngine(arrangement, form);
        Assert.HasCount(handles, plans);
        var net = DivertPlan.ForSafetyNet(arrangement);
        Console.WriteLine($"{addresses} addresses, {form}: {plans.Count} handles, {net.Count} of the safety net");
        foreach (var plan in plans.Concat(net))
            Assert.IsNull(DivertHandle.Check(plan.Filter, plan.Layer), plan.Filter);
    }

    /// <summary>What DivertPortSettings.MaxInterfaces is for: handles for as many interfaces of one address, no index and no address next to another.</summary>
    [TestMethod]
    [DataRow(DivertPortSettings.MaxInterfaces, false, 35, 165)]
    [DataRow(DivertPortSettings.MaxInterfaces, true, 165, 480)]
    [DataRow(100, true, 5, 4)]
    public void Plan_OfAsManyInterfaces(int interfaces, bool isContainers, int handles, int ofTheSafetyNet)
    {
        uint[] indexes = [.. Enumerable.Range(0, interfaces).Select(static i => 100 + ((uint)i * 2))];
        L3Address[] addresses = [.. Enumerable.Range(0, interfaces).Select(static i => new L3Address(0x0a00_0000u + ((uint)i * 2)))];
        var arrangement = new DivertArrangement
        {
            MasterIndex = Master,
            LoopbackStandIns = isContainers ? [] : indexes,
            SwitchStandIns = isContainers ? indexes : [],
            LocalAddresses = isContainers ? [] : addresses,
            ForwardedAddresses = isContainers ? addresses : [],
            HostAddresses = [L3Prefix.Parse("10.1.0.1/16")],
        };
        Assert.AreEqual((handles, ofTheSafetyNet), (DivertPlan.ForEngine(arrangement, DivertForm.Fewest).Count, DivertPlan.ForSafetyNet(arrangement).Count));
    }

    private static DivertedTraffic Start(PortFlag flag)
    {
        Imitation.Require();
        // A safety net has processes of its own in other tests; here nothing is killed.
        var traffic = new DivertedTraffic(MakePort(PortFlag.Bridge), new DivertSettings { Form = DivertForm.Addresses });
        traffic.Apply(Arrangement(One, Two, "fd00::2"));
        traffic.Port.SetFlag(flag);
        return traffic;
    }

    private static Port MakePort(PortFlag flag)
    {
        var port = new Port("m0", MacAddress.Read([2, 0, 0, 0, 0, 1]), 1500);
        port.SetMasterUp(true);
        foreach (var (name, addresses) in ((string, string[])[])[("ipvl0", [One, "fd00::2"]), ("ipvl1", [Two])])
        {
            port.AddInterface(name, PortMode.L3, flag, out var added);
            port.SetUp(added!, true);
            foreach (var address in addresses)
                port.AddAddress(added!, L3Prefix.Parse(address));
        }
        return port;
    }

    private static DivertArrangement Arrangement(params string[] addresses) => new()
    {
        MasterIndex = Master,
        LocalAddresses = Array.ConvertAll(addresses, L3Address.Parse),
        HostAddresses = [L3Prefix.Parse("10.0.0.1/24")],
    };

    private static (byte[] Packet, DivertAddress Address) Wait()
    {
        var deadline = Environment.TickCount64 + 10_000;
        while (Environment.TickCount64 < deadline)
        {
            if (Imitation.TryTake() is { } taken)
                return taken;
            Thread.Yield();
        }
        throw new TimeoutException("nothing went back");
    }

    private static void Until(Func<bool> condition)
    {
        var deadline = Environment.TickCount64 + 10_000;
        while (!condition() && Environment.TickCount64 < deadline)
            Thread.Yield();
        Assert.IsTrue(condition());
    }

    /// <summary>The payload of fragments that came in order.</summary>
    private static byte[] Reassemble(List<byte[]> fragments)
    {
        var whole = new List<byte>();
        foreach (var fragment in fragments)
        {
            Assert.IsLessThanOrEqualTo(1500, fragment.Length);
            var isSix = fragment[0] >> 4 == 6;
            var bits = isSix ? BinaryPrimitives.ReadUInt16BigEndian(fragment.AsSpan(42)) & ~7 : (BinaryPrimitives.ReadUInt16BigEndian(fragment.AsSpan(6)) & 0x1fff) * 8;
            Assert.AreEqual(whole.Count, bits);
            var hasMore = isSix ? (fragment[43] & 1) != 0 : (fragment[6] & 0x20) != 0;
            Assert.AreEqual(fragment != fragments[^1], hasMore);
            if (isSix)
                Assert.AreEqual((44, 17), (fragment[6], fragment[40]));
            else
                Assert.IsTrue(Checksum.IsIpv4HeaderIntact(fragment.AsSpan(0, 20)));
            whole.AddRange(fragment[(isSix ? 48 : 20)..]);
        }
        return [.. whole];
    }
}
