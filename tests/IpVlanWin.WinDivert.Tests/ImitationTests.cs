using IpVlanWin.Devices.WinDivert;

namespace IpVlanWin.WinDivert.Tests;

/// <summary>
/// Each behaviour of the imitation, with the fact it comes from, holds; and does not where a switch takes it out or turns it round, so
/// that these tests would notice. Set DIVERT_SWITCHES to see that.
/// </summary>
[TestClass]
[DoNotParallelize]
public sealed class ImitationTests
{
    private const string Any = "true";

    [TestMethod]
    [DataRow("no-age", nameof(Queue_LosesWhatIsTooOld))]
    [DataRow("no-length", nameof(Queue_LosesTheOldestBeyondItsLength))]
    [DataRow("no-size", nameof(Queue_LosesTheOldestBeyondItsSize))]
    [DataRow("no-priority-rule", nameof(Injected_IsSeenByLowerPrioritiesOnly))]
    [DataRow("no-soft-failure", nameof(FailureInABatch_IsSoft))]
    [DataRow("no-ttl-rule", nameof(Impostor_LosesOneOfItsTtl))]
    [DataRow("no-ttl-rule", nameof(FailureInABatch_IsSoft))]
    [DataRow("no-completion", nameof(Checksums_NotVouchedFor_AreComputed))]
    [DataRow("no-close-reinjection", nameof(Close_GivesTheQueueBack))]
    [DataRow("close-passes", nameof(Close_ShowsTheQueueToLowerPriorities))]
    [DataRow("no-corruption", nameof(Filter_Of256Tests_IsCorrupt))]
    [DataRow("corrupt-matches-all", nameof(Filter_Of256Tests_IsCorrupt))]
    [DataRow("no-drop", nameof(Drop_Drops))]
    [DataRow("no-mtu-rule", nameof(Outbound_OverTheMtu_IsLost))]
    [DataRow("fragment-over-mtu", nameof(Outbound_OverTheMtu_IsLost))]
    [DataRow("no-loopback-rule", nameof(InboundLoopback_IsNotSeen))]
    [DataRow("no-flag-check", nameof(FlagsThatExclude_AreRefused))]
    [DataRow("no-batch-limit", nameof(Batch_Of256_IsRefused))]
    [DataRow("local-destinations", nameof(Forward_IsInjected))]
    [DataRow("newest-first", nameof(OfOnePriority_TheFirstOpenedSees))]
    public void Behaviour_Holds_AndIsMissedWhenTakenOut(string withoutIt, string behaviour)
    {
        Imitation.Require();
        var holds = (Func<bool>)Delegate.CreateDelegate(typeof(Func<bool>), typeof(ImitationTests).GetMethod(behaviour, System.Reflection.BindingFlags.NonPublic | System.Reflection.BindingFlags.Static)!);
        Assert.IsTrue(holds(), behaviour);
        Imitation.Require();
        Imitation.Switch(withoutIt);
        Assert.IsFalse(holds(), $"{behaviour} with {withoutIt}");
        Imitation.Require();
    }

    /// <summary>[D] GetParam and SetParam: defaults and ranges.</summary>
    [TestMethod]
    [DataRow(DivertParameter.QueueLength, 32ul, 4096ul, 16384ul)]
    [DataRow(DivertParameter.QueueTime, 100ul, 2000ul, 16000ul)]
    [DataRow(DivertParameter.QueueSize, 65535ul, 4194304ul, 33554432ul)]
    public void Parameters_HaveDocumentedRanges(DivertParameter parameter, ulong least, ulong usual, ulong most)
    {
        Imitation.Require();
        using var handle = DivertHandle.Open(Any, DivertLayer.Network, 0);
        Assert.AreEqual(usual, handle.Get(parameter));
        foreach (var value in (ulong[])[least, most])
        {
            handle.Set(parameter, value);
            Assert.AreEqual(value, handle.Get(parameter));
        }
        foreach (var value in (ulong[])[least - 1, most + 1])
            Assert.AreEqual(87, Assert.ThrowsExactly<DivertException>(() => handle.Set(parameter, value)).NativeError);
    }

    /// <summary>[D] Shutdown(RECV): the queue first, then 232; nothing new.</summary>
    [TestMethod]
    public void Shutdown_DrainsTheQueue()
    {
        Imitation.Require();
        using var handle = DivertHandle.Open(Any, DivertLayer.Network, 0);
        Divert(2);
        handle.Shutdown(DivertShutdown.Receive);
        Divert(1, first: 2);
        Assert.AreEqual("0 1", Numbers(handle, 2));
        Assert.AreEqual(232, Receive(handle, out _, out _));
        Assert.AreEqual("2", Numbers(Imitation.TakeAll()));
    }

    /// <summary>[D] Shutdown wakes whoever waits.</summary>
    [TestMethod]
    public async Task Shutdown_WakesTheReceiver()
    {
        Imitation.Require();
        using var handle = DivertHandle.Open(Any, DivertLayer.Network, 0);
        var receiving = Task.Run(() => Receive(handle, out _, out _));
        handle.Shutdown(DivertShutdown.Receive);
        Assert.AreEqual(232, await receiving.WaitAsync(TimeSpan.FromSeconds(10)));
    }

    /// <summary>[D] A packet longer than the buffer is cut, with 122.</summary>
    [TestMethod]
    public void ShortBuffer_Cuts()
    {
        Imitation.Require();
        using var handle = DivertHandle.Open(Any, DivertLayer.Network, 0);
        Divert(1);
        var packets = new byte[20];
        Assert.AreEqual(122, handle.Receive(packets, new DivertAddress[1], out var bytes, out var count));
        Assert.AreEqual((20, 1), (bytes, count));
    }

    /// <summary>[D] Sniff: a copy is diverted and the packet goes on.</summary>
    [TestMethod]
    public void Sniff_Copies()
    {
        Imitation.Require();
        using var handle = DivertHandle.Open(Any, DivertLayer.Network, 0, DivertOpenFlags.Sniff);
        Divert(1);
        Assert.HasCount(1, Imitation.TakeAll());
        var addresses = new DivertAddress[1];
        Assert.AreEqual(0, handle.Receive(new byte[2000], addresses, out _, out _));
        Assert.IsTrue(addresses[0].IsSniffed);
    }

    /// <summary>[S] Send on a handle that only receives, receive on one that only sends or drops.</summary>
    [TestMethod]
    public void OneWayHandles_RefuseTheOther()
    {
        Imitation.Require();
        var packet = Packets.Make("10.0.0.1", "10.0.0.2");
        using var receiving = DivertHandle.Open(Any, DivertLayer.Network, 0, DivertOpenFlags.ReceiveOnly);
        Assert.AreEqual(DivertError.NotPossible, DivertErrors.From(receiving.Send(packet, [Imitation.Outbound()])));
        using var sending = DivertHandle.Open(Any, DivertLayer.Network, 1, DivertOpenFlags.SendOnly);
        Assert.AreEqual(0, sending.Send(packet, [Imitation.Outbound()]));
        Assert.AreEqual(DivertError.NotPossible, DivertErrors.From(Receive(sending, out _, out _)));
    }

    /// <summary>[D] Each code that opening can give comes through with a message of its own.</summary>
    [TestMethod]
    [DataRow(2), DataRow(5), DataRow(87), DataRow(577), DataRow(654), DataRow(1058), DataRow(1060), DataRow(1275), DataRow(1753)]
    public void OpenError_SaysWhatToDo(int code)
    {
        Imitation.Require();
        Imitation.Switch("open-error", code);
        var refused = Assert.ThrowsExactly<DivertException>(() => DivertHandle.Open(Any, DivertLayer.Network, 0));
        Assert.AreEqual(code, refused.NativeError);
        Assert.AreEqual(DivertErrors.From(code), refused.Error);
        Assert.AreNotEqual(DivertError.Other, refused.Error);
        StringAssert.EndsWith(refused.Message, $"(error {code})");
    }

    /// <summary>[D] section 7: fields by layer, "not" before a test alone, at most 256 tests.</summary>
    [TestMethod]
    [DataRow("inbound", DivertLayer.Forward)]
    [DataRow("not (ip or ipv6)", DivertLayer.Network)]
    [DataRow("ip.DstAddr == 10.0.0.0/24", DivertLayer.Network)]
    [DataRow("arp", DivertLayer.Network)]
    [DataRow("(ip", DivertLayer.Network)]
    [DataRow("ip ipv6", DivertLayer.Network)]
    [DataRow("ipv6.DstAddr == 10.0.0.1", DivertLayer.Network)]
    public void Filter_Wrong_IsRefused(string filter, DivertLayer layer)
    {
        Imitation.Require();
        Assert.IsNotNull(DivertHandle.Check(filter, layer));
        Assert.AreEqual(87, Assert.ThrowsExactly<DivertException>(() => DivertHandle.Open(filter, layer, 0)).NativeError);
    }

    /// <summary>[D] more than 256 tests.</summary>
    [TestMethod]
    public void Filter_Of257Tests_IsRefused()
    {
        Imitation.Require();
        Assert.IsNotNull(DivertHandle.Check(Tests(257), DivertLayer.Network));
        Assert.IsNull(DivertHandle.Check(Tests(256), DivertLayer.Network));
    }

    /// <summary>[V] some builds of the library compute wrong UDP checksums.</summary>
    [TestMethod]
    public void ChecksumSelfTest_FindsAWrongLibrary()
    {
        Imitation.Require();
        Assert.IsNull(ChecksumSelfTest.Run());
        try
        {
            LibC.Set("DIVERT_WRONG_CHECKSUMS", "1");
            StringAssert.Contains(ChecksumSelfTest.Run(), "wrong UDP checksums");
        }
        finally
        {
            LibC.Set("DIVERT_WRONG_CHECKSUMS", null);
        }
    }

    // [S 5157]
    private static bool Queue_LosesWhatIsTooOld()
    {
        using var handle = DivertHandle.Open(Any, DivertLayer.Network, 0);
        handle.Set(DivertParameter.QueueTime, 100);
        Divert(1);
        Imitation.Advance(TimeSpan.FromMilliseconds(200));
        Divert(1, first: 1);
        return Numbers(handle, 1) == "1";
    }

    // [S 5167]
    private static bool Queue_LosesTheOldestBeyondItsLength()
    {
        using var handle = DivertHandle.Open(Any, DivertLayer.Network, 0);
        handle.Set(DivertParameter.QueueLength, 32);
        Divert(40);
        return Numbers(handle, 1) == "8";
    }

    // [S 5167]
    private static bool Queue_LosesTheOldestBeyondItsSize()
    {
        using var handle = DivertHandle.Open(Any, DivertLayer.Network, 0);
        handle.Set(DivertParameter.QueueSize, 65535);
        Divert(50, payload: 1472);
        return Numbers(handle, 1) == "7";
    }

    // [S 3865-3872], [D 5.4]
    private static bool Injected_IsSeenByLowerPrioritiesOnly()
    {
        using var high = DivertHandle.Open(Any, DivertLayer.Network, 10);
        using var middle = DivertHandle.Open(Any, DivertLayer.Network, 0);
        using var same = DivertHandle.Open(Any, DivertLayer.Network, 0);
        using var low = DivertHandle.Open(Any, DivertLayer.Network, -10);
        var packet = Packets.Make("10.0.0.1", "10.0.0.2");
        middle.Send(packet, [Imitation.Outbound()]);
        low.Shutdown(DivertShutdown.Receive);
        same.Shutdown(DivertShutdown.Receive);
        high.Shutdown(DivertShutdown.Receive);
        return Receive(low, out _, out _) == 0 && Receive(high, out _, out _) == 232 && Receive(same, out _, out _) == 232;
    }

    // [S]: the rest still go, and the last soft status comes back.
    private static bool FailureInABatch_IsSoft()
    {
        using var handle = DivertHandle.Open("false", DivertLayer.Network, 0);
        byte[] packets = [.. Packets.Make("10.0.0.1", "10.0.0.2", ttl: 1, number: 1), .. Packets.Make("10.0.0.1", "10.0.0.2", number: 2)];
        var error = handle.Send(packets, [Imitation.Outbound() with { IsImpostor = true }, Imitation.Outbound()]);
        return error == 1232 && Numbers(Imitation.TakeAll()) == "2";
    }

    // [D 5.7]
    private static bool Impostor_LosesOneOfItsTtl()
    {
        using var handle = DivertHandle.Open("false", DivertLayer.Network, 0);
        handle.Send(Packets.Make("10.0.0.1", "10.0.0.2", ttl: 9), [Imitation.Outbound() with { IsImpostor = true }]);
        handle.Send(Packets.Make("fd00::1", "fd00::2", ttl: 9), [Imitation.Outbound() with { IsImpostor = true }]);
        var sent = Imitation.TakeAll();
        return sent.Count == 2 && sent[0][8] == 8 && sent[1][7] == 8;
    }

    // [D 5.7]; [S] not ICMP
    private static bool Checksums_NotVouchedFor_AreComputed()
    {
        using var handle = DivertHandle.Open("false", DivertLayer.Network, 0);
        var right = true;
        foreach (var (protocol, field) in ((byte, int)[])[(Packets.Udp, 26), (Packets.Tcp, 36)])
        {
            var packet = Packets.Make("10.0.0.1", "10.0.0.2", protocol: protocol);
            var spoilt = (byte[])packet.Clone();
            spoilt[field] ^= 0xff;
            handle.Send(spoilt, [Imitation.Outbound() with { HasTcpChecksum = false, HasUdpChecksum = false }]);
            right &= Imitation.TakeAll() is [var sent] && sent.AsSpan().SequenceEqual(packet);
        }
        return right;
    }

    // [S]
    private static bool Close_GivesTheQueueBack()
    {
        using (DivertHandle.Open(Any, DivertLayer.Network, 0))
            Divert(2);
        return Numbers(Imitation.TakeAll()) == "0 1";
    }

    // [S 3865-3872]: injected by the driver at the closed handle's priority
    private static bool Close_ShowsTheQueueToLowerPriorities()
    {
        using var net = DivertHandle.Open(Any, DivertLayer.Network, -1, DivertOpenFlags.Drop);
        using (DivertHandle.Open(Any, DivertLayer.Network, 0))
            Divert(2);
        return Imitation.TakeAll().Count == 0;
    }

    // [V], [S 3266]: the count is kept in a byte
    private static bool Filter_Of256Tests_IsCorrupt()
    {
        using var corrupt = DivertHandle.Open(Tests(256), DivertLayer.Network, 1);
        using var sound = DivertHandle.Open(Tests(255), DivertLayer.Network, 0);
        Divert(1);
        sound.Shutdown(DivertShutdown.Receive);
        return Receive(sound, out _, out _) == 0;
    }

    // [D 5.4]
    private static bool Drop_Drops()
    {
        using var handle = DivertHandle.Open(Any, DivertLayer.Network, 0, DivertOpenFlags.Drop);
        Divert(1);
        return Imitation.TakeAll().Count == 0;
    }

    // [S]: silently
    private static bool Outbound_OverTheMtu_IsLost()
    {
        using var handle = DivertHandle.Open("false", DivertLayer.Network, 0);
        var packet = Packets.Make("10.0.0.1", "10.0.0.2", payload: 1473);
        var errors = handle.Send(packet, [Imitation.Outbound()]) | handle.Send(packet, [Imitation.Inbound()]);
        return errors == 0 && Imitation.TakeAll().Count == 1;
    }

    // [S 3636], [D 5.3]
    private static bool InboundLoopback_IsNotSeen()
    {
        using var handle = DivertHandle.Open(Any, DivertLayer.Network, 0);
        Imitation.Divert(Packets.Make("10.0.0.1", "10.0.0.2"), Imitation.Inbound() with { IsLoopback = true });
        return Imitation.TakeAll().Count == 1;
    }

    // [D 5.4]
    private static bool FlagsThatExclude_AreRefused()
    {
        foreach (var flags in (DivertOpenFlags[])[DivertOpenFlags.Sniff | DivertOpenFlags.Drop, DivertOpenFlags.ReceiveOnly | DivertOpenFlags.SendOnly])
        {
            try
            {
                DivertHandle.Open(Any, DivertLayer.Network, 0, flags).Dispose();
                return false;
            }
            catch (DivertException refused) when (refused.NativeError == 87)
            {
            }
        }
        return true;
    }

    // [S]: 20400 address bytes at most
    private static bool Batch_Of256_IsRefused()
    {
        using var handle = DivertHandle.Open("false", DivertLayer.Network, 0);
        var packets = Enumerable.Range(0, 256).SelectMany(static i => Packets.Make("10.0.0.1", "10.0.0.2", number: (ushort)i)).ToArray();
        var addresses = Enumerable.Repeat(Imitation.Outbound(), 256).ToArray();
        return handle.Send(packets, addresses) == 87;
    }

    // [S 2785-2803]: not where the address is the host's own
    private static bool Forward_IsInjected()
    {
        using var handle = DivertHandle.Open("false", DivertLayer.Forward, 0);
        handle.Send(Packets.Make("10.0.0.1", "10.0.0.2"), [Imitation.Forward()]);
        return Imitation.TakeAll().Count == 1;
    }

    // [D 5.4] leaves it undefined: either way, one of them sees it, once
    private static bool OfOnePriority_TheFirstOpenedSees()
    {
        using var one = DivertHandle.Open(Any, DivertLayer.Network, 0);
        using var two = DivertHandle.Open(Any, DivertLayer.Network, 0);
        Divert(1);
        one.Shutdown(DivertShutdown.Receive);
        two.Shutdown(DivertShutdown.Receive);
        var first = Receive(one, out _, out _);
        Assert.AreEqual(232, first + Receive(two, out _, out _));
        return first == 0;
    }

    private static string Tests(int count) => string.Join(" or ", Enumerable.Repeat("ip", count));

    private static void Divert(int count, int first = 0, int payload = 10)
    {
        for (var i = first; i < first + count; i++)
            Imitation.Divert(Packets.Make("10.0.0.1", "10.0.0.2", payload, number: (ushort)i), Imitation.Inbound());
    }

    private static int Receive(DivertHandle handle, out int bytes, out int count) =>
        handle.Receive(new byte[DivertLimits.MaxPacketLength], new DivertAddress[1], out bytes, out count);

    /// <summary>The numbers of packets received one by one.</summary>
    private static string Numbers(DivertHandle handle, int count)
    {
        var received = new List<byte[]>();
        var packets = new byte[DivertLimits.MaxPacketLength];
        for (var i = 0; i < count; i++)
        {
            Assert.AreEqual(0, handle.Receive(packets, new DivertAddress[1], out var bytes, out _));
            received.Add(packets[..bytes]);
        }
        return Numbers(received);
    }

    private static string Numbers(List<byte[]> packets) => string.Join(' ', packets.Select(static packet => (packet[4] << 8) | packet[5]));
}
